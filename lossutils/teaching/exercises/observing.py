"""What is observed of an answer: its values, its slopes, and how it fares in a compiled step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf

from lossutils.teaching.errors import describe_error


class NotYet(Exception):
    """Raised by `require`; its message tells the learner what is wrong, and what to think of."""


def require(condition: Any, message: str) -> None:
    """Go on if the condition holds, otherwise end the check with this message."""
    if not condition:
        raise NotYet(message)


def returned(result: Any, wanted: str = "the result") -> np.ndarray:
    """What a learner's function returned, as an array; raises NotYet if that is nothing.

    >>> returned([1, 2]).shape
    (2,)
    """
    require(
        result is not None and result is not ...,
        f"Not answered yet: your function returns nothing. Replace the three dots by {wanted}.",
    )
    return np.asarray(result)


def per_sample(result: Any, samples: int) -> np.ndarray:
    """What a learner's loss returned, as an array; raises NotYet unless it holds one per sample.

    >>> per_sample([0.5, 2.0], samples=2)
    array([0.5, 2. ])
    """
    values = returned(result, "the loss")
    require(
        values.ndim > 0,
        "Your loss returned one number for the whole batch. Keras wants one value per sample: "
        "average over the last axis only.",
    )
    axes = "the last axis, axis=-1" if values.ndim == 1 else "all axes but the first"
    require(
        values.shape == (samples,),
        f"For {samples} samples your loss returned the shape {values.shape}; ({samples},) is "
        f"wanted. Average over {axes}.",
    )
    return values


def columns(*arguments: Any) -> list[Any]:
    """The arguments of a loss: a list becomes a column (batch, 1), an array a tensor."""
    arrays = [np.reshape(a, (-1, 1)) if isinstance(a, list) else a for a in arguments]
    return [tf.constant(a, "float32") if isinstance(a, np.ndarray) else a for a in arrays]


def values(loss: Callable, *arguments: Any) -> np.ndarray:
    """The values of a loss, one per sample. A list of numbers stands for a column (batch, 1)."""
    inputs = columns(*arguments)
    return per_sample(loss(*inputs), len(inputs[0]))


def slopes(loss: Callable, *arguments: Any, compiled: bool = False) -> np.ndarray:
    """The gradient of the summed loss over its second argument, flat; by XLA if compiled."""
    y_true, y_pred, *others = columns(*arguments)

    def gradient(y_pred: tf.Tensor) -> tf.Tensor | None:
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            total = tf.reduce_sum(loss(y_true, y_pred, *others))
        return tape.gradient(total, y_pred)

    found = (in_a_graph(gradient, jit_compile=True) if compiled else gradient)(y_pred)
    require(
        found is not None,
        "The values are right, but no gradient arrives: somewhere the tensors leave TensorFlow. "
        "Rounding, a comparison, a cast or NumPy ends the gradient: use keras.ops.",
    )
    return np.ravel(found)


def sound(loss: Callable, *arguments: Any) -> Iterator[tuple[Any, str]]:
    """What holds for every loss of one label per prediction: two outputs, and `trainable`."""
    inputs = [np.reshape(a, (-1, 1)) if isinstance(a, list) else a for a in arguments]
    wide = [np.hstack([i, i[::-1]]) if isinstance(i, np.ndarray) else i for i in inputs]
    yield values(loss, *wide), "With two outputs per sample the loss should average over the two."
    yield from trainable(loss, *arguments)


def trainable(loss: Callable, *arguments: Any) -> Iterator[tuple[Any, str]]:
    """The steps that every loss has: its slopes, and its values in a compiled step."""
    yield (
        slopes(loss, *arguments),
        "The values are right, but the slopes over y_pred should be {wanted}, and are {got}.",
    )
    yield (
        values(in_a_graph(loss), *arguments),
        "In a compiled step your loss has other values: {got} instead of {wanted}.",
    )


def in_a_graph(function: Callable, **options: Any) -> Callable:
    """The function as a compiled step runs it; raises NotYet where Python or NumPy must act."""
    compiled = tf.function(function, autograph=False, **options)

    def call(*arguments: Any) -> Any:
        with explains(
            "It works on numbers, but not inside a compiled step: there a tensor has no value that "
            "Python or NumPy could take out. Leave out `if`, float(...), .numpy() and np."
        ):
            return compiled(*arguments)

    return call


@contextmanager
def explains(words: str) -> Iterator[None]:
    """What is raised in the block becomes NotYet, with these words before the error."""
    try:
        yield
    except NotYet:
        raise
    except Exception as error:
        raise NotYet(f"{words} Your code raised {describe_error(error)}") from error


def changed(cls: type, **methods: Callable) -> type:
    """A subclass with other methods: a slip that differs from the class in these."""
    return type(f"Changed{cls.__name__}", (cls,), methods)
