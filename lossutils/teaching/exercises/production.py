"""The exercises of notebook 12, Will it survive outside of the notebook?"""

import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lossutils.stateful import ModelWithLoss
from lossutils.teaching.exercises.base import Exercise, per_sample, require
from lossutils.weights import UncertaintyWeights

LABELS = np.array([[1.0], [0.0], [1.0], [0.0]], "float32")
LOGITS = np.array([[1.5], [0.3], [-0.7], [-2.0]], "float32")
CROSSENTROPY = np.logaddexp(0, LOGITS[:, 0]) - LABELS[:, 0] * LOGITS[:, 0]


class TwoPatients(Exercise):
    """Mend a loss that mixes the samples, and one whose gradient is 0."""

    wants_function = False
    asks_for = "mended"
    hints = (
        "Compile a small network with one of them, and print what diagnose says.",
        "The first: over which axis does its mean run, and what does ones_like do to the result?",
        "The second counts mistakes. What that is smooth grows with the logit of a mistake?",
    )
    praise = "Each sample has a value of its own, and each value leads somewhere."

    def reference():
        return {
            "first": lambda y_true, y_pred: ops.mean(
                ops.softplus(y_pred) - y_true * y_pred, axis=-1
            ),
            "second": lambda y_true, y_pred: ops.mean(
                ops.abs(y_true - ops.sigmoid(y_pred)), axis=-1
            ),
        }

    def grade(self, answer):
        require(
            isinstance(answer, dict)
            and callable(answer.get("first"))
            and callable(answer.get("second")),
            'Fill in the dictionary: under "first" and under "second" the mended loss.',
        )
        _grade_first(answer["first"])
        _grade_second(answer["second"])


def _grade_first(loss):
    values = per_sample(loss(LABELS, LOGITS), len(LABELS))
    require(
        len(np.unique(values)) > 1,
        "The first still gives every sample the same value, that of the batch: a weight for one "
        "of them is a weight for all.",
    )
    require(
        np.allclose(values, CROSSENTROPY, atol=1e-5),
        "The first gives each sample a value of its own, but another one than its crossentropy: "
        f"{np.round(values, 3).tolist()} instead of {np.round(CROSSENTROPY, 3).tolist()}.",
    )


def _grade_second(loss):
    values = per_sample(loss(LABELS, LOGITS), len(LABELS))
    slope = _slope(loss, tf.constant(LABELS), tf.constant(LOGITS), compiled=False)
    require(
        slope is not None,
        "The second has no gradient at all: rounding, comparing and NumPy end it.",
    )
    require(
        np.all(slope != 0),
        "The gradient of the second is 0 still: sign is flat on both sides. Put something smooth "
        "in its place.",
    )
    require(
        np.all(np.sign(slope) == np.where(LABELS == 1, -1, 1)),
        "The second moves, but the wrong way: for the label 1 the loss should fall as the logit "
        "rises, and for the label 0 it should rise.",
    )
    require(
        np.all(np.isfinite(values)) and values.min() >= 0,
        "The second should never be below 0: a right answer costs little, and is not paid for. "
        f"For the labels 1, 0, 1, 0 and the logits 1.5, 0.3, -0.7, -2 yours says "
        f"{np.round(values, 3).tolist()}.",
    )


class RelativeError(Exercise):
    """A division that is safe in both branches."""

    asks_for = "relative_error"
    hints = (
        "Two where: the first makes the divisor safe, the second chooses the result.",
        "known = y_true != 0, then safe = ops.where(known, ops.abs(y_true), 1.0).",
    )
    praise = "Nothing divides by 0 any more, neither in the value nor in its gradient."

    def reference(y_true, y_pred):
        known = y_true != 0
        safe = ops.where(known, ops.abs(y_true), 1.0)
        relative = ops.where(known, ops.abs(y_pred - y_true) / safe, 0.0)
        return ops.mean(relative, axis=-1)

    def grade(self, answer):
        y_true = tf.constant([[2.0], [-4.0], [0.5]])
        y_pred = tf.constant([[3.0], [-3.0], [0.0]])
        values = per_sample(answer(y_true, y_pred), 3)
        wanted = np.array([0.5, 0.25, 1.0])
        require(
            not np.allclose(values, wanted * [1, -1, 1]),
            "For the label -4 your error is negative. Divide by the size of the label, |y|.",
        )
        require(
            not np.allclose(values, np.array([1.0, 1.0, 0.5])),
            "That is the error, not the relative error: divide by |y|.",
        )
        require(
            np.allclose(values, wanted, rtol=1e-3),
            f"For the labels 2, -4, 0.5 and the predictions 3, -3, 0 the relative errors are "
            f"{wanted.tolist()}, not {np.round(values, 3).tolist()}.",
        )
        require(
            np.allclose(values, wanted, rtol=1e-6),
            "Nearly: a small number added to the divisor shifts every value. Change the divisor "
            "only where the label is 0.",
        )
        y_true, y_pred = tf.constant([[0.0], [2.0]]), tf.constant([[1.0], [3.0]])
        values = per_sample(answer(y_true, y_pred), 2)
        require(
            np.all(np.isfinite(values)) and values[0] == 0.0,
            f"Where the label is 0 the value should be 0, but is {values[0]:.3g}.",
        )
        for compiled in (False, True):
            slope = _slope(answer, y_true, y_pred, compiled)
            require(slope is not None, "Your loss has no gradient: use keras.ops, not NumPy.")
            require(
                np.all(np.isfinite(slope)),
                "The value is right, the gradient is NaN where the label is 0: the quotient in the "
                "branch that is not taken divides by 0. Make the divisor safe as well, before "
                "dividing.",
            )
        require(
            np.isclose(slope[1, 0], 0.5) and slope[0, 0] == 0,
            f"The slope for the label 2 should be 1/2, not {slope[1, 0]:.3g}.",
        )


def _slope(loss, y_true, y_pred, compiled):
    def ask(y_pred):
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            total = tf.reduce_sum(loss(y_true, y_pred))
        return tape.gradient(total, y_pred)

    slope = tf.function(ask, jit_compile=True)(y_pred) if compiled else ask(y_pred)
    return None if slope is None else slope.numpy()


class Ship(Exercise):
    """Store the network without its loss."""

    asks_for = "ship"
    hints = (
        "Which attribute of a ModelWithLoss is the plain model?",
        "A plain model has a method that stores all of it in a .keras file, and takes the path.",
    )
    praise = "It loads wherever Keras is, and the loss stays at home."

    def reference(model, path):
        model.network.save(path)

    def grade(self, answer):
        layers = [keras.Input((2,)), keras.layers.Dense(2)]
        model = ModelWithLoss(keras.Sequential(layers), UncertaintyWeights(["mse", "mse"]))
        model.compile("sgd")
        x = np.array([[1.0, 2.0], [-1.0, 0.5]], "float32")
        before = model.network(x).numpy()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "parcel.keras"
            try:
                answer(model, path)
            except ValueError as error:
                require(
                    ".weights.h5" not in str(error),
                    "Weights alone are numbers without a network: the server would have to build "
                    "one first. Store the network itself. Which method writes a .keras file?",
                )
                raise
            require(
                path.exists(),
                "Nothing was stored at the path. Which method writes a model into a .keras file?",
            )
            require(
                path.is_file() and zipfile.is_zipfile(path),
                "What lies at the path is not a .keras file, but something else: a SavedModel, "
                "from export? Store it with save.",
            )
            config = zipfile.ZipFile(path).read("config.json").decode()
            require(
                "lossutils" not in config,
                "Your file asks for lossutils on loading: it holds the whole model, loss and all. "
                "The server needs only the network inside.",
            )
            parcel = keras.models.load_model(path)
            require(
                np.allclose(parcel(x), before, atol=1e-6),
                "The stored network predicts something else than the trained one: store the "
                "network with its trained weights, not a fresh one.",
            )
        require(
            np.allclose(model.network(x), before), "Your function has changed the model itself."
        )


two_patients = TwoPatients()
relative_error = RelativeError()
ship = Ship()
