"""The exercises of notebook 02, Where does a loss keep its parameters?"""

import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lossutils.teaching.errors import describe_error
from lossutils.teaching.exercises.base import Exercise, per_sample, require


def _column(values):
    return tf.constant(np.reshape(values, (-1, 1)), "float32")


def _made_by(factory, **parameters):
    """The loss that a factory makes; the learner may have returned a value instead."""
    loss = factory(**parameters)
    require(
        callable(loss),
        "A factory returns a function of y_true and y_pred; yours returned "
        f"{'nothing' if loss is None else 'a value of type ' + type(loss).__name__}.",
    )
    return loss


def _values(loss, y_true, y_pred):
    """One value per sample for (batch, 1) columns, as an array."""
    return per_sample(loss(_column(y_true), _column(y_pred)), len(y_true))


def _slopes(loss, y_true, y_pred):
    p = _column(y_pred)
    with tf.GradientTape() as tape:
        tape.watch(p)
        total = tf.reduce_sum(loss(_column(y_true), p))
    slopes = tape.gradient(total, p)
    require(
        slopes is not None,
        "The values are right, but no gradient arrives: somewhere NumPy took over from y_pred.",
    )
    return slopes.numpy()[:, 0]


def _require_works_in_a_graph(loss):
    column = tf.TensorSpec((None, 1), tf.float32)
    try:
        tf.function(loss, autograph=False, input_signature=[column, column])(
            _column([0.0]), _column([1.0])
        )
    except Exception as error:
        require(
            False,
            "The loss works on numbers, but not inside a compiled step: no Python `if` on a tensor "
            f"and no NumPy on it. TensorFlow says: {describe_error(error)}",
        )


class TubeFactory(Exercise):
    """Write the factory of a loss that is 0 up to epsilon and grows by 1 per unit beyond."""

    asks_for = "tube"
    hints = (
        "How far does the size of the error reach beyond epsilon? It must not become negative.",
        "ops.relu(z) is z where z is above 0, and 0 elsewhere.",
    )
    praise = "Each loss keeps its own epsilon, and no sample is lost in a mean."

    def reference(epsilon):
        def loss(y_true, y_pred):
            return ops.mean(ops.relu(ops.abs(y_true - y_pred) - epsilon), axis=-1)

        return loss

    def grade(self, answer):
        first, second = _made_by(answer, epsilon=0.5), _made_by(answer, epsilon=2.0)
        labels, predictions = [0.0, 0.0, 0.0], [0.25, 3.0, -3.0]
        values = _values(first, labels, predictions)
        require(
            values[0] >= 0,
            "An error below epsilon gets a negative loss: it would be rewarded. It should cost 0.",
        )
        require(
            not np.isclose(values[0], 0.25),
            "Below epsilon you charge the whole error: 0.25 costs 0.25 with epsilon 0.5, and "
            "should cost 0.",
        )
        require(
            not np.allclose(values[1:], [3.0, 3.0]),
            "Only the excess beyond epsilon costs: with epsilon 0.5 an error of 3 costs 2.5.",
        )
        require(
            not np.allclose(values[1:], [6.25, 6.25]),
            "Each unit beyond epsilon costs the same, 1. Yours grows with the square.",
        )
        require(
            np.isclose(values[1], values[2]),
            "Errors of 3 and -3 should cost the same: take the size of the error first.",
        )
        require(
            np.allclose(values, [0.0, 2.5, 2.5], atol=1e-6),
            "With epsilon 0.5 the errors 0.25, 3 and -3 should cost [0.0, 2.5, 2.5]; yours cost "
            f"{np.round(values, 3).tolist()}.",
        )
        require(
            np.allclose(_values(second, labels, predictions), [0.0, 1.0, 1.0], atol=1e-6),
            "Right for epsilon 0.5, but a second loss, made with epsilon 2, does not use its own "
            "epsilon.",
        )
        wide = np.asarray(first(tf.zeros((1, 2)), tf.constant([[1.5, 0.0]])))
        require(
            wide.shape == (1,) and np.isclose(wide[0], 0.5),
            "With two outputs per sample the loss should be the mean over the two.",
        )
        require(
            np.allclose(_slopes(first, labels, predictions), [0.0, 1.0, -1.0]),
            "The values are right, but the slopes are not 0 inside and 1 outside.",
        )
        _require_works_in_a_graph(first)


@keras.saving.register_keras_serializable(package="lossutils_exercises")
class Tube(keras.losses.Loss):
    def __init__(self, epsilon=1.0, name="tube", **kwargs):
        super().__init__(name=name, **kwargs)
        self.epsilon = epsilon

    def call(self, y_true, y_pred):
        return ops.mean(ops.relu(ops.abs(y_true - y_pred) - self.epsilon), axis=-1)

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


class SurvivingTube(Exercise):
    """Mend a Loss subclass until a model that was compiled with it survives saving and loading."""

    asks_for = "Tube"
    hints = (
        "Compare with the class Huber above: which three things does it have that yours lacks?",
        "The decorator, get_config with epsilon in it, and **kwargs handed on to super().__init__.",
    )
    praise = "The loaded model trains with the same epsilon, name and reduction."

    reference = Tube

    def grade(self, answer):
        loss = answer(epsilon=0.5)
        require(
            isinstance(loss, keras.losses.Loss),
            "Not answered yet: hand over the class itself, a subclass of keras.losses.Loss.",
        )
        _require_tube(loss, epsilon=0.5)
        config = loss.get_config()
        require(
            "epsilon" in config,
            "get_config does not mention epsilon. A loaded model would get the default.",
        )
        require(
            "reduction" in config and "name" in config,
            "get_config forgets what the parent class knows, its name and reduction: begin with "
            "**super().get_config().",
        )
        require(
            config["epsilon"] == 0.5,
            f"get_config says epsilon is {config['epsilon']!r}, but this loss was made with 0.5.",
        )
        loaded = _after_saving(_accepts_its_config(type(loss), config))
        _require_tube(loaded, epsilon=0.5)
        require(
            loaded.reduction == "sum",
            "A loss made with reduction='sum' came back with "
            f"{loaded.reduction!r}: hand **kwargs on to super().__init__.",
        )


def _require_tube(loss, epsilon):
    values = _values(loss.call, [0.0, 0.0], [0.25, 3.0])
    require(
        np.allclose(values, [0.0, 3.0 - epsilon]),
        f"With epsilon {epsilon} the errors 0.25 and 3 should cost [0.0, {3.0 - epsilon}]; here "
        f"they cost {np.round(values, 3).tolist()}.",
    )


def _accepts_its_config(cls, config):
    """The loss made again from its configuration, with another reduction."""
    try:
        return cls.from_config({**config, "reduction": "sum"})
    except TypeError as error:
        require(
            False,
            "The class cannot be made again from its own configuration: __init__ must take name "
            f"and reduction too, as **kwargs. Python says: {describe_error(error)}",
        )


def _after_saving(loss):
    """The loss of a model that was compiled with `loss`, saved and loaded."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    network.compile("sgd", loss=loss)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        network.save(path)
        try:
            return keras.saving.load_model(path).loss
        except (TypeError, ValueError) as error:
            require(
                False,
                "The saved model cannot be loaded: the class is not registered under a name. "
                f"Keras says: {describe_error(error)}",
            )


class AwayFrom(Exercise):
    """Carry the bounded hill over to another centre."""

    asks_for = "away_from"
    hints = (
        "What must be 0 at the centre, where the hill of near_zero_factory has its prediction 0?",
        "The hill is strength / (((y_pred - centre) / width)**2 + 1).",
    )
    praise = "The hill is bounded, and it stands on the prediction, wherever the label is."

    def reference(centre=0.5, strength=0.1, width=0.1):
        def loss(y_true, y_pred):
            hill = strength / (ops.square((y_pred - centre) / width) + 1.0)
            return ops.mean(ops.square(y_true - y_pred) + hill, axis=-1)

        return loss

    def grade(self, answer):
        loss = _made_by(answer, centre=0.5, strength=0.2, width=0.1)
        labels = [1.0, 1.0, 1.0, 0.5]
        predictions = [0.5, 0.6, 0.4, 1.0]
        values = _values(loss, labels, predictions)
        penalties = values - np.square(np.subtract(labels, predictions))
        at_centre, right, left, away = penalties
        require(
            np.isfinite(at_centre) and at_centre < 100,
            "At the centre your penalty is not bounded. Its height should be strength, here 0.2.",
        )
        require(
            not np.allclose(values, [0.2, 0.1, 0.1, 0.2 / 26], atol=1e-5),
            "Only the hill is there: the squared error is missing.",
        )
        require(
            not (np.isclose(away, 0.2, atol=1e-5) and at_centre < 0.1),
            "Your hill stands on the label. It should stand on y_pred, whatever the label is.",
        )
        require(
            at_centre > -1e-6,
            "Near the centre the loss becomes smaller: that rewards hesitation. Mind the sign.",
        )
        require(
            not np.isclose(at_centre, 0.2 / 101, atol=1e-4),
            "Your hill does not stand at 0.5 but at -0.5: the distance is y_pred - centre.",
        )
        require(
            not np.isclose(at_centre, 0.2 / 26, atol=1e-4),
            "Your hill still stands at 0: put the distance y_pred - centre in the place of y_pred.",
        )
        require(
            np.isclose(at_centre, 0.2, atol=1e-5),
            f"At the centre the extra cost should be strength, 0.2; yours is {at_centre:.3g}.",
        )
        require(
            np.allclose([right, left], 0.1, atol=1e-5),
            "At a distance of width, 0.1, the extra cost should be half of strength, 0.1; yours is "
            f"{right:.3g} above the centre and {left:.3g} below it.",
        )
        require(
            np.isclose(away, 0.2 / 26, atol=1e-5),
            f"At a distance of 0.5 the extra cost should be 0.2 / 26; yours is {away:.3g}.",
        )
        _require_second_loss(answer)
        require(
            np.allclose(_slopes(loss, [0.6], [0.6]), [-1.0], atol=1e-4),
            "The values are right, but the slope of the hill at centre + width is not -1.",
        )
        _require_works_in_a_graph(loss)


def _require_second_loss(factory):
    loss = _made_by(factory, centre=-1.0, strength=3.0, width=0.5)
    require(
        np.allclose(_values(loss, [0.0, -0.5], [-1.0, -0.5]), [4.0, 1.5], atol=1e-5),
        "Right for the first loss, but one made with centre -1, strength 3 and width 0.5 does not "
        "use its own parameters.",
    )


tube = TubeFactory()
surviving_tube = SurvivingTube()
away_from = AwayFrom()
