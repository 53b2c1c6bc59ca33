"""Typical wrong answers to the exercises of notebook 09, with a fragment of the reply to each."""

import numpy as np
import tensorflow as tf
from keras import ops

from lossutils.stateful import StatefulLoss
from lossutils.teaching.exercises.switching_by_state import HuberThatFollows, WhichWay

RIGHT = WhichWay.reference()
DEAR, SIX, FLAG, MIX, NAN = RIGHT


def _root(y_true, y_pred):
    return ops.sqrt(ops.abs(y_true - y_pred))


def _one_where(y_true, y_pred):
    error = ops.abs(y_true - y_pred)
    return ops.mean(ops.where(error > 0, ops.sqrt(error), 0.0), axis=-1)


def _only_safe(y_true, y_pred):
    error = ops.abs(y_true - y_pred)
    return ops.mean(ops.sqrt(ops.where(error > 0, error, 1.0)), axis=-1)


def _numpy_root(y_true, y_pred):
    return tf.constant(np.mean(np.sqrt(np.abs(np.subtract(y_true, y_pred))), axis=-1))


def _no_gradient(y_true, y_pred):
    return ops.stop_gradient(ops.mean(_root(y_true, y_pred), axis=-1))


def _never_quite_0(y_true, y_pred):
    return ops.mean(ops.sqrt(ops.maximum(ops.abs(y_true - y_pred), 1e-12)), axis=-1)


def _shifted(y_true, y_pred):
    return ops.mean(ops.sqrt(ops.abs(y_true - y_pred) + 1e-9 * (y_pred + 10.0)), axis=-1)


def _steeper(y_true, y_pred):
    values = FOLLOWED(y_true, y_pred)
    return values + ops.stop_gradient(values) - values * 0.5 - ops.stop_gradient(values * 0.5)


def FOLLOWED(y_true, y_pred):  # noqa: N802 - a right answer that wrong ones start from
    error = ops.abs(y_true - y_pred)
    safe = ops.where(error > 0, error, 1.0)
    return ops.mean(ops.where(error > 0, ops.sqrt(safe), 0.0), axis=-1)


class _Base(HuberThatFollows):
    """The right answer, in parts; each wrong answer changes one of them."""

    factor, correct, always, first = 2.0, True, False, False

    def update(self, error):
        self.total.assign(0.9 * self.total + 0.1 * ops.mean(error))
        self.weight.assign(0.9 * self.weight + 0.1)

    def delta(self):
        return self.factor * (self.total / self.weight if self.correct else self.total)

    def huber(self, error, delta):
        capped = ops.minimum(error, delta)
        return ops.mean(capped**2 / 2 + delta * (error - capped), axis=-1)

    def call(self, y_true, y_pred, training=None):
        error = ops.abs(y_true - y_pred)
        if training or self.always:
            self.update(error)
        return self.huber(error, self.delta())


class NotCorrected(_Base):
    correct = False


class NoFactor(_Base):
    factor = 1.0


class AlsoInEvaluation(_Base):
    always = True


class LastBatchOnly(_Base):
    def update(self, error):
        self.total.assign(ops.mean(error))
        self.weight.assign(1.0)


class PlainSum(_Base):
    def update(self, error):
        self.total.assign(self.total + ops.mean(error))
        self.weight.assign(self.weight + 1.0)


class Trainable(_Base):
    def __init__(self, **kwargs):
        StatefulLoss.__init__(self, **kwargs)
        self.total = self.add_weight(shape=(), initializer="zeros")
        self.weight = self.add_weight(shape=(), initializer="zeros")


class NoWeights(_Base):
    def __init__(self, **kwargs):
        StatefulLoss.__init__(self, **kwargs)
        self.state = [0.0, 0.0]

    def call(self, y_true, y_pred, training=None):
        error = ops.abs(y_true - y_pred)
        if training:
            self.state = [0.9 * self.state[0] + 0.1 * ops.mean(error), 0.9 * self.state[1] + 0.1]
        return self.huber(error, 2 * self.state[0] / self.state[1])


class ThroughDelta(_Base):
    def call(self, y_true, y_pred, training=None):
        error = ops.abs(y_true - y_pred)
        total, weight = self.total + 0.0, self.weight + 0.0
        if training:
            total = 0.9 * self.total + 0.1 * ops.mean(error)
            weight = 0.9 * self.weight + 0.1
            self.total.assign(total)
            self.weight.assign(weight)
        return self.huber(error, 2 * total / weight)


class ScalarLoss(_Base):
    def huber(self, error, delta):
        return ops.mean(super().huber(error, delta))


class Rebound(_Base):
    def update(self, error):
        self.total = 0.9 * self.total + 0.1 * ops.mean(error)
        self.weight = 0.9 * self.weight + 0.1


class NeverUpdated(_Base):
    def update(self, error):
        pass


class UpdatedAfter(_Base):
    correct = False

    def call(self, y_true, y_pred, training=None):
        error = ops.abs(y_true - y_pred)
        values = self.huber(error, self.delta())
        if training:
            self.update(error)
        return values


class Squares(_Base):
    def huber(self, error, delta):
        return ops.mean(error**2, axis=-1)


class UsesTheLastBatchInEvaluation(_Base):
    def call(self, y_true, y_pred, training=None):
        error = ops.abs(y_true - y_pred)
        if training:
            self.update(error)
            return self.huber(error, self.delta())
        return self.huber(error, 2 * ops.mean(error))


WRONG = {
    "which_way": [
        ({DEAR: "cond"}, "Not answered yet"),
        (list(RIGHT.values()), "Fill in the dictionary"),
        ({**RIGHT, DEAR: "if"}, "none of the four ways"),
        ({**RIGHT, DEAR: "where"}, "do not run it while it is off"),
        ({**RIGHT, SIX: "where"}, "compute all six"),
        ({**RIGHT, SIX: "blend"}, "compute all six"),
        ({**RIGHT, FLAG: "cond"}, "element by element"),
        ({**RIGHT, MIX: "where"}, "needs a slope"),
        ({**RIGHT, NAN: "where"}, "0 times NaN is NaN"),
        ({**RIGHT, NAN: "blend"}, "0 times NaN is NaN"),
    ],
    "root_loss": [
        (lambda y, p: ops.mean(_root(y, p)), "one number for the whole batch"),
        (_root, "the shape (3, 2)"),
        (lambda y, p: ops.mean(ops.sqrt(y - p), axis=-1), "wants the absolute"),
        (lambda y, p: ops.mean(_root(y, p), axis=-1), "the slope at an error of 0"),
        (_one_where, "the slope at an error of 0"),
        (_only_safe, "costs 1 in your loss"),
        (lambda y, p: ops.mean(ops.sqrt(ops.abs(y - p) + 0.01), axis=-1), "should cost"),
        (lambda y, p: ops.mean(ops.abs(y - p), axis=-1), "should cost"),
        (lambda y, p: ops.sqrt(ops.mean(ops.abs(y - p), axis=-1)), "the root of each error first"),
        (lambda y, p: ops.square(ops.mean(_root(y, p), axis=-1)), "the root of each error first"),
        (_no_gradient, "no gradient reaches"),
        (_numpy_root, "NotImplementedError"),
        (_shifted, "the slope should be 0"),
        (_never_quite_0, "should cost exactly 0"),
        (_steeper, "that of the plain root"),
        (lambda y: y, "TypeError"),
    ],
    "following_huber": [
        (NotCorrected, "a tenth of what it should be"),
        (NoFactor, "the factor 2 is missing"),
        (AlsoInEvaluation, "in evaluation too"),
        (LastBatchOnly, "the second is not"),
        (PlainSum, "the second is not"),
        (Trainable, "trainable=False"),
        (NoWeights, "has no weights"),
        (ThroughDelta, "the gradient also goes through delta"),
        (ScalarLoss, "one number for the whole batch"),
        (Rebound, "binds the name to another thing"),
        (NeverUpdated, "is not finite"),
        (UpdatedAfter, "costs nothing"),
        (Squares, "should be 4"),
        (UsesTheLastBatchInEvaluation, "in evaluation too"),
        (lambda: 3, "derived from StatefulLoss"),
        (HuberThatFollows(), "TypeError"),
    ],
}

ALSO_RIGHT = {"which_way": [{**RIGHT, SIX: "cond"}]}
