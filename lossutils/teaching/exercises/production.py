"""The exercises of notebook 12, Will it survive outside of the notebook?"""

import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lossutils.diagnosis import PROBES
from lossutils.stateful import ModelWithLoss
from lossutils.teaching.datasets import breast_cancer
from lossutils.teaching.exercises.base import Exercise, per_sample, require
from lossutils.weights import UncertaintyWeights

PATIENTS = ("first", "second")


def patient(name):
    """Return a compiled model with something wrong, its inputs and its labels.

    Raises ValueError for another name than "first" and "second".
    """
    if name not in PATIENTS:
        raise ValueError(f"`name` must be one of {PATIENTS}, but is {name!r}.")
    data = breast_cancer(seed=12)
    keras.utils.set_random_seed(12)
    layers = [keras.Input((30,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)]
    network = keras.Sequential(layers)
    loss = _of_the_first if name == "first" else _of_the_second
    network.compile(keras.optimizers.Adam(0.01), loss=loss, run_eagerly=True)
    return network, data.x_train[:128], data.y_train[:128]


def _of_the_first(y_true, y_pred):
    crossentropy = ops.softplus(y_pred) - y_true * y_pred
    return ops.mean(crossentropy) * ops.ones_like(y_pred[:, 0])


def _of_the_second(y_true, y_pred):
    probability = ops.sigmoid(0.0 * ops.sign(y_pred))
    return -ops.mean(
        y_true * ops.log(probability) + (1.0 - y_true) * ops.log(1.0 - probability), axis=-1
    )


class TwoPatients(Exercise):
    """Name the probe that has the cause."""

    wants_function = False
    asks_for = "causes"
    hints = (
        'Ask: model, x, y = production.patient("first"), then print(diagnose(model, x, y)).',
        "The first loss does return one value for each sample. Are they the values of the samples?",
        "A loss that does not move: is there something that leads down?",
    )
    praise = (
        "A shape can be right and its content wrong; and a gradient of 0 is a number, not an error."
    )

    RIGHT = {"first": "independent", "second": "gradients"}

    def reference():
        return {"first": "independent", "second": "gradients"}

    def grade(self, answer):
        require(isinstance(answer, dict), "Fill in the dictionary: one probe for each patient.")
        missing = [name for name in PATIENTS if answer.get(name) in (None, ...)]
        require(not missing, f"Not answered yet for {missing}: write the name of a probe.")
        names = [probe.__name__ for probe in PROBES]
        unknown = [answer[name] for name in PATIENTS if answer[name] not in names]
        require(not unknown, f"{unknown} is no probe of diagnose; they are {names}.")
        require(
            answer["first"] != "per_sample",
            "The loss of the first does return one value for each sample. Look at the values: how "
            "many different ones are there?",
        )
        require(
            answer["first"] == "independent",
            "Look at the first again: does the value of a sample depend on that sample alone?",
        )
        require(
            answer["second"] != "predictions",
            "The predictions of the second differ from patient to patient. It is the loss that "
            "does not see them: what reaches the weights?",
        )
        require(
            answer["second"] == "gradients",
            "Look at the second again: its loss is finite and never moves. What would tell the "
            "weights where to go?",
        )


class RelativeError(Exercise):
    """A division that is safe in both branches."""

    asks_for = "relative_error"
    hints = (
        "Two where: the first makes the divisor safe, the second chooses the result.",
        "known = y_true != 0, then safe = ops.where(known, ops.abs(y_true), 1.0).",
    )
    praise = "Nothing divides by 0 any more, not even in the branch that is not taken."

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
    hints = ("Which attribute of a ModelWithLoss is the plain model?", "model.network.save(path)")
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
