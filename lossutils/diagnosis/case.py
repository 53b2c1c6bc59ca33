"""What the probes look at: a compiled model with some of its data, its losses, its gradient."""

import contextlib
import functools
import inspect
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops, tree

from lossutils import keras_internals as internals
from lossutils.errors import in_short
from lossutils.switching import BlendedLoss, StateSwitchedLoss, SwitchedLoss

SAMPLES = 256
"""So many samples are looked at, evenly spread over the data; NaN is looked for in all of them."""


class Fault(Exception):
    """Raised by a probe with what it found."""


class Skip(Exception):
    """Raised by a probe that cannot be asked; the message says why."""


class OutputLoss:
    """The loss of one output, or one branch of a loss, with its labels and predictions.

    Attributes:
        loss: a ``keras.losses.Loss`` or a StatefulLoss; ``function`` is what it was made of.
        y_true, y_pred: labels of the samples that are looked at, and predictions for them.
        last, activation: the layer or operation that makes the predictions, its activation's name.
        where: which output or branch it is, empty if there is only one.
        weight: from ``compile(loss_weights=...)``; a number, or a variable that a callback moves.
        keras_name: name of the function of Keras behind the loss, empty for other losses.
        couples: whether the samples share a value by design.
        from_logits: what the loss was told about logits, None if that cannot be known.
    """

    def __init__(self, loss, y_true, y_pred, last=None, where="", weight=None):
        self.loss, self.y_true, self.y_pred, self.last = loss, y_true, y_pred, last
        self.where, self.weight = where, 1.0 if weight is None else weight
        activation = getattr(last, "activation", last)
        self.activation = getattr(activation, "__name__", type(activation).__name__).lower()
        self.nested = tree.is_nested(y_true) or tree.is_nested(y_pred)
        self.function = getattr(loss, "fn", loss)
        of_keras = getattr(self.function, "__module__", "").startswith("keras.")
        self.keras_name = getattr(self.function, "__name__", "") if of_keras else ""
        one_number = self.keras_name in ("dice", "tversky", "circle")
        self.couples = getattr(self.function, "couples_samples", one_number)
        told = False if "entropy" in self.keras_name else None
        if inspect.isfunction(self.function):
            told = inspect.getclosurevars(self.function).nonlocals.get("from_logits", told)
        self.from_logits = getattr(loss, "from_logits", told)

    @functools.cached_property
    def values(self) -> Any:
        return self.at(self.y_pred)

    def at(self, y_pred: Any, y_true: Any = None) -> Any:
        """What the loss returns, called as Keras calls it, before any reduction."""
        both = self.y_true if y_true is None else y_true, y_pred
        if isinstance(self.loss, keras.layers.Layer):
            return self.loss(*both)
        both = tree.map_structure(lambda t: ops.cast(t, self.loss.dtype), both)
        return tf.convert_to_tensor(self.loss.call(*both))

    def mean_at(self, y_pred: Any) -> float:
        """The mean of what the loss returns for these predictions."""
        return float(np.mean(np.asarray(self.at(tf.cast(y_pred, self.y_pred.dtype)), "float64")))

    def cost_of(self, share: float) -> float:
        """The loss of right predictions into which so much of other samples' is mixed."""
        others = np.random.default_rng(0).permutation(self.right)
        return self.mean_at((1 - share) * self.right + share * others)

    def slope_at(self, y_pred: Any) -> tuple[Any, Any]:
        """What the loss returns for these predictions, and its derivative by them."""
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            values = self.at(y_pred)
        return values, tape.gradient(values, y_pred, unconnected_gradients="zero")

    @functools.cached_property
    def reach(self) -> tuple[float, float]:
        """The least and the greatest number that the last layer can give, infinite if unknown."""
        activation = getattr(self.last, "activation", self.last)
        grid = np.append(np.linspace(-20, 20, 4001), [-np.inf, np.inf]).astype("float32")
        try:
            given = np.asarray(activation(tf.stack([grid, 0 * grid], axis=1)))[:, 0]
        except Exception:  # no activation, or an operation that wants another shape
            return -np.inf, np.inf
        low, high, p = np.nanmin(given), np.nanmax(given), np.asarray(self.y_pred)
        known = low < high and np.all((p >= low - 1e-6) & (p <= high + 1e-6))
        return (low, high) if known else (-np.inf, np.inf)

    @functools.cached_property
    def right(self) -> np.ndarray | None:
        """Predictions as the labels say, one-hot for class numbers; None if they do not say."""
        if self.nested or self.y_true.dtype == tf.string:
            return None
        y, shape = np.asarray(self.y_true, "float64"), tuple(self.y_pred.shape)
        if y.size == np.prod(shape):
            return y.reshape(shape)
        are_classes = np.all((y >= 0) & (y < shape[-1]) & (y == np.round(y)))
        known = are_classes and y.size * shape[-1] == np.prod(shape)
        return np.eye(shape[-1])[y.reshape(shape[:-1]).astype(int)] if known else None


class Case:
    """A compiled model with some of its data, checked.

    Attributes:
        part: which part of a data set was looked at, empty for arrays.
        all_x, all_y: all inputs and labels of arrays, or of a first batch.
        x, y, y_pred: inputs, labels and predictions of the samples that are looked at.
    """

    def __init__(self, model: Any, x: Any, y: Any = None):
        _check_model(model)
        self.model, self.network = model, getattr(model, "network", model)
        self.loss_layer = getattr(model, "loss_layer", None)
        self.source, self.part = (), ""
        if isinstance(x, (tf.data.Dataset, keras.utils.PyDataset)):
            if y is not None:
                raise ValueError("`y` must be left out: the data set `x` holds the labels.")
            self.source, self.part = x, " of the first batch"
            x, y, _ = keras.utils.unpack_x_y_sample_weight(next(iter(x), None))
        self.all_x, self.all_y = _arrays("x", x), _arrays("y", y)
        self.length = _length(self.all_x, self.all_y)
        rows = np.unique(np.linspace(0, self.length - 1, SAMPLES).round().astype(int))
        self.count = len(rows)
        self.x, self.y = tree.map_structure(
            lambda a: tf.constant(a[rows], keras.config.floatx() if a.dtype == "float64" else None),
            (self.all_x, self.all_y),
        )
        try:
            with self.untouched():
                self.y_pred = self.predict()
        except Exception as error:
            raise ValueError(f"`x` does not fit the model: {in_short(error)}") from error

    @contextlib.contextmanager
    def untouched(self) -> Iterator[None]:
        """Undo what the block does to variables and seeds, also if it raises."""
        held = [v for loss in tree.flatten(self.model.loss) for v in _held_variables(loss)]
        everything = (*self.model.variables, *self.model.optimizer.variables, *held)
        kept = [(v, value_of(v)) for v in everything]
        try:
            with internals.seeds_put_back():
                yield
        finally:
            for variable, value in kept:
                if value_of(variable).tobytes() != value.tobytes():
                    variable.assign(value)

    def predict(self, training: bool = False) -> Any:
        return self.model(self.x, training=training)

    def whole(self, y_pred: Any, y_true: Any = None) -> list[OutputLoss]:
        """The losses as the model was compiled with them, or the one it owns."""
        y_true = self.y if y_true is None else y_true
        if self.loss_layer is None:
            return [
                OutputLoss(*row) for row in internals.compiled_losses(self.model, y_true, y_pred)
            ]
        last = internals.last_operation(self.network, 0)
        return [OutputLoss(self.loss_layer, y_true, y_pred, last)]

    def stages(self, y_pred: Any, y_true: Any = None) -> list[list[OutputLoss]]:
        """The losses that train together.

        A loss that changes while it trains has a stage for each branch: what is wrong with a later
        one would show late.
        """
        whole = self.whole(y_pred, y_true)
        if not isinstance(self.loss_layer, (SwitchedLoss, StateSwitchedLoss, BlendedLoss)):
            return [whole]
        same = whole[0].y_true, y_pred, whole[0].last
        branches, names = map(internals.as_object, self.loss_layer.branches), self.loss_layer.names
        named = zip(branches, names, strict=True)
        return [[OutputLoss(branch, *same, f" (branch {name!r})")] for branch, name in named]

    def trained(self, stage: int) -> list[Any]:
        """The variables that a stage should move; those of other branches rest meanwhile."""
        branches = getattr(self.loss_layer, "branches", [None])
        owned = [{id(v) for v in getattr(b, "trainable_variables", [])} for b in branches]
        resting = set().union(*owned) - owned[stage]
        return [v for v in self.model.trainable_variables if id(v) not in resting]

    @functools.cached_property
    def error(self) -> Exception | None:
        """What stops the loss, None if it runs."""
        try:
            self._working = self.stages(self.y_pred)
            [len(one.values.shape) for one in sum(self._working, [])]
        except Exception as error:
            return error
        return None

    @property
    def working_stages(self) -> list[list[OutputLoss]]:
        """The losses of all stages with their values; skips the probe if one does not run."""
        if self.error is not None:
            raise Skip("the loss does not run, see runs")
        return self._working

    @property
    def outputs(self) -> list[OutputLoss]:
        """All losses with their values; skips the probe if one does not run."""
        return sum(self.working_stages, [])

    def loss(self, stage: int, y_true: Any = None) -> float:
        """The mean loss in training."""
        return float(total(self.stages(self.predict(training=True), y_true)[stage]))

    def gradients(self, stage: int, training: bool = False, penalties: bool = False) -> dict:
        """The gradient of the mean loss for each trained variable, None where there is none."""
        scale = 2.0**10  # float16 would lose small gradients
        with tf.GradientTape() as tape:
            loss = total(self.stages(self.predict(training))[stage])
            if penalties:  # of regularizers and add_loss
                loss += sum(tf.cast(tf.reduce_sum(p), "float32") for p in self.model.losses)
            loss *= scale
        trained = self.trained(stage)
        found = zip(trained, tape.gradient(loss, [v.value for v in trained]), strict=True)
        dense = {v.path: g if g is None else tf.convert_to_tensor(g) for v, g in found}
        return {n: g if g is None else tf.cast(g, "float32") / scale for n, g in dense.items()}


def total(losses: list[OutputLoss]) -> Any:
    """The mean loss, each output with its weight, as Keras adds them up."""
    return sum(tf.reduce_mean(tf.cast(one.values, "float32")) * one.weight for one in losses)


def value_of(variable: Any) -> np.ndarray:
    """The value of a variable, also of one that several devices share."""
    return np.array(ops.convert_to_tensor(variable).numpy())


def _held_variables(loss: Any) -> list[Any]:
    """The variables in the attributes or in the closure of a loss, where no model knows them."""
    held = list(getattr(loss, "__dict__", {}).values())
    if inspect.isfunction(loss):
        held += inspect.getclosurevars(loss).nonlocals.values()
    return [v for v in tree.flatten(held) if isinstance(v, (tf.Variable, keras.Variable))]


def _check_model(model: Any) -> None:
    if not isinstance(model, keras.Model):
        raise ValueError(f"`model` must be a keras.Model, but is {model!r}.")
    has_loss = model.compiled and (hasattr(model, "loss_layer") or any(tree.flatten(model.loss)))
    if not (model.built and has_loss):
        raise ValueError("`model` must be built and compiled with a loss, or be a ModelWithLoss.")


def _arrays(name: str, parts: Any) -> Any:
    wanted = f"`{name}` must be an array, or a list or dict of arrays, as for fit"
    if parts is None or isinstance(parts, (str, bytes)):
        raise ValueError(f"{wanted}, but is {parts!r}.")
    parts = tree.map_structure(np.asarray, parts)
    if any(part.ndim == 0 for part in tree.flatten(parts)):
        raise ValueError(f"{wanted}, but holds single values.")
    return parts


def _length(x: Any, y: Any) -> int:
    lengths = [[len(part) for part in tree.flatten(parts)] for parts in (x, y)]
    if len(set(sum(lengths, []))) != 1 or not all(lengths) or lengths[0][0] == 0:
        found = "{} and {} samples".format(*lengths)
        raise ValueError(f"`x` and `y` must be equally long and not empty, but hold {found}.")
    return lengths[0][0]
