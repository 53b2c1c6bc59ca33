"""Losses that change while a model trains, and the callbacks that change them.

Which loss is active is a variable of the loss, so a change takes effect in the step that is already
compiled, and the variable is saved with the model. What a rule has to remember from epoch to epoch
is a variable of the loss as well: a fit that is broken off and resumed decides as if it had not
been.
"""

import inspect
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lossutils import _parts, arguments
from lossutils.stateful import ModelWithLoss, StatefulLoss, values_of, weighted_mean

# The best value of a metric before there is one: any other is better.
_NO_BEST = float(np.finfo("float32").max)


class _NamedLosses(_parts.LossOfLosses):
    """What the losses of this file share: a list of losses with names, saved with the model.

    Each loss may be a Keras name, a function giving one value per sample, a ``keras.losses.Loss``
    (its own reduction is not used) or a StatefulLoss. The variables of a StatefulLoss train, and
    its state moves, where it has a part in the loss; an optimizer with momentum lets variables that
    are out of use coast a little.
    """

    def __init__(self, losses: Sequence, names=None, **kwargs):
        super().__init__(**kwargs)
        listed = isinstance(losses, Sequence) and not isinstance(losses, (str, bytes)) and losses
        arguments.check("losses", losses, "be a sequence of at least one loss", listed)
        self.branches = [_parts.resolved("losses", loss) for loss in losses]
        self.names = tuple(map(_parts.name_of, self.branches) if names is None else names)
        words = {name for name in self.names if isinstance(name, str) and name}
        wanted = f"hold {len(losses)} different names, one for each loss"
        fine = len(words) == len(self.names) == len(losses)
        arguments.check("names", self.names, wanted, fine)
        _check_replicas(self.branches)
        self.labels_like_predictions = all(map(_parts.labels_like_predictions, self.branches))

    def choices(self, y_true, y_pred, sample_weight) -> list[Callable]:
        """For each loss a function that computes its values; Keras tells it whether it trains."""

        def values(name, loss):
            told = {"sample_weight": sample_weight}
            values = values_of(f"the loss {name!r}", loss, y_true, y_pred, **told)
            return ops.cast(values, self.compute_dtype)

        pairs = zip(self.names, self.branches, strict=True)
        return [lambda pair=pair: values(*pair) for pair in pairs]

    def check_labels(self, y_true) -> None:
        super().check_labels(y_true)
        for branch in self.branches:
            if isinstance(branch, StatefulLoss):
                branch.check_labels(y_true)

    def index_of(self, which: int | str) -> int:
        """The position of a loss given by name or position; ValueError if there is none such."""
        if which in self.names:
            return self.names.index(which)
        positions = range(len(self.names))
        wanted = f"be one of the names {list(self.names)} or a position from 0 to {positions[-1]}"
        arguments.check("to", which, wanted, type(which) is int and which in positions)
        return which


class _OneOfLosses(_NamedLosses):
    """What losses share of which one is active; its position is a variable."""

    def __init__(self, losses: Sequence, names, **kwargs):
        super().__init__(losses, names, **kwargs)
        self._active = self.add_weight((), "zeros", "int32", trainable=False, name="active")

    @property
    def active(self) -> int:
        return int(ops.convert_to_numpy(self._active))

    def call(self, y_true, y_pred, training=None, sample_weight=None):
        return _chosen(self._active, self.choices(y_true, y_pred, sample_weight))


@keras.saving.register_keras_serializable(package="lossutils")
class SwitchedLoss(_OneOfLosses):
    """Several losses, of which one is active; only that one is computed.

    Args:
        losses: at least one; each a Keras name, a function, a Loss object or a StatefulLoss.
        names: one for each loss, all different; by default their own names.
        **kwargs: whatever ``StatefulLoss`` takes.

    Attributes:
        active: position of the active loss, a whole number; ``activate(name or position)`` sets it.
        names: the names, in order.

    Shapes:
        ``y_true`` and ``y_pred`` (batch, ..., d), result (batch, ...).

    Raises:
        ValueError: no losses, names that are repeated or not as many, an unknown loss, a loss that
            returns a scalar, a function that cannot be saved (when saving).

    >>> loss = SwitchedLoss(["mean_squared_error", "mean_absolute_error"], names=["mse", "mae"])
    >>> y_true, y_pred = tf.zeros((1, 1)), tf.constant([[3.0]])
    >>> float(loss(y_true, y_pred)[0])
    9.0
    >>> loss.activate("mae")
    >>> float(loss(y_true, y_pred)[0])
    3.0
    """

    def __init__(self, losses: Sequence, names=None, **kwargs):
        super().__init__(losses, names, **kwargs)
        # What SwitchOnMetric remembers stands here to be saved with the model.
        no_best = keras.initializers.Constant(_NO_BEST)
        self.best = self.add_weight((), no_best, trainable=False, name="best")
        self.waited = self.add_weight((), "zeros", "int32", trainable=False, name="waited")
        self.cooling = self.add_weight((), "zeros", "int32", trainable=False, name="cooling")

    def activate(self, which: int | str) -> None:
        """Make a loss, given by name or position, the active one."""
        self._active.assign(self.index_of(which))


@keras.saving.register_keras_serializable(package="lossutils")
class BlendedLoss(_NamedLosses):
    """Two losses, mixed: (1 - share) times the first plus share times the second.

    Args:
        losses: exactly two.
        names: as in ``SwitchedLoss``.
        **kwargs: whatever ``StatefulLoss`` takes.

    Attributes:
        share: how much of the second loss is in the mixture, from 0 to 1; starts at 0.

    Raises:
        ValueError: not two losses, or a share outside [0, 1].

    >>> loss = BlendedLoss(["mean_squared_error", "mean_absolute_error"])
    >>> loss.share = 0.5
    >>> float(loss(tf.zeros((1, 1)), tf.constant([[3.0]]))[0])
    6.0
    """

    def __init__(self, losses: Sequence, names=None, **kwargs):
        super().__init__(losses, names, **kwargs)
        arguments.check("losses", len(losses), "hold exactly 2", len(losses) == 2)
        self._share = self.add_weight(shape=(), initializer="zeros", trainable=False, name="share")

    @property
    def share(self) -> float:
        return float(ops.convert_to_numpy(self._share))

    @share.setter
    def share(self, value: float) -> None:
        arguments.numbers("share", value, "be from 0 to 1", lambda share: 0 <= share <= 1)
        self._share.assign(value)

    def call(self, y_true, y_pred, training=None, sample_weight=None):
        first, second = self.choices(y_true, y_pred, sample_weight)

        def mixture():
            one, other = first(), second()
            return one + self._share * (other - one)

        # At either end one loss alone is computed, and the other one's state rests.
        inside = ops.where(self._share < 1, 2, 1)
        return _chosen(ops.where(self._share > 0, inside, 0), [first, second, mixture])


@keras.saving.register_keras_serializable(package="lossutils")
class StateSwitchedLoss(_OneOfLosses):
    """Two losses; a moving average of the batch error chooses, with two thresholds.

    In each training step the mean absolute error of the batch enters an exponential moving average
    (with Adam's correction for its start at zero); samples count by their weight, masked ones not
    at all. Above ``upper`` the second loss becomes active,
    below ``lower`` the first; between them nothing changes, so noise does not make it chatter.
    Evaluation leaves the state alone.

    Args:
        losses: exactly two.
        lower, upper: thresholds in the unit of the targets, 0 <= lower <= upper.
        momentum: of the moving average, in [0, 1); it averages over about 1 / (1 - momentum)
            batches, and 0 looks at the last batch only.
        names: as in ``SwitchedLoss``.
        **kwargs: whatever ``StatefulLoss`` takes.

    Attributes:
        active: position of the active loss, 0 or 1.
        average: the moving average, NaN before the first training step.

    Raises:
        ValueError: not two losses, thresholds in the wrong order, a momentum outside [0, 1).

    Source: the average is Adam's first moment, Kingma and Ba (2015), arXiv:1412.6980; two
    thresholds are the Schmitt trigger, Schmitt (1938), doi:10.1088/0950-7671/15/1/305.

    >>> loss = StateSwitchedLoss(["mse", "mae"], lower=1.0, upper=2.0, momentum=0.0)
    >>> _ = loss(tf.zeros((1, 1)), tf.constant([[3.0]]), training=True)
    >>> loss.average, loss.active
    (3.0, 1)
    """

    def __init__(self, losses: Sequence, lower, upper, momentum=0.9, names=None, **kwargs):
        super().__init__(losses, names, **kwargs)
        arguments.check("losses", len(losses), "hold exactly 2", len(losses) == 2)
        self.lower = float(arguments.number("lower", lower, at_least=0))
        self.upper = float(arguments.number("upper", upper, at_least=self.lower))
        self.momentum = float(arguments.number("momentum", momentum, at_least=0, below=1))
        # Of the errors, and of their weights, so that the quotient is the average.
        self._sums = self.add_weight((2,), "zeros", trainable=False, name="sums")

    @property
    def average(self) -> float:
        total, weight = ops.convert_to_numpy(self._sums).tolist()
        return total / weight if weight else float("nan")

    def call(self, y_true, y_pred, training=None, sample_weight=None):
        if training:
            error = ops.abs(ops.cast(y_true, y_pred.dtype) - y_pred)
            self._update(ops.mean(error, axis=-1, keepdims=True), sample_weight)
        return super().call(y_true, y_pred, training, sample_weight)

    def _update(self, errors, sample_weight) -> None:
        error, behind = weighted_mean(ops.stop_gradient(errors), sample_weight)
        momentum = ops.where(behind > 0, self.momentum, 1.0)  # a batch that counts nothing
        self._sums.assign(momentum * self._sums + (1.0 - momentum) * ops.stack([error[0], 1.0]))
        average = self._sums[0] / self._sums[1]
        lower = ops.where(average < self.lower, 0, self._active)
        self._active.assign(ops.where(average > self.upper, 1, lower))


class SwitchAtEpoch(keras.callbacks.Callback):
    """Makes a loss of a SwitchedLoss active from an epoch on.

    It looks at the number of the epoch, so a fit that is resumed with the right epoch number
    (``initial_epoch``, BackupAndRestore) switches where it would have switched.

    Args:
        epoch: number of the first epoch with the new loss, counted from 0; a whole number.
        to: name or position of the new loss.

    Raises:
        ValueError: an epoch below 0 or not a whole number, an unknown loss, a model without a
            SwitchedLoss (at the start of fit).
    """

    def __init__(self, epoch: int, to: int | str):
        super().__init__()
        self.epoch, self.to = arguments.whole_number("epoch", epoch), to

    def on_epoch_begin(self, epoch, logs=None):
        loss = _owned(self.model, SwitchedLoss)
        position = loss.index_of(self.to)  # an unknown loss is named before the first step
        if epoch >= self.epoch:
            loss.activate(position)


class RampOverEpochs(keras.callbacks.Callback):
    """Moves a BlendedLoss from its first loss to its second, in equal steps.

    The share is 0 before epoch ``start``, 1 from epoch ``start + length`` on, and grows linearly in
    between, once per epoch.

    Args:
        start: number of the last epoch with the first loss alone, counted from 0.
        length: number of epochs over which the share grows, at least 1.

    Raises:
        ValueError: a start below 0, a length below 1, or a model without a BlendedLoss.
    """

    def __init__(self, start: int, length: int):
        super().__init__()
        self.start = arguments.whole_number("start", start)
        self.length = arguments.whole_number("length", length, 1)

    def on_epoch_begin(self, epoch, logs=None):
        share = np.clip((epoch - self.start) / self.length, 0.0, 1.0)
        _owned(self.model, BlendedLoss).share = float(share)


class SwitchOnMetric(keras.callbacks.Callback):
    """Makes a loss of a SwitchedLoss active when a metric has stopped improving.

    At the end of each epoch the metric is compared with its best value so far. After ``patience``
    epochs without an improvement by more than ``min_delta`` (NaN is none) the loss ``to`` becomes
    active, from the next epoch on. Then the rule starts afresh, after ``cooldown`` epochs in which
    it does not look; the metric may pass its old best while it settles.

    Monitor something that the switch does not change (a metric, never the loss that is switched).
    The rule keeps its memory in the model. For a resumed fit to go on exactly, give this callback
    before ModelCheckpoint and BackupAndRestore, so that they save what it has just noted.

    Args:
        monitor: name of the metric in the logs, such as "val_mean_absolute_error".
        to: name or position of the loss to switch to; a sequence of different ones is passed
            through one plateau at a time.
        mode: "min" or "max", whether the metric is to become small or large.
        patience: epochs without improvement before the switch, at least 1.
        min_delta: improvement that counts, in the unit of the metric, at least 0.
        cooldown: epochs after a switch in which the rule waits, at least 0.
        restore_best_weights: at a switch, go back to the network's weights of the best epoch. The
            best weights are kept in memory and not saved.

    Raises:
        ValueError: a bad argument, a model without a SwitchedLoss, or (after the first epoch) a
            metric that the logs do not hold.
    """

    def __init__(
        self, monitor: str, to: int | str | Sequence[int | str], mode="min", patience=3,
        min_delta=0.0, cooldown=0, restore_best_weights=False,
    ):
        super().__init__()
        named = isinstance(monitor, str) and monitor
        arguments.check("monitor", monitor, "be the name of a metric", named)
        arguments.check("mode", mode, 'be "min" or "max"', mode in ("min", "max"))
        self.monitor, self.sign = monitor, 1.0 if mode == "min" else -1.0
        self.stages = list(to) if isinstance(to, (list, tuple)) else [to]
        arguments.check("to", to, "be at least one loss", self.stages)
        self.patience = arguments.whole_number("patience", patience, 1)
        self.cooldown = arguments.whole_number("cooldown", cooldown)
        self.min_delta = arguments.number("min_delta", min_delta, at_least=0)
        self.restore_best_weights = arguments.flag("restore_best_weights", restore_best_weights)
        self.best_weights = None

    def on_train_begin(self, logs=None):
        self.loss = _owned(self.model, SwitchedLoss)
        self.stages = [self.loss.index_of(stage) for stage in self.stages]
        # Where the rule stands is told by the active loss, so it must not come twice.
        names = [self.loss.names[stage] for stage in self.stages]
        arguments.check("to", names, "hold different losses", len(set(names)) == len(names))

    def on_epoch_end(self, epoch, logs=None):
        if self.loss.active == self.stages[-1]:
            return
        value = self.sign * self._monitored(logs or {})
        rule = self.loss.best, self.loss.waited, self.loss.cooling
        best, waited, cooling = (ops.convert_to_numpy(v).item() for v in rule)
        if cooling > 0:
            self.loss.cooling.assign(cooling - 1)
        elif value < best - self.min_delta:
            self._remember(value)
            if self.restore_best_weights:
                self.best_weights = self.model.network.get_weights()
        elif waited + 1 < self.patience:
            self.loss.waited.assign(waited + 1)
        else:
            self._switch()

    def _remember(self, best: float, cooling: int = 0) -> None:
        self.loss.best.assign(best)
        self.loss.waited.assign(0)
        self.loss.cooling.assign(cooling)

    def _switch(self) -> None:
        self._remember(_NO_BEST, self.cooldown)
        passed = self.loss.active in self.stages
        self.loss.activate(self.stages[self.stages.index(self.loss.active) + 1 if passed else 0])
        if self.best_weights is not None:
            self.model.network.set_weights(self.best_weights)

    def _monitored(self, logs: dict[str, float]) -> float:
        wanted = f"be in the logs, which hold {sorted(logs)}"
        arguments.check("monitor", self.monitor, wanted, self.monitor in logs)
        # The best value is kept in float32: unrounded, the same again could pass for a better one.
        return float(np.float32(logs[self.monitor]))


def _chosen(index, choices: Sequence[Callable]):
    """Compute only the choice at ``index``, in the compiled step too.

    A chain of ``tf.cond``, and no ``tf.switch_case``: compiled by XLA, that one breaks the process
    off at a batch of another size (TensorFlow 2.21; the last batch of an epoch often is one).
    """
    first, *others = choices
    if not others:
        return first()
    return tf.cond(tf.equal(index, 0), first, lambda: _chosen(index - 1, others))


def _check_replicas(losses: Sequence[Callable]) -> None:
    """Raise ValueError for a state that TensorFlow cannot keep in step inside another loss."""
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    calls = {_parts.name_of(loss): getattr(loss, "call", loss) for loss in losses}
    moving = [n for n, call in calls.items() if "training" in inspect.signature(call).parameters]
    wanted = f"hold no state that moves in training on {replicas} replicas"
    arguments.check("losses", moving, wanted, replicas == 1 or not moving)


def _owned(model: keras.Model, kind: type):
    owned = isinstance(model, ModelWithLoss) and isinstance(model.loss_layer, kind)
    arguments.check("model", model, f"be a ModelWithLoss(network, {kind.__name__}(...))", owned)
    return model.loss_layer
