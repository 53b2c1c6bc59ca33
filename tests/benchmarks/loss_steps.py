"""What a step of each loss of lossutils costs, against the nearest loss that Keras brings along.

Four comparisons: the loss and its gradient alone, compiled without XLA and with it; and a whole
training step of a small network in `fit`, which is what somebody waits for, without and with XLA.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import losses as keras_losses
from keras import ops
from measure import Table, in_turn, median, progress, ratio

import lossutils
from lossutils import ModelWithLoss, StatefulLoss

ALONE_SAMPLES, FIT_BATCH, STEPS = 256, 32, 64
FEATURES = 8

HEADER = tuple(
    name
    for what in ("alone", "alone, XLA", "fit step", "fit step, XLA")
    for name in (f"{what} [ms]", "ratio")
)
MSE, MAE = "mean_squared_error", "mean_absolute_error"


@dataclass(frozen=True)
class Data:
    """What a loss is given: labels, and predictions with so many outputs and this activation."""

    labels: Callable[[np.random.Generator, int], np.ndarray]
    outputs: int = 1
    activation: str | None = None


def _numbers(width: int) -> Data:
    return Data(lambda rng, count: rng.normal(size=(count, width)).astype("float32"), width)


NUMBER, PAIR, VECTOR = _numbers(1), _numbers(2), _numbers(16)
YES_OR_NO = Data(lambda rng, n: rng.integers(0, 2, (n, 1)).astype("float32"), 1, "sigmoid")
ONE_HOT = Data(lambda rng, n: np.eye(3, dtype="float32")[rng.integers(0, 3, n)], 3, "softmax")
LOGITS = Data(ONE_HOT.labels, 3)
CLASS_OF_VECTOR = Data(lambda rng, n: rng.integers(0, 3, (n, 1)), 16)


class StatefulMSE(StatefulLoss):
    """The squared error as a StatefulLoss: what the way through ModelWithLoss costs by itself."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the squared error of each sample."""
        return keras_losses.mean_squared_error(y_true, y_pred)


class ScaledMSE(StatefulLoss):
    """The squared error times one trained number: what TensorFlow asks for any trained variable."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the scaled squared error of each sample."""
        return self.scale * keras_losses.mean_squared_error(y_true, y_pred)


def general_robust(y_true: Any, y_pred: Any) -> Any:
    """Return the general robust loss of each sample, with a shape and scale that stay."""
    return ops.mean(lossutils.general_robust_loss(y_true - y_pred, 1.0, 1.0), axis=-1)


def pairwise(_y_true: Any, y_pred: Any) -> Any:
    """Return the mean squared distance of each sample from the others: the floor for NCA."""
    squares = ops.sum(ops.square(y_pred), axis=-1)
    products = ops.matmul(y_pred, ops.transpose(y_pred))
    return ops.mean(squares[:, None] + squares[None, :] - 2.0 * products, axis=-1)


def each_column(y_true: Any, y_pred: Any) -> Any:
    """Return the sum of Keras' squared errors of two outputs: two tasks that weigh the same."""
    columns = slice(0, 1), slice(1, 2)
    return sum(keras_losses.mean_squared_error(y_true[:, c], y_pred[:, c]) for c in columns)


def from_logits(y_true: Any, y_pred: Any) -> Any:
    """Return Keras' categorical cross-entropy of logits."""
    return keras_losses.categorical_crossentropy(y_true, y_pred, from_logits=True)


@dataclass(frozen=True)
class Case:
    """One of our losses, made anew for each model, and what it is compared with."""

    name: str
    ours: Callable[[], Any]
    neighbour: str
    theirs: Callable
    data: Data


def cases() -> list[Case]:
    """Return a case for each loss of lossutils."""
    u, two = lossutils, (MSE, MAE)
    bce, cce = keras_losses.binary_crossentropy, keras_losses.categorical_crossentropy
    mse, mae = keras_losses.mean_squared_error, keras_losses.mean_absolute_error
    huber = keras_losses.huber
    return [
        Case("huber", lambda: u.huber(1.0), "Huber", huber, NUMBER),
        Case(
            "weighted_binary_crossentropy",
            lambda: u.weighted_binary_crossentropy((1, 2)),
            "BinaryCrossentropy",
            bce,
            YES_OR_NO,
        ),
        Case(
            "weighted_categorical_crossentropy",
            lambda: u.weighted_categorical_crossentropy((1, 2, 3)),
            "CategoricalCrossentropy",
            cce,
            ONE_HOT,
        ),
        Case("near_zero_penalty", u.near_zero_penalty, "MSE", mse, NUMBER),
        Case("pinball", u.pinball, "MAE", mae, NUMBER),
        Case("general_robust_loss", lambda: general_robust, "Huber", huber, NUMBER),
        Case("MSE as a StatefulLoss", StatefulMSE, "MSE", mse, NUMBER),
        Case("MSE times a trained variable", ScaledMSE, "MSE", mse, NUMBER),
        Case("CostThreshold", u.CostThreshold, "BinaryCrossentropy", bce, YES_OR_NO),
        Case("F1Threshold", u.F1Threshold, "BinaryCrossentropy", bce, YES_OR_NO),
        Case(
            "UncertaintyWeights",
            lambda: u.UncertaintyWeights([MSE, MSE]),
            "MSE + MSE",
            each_column,
            PAIR,
        ),
        Case(
            "WorstCaseWeights",
            lambda: u.WorstCaseWeights((1, 1, 1)),
            "CategoricalCrossentropy",
            from_logits,
            LOGITS,
        ),
        Case("MahalanobisNLL", lambda: u.MahalanobisNLL(16), "MSE", mse, VECTOR),
        Case("NCA", lambda: u.NCA(16), "none; all distances", pairwise, CLASS_OF_VECTOR),
        Case("AdaptiveRobustLoss", u.AdaptiveRobustLoss, "Huber", huber, NUMBER),
        Case("SwitchedLoss", lambda: u.SwitchedLoss(two), "MSE", mse, NUMBER),
        Case("BlendedLoss", lambda: u.BlendedLoss(two), "MSE", mse, NUMBER),
        Case("StateSwitchedLoss", lambda: u.StateSwitchedLoss(two, 1.0, 2.0), "MSE", mse, NUMBER),
    ]


def network(data: Data) -> keras.Model:
    """Return a small network with the outputs that a loss wants."""
    keras.utils.set_random_seed(0)
    hidden = keras.layers.Dense(32, activation="relu")
    last = keras.layers.Dense(data.outputs, activation=data.activation)
    return keras.Sequential([keras.Input((FEATURES,)), hidden, last])


def alone(loss: Callable, data: Data, xla: bool = False) -> Callable[[], Any]:
    """Return a compiled step: the mean of the loss, and its gradient by predictions and variables.

    `xla` says whether XLA compiles it.
    """
    rng = np.random.default_rng(0)
    y_true = tf.constant(data.labels(rng, ALONE_SAMPLES))
    y_pred = network(data)(rng.normal(size=(ALONE_SAMPLES, FEATURES)).astype("float32"))
    variables = getattr(loss, "trainable_variables", [])

    @tf.function(jit_compile=xla)
    def step(y_true: tf.Tensor, y_pred: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            value = tf.reduce_mean(loss(y_true, y_pred))
        return tape.gradient(value, [y_pred, *variables])

    return lambda: step(y_true, y_pred)


def fit(loss: Callable, data: Data, xla: bool = False) -> Callable[[], Any]:
    """Return one epoch of `fit` on STEPS batches; `xla` says whether XLA compiles its step."""
    rng = np.random.default_rng(0)
    count = FIT_BATCH * STEPS
    x, y = rng.normal(size=(count, FEATURES)).astype("float32"), data.labels(rng, count)
    stateful = isinstance(loss, StatefulLoss)
    model = ModelWithLoss(network(data), loss) if stateful else network(data)
    model.compile("adam", jit_compile=xla, **({} if stateful else {"loss": loss}))
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(FIT_BATCH).cache()
    return lambda: model.fit(batches, verbose=0, shuffle=False)


def row(case: Case) -> list[str]:
    """Measure one case and return its row of the table."""
    progress(case.name)
    cells = [case.name, case.neighbour]
    for measured, xla in product((alone, fit), (False, True)):
        calls, steps = (50, 1) if measured is alone else (1, STEPS)
        make = partial(measured, data=case.data, xla=xla)
        actions = {"ours": make(case.ours()), "theirs": make(case.theirs)}
        times = in_turn(actions, calls=calls)
        cells.append(median([t / steps for t in times["ours"]], "ms"))
        cells.append(ratio(times["ours"], times["theirs"]))
    keras.backend.clear_session()
    return cells


def tables() -> Iterator[Table]:
    """Yield the table of all losses."""
    yield Table(
        "Losses",
        ["loss", "nearest in Keras", *HEADER],
        [row(case) for case in cases()],
        f"Alone: value and gradients for {ALONE_SAMPLES} samples (MahalanobisNLL and NCA: of "
        f"{VECTOR.outputs} numbers), compiled without XLA and with it. Fit step: one step of `fit` "
        f"with a batch of {FIT_BATCH}, without XLA and with it. Ratios are ours over Keras', "
        "measured in turn: the median and, in brackets, the middle half. Where ours has a "
        "variable, alone it pays for two things that every network has: a variable, which a "
        "compiled function asks something for (see MSE times a trained variable), and more than "
        "some few operations, which XLA then gives to all cores.",
    )
