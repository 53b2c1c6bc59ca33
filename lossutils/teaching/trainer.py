"""A training loop quick enough to sit under a slider.

``fit`` spends most of its time on a small network outside the arithmetic: on callbacks, iterators
and Python. Here the loop over the epochs is part of the compiled graph, and the parameters of the
loss are inputs of that graph. So one compilation serves every value of the parameters, and a small
network is trained anew, always from the same start, in a few milliseconds.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lossutils import arguments
from lossutils.stateful import values_of

# The constants of keras.optimizers.Adam.
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7


@dataclass(frozen=True)
class TrainingResult:
    """What one training gave.

    Attributes:
        weights: the trained arrays, in the order of ``network.trainable_variables``.
        losses: the training loss of each epoch, shape (epochs,), as ``fit`` reports it.
        parameters: the loss parameters it was trained with.
    """

    weights: list[np.ndarray]
    losses: np.ndarray
    parameters: dict[str, Any]
    _predict: Callable = field(repr=False)

    def predict(self, x: Any) -> np.ndarray:
        """Predictions of the trained network for ``x``, as an array."""
        return self._predict(self.weights, tf.constant(x, tf.float32)).numpy()


class CompiledTrainer:
    """Trains a small network again and again from the same start, for one loss parameter after
    another, equal to ``fit(shuffle=False)`` with the same batches.

    Args:
        network: a built Keras model with trainable weights only (no BatchNormalization, no
            Dropout). Its weights are the start of every training; they are never changed.
        loss: ``loss(y_true, y_pred, **parameters)`` giving one value per sample; the parameters
            arrive as float32 tensors. If it has an argument ``epoch``, it gets the number of the
            current epoch, from 0, as an int32 tensor.
        x, y: arrays of shape (n, ...); the labels with the shape that the loss wants.
        epochs: number of epochs, at least 1.
        batch_size: must divide n; None means all samples in one batch.
        optimizer: "adam" or "sgd", with Keras' default constants.
        learning_rate: finite, above 0.
        jit_compile: compile with XLA. Each training is several times as fast; the first one waits
            about a second for it, and it takes up to 150 MB.

    Raises:
        ValueError: a network that is not built or has other than trainable weights, an empty or
            unequal ``x`` and ``y``, a batch size that does not divide n, an unknown optimizer, a
            learning rate that is not above 0; in ``train``: parameters that the loss does not take
            or that are not finite, a loss that gives a scalar.

    >>> from lossutils import huber
    >>> network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> x = np.linspace(-1, 1, 8, dtype="float32")[:, None]
    >>> trainer = CompiledTrainer(
    ...     network, lambda y, p, delta: huber(delta)(y, p), x, 2 * x, epochs=50, learning_rate=0.1)
    >>> result = trainer.train(delta=0.5)
    >>> bool(result.losses[-1] < result.losses[0]), result.predict(x).shape
    (True, (8, 1))
    """

    def __init__(
        self,
        network: keras.Model,
        loss: Callable,
        x: Any,
        y: Any,
        *,
        epochs: int,
        batch_size: int | None = None,
        optimizer: str = "adam",
        learning_rate: float = 0.001,
        jit_compile: bool = True,
    ):
        _check_network(network)
        if not callable(loss):
            raise ValueError(f"`loss` must be a function of (y_true, y_pred), but is {loss!r}.")
        arguments.number("learning_rate", learning_rate, above=0)
        x, y = np.asarray(x, "float32"), np.asarray(y, "float32")
        batch_size = len(x) if batch_size is None else batch_size
        _check_sizes(len(x), len(y), epochs, batch_size)
        if optimizer not in _UPDATES:
            raise ValueError(
                f"`optimizer` must be one of {sorted(_UPDATES)}, but is {optimizer!r}."
            )
        self.network, self.loss = network, loss
        self.epochs, self.learning_rate = epochs, float(learning_rate)
        self.update = _UPDATES[optimizer]
        self.start = [tf.constant(v.numpy()) for v in network.trainable_variables]
        self.wants_epoch = "epoch" in inspect.signature(loss).parameters
        batches = (len(x) // batch_size, batch_size)
        self.x = tf.reshape(x, (*batches, *x.shape[1:]))
        self.y = tf.reshape(y, (*batches, *y.shape[1:]))
        self.traces = 0
        # Like `fit` it leaves the code of a loss as it is: `autograph` would rewrite it.
        self._run = tf.function(self._all_epochs, jit_compile=jit_compile, autograph=False)
        self._predict = tf.function(self._forward, reduce_retracing=True, autograph=False)

    def train(self, **parameters: Any) -> TrainingResult:
        """Train from the start with these values of the loss parameters."""
        self._check_parameters(parameters)
        tensors = {name: tf.constant(value, tf.float32) for name, value in parameters.items()}
        weights, losses = self._run(tensors)
        return TrainingResult(
            [w.numpy() for w in weights], losses.numpy(), parameters, self._predict
        )

    def sweep(self, name: str, values: Sequence[float], **others: Any) -> list[TrainingResult]:
        """Train once for each value of the parameter ``name``, the others held fixed."""
        return [self.train(**{name: float(value)}, **others) for value in values]

    def _check_parameters(self, parameters):
        for name, value in parameters.items():
            arguments.numbers(name, value, "be a finite number or an array of them", np.isfinite)
        extra = {"epoch": 0} if self.wants_epoch else {}
        try:
            inspect.signature(self.loss).bind("y_true", "y_pred", **extra, **parameters)
        except TypeError as error:
            raise ValueError(
                f"`parameters` are {sorted(parameters)}, but the loss wants (y_true, y_pred, "
                f"parameters) = {inspect.signature(self.loss)}: {error}."
            ) from error

    def _forward(self, weights, x):
        return self.network.stateless_call(weights, [], x)[0]

    def _all_epochs(self, parameters):
        self.traces += 1
        zeros = [tf.zeros_like(w) for w in self.start]
        state = (self.start, zeros, zeros)
        losses = tf.TensorArray(tf.float32, size=self.epochs)

        def one_epoch(epoch, state, losses):
            state, loss = self._one_epoch(epoch, state, parameters)
            return epoch + 1, state, losses.write(epoch, loss)

        _, state, losses = _loop(self.epochs, one_epoch, state, losses)
        return state[0], losses.stack()

    def _one_epoch(self, epoch, state, parameters):
        batches = len(self.x)

        def one_batch(index, state, total):
            step = epoch * batches + index + 1
            state, loss = self._one_step(
                step, epoch, state, self.x[index], self.y[index], parameters
            )
            return index + 1, state, total + loss

        _, state, total = _loop(batches, one_batch, state, tf.constant(0.0))
        return state, total / batches

    def _one_step(self, step, epoch, state, x, y, parameters):
        weights, first, second = state
        extra = {"epoch": epoch} if self.wants_epoch else {}
        with tf.GradientTape() as tape:
            tape.watch(weights)
            y_pred, _, penalties = self.network.stateless_call(
                weights, [], x, training=True, return_losses=True
            )
            loss = partial(self.loss, **parameters, **extra)
            values = values_of("`loss`", loss, y, y_pred)
            loss = tf.reduce_mean(values) + sum(penalties)
        gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
        return self.update(step, self.learning_rate, gradients, weights, first, second), loss


def _loop(count, body, *state):
    if count == 1:
        return body(tf.constant(0), *state)  # a loop takes time of its own
    # By default ten turns may overlap: what does not depend on the weights is held ten times.
    return tf.while_loop(
        lambda index, *_: index < count, body, (tf.constant(0), *state), parallel_iterations=1
    )


def _sgd(step, rate, gradients, weights, first, second):
    return [w - rate * g for w, g in zip(weights, gradients, strict=True)], first, second


def _adam(step, rate, gradients, weights, first, second):
    """Kingma and Ba (2015), algorithm 1 in the form of section 2, as Keras computes it."""
    first = [m + (g - m) * (1 - BETA_1) for m, g in zip(first, gradients, strict=True)]
    second = [v + (g * g - v) * (1 - BETA_2) for v, g in zip(second, gradients, strict=True)]
    step = tf.cast(step, tf.float32)
    rate = rate * tf.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
    weights = [
        w - rate * m / (tf.sqrt(v) + EPSILON)
        for w, m, v in zip(weights, first, second, strict=True)
    ]
    return weights, first, second


_UPDATES = {"adam": _adam, "sgd": _sgd}


def _check_network(network: keras.Model) -> None:
    if not isinstance(network, keras.Model):
        raise ValueError(f"`network` must be a keras.Model, but is {network!r}.")
    if not network.built:
        raise ValueError("`network` must be built, but has no weights yet; give it an Input layer.")
    if network.non_trainable_variables or not network.trainable_variables:
        others = [v.path for v in network.non_trainable_variables]
        raise ValueError(
            "`network` must have trainable weights and no others (no BatchNormalization, no "
            f"Dropout, nothing frozen), but has {others or 'none'}."
        )


def _check_sizes(n: int, labels: int, epochs: int, batch_size: int) -> None:
    if n == 0 or n != labels:
        raise ValueError(f"`x` and `y` must be equally long and not empty, but hold {n}, {labels}.")
    arguments.whole_number("epochs", epochs, 1)
    if n % arguments.whole_number("batch_size", batch_size, 1):
        raise ValueError(
            f"`batch_size` must be a whole number that divides {n}, but is {batch_size!r}."
        )
