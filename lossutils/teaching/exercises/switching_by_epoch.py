"""The exercises of notebook 07, How do you change the loss while fit runs?"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lossutils.closures import huber
from lossutils.stateful import StatefulLoss
from lossutils.teaching.exercises.base import Exercise, NotYet, per_sample, require

ERRORS = np.array([[0.2], [-0.5], [1.5], [-4.0]], "float32")


class WhoNotices(Exercise):
    """Say of five changes whether the running fit notices them."""

    wants_function = False
    asks_for = "notices"
    hints = (
        "The compiled step is a graph that was written before. What does it read when it runs?",
        "A graph reads variables, wherever they live. Python is not run again.",
    )
    praise = "The step reads variables, and nothing else of what a callback can change."

    ANSWERS = {
        "a Python number that the loss reads": (
            False,
            "Its value is written in the graph since the first trace.",
        ),
        "model.loss": (False, "The compiled step never reads that attribute again."),
        "model.compile with the new loss": (
            False,
            "compile takes the compiled step away while fit is using it: the notebook shows what "
            "follows.",
        ),
        "a variable that the loss reads": (True, "A graph reads a variable each time it runs."),
        "a non-trainable weight of a StatefulLoss that the model owns": (
            True,
            "Not trainable means that the optimizer leaves it alone. A callback may assign it, "
            "and the graph reads it.",
        ),
    }

    def reference():
        return {
            "a Python number that the loss reads": False,
            "model.loss": False,
            "model.compile with the new loss": False,
            "a variable that the loss reads": True,
            "a non-trainable weight of a StatefulLoss that the model owns": True,
        }

    def grade(self, answer):
        require(isinstance(answer, dict), "Fill in the dictionary: True or False for each change.")
        for change, (notices, why) in self.ANSWERS.items():
            given = answer.get(change, ...)
            require(given not in (None, ...), f"Not answered yet: {change}.")
            require(isinstance(given, bool), f"Write True or False for {change}, not {given!r}.")
            require(given == notices, f"Look again at {change!r}. {why}")


class ContinuingHuber(Exercise):
    """Huber's loss on the scale of the squared error."""

    asks_for = "continuing_huber"
    hints = (
        "Inside delta Huber's loss is half the squared error. What makes it the whole?",
        "The same factor must stand before both parts, or the two would not meet at delta. "
        "huber(delta)(y_true, y_pred) gives the values per sample.",
    )
    praise = "The small errors feel nothing of the switch; only the outliers lose their pull."

    def reference(y_true, y_pred, delta):
        return 2.0 * huber(delta)(y_true, y_pred)

    def grade(self, answer):
        zeros = np.zeros_like(ERRORS)
        values = per_sample(answer(ERRORS, zeros, 1.0), len(ERRORS)).astype("float64")
        size = np.abs(ERRORS[:, 0]).astype("float64")
        plain = np.where(size <= 1, size**2 / 2, size - 0.5)
        require(
            not np.allclose(values, size**2),
            "That is the squared error itself. Beyond delta the loss should grow linearly.",
        )
        require(
            not np.allclose(values, plain),
            "That is Huber's loss as it is: for an error of 0.5 it gives 0.125, and the squared "
            "error 0.25.",
        )
        require(
            np.allclose(values[:2], size[:2] ** 2),
            f"For the errors 0.2 and -0.5 the squared errors are 0.04 and 0.25; yours are "
            f"{values[:2].round(3).tolist()}.",
        )
        mirrored = per_sample(answer(-ERRORS, zeros, 1.0), len(ERRORS)).astype("float64")
        require(
            np.allclose(values, mirrored),
            "The errors 4 and -4 should cost the same, and they do not: take the absolute value "
            "first.",
        )
        near = np.array([[0.9999], [1.0001]], "float32")
        gap = np.diff(per_sample(answer(near, np.zeros_like(near), 1.0), 2).astype("float64"))[0]
        require(
            abs(gap) < 0.01,
            f"At delta the two parts do not meet: the value jumps by {gap:.2f}. The linear part "
            "must begin where the square ends.",
        )
        near = np.array([[1.5], [1.6]], "float32")
        rise = np.diff(per_sample(answer(near, np.zeros_like(near), 1.0), 2).astype("float64"))[0]
        require(
            np.isclose(rise, 0.2, rtol=0.01),
            f"Beyond delta = 1 the slope should be that of the square at delta, which is 2; yours "
            f"is {rise / 0.1:.2f}.",
        )
        wider = per_sample(answer(ERRORS, zeros, 3.0), len(ERRORS)).astype("float64")
        require(
            np.allclose(wider, np.where(size <= 3, size**2, 6 * size - 9)),
            "For delta = 1 it is right, and for delta = 3 it is not. Where does delta enter?",
        )


class HuberWithWeight(StatefulLoss):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        start = keras.initializers.Constant(3.0)
        self.delta = self.add_weight(initializer=start, trainable=False, name="delta")

    def call(self, y_true, y_pred):
        error = ops.abs(y_true - y_pred)
        capped = ops.minimum(error, self.delta)
        values = ops.square(capped) / 2 + self.delta * (error - capped)
        return ops.mean(values, axis=-1)


class MovingHuber(Exercise):
    """Make a StatefulLoss whose delta a callback can lower."""

    asks_for = "MovingHuber"
    hints = (
        "In __init__: self.delta = self.add_weight(..., trainable=False). For the start at 3: "
        "initializer=keras.initializers.Constant(3.0).",
        "In call: the error, capped = ops.minimum(error, self.delta), half its square, and "
        "self.delta * (error - capped) for the rest; then the mean over the last axis.",
    )
    praise = "Any setting of a loss that a schedule moves is a weight that is not trained."

    reference = HuberWithWeight

    def grade(self, answer):
        require(
            isinstance(answer, type) and issubclass(answer, StatefulLoss),
            "Hand over the class itself, made from StatefulLoss, without brackets.",
        )
        loss, zeros = answer(), tf.zeros_like(ERRORS)
        per_sample(loss.call(ERRORS, zeros), len(ERRORS))
        require(
            not loss.trainable_variables,
            "Your delta trains: the optimizer would move it, and a smaller delta always lowers the "
            "loss. Say trainable=False.",
        )
        require(
            len(loss.non_trainable_variables) == 1,
            f"One weight is wanted, but the layer tracks {len(loss.non_trainable_variables)}. Make "
            "it with self.add_weight, in __init__; a plain number would be baked in.",
        )
        delta = loss.non_trainable_variables[0]
        require(
            tuple(delta.shape) == () and float(delta.numpy()) == 3.0,
            f"delta should be a single number that starts at 3; yours starts as "
            f"{delta.numpy().tolist()}.",
        )
        self._require_huber(loss.call(ERRORS, zeros), 3.0, "at the start")

        compiled = tf.function(loss)
        try:
            compiled(ERRORS, zeros)
        except (AttributeError, TypeError, NotImplementedError) as error:
            raise NotYet(
                "Eagerly your loss works, in a compiled step it does not: in a graph the weight "
                "has no value that Python could take out. Leave out float(...) and .numpy()."
            ) from error
        delta.assign(1.0)
        self._require_huber(
            compiled(ERRORS, zeros), 1.0, "in a compiled step, after a callback has set it to 1"
        )

    @staticmethod
    def _require_huber(values, delta, when):
        values = per_sample(values, len(ERRORS))
        size = np.abs(ERRORS[:, 0])
        wanted = np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))
        stale = np.where(size <= 3, size**2 / 2, 3 * (size - 1.5))
        require(
            delta == 3 or not np.allclose(values, stale),
            "A callback sets delta to 1, and the compiled step does not notice. call must read the "
            "weight itself, not a number that was made from it.",
        )
        require(
            np.allclose(values, wanted, rtol=1e-4),
            f"{when.capitalize()}, with delta = {delta:g}, the errors {ERRORS[:, 0].tolist()} "
            f"should cost {wanted.round(3).tolist()}; yours cost {values.round(3).tolist()}.",
        )


who_notices = WhoNotices()
continuing_huber = ContinuingHuber()
moving_huber = MovingHuber()
