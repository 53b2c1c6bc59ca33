"""The exercises of notebook 09, Can a loss switch by itself?"""

import functools

import numpy as np
from keras import ops

from lossutils.closures import huber
from lossutils.stateful import StatefulLoss
from lossutils.teaching.exercises import Exercise, changed, in_a_graph, quiz, slopes, values

which_way = quiz(
    "way",
    {
        "two losses for the batch, one of them takes a hundred times as long":
            "One of your losses is costly. Which ways do not run it while it is off?",
        "six losses, one of them active in each epoch":
            "Your way would compute all six. Which ways run the chosen one only?",
        "each sample brings a flag that names its loss":
            "The samples of a batch want different losses. Which way chooses element by element?",
        "an optimizer shall find out how much of each loss is best":
            "An optimizer needs a slope of the choice. A choice of one or the other has none.",
        "the loss that is not active may be NaN, and you cannot change it":
            "If the other loss runs at all, 0 times NaN is NaN, in the gradient at the latest.",
    },
    "Ask two things: who chooses (the batch, each sample, an optimizer)? May both losses run?",
    "cond and switch_case run the chosen one. where chooses per sample. A blend has a slope.",
    right=(
        ["cond", "switch_case"], ["switch_case", "cond"], "where", "blend", ["cond", "switch_case"],
    ),
    write="write one of cond, switch_case, where, blend",
    unanswered="Not answered yet: {number} of 5 projects. Write one of cond, switch_case, where, "
    "blend.",
    praise="What switch_case does for a list, a chain of cond does too, and safely under XLA.",
)


def root_loss(y_true, y_pred):
    error = ops.abs(y_true - y_pred)
    safe = ops.where(error > 0, error, 1.0)
    return ops.mean(ops.where(error > 0, ops.sqrt(safe), 0.0), axis=-1)


_LABELS = np.array([[1.0, -2.0], [0.0, 3.0], [5.0, 5.0]])
_PREDICTIONS = np.array([[1.25, 2.0], [0.0, 4.0], [4.0, 9.0]])


def _near_the_root(loss):
    yield values(loss, _LABELS, _PREDICTIONS), (
        "The errors 0.25 and 4 should cost 1.25, 0 and 1 should cost 0.5; yours cost {got}."
    )
    for compiled in (False, True):
        where = " under XLA (jit_compile=True)" if compiled else ""
        yield slopes(loss, _LABELS, _PREDICTIONS, compiled=compiled), (
            f"The values are right, but{where} the slopes are {{got}}, not those of the plain root "
            "and 0 at an error of 0. What does the root see there, whatever is chosen afterwards?"
        )
    yield values(loss, [0.0], [0.0]) == 0, "An error of exactly 0 should cost exactly 0."


def _of_error(formula):
    return lambda t, p: ops.mean(formula(t - p), axis=-1)


def _steeper(t, p):
    return 1.5 * root_loss.reference(t, p) - 0.5 * ops.stop_gradient(root_loss.reference(t, p))


root_loss = Exercise(
    root_loss, _near_the_root,
    "Where the error is 0, the root must not see it. Which two steps did the notebook take?",
    "safe = ops.where(error > 0, error, 1.0), take its root, and choose with a second where.",
    praise="No 0 ever meets an infinite slope.",
    slips={
        "Your loss is NaN: some errors are negative, and a root wants the absolute error.": [
            _of_error(ops.sqrt),
            _of_error(lambda e: ops.sqrt(-e)),
        ],
        "An error of 0 costs 1 in your loss: the second where, which chooses, is missing.":
            _of_error(lambda e: ops.sqrt(ops.where(e != 0, ops.abs(e), 1.0))),
        "Take the root of each error first, and then the mean: not the other way round.": [
            lambda t, p: ops.sqrt(ops.mean(ops.abs(t - p), axis=-1)),
            lambda t, p: root_loss.reference(t, p) ** 2,
        ],
        "should cost": [_of_error(lambda e: ops.sqrt(ops.abs(e) + 0.01)), _of_error(ops.abs)],
        "What does the root see there": [
            _of_error(lambda e: ops.sqrt(ops.abs(e))),
            _of_error(lambda e: ops.where(e != 0, ops.sqrt(ops.abs(e)), 0.0)),
        ],
        "those of the plain root": _steeper,
        "exactly 0": [
            _of_error(lambda e: ops.sqrt(ops.maximum(ops.abs(e), 1e-12))),
            lambda t, p: ops.mean(ops.sqrt(ops.abs(t - p) + 1e-9 * (p + 10.0)), axis=-1),
        ],
    },
)


class FollowingHuber(StatefulLoss):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        state = dict(shape=(), initializer="zeros", trainable=False)
        self.total = self.add_weight(**state, name="total")
        self.weight = self.add_weight(**state, name="weight")

    def call(self, y_true, y_pred, training=None):
        error = ops.abs(y_true - y_pred)
        if training:
            self.total.assign(0.9 * self.total + 0.1 * ops.mean(error))
            self.weight.assign(0.9 * self.weight + 0.1)
        delta = 2.0 * self.total / self.weight
        capped = ops.minimum(error, delta)
        return ops.mean(capped**2 / 2 + delta * (error - capped), axis=-1)


_ZEROS, _ERRORS = [0.0] * 4, [1.0, 1.0, 1.0, 5.0]  # their mean is 2, so delta is 4
_LARGER, _PROBE = [0.0, 0.0, 0.0, 20.0], [10.0, 10.0, 10.0, 50.0]


def _batch_after_batch(cls):
    loss = cls()

    def trained(t, p):
        return loss(t, p, training=True)

    first = values(trained, _ZEROS, _ERRORS)
    yield len(loss.weights) > 0, "Your loss has no weights: make its state with self.add_weight."
    yield len(loss.trainable_variables), "Your state is trainable. Say trainable=False."
    yield first, (
        "With the errors 1, 1, 1 and 5 delta should be 4, the losses {wanted}; yours: {got}."
    )
    yield any(np.any(v.numpy() != 0) for v in loss.weights), (
        "Your weights stayed as they were: `self.total = ...` binds the name to another thing."
    )
    yield values(trained, _ZEROS, _LARGER), (
        "The first batch is right, the second is not: keep 0.9 of the old and add 0.1 of the new."
    )
    for training in (False, None):
        yield values(lambda t, p: loss(t, p, training=training), _ZEROS, _PROBE), (  # noqa: B023
            "delta should be the same in evaluation too: evaluation uses the state, and does not "
            "change it. Update only if training is true."
        )
    loss = cls()
    yield slopes(trained, _ZEROS, _ERRORS), (
        "The gradient also goes through delta: read it from the weights, after the update."
    )
    compiled = in_a_graph(trained)
    values(compiled, _ZEROS, _LARGER)
    yield values(compiled, _ZEROS, _PROBE), "In a graph the state stands still: use assign."


class InParts(FollowingHuber):
    """The right answer in parts, of which each slip changes one."""

    def assign(self, total, weight):
        self.total.assign(total)
        self.weight.assign(weight)

    def update(self, mean):
        self.assign(0.9 * self.total + 0.1 * mean, 0.9 * self.weight + 0.1)

    def delta(self):
        return 2.0 * self.total / self.weight

    def call(self, y_true, y_pred, training=None):
        error = ops.abs(y_true - y_pred)
        if training:
            self.update(ops.mean(error))
        capped = ops.minimum(error, self.delta())
        return ops.mean(capped**2 / 2 + self.delta() * (error - capped), axis=-1)


_in_parts = functools.partial(changed, InParts)


class UpdatedAfter(InParts):
    def call(self, y_true, y_pred, training=None):
        costs = super().call(y_true, y_pred)
        self.update(ops.mean(ops.abs(y_true - y_pred)))
        return costs


class EvaluatesEachBatch(InParts):
    def call(self, y_true, y_pred, training=None):
        if training:
            return super().call(y_true, y_pred, training)
        return huber(2.0 * ops.mean(ops.abs(y_true - y_pred)))(y_true, y_pred)


def _rebind(self, total, weight):
    self.total, self.weight = total, weight


def _keep_delta(self, total, weight):
    InParts.assign(self, total, weight)
    self.kept = 2.0 * total / weight


def _made_with(weight):
    def init(self, **kwargs):
        StatefulLoss.__init__(self, **kwargs)
        self.total, self.weight = weight(self), weight(self)

    return init


following_huber = Exercise(
    FollowingHuber, _batch_after_batch,
    "Two weights that do not train, total and weight, as in the notebook's Switch.",
    "if training: update both. Then delta = 2 * self.total / self.weight, for every call.",
    "capped = ops.minimum(error, delta); the loss is capped**2 / 2 + delta * (error - capped), "
    "and its mean over the last axis.",
    praise="It has a state, it is saved with the model, and there is nothing in it to chatter.",
    slips={
        "Your delta is a tenth of what it should be: divide by the weight collected so far.":
            _in_parts(delta=lambda self: 2.0 * self.total),
        "Your delta should be twice the average; the factor 2 is missing.": [
            _in_parts(delta=lambda self: self.total / self.weight),
            _in_parts(delta=lambda self: self.total + 0.0),
        ],
        "Your first loss is not finite: you divide by a weight of 0. Update the state first.": [
            _in_parts(update=lambda self, mean: None),
            UpdatedAfter,
        ],
        "The first training batch costs nothing: delta is still 0. Update before you use it.":
            changed(UpdatedAfter, delta=lambda self: 2.0 * self.total),
        "has no weights": _in_parts(__init__=_made_with(lambda self: 0.0), assign=_rebind),
        "trainable=False":
            _in_parts(__init__=_made_with(lambda self: self.add_weight(initializer="zeros"))),
        "should be 4": _in_parts(call=lambda self, t, p, training=None: ops.square(t - p)[:, 0]),
        "binds the name to another thing": _in_parts(assign=_rebind),
        "the second is not": [
            _in_parts(update=lambda self, mean: self.assign(mean, 1.0)),
            _in_parts(update=lambda self, mean: self.assign(self.total + mean, self.weight + 1.0)),
        ],
        "in evaluation too": [
            _in_parts(call=lambda self, t, p, training=None: InParts.call(self, t, p, True)),
            EvaluatesEachBatch,
        ],
        "also goes through delta": _in_parts(assign=_keep_delta, delta=lambda self: self.kept),
        "made from StatefulLoss": [lambda: 3, InParts()],
    },
)
