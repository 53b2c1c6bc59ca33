"""Small losses with state that the unit tests train, save and load.

They live in a module of their own so that a fresh process can import them by name.
"""

import keras
import numpy as np
from keras import ops

from lossutils import StatefulLoss

register = keras.saving.register_keras_serializable(package="small_losses")


@register
class LaplaceNLL(StatefulLoss):
    """Negative log-likelihood of Laplace noise; the logarithm of its scale is trained."""

    def __init__(self, start: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.start = start
        self.log_scale = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(start), name="log_scale"
        )

    def call(self, y_true, y_pred):
        error = ops.mean(ops.abs(y_true - y_pred), axis=-1)
        return error * ops.exp(-self.log_scale) + self.log_scale + np.log(2)

    def get_config(self):
        return {**super().get_config(), "start": self.start}


@register
class RunningScaleError(StatefulLoss):
    """Squared error divided by a running mean of it, which moves only while training."""

    def __init__(self, momentum: float = 0.75, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.level = self.add_weight(
            shape=(), initializer="ones", trainable=False, name="level", aggregation="mean"
        )
        self.steps = self.add_weight(
            shape=(), initializer="zeros", trainable=False, name="steps", aggregation="mean"
        )

    def call(self, y_true, y_pred, training=False):
        values = ops.mean(ops.square(y_true - y_pred), axis=-1)
        scaled = values / self.level
        if training:
            now = ops.stop_gradient(ops.mean(values))
            self.level.assign(self.momentum * self.level + (1 - self.momentum) * now)
            self.steps.assign(self.steps + 1.0)
        return scaled

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum}


@register
class CentredError(StatefulLoss):
    """Squared error after the batch mean of the errors is taken away; it couples the samples."""

    couples_samples = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.offset = self.add_weight(shape=(), initializer="ones", name="offset")

    def call(self, y_true, y_pred):
        error = y_true - y_pred
        centred = error - ops.mean(error) - self.offset
        return ops.mean(ops.square(centred), axis=-1)


@register
class TemperedCrossentropy(StatefulLoss):
    """Cross-entropy of class indices with a trained temperature."""

    labels_like_predictions = False

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.log_temperature = self.add_weight(
            shape=(), initializer="zeros", name="log_temperature"
        )

    def call(self, y_true, y_pred):
        return keras.losses.sparse_categorical_crossentropy(
            y_true, y_pred * ops.exp(-self.log_temperature), from_logits=True
        )


@register
class TwoOutputError(StatefulLoss):
    """Weighted squared errors of two outputs, given as a list or as a dict."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.log_weights = self.add_weight(shape=(2,), initializer="zeros", name="log_weights")

    def call(self, y_true, y_pred):
        pairs = zip(keras.tree.flatten(y_true), keras.tree.flatten(y_pred), strict=True)
        errors = [ops.mean(ops.square(t - p), axis=-1) for t, p in pairs]
        s = self.log_weights
        return sum(ops.exp(-s[i]) * error + s[i] for i, error in enumerate(errors))
