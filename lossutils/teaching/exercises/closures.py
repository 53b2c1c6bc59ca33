"""The exercises of notebook 02, Where does a loss keep its parameters?"""

import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import ops

from lossutils.teaching.exercises import Exercise, changed, explains, require, sound, values


def _made_by(factory, **parameters):
    """The loss that a factory makes; the learner may have returned a value instead."""
    loss = factory(**parameters)
    require(
        callable(loss),
        "A factory returns a function of y_true and y_pred; yours returned "
        f"{'nothing' if loss is None else 'a value of type ' + type(loss).__name__}.",
    )
    return loss


def tube(epsilon):
    def loss(y_true, y_pred):
        return ops.mean(ops.relu(ops.abs(y_true - y_pred) - epsilon), axis=-1)

    return loss


def _two_tubes(factory):
    first, second = _made_by(factory, epsilon=0.5), _made_by(factory, epsilon=2.0)
    errors = [0.0, 0.0, 0.0], [0.25, 3.0, -3.0]
    yield values(first, *errors), (
        "With epsilon 0.5 the errors 0.25, 3 and -3 should cost {wanted}; yours cost {got}."
    )
    yield values(second, *errors), (
        "Right for epsilon 0.5, but a second loss, with epsilon 2, does not use its own."
    )
    yield from sound(first, *errors)


def _of_error(formula):
    """A factory whose loss is the mean of a formula of the error and epsilon."""
    return lambda epsilon: lambda t, p: ops.mean(formula(p - t, epsilon), axis=-1)


_latest = {}


def _shared_epsilon(epsilon):
    _latest["epsilon"] = epsilon
    return lambda t, p: tube.reference(_latest["epsilon"])(t, p)


tube = Exercise(
    tube, _two_tubes,
    "How far does the size of the error reach beyond epsilon? It must not become negative.",
    "ops.relu(z) is z where z is above 0, and 0 elsewhere.",
    praise="Each loss keeps its own epsilon, and no sample is lost in a mean.",
    slips={
        "An error below epsilon gets a negative loss: it would be rewarded. It should "
        "cost 0.": _of_error(lambda e, epsilon: abs(e) - epsilon),
        "Below epsilon nothing should be charged.": _of_error(lambda e, epsilon: abs(e)),
        "Only the excess beyond epsilon costs: with epsilon 0.5 an error of 3 "
        "costs 2.5.": _of_error(lambda e, epsilon: ops.where(abs(e) > epsilon, abs(e), 0.0)),
        "Each unit beyond epsilon costs the same, 1. Yours grows with the "
        "square.": _of_error(lambda e, epsilon: ops.relu(abs(e) - epsilon) ** 2),
        "Errors of 3 and -3 should cost the same: take the size of the error first.": [
            _of_error(lambda e, epsilon: ops.relu(e - epsilon)),
            _of_error(lambda e, epsilon: ops.relu(-e - epsilon)),
        ],
        "The first loss took the epsilon of the second: each must keep its own.": _shared_epsilon,
        "does not use its own": _of_error(lambda e, epsilon: ops.relu(abs(e) - 0.5)),
        "average over the two": [lambda epsilon: lambda t, p: ops.relu(abs(t - p) - epsilon)[:, 0]],
        "ops.maximum": _of_error(lambda e, epsilon: max(abs(e) - epsilon, 0.0)),
        "returns a function of y_true and y_pred": lambda epsilon: ops.relu(1.0 - epsilon),
    },
)


@keras.saving.register_keras_serializable(package="lossutils_exercises")
class Tube(keras.losses.Loss):
    def __init__(self, epsilon=1.0, name="tube", **kwargs):
        super().__init__(name=name, **kwargs)
        self.epsilon = epsilon

    def call(self, y_true, y_pred):
        return ops.mean(ops.relu(ops.abs(y_true - y_pred) - self.epsilon), axis=-1)

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


def _saved_and_loaded(loss):
    """The loss of a model that was compiled with `loss`, saved and loaded."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    network.compile("sgd", loss=loss)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        network.save(path)
        with explains("The saved model cannot be loaded: no name is registered for the class."):
            return keras.saving.load_model(path).loss


def _survival(cls):
    loss, errors = cls(epsilon=0.5), ([0.0, 0.0], [0.25, 3.0])
    costs = "With epsilon 0.5 the errors 0.25 and 3 should cost {wanted}; here they cost {got}."
    yield values(loss.call, *errors), costs
    yield from sound(loss.call, *errors)
    config = loss.get_config()
    yield "epsilon" in config, (
        "get_config does not mention epsilon. A loaded model would get the default."
    )
    yield "reduction" in config and "name" in config, (
        "get_config forgets name and reduction: begin with **super().get_config()."
    )
    yield config["epsilon"], "get_config says epsilon is {got}, but this loss was made with 0.5."
    with explains("Made again from its configuration, the class fails: it must take **kwargs."):
        again = cls.from_config({**config, "reduction": "sum"})
    loaded = _saved_and_loaded(again)
    yield values(loaded.call, *errors), costs
    yield loaded.reduction, (
        "The reduction 'sum' came back as {got!r}: hand **kwargs on to super().__init__."
    )


@keras.saving.register_keras_serializable(package="lossutils_exercises")
class DropsKeywords(Tube):
    def __init__(self, epsilon=1.0, **kwargs):
        super().__init__(epsilon)


surviving_tube = Exercise(
    Tube, _survival,
    "Compare with the class Huber above: which three things does it have that yours lacks?",
    "The decorator, get_config with epsilon in it, and **kwargs handed on to super().__init__.",
    praise="The loaded model trains with the same epsilon, name and reduction.",
    slips={
        "does not mention epsilon": changed(Tube, get_config=keras.losses.Loss.get_config),
        "super().get_config()": changed(Tube, get_config=lambda self: {"epsilon": self.epsilon}),
        "made with 0.5":
            changed(Tube, get_config=lambda self: {**Tube.get_config(self), "epsilon": 1.0}),
        "no name is registered": changed(Tube),
        "it must take **kwargs":
            changed(Tube, __init__=lambda self, epsilon=1.0: Tube.__init__(self, epsilon)),
        "The reduction 'sum' came back": DropsKeywords,
        "cost [0.0, 2.5]": changed(Tube, call=lambda self, t, p: tube.reference(1.0)(t, p)),
        "made from Loss": _shared_epsilon,
    },
)


def away_from(centre=0.5, strength=0.1, width=0.1):
    def loss(y_true, y_pred):
        hill = strength / (ops.square((y_pred - centre) / width) + 1.0)
        return ops.mean(ops.square(y_true - y_pred) + hill, axis=-1)

    return loss


def _hills(factory):
    loss = _made_by(factory, centre=0.5, strength=0.2, width=0.1)
    labels, predictions = [1.0, 1.0, 1.0, 0.5], [0.5, 0.6, 0.4, 1.0]
    hill = values(loss, labels, predictions) - np.square(np.subtract(labels, predictions))
    yield abs(hill[0]) < 100, "At the centre your penalty is not bounded: strength is its height."
    yield hill, (
        "At the centre the extra cost should be strength, 0.2, at a distance of width half of "
        "strength, and at a distance of 0.5 it should be 0.2 / 26: {wanted}; yours is {got}."
    )
    other = _made_by(factory, centre=-1.0, strength=3.0, width=0.5)
    yield values(other, [0.0, -0.5], [-1.0, -0.5]), (
        "Right for the first loss, but a second one does not use its own parameters."
    )
    yield from sound(loss, labels, predictions)


def _hill(distance, strength, width):
    return strength / (ops.square(distance / width) + 1.0)


def _plus(extra):
    """A factory whose loss is the squared error plus something else."""
    return lambda centre, strength, width: lambda t, p: ops.mean(
        ops.square(t - p) + extra(t, p, centre, strength, width), axis=-1
    )


away_from = Exercise(
    away_from, _hills,
    "What must be 0 at the centre, where the hill of near_zero_factory has its prediction 0?",
    "The hill is strength / (((y_pred - centre) / width)**2 + 1).",
    praise="The hill is bounded, and it stands on the prediction, wherever the label is.",
    slips={
        "Only the hill is there: the squared error is missing.":
            _plus(lambda t, p, c, *shape: _hill(p - c, *shape) - ops.square(t - p)),
        "Your hill stands on the label. It should stand on y_pred, whatever the label "
        "is.": _plus(lambda t, p, c, *shape: _hill(t - c, *shape)),
        "Near the centre the loss becomes smaller: that rewards hesitation. Mind the "
        "sign.": _plus(lambda t, p, c, *shape: -_hill(p - c, *shape)),
        "Your hill does not stand at 0.5 but at -0.5: the distance is y_pred - "
        "centre.": _plus(lambda t, p, c, *shape: _hill(p + c, *shape)),
        "Your hill still stands at 0: put the distance y_pred - centre in the place of "
        "y_pred.": _plus(lambda t, p, c, *shape: _hill(p, *shape)),
        "Half of strength is wanted at a distance of width: divide by width before you "
        "square.": _plus(lambda t, p, c, strength, width: _hill(p - c, strength, width**0.5)),
        "not bounded": _plus(lambda t, p, c, strength, _: strength / (abs(p - c) + 1e-8) ** 2),
        "should be strength": _plus(lambda t, p, c, _, width: _hill(p - c, 1.0, width)),
        "0.2 / 26": _plus(lambda t, p, c, height, w: height * 0.5 ** (((p - c) / w) ** 2)),
        "own parameters": _plus(lambda t, p, c, *shape: _hill(p - 0.5, *shape)),
        "slopes": _plus(lambda t, p, c, *shape: _hill(ops.stop_gradient(p) - c, *shape)),
    },
)
