"""The exercises of notebook 07, How do you change the loss while fit runs?"""

import keras
import tensorflow as tf
from keras import ops

from lossutils.closures import huber
from lossutils.stateful import StatefulLoss
from lossutils.teaching.exercises import Exercise, changed, in_a_graph, quiz, sound, values

ERRORS = [0.2, -0.5, 1.5, -4.0]
ZEROS = [0.0, 0.0, 0.0, 0.0]

who_notices = quiz(
    "notices",
    {
        "a Python number that the loss reads":
            "Its value is written in the graph since the first trace.",
        "model.loss": "The compiled step never reads that attribute again.",
        "model.compile with the new loss":
            "compile takes the compiled step away while fit is using it: the notebook shows what "
            "follows.",
        "a variable that the loss reads": "A graph reads a variable each time it runs.",
        "a non-trainable weight of a StatefulLoss that the model owns":
            "Not trainable means that the optimizer leaves it alone. A callback may assign it, "
            "and the graph reads it.",
    },
    "The compiled step is a graph that was written before. What does it read when it runs?",
    "A graph reads variables, wherever they live. Python is not run again.",
    right=(False, False, False, True, True),
    write="write True or False",
    unanswered="Not answered yet: {first}.",
    praise="The step reads variables, and nothing else of what a callback can change.",
)


def continuing_huber(y_true, y_pred, delta):
    return 2.0 * huber(delta)(y_true, y_pred)


def _around_delta(loss):
    yield values(loss, ERRORS, ZEROS, 1.0), (
        f"With delta = 1 the errors {ERRORS} should cost {{wanted}}; yours cost {{got}}."
    )
    yield values(loss, ERRORS, ZEROS, 3.0), "For delta = 3 it is not right. Where does delta enter?"
    yield from sound(loss, ERRORS, ZEROS, 1.0)


def _beyond(large):
    """Squares for errors up to delta, and another formula for larger ones."""

    def loss(y_true, y_pred, delta):
        error = ops.abs(y_true - y_pred)
        return ops.mean(ops.where(error <= delta, error**2, large(error, delta)), axis=-1)

    return loss


def _signed(y_true, y_pred, delta):
    error = y_true - y_pred
    large = 2 * delta * error - delta**2
    return ops.mean(ops.where(error <= delta, error**2, large), axis=-1)


continuing_huber = Exercise(
    continuing_huber, _around_delta,
    "Inside delta Huber's loss is half the squared error. What makes it the whole?",
    "The same factor must stand before both parts, or the two would not meet at delta. "
    "huber(delta)(y_true, y_pred) gives the values per sample.",
    praise="The small errors feel nothing of the switch; only the outliers lose their pull.",
    slips={
        "That is the squared error itself. Beyond delta the loss should grow "
        "linearly.": lambda t, p, delta: ops.mean(ops.square(t - p), axis=-1),
        "That is Huber's loss, half of what is wanted.": lambda t, p, delta: huber(delta)(t, p),
        "The errors 4 and -4 should cost the same: take the absolute value first.": _signed,
        "At delta the two parts do not meet: the linear part must begin where the square ends.": [
            _beyond(lambda error, delta: error - 0.5 * delta),
            _beyond(lambda error, delta: 2 * delta * error),
        ],
        "Beyond delta the slope should be that of the square at delta, 2 * delta.": [
            _beyond(lambda error, delta: delta * error),
            _beyond(lambda error, delta: delta**2 + 0 * error),
        ],
        "should cost [0.04, 0.25, 2.0, 7.0]": [
            lambda t, p, delta: 4 * huber(delta)(t, p),
            lambda t, p, delta: 0.5 * huber(delta)(t, p),
        ],
        "For delta = 3 it is not": lambda t, p, delta: 2 * huber(1.0)(t, p),
    },
)


class MovingHuber(StatefulLoss):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        start = keras.initializers.Constant(3.0)
        self.delta = self.add_weight(initializer=start, trainable=False, name="delta")

    def call(self, y_true, y_pred):
        error = ops.abs(y_true - y_pred)
        capped = ops.minimum(error, self.delta)
        values = ops.square(capped) / 2 + self.delta * (error - capped)
        return ops.mean(values, axis=-1)


def _lowered(cls):
    loss = cls()
    costs = values(loss.call, ERRORS, ZEROS)
    yield len(loss.trainable_variables), (
        "Your delta trains: the optimizer would move it. Say trainable=False."
    )
    yield len(loss.non_trainable_variables), (
        "One weight is wanted, but the layer tracks {got}: a plain number would be baked in."
    )
    delta = loss.non_trainable_variables[0]
    yield delta.numpy(), "delta should be a single number that starts at 3; yours starts as {got}."
    yield costs, f"At the start, with delta = 3, the errors {ERRORS} should cost {{wanted}}."
    yield from sound(loss.call, ERRORS, ZEROS)
    compiled = in_a_graph(loss)
    values(compiled, ERRORS, ZEROS)
    delta.assign(1.0)
    yield values(compiled, ERRORS, ZEROS), (
        "After a callback has set delta to 1, a compiled step should give {wanted}; yours {got}."
    )


def _with_delta(make):
    """MovingHuber with something else for its weight."""

    def init(self, **kwargs):
        StatefulLoss.__init__(self, **kwargs)
        self.delta = make(self)

    return changed(MovingHuber, __init__=init)


class CopiedInInit(MovingHuber):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.number = float(self.delta.numpy())

    def call(self, y_true, y_pred):
        return huber(self.number)(y_true, y_pred)


_THREE = keras.initializers.Constant(3.0)

moving_huber = Exercise(
    MovingHuber, _lowered,
    "In __init__: self.delta = self.add_weight(..., trainable=False). For the start at 3: "
    "initializer=keras.initializers.Constant(3.0).",
    "In call: the error, capped = ops.minimum(error, self.delta), half its square, and "
    "self.delta * (error - capped) for the rest; then the mean over the last axis.",
    praise="Any setting of a loss that a schedule moves is a weight that is not trained.",
    slips={
        "The compiled step does not notice: read the weight itself in call, not a number.": [
            changed(MovingHuber, call=lambda self, t, p: huber(3.0)(t, p)),
            CopiedInInit,
        ],
        "Your delta trains": _with_delta(lambda self: self.add_weight(initializer=_THREE)),
        "a plain number would be baked in": _with_delta(lambda self: 3.0),
        "the layer tracks 0": _with_delta(lambda self: tf.Variable(3.0, trainable=False)),
        "starts at 3":
            _with_delta(lambda self: self.add_weight(initializer="ones", trainable=False)),
        "a single number":
            _with_delta(lambda self: self.add_weight((1,), initializer=_THREE, trainable=False)),
        "At the start": [
            changed(MovingHuber, call=lambda self, t, p: ops.square(t - p)[:, 0]),
            changed(MovingHuber, call=lambda self, t, p: ops.minimum(t - p, 3.0)[:, 0] ** 2 / 2),
        ],
        "Leave out": changed(MovingHuber, call=lambda self, t, p: huber(float(self.delta))(t, p)),
        "made from StatefulLoss": [keras.losses.Loss, MovingHuber()],
    },
)
