"""Rules that switch a loss, each tried on many splits at once: the engines of notebooks 08 and 09.

A way to train has a row of networks, one for each split, and all rows are one model: see
`side_by_side`. Where two losses stand side by side, the second is always Huber's.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from matplotlib.figure import Figure

from lossutils import ModelWithLoss, StatefulLoss, huber
from lossutils.teaching.batches import batches
from lossutils.teaching.datasets import Dataset, diabetes_with_outliers
from lossutils.teaching.plots import add_legend, new_figure
from lossutils.teaching.side_by_side import diabetes_splits, networks, repeated

TRAINED = 240  # of the training rows; the others validate


def absolute_errors(network: Callable, x: Any, y: np.ndarray) -> np.ndarray:
    """The mean absolute error of each network on its own split."""
    return np.abs(network(x) - y).mean(axis=(0, 2))


def squared(y_true: Any, y_pred: Any) -> Any:
    """The squared error of each sample."""
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def shuffled(x: np.ndarray, y: np.ndarray, size: int) -> tf.data.Dataset:
    """Batches of rows in an order that changes with the epoch, the same in each training."""
    rows = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=8)
    return rows.batch(size).with_options(batches(x[:1], y[:1]).options())


class OneOfTwo(StatefulLoss):
    """The calm loss of each way, or Huber's for the networks whose `active` is 1.

    The values are summed over the networks, so that each learns as if it were alone.
    """

    def __init__(self, calm: Sequence[Callable], splits: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ways, self.splits = len(calm), splits
        # Each calm loss, and its share in each way: 1 or 0.
        self.calm = {loss: np.array([[float(other is loss)] for other in calm]) for loss in calm}
        self.active = self.add_state("active")

    def add_state(self, name: str) -> keras.Variable:
        """A number for each way and each split."""
        shape = (self.ways, self.splits)
        return self.add_weight(shape=shape, initializer="zeros", trainable=False, name=name)

    def look_at(self, error: Any) -> None:
        """See the mean absolute errors of a training batch, (ways, splits)."""

    def call(self, y_true: Any, y_pred: Any, training: bool | None = None) -> Any:
        shape = (-1, self.ways, self.splits, 1)
        y_true, y_pred = ops.reshape(y_true, shape), ops.reshape(y_pred, shape)
        if training:
            self.look_at(ops.mean(ops.abs(y_true - y_pred), axis=(0, 3)))
        calm = sum(share * loss(y_true, y_pred) for loss, share in self.calm.items())
        values = ops.where(self.active == 1, huber(1.0)(y_true, y_pred), calm)
        return ops.sum(values, axis=(1, 2))


class SwitchedByState(OneOfTwo):
    """Goes to Huber's loss above `upper`, and back below `lower`, for each network apart.

    A rule is (lower, upper, momentum, every). It looks at the moving average of the error after
    `every` batches: 1, or the length of an epoch, as a callback does, which then begins anew.
    """

    def __init__(self, calm: Sequence[Callable], rules: Sequence, splits: int, **kwargs: Any):
        super().__init__(calm, splits, **kwargs)
        columns = np.array(rules, "float32").T[..., None]
        self.lower, self.upper, self.momentum, self.every = map(tf.constant, columns)
        self.total, self.weight = self.add_state("total"), self.add_state("weight")
        self.flips = self.add_state("flips")

    def look_at(self, error: Any) -> None:
        total, weight = self.momentum * self.total + error, self.momentum * self.weight + 1
        average = total / weight
        unchanged_or_0 = ops.where(average < self.lower, 0.0, self.active)
        wanted = ops.where(average > self.upper, 1.0, unchanged_or_0)
        is_time = weight >= self.every
        kept = ops.where(is_time & (self.every > 1), 0.0, 1.0)
        self.total.assign(kept * total)
        self.weight.assign(kept * weight)
        after = ops.where(is_time, wanted, self.active)
        self.flips.assign_add(ops.abs(after - self.active))
        self.active.assign(after)


def train_by_rules(
    splits: Dataset,
    decide: Callable,
    rules: Sequence[tuple],
    first: int = 1,
    parts: Callable = lambda x, y: shuffled(x, y, 8),
    rate: float = 0.1,
    epochs: int = 60,
) -> tuple[np.ndarray, np.ndarray]:
    """Validation errors (epochs, rules, splits) and test errors (rules, splits) under each rule.

    The squared error (0) or Huber's loss (1); all begin with `first`. After each epoch
    `decide(curves, *rule)` sees the errors so far, (epochs, networks), and the numbers of the
    rules, one for each network; it returns the active losses of all epochs. `parts` makes the
    batches.
    """
    count = splits.x_train.shape[1]
    x, y, x_test, y_test = (
        repeated(a, len(rules))
        for a in (splits.x_train, splits.y_train, splits.x_test, splits.y_test)
    )
    kinds = zip(*rules, strict=True)
    numbers = [np.concatenate([np.broadcast_to(n, count) for n in kind]) for kind in kinds]
    loss = OneOfTwo([squared] * len(rules), count)
    loss.active.assign(first * ops.ones_like(loss.active))
    model = ModelWithLoss(networks(count, len(rules), seed=8), loss)
    model.compile(keras.optimizers.SGD(rate), steps_per_execution=10)
    model.optimizer.build(model.trainable_variables)  # saves a second trace
    x_val, y_val, curves = tf.constant(x[TRAINED:]), y[TRAINED:], []

    def look(epoch: int, logs: dict) -> None:
        curves.append(absolute_errors(model.network, x_val, y_val))
        loss.active.assign(decide(np.array(curves), *numbers)[-1].reshape(len(rules), count))

    look_on = keras.callbacks.LambdaCallback(on_epoch_end=look)
    stream = parts(x[:TRAINED], y[:TRAINED])
    model.fit(stream, epochs=epochs, verbose=0, shuffle=False, callbacks=[look_on])
    test = absolute_errors(model.network, tf.constant(x_test), y_test)
    return np.array(curves).reshape(epochs, -1, count), test.reshape(-1, count)


def train_by_state(
    ways: Sequence[tuple],
    *,
    spoilt: float,
    rate: float,
    total: int,
    every: int,
    shift: float = 0.0,
    exchange: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Test errors (records, ways, 20) of twenty splits, and how often each flipped (ways, 20).

    A way is a calm loss and a rule of `SwitchedByState`. There are `total` batches of 32, and a
    record after each `every` of them. From the batch `exchange` on all targets are higher by
    `shift`.
    """
    splits = diabetes_splits(20, spoilt)
    x, y, x_test, y_test = (
        repeated(a, len(ways))
        for a in (splits.x_train, splits.y_train, splits.x_test, splits.y_test)
    )
    loss = SwitchedByState(*zip(*ways, strict=True), splits=20)
    model = ModelWithLoss(networks(20, len(ways), seed=9), loss)
    model.compile(keras.optimizers.Adam(rate), steps_per_execution=every)
    model.optimizer.build(model.trainable_variables)  # saves a second trace
    rows = tf.data.Dataset.from_tensor_slices((x, y)).take(320).shuffle(320, seed=9)
    stream = (
        rows.batch(32)
        .repeat()
        .enumerate()
        .map(
            lambda number, batch: (
                batch[0],
                batch[1] + shift * tf.cast(number >= exchange, "float32"),
            )
        )
    )
    x_test, errors = tf.constant(x_test), []

    def test(epoch: int, logs: dict) -> None:
        late = (epoch + 1) * every > exchange
        errors.append(absolute_errors(model.network, x_test, y_test + shift * late))

    record = keras.callbacks.LambdaCallback(on_epoch_end=test)
    model.fit(
        stream,
        steps_per_epoch=every,
        epochs=total // every,
        verbose=0,
        shuffle=False,
        callbacks=[record],
    )
    return np.array(errors).reshape(-1, len(ways), 20), loss.flips.numpy()


def record_errors(
    network: keras.Model,
    loss: Callable,
    x: np.ndarray,
    targets: Callable[[int], np.ndarray],
    epochs: int,
    size: int = 32,
) -> np.ndarray:
    """The mean absolute error of each batch, and at the same step that of all samples.

    Trains with Adam and one loss throughout; `targets(number)` gives the targets at a batch.
    """
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build(network.trainable_variables)

    @tf.function
    def step(x_batch, y_batch, y_all):
        of_all = tf.reduce_mean(tf.abs(y_all - network(x)))
        with tf.GradientTape() as tape:
            y_pred = network(x_batch)
            value = tf.reduce_mean(loss(y_batch, y_pred))
        gradients = tape.gradient(value, network.trainable_variables)
        optimizer.apply(gradients, network.trainable_variables)
        return tf.reduce_mean(tf.abs(y_batch - y_pred)), of_all

    random, errors = np.random.default_rng(9), []
    order = np.concatenate([random.permutation(len(x)) for _ in range(epochs)]).reshape(-1, size)
    for number, batch in enumerate(order):
        errors.append(step(x[batch], targets(number)[batch], targets(number)))
    return np.array(errors, dtype="float64").T


def descend(
    splits: Dataset,
    rate: float,
    ready: Callable,
    start: Any = 0.0,
    welsch: bool = False,
    epochs: int = 100,
) -> np.ndarray:
    """Test errors of linear models: Huber's loss, then Welsch's from the epoch after `ready`.

    In NumPy, one step with all rows in each epoch. `start` is the first bias, and
    `ready(epoch, errors)` sees the validation error of each split. With `welsch` Huber's loss has
    no epoch at all.
    """
    x, x_test = (
        np.pad(part, ((0, 0), (0, 0), (0, 1)), constant_values=1).transpose(1, 0, 2)
        for part in (splits.x_train, splits.x_test)
    )
    y, y_test = splits.y_train[..., 0].T, splits.y_test[..., 0].T
    fitted, labels = np.ascontiguousarray(x[:, :TRAINED]), y[:, :TRAINED]
    w, welsch = np.zeros((len(x), x.shape[-1], 1)), np.full(len(x), welsch)
    w[:, -1, 0] = start
    for epoch in range(epochs):
        error = (fitted @ w)[..., 0] - labels
        pull = np.where(welsch[:, None], error * np.exp(-(error**2) / 2), np.clip(error, -1, 1))
        w = w - rate * (fitted.transpose(0, 2, 1) @ pull[..., None]) / TRAINED
        validation = np.abs((x[:, TRAINED:] @ w)[..., 0] - y[:, TRAINED:]).mean(axis=1)
        welsch = welsch | ready(epoch, validation)
    return np.abs((x_test @ w)[..., 0] - y_test).mean(axis=1)


def through_an_exchange(model: ModelWithLoss, epochs: int = 30) -> Iterator[dict]:
    """Train on ten batches in each epoch; after epoch 12 all targets are higher by 6.

    A quarter of the targets is spoilt. Yields the state of the loss, and the test error.
    """
    data = diabetes_with_outliers(0.25, seed=9)
    model.compile(keras.optimizers.Adam(0.01), steps_per_execution=10)
    for epoch in range(epochs):
        shift = 6.0 * (epoch >= 12)
        stream = batches(data.x_train[:320], data.y_train[:320] + shift, 32)
        model.fit(stream, verbose=0, shuffle=False)
        test = np.abs(model.network(data.x_test) - data.y_test - shift).mean()
        yield {
            "average": model.loss_layer.average,
            "active": model.loss_layer.active,
            "test": float(test),
        }


def rule_figure(
    errors: np.ndarray,
    average: np.ndarray,
    active: np.ndarray,
    thresholds: tuple[float, float],
    title: str,
    ylim: tuple[float, float] = (0, 2.6),
    others: dict[str, np.ndarray] | None = None,
) -> Figure:
    """What a rule sees, batch by batch, and a band wherever it says Huber."""
    figure, axes = new_figure(width=8.0, height=3.6)
    batch = np.arange(1, len(errors) + 1)
    band = {"transform": axes.get_xaxis_transform(), "label": "rule says Huber"}
    axes.fill_between(batch, 0, active, step="mid", color="#E69F00", alpha=0.35, lw=0, **band)
    axes.plot(batch, errors, ".", color="0.6", markersize=4, label="batch error")
    smooth = "what the rule sees" if np.array_equal(errors, average) else "moving average"
    axes.plot(batch, average, color="#0072B2", linestyle="-", label=smooth)
    names = ["threshold" if len(set(thresholds)) == 1 else "thresholds", None]
    for height, name in zip(thresholds, names, strict=True):
        axes.axhline(height, color="black", linestyle="--", linewidth=1.2, label=name)
    for (name, curve), style in zip((others or {}).items(), ("-.", ":"), strict=False):
        axes.plot(curve, color="#D55E00", linestyle=style, label=name)
    flips = np.count_nonzero(np.diff(active))
    axes.set(xlabel="batch", ylabel="error (sd)", xlim=(0, len(errors)), ylim=ylim)
    axes.set_title(f"{title}, flips: {flips}")
    add_legend(figure)
    return figure


def exchange_figure(records: list[dict], limits: Iterable[float]) -> Figure:
    """The average that the loss sees, and the test error, epoch by epoch."""
    figure, (left, right) = new_figure(columns=2, width=8.5, height=3.2)
    epochs = np.arange(1, len(records) + 1)
    active = np.array([record["active"] for record in records])
    for axes, name, top in ((left, "average", 9), (right, "test", 7)):
        axes.plot(epochs, [record[name] for record in records], marker="o", markersize=3)
        axes.fill_between(epochs, 0, top * active, step="mid", color="#E69F00", alpha=0.35)
        axes.set(xlabel="epoch", ylabel="sd", xlim=(0, 31), ylim=(0, top))
    for limit in limits:
        left.axhline(limit, color="black", linestyle="--", linewidth=1.2)
    left.set_title("moving average of the error")
    right.set_title("error on the test patients")
    return figure
