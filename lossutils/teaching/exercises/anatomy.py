"""The exercises of notebook 01, What does Keras do with your loss?"""

from keras import ops

from lossutils.teaching.exercises import Exercise, quiz, sound, values


def log_cosh(y_true, y_pred):
    error = y_true - y_pred
    return ops.mean(error + ops.softplus(-2.0 * error) - ops.log(2.0), axis=-1)


def _elementwise(y_true, y_pred):
    error = y_true - y_pred
    return error + ops.softplus(-2.0 * error) - ops.log(2.0)


def _over_the_outputs(loss):
    errors = [0.0, 1.0, -3.0], [0.0, 0.0, 0.0]
    yield values(loss, *errors), "The errors 0, 1, -3: the values should be {wanted}, not {got}."
    yield from sound(loss, *errors)
    yield values(loss, [200.0], [0.0]), "For an error of 200 your loss is {got}, not {wanted}."


log_cosh = Exercise(
    log_cosh, _over_the_outputs,
    "What does the mean run over, if nobody names an axis?",
    "ops.mean(..., axis=-1) averages over the outputs of one sample and keeps the batch.",
    praise="Weights, masks and replicas now reach every sample.",
    slips={
        "For an error of 200 your loss is not finite: cosh(200) is larger than float32 can hold. "
        "Use the form in the stub.": [lambda t, p: ops.mean(ops.log(ops.cosh(t - p)), axis=-1)],
        "average over the two": [
            lambda t, p: ops.sum(_elementwise(t, p), axis=-1),
            lambda t, p: _elementwise(t, p)[:, 0],
        ],
        "the values should be": lambda t, p: ops.mean(ops.square(t - p), axis=-1),
        "Average over the last axis": lambda t, p: ops.mean(_elementwise(t, p), axis=0),
    },
)


def bakers_loss(y_true, y_pred):
    too_few, too_many = ops.relu(y_true - y_pred), ops.relu(y_pred - y_true)
    return ops.mean(3.0 * too_few + 1.0 * too_many, axis=-1)


def _in_the_bakery(loss):
    yield values(loss, [10.0, 10.0], [8.0, 12.0]), (
        "Of 10 wanted loaves, baking 8 should cost 6 and 12 should cost 2; yours say {got}."
    )
    yield values(loss, [10.0], [10.0]), "Baking what is wanted should cost nothing."
    yield from sound(loss, [10.0, 10.0], [8.0, 12.0])


bakers_loss = Exercise(
    bakers_loss, _in_the_bakery,
    "Treat the two cases apart: how many loaves too few, and how many too many?",
    "ops.relu(y_true - y_pred) is the number of loaves too few, and 0 if there are enough.",
    praise="Its minimiser is the 75 % quantile of the demand: 3 / (3 + 1).",
    slips={
        "The two costs are swapped: y_pred below y_true means too few loaves, which "
        "costs 3.": lambda t, p: ops.mean(ops.relu(t - p) + 3.0 * ops.relu(p - t), axis=-1),
        "The cost grows with the square of the error. Each missing loaf costs 3.":
            lambda t, p: ops.mean(3.0 * ops.relu(t - p) ** 2 + ops.relu(p - t) ** 2, axis=-1),
        "One side of your loss is no cost: 8 loaves and 12 should both cost something.": [
            lambda t, p: ops.mean(3.0 * (t - p), axis=-1),
            lambda t, p: ops.mean(3.0 * ops.relu(t - p), axis=-1),
            lambda t, p: ops.mean(ops.relu(p - t), axis=-1),
        ],
        "should cost 6": [
            lambda t, p: ops.mean(ops.abs(t - p), axis=-1),
            lambda t, p: ops.mean(3.0 * ops.abs(t - p), axis=-1),
        ],
        "ops.maximum": lambda t, p: max(3.0 * (t - p), p - t),
    },
)

stuck_losses = quiz(
    "causes",
    {
        0.693: "0.693 is ln 2, the cross-entropy of saying one half for every sample.",
        2.303: "2.303 is ln 10: ten classes, and every one is given the probability one tenth.",
        15.94: "15.94 is the cross-entropy at the clip bound: surely wrong, and with no gradient.",
        1.0: "1.0 is the variance of standardised labels, the squared error of their mean.",
    },
    "Compare each plateau with the table above: ln 2 is 0.693, ln 10 is 2.303.",
    "At the clip bound the cross-entropy is 15.94; the variance of standardised labels is 1.",
    right=("constant one half", "constant one tenth", "saturated", "predicts the mean"),
    write="write one of the four causes for each",
    praise="You can now read a plateau like a thermometer.",
)
