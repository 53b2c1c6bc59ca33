"""The exercises of notebook 09, Can a loss switch by itself?"""

import numpy as np
import tensorflow as tf
from keras import ops

from lossutils.stateful import StatefulLoss
from lossutils.teaching.exercises.base import Exercise, per_sample, require


class WhichWay(Exercise):
    """Choose between cond, switch_case, where and a blend for five projects."""

    wants_function = False
    asks_for = "way"
    hints = (
        "Ask two things: who chooses (the batch, each sample, an optimizer)? May both losses run?",
        "cond and switch_case run the chosen one only. where chooses for each sample. A blend has "
        "a slope.",
    )
    praise = "What switch_case does for a list, a chain of cond does too, and safely under XLA."

    WAYS = ("cond", "switch_case", "where", "blend")
    RIGHT = {
        "two losses for the batch, one of them takes a hundred times as long": (
            ("cond", "switch_case"),
            "One of your losses is costly. Which ways do not run it while it is off?",
        ),
        "six losses, one of them active in each epoch": (
            ("switch_case", "cond"),
            "Six losses, and your way would compute all six. Which ways run the chosen one only?",
        ),
        "each sample brings a flag that names its loss": (
            ("where",),
            "The samples of one batch want different losses. Which way chooses element by element?",
        ),
        "an optimizer shall find out how much of each loss is best": (
            ("blend",),
            "An optimizer needs a slope of the choice itself. A choice of one or the other has "
            "none.",
        ),
        "the loss that is not active may be NaN, and you cannot change it": (
            ("cond", "switch_case"),
            "If the other loss runs at all, 0 times NaN is NaN, in the gradient at the latest.",
        ),
    }

    def reference():
        return {
            "two losses for the batch, one of them takes a hundred times as long": "cond",
            "six losses, one of them active in each epoch": "switch_case",
            "each sample brings a flag that names its loss": "where",
            "an optimizer shall find out how much of each loss is best": "blend",
            "the loss that is not active may be NaN, and you cannot change it": "cond",
        }

    def grade(self, answer):
        require(isinstance(answer, dict), "Fill in the dictionary: one way for each project.")
        missing = [project for project in self.RIGHT if answer.get(project) in (None, ...)]
        require(
            not missing,
            f"Not answered yet: {len(missing)} of {len(self.RIGHT)} projects. Write one of "
            f"{', '.join(self.WAYS)}.",
        )
        for project, (right, why) in self.RIGHT.items():
            given = answer[project]
            require(given in self.WAYS, f"{given!r} is none of the four ways {self.WAYS}.")
            require(given in right, f"Look at {project!r} again. {why}")


def _slopes(loss, y_true, y_pred, compiled):
    """The gradient of the summed loss with respect to y_pred."""

    def run(y_pred):
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            value = tf.reduce_sum(loss(y_true, y_pred))
        return tape.gradient(value, y_pred, unconnected_gradients="zero")

    return tf.function(run, jit_compile=compiled)(y_pred).numpy()


class RootLoss(Exercise):
    """The square root of the absolute error, with the slope 0 at 0."""

    asks_for = "root_loss"
    hints = (
        "Where the error is 0, the root must not see it. Which two steps did the notebook take?",
        "safe = ops.where(error > 0, error, 1.0), take its root, and choose with a second where.",
    )
    praise = "No 0 ever meets an infinite slope."

    def reference(y_true, y_pred):
        error = ops.abs(y_true - y_pred)
        safe = ops.where(error > 0, error, 1.0)
        return ops.mean(ops.where(error > 0, ops.sqrt(safe), 0.0), axis=-1)

    def grade(self, answer):
        labels = tf.constant([[1.0, -2.0], [0.0, 3.0], [5.0, 5.0]])
        predictions = tf.constant([[1.25, 2.0], [0.0, 4.0], [4.0, 9.0]])
        wanted = np.array([1.25, 0.5, 1.5])
        values = per_sample(answer(labels, predictions), 3)
        require(
            not np.isnan(values).any(),
            "Your loss is NaN: half of the errors are negative, and a root wants the absolute "
            "error.",
        )
        require(
            not np.allclose(values, [1.25, 1.0, 1.5], atol=1e-4),
            "An error of 0 costs 1 in your loss: the safe input is there, the second where, which "
            "chooses the result, is missing.",
        )
        require(
            not np.allclose(values, wanted**2, atol=1e-4)
            and not np.allclose(values, np.sqrt([2.125, 0.5, 2.5]), atol=1e-4),
            "Take the root of each error first, and then the mean: not the other way round.",
        )
        require(
            np.allclose(values, wanted, atol=1e-4),
            f"The errors 0.25 and 4 should cost (0.5 + 2) / 2 = 1.25, 0 and 1 should cost 0.5; "
            f"yours cost {values[0]:.4g} and {values[1]:.4g}.",
        )
        for compiled in (False, True):
            self._grade_slopes(answer, labels, predictions, compiled)
        nothing = per_sample(answer(tf.zeros((1, 1)), tf.zeros((1, 1))), 1)
        require(
            nothing[0] == 0,
            f"An error of exactly 0 should cost exactly 0, yours costs {nothing[0]:.2g}.",
        )

    @staticmethod
    def _grade_slopes(answer, labels, predictions, compiled):
        slopes = _slopes(answer, labels, predictions, compiled)
        where = "under XLA (jit_compile=True)" if compiled else "in a graph"
        require(
            np.isfinite(slopes).all(),
            f"The values are right, but {where} the slope at an error of 0 is {slopes[1, 0]}. What "
            "does the root see there, whatever is chosen afterwards?",
        )
        require(
            np.any(slopes != 0),
            "The values are right, but no gradient reaches y_pred. Use keras.ops.",
        )
        require(
            np.isclose(slopes[1, 0], 0.0, atol=1e-6),
            f"At an error of 0 the slope should be 0, yours is {slopes[1, 0]:.3g}.",
        )
        require(
            np.allclose(slopes[0], [0.5, 0.125], atol=1e-4),
            "Away from 0 the slope should be that of the plain root.",
        )


class HuberThatFollows(StatefulLoss):
    """Huber's loss; delta is twice the moving average of the error."""

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


class FollowingHuber(Exercise):
    """A Huber loss whose delta is twice the moving average of the error."""

    asks_for = "FollowingHuber"
    hints = (
        "Two weights that do not train, total and weight, as in the notebook's Switch.",
        "if training: update both. Then delta = 2 * self.total / self.weight, for every call.",
        "capped = ops.minimum(error, delta); the loss is capped**2 / 2 + delta * (error - capped), "
        "and its mean over the last axis.",
    )
    praise = "It has a state, it is saved with the model, and there is nothing in it to chatter."

    reference = HuberThatFollows

    def grade(self, answer):
        loss = answer()
        require(
            isinstance(loss, StatefulLoss),
            "Hand over the class itself, derived from StatefulLoss.",
        )
        errors = np.array([[1.0], [1.0], [1.0], [5.0]], "float32")  # mean 2, so delta is 4
        first = per_sample(loss(tf.zeros((4, 1)), errors, training=True), 4)
        require(
            len(loss.non_trainable_variables) > 0 or len(loss.trainable_variables) > 0,
            "Your loss has no weights. The state must be made with self.add_weight, or the model "
            "can neither save it nor change it in a graph.",
        )
        require(
            not loss.trainable_variables,
            "Your state is trainable: the optimizer would pull at it. Say trainable=False.",
        )
        self._grade_first(first, errors)
        require(
            any(np.any(v.numpy() != 0) for v in loss.non_trainable_variables),
            "A training step has left your weights as they were. `self.total = ...` binds the name "
            "to another thing; self.total.assign(...) changes the weight.",
        )
        self._grade_later(loss, errors)
        self._grade_graph(answer(), errors)

    @staticmethod
    def _huber(errors, delta):
        capped = np.minimum(errors, delta)
        return (capped**2 / 2 + delta * (errors - capped))[:, 0]

    def _grade_first(self, first, errors):
        def is_for(delta):
            return np.allclose(first, self._huber(errors, delta), rtol=1e-4)

        require(
            not is_for(0.4),
            "After the first batch delta is a tenth of what it should be: the average starts at 0. "
            "Divide by the weight collected so far.",
        )
        require(
            not is_for(2.0) and not is_for(0.2),
            "delta should be twice the average; the factor 2 is missing.",
        )
        require(
            np.isfinite(first).all(),
            "Your loss of the first training batch is not finite. Is the state updated before it "
            "is used? Divided by a weight of 0, it is.",
        )
        require(
            not is_for(0.0),
            "The first training batch costs nothing: delta is still 0. The current batch counts, "
            "so update before you use it.",
        )
        require(
            is_for(4.0),
            "After a first batch with the errors 1, 1, 1 and 5 delta should be 4 and the losses "
            f"0.5, 0.5, 0.5 and 12; yours are {first.round(3).tolist()}.",
        )

    def _grade_later(self, loss, errors):
        larger = np.array([[0.0], [0.0], [0.0], [20.0]], "float32")  # mean 5
        average = (0.9 * 0.1 * 2.0 + 0.1 * 5.0) / 0.19
        second = per_sample(loss(tf.zeros((4, 1)), larger, training=True), 4)
        probe = errors * 10
        require(
            np.allclose(second, self._huber(larger, 2 * average), rtol=1e-4),
            "The first batch is right, the second is not: keep 0.9 of the old and add 0.1 of the "
            "new, in the total and in the weight.",
        )
        evaluated = per_sample(loss(tf.zeros((4, 1)), probe, training=False), 4)
        require(
            np.allclose(evaluated, self._huber(probe, 2 * average), rtol=1e-4),
            "After two training batches delta should be "
            f"{2 * average:.3g} in evaluation too. Evaluation uses the state, and does not change "
            "it.",
        )
        again = per_sample(loss(tf.zeros((4, 1)), probe), 4)
        require(
            np.allclose(again, evaluated, rtol=1e-4),
            "An evaluation changed your state: update only if training is true.",
        )

    def _grade_graph(self, loss, errors):
        with tf.GradientTape() as tape:
            predictions = tf.constant(errors)
            tape.watch(predictions)
            value = tf.reduce_sum(loss(tf.zeros((4, 1)), predictions, training=True))
        slopes = tape.gradient(value, predictions, unconnected_gradients="zero").numpy()
        require(
            np.allclose(slopes[:, 0], [1.0, 1.0, 1.0, 4.0], rtol=1e-4),
            "The values are right, but the gradient also goes through delta. Read delta from the "
            "weights after the update, or use ops.stop_gradient.",
        )
        step = tf.function(lambda e: loss(tf.zeros((4, 1)), e, training=True))
        step(tf.constant(errors))
        for _ in range(60):
            values = step(tf.constant(errors / 10)).numpy()
        require(
            np.allclose(values, self._huber(errors / 10, 0.4), rtol=0.05),
            "It is right eagerly, but in a graph the state stands still: change it with assign.",
        )


which_way = WhichWay()
root_loss = RootLoss()
following_huber = FollowingHuber()
