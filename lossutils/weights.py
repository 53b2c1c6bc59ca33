"""Weights that a loss learns: of tasks, by what their noise allows; of classes, by the worst one.

The weights of a sum that is minimised cannot be free: the cheapest answer is to weigh nothing, or
only what is easy. Here they are paid for by a likelihood, or moved against the minimisation.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import keras
import numpy as np
from keras import ops

from lossutils import arguments
from lossutils._parts import LossOfLosses, resolved
from lossutils.stateful import values_of, weighted_mean


@keras.saving.register_keras_serializable(package="lossutils")
class UncertaintyWeights(LossOfLosses):
    """The sum of several tasks' losses, each weighed by one over its own size.

    The loss is the sum of exp(-s_i) L_i + s_i, with one trained s_i for each task. The second term
    is the price of a small weight: it stands for the logarithm in a likelihood, and s_i is the
    logarithm of the noise. The minimum over s_i lies exactly at exp(s_i) = L_i, the mean loss of
    the task, and there the sum is that of 1 + log L_i. So a task in another unit changes nothing
    but a constant, and the loss may well be negative.

    A task without noise has no minimum: its weight grows as long as its loss falls.

    Args:
        losses: for each task what ``keras.losses.get`` takes: a name, a function with one value
            per sample, or a ``keras.losses.Loss`` (its reduction is not used). A list or tuple for
            predictions in one array or in a list; a dict for predictions in a dict. A loss
            that would not come back the same is refused when saving: a closure, which has no name
            to be found by, or ``keras.losses.Huber``, which forgets its delta in Keras 3.15.
        **kwargs: whatever ``StatefulLoss`` takes.

    Attributes:
        task_weights: exp(-s), shape (tasks,), in 1 / unit of each loss. The order is that of
            ``losses``, of a dict that of its sorted names. All start at 1.

    Shapes:
        One array (batch, ..., tasks): task i is column i, and the result has shape (batch, ...).
        Several arrays (batch, ...): one for each task, and the result has shape (batch,).

    Raises:
        ValueError: no loss or an unknown one, or another number or other names of outputs than of
            losses.

    Source: Kendall, Gal and Cipolla (2018), Multi-Task Learning Using Uncertainty to Weigh Losses,
    arXiv:1705.07115, equation 7 times two. Their classification, equation 10, has the price s / 2.

    >>> loss = UncertaintyWeights(["mean_squared_error", "mean_absolute_error"])
    >>> loss.start_at([4.0, 0.25])
    >>> loss.task_weights.numpy().tolist()
    [0.25, 4.0]
    """

    def __init__(self, losses: Sequence | Mapping, **kwargs):
        super().__init__(**kwargs)
        listed = isinstance(losses, (list, tuple, dict)) and losses
        arguments.check("losses", losses, "be a list or a dict with one loss for each task", listed)
        self.tasks = arguments.names_or_number(losses)
        self.task_losses = tuple(_task_loss("losses", loss) for loss in keras.tree.flatten(losses))
        self.log_scales = self.add_weight((len(self.task_losses),), "zeros", name="log_scales")

    @property
    def task_weights(self):
        return ops.exp(-self.log_scales)

    def start_at(self, task_losses: Sequence[float]) -> None:
        """Set the weights to one over these losses, such as those before the training.

        Useful where a loss is far from 1: an optimizer would take long to get there. Raises
        ValueError for another number of losses than of tasks, and for one that is not above 0.
        """
        values = arguments.weights("task_losses", task_losses, length=len(self.task_losses))
        arguments.numbers("task_losses", values, "hold numbers above 0", lambda v: v > 0)
        self.log_scales.assign(np.log(values))

    def call(self, y_true, y_pred):
        total = 0.0
        for i, (true, pred) in enumerate(self._tasks(y_true, y_pred)):
            values = values_of(f"the loss of task {i}", self.task_losses[i], true, pred)
            if keras.tree.is_nested(y_pred):
                values = _one_value(values)
            s = self.log_scales[i]
            total = total + ops.exp(-s) * values + s
        return total

    def _tasks(self, y_true, y_pred) -> Iterable[tuple]:
        """A pair of labels and predictions for each task."""
        if not keras.tree.is_nested(y_pred):
            arguments.at_least_one_axis(y_pred)
            y_true, y_pred = _columns(y_true), _columns(y_pred)
        outputs = arguments.names_or_number(y_pred)
        wanted = f"hold one loss for each output, {outputs}, and have the same names"
        arguments.check("losses", self.tasks, wanted, self.tasks == outputs)
        return zip(keras.tree.flatten(y_true), keras.tree.flatten(y_pred), strict=True)


@keras.saving.register_keras_serializable(package="lossutils")
class WorstCaseWeights(LossOfLosses):
    """The weighted mean of the classes' losses, with the weights an adversary would choose.

    The network minimises the sum of w_c L_c, where L_c is the mean loss of class c. The weights,
    which add up to 1, maximise it: in each training step w_c is multiplied by exp(step_size L_c)
    and all are divided by their sum. Where the two balance, the largest class loss is as small as
    the network can make it. Groups may take the place of classes.

    All weights start equal: that is ``class_weight="balanced"``. They move in training only. Each
    sample's value depends on itself and the weights alone, so several replicas learn the same.
    For the adversary samples count by their ``sample_weight`` too, and masked ones not at all.

    A network that can fit every training sample leaves the adversary nothing to do: regularise it,
    or stop early. Wrong labels raise the loss of their class, and so its weight.

    Args:
        counts: how many training samples each class or group has, at least two numbers above 0.
        step_size: how fast the weights move, in 1 / unit of the loss, above 0. About as fast as
            the network learns, or slower; too fast, and the two run around each other.
        loss: what ``keras.losses.get`` takes, as for ``UncertaintyWeights``; by default the
            categorical cross-entropy of logits.
        **kwargs: whatever ``StatefulLoss`` takes.

    Attributes:
        class_weights: w, shape (classes,), without unit, with the sum 1.

    Shapes:
        Classes: ``y_true`` one-hot (batch, ..., classes), or 0 and 1 in (batch, ..., 1); ``y_pred``
        of the same shape, result (batch, ...). Groups: ``y_true`` is a pair of labels, shaped like
        ``y_pred``, and group numbers from 0, (batch,) or (batch, 1); result (batch,).

    Raises:
        ValueError: fewer than two counts or one that is not above 0, a step size that is not above
            0, an unknown loss, shapes that do not fit; in ``fit`` labels that are not one-hot, or
            groups out of range.

    Source: Sagawa, Koh, Hashimoto and Liang (2020), Distributionally Robust Neural Networks for
    Group Shifts, arXiv:1911.08731, algorithm 1, with the exact share of each group in place of
    sampling them equally.

    >>> loss = WorstCaseWeights(counts=(90, 10))
    >>> loss.class_weights.numpy().tolist()
    [0.5, 0.5]
    """

    labels_like_predictions = False

    def __init__(self, counts: Sequence[float], step_size: float = 0.01, loss=None, **kwargs):
        super().__init__(**kwargs)
        self.counts = arguments.weights("counts", counts)
        wanted = "hold the number of samples, above 0, of at least two classes"
        arguments.check("counts", counts, wanted, len(self.counts) >= 2 and min(self.counts) > 0)
        self.step_size = float(arguments.number("step_size", step_size, above=0))
        default = keras.losses.CategoricalCrossentropy(from_logits=True)
        self.class_loss = _task_loss("loss", default if loss is None else loss)
        # Their softmax is the weights. The update is linear in them, so the mean over the replicas
        # of what each has assigned is what one device would have assigned.
        state = {"trainable": False, "aggregation": "mean", "name": "log_weights"}
        self.log_weights = self.add_weight((len(self.counts),), "zeros", **state)

    @property
    def class_weights(self):
        return ops.softmax(self.log_weights)

    def call(self, y_true, y_pred, training=False, sample_weight=None):
        labels, groups = _labels_and_groups(y_true)
        arguments.same_shape(labels, y_pred)
        classes = self._classes(labels) if groups is None else ops.reshape(groups, (-1,))
        values = values_of("`loss`", self.class_loss, labels, y_pred)
        if groups is not None:
            values = _one_value(values)
        member = ops.one_hot(ops.cast(classes, "int32"), len(self.counts), dtype=values.dtype)
        per_share = member / (np.array(self.counts) / sum(self.counts)).astype("float32")
        weighted = values * ops.sum(per_share * self.class_weights, axis=-1)
        if training:
            losses = ops.stop_gradient(ops.expand_dims(values, -1) * per_share)
            # A step of exponentiated gradient. A common shift changes no weight, and keeps the
            # numbers small.
            moved = self.log_weights + self.step_size * weighted_mean(losses, sample_weight)[0]
            self.log_weights.assign(moved - ops.mean(moved))
        return weighted

    def _classes(self, labels):
        classes = labels.shape[-1]
        wanted = f"have {len(self.counts)} classes, as many as `counts`"
        arguments.check("y_true", tuple(labels.shape), wanted, max(classes, 2) == len(self.counts))
        return labels[..., 0] if classes == 1 else ops.argmax(labels, axis=-1)

    def check_labels(self, y_true) -> None:
        super().check_labels(y_true)
        labels, groups = _labels_and_groups(y_true)
        if groups is not None:
            known = range(len(self.counts))
            wanted = f"hold group numbers from 0 to {known[-1]}, one for each of `counts`"
            arguments.numbers("y", groups, wanted, lambda groups: np.isin(groups, known))
        elif np.shape(labels)[-1] == 1:
            arguments.zeros_and_ones("y", labels)
        else:
            arguments.one_hot("y", labels)


def _task_loss(name: str, loss) -> Callable:
    without = not isinstance(loss, keras.layers.Layer)
    arguments.check(name, loss, "hold losses without variables", without)
    return resolved(name, loss)


def _columns(y) -> list:
    return [y[..., i : i + 1] for i in range(y.shape[-1])]


def _one_value(values):
    """The mean over all axes but the batch."""
    return ops.mean(ops.reshape(values, (ops.shape(values)[0], -1)), axis=-1)


def _labels_and_groups(y_true):
    """The labels, and the group numbers or None."""
    if not isinstance(y_true, (list, tuple)):
        return y_true, None
    wanted = "hold labels alone, or a pair of labels and group numbers"
    arguments.check("y_true", len(y_true), wanted, len(y_true) == 2)
    return y_true
