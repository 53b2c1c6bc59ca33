"""Two replicas of MirroredStrategy on logical CPUs train like one device, where the loss allows it.

Devices cannot be split once TensorFlow runs, so everything here is computed in another process.
"""

import keras
import numpy as np
import pytest
from contract import arrays, replicas, train_on
from keras import ops
from small_losses import LaplaceNLL, RunningScaleError

from lossutils import ModelWithLoss, huber, weighted_binary_crossentropy

X = np.random.default_rng(0).normal(size=(16, 2)).astype("float32")
Y = (X[:, :1] > 0.3).astype("float32")
WEIGHTS = np.linspace(0.5, 1.5, 16, dtype="float32")


class Bounded(keras.layers.Layer):
    """Adds a penalty that depends on the batch. (Keras 3.13 sums an activity regularizer up.)"""

    def call(self, x):
        self.add_loss(0.1 * ops.mean(ops.square(x)))
        return x


def network():
    """A small network with two penalties; the same at every call."""
    keras.utils.set_random_seed(5)
    return keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(3, "tanh", kernel_regularizer=keras.regularizers.L2(0.1)),
            Bounded(),
            keras.layers.Dense(1),
        ]
    )


def scalar_huber(y_true, y_pred):
    """The recipe of the web: the mean over the batch as one number."""
    return ops.mean(huber()(y_true, y_pred))


def plain(loss):
    """A network that is handed its loss by compile."""
    model = network()
    model.compile(keras.optimizers.SGD(0.1), loss=loss)
    return model


def owning(loss):
    """A network and a loss under one model."""
    model = ModelWithLoss(network(), loss)
    model.compile(keras.optimizers.SGD(0.1))
    return model


MODELS = {
    "huber": lambda: plain(huber(0.3)),
    "binary": lambda: plain(weighted_binary_crossentropy((0.3, 2), from_logits=True)),
    "laplace": lambda: owning(LaplaceNLL(start=0.3)),
    "running": lambda: owning(RunningScaleError()),
}


def outcome(name):
    """Train and evaluate one of MODELS: (losses, evaluation, variables)."""
    model = MODELS[name]()
    losses = train_on(model, X, Y, 3, WEIGHTS)
    figure = model.evaluate(X, Y, sample_weight=WEIGHTS, batch_size=8, verbose=0)
    return losses, figure, arrays(model.variables)


def outcome_of_two(name):
    """The same on two replicas."""
    with replicas().scope():
        return outcome(name)


def scalar_step():
    """Loss and kernel after one step with the scalar loss, from a kernel of ones."""
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")]
    )
    model.compile(keras.optimizers.SGD(0.1), loss=scalar_huber)
    loss = model.fit(X, Y, batch_size=16, verbose=0).history["loss"][0]
    return loss, arrays(model.variables)[0]


def scalar_step_of_two():
    """The same on two replicas."""
    with replicas().scope():
        return scalar_step()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.slow
def test_two_replicas_equal_one_device(name, other_process):
    there = other_process.submit(outcome_of_two, name)
    losses, figure, variables = outcome(name)
    losses_2, figure_2, variables_2 = there.result()
    np.testing.assert_allclose(losses_2, losses, rtol=1e-5)
    assert figure_2 == pytest.approx(figure, rel=1e-5)
    for one, two in zip(variables, variables_2, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-6)


def test_a_loss_that_returns_a_scalar_counts_twice(other_process):
    """The contrast: this is what the tests above would see."""
    there = other_process.submit(scalar_step_of_two)
    loss, kernel = scalar_step()
    loss_2, kernel_2 = there.result()
    assert loss_2 == pytest.approx(2 * loss, rel=1e-5)
    np.testing.assert_allclose(kernel_2 - 1, 2 * (kernel - 1), rtol=1e-4)
