"""The exercises of notebook 03, Why does the parameter of my loss not train?"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lossutils.stateful import StatefulLoss
from lossutils.teaching.exercises import Exercise, changed, per_sample, quiz, require

ERRORS = np.array([[0.5], [-1.5], [2.0], [0.1]], "float32")
ZEROS = np.zeros_like(ERRORS)

who_trains = quiz(
    "trains",
    {
        "a tf.Variable in a function around the loss":
            "The model does not know what a function holds.",
        "a keras.Variable in a Loss": "A Loss is not part of the model.",
        "a keras.Variable, made an attribute of the model before the first fit":
            "Keras tracks variables that are attributes of the model.",
        "a keras.Variable, made an attribute of the model after the first fit":
            "The compiled step has its list of variables since the first fit.",
        "a weight of a StatefulLoss in a ModelWithLoss":
            "The loss is a layer there, and the model owns it.",
    },
    "fit differentiates with respect to the variables that the model tracks.",
    "A function and a Loss are no part of the model. A Keras variable that is an attribute "
    "of the model is, if it is there when the step is compiled.",
    right=(False, False, True, False, True),
    write="write True or False",
    unanswered="Not answered yet: {first}.",
    praise="What the model tracks when the step is compiled trains, and nothing else.",
)


def gaussian_loss(y_true, y_pred, log_sigma):
    squared = ops.square(y_true - y_pred) * ops.exp(-2.0 * log_sigma)
    return ops.mean(0.5 * squared + log_sigma, axis=-1)


def _slope(loss, sigma):
    """The slope of the mean loss over log sigma."""
    log_sigma = tf.Variable(np.float32(np.log(sigma)))
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(loss(ERRORS, ZEROS, log_sigma))
    slope = tape.gradient(value, log_sigma)
    require(slope is not None, "No gradient: the loss does not depend on log_sigma in TensorFlow.")
    return float(slope)


def _over_sigma(loss):
    per_sample(loss(ERRORS, ZEROS, tf.constant(0.0)), 4)
    slopes = np.array([_slope(loss, sigma) for sigma in (0.05, 0.5, 5.0, 50.0)])
    yield slopes / abs(slopes[-1]), (
        "The slopes over log_sigma should be as {wanted}, not {got}. Compare the factors of both."
    )


def _scaled(scale):
    """The Gaussian loss with another scale of the squares."""
    return lambda t, p, s: ops.mean(0.5 * ops.square(t - p) * scale(s) + s, axis=-1)


gaussian_loss = Exercise(
    gaussian_loss, _over_sigma,
    "The density is exp(-e^2 / (2 sigma^2)) / (sigma sqrt(2 pi)). Take minus its logarithm.",
    "1 / sigma^2 is ops.exp(-2.0 * log_sigma); the normaliser contributes log_sigma.",
    praise="The first term wants a large sigma, the second a small one; they meet at the truth.",
    slips={
        "For a large sigma the loss should rise again: the normaliser, log sigma, is missing.":
            lambda t, p, s: ops.mean(0.5 * ops.square(t - p) * ops.exp(-2.0 * s), axis=-1),
        "The loss falls with sigma on both sides: is the sign of the exponent "
        "right?": _scaled(lambda s: ops.exp(2.0 * s)),
        "That is the Laplace loss, and its best sigma is the mean absolute error. Gaussian errors "
        "are squared.": lambda t, p, s: ops.mean(ops.abs(t - p) * ops.exp(-s) + s, axis=-1),
        "Sigma does not scale the error, or it has left TensorFlow: write ops.exp, not np.exp.": [
            _scaled(lambda s: 1.0),
            _scaled(lambda s: np.exp(-2.0 * s)),
        ],
        "You use log_sigma as if it were sigma. Sigma is ops.exp(log_sigma).": [
            lambda t, p, s: ops.mean(0.5 * ops.square(t - p) / s**2 + ops.log(s), axis=-1),
            _scaled(lambda s: 1.0 / s**2),
        ],
        "Compare the factors": [
            _scaled(lambda s: 2.0 * ops.exp(-2.0 * s)),
            _scaled(lambda s: ops.exp(-s)),
        ],
        "does not depend on log_sigma": [
            lambda t, p, s: ops.mean(ops.square(t - p), axis=-1),
            lambda t, p, s: tf.constant(_scaled(lambda s: np.exp(-2 * s))(t, p, s).numpy()),
        ],
    },
)


class GaussianScale(StatefulLoss):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.log_sigma = self.add_weight(initializer="zeros", name="log_sigma")

    def call(self, y_true, y_pred):
        squared = ops.square(y_true - y_pred) * ops.exp(-2.0 * self.log_sigma)
        return ops.mean(0.5 * squared + self.log_sigma, axis=-1)


def _training(cls):
    loss = cls()
    costs = per_sample(loss.call(ERRORS, ZEROS), 4)
    yield len(loss.trainable_variables), (
        "One trainable weight is wanted, from self.add_weight in __init__; there are {got}."
    )
    weight = loss.trainable_variables[0]
    yield weight.numpy(), "The weight should be a single number that starts at 0, not {got}."
    yield bool(np.all(np.isfinite(costs))), (
        "At the start the loss is not finite: it divides by the weight itself, a logarithm."
    )
    optimizer = keras.optimizers.SGD(0.2)
    for _ in range(100):
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss(ERRORS, ZEROS))
        gradient = tape.gradient(value, weight)
        require(gradient is not None, "The loss does not use its weight: no gradient arrives.")
        optimizer.apply([gradient], [weight])
    yield np.exp(weight.numpy()), (
        "exp(weight) ends at {got:.2f}, not {wanted:.2f}. Is the term that pays in the loss?"
    )


def _with_weight(call, initializer="zeros"):
    """GaussianScale with another call, or another start of its weight."""

    def init(self, **kwargs):
        StatefulLoss.__init__(self, **kwargs)
        self.log_sigma = self.add_weight(initializer=initializer)

    return changed(GaussianScale, __init__=init, call=call)


def _sigma_itself(self, t, p):
    squared = ops.square(t - p) / self.log_sigma**2
    return ops.mean(0.5 * squared + ops.log(self.log_sigma), axis=-1)


def _unused(self, t, p):
    return ops.mean(ops.square(t - p), axis=-1)


def _unpaid(self, t, p):
    return ops.mean(ops.square(t - p) * ops.exp(-2.0 * self.log_sigma), axis=-1)


gaussian_scale = Exercise(
    GaussianScale, _training,
    'In __init__: self.log_sigma = self.add_weight(initializer="zeros", name="log_sigma").',
    "In call: the loss of exercise 2, with self.log_sigma.",
    tolerance=0.02,
    praise="It learned the root of the mean squared error, and a model can own it.",
    slips={
        "One trainable weight": changed(StatefulLoss, call=_unused),
        "starts at 0": _with_weight(_sigma_itself, initializer="ones"),
        "divides by the weight itself": _with_weight(_sigma_itself),
        "does not use its weight": _with_weight(_unused),
        "term that pays": _with_weight(_unpaid),
        "made from StatefulLoss": [changed(keras.losses.Loss, call=_unused), GaussianScale()],
    },
)
