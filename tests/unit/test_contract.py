"""The contract of StatefulLoss, applied to small losses, so that the contract itself is tested."""

import numpy as np
import pytest
from contract import SAMPLES, StatefulLossContract
from small_losses import CentredError, LaplaceNLL, RunningScaleError, TemperedCrossentropy


class TestLaplaceNLL(StatefulLossContract):
    bad_arguments = [({"reduction": "average"}, ["reduction", "average", "sum_over_batch_size"])]

    def make_loss(self):
        return LaplaceNLL(start=0.25)


class TestRunningScaleError(StatefulLossContract):
    outputs = 2

    def make_loss(self):
        return RunningScaleError(momentum=0.5)


class TestCentredError(StatefulLossContract):
    def make_loss(self):
        return CentredError()


class TestTemperedCrossentropy(StatefulLossContract):
    outputs = 3

    def make_loss(self):
        return TemperedCrossentropy()

    def make_labels(self, rng):
        return rng.integers(0, 3, size=(SAMPLES, 1))


class Coupled(CentredError):
    """CentredError that hides that it couples the samples."""

    couples_samples = False


def test_the_contract_notices_a_loss_that_couples_samples():
    contract = TestCentredError()
    contract.make_loss = Coupled
    model = StatefulLossContract.model.__wrapped__(contract)
    data = StatefulLossContract.data.__wrapped__(contract)
    with pytest.raises(AssertionError):
        contract.test_gives_one_value_per_sample(model, data)


class MovesAlways(RunningScaleError):
    """RunningScaleError that ignores whether it is training."""

    def call(self, y_true, y_pred, training=False):
        return super().call(y_true, y_pred, training=True)


def test_the_contract_notices_a_loss_that_moves_while_evaluating():
    contract = TestRunningScaleError()
    contract.make_loss = MovesAlways
    model = StatefulLossContract.model.__wrapped__(contract)
    data = StatefulLossContract.data.__wrapped__(contract)
    with pytest.raises(AssertionError):
        contract.test_evaluating_moves_nothing(model, data)
    assert np.isfinite(model.loss_layer.level.numpy())
