"""Checks of arguments and batches, each with an error that says what came and what is wanted.

Checks of shapes run at tracing and cost nothing afterwards. Checks of values need numbers, so they
run only where there are numbers: on Python arguments and on eager tensors. Inside a compiled step
they are skipped, and cost nothing there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lossutils.installation import require_tensorflow

require_tensorflow()  # every loss imports this file, so this is where another backend is named


def has_values(x: Any) -> bool:
    """True if the numbers in ``x`` can be read now, False for a symbolic tensor of a graph."""
    return not (tf.is_tensor(x) and tf.is_symbolic_tensor(x)) and not _is_symbolic_variable(x)


def _is_symbolic_variable(x: Any) -> bool:
    # A variable met while a graph is being traced has no value to read yet.
    return hasattr(x, "assign") and not tf.executing_eagerly()


def number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
) -> Any:
    """Return ``value`` if it is one finite number inside the limits, else raise ValueError.

    Tensors and variables pass through unread inside a graph, so a loss parameter may be one.
    """

    def inside(array: np.ndarray) -> bool:
        return (
            array.ndim == 0
            and np.isfinite(array)
            and (above is None or array > above)
            and (at_least is None or array >= at_least)
            and (below is None or array < below)
        )

    return numbers(name, value, "a finite number" + _limits(above, at_least, below), inside)


def numbers(name: str, value: Any, wanted: str, allowed: Callable[[np.ndarray], Any]) -> Any:
    """Return ``value`` if it holds numbers, all of them allowed, else raise ValueError.

    ``allowed`` is asked with an array, and says whether all or which of its numbers may be.
    Tensors and variables pass through unread inside a graph.
    """
    if isinstance(value, (str, bytes, bool)) or value is None:
        raise ValueError(f"`{name}` must be {wanted}, but is {value!r}.")
    if not has_values(value):
        return value
    try:
        array = _as_float32(ops.convert_to_numpy(value))
        fine = allowed(array)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must be {wanted}, but is {value!r}.") from error
    if not np.all(fine):
        found = f"holds {array[~fine][0]:g}" if np.ndim(fine) else f"is {value!r}"
        raise ValueError(f"`{name}` must be {wanted}, but {found}.")
    return value


def whole_number(name: str, value: Any, at_least: int = 0) -> int:
    """Return ``value`` if it is a whole number of at least ``at_least``, else raise ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < at_least:
        raise ValueError(
            f"`{name}` must be a whole number of at least {at_least}, but is {value!r}."
        )
    return int(value)


def at_least_float32(x: Any) -> Any:
    """``x`` as a tensor of float64 if it is one already, else of float32.

    In float16 the clip bound 1 - 1e-7 would be exactly 1.
    """
    x = ops.convert_to_tensor(x)
    return x if keras.backend.standardize_dtype(x.dtype) == "float64" else ops.cast(x, "float32")


def _as_float32(value: Any) -> np.ndarray:
    # The losses compute in float32, so that is where a number must be finite and inside its limits.
    if np.iscomplexobj(value):
        raise TypeError("complex")
    with np.errstate(over="ignore"):
        return np.asarray(value, dtype="float64").astype("float32")


def _limits(above: float | None, at_least: float | None, below: float | None) -> str:
    words = []
    if above is not None:
        words.append(f"above {above:g}")
    if at_least is not None:
        words.append(f"of at least {at_least:g}")
    if below is not None:
        words.append(f"below {below:g}")
    return (" " + " and ".join(words)) if words else ""


def weights(name: str, value: Any, *, length: int | None = None) -> tuple[Any, ...]:
    """Return ``value`` as a tuple of finite, non-negative floats, not all of them zero.

    A tuple, because a list that a caller changes later would change the loss behind its back.
    Weights that are tensors of a graph pass through unread; only their number is checked.
    """
    wanted = "a sequence of finite numbers of at least 0, in class order"
    if tf.is_tensor(value) and value.shape.rank == 1 and value.shape[0] is not None:
        value = tf.unstack(value)
    if isinstance(value, (str, bytes, dict)) or not isinstance(value, (Sequence, np.ndarray)):
        raise ValueError(f"`{name}` must be {wanted}, but is {value!r}.")
    if length is not None and len(value) != length:
        raise ValueError(f"`{name}` must hold {length} weights, but holds {len(value)}: {value!r}.")
    if not all(has_values(w) for w in value):
        return tuple(value)
    try:
        array = _as_float32(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must be {wanted}, but is {value!r}.") from error
    if array.ndim != 1 or not np.all(np.isfinite(array)) or np.any(array < 0):
        raise ValueError(f"`{name}` must be {wanted}, but is {value!r}.")
    if not np.any(array > 0):
        raise ValueError(f"`{name}` must hold at least one weight above 0, but is {value!r}.")
    return tuple(float(w) for w in value)


def flag(name: str, value: Any) -> bool:
    """Return ``value`` if it is True or False, else raise ValueError."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"`{name}` must be True or False, but is {value!r}.")
    return bool(value)


def same_shape(y_true: Any, y_pred: Any) -> None:
    """Raise ValueError unless labels and predictions have the same shape, batch axis included.

    Without this check (batch,) against (batch, 1) broadcasts to (batch, batch) in silence.
    """
    if y_true.shape.rank is None or y_pred.shape.rank is None:
        # TensorFlow gives up on the rank when a second call brings another number of axes.
        raise ValueError(
            "`y_true` or `y_pred` has another number of axes than in an earlier call; give labels "
            "and predictions the same shape, such as (batch, 1), in every call."
        )
    true_shape, pred_shape = tuple(y_true.shape), tuple(y_pred.shape)
    agree = len(true_shape) == len(pred_shape) and all(
        t is None or p is None or t == p for t, p in zip(true_shape, pred_shape, strict=True)
    )
    if agree:
        return
    advice = "give both the same shape"
    if len(true_shape) + 1 == len(pred_shape) and pred_shape[-1] == 1:
        advice = "add the missing axis to the labels: y_true[:, None]"
    elif len(pred_shape) + 1 == len(true_shape) and true_shape[-1] == 1:
        advice = "add the missing axis to the predictions: y_pred[:, None]"
    raise ValueError(
        f"`y_true` has shape {true_shape} and `y_pred` has shape {pred_shape}; {advice}."
    )


def same_structure(y_true: Any, y_pred: Any) -> Any:
    """Return the labels in the structure of the predictions, or raise ValueError.

    Only for networks with several outputs: where predictions are a list, Keras hands over the
    labels as a tuple.
    """
    parts_true, parts_pred = keras.tree.flatten(y_true), keras.tree.flatten(y_pred)
    if len(parts_true) != len(parts_pred) or _keys(y_true) != _keys(y_pred):
        raise ValueError(
            f"`y_true` holds {_parts(y_true)} and `y_pred` holds {_parts(y_pred)}; give one array "
            "of labels for each output, under the same names."
        )
    return keras.tree.pack_sequence_as(y_pred, parts_true)


def _keys(parts: Any) -> list[str]:
    return sorted(parts) if isinstance(parts, dict) else []


def _parts(parts: Any) -> str:
    return f"{len(keras.tree.flatten(parts))} array(s) {_keys(parts) or ''}".rstrip()


def at_least_one_axis(y_pred: Any) -> None:
    """Raise ValueError for predictions without a batch axis and a feature axis."""
    if len(y_pred.shape) < 2:
        raise ValueError(
            f"`y_pred` has shape {tuple(y_pred.shape)}; a batch axis and a last axis to average "
            "over are wanted, such as (batch, 1)."
        )


def zeros_and_ones(name: str, y_true: Any) -> None:
    """Raise ValueError if labels whose values can be read hold anything but 0 and 1."""
    if not has_values(y_true):
        return
    values = ops.convert_to_numpy(y_true)
    strange = values[~np.isin(values, (0, 1))]
    if strange.size:
        raise ValueError(f"`{name}` must hold only 0 and 1, but holds {strange.flat[0]!s}.")


def one_hot(name: str, y_true: Any) -> None:
    """Raise ValueError if labels whose values can be read are not one-hot along the last axis."""
    zeros_and_ones(name, y_true)
    if not has_values(y_true):
        return
    sums = ops.convert_to_numpy(y_true).sum(axis=-1)
    if np.any(sums != 1):
        raise ValueError(
            f"`{name}` must be one-hot (exactly one 1 in each row), but a row adds up to "
            f"{sums[sums != 1].flat[0]!s}."
        )


def probabilities(name: str, y_pred: Any) -> None:
    """Raise ValueError if predictions whose values can be read lie outside [0, 1].

    By 1e-6 they may: the rounded mean of some probabilities can be 1.0000001.
    """
    if not has_values(y_pred):
        return
    values = ops.convert_to_numpy(y_pred)
    outside = values[(values < -1e-6) | (values > 1 + 1e-6)]
    if outside.size:
        raise ValueError(
            f"`{name}` must hold probabilities in [0, 1], but holds {outside.flat[0]!s}; set "
            "from_logits=True if these are logits."
        )
