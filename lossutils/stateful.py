"""Losses with state: a loss that holds variables is a layer, and the model owns it.

``fit`` differentiates with respect to the variables that the model tracks, and ``save`` stores the
same ones. A variable that lives in a closure or in a ``keras.losses.Loss`` is on neither list: it
neither trains nor is saved, and nothing says so. ``StatefulLoss`` is a layer, and ``ModelWithLoss``
owns it next to the network, so both lists hold its variables.
"""

import inspect
from collections.abc import Callable
from types import MappingProxyType

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lossutils import arguments, keras_internals


class StatefulLoss(keras.layers.Layer):
    """Base class of losses that hold variables: trained ones, or a state that callbacks set.

    A subclass makes its variables in ``__init__`` (``self.add_weight``), after calling
    ``super().__init__``, and computes in ``call(y_true, y_pred)`` one value per sample.
    What ``__init__`` is given is noted and saved, and so are the variables. Only a class that is
    given something else than numbers, text, and lists or dicts of them writes a ``get_config``.

    What ``call`` has an argument for it is told: ``training``, whether the step trains or only
    evaluates; and ``sample_weight``, how much each sample counts (weights times mask, None where
    all count alike). The values are weighed afterwards, by Keras: ``sample_weight`` is there for a
    state, see ``weighted_mean``.

    The loss computes in float32 also inside a mixed_float16 model, because its dtype is its own.

    Args:
        reduction: how the per-sample values become one number, as in ``keras.losses.Loss``.
        name: name of the layer.
        dtype: dtype of variables and arithmetic.
        **kwargs: whatever ``keras.layers.Layer`` takes besides.

    Shapes:
        ``y_true`` and ``y_pred`` (batch, ...), result (batch, ...) with at least the batch axis.
        Labels must have the shape of the predictions, unless the class sets
        ``labels_like_predictions = False`` (class indices against logits, say).

    Raises:
        ValueError: handed to ``compile(loss=...)``, where its variables would never train; labels
            and predictions of different shapes; an unknown reduction.

    Example: the scale of Laplace noise, learned by maximum likelihood. At the optimum the scale is
    the mean absolute error.

    >>> import numpy as np
    >>> class LaplaceNLL(StatefulLoss):
    ...     def __init__(self, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.log_scale = self.add_weight(shape=(), initializer="zeros", name="log_scale")
    ...     def call(self, y_true, y_pred):
    ...         error = ops.mean(ops.abs(y_true - y_pred), axis=-1)
    ...         return error * ops.exp(-self.log_scale) + self.log_scale + np.log(2)
    >>> network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model = ModelWithLoss(network, LaplaceNLL())
    >>> model.compile("adam")
    >>> _ = model.fit(np.ones((8, 1)), np.ones((8, 1)), verbose=0)
    >>> [v.name for v in model.trainable_variables]
    ['kernel', 'bias', 'log_scale']
    """

    labels_like_predictions = True

    def __new__(cls, *args, **kwargs):
        loss = super().__new__(cls, *args, **kwargs)
        # No dict: Keras would look for layers in it.
        loss._made_with = MappingProxyType(arguments.by_name(loss.__init__, args, kwargs))
        return loss

    def __init__(self, reduction="sum_over_batch_size", name=None, dtype="float32", **kwargs):
        super().__init__(name=name, dtype=dtype, **kwargs)
        # The reduction is checked by Keras itself.
        self.reduction = keras.losses.Loss(reduction=reduction).reduction
        # The variables are made in __init__, so there is nothing left to build: saving, loading and
        # the optimizer see all of them from the start.
        self.built = True

    def __call__(self, y_true, y_pred, **kwargs):
        if keras_internals.called_by_compiled_model():
            raise ValueError(
                f"{type(self).__name__} has variables, and compile(loss=...) would neither train "
                "nor save them. Let a model own it: ModelWithLoss(network, loss), then compile "
                "without a loss."
            )
        y_true, y_pred = keras.tree.map_structure(ops.convert_to_tensor, (y_true, y_pred))
        if self.labels_like_predictions:
            y_true = arguments.same_structure(y_true, y_pred)
            keras.tree.map_structure(arguments.same_shape, y_true, y_pred)
        return super().__call__(y_true, y_pred, **kwargs)

    def check_labels(self, y_true) -> None:
        """Raise ValueError for labels this loss cannot take; called once at the start of ``fit``.

        The base class asks for finite numbers. A subclass may ask for more.
        """
        wanted = "hold finite numbers (for classes np.unique(y, return_inverse=True)[1])"
        for labels in keras.tree.flatten(y_true):
            arguments.numbers("y", labels, wanted, np.isfinite)

    def get_config(self):
        return {**self._made_with, **super().get_config()}


def values_of(name: str, loss: Callable, y_true, y_pred, **offered):
    """One value per sample; a layer is given what its call has an argument for of ``offered``."""
    if isinstance(loss, keras.layers.Layer):
        wanted = inspect.signature(loss.call).parameters
        values = loss(y_true, y_pred, **{k: v for k, v in offered.items() if k in wanted})
    else:
        # Called as a whole, a keras Loss would reduce the batch to one number.
        values = (loss.call if isinstance(loss, keras.losses.Loss) else loss)(y_true, y_pred)
    if len(values.shape) == 0:
        advice = "one value per sample is wanted, so average over the last axis only"
        raise ValueError(f"{name} returned a scalar; {advice}: ops.mean(..., axis=-1).")
    return values


def weighted_mean(values, sample_weight=None):
    """The mean of a batch, in which each sample counts as much as it weighs; for a state.

    Args:
        values: shape (batch, ..., k).
        sample_weight: what ``StatefulLoss.call`` is told, shape (batch, ...), or None.

    Returns:
        The mean over all axes but the last, shape (k,), and the sum of the weights, a scalar; both
        over all replicas. Where nothing counts both are 0. What weighs 0 may be NaN.
    """
    weight = weights_of(values, sample_weight)
    weighed = ops.where(weight[..., None] > 0, values * weight[..., None], 0.0)
    total = ops.sum(weighed, axis=tuple(range(len(weight.shape)))), ops.sum(weight)
    context = tf.distribute.get_replica_context()
    if context is not None and context.num_replicas_in_sync > 1:
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, total)
    return ops.divide_no_nan(*total), total[1]


def weights_of(values, sample_weight=None):
    """How much each of the values (batch, ..., k) counts, shape (batch, ...); 1 by default."""
    ones = ops.ones_like(values[..., 0])
    given = 1.0 if sample_weight is None else sample_weight
    return ones * _of_rank(len(ones.shape), ops.cast(given, ones.dtype))


def _of_rank(rank: int, weight):
    """With that many axes: the mean over those that are too many, or new ones at the end."""
    weight = ops.mean(weight, axis=tuple(range(rank, len(weight.shape))))
    return weight[(..., *[None] * (rank - len(weight.shape)))]


class _Reduced(keras.losses.Loss):
    """Lets Keras do to a StatefulLoss what it does to every loss: casts, masks, weights, reduction,
    and the division by the number of replicas."""

    def __init__(self, loss: StatefulLoss, **told):
        super().__init__(name=loss.name, reduction=loss.reduction, dtype=loss.dtype_policy)
        self.loss, self.told = loss, told

    def call(self, y_true, y_pred):
        return values_of(f"{type(self.loss).__name__}.call", self.loss, y_true, y_pred, **self.told)


def _counted(sample_weight, y_pred):
    """How much each sample counts: its weight, and 0 where it is masked."""
    mask = keras_internals.mask_of(y_pred)
    if mask is None or sample_weight is None:
        return sample_weight if mask is None else mask
    return ops.cast(mask, sample_weight.dtype) * _of_rank(len(mask.shape), sample_weight)


_DATA_SETS = (tf.data.Dataset, keras.utils.PyDataset)


@keras.saving.register_keras_serializable(package="lossutils")
class ModelWithLoss(keras.Model):
    """A network together with the loss that trains it; both are saved, and both may have variables.

    Behaves like any Keras model: ``compile`` (without ``loss``), ``fit``, ``evaluate``,
    ``predict``, ``save`` and ``keras.models.load_model``. ``sample_weight``, ``class_weight``,
    masks, regularizers, ``add_loss``, metrics and callbacks work as ever. Training goes on exactly
    where it stopped after a reload. ``model.network`` is the plain model to ship.

    Args:
        network: any Keras model from inputs to predictions.
        loss: a ``StatefulLoss``.
        name: name of the model.

    Raises:
        ValueError: ``network`` is not a model, ``loss`` is not a StatefulLoss, ``compile`` is given
            a loss, there are no labels, ``sample_weight`` is a list or dict, or the loss returns a
            scalar.

    Example: see ``StatefulLoss``.
    """

    def __init__(self, network: keras.Model, loss: StatefulLoss, name: str | None = None):
        arguments.check("network", network, "be a keras.Model", isinstance(network, keras.Model))
        wanted = "be a StatefulLoss (others go into compile(loss=...) of the plain network)"
        arguments.check("loss", loss, wanted, isinstance(loss, StatefulLoss))
        # With the network's policy Keras knows that a mixed_float16 model needs loss scaling.
        super().__init__(name=name, dtype=network.dtype_policy)
        self.network, self.loss_layer = network, loss
        # Callbacks that save before the first step (BackupAndRestore) ask whether it is built.
        self.built = network.built

    def call(self, inputs, training=None):
        return self.network(inputs, training=training)

    def export(self, *args, **kwargs):
        """As ``keras.Model.export``, of the network: what is served knows nothing of lossutils."""
        return self.network.export(*args, **kwargs)

    # Those of the network, for feature extraction; where it has none there are none here either.
    inputs = property(lambda self: self.network.inputs)
    input_shape = property(lambda self: self.network.input_shape)
    outputs = property(lambda self: self.network.outputs)
    output_shape = property(lambda self: self.network.output_shape)

    def compile(self, optimizer="rmsprop", loss=None, **kwargs):
        """As ``keras.Model.compile``, without ``loss``: the model has its own.

        Weight decay of the optimizer keeps off the variables of the loss. (To keep it off others
        too, call ``optimizer.exclude_from_weight_decay`` before ``compile``.)
        """
        wanted = "be left out of compile and go into ModelWithLoss(network, loss)"
        arguments.check("loss", loss, wanted, loss is None)
        super().compile(optimizer=optimizer, **kwargs)
        # Decay draws towards 0: a choice for a weight, but no neutral value for a scale.
        keras_internals.keep_from_decay(self.optimizer, self.loss_layer.trainable_variables)

    def fit(self, x=None, y=None, *args, **kwargs):
        """As ``keras.Model.fit``. The labels are checked once, before the first step.

        In arrays that is all of them, in a data set (``tf.data.Dataset``, ``PyDataset``) the first
        batch; the same for ``validation_data``. That look is an iteration of its own: a data set
        that shuffles draws once more.
        """
        self._check_labels("", x if isinstance(x, _DATA_SETS) else (x, y))
        self._check_labels("in `validation_data`: ", kwargs.get("validation_data"))
        weight, wanted = kwargs.get("sample_weight"), "be one array for all outputs together"
        arguments.check("sample_weight", weight, wanted, not keras.tree.is_nested(weight))
        return super().fit(x, y, *args, **kwargs)

    def _check_labels(self, where: str, data) -> None:
        """Of arrays, or of the first batch of a data set."""
        if isinstance(data, _DATA_SETS):
            where, data = where + "in the first batch of `x`: ", next(iter(data), None)
        y = keras.utils.unpack_x_y_sample_weight(data)[1]
        try:
            if y is not None:
                self.loss_layer.check_labels(y)
        except ValueError as error:
            raise ValueError(f"{where}{error}") from None

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The reduced loss of the batch plus regularizers and ``add_loss`` terms."""
        arguments.check("y", y, "hold the labels, as the loss wants them", y is not None)
        # Asked for before the loss runs: where that sets a variable, the replicas wait for one
        # another, and afterwards the network knows only the penalties of the last of them.
        penalties = list(self.network.losses)
        weight = keras.tree.flatten(sample_weight)[0]  # Keras gives each output a copy of it
        told = {"training": training, "sample_weight": _counted(weight, y_pred)}
        loss = _Reduced(self.loss_layer, **told)(y, y_pred, weight)
        penalties += self.loss_layer.losses
        # A penalty is the same on every replica, and the replicas' losses are added up.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return sum((ops.cast(ops.sum(p), loss.dtype) / replicas for p in penalties), loss)

    def get_config(self):
        parts = {"network": self.network, "loss": self.loss_layer, "name": self.name}
        return keras.saving.serialize_keras_object({**parts, "dtype": self.dtype_policy.name})

    @classmethod
    def from_config(cls, config, custom_objects=None):
        parts = keras.saving.deserialize_keras_object(config, custom_objects=custom_objects)
        # Keras forgets a network's own policy; without it the loss would no longer be scaled.
        parts["network"].dtype_policy = keras.dtype_policies.get(parts.pop("dtype"))
        return cls(**parts)

    def compile_from_config(self, config):
        # Keras compiles nothing on load if a class overrides compile, unless it overrides this too.
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built:
            self.optimizer.build(self.trainable_variables)
