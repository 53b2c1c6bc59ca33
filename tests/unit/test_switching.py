"""Losses that change while a model trains, and the callbacks that change them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from contract import StatefulLossContract, arrays, equal, state
from keras import ops

from lossutils import ModelWithLoss
from lossutils.switching import (
    BlendedLoss,
    RampOverEpochs,
    StateSwitchedLoss,
    SwitchAtEpoch,
    SwitchedLoss,
    SwitchOnMetric,
)

NAMES = ["mean_squared_error", "mean_absolute_error"]
Y_TRUE, Y_PRED = tf.zeros((3, 1)), tf.constant([[1.0], [2.0], [-3.0]])
SQUARED, ABSOLUTE = [1.0, 4.0, 9.0], [1.0, 2.0, 3.0]


class TestSwitchedLoss(StatefulLossContract):
    moves = False
    bad_arguments = [
        ({"losses": []}, ["`losses`", "at least one loss", "[]"]),
        ({"losses": "mse"}, ["`losses`", "sequence", "mse"]),
        ({"losses": ["mse", "no_such_loss"]}, ["loss identifier", "no_such_loss"]),
        ({"losses": ["mse", 3]}, ["`losses`", "3"]),
        ({"losses": NAMES, "names": ["a"]}, ["`names`", "2 different", "('a',)"]),
        ({"losses": NAMES, "names": ["a", "a"]}, ["`names`", "different", "('a', 'a')"]),
        ({"losses": NAMES, "names": ["a", 3]}, ["`names`", "('a', 3)"]),
    ]

    def make_loss(self):
        return SwitchedLoss(NAMES)


class TestSwitchedToTheSecond(TestSwitchedLoss):
    def make_loss(self):
        loss = SwitchedLoss(NAMES)
        loss.activate(1)
        return loss

    def test_its_config_makes_it_again(self):
        again = SwitchedLoss.from_config(self.make_loss().get_config())
        assert again.names == tuple(NAMES) and again.active == 0  # a state is no setting


class TestBlendedLoss(StatefulLossContract):
    moves = False
    bad_arguments = [({"losses": ["mse"]}, ["`losses`", "exactly 2", "1"])]

    def make_loss(self):
        return BlendedLoss(NAMES)


class TestStateSwitchedLoss(StatefulLossContract):
    bad_arguments = [
        ({"losses": ["mse"], "lower": 1, "upper": 2}, ["`losses`", "exactly 2", "1"]),
        ({"losses": NAMES, "lower": 3, "upper": 2}, ["`upper`", "of at least 3", "is 2"]),
        ({"losses": NAMES, "lower": -1, "upper": 2}, ["`lower`", "at least 0", "-1"]),
        ({"losses": NAMES, "lower": 1, "upper": np.nan}, ["`upper`", "finite", "nan"]),
        ({"losses": NAMES, "lower": 1, "upper": 2, "momentum": 1.0}, ["`momentum`", "below 1"]),
    ]

    def make_loss(self):
        return StateSwitchedLoss(NAMES, lower=0.5, upper=0.9, momentum=0.5)


def small_model(loss, **compile_arguments):
    keras.utils.set_random_seed(5)
    network = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(1)]
    )
    model = ModelWithLoss(network, loss)
    model.compile(keras.optimizers.Adam(0.01), metrics=["mae"], **compile_arguments)
    return model


@pytest.fixture
def data():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(16, 2)).astype("float32")
    return x, x[:, :1] + 1


def fit(model, data, epochs, callbacks=(), **arguments):
    return model.fit(
        *data, epochs=epochs, batch_size=8, shuffle=False, verbose=0, callbacks=list(callbacks),
        **arguments,
    ).history


def by_function(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def scaled(factor):
    def loss(y_true, y_pred):
        return factor * by_function(y_true, y_pred)

    return loss


@pytest.mark.parametrize(
    "second", ["mae", by_function, keras.losses.MeanAbsoluteError()], ids=["name", "fn", "object"]
)
def test_only_the_active_loss_counts(second):
    loss = SwitchedLoss(["mse", second], names=["squared", "absolute"])
    assert loss(Y_TRUE, Y_PRED).numpy().tolist() == SQUARED
    loss.activate("absolute")
    assert (loss.active, loss.names[loss.active]) == (1, "absolute")
    assert loss(Y_TRUE, Y_PRED).numpy().tolist() == ABSOLUTE
    loss.activate(0)
    assert loss(Y_TRUE, Y_PRED).numpy().tolist() == SQUARED


def test_only_the_active_branch_runs():
    runs = []

    def counted(y_true, y_pred):
        tf.py_function(lambda: runs.append(1), [], [])
        return by_function(y_true, y_pred)

    loss = SwitchedLoss(["mse", counted])
    compiled = tf.function(loss)
    compiled(Y_TRUE, Y_PRED)
    assert runs == []
    loss.activate(1)
    compiled(Y_TRUE, Y_PRED)
    assert runs == [1]


@pytest.mark.parametrize("which", [2, -1, True, "mse", None, 0.0])
def test_an_unknown_loss_is_named(which):
    with pytest.raises(ValueError, match="`to` must be one of the names") as caught:
        SwitchedLoss(NAMES).activate(which)
    assert repr(which) in str(caught.value) and "mean_squared_error" in str(caught.value)


def test_a_scalar_is_refused():
    loss = SwitchedLoss([lambda y_true, y_pred: ops.mean(y_true - y_pred)], names=["batch mean"])
    with pytest.raises(ValueError, match="'batch mean' returned a scalar"):
        loss(Y_TRUE, Y_PRED)


@pytest.mark.parametrize(
    ("branch", "what"),
    [(scaled(3.0), "scaled"), (keras.losses.Huber(0.5), "huber")],
    ids=["closure", "Huber"],
)
def test_a_loss_that_would_not_come_back_is_not_saved(branch, what, tmp_path):
    model = small_model(SwitchedLoss(["mse", branch], names=["mse", "mine"]))
    with pytest.raises(ValueError, match=f"{what}.* cannot be saved"):
        model.save(tmp_path / "model.keras")


def test_blending_is_the_weighted_mean():
    loss = BlendedLoss(NAMES)
    loss.share = 0.25
    wanted = 0.75 * np.array(SQUARED) + 0.25 * np.array(ABSOLUTE)
    np.testing.assert_allclose(loss(Y_TRUE, Y_PRED), wanted, rtol=1e-6)
    for share in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="`share`"):
            loss.share = share


def batch_error(error):
    return tf.zeros((2, 1)), tf.fill((2, 1), float(error))


def test_two_thresholds_hold_until_the_other_is_passed():
    loss = StateSwitchedLoss(NAMES, lower=1.0, upper=2.0, momentum=0.0)
    seen = []
    for error in (0.5, 1.5, 2.5, 1.5, 1.2, 0.9, 1.9):
        loss(*batch_error(error), training=True)
        seen.append(loss.active)
    assert seen == [0, 0, 1, 1, 1, 0, 0]


def test_the_average_is_adams():
    loss = StateSwitchedLoss(NAMES, lower=10.0, upper=10.0, momentum=0.9)
    assert np.isnan(loss.average)
    total = 0.0
    for step, error in enumerate((1.0, 4.0, 2.0), start=1):
        loss(*batch_error(error), training=True)
        total = 0.9 * total + 0.1 * error
        assert loss.average == pytest.approx(total / (1 - 0.9**step), rel=1e-6)
    loss(*batch_error(100.0), training=False)
    assert loss.average == pytest.approx(total / (1 - 0.9**3), rel=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_switch_equals_two_fits_and_does_not_retrace(data, jit_compile):
    traces, after_epochs = [], []
    count = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: after_epochs.append(len(traces)))

    def counted(y_true, y_pred):
        traces.append(1)
        return by_function(y_true, y_pred)

    loss = SwitchedLoss(["mse", counted])
    model = small_model(loss, jit_compile=jit_compile)
    history = fit(model, data, 4, [SwitchAtEpoch(2, to=1), count])
    assert loss.active == 1 and after_epochs == [after_epochs[0]] * 4 and traces

    plain = small_model(SwitchedLoss(["mse"]), jit_compile=jit_compile).network
    optimizer = keras.optimizers.Adam(0.01)
    wanted = []
    for first_loss in ("mse", "mae"):
        plain.compile(optimizer, loss=first_loss, jit_compile=jit_compile)
        wanted += fit(plain, data, 2)["loss"]
    np.testing.assert_allclose(history["loss"], wanted, rtol=1e-5)


def test_a_ramp_is_linear(data):
    loss, shares = BlendedLoss(NAMES), []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: shares.append(loss.share))
    fit(small_model(loss), data, 6, [RampOverEpochs(start=1, length=4), watch])
    np.testing.assert_allclose(shares, [0, 0, 0.25, 0.5, 0.75, 1.0])


class Scripted(keras.callbacks.Callback):
    """Puts the value of a metric that the test dictates into the logs."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["script"] = self.values[epoch]


def active_after(data, values, losses=("mse", "mae"), **rule):
    loss, seen = SwitchedLoss(list(losses)), []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(loss.active))
    callbacks = [Scripted(values), SwitchOnMetric("script", **{"to": 1, **rule}), watch]
    fit(small_model(loss), data, len(values), callbacks)
    return seen


@pytest.mark.parametrize(
    ("values", "rule", "wanted"),
    [
        ([5, 4, 3, 2], {"patience": 1}, [0, 0, 0, 0]),
        ([5, 5, 5, 5], {"patience": 2}, [0, 0, 1, 1]),
        ([5, 5, 4, 4, 4], {"patience": 2}, [0, 0, 0, 0, 1]),
        ([5, 4.9, 4.8, 4.7], {"patience": 2, "min_delta": 0.5}, [0, 0, 1, 1]),
        ([1, 2, 3, 3], {"patience": 1, "mode": "max"}, [0, 0, 0, 1]),
        ([0.1, 0.1, 0.1], {"patience": 2}, [0, 0, 1]),  # float32 rounds 0.1 up, and 0.3
        ([0.3, 0.3, 0.3], {"patience": 2, "mode": "max"}, [0, 0, 1]),
        ([np.nan, 5, 4, 3, 3, 3], {"patience": 2}, [0, 0, 0, 0, 0, 1]),
        ([5, np.nan, 4, np.nan, np.nan], {"patience": 2}, [0, 0, 0, 0, 1]),
        ([np.inf, 5, 4, 3], {"patience": 2}, [0, 0, 0, 0]),
    ],
)
def test_a_plateau_switches(data, values, rule, wanted):
    assert active_after(data, values, **rule) == wanted


@pytest.mark.parametrize(
    ("cooldown", "wanted"), [(0, [0, 1, 1, 2, 2, 2]), (2, [0, 1, 1, 1, 1, 2])]
)
def test_plateau_after_plateau_with_cooldown(data, cooldown, wanted):
    losses = ("mse", "mae", "log_cosh")
    seen = active_after(
        data, [5.0] * 6, losses, to=[1, 2], patience=1, cooldown=cooldown
    )
    assert seen == wanted


def test_the_best_weights_come_back_at_a_switch(data):
    model, seen = small_model(SwitchedLoss(["mse", "mae"])), []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: seen.append(arrays(model.network.variables))
    )
    rule = SwitchOnMetric("script", to=1, patience=2, restore_best_weights=True)
    fit(model, data, 5, [Scripted([3, 1, 2, 2, 2]), rule, watch])
    assert equal(seen[4], seen[2]) and not equal(seen[3], seen[2])


@pytest.mark.parametrize(
    "rule",
    [
        lambda: SwitchAtEpoch(3, to=1),
        lambda: SwitchOnMetric("script", to=1, patience=3),
    ],
    ids=["epoch", "metric"],
)
def test_an_interrupted_fit_switches_where_the_unbroken_one_does(data, rule, tmp_path):
    values = [5.0] * 6

    def model_and_callbacks():
        return small_model(SwitchedLoss(["mse", "mae"])), [Scripted(values), rule()]

    unbroken, callbacks = model_and_callbacks()
    fit(unbroken, data, 6, callbacks)
    first_half, callbacks = model_and_callbacks()
    fit(first_half, data, 2, callbacks)
    first_half.save(tmp_path / "half.keras")
    resumed = keras.models.load_model(tmp_path / "half.keras")
    assert resumed.loss_layer.active == 0
    fit(resumed, data, 6, [Scripted(values), rule()], initial_epoch=2)
    assert resumed.loss_layer.active == 1
    assert equal(state(resumed), state(unbroken))


@pytest.mark.parametrize(("backup_comes", "first_new"), [("after", 4), ("before", 5)])
def test_the_backup_comes_after_the_rule(data, backup_comes, first_new, tmp_path):
    """With patience 3 the rule fires after epoch 3, and the power fails at the start of epoch 2."""
    epochs_with_new = []

    def attempt(fail_at=None):
        def begin(epoch, logs):
            if epoch == fail_at:
                raise RuntimeError("the power failed")
            if model.loss_layer.active == 1:
                epochs_with_new.append(epoch)

        model = small_model(SwitchedLoss(["mse", "mae"]), run_eagerly=True)
        watch = keras.callbacks.LambdaCallback(on_epoch_begin=begin)
        rule = SwitchOnMetric("script", to=1, patience=3)
        pair = [rule, keras.callbacks.BackupAndRestore(tmp_path)]
        order = pair if backup_comes == "after" else pair[::-1]
        fit(model, data, 7, [Scripted([5.0] * 7), *order, watch])

    with pytest.raises(RuntimeError, match="the power failed"):
        attempt(fail_at=2)
    attempt()
    assert epochs_with_new[0] == first_new


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SwitchAtEpoch(-1, to=0), ["`epoch`", "-1", "at least 0"]),
        (lambda: SwitchAtEpoch(1.5, to=0), ["`epoch`", "1.5", "whole number"]),
        (lambda: SwitchAtEpoch(True, to=0), ["`epoch`", "True", "whole number"]),
        (lambda: RampOverEpochs(-1, 2), ["`start`", "-1", "at least 0"]),
        (lambda: RampOverEpochs(0, 0), ["`length`", "0", "at least 1"]),
        (lambda: SwitchOnMetric("", to=1), ["`monitor`", "''", "name of a metric"]),
        (lambda: SwitchOnMetric("a", to=1, mode="up"), ["`mode`", "'up'", "min"]),
        (lambda: SwitchOnMetric("a", to=[]), ["`to`", "at least one loss", "[]"]),
        (lambda: SwitchOnMetric("a", to=1, patience=0), ["`patience`", "0", "at least 1"]),
        (lambda: SwitchOnMetric("a", to=1, cooldown=-1), ["`cooldown`", "-1", "at least 0"]),
        (lambda: SwitchOnMetric("a", to=1, min_delta=-1), ["`min_delta`", "-1", "at least 0"]),
        (
            lambda: SwitchOnMetric("a", to=1, restore_best_weights=1),
            ["`restore_best_weights`", "1", "True or False"],
        ),
    ],
)
def test_bad_arguments_are_refused(make, words):
    with pytest.raises(ValueError) as caught:
        make()
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_metric_that_is_not_there_is_named_with_those_that_are(data):
    model = small_model(SwitchedLoss(["mse", "mae"]))
    with pytest.raises(ValueError, match=r"\['loss', 'mae'\].*'val_mae'"):
        fit(model, data, 1, [SwitchOnMetric("val_mae", to=1)])


@pytest.mark.parametrize(
    "callback", [SwitchAtEpoch(1, to=1), SwitchOnMetric("mae", to=1), RampOverEpochs(0, 1)]
)
def test_a_model_without_such_a_loss_is_refused(data, callback):
    model = small_model(StateSwitchedLoss(NAMES, lower=1, upper=2))
    with pytest.raises(ValueError, match=r"must be a ModelWithLoss"):
        fit(model, data, 1, [callback])


def test_an_unknown_name_is_refused_at_the_start_of_fit(data):
    with pytest.raises(ValueError, match="`to`.*'hubris'"):
        fit(small_model(SwitchedLoss(NAMES)), data, 1, [SwitchAtEpoch(1, to="hubris")])


def test_a_loss_that_comes_twice_is_refused_at_the_start_of_fit(data):
    with pytest.raises(ValueError, match=r"`to` must hold different.*mean_absolute_error"):
        rule = SwitchOnMetric("mae", to=[1, 0, "mean_absolute_error"])
        fit(small_model(SwitchedLoss(NAMES)), data, 1, [rule])
