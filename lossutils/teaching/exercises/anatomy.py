"""The exercises of notebook 01, What does Keras do with your loss?"""

import numpy as np
import tensorflow as tf
from keras import ops

from lossutils.teaching.exercises.base import Exercise, per_sample, require


def _values(loss, y_true, y_pred):
    """One value per sample for (batch, 1) columns, as an array."""
    column = [tf.constant(np.reshape(v, (-1, 1)), "float32") for v in (y_true, y_pred)]
    return per_sample(loss(*column), len(y_true))


def _require_gradient(loss):
    prediction = tf.Variable([[2.0], [-2.0]])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(loss(tf.zeros((2, 1)), prediction))
    gradient = tape.gradient(total, prediction)
    require(
        gradient is not None,
        "The values are right, but no gradient arrives: somewhere the tensors leave TensorFlow.",
    )
    return gradient.numpy()[:, 0]


class LogCosh(Exercise):
    """Turn a loss that returns the batch mean into one that returns one value per sample."""

    asks_for = "log_cosh"
    hints = (
        "What does the mean run over, if nobody names an axis?",
        "ops.mean(..., axis=-1) averages over the outputs of one sample and keeps the batch.",
    )
    praise = "Weights, masks and replicas now reach every sample."

    def reference(y_true, y_pred):
        error = y_true - y_pred
        return ops.mean(error + ops.softplus(-2.0 * error) - ops.log(2.0), axis=-1)

    def grade(self, answer):
        errors = np.array([0.0, 1.0, -3.0])
        values = _values(answer, errors, np.zeros(3))
        wanted = np.log(np.cosh(errors))
        require(
            np.allclose(values, wanted, atol=1e-5),
            f"For the errors 0, 1 and -3 the values should be {np.round(wanted, 3).tolist()}, "
            f"yours are {np.round(values, 3).tolist()}.",
        )
        wide = np.asarray(answer(tf.zeros((2, 2)), tf.constant([[1.0, 3.0], [0.0, 0.0]])))
        require(
            wide.shape == (2,) and np.isclose(wide[0], np.log(np.cosh([1, 3])).mean(), atol=1e-5),
            "With two outputs per sample your loss should average over the two.",
        )
        large = _values(answer, [200.0], [0.0])
        require(
            np.all(np.isfinite(large)),
            "For an error of 200 your loss is not finite: cosh(200) is larger than float32 can "
            "hold. Use the form in the stub.",
        )
        _require_gradient(answer)


class BakersLoss(Exercise):
    """A loss for a bakery: a loaf too few costs 3, a loaf too many costs 1."""

    asks_for = "bakers_loss"
    hints = (
        "Treat the two cases apart: how many loaves too few, and how many too many?",
        "ops.relu(y_true - y_pred) is the number of loaves too few, and 0 if there are enough.",
    )
    praise = "Its minimiser is the 75 % quantile of the demand: 3 / (3 + 1)."

    def reference(y_true, y_pred):
        too_few, too_many = ops.relu(y_true - y_pred), ops.relu(y_pred - y_true)
        return ops.mean(3.0 * too_few + 1.0 * too_many, axis=-1)

    def grade(self, answer):
        few, many = [10.0, 10.0], [10.0, 10.0]
        values = _values(answer, few, [8.0, 12.0])
        require(
            not np.allclose(values, [2.0, 6.0]),
            "The two costs are swapped: y_pred below y_true means too few loaves, which costs 3.",
        )
        require(
            not np.allclose(values, [12.0, 4.0]),
            "The cost grows with the square of the error. Each missing loaf costs 3, the second "
            "as much as the first.",
        )
        require(
            np.all(values > 0),
            "One side of your loss is not a cost: for 8 and 12 loaves when 10 are wanted, both "
            f"values should be above 0, yours are {values.tolist()}.",
        )
        require(
            np.allclose(values, [6.0, 2.0]),
            "When 10 loaves are wanted, baking 8 should cost 6 and baking 12 should cost 2; "
            f"yours say {values.tolist()}.",
        )
        exact = _values(answer, many, [10.0, 10.0])
        require(np.allclose(exact, 0.0), "Baking what is wanted should cost nothing.")
        require(
            np.allclose(_require_gradient(answer), [1.0, -3.0]),
            "The values are right, but the slopes are not 1 above and -3 below.",
        )


class StuckLosses(Exercise):
    """Name the cause of each of four losses that do not move."""

    wants_function = False
    asks_for = "causes"
    hints = (
        "Compare each plateau with the table above: ln 2 is 0.693, ln 10 is 2.303.",
        "At the clip bound the cross-entropy is 15.94; the variance of standardised labels is 1.",
    )
    praise = "You can now read a plateau like a thermometer."

    CAUSES = {
        0.693: "constant one half",
        2.303: "constant one tenth",
        15.94: "saturated",
        1.0: "predicts the mean",
    }
    WHY = {
        0.693: "0.693 is ln 2, the cross-entropy of saying one half for every sample.",
        2.303: "2.303 is ln 10: ten classes, and every one is given the probability one tenth.",
        15.94: "15.94 is the cross-entropy at the clip bound: surely wrong, and with no gradient.",
        1.0: "1.0 is the variance of standardised labels, the squared error of their mean.",
    }

    def reference():
        return {
            0.693: "constant one half",
            2.303: "constant one tenth",
            15.94: "saturated",
            1.0: "predicts the mean",
        }

    def grade(self, answer):
        require(isinstance(answer, dict), "Fill in the dictionary: a cause for each plateau.")
        missing = [plateau for plateau in self.CAUSES if answer.get(plateau) in (None, ...)]
        require(
            not missing, f"Not answered yet for {missing}: write one of the four causes for each."
        )
        unknown = [cause for cause in answer.values() if cause not in self.CAUSES.values()]
        require(not unknown, f"{unknown} is none of the four causes; copy one from the list.")
        for plateau, cause in self.CAUSES.items():
            require(answer[plateau] == cause, f"Look at {plateau} again. {self.WHY[plateau]}")


log_cosh = LogCosh()
bakers_loss = BakersLoss()
stuck_losses = StuckLosses()
