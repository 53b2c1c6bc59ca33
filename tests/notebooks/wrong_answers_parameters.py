"""Typical wrong answers to the exercises of notebook 03, with a fragment of the reply to each."""

import keras
import numpy as np
from keras import ops

from lossutils import StatefulLoss

PLACES = [
    "a tf.Variable in a function around the loss",
    "a keras.Variable in a Loss",
    "a keras.Variable, made an attribute of the model before the first fit",
    "a keras.Variable, made an attribute of the model after the first fit",
    "a weight of a StatefulLoss in a ModelWithLoss",
]


def _answers(*values):
    return dict(zip(PLACES, values, strict=True))


def _squared(y_true, y_pred):
    return ops.square(y_true - y_pred)


def _laplace(y_true, y_pred, log_sigma):
    return ops.mean(ops.abs(y_true - y_pred) * ops.exp(-log_sigma) + log_sigma, axis=-1)


def _sigma_itself(y_true, y_pred, sigma):
    return ops.mean(0.5 * _squared(y_true, y_pred) / sigma**2 + ops.log(sigma), axis=-1)


class _NoWeight(StatefulLoss):
    def call(self, y_true, y_pred):
        return ops.mean(_squared(y_true, y_pred), axis=-1)


class _WeightInCall(StatefulLoss):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.log_sigma = keras.ops.convert_to_tensor(0.0)

    def call(self, y_true, y_pred):
        return ops.mean(_squared(y_true, y_pred), axis=-1) + self.log_sigma


class _Scalar(StatefulLoss):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.log_sigma = self.add_weight(initializer="zeros")

    def call(self, y_true, y_pred):
        return ops.mean(_squared(y_true, y_pred)) + self.log_sigma


class _Unpaid(_Scalar):
    def call(self, y_true, y_pred):
        return ops.mean(_squared(y_true, y_pred) * ops.exp(-2.0 * self.log_sigma), axis=-1)


class _StartsAtOne(StatefulLoss):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.sigma = self.add_weight(initializer="ones")

    def call(self, y_true, y_pred):
        squared = _squared(y_true, y_pred) / self.sigma**2
        return ops.mean(0.5 * squared + ops.log(self.sigma), axis=-1)


class _SigmaItself(_Scalar):
    def call(self, y_true, y_pred):
        return _sigma_itself(y_true, y_pred, self.log_sigma)


class _Unused(_Scalar):
    def call(self, y_true, y_pred):
        return ops.mean(_squared(y_true, y_pred), axis=-1)


class _PlainLoss(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(_squared(y_true, y_pred), axis=-1)


WRONG = {
    "who_trains": [
        (_answers(True, False, True, False, True), "what a function holds"),
        (_answers(False, True, True, False, True), "A Loss is not part of the model"),
        (_answers(False, False, False, False, True), "Keras tracks variables"),
        (_answers(False, False, True, True, True), "since the first fit"),
        (_answers(False, False, True, False, False), "the model owns it"),
        (_answers("no", False, True, False, True), "Write True or False"),
        ({}, "Not answered yet"),
        ([False, False, True, False, True], "Fill in the dictionary"),
    ],
    "gaussian_loss": [
        (
            lambda t, p, s: ops.mean(0.5 * _squared(t, p) * ops.exp(-2.0 * s) + s),
            "one number for the whole batch",
        ),
        (lambda t, p, s: ops.mean(0.5 * _squared(t, p) * ops.exp(-2.0 * s), axis=-1), "that pays"),
        (lambda t, p, s: ops.mean(0.5 * _squared(t, p) * ops.exp(2.0 * s) + s, axis=-1), "sign"),
        (_laplace, "Laplace"),
        (
            lambda t, p, s: ops.mean(_squared(t, p) * ops.exp(-2.0 * s) + s, axis=-1),
            "Compare the factors",
        ),
        (
            lambda t, p, s: ops.mean(0.5 * _squared(t, p) * ops.exp(-s) + s, axis=-1),
            "Compare the factors",
        ),
        (lambda t, p, s: ops.mean(_squared(t, p), axis=-1), "does not depend on log_sigma"),
        (lambda t, p, s: ops.mean(_squared(t, p) / np.exp(s) ** 2 / 2 + s, axis=-1), "not np.exp"),
        (lambda t, p, s: ops.mean(_squared(t, p) + s, axis=-1), "does not scale the error"),
        (_sigma_itself, "as if it were sigma"),
        (lambda t, p, s: ops.mean(0.5 * _squared(t, p) / s**2 + s, axis=-1), "ops.exp(log_sigma)"),
        (
            lambda t, p, s: ops.convert_to_tensor(
                np.mean((t - p) ** 2 * np.exp(-2 * float(s)) / 2 + float(s), axis=-1)
            ),
            "leaves TensorFlow",
        ),
        (lambda t, p, s: ..., "returns nothing"),
    ],
    "gaussian_scale": [
        (_NoWeight, "One trainable weight"),
        (_WeightInCall, "One trainable weight"),
        (_Scalar, "one number for the whole batch"),
        (_Unpaid, "term that pays"),
        (_StartsAtOne, "starts at 0"),
        (_Unused, "does not use its weight"),
        (_SigmaItself, "divides by the weight itself"),
        (_PlainLoss, "made from StatefulLoss"),
        (_NoWeight(), "made from StatefulLoss"),
    ],
}
