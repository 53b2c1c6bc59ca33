"""The exercises of notebook 03, Why does the parameter of my loss not train?"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lossutils.stateful import StatefulLoss
from lossutils.teaching.exercises.base import Exercise, per_sample, require

ERRORS = np.array([[0.5], [-1.5], [2.0], [0.1]], "float32")
ROOT_MEAN_SQUARE = float(np.sqrt(np.mean(ERRORS**2)))


class WhoTrains(Exercise):
    """Say of five places for a variable whether fit trains it."""

    wants_function = False
    asks_for = "trains"
    hints = (
        "fit differentiates with respect to the variables that the model tracks.",
        "A function and a Loss are no part of the model. A Keras variable that is an attribute "
        "of the model is, if it is there when the step is compiled.",
    )
    praise = "What the model tracks when the step is compiled trains, and nothing else."

    ANSWERS = {
        "a tf.Variable in a function around the loss": (
            False,
            "The model does not know what a function holds.",
        ),
        "a keras.Variable in a Loss": (False, "A Loss is not part of the model."),
        "a keras.Variable, made an attribute of the model before the first fit": (
            True,
            "Keras tracks variables that are attributes of the model.",
        ),
        "a keras.Variable, made an attribute of the model after the first fit": (
            False,
            "The compiled step has its list of variables since the first fit.",
        ),
        "a weight of a StatefulLoss in a ModelWithLoss": (
            True,
            "The loss is a layer there, and the model owns it.",
        ),
    }

    def reference():
        return {
            "a tf.Variable in a function around the loss": False,
            "a keras.Variable in a Loss": False,
            "a keras.Variable, made an attribute of the model before the first fit": True,
            "a keras.Variable, made an attribute of the model after the first fit": False,
            "a weight of a StatefulLoss in a ModelWithLoss": True,
        }

    def grade(self, answer):
        require(isinstance(answer, dict), "Fill in the dictionary: True or False for each place.")
        for place, (trains, why) in self.ANSWERS.items():
            given = answer.get(place, ...)
            require(given is not ..., f"Not answered yet: {place}.")
            require(isinstance(given, bool), f"Write True or False for {place}, not {given!r}.")
            require(given == trains, f"Look again at {place}. {why}")


class GaussianLoss(Exercise):
    """Write minus the log density of Gaussian errors with a trained standard deviation."""

    asks_for = "gaussian_loss"
    hints = (
        "The density is exp(-e^2 / (2 sigma^2)) / (sigma sqrt(2 pi)). Take minus its logarithm.",
        "1 / sigma^2 is ops.exp(-2.0 * log_sigma); the normaliser contributes log_sigma.",
    )
    praise = "The first term wants a large sigma, the second a small one; they meet at the truth."

    def reference(y_true, y_pred, log_sigma):
        squared = ops.square(y_true - y_pred) * ops.exp(-2.0 * log_sigma)
        return ops.mean(0.5 * squared + log_sigma, axis=-1)

    def grade(self, answer):
        zeros = tf.zeros_like(ERRORS)
        per_sample(answer(ERRORS, zeros, tf.constant(0.0)), 4)

        def slope(sigma):
            log_sigma = tf.Variable(np.float32(np.log(sigma)))
            with tf.GradientTape() as tape:
                value = tf.reduce_mean(answer(ERRORS, zeros, log_sigma))
            return tape.gradient(value, log_sigma)

        require(
            slope(1.0) is not None,
            "The loss does not depend on log_sigma, or leaves TensorFlow on the way.",
        )
        require(
            float(slope(50.0)) > 0,
            "For a very large sigma the loss should rise again. The term that pays is missing: "
            "the normaliser of the density, log sigma.",
        )
        require(
            not np.isclose(float(slope(0.05)), float(slope(50.0))),
            _why_only_the_normaliser(answer, zeros),
        )
        require(
            float(slope(0.05)) < 0,
            "For a very small sigma the loss should fall as sigma grows. Is it sigma, "
            "ops.exp(log_sigma), that divides the error, and is the sign of the exponent right?",
        )
        best = _zero_of(slope)
        require(
            not np.isclose(best, np.mean(np.abs(ERRORS)), rtol=0.02),
            f"The minimum is at sigma = {best:.2f}, the mean absolute error: that is the Laplace "
            "loss. Gaussian errors are squared.",
        )
        require(
            not np.isclose(np.log(best), ROOT_MEAN_SQUARE, rtol=0.02),
            f"At the minimum log_sigma is {np.log(best):.2f}, the root of the mean squared error: "
            "you use log_sigma as if it were sigma. Sigma is ops.exp(log_sigma).",
        )
        require(
            np.isclose(best, ROOT_MEAN_SQUARE, rtol=0.02),
            f"The minimum is at sigma = {best:.2f}; the root of the mean squared error is "
            f"{ROOT_MEAN_SQUARE:.2f}. Compare the factors of the two terms.",
        )


def _why_only_the_normaliser(loss, zeros):
    """Say why the slope of a loss with respect to log_sigma is the same for every sigma."""
    at_1, at_e = (np.mean(loss(ERRORS, zeros, tf.constant(value))) for value in (0.0, 1.0))
    if np.isclose(at_e - at_1, 1.0):
        return "Sigma does not scale the error: in the density e is divided by it."
    return (
        "The value depends on sigma twice, but only one of the two passes a gradient: the other "
        "has left TensorFlow. Write ops.exp, not np.exp."
    )


def _zero_of(slope):
    """The sigma at which the slope changes its sign, by bisection in log sigma."""
    low, high = np.log(0.05), np.log(50.0)
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if float(slope(np.exp(middle))) > 0 else (middle, high)
    return float(np.exp((low + high) / 2))


class LearnedSigma(StatefulLoss):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.log_sigma = self.add_weight(initializer="zeros", name="log_sigma")

    def call(self, y_true, y_pred):
        squared = ops.square(y_true - y_pred) * ops.exp(-2.0 * self.log_sigma)
        return ops.mean(0.5 * squared + self.log_sigma, axis=-1)


class GaussianScale(Exercise):
    """Make a StatefulLoss whose trained weight is the logarithm of sigma."""

    asks_for = "GaussianScale"
    hints = (
        'In __init__: self.log_sigma = self.add_weight(initializer="zeros", name="log_sigma").',
        "In call: the loss of exercise 2, with self.log_sigma.",
    )
    praise = "It learned the root of the mean squared error, and a model can own it."

    reference = LearnedSigma

    def grade(self, answer):
        require(
            isinstance(answer, type) and issubclass(answer, StatefulLoss),
            "Hand over the class itself, made from StatefulLoss, without brackets.",
        )
        loss, zeros = answer(), tf.zeros_like(ERRORS)
        per_sample(loss.call(ERRORS, zeros), 4)
        require(
            len(loss.trainable_variables) == 1,
            f"One trainable weight is wanted, but the layer tracks "
            f"{len(loss.trainable_variables)}. Make it with self.add_weight, in __init__.",
        )
        weight = loss.trainable_variables[0]
        require(
            tuple(weight.shape) == () and float(weight.numpy()) == 0.0,
            "The weight should be a single number that starts at 0, the logarithm of sigma = 1.",
        )
        require(
            np.all(np.isfinite(loss.call(ERRORS, zeros))),
            "At the start, where log sigma is 0, the loss is not finite: it divides by the weight "
            "itself, which is not sigma but its logarithm.",
        )
        self._train(loss, weight, zeros)
        sigma = float(np.exp(weight.numpy()))
        require(
            np.isclose(sigma, ROOT_MEAN_SQUARE, rtol=0.02),
            f"After training exp(weight) is {sigma:.2f}; it should be the root of the mean "
            f"squared error, {ROOT_MEAN_SQUARE:.2f}. Is the term that pays in the loss?",
        )

    @staticmethod
    def _train(loss, weight, zeros):
        optimizer = keras.optimizers.SGD(0.2)
        for _ in range(100):
            with tf.GradientTape() as tape:
                value = tf.reduce_mean(loss(ERRORS, zeros))
            gradient = tape.gradient(value, weight)
            require(gradient is not None, "The loss does not use its weight: no gradient arrives.")
            optimizer.apply([gradient], [weight])


who_trains = WhoTrains()
gaussian_loss = GaussianLoss()
gaussian_scale = GaussianScale()
