"""Checks of arguments and batches, each with an error that says what came and what is wanted.

Checks of shapes run at tracing and cost nothing afterwards. Checks of values need numbers, so they
run only where there are numbers: on Python arguments and on eager tensors. Inside a compiled step
they are skipped, and cost nothing there.
"""

import inspect
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lossutils.errors import shortened
from lossutils.installation import require_tensorflow

require_tensorflow()  # every loss imports this file, so this is where another backend is named

_FOUND = {"be": "is", "have": "has", "hold": "holds"}


def check(name: str, value, wanted: str, fine) -> None:
    """Raise ValueError unless all is fine: `name` must be what is wanted, but is the value.

    >>> check("delta", -1, "be above 0", fine=False)
    Traceback (most recent call last):
    ValueError: `delta` must be above 0, but is -1.
    """
    if not fine:
        found = _FOUND[wanted.split()[0]]
        raise ValueError(f"`{name}` must {wanted}, but {found} {shortened(repr(value))}.")


def has_values(x) -> bool:
    """True if the numbers in ``x`` can be read now, False for what a graph will compute."""
    return tf.executing_eagerly() or not (tf.is_tensor(x) or hasattr(x, "assign"))


def numbers(name: str, value, wanted: str, allowed: Callable[[np.ndarray], bool | np.ndarray]):
    """Return ``value`` if it holds numbers, all of them allowed, else raise ValueError.

    ``allowed`` is asked with an array, and says whether all or which of its numbers may be.
    Tensors and variables pass through unread inside a graph.
    """
    if has_values(value):
        array = _as_float32(value)
        fine = np.asarray(allowed(array))
        if fine.ndim and not fine.all():
            strange = shortened(str(array[~fine][0]))
            raise ValueError(f"`{name}` must {wanted}, but holds {strange}.")
        check(name, value, wanted, fine.all())
    return value


def _as_float32(value) -> np.ndarray:
    """As the losses will see it, so that limits hold there; NaN if it is no number."""
    try:
        array = np.asarray(None if isinstance(value, bool) else ops.convert_to_numpy(value))
        with np.errstate(over="ignore"):
            return array.astype("float32", casting="same_kind")
    except (TypeError, ValueError):
        return np.float32("nan")


def number(name: str, value, *, above=-np.inf, at_least=-np.inf, below=np.inf):
    """Return ``value`` if it is one finite number inside the limits, else raise ValueError.

    Tensors and variables pass through unread inside a graph, so a loss parameter may be one.
    """
    limits = {"above": above, "of at least": at_least, "below": below}
    words = [f"{word} {limit:g}" for word, limit in limits.items() if np.isfinite(limit)]

    def inside(x):
        return x.ndim == 0 and np.isfinite(x) and above < x < below and x >= at_least

    return numbers(name, value, f"be a finite number {' and '.join(words)}".rstrip(), inside)


def whole_number(name: str, value, at_least: int = 0) -> int:
    """Return ``value`` if it is a whole number of at least ``at_least``, else raise ValueError."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    check(name, value, f"be a whole number of at least {at_least}", whole and value >= at_least)
    return int(value)


def flag(name: str, value) -> bool:
    """Return ``value`` if it is True or False, else raise ValueError."""
    check(name, value, "be True or False", isinstance(value, (bool, np.bool_)))
    return bool(value)


def weights(name: str, value, *, length: int | None = None) -> tuple:
    """Return ``value`` as a tuple of finite, non-negative floats, not all of them zero.

    A tuple, because a list that a caller changes later would change the loss behind its back.
    Weights that are tensors of a graph pass through unread; only their number is checked.
    """
    if tf.is_tensor(value):
        value = tf.unstack(value)
    sequence = isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, (str, bytes))
    array = _as_float32([w if has_values(w) else 1.0 for w in value] if sequence else value)
    right_length = array.shape == (length or array.size,)
    fine = right_length and np.all((array >= 0) & (array < np.inf)) and np.any(array > 0)
    wanted = f"{length or 'some'} weights in class order, finite numbers of at least 0"
    check(name, value, f"be a sequence of {wanted}, at least one weight above 0", fine)
    return tuple(float(w) if has_values(w) else w for w in value)


def by_name(make: Callable, args: tuple, kwargs: dict) -> dict:
    """The arguments of a call by their names, with the numbers of NumPy as those of Python."""
    by_position = zip(inspect.signature(make).parameters, args, strict=False)
    return keras.tree.map_structure(_plain, {**dict(by_position), **kwargs})


def _plain(value):
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value


def at_least_float32(x):
    """``x`` as a tensor of float64 if it is one already, else of float32.

    In float16 the clip bound 1 - 1e-7 would be exactly 1.
    """
    x = ops.convert_to_tensor(x)
    return x if keras.backend.standardize_dtype(x.dtype) == "float64" else ops.cast(x, "float32")


def same_shape(y_true, y_pred) -> None:
    """Raise ValueError unless labels and predictions have the same shape, batch axis included.

    Without this check (batch,) against (batch, 1) broadcasts to (batch, batch) in silence.
    """
    true, pred = y_true.shape, y_pred.shape
    advice = "give both the same shape"
    if None in (true.rank, pred.rank):
        # TensorFlow gives up on the rank when a second call brings another number of axes.
        advice = "give both the same shape, such as (batch, 1), in every call"
    elif true.is_compatible_with(pred):
        return
    elif true.concatenate([1]).is_compatible_with(pred):
        advice = "add the missing axis to the labels: y_true[:, None]"
    elif pred.concatenate([1]).is_compatible_with(true):
        advice = "add the missing axis to the predictions: y_pred[:, None]"
    raise ValueError(f"`y_true` has shape {true} and `y_pred` has shape {pred}; {advice}.")


def same_structure(y_true, y_pred):
    """Return the labels in the structure of the predictions, or raise ValueError.

    Only for networks with several outputs: where predictions are a list, Keras hands over the
    labels as a tuple.
    """
    given, wanted = names_or_number(y_true), names_or_number(y_pred)
    check("y_true", given, f"hold one array of labels for each output, {wanted}", given == wanted)
    return keras.tree.pack_sequence_as(y_pred, keras.tree.flatten(y_true))


def names_or_number(parts) -> list[str] | int:
    """What tells whether labels, predictions or losses fit together."""
    return sorted(parts) if isinstance(parts, dict) else len(keras.tree.flatten(parts))


def at_least_one_axis(y_pred) -> None:
    """Raise ValueError for predictions without a batch axis and a feature axis."""
    wanted = "have a batch axis and a last axis to average over, such as (batch, 1)"
    check("y_pred", tuple(y_pred.shape), wanted, len(y_pred.shape) >= 2)


def last_axis(name: str, x, size: int) -> None:
    """Raise ValueError unless the last axis has this size."""
    check(name, tuple(x.shape), f"have shape (..., {size})", x.shape[-1:] == (size,))


def has_shape(name: str, x, shape: tuple) -> None:
    """Raise ValueError for another shape; None stands for any size."""
    fine = tf.TensorShape(x.shape).is_compatible_with(shape)
    check(name, tuple(x.shape), f"have shape {shape}", fine)


def zeros_and_ones(name: str, y_true) -> None:
    """Raise ValueError if labels whose values can be read hold anything but 0 and 1."""
    numbers(name, y_true, "hold only 0 and 1", lambda y: (y == 0) | (y == 1))


def one_hot(name: str, y_true) -> None:
    """Raise ValueError if labels whose values can be read are not one-hot along the last axis."""
    zeros_and_ones(name, y_true)
    numbers(name, y_true, "be one-hot, with one 1 in each row", lambda y: y.sum(axis=-1) == 1)


def probabilities(name: str, y_pred) -> None:
    """Raise ValueError if predictions whose values can be read lie outside [0, 1].

    By 1e-6 they may: the rounded mean of some probabilities can be 1.0000001. NaN is for others.
    """
    wanted = "hold probabilities in [0, 1], or logits with from_logits=True"
    numbers(name, y_pred, wanted, lambda p: ~((p < -1e-6) | (p > 1 + 1e-6)))
