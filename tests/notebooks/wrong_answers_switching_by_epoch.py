"""Typical wrong answers to the exercises of notebook 07, with a fragment of the reply to each."""

import keras
import tensorflow as tf
from keras import ops

from lossutils import StatefulLoss, huber

RIGHT = {
    "a Python number that the loss reads": False,
    "model.loss": False,
    "model.compile with the new loss": False,
    "a variable that the loss reads": True,
    "a non-trainable weight of a StatefulLoss that the model owns": True,
}


def _pieces(y_true, y_pred, delta, small, large):
    """One value per sample from a formula for small errors and one for large ones."""
    e = ops.abs(y_true - y_pred)
    return ops.mean(ops.where(e <= delta, small(e, delta), large(e, delta)), axis=-1)


def _signed(y_true, y_pred, delta):
    e = y_true - y_pred
    return ops.mean(ops.where(e <= delta, e**2, 2 * delta * e - delta**2), axis=-1)


def _moving(start=3.0, trainable=False, shape=()):
    """A base for wrong answers: the weight is made, `call` is still to be written."""

    class Base(StatefulLoss):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.delta = self.add_weight(
                shape=shape,
                initializer=keras.initializers.Constant(start),
                trainable=trainable,
                name="delta",
            )

        def call(self, y_true, y_pred):
            return _huber(y_true, y_pred, self.delta)

    return Base


def _huber(y_true, y_pred, delta):
    e = ops.abs(y_true - y_pred)
    capped = ops.minimum(e, delta)
    return ops.mean(ops.square(capped) / 2 + delta * (e - capped), axis=-1)


class PlainNumber(StatefulLoss):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.delta = 3.0

    def call(self, y_true, y_pred):
        return _huber(y_true, y_pred, self.delta)


class TfVariable(PlainNumber):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.delta = tf.Variable(3.0, trainable=False)


class WeightUnused(_moving()):
    def call(self, y_true, y_pred):
        return _huber(y_true, y_pred, 3.0)


class CopiedInInit(_moving()):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.number = float(self.delta.numpy())

    def call(self, y_true, y_pred):
        return _huber(y_true, y_pred, self.number)


class SquaredOnly(_moving()):
    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=-1)


class CappedOnly(_moving()):
    def call(self, y_true, y_pred):
        capped = ops.minimum(ops.abs(y_true - y_pred), self.delta)
        return ops.mean(ops.square(capped) / 2, axis=-1)


class BatchMean(_moving()):
    def call(self, y_true, y_pred):
        return ops.mean(_huber(y_true, y_pred, self.delta))


class FloatInCall(_moving()):
    def call(self, y_true, y_pred):
        return _huber(y_true, y_pred, float(self.delta))


class NotAStatefulLoss(keras.losses.Loss):
    pass


WRONG = {
    "who_notices": [
        ({"model.loss": False}, "Not answered yet"),
        (list(RIGHT.values()), "Fill in the dictionary"),
        ({**RIGHT, "model.loss": "no"}, "Write True or False"),
        ({**RIGHT, "a Python number that the loss reads": True}, "since the first trace"),
        ({**RIGHT, "model.loss": True}, "never reads that attribute"),
        ({**RIGHT, "model.compile with the new loss": True}, "takes the compiled step away"),
        ({**RIGHT, "a variable that the loss reads": False}, "reads a variable each time"),
        (
            {**RIGHT, "a non-trainable weight of a StatefulLoss that the model owns": False},
            "the optimizer leaves it alone",
        ),
    ],
    "continuing_huber": [
        (lambda y, p, delta: huber(delta)(y, p), "Huber's loss as it is"),
        (lambda y, p, delta: ops.mean(ops.square(y - p), axis=-1), "the squared error itself"),
        (lambda y, p, delta: 4 * huber(delta)(y, p), "the squared errors are 0.04 and 0.25"),
        (lambda y, p, delta: 0.5 * huber(delta)(y, p), "the squared errors are 0.04 and 0.25"),
        (
            lambda y, p, delta: _pieces(y, p, delta, lambda e, d: e**2, lambda e, d: e - 0.5 * d),
            "do not meet",
        ),
        (
            lambda y, p, delta: _pieces(y, p, delta, lambda e, d: e**2, lambda e, d: 2 * d * e),
            "do not meet",
        ),
        (
            lambda y, p, delta: _pieces(y, p, delta, lambda e, d: e**2, lambda e, d: d * e),
            "which is 2; yours is 1.00",
        ),
        (
            lambda y, p, delta: _pieces(y, p, delta, lambda e, d: e**2, lambda e, d: d**2 + 0 * e),
            "which is 2; yours is 0.00",
        ),
        (_signed, "4 and -4 should cost the same"),
        (lambda y, p, delta: 2 * huber(1.0)(y, p), "for delta = 3 it is not"),
        (lambda y, p, delta: ops.mean(2 * huber(delta)(y, p)), "one number for the whole batch"),
        (lambda y, p, delta: 2 * ops.square(y - p), "Average over the last axis"),
        (lambda y, p: 2 * huber(1.0)(y, p), "TypeError"),
    ],
    "moving_huber": [
        (NotAStatefulLoss, "Hand over the class itself"),
        (_moving()(), "Hand over the class itself"),
        (_moving(trainable=True), "Your delta trains"),
        (PlainNumber, "a plain number would be baked in"),
        (TfVariable, "the layer tracks 0"),
        (_moving(start=1.0), "starts at 3"),
        (_moving(shape=(1,)), "a single number"),
        (WeightUnused, "does not notice"),
        (CopiedInInit, "does not notice"),
        (SquaredOnly, "At the start"),
        (CappedOnly, "At the start"),
        (BatchMean, "one number for the whole batch"),
        (FloatInCall, "no value that Python could take out"),
    ],
}
