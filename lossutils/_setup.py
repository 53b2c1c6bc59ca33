"""What the probes of a diagnosis look at: a model with some of its data, its losses, its gradient.

Everything is asked in a way that leaves the model as it was.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import random
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lossutils.stateful import ModelWithLoss
from lossutils.switching import BlendedLoss, StateSwitchedLoss, SwitchedLoss

SAMPLES = 256
"""So many samples are looked at, evenly spread over the data; NaN is looked for in all of them."""

_DATA_SETS = (tf.data.Dataset, keras.utils.PyDataset)


class Skip(Exception):
    """Raised by a probe that cannot be asked; the message says why."""


@dataclass
class Term:
    """One loss with its labels and predictions; a model with several outputs has several."""

    name: str
    loss: Any
    y: Any
    y_pred: Any
    weight: Any = 1.0  # a number, or a variable that a callback moves

    @property
    def place(self) -> str:
        return f" (output {self.name!r})" if self.name else ""

    @functools.cached_property
    def values(self) -> Any:
        return self.at(self.y, self.y_pred)

    def at(self, y: Any, y_pred: Any) -> Any:
        """What the loss returns, called as Keras calls it, before any reduction."""
        if isinstance(self.loss, keras.layers.Layer):
            return self.loss(y, y_pred)
        is_object = isinstance(self.loss, keras.losses.Loss)
        dtype = self.loss.dtype if is_object else keras.config.floatx()
        y, y_pred = (
            keras.tree.map_structure(lambda t: _cast(t, dtype), part) for part in (y, y_pred)
        )
        if is_object:
            return self.loss.call(y, y_pred)
        return tf.convert_to_tensor(self.loss(*_same_rank(y, y_pred)))


class Setup:
    """A model with some of its data, checked; what several probes need is computed once.

    Attributes:
        part: which part of a data set was looked at, empty for arrays.
        branch: position of the branch that a loss with several is asked with, None for others.
        branch_name: its name, empty for other losses.
    """

    branch: int | None = None
    branch_name: str = ""

    def __init__(self, model: Any, x: Any, y: Any = None):
        _check_model(model)
        self.model = model
        self.part = " of the first batch" if isinstance(x, _DATA_SETS) else ""
        x, y = _first_batch(x, y)
        x, self.raw_y = _arrays("x", x), _arrays("y", y)
        self.all_x, self.all_y = keras.tree.flatten(x), keras.tree.flatten(self.raw_y)
        self.length = _check_lengths(self.all_x, self.all_y)
        rows = np.unique(np.linspace(0, self.length - 1, SAMPLES).round().astype(int))
        self.count = len(rows)
        self.x = keras.tree.map_structure(lambda a: _as_keras_feeds(a[rows]), x)
        self.y = keras.tree.map_structure(lambda a: _as_keras_feeds(a[rows]), self.raw_y)
        try:
            with unchanged(model):
                self.y_pred = self.predict()
        except Exception as error:
            raise ValueError(f"`x` does not fit the model: {in_short(error)}") from error

    @functools.cached_property
    def stages(self) -> list[Setup]:
        """One set-up for each branch of a loss that changes while it trains, else this one alone.

        The first is the branch that is active now. The others train later, and would break then.
        """
        loss = self.model.loss_layer if isinstance(self.model, ModelWithLoss) else None
        if not isinstance(loss, (SwitchedLoss, StateSwitchedLoss, BlendedLoss)):
            return [self]
        active = round(loss.share) if isinstance(loss, BlendedLoss) else loss.active
        found = []
        for branch in sorted(range(len(loss.branches)), key=lambda i: i != active):
            stage = copy.copy(self)
            stage.branch, stage.branch_name = branch, loss.names[branch]
            with unchanged(self.model):
                stage.enter()
                _ = stage.error  # computed now, while this branch is the active one
            found.append(stage)
        return found

    def enter(self) -> None:
        """Make the branch of this set-up the active one; only to be used inside ``unchanged``."""
        if self.branch is None:
            return
        loss = self.model.loss_layer
        if isinstance(loss, BlendedLoss):
            loss.share = float(self.branch)
        else:
            loss._active.assign(self.branch)

    @functools.cached_property
    def trained(self) -> list[Any]:
        """The variables that this branch should move; those of other branches rest meanwhile."""
        trained = self.model.trainable_variables
        if self.branch is None:
            return trained
        branches = self.model.loss_layer.branches
        owned = [{id(v) for v in getattr(b, "trainable_variables", [])} for b in branches]
        resting = set().union(*owned) - owned[self.branch]
        return [v for v in trained if id(v) not in resting]

    def predict(self) -> Any:
        """What the network says now."""
        return self.model(self.x, training=False)

    def terms(self, y_pred: Any) -> list[Term]:
        """The losses, each with its labels and its predictions."""
        if isinstance(self.model, ModelWithLoss):
            return [Term("", self.model.loss_layer, self.y, y_pred)]
        parts = keras.tree.flatten(y_pred)
        names = getattr(self.model, "output_names", None) or [str(i) for i in range(len(parts))]
        names = sorted(y_pred) if isinstance(y_pred, dict) else list(names)
        losses = _for_each_output(self.model.loss, names, len(parts))
        labels = _for_each_output(self.y, names, len(parts))
        weights = _loss_weights(self.model, names, len(parts))
        found = [
            Term(name if len(parts) > 1 else "", loss, label, part, weight)
            for name, loss, label, part, weight in zip(
                names, losses, labels, parts, weights, strict=True
            )
            if loss is not None
        ]
        for term in found:
            term.loss = keras.losses.get(term.loss) if isinstance(term.loss, str) else term.loss
        return found

    def total(self, y_pred: Any) -> Any:
        """The mean loss, each output with its weight, as Keras adds them up."""
        means = ((tf.reduce_mean(tf.cast(t.values, "float32")), t) for t in self.terms(y_pred))
        return sum(mean * term.weight for mean, term in means)

    @functools.cached_property
    def error(self) -> Exception | None:
        """What stops the loss, None if it runs."""
        try:
            self._terms = self.terms(self.y_pred)
            for term in self._terms:
                len(term.values.shape)
        except Exception as error:
            return error
        return None

    def working_terms(self) -> list[Term]:
        """The losses with their values; skips the probe if the loss does not run."""
        if self.error is not None:
            raise Skip("the loss does not run, see runs")
        return self._terms

    def gradients(self, scale: float = 1.0) -> dict[str, Any]:
        """The gradient of the mean loss for each trainable variable, None where there is none."""
        self.working_terms()
        if isinstance(self.model.optimizer, keras.optimizers.LossScaleOptimizer):
            scale = scale * 2.0**10  # as the optimizer does; small enough not to overflow
        trained = self.trained
        with tf.GradientTape() as tape:
            total = self.total(self.predict()) * scale
        found = tape.gradient(total, [v.value for v in trained])
        return {
            v.path: None if g is None else tf.convert_to_tensor(g) / tf.cast(scale, g.dtype)
            for v, g in zip(trained, found, strict=True)
        }

    @property
    def steps_taken(self) -> int:
        return int(value_of(self.model.optimizer.iterations))

    def inputs_are_equal(self) -> bool:
        """Whether all samples have the same inputs."""
        return all(np.all(part == part[:1]) for part in map(np.asarray, keras.tree.flatten(self.x)))

    def largest_value(self) -> float:
        """The largest loss of a sample, without its sign."""
        return max(float(tf.reduce_max(tf.abs(term.values))) for term in self.working_terms())

    def spread_of_labels(self) -> float:
        """Standard deviation of the labels, where they can be compared with predictions, else 1."""
        labels, predicted = keras.tree.flatten(self.y), keras.tree.flatten(self.y_pred)
        pairs = zip(labels, predicted, strict=False)
        spreads = [
            float(np.std(np.asarray(y, "float64")))
            for y, p in pairs
            if np.size(y) == np.size(p) and np.asarray(y).dtype.kind in "fiub"
        ]
        return min([1.0, *spreads])


def _check_model(model: Any) -> None:
    if not isinstance(model, keras.Model):
        raise ValueError(f"`model` must be a keras.Model, but is {model!r}.")
    if not model.compiled:
        raise ValueError("`model` must be compiled, but is not: compile it as for fit.")
    if not isinstance(model, ModelWithLoss) and not any(
        loss is not None for loss in keras.tree.flatten(model.loss)
    ):
        raise ValueError(
            "`model` must be compiled with a loss, or be a ModelWithLoss, but has none."
        )
    if not model.built:
        raise ValueError(
            "`model` must be built, but has no weights yet: give it an Input, or call it on a "
            "sample."
        )


def _first_batch(x: Any, y: Any) -> tuple[Any, Any]:
    """Inputs and labels as they are, or those of the first batch of a data set."""
    if not isinstance(x, _DATA_SETS):
        return x, y
    if y is not None:
        raise ValueError("`y` must be left out where `x` is a data set, which holds the labels.")
    batch = next(iter(x), None) if isinstance(x, tf.data.Dataset) else x[0]
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        raise ValueError(
            "`x` must hold batches of inputs and labels, (x, y), if it is a data set, but "
            f"{'is empty' if batch is None else f'gives a {type(batch).__name__}'}."
        )
    return batch[0], batch[1]


def _arrays(name: str, parts: Any) -> Any:
    wanted = f"`{name}` must be an array, or a list or dict of arrays, as for fit"
    if parts is None or isinstance(parts, (str, bytes)):
        raise ValueError(f"{wanted}, but is {parts!r}.")
    if isinstance(parts, (list, tuple)) and not any(hasattr(p, "shape") for p in parts):
        parts = np.asarray(parts)  # a list of numbers
    parts = keras.tree.map_structure(np.asarray, parts)
    if any(part.ndim == 0 for part in keras.tree.flatten(parts)):
        raise ValueError(f"{wanted}, but holds a single value.")
    return parts


def _check_lengths(x: list[np.ndarray], y: list[np.ndarray]) -> int:
    lengths = [len(part) for part in (*x, *y)]
    if not x or not y or len(set(lengths)) != 1 or lengths[0] == 0:
        raise ValueError(
            "`x` and `y` must be equally long and not empty, but hold "
            f"{[len(p) for p in x]} and {[len(p) for p in y]} samples."
        )
    return lengths[0]


def _as_keras_feeds(array: np.ndarray) -> Any:
    return tf.constant(array, keras.config.floatx() if array.dtype == "float64" else None)


def _cast(tensor: Any, dtype: Any) -> Any:
    return tensor if tensor.dtype == tf.string else ops.cast(tensor, dtype)


def _same_rank(y: Any, y_pred: Any) -> tuple[Any, Any]:
    """As Keras does for plain functions: one missing axis of size 1 is added or dropped."""
    if keras.tree.is_nested(y) or keras.tree.is_nested(y_pred):
        return y, y_pred
    ranks = len(y.shape), len(y_pred.shape)
    if ranks[1] == ranks[0] + 1 and y_pred.shape[-1] == 1:
        return (ops.expand_dims(y, -1), y_pred) if ranks[0] == 1 else (y, ops.squeeze(y_pred, -1))
    if ranks[0] == ranks[1] + 1 and y.shape[-1] == 1:
        return (y, ops.expand_dims(y_pred, -1)) if ranks[1] == 1 else (ops.squeeze(y, -1), y_pred)
    return y, y_pred


def _for_each_output(parts: Any, names: list[str], count: int) -> list[Any]:
    if isinstance(parts, dict):
        return [parts.get(name) for name in names]
    if isinstance(parts, (list, tuple)):
        return list(parts)
    return [parts] * count


def _loss_weights(model: keras.Model, names: list[str], count: int) -> list[Any]:
    """What compile(loss_weights=...) gave each output, 1 where it gave nothing."""
    given = getattr(getattr(model, "_compile_loss", None), "_user_loss_weights", None)
    if given is None:
        return [1.0] * count
    flat = keras.tree.flatten(given)
    losses = len(keras.tree.flatten(model.loss))
    if len(flat) != losses:
        raise ValueError(
            f"`loss_weights` must match the number of losses, got {losses} losses and {len(flat)} "
            "weights."  # what fit would say
        )
    if not isinstance(given, dict) or not set(given) <= set(names):
        return flat * count if len(flat) == 1 else flat
    return [given.get(name, 1.0) for name in names]


@contextlib.contextmanager
def unchanged(model: keras.Model) -> Iterator[None]:
    """Give variables and seeds their values back after the block."""
    optimizer = model.optimizer.variables if model.optimizer is not None else []
    kept = [(v, value_of(v)) for v in (*model.variables, *optimizer)]
    seeds = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        for variable, value in kept:
            if not np.array_equal(value_of(variable), value, equal_nan=value.dtype.kind == "f"):
                variable.assign(value)
        random.setstate(seeds[0])
        np.random.set_state(seeds[1])


def value_of(variable: Any) -> np.ndarray:
    """The value of a variable, also of one that several devices share."""
    return np.array(ops.convert_to_tensor(variable).numpy())


def in_short(error: BaseException) -> str:
    """The one telling line of an error's message."""
    plain = re.sub(r"\x1b\[[0-9;]*m|\{\{[^{}]*\}\}\s*", "", str(error))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    traced = any(line.startswith("in user code") for line in lines)
    noise = ("in user code", "File ", "Exception encountered", "Arguments received", "•", "raise ")
    told = [line for line in lines if not line.startswith(noise)] or [type(error).__name__]
    line = re.sub(r"^[A-Za-z_.]*(?:Error|Exception): ", "", told[-1 if traced else 0])
    return textwrap.shorten(line, 160, placeholder=" ...")
