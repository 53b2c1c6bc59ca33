"""Typical wrong answers to the exercises of notebook 10, with a fragment of the reply to each."""

from math import gamma, lgamma

import numpy as np
import tensorflow as tf

RIGHT = {
    "balance": "squared error",
    "lidar": "learned scale",
    "contract": "huber, fixed",
    "form": "mend the data",
}


def _pull(x, alpha, scale):
    b = 2 - alpha
    return x / scale**2 * (1 + (x / scale) ** 2 / b) ** (alpha / 2 - 1)


def _by_the_loss(x, alpha, scale):
    """By finite differences of the plain formula, which has a hole at alpha = 0."""

    def loss(x):
        b = 2 - alpha
        return b / alpha * ((1 + (x / scale) ** 2 / b) ** (alpha / 2) - 1)

    return (loss(x + 1e-6) - loss(x - 1e-6)) / 2e-6


def _not_cancelled(x, alpha, scale):
    """The derivative as it comes, which divides by alpha."""
    b, s = 2 - alpha, (x / scale) ** 2
    return b / alpha * (alpha / 2) * (1 + s / b) ** (alpha / 2 - 1) * 2 * x / scale**2 / b


def _by_a_tape(x, alpha, scale):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        b = 2 - alpha
        value = b / (alpha or 1e-9) * ((1 + (x / scale) ** 2 / b) ** (alpha / 2) - 1)
    return tape.gradient(value, x).numpy()


def _z(p):
    return np.log(2 * gamma(1 + 1 / p))


def _summed(p):
    """log(Z) by a sum over 400 places, as the notebook has it."""
    t = np.linspace(-20, 20, 400)
    return np.log(np.sum(np.exp(-(np.abs(np.sinh(t)) ** p)) * np.cosh(t) * (t[1] - t[0])))


WRONG = {
    "pull": [
        (lambda x, a, c: -_pull(x, a, c), "The sign is turned round"),
        (lambda x, a, c: np.abs(_pull(x, a, c)), "keep the sign of x"),
        (lambda x, a, c: np.sqrt(1 + (x / c) ** 2) - 1, "This is the loss"),
        (lambda x, a, c: x / c**2, "the pull of the squared error"),
        (lambda x, a, c: x / c**2 * (1 + (x / c) ** 2 / (2 - a)) ** (a / 2), "lowers it by one"),
        (lambda x, a, c: 2 * _pull(x, a, c), "should pull with"),
        (lambda x, a, c: 0.5 * (1 + (x / c) ** 2 / (2 - a)) ** (a / 2 - 1), "inner derivative"),
        (lambda x, a, c: (1 + (x / c) ** 2 / (2 - a)) ** (a / 2 - 1), "inner derivative"),
        (lambda x, a, c: x / c**2 * (1 + (x / c) ** 2) ** (a / 2 - 1), "wrong for alpha = -2"),
        (lambda x, a, c: _by_the_loss(x, a, c) if a else 0 * x, "that of Cauchy's loss"),
        (_not_cancelled, "cancel on paper"),
        (lambda x, a, c: c * _pull(x, a, c), "wrong for scale 2"),
        (lambda x, a, c: _pull(x / c, a, 1.0), "wrong for scale 2"),
        (lambda x, a, c: tf.constant(_pull(x, a, c)), "This is a tensor"),
        (_by_a_tape, "Differentiate on paper"),
        (lambda x, a, c: _pull(x, a, c).mean(), "the shape ()"),
        (lambda x, a: x, "TypeError"),
    ],
    "priced_power": [
        (lambda x, p, c: np.abs(x / c) ** p, "the loss alone"),
        (lambda x, p, c: np.exp(-(np.abs(x / c) ** p)) / (2 * c * gamma(1 + 1 / p)), "its density"),
        (lambda x, p, c: np.exp(-(np.abs(x / c) ** p)), "its density"),
        (lambda x, p, c: np.abs(x / c) ** p + _z(p), "The scale goes unpaid"),
        (lambda x, p, c: np.abs(x / c) ** p + _summed(p), "The scale goes unpaid"),
        (lambda x, p, c: np.abs(x / c) ** p - np.log(c) + _z(p), "wide density"),
        (lambda x, p, c: np.abs(x / c) ** p - np.log(c) - _z(p), "wrong sign"),
        (lambda x, p, c: np.abs(x / c) ** p + np.log(c) - _z(p), "wrong sign"),
        (lambda x, p, c: np.abs(x / c) ** p + np.log(c), "The shape goes unpaid"),
        (
            lambda x, p, c: np.abs(x / c) ** p + np.log(c) + np.log(np.sqrt(np.pi)),
            "pays the same for every p",
        ),
        (lambda x, p, c: np.abs(x / c) ** p + np.log(c) + lgamma(1 + 1 / p), "both sides"),
        (lambda x, p, c: np.abs(x / c) ** p + np.log(c) + 2 * gamma(1 + 1 / p), "a logarithm"),
        (lambda x, p, c: x**2 / c**2 + np.log(c) + np.log(np.sqrt(np.pi)), "|x / scale|**p plus"),
        (lambda x, p, c: (x / c) ** p + np.log(c) + _z(p), "np.abs(x / scale)"),
        (lambda x, p, c: np.abs(x / c) ** p / p + np.log(c) + _z(p), "You divide"),
        (lambda x, p, c: np.abs(x / c) ** p + p * np.log(c) + _z(p), "log(scale), once"),
        (lambda x, p, c: np.abs(x / c) ** p + np.log(c) / 2 + _z(p), "should rise by log(2)"),
        (lambda x, p, c: np.mean(np.abs(x / c) ** p) + np.log(c) + _z(p), "the shape ()"),
        (lambda x, p: np.abs(x) ** p, "TypeError"),
    ],
    "which_loss": [
        ({"balance": "squared error"}, "Not answered yet"),
        (list(RIGHT.values()), "Fill in the dictionary"),
        ({**RIGHT, "balance": "welsch"}, "none of the four answers"),
        ({**RIGHT, "balance": "learned scale"}, "made for that"),
        ({**RIGHT, "lidar": "huber, fixed"}, "nobody knows how many"),
        ({**RIGHT, "lidar": "squared error"}, "nobody knows how many"),
        ({**RIGHT, "contract": "learned scale"}, "what an error costs"),
        ({**RIGHT, "form": "learned scale"}, "the best fit"),
    ],
}

ALSO_RIGHT = {
    "priced_power": [
        lambda x, p, c: np.abs(x / c) ** p + np.log(c) + _summed(p),
        lambda x, p, c: np.abs(x / c) ** p + np.log(2 * c) + lgamma(1 + 1 / p),
    ],
}
