"""Typical wrong answers to the exercises of notebook 02, each with words of the fitting reply."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops


def excess(y_true, y_pred, epsilon):
    """The right value of the tube loss, for the rows whose mistake lies elsewhere."""
    return ops.mean(ops.relu(ops.abs(y_true - y_pred) - epsilon), axis=-1)


def returns_a_value(epsilon):
    return ops.relu(1.0 - epsilon)


def left_empty(epsilon):
    return lambda y_true, y_pred: ...


def batch_mean(epsilon):
    return lambda t, p: ops.mean(ops.relu(ops.abs(t - p) - epsilon))


def no_mean(epsilon):
    return lambda t, p: ops.relu(ops.abs(t - p) - epsilon)


def not_clamped(epsilon):
    return lambda t, p: ops.mean(ops.abs(t - p) - epsilon, axis=-1)


def absolute_error(epsilon):
    return lambda t, p: ops.mean(ops.abs(t - p), axis=-1)


def jumps(epsilon):
    return lambda t, p: ops.mean(ops.where(ops.abs(t - p) > epsilon, ops.abs(t - p), 0), axis=-1)


def squared(epsilon):
    return lambda t, p: ops.mean(ops.square(ops.relu(ops.abs(t - p) - epsilon)), axis=-1)


def one_sided(epsilon):
    return lambda t, p: ops.mean(ops.relu(p - t - epsilon), axis=-1)


def baked_number(epsilon):
    return lambda t, p: excess(t, p, 0.5)


def summed(epsilon):
    return lambda t, p: ops.sum(ops.relu(ops.abs(t - p) - epsilon), axis=-1)


def python_if(epsilon):
    def loss(t, p):
        if ops.abs(t - p) < epsilon:
            return 0.0
        return ops.mean(ops.abs(t - p) - epsilon, axis=-1)

    return loss


def with_numpy(epsilon):
    return lambda t, p: np.mean(np.maximum(np.abs(t - p) - epsilon, 0), axis=-1)


LATEST = {}


def shared_epsilon(epsilon):
    LATEST["epsilon"] = epsilon
    return lambda t, p: excess(t, p, LATEST["epsilon"])


register = keras.saving.register_keras_serializable(package="wrong_answers")


class Stub(keras.losses.Loss):
    """As the stub stands in the notebook."""

    def __init__(self, epsilon=1.0):
        super().__init__()
        self.epsilon = epsilon

    def call(self, y_true, y_pred):
        return excess(y_true, y_pred, self.epsilon)


class NotRegistered(Stub):
    def __init__(self, epsilon=1.0, name=None, **kwargs):
        keras.losses.Loss.__init__(self, name=name, **kwargs)
        self.epsilon = epsilon

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


@register
class OnlyRegistered(Stub):
    pass


@register
class ForgetsTheParent(NotRegistered):
    def get_config(self):
        return {"epsilon": self.epsilon}


@register
class NoKeywords(Stub):
    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


@register
class DropsKeywords(NotRegistered):
    def __init__(self, epsilon=1.0, **kwargs):
        super().__init__(epsilon)


@register
class WritesTheDefault(NotRegistered):
    def get_config(self):
        return {**super().get_config(), "epsilon": 1.0}


@register
class ScalarTube(NotRegistered):
    def call(self, y_true, y_pred):
        return ops.mean(super().call(y_true, y_pred))


@register
class IgnoresEpsilon(NotRegistered):
    def call(self, y_true, y_pred):
        return excess(y_true, y_pred, 1.0)


def squared_error(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def hill(distance, strength, width):
    return ops.mean(strength / (ops.square(distance / width) + 1.0), axis=-1)


def unbounded(centre, strength, width):
    return lambda t, p: squared_error(t, p) + ops.mean(
        strength / (ops.abs(p - centre) + 1e-8) ** 2, axis=-1
    )


def only_the_hill(centre, strength, width):
    return lambda t, p: hill(p - centre, strength, width)


def hill_on_the_label(centre, strength, width):
    return lambda t, p: squared_error(t, p) + hill(t - centre, strength, width)


def reward(centre, strength, width):
    return lambda t, p: squared_error(t, p) - hill(p - centre, strength, width)


def wrong_side(centre, strength, width):
    return lambda t, p: squared_error(t, p) + hill(p + centre, strength, width)


def still_at_zero(centre, strength, width):
    return lambda t, p: squared_error(t, p) + hill(p, strength, width)


def no_strength(centre, strength, width):
    return lambda t, p: squared_error(t, p) + hill(p - centre, 1.0, width)


def width_not_squared(centre, strength, width):
    def loss(t, p):
        return squared_error(t, p) + ops.mean(
            strength / (ops.square(p - centre) / width + 1.0), axis=-1
        )

    return loss


def gaussian(centre, strength, width):
    def loss(t, p):
        distance = ops.square((p - centre) / width)
        return squared_error(t, p) + ops.mean(
            strength * ops.exp(-np.float32(np.log(2)) * distance), axis=-1
        )

    return loss


def fixed_centre(centre, strength, width):
    return lambda t, p: squared_error(t, p) + hill(p - 0.5, strength, width)


def scalar_away(centre, strength, width):
    return lambda t, p: ops.mean(squared_error(t, p) + hill(p - centre, strength, width))


def stopped_hill(centre, strength, width):
    return lambda t, p: squared_error(t, p) + hill(tf.stop_gradient(p) - centre, strength, width)


WRONG = {
    "tube": [
        (3.0, "function itself"),
        (returns_a_value, "returns a function of y_true and y_pred"),
        (left_empty, "function returns nothing"),
        (batch_mean, "one number for the whole batch"),
        (no_mean, "(3, 1)"),
        (not_clamped, "negative loss"),
        (absolute_error, "charge the whole error"),
        (jumps, "Only the excess"),
        (squared, "the same, 1"),
        (one_sided, "size of the error first"),
        (baked_number, "own epsilon"),
        (summed, "mean over the two"),
        (with_numpy, "NumPy"),
        (python_if, "ops.where"),
        (lambda epsilon: lambda t, p: max(abs(t - p) - epsilon, 0.0), "ops.maximum"),
        (shared_epsilon, "yours cost"),
        (lambda: None, "TypeError"),
    ],
    "surviving_tube": [
        (Stub, "does not mention epsilon"),
        (OnlyRegistered, "does not mention epsilon"),
        (NotRegistered, "not registered"),
        (ForgetsTheParent, "super().get_config()"),
        (NoKeywords, "__init__ must take name"),
        (DropsKeywords, "reduction='sum'"),
        (WritesTheDefault, "made with 0.5"),
        (ScalarTube, "one number for the whole batch"),
        (IgnoresEpsilon, "should cost [0.0, 2.5]"),
        (shared_epsilon, "subclass of keras.losses.Loss"),
    ],
    "away_from": [
        (unbounded, "not bounded"),
        (only_the_hill, "squared error is missing"),
        (hill_on_the_label, "stands on the label"),
        (reward, "rewards hesitation"),
        (wrong_side, "at -0.5"),
        (still_at_zero, "still stands at 0"),
        (no_strength, "should be strength"),
        (width_not_squared, "half of strength"),
        (gaussian, "0.2 / 26"),
        (fixed_centre, "own parameters"),
        (scalar_away, "one number for the whole batch"),
        (stopped_hill, "slope of the hill"),
    ],
}
