"""The exercises of notebook 12, Will it survive outside of the notebook?"""

import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lossutils.stateful import ModelWithLoss
from lossutils.teaching.exercises import Exercise, require, slopes, values
from lossutils.weights import UncertaintyWeights

LABELS, LOGITS = [1.0, 0.0, 1.0, 0.0], [1.5, 0.3, -0.7, -2.0]


def first(y_true, y_pred):
    return ops.mean(ops.softplus(y_pred) - y_true * y_pred, axis=-1)


def second(y_true, y_pred):
    return ops.mean(ops.abs(y_true - ops.sigmoid(y_pred)), axis=-1)


def _recovery(mended):
    require(
        isinstance(mended, dict) and all(callable(mended.get(n)) for n in ("first", "second")),
        'Fill in the dictionary: under "first" and under "second" the mended loss.',
    )
    yield values(mended["first"], LABELS, LOGITS), (
        "The first gives values, but another one than its crossentropy: {got}, not {wanted}."
    )
    costs = values(mended["second"], LABELS, LOGITS)
    yield np.sign(slopes(mended["second"], LABELS, LOGITS)), (
        "The second moves the wrong way: for the label 1 it should fall as the logit rises."
    )
    yield np.all(np.isfinite(costs) & (costs >= 0)), (
        "The second should never be below 0: a right answer costs little, and is not paid for. "
        f"For the labels {LABELS} and the logits {LOGITS} yours says {costs.round(3).tolist()}."
    )


two_patients = Exercise(
    {"first": first, "second": second}, _recovery,
    "Compile a small network with one of them, and print what diagnose says.",
    "The first: over which axis does its mean run, and what does ones_like do to the result?",
    "The second counts mistakes. What that is smooth grows with the logit of a mistake?",
    asks_for="mended",
    also_right=(
        {"first": first, "second": first},
        {"first": first, "second": lambda t, p: ops.mean((t - ops.sigmoid(p)) ** 2, axis=-1)},
    ),
    praise="Each sample has a value of its own, and each value leads somewhere.",
    slips={
        "The first still gives every sample the same value, that of the batch: a weight for one "
        "of them is a weight for all.":
            {"first": lambda t, p: ops.mean(first(t, p)) + 0.0 * p[:, 0], "second": second},
        "The gradient of the second is 0 still: sign is flat on both sides. Put something smooth "
        "in its place.": {"first": first, "second": lambda t, p: second(t, 99.0 * ops.sign(p))},
        "Fill in the dictionary": [{"first": first}, {"first": "mixes", "second": "flat"}],
        "another one than its crossentropy": {"first": second, "second": second},
        "no gradient": {"first": first, "second": lambda t, p: second(t, tf.round(p))},
        "the wrong way": {"first": first, "second": lambda t, p: -first(t, p)},
        "never be below 0":
            {"first": first, "second": lambda t, p: ops.mean((1.0 - 2.0 * t) * p, axis=-1)},
    },
)


def relative_error(y_true, y_pred):
    known = y_true != 0
    safe = ops.where(known, ops.abs(y_true), 1.0)
    relative = ops.where(known, ops.abs(y_pred - y_true) / safe, 0.0)
    return ops.mean(relative, axis=-1)


def _near_zero(loss):
    yield values(loss, [2.0, -4.0, 0.5], [3.0, -3.0, 0.0]), (
        "For the labels 2, -4 and 0.5 the relative errors are {wanted}, not {got}."
    )
    yield values(loss, [1e-5], [3e-5]), (
        "A number added to the divisor shifts every value: change it only where it is 0."
    )
    known_and_0 = [0.0, 2.0], [1.0, 3.0]
    yield values(loss, *known_and_0)[0], "Where the label is 0 the value should be 0, but is {got}."
    for compiled in (False, True):
        slope = slopes(loss, *known_and_0, compiled=compiled)
        yield slope, "The slopes for the labels 0 and 2 should be 0 and 1/2, not {got}."


def _quotient(error, divisor):
    """0 where the divisor is 0, by one safe division."""
    return ops.mean(tf.math.divide_no_nan(error, divisor), axis=-1)


relative_error = Exercise(
    relative_error, _near_zero,
    "Two where: the first makes the divisor safe, the second chooses the result.",
    "known = y_true != 0, then safe = ops.where(known, ops.abs(y_true), 1.0).",
    tolerance=0.01,
    also_right=(lambda t, p: _quotient(ops.abs(p - t), ops.abs(t)),),
    praise="Nothing divides by 0 any more, neither in the value nor in its gradient.",
    slips={
        "The error for -4 is negative: divide by |y|.": lambda t, p: _quotient(abs(p - t), t),
        "That is no relative error: divide by |y|.": lambda t, p: ops.mean(abs(p - t), axis=-1),
        "The value is right, the gradient NaN at 0: make the divisor safe before dividing.":
            lambda t, p: ops.mean(ops.where(t != 0, abs(p - t) / abs(t), 0.0), axis=-1),
        "the relative errors are": lambda t, p: _quotient(ops.square(p - t), ops.abs(t)),
        "shifts every value": [lambda t, p: ops.mean(abs(p - t) / (abs(t) + 1e-4), axis=-1)],
        "the value should be 0":
            lambda t, p: ops.mean(abs(p - t) / ops.where(t != 0, abs(t), 1.0), axis=-1),
    },
)


def ship(model, path):
    model.network.save(path)


def _parcel(answer):
    layers = [keras.Input((2,)), keras.layers.Dense(2)]
    model = ModelWithLoss(keras.Sequential(layers), UncertaintyWeights(["mse", "mse"]))
    model.compile("sgd")
    x = np.array([[1.0, 2.0], [-1.0, 0.5]], "float32")
    before = model.network(x).numpy()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parcel.keras"
        answer(model, path)
        yield path.exists(), (
            "Nothing was stored at the path. Which method writes a model into a .keras file?"
        )
        yield path.is_file() and zipfile.is_zipfile(path), (
            "This is not a .keras file, but a SavedModel, from export? Store it with save."
        )
        config = zipfile.ZipFile(path).read("config.json").decode()
        yield "lossutils" in config, (
            "Your file holds loss and all, and asks for lossutils: store only the network inside."
        )
        predicted = keras.models.load_model(path)(x).numpy()
    yield bool(np.allclose(predicted, before, atol=1e-6)), (
        "Your network predicts something else: store it with its trained weights, not fresh ones."
    )
    yield bool(np.allclose(model.network(x), before)), "Your function has changed the model itself."


def _spoils(model, path):
    model.network.save(path)
    model.network.set_weights([0 * w for w in model.network.get_weights()])


ship = Exercise(
    ship, _parcel,
    "Which attribute of a ModelWithLoss is the plain model?",
    "A plain model has a method that stores all of it in a .keras file, and takes the path.",
    praise="It loads wherever Keras is, and the loss stays at home.",
    slips={
        "Weights alone are no network. Which method writes a .keras file with both?": [
            lambda model, path: model.network.save_weights(path),
            lambda model, path: model.save_weights(path),
        ],
        "asks for lossutils": lambda model, path: model.save(path),
        "not a .keras file": lambda model, path: model.network.export(path, verbose=False),
        "Nothing was stored": lambda model, path: model.network,
        "AttributeError": lambda model, path: model.loss_layer.save(path),
        "ValueError": lambda model, path: model.network.fit([1.0], [1.0]),
        "trained weights": lambda model, path: keras.models.clone_model(model.network).save(path),
        "changed the model itself": _spoils,
    },
)
