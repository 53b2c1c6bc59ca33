"""diagnose() names what is wrong with a loss, and leaves sound set-ups alone."""

import random
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from contract import arrays, equal
from keras import layers, losses, ops
from keras.optimizers import SGD, Adam
from small_losses import LaplaceNLL, RunningScaleError, TemperedCrossentropy

from lossutils import (
    NCA,
    AdaptiveRobustLoss,
    BlendedLoss,
    CostThreshold,
    F1Threshold,
    MahalanobisNLL,
    ModelWithLoss,
    StateSwitchedLoss,
    SwitchedLoss,
    UncertaintyWeights,
    WorstCaseWeights,
    diagnose,
    diagnosis,
    huber,
    near_zero_penalty,
    pinball,
    weighted_binary_crossentropy,
    weighted_categorical_crossentropy,
)
from lossutils import keras_internals as internals
from lossutils.diagnosis.case import SAMPLES, Case, total

ROOT = Path(__file__).parents[2]

N = 40
RNG = np.random.default_rng(12)
X = RNG.normal(size=(N, 3)).astype("float32")
Y = (X @ [[1.0], [-2.0], [0.5]] + 0.1 * RNG.normal(size=(N, 1))).astype("float32")
LABELS = (Y > 0).astype("float32")
CLASSES = np.digitize(Y[:, 0], [-1.0, 1.0])
ONE_HOT = np.eye(3, dtype="float32")[CLASSES]


def network(outputs=1, activation=None, hidden="tanh", **kwargs):
    """A small network, with a hidden layer of that activation or with none."""
    keras.utils.set_random_seed(3)
    middle = [layers.Dense(4, hidden)] if hidden else []
    last = layers.Dense(outputs, activation, **kwargs)
    return keras.Sequential([layers.Input((3,)), *middle, last])


def compiled(loss, y=Y, model=None, x=X, optimizer="adam", **kwargs):
    """A set-up: model, inputs, labels."""
    model = network() if model is None else model
    model.compile(optimizer, loss=loss, **kwargs)
    return model, x, y


def owning(loss, y=Y, model=None, x=X, optimizer="adam"):
    """A set-up of a ModelWithLoss."""
    model = ModelWithLoss(network() if model is None else model, loss)
    model.compile(optimizer)
    return model, x, y


def fitted(setup, epochs=5, **kwargs):
    """The same set-up, trained."""
    model, x, y = setup
    model.fit(x, y, epochs=epochs, batch_size=N, verbose=0, **kwargs)
    return setup


def to_scalar(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred))


def rounded_error(y_true, y_pred):
    return squared(y_true, ops.round(y_pred))


def log_far_below_0(y_true, y_pred):
    return ops.mean(ops.log(y_pred - 100.0), axis=-1) + squared(y_true, y_pred)


def correlation(y_true, y_pred):
    """One value for the batch, by design."""
    y, p = y_true - ops.mean(y_true), y_pred - ops.mean(y_pred)
    return -ops.sum(y * p) / ops.sqrt(ops.sum(y * y) * ops.sum(p * p))


def shared_correlation(y_true, y_pred):
    return correlation(y_true, y_pred) * ops.ones_like(y_pred[:, 0])


shared_correlation.couples_samples = True


def in_two_stages(later, kind=SwitchedLoss, settings=()):
    """A loss that is sound until it changes."""
    return owning(kind(["mse", later], *settings, names=["easy", "hard"]))


def weighted(loss_weights):
    """Two outputs, each with its weight."""
    losses, labels = {"a": "mse", "b": "mae"}, {"a": Y, "b": Y}
    return compiled(losses, labels, two_outputs(), loss_weights=loss_weights)


class Plain(keras.losses.Loss):
    """A Loss made of a function, called without Keras' help with shapes."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.call = function


def squared(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def squared_of(change):
    """The squared error of predictions after `change`."""
    return lambda y_true, y_pred: squared(y_true, change(y_pred))


def through_numpy(y_true, y_pred):
    return tf.constant(np.mean(np.square(np.asarray(y_true) - np.asarray(y_pred)), axis=-1))


def with_python_if(y_true, y_pred):
    values = squared(y_true, y_pred)
    return values if ops.mean(values) > 1 else 2 * values


def with_new_variable(y_true, y_pred):
    return tf.Variable(2.0) * squared(y_true, y_pred)


def with_alpha(alpha):
    return lambda y_true, y_pred: squared(y_true, y_pred) + alpha * ops.mean(y_pred**2, axis=-1)


class OwnsAlpha(keras.losses.Loss):
    def __init__(self):
        super().__init__()
        self.alpha = keras.Variable(1.0, name="alpha")

    def call(self, y_true, y_pred):
        return with_alpha(self.alpha)(y_true, y_pred)


class OwnsUnused(LaplaceNLL):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.unused = self.add_weight(shape=(), name="unused")


def distance(y_true, y_pred):
    """A Euclidean distance whose `where` guards the value and not the gradient."""
    d = ops.sum(ops.square(y_true - y_pred), axis=-1)
    return ops.where(d > 0, ops.sqrt(d), 0.0)


def safe_distance(y_true, y_pred):
    d = ops.sum(ops.square(y_true - y_pred), axis=-1)
    safe = ops.where(d > 0, d, 1.0)
    return ops.where(d > 0, ops.sqrt(safe), 0.0)


def naive_crossentropy(y_true, y_pred):
    return -ops.mean(y_true * ops.log(y_pred) + (1 - y_true) * ops.log(1 - y_pred), axis=-1)


def clipped_crossentropy(y_true, y_pred):
    return naive_crossentropy(y_true, ops.clip(y_pred, 1e-6, 1 - 1e-6))


def dead_relu():
    model = keras.Sequential(
        [
            layers.Input((3,)),
            layers.Dense(4, "relu", bias_initializer=keras.initializers.Constant(-100.0)),
            layers.Dense(1),
        ]
    )
    return compiled("mse", model=model)


def nothing_to_learn():
    """Labels that have nothing to do with the inputs, after a training."""
    noise = RNG.normal(size=(N, 3)).astype("float32")
    flip = np.tile([[0.0], [1.0]], (N // 2, 1)).astype("float32")
    model = network(1, "sigmoid", hidden=None, kernel_initializer="zeros")
    return fitted(compiled("binary_crossentropy", flip, model, noise, SGD(0.01)))


def frozen():
    model = network()
    model.trainable = False
    return compiled("mse", model=model)


def exact_model():
    """Labels, and a model that predicts them."""
    model = network(hidden=None)
    model.set_weights([np.array([[1.0], [-2.0], [0.5]]), np.zeros(1)])
    return np.asarray(model(X)), model


def late_parameter():
    loss, model = OwnsAlpha(), network()
    setup = fitted(compiled(loss, model=model))
    model.my_alpha = loss.alpha
    return setup


def not_finite(array):
    array = array.copy()
    array.flat[5] = np.nan
    return array


def two_outputs(rounded=False, last=None, container=dict):
    inputs = keras.Input((3,))
    first = layers.Dense(1, name="first")(inputs)
    second = layers.Dense(1, last, name="second")(inputs)
    if rounded:
        second = ops.round(second)
    outputs = {"a": first, "b": second}
    return keras.Model(inputs, outputs if container is dict else list(outputs.values()))


def half_without_scaling():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [layers.Input((3,)), layers.Dense(4, "tanh", dtype="mixed_float16"), layers.Dense(1)]
    )
    return compiled(lambda t, p: 1e-7 * squared(t, p), model=model)


def half_that_overflows():
    keras.utils.set_random_seed(3)
    model = keras.Sequential([layers.Input((3,)), layers.Dense(1, dtype="mixed_float16")])
    return compiled(Plain(squared, dtype="float16"), Y * 1000, model)


def weights_in_half():
    return compiled("mse", model=network(dtype="float16"))


def exchanged(y_pred, y_true):
    """A cross-entropy whose author took the predictions for the first argument."""
    return losses.binary_crossentropy(y_true, y_pred)


def scaled_by_labels(prediction, label):
    return squared(label, prediction) / (1.0 + ops.mean(ops.square(label), axis=-1))


class TakesPredictionsFirst(keras.losses.Loss):
    def call(self, y_pred, y_true):
        return scaled_by_labels(y_pred, y_true)


def overlap(y_true, y_pred):
    """The Dice coefficient, 1 for perfect predictions; the loss would be 1 minus it."""
    both = ops.sum(y_true * y_pred, axis=-1)
    return 2 * both / (ops.sum(y_true + y_pred, axis=-1) + 1e-6)


def mean_of_log_likelihood(y_true, y_pred):
    """A cross-entropy without its minus."""
    p = ops.clip(y_pred, 1e-6, 1 - 1e-6)
    return ops.mean(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p), axis=-1)


def classified(loss="binary_crossentropy", y=LABELS, **kwargs):
    """Two classes, with a sigmoid."""
    return compiled(loss, y, network(1, "sigmoid"), **kwargs)


def starting_at_zero(layer):
    return type(layer).from_config({**layer.get_config(), "kernel_initializer": "zeros"})


class InBatches(keras.utils.PyDataset):
    """The data, ten at a time."""

    def __init__(self, labels=Y):
        super().__init__()
        self.labels = labels

    def __len__(self):
        return N // 10

    def __getitem__(self, index):
        rows = slice(10 * index, 10 * index + 10)
        return X[rows], self.labels[rows], np.ones(10)


def in_a_data_set(labels):
    return classified()[0], InBatches(labels), None


def shuffled(setup):
    model, x, y = setup
    return model, x, RNG.permutation(y)


def complaints_about(table):
    """What `diagnose` does not name first, or not with the words that are asked for."""
    complaints = {}
    for name, (probe, words, make) in table.items():
        problems = diagnose(*make()).problems
        first = f"{problems[0].probe}: {problems[0].seen}; {problems[0].cure}" if problems else ""
        if not (first.startswith(f"{probe}: ") and words in first if probe else not first):
            complaints[name] = f"wanted {probe} with {words!r}, found {first!r}"
    return complaints


# What people do wrong, the probe that is to name it first, and words of what it says. None where
# nobody can know.
MISTAKES = {
    "NaN among the labels": ("numbers", "1 of 40", lambda: compiled("mse", not_finite(Y))),
    "labels of one class only": ("classes", "are 1", lambda: classified(y=np.ones((N, 1)))),
    "a frozen network": ("variables", "trainable = True", frozen),
    "a sigmoid for targets from 0 to 1000": (
        "outputs",
        "gives 0 to 1,",
        lambda: compiled("mse", 250 * Y + 500, network(1, "sigmoid")),
    ),
    "a ReLU for targets below 0": (
        "outputs",
        "gives 0 to inf,",
        lambda: compiled("mse", Y, network(1, "relu")),
    ),
    "a softmax over one unit": (
        "outputs",
        "always 1",
        lambda: compiled("binary_crossentropy", LABELS, network(1, "softmax")),
    ),
    "categorical cross-entropy with one unit": (
        "outputs",
        "a sigmoid and binary_crossentropy",
        lambda: classified("categorical_crossentropy"),
    ),
    "class numbers for one-hot labels": (
        "runs",
        "sparse_categorical_crossentropy",
        lambda: compiled("categorical_crossentropy", CLASSES, network(3, "softmax")),
    ),
    "one-hot labels for class numbers": (
        "runs",
        "sparse_categorical_crossentropy class",
        lambda: compiled("sparse_categorical_crossentropy", ONE_HOT, network(3, "softmax")),
    ),
    "classes counted from 1": (
        "runs",
        "count the classes from 0",
        lambda: compiled("sparse_categorical_crossentropy", CLASSES + 1, network(3, "softmax")),
    ),
    "a Python if": ("runs", "ops.where", lambda: compiled(with_python_if)),
    "NumPy in the loss": ("runs", "in place of NumPy", lambda: compiled(through_numpy)),
    "a StatefulLoss in compile": ("runs", "ModelWithLoss", lambda: compiled(LaplaceNLL())),
    "the arguments exchanged": ("arguments", "y_true, y_pred", lambda: classified(exchanged)),
    "an output with the weight 0": (
        "loss_weights",
        "the weight 0 makes no loss small (output 'b')",
        lambda: weighted({"a": 1, "b": 0}),
    ),
    "labels without an axis": (
        "shapes",
        "broadcast to all pairs",
        lambda: compiled(Plain(squared), Y[:, 0]),
    ),
    "class numbers and a squared error": (
        "shapes",
        "one-hot",
        lambda: compiled("mse", CLASSES[:, None], network(3)),
    ),
    "one number for the batch": ("per_sample", "axis=-1", lambda: compiled(to_scalar)),
    "samples that mix": (
        "independent",
        "couples_samples",
        lambda: compiled(lambda t, p: squared(t, p - ops.mean(p))),
    ),
    "labels not looked at": (
        "labels",
        "y_true",
        lambda: compiled(lambda t, p: ops.mean(ops.square(p - p**2), axis=-1)),
    ),
    "the wrong sign": (
        "direction",
        "rewards what is wrong",
        lambda: compiled(lambda t, p: -squared(t, p)),
    ),
    "inputs of a size of a million": ("inputs", "saturate", lambda: compiled("mse", x=1e6 * X)),
    "dead units": ("predictions", "the same for every sample, about 0", dead_relu),
    "logits for probabilities": (
        "probabilities",
        "these are logits",
        lambda: compiled("binary_crossentropy", LABELS),
    ),
    "a sigmoid twice": (
        "probabilities",
        "squeezes again",
        lambda: classified(weighted_binary_crossentropy((1, 1), from_logits=True)),
    ),
    "predictions that are rounded": (
        "gradients",
        "every variable is None: no",
        lambda: compiled(rounded_error),
    ),
    "a parameter in a closure": (
        "parameters",
        "knob = 3",
        lambda: compiled(with_alpha(tf.Variable(3.0, name="knob"))),
    ),
    "a parameter that came late": ("optimizer", "before the first fit", late_parameter),
    "a root at 0": (
        "edges",
        "for perfect predictions",
        lambda: compiled(lambda t, p: ops.sqrt(squared(t, p))),
    ),
    "a learning rate of 1000": (
        "step",
        "100 times smaller",
        lambda: compiled("mse", optimizer=SGD(1000.0)),
    ),
    "Adam at 10": ("step", "undone", lambda: classified(optimizer=Adam(10.0))),
    "shuffled labels": (None, "", lambda: shuffled(compiled("mse"))),
    "a quantile on the wrong side": (None, "", lambda: compiled(lambda t, p: pinball(0.9)(p, t))),
}


def test_33_mistakes_are_named():
    unknown = [name for name, (probe, _, _) in MISTAKES.items() if probe is None]
    assert len(MISTAKES) == 33 and len(unknown) == 2
    assert not complaints_about(MISTAKES)


# Other mistakes, and the same ones in other clothes.
VARIANTS = {
    "NaN in the inputs": ("numbers", "`x`", lambda: compiled("mse", x=not_finite(X))),
    "labels a loss refuses": (
        "numbers",
        "0 and 1",
        lambda: owning(CostThreshold(1, 1), LABELS * 2, network(1, "sigmoid")),
    ),
    "one class of three": (
        "classes",
        "are 2",
        lambda: compiled("sparse_categorical_crossentropy", 0 * CLASSES + 2, network(3, "softmax")),
    ),
    "one class of logits": (
        "classes",
        "are 0",
        lambda: compiled(weighted_binary_crossentropy((1, 1), from_logits=True), 0 * LABELS),
    ),
    "one class in a data set": ("classes", "are 0", lambda: in_a_data_set(0 * LABELS)),
    "one class in one of two outputs": (
        "classes",
        "(output 'b')",
        lambda: compiled(
            {"a": "mse", "b": "binary_crossentropy"},
            {"a": Y, "b": 0 * Y},
            two_outputs(last="sigmoid"),
        ),
    ),
    "a ReLU layer for targets below 0": (
        "outputs",
        "0 to inf",
        lambda: compiled("mae", Y, keras.Sequential([network(), layers.ReLU()])),
    ),
    "a tanh for targets from -2 to 7": (
        "outputs",
        "-1 to 1",
        lambda: owning(LaplaceNLL(), 2 * Y, network(1, "tanh")),
    ),
    "a softmax layer over one unit": (
        "outputs",
        "always 1",
        lambda: compiled("mse", LABELS, keras.Sequential([network(), layers.Softmax()])),
    ),
    "a sigmoid for one of two outputs": (
        "outputs",
        "gives 0 to 1 (output 'b')",
        lambda: compiled("mse", {"a": Y, "b": Y}, two_outputs(last="sigmoid")),
    ),
    "a variable made in the call": (
        "runs",
        "make the variable once",
        lambda: compiled(with_new_variable),
    ),
    "the same, eagerly": (
        "parameters",
        "does not know: Variable = 2",
        lambda: compiled(with_new_variable, run_eagerly=True),
    ),
    "NumPy, eagerly": (
        "gradients",
        "NumPy",
        lambda: compiled(through_numpy, run_eagerly=True),
    ),
    "class numbers for one-hot labels, eagerly": (
        "runs",
        "the loss stops",
        lambda: compiled(
            "categorical_crossentropy", CLASSES, network(3, "softmax"), run_eagerly=True
        ),
    ),
    "labels without an axis, refused": (
        "runs",
        "`y_true` has shape",
        lambda: owning(LaplaceNLL(), Y[:, 0]),
    ),
    "weights for one loss": (
        "runs",
        "1 losses and 2 weights",
        lambda: compiled("mse", {"a": Y, "b": Y}, two_outputs(), loss_weights={"a": 1, "b": 2}),
    ),
    "arguments with other names": ("arguments", "labels first", lambda: compiled(scaled_by_labels)),
    "a method with its arguments exchanged": (
        "arguments",
        "labels first",
        lambda: compiled(TakesPredictionsFirst()),
    ),
    "another loss, called the other way": (
        "arguments",
        "labels first",
        lambda: classified(lambda t, p: losses.binary_crossentropy(p, t)),
    ),
    "the same for three classes": (
        "arguments",
        "labels first",
        lambda: compiled(
            lambda t, p: losses.categorical_crossentropy(p, t), ONE_HOT, network(3, "softmax")
        ),
    ),
    "weights of 0": (
        "loss_weights",
        "(output 'a')",
        lambda: weighted({"a": 0, "b": 0}),
    ),
    "a weight below 0": ("loss_weights", "weight -1", lambda: weighted({"a": 1, "b": -1})),
    "one output with the weight 0": (
        "loss_weights",
        "metrics",
        lambda: compiled("mse", loss_weights=0.0),
    ),
    "a list with the weight 0": (
        "loss_weights",
        "above 0",
        lambda: compiled("mse", loss_weights=[0.0]),
    ),
    "one label for two outputs": (
        "shapes",
        "meets 2 predictions",
        lambda: compiled("hinge", LABELS, network(2)),
    ),
    "a scalar from a Loss": (
        "per_sample",
        "one number",
        lambda: compiled(Plain(to_scalar)),
    ),
    "a correlation": ("per_sample", "couples_samples = True", lambda: compiled(correlation)),
    "a likelihood without its minus": (
        "direction",
        "-log(p)",
        lambda: classified(mean_of_log_likelihood),
    ),
    "an overlap that is made small": ("direction", "1 - dice", lambda: classified(overlap)),
    "logits, and the wrong sign": (
        "direction",
        "sign",
        lambda: compiled(lambda t, p: ops.mean(t * p - ops.softplus(p), axis=-1), LABELS),
    ),
    "a branch with the wrong sign": (
        "direction",
        "(branch 'hard')",
        lambda: in_two_stages(lambda t, p: -squared(t, p)),
    ),
    "one large input of three": (
        "inputs",
        "Normalization",
        lambda: compiled("mse", model=network(hidden="relu"), x=X * [1, 1e6, 1]),
    ),
    "large inputs for classes": (
        "inputs",
        "make the loss",
        lambda: compiled("binary_crossentropy", LABELS, network(1, "sigmoid", "relu"), x=1e6 * X),
    ),
    "nothing to learn": ("predictions", "still paired", nothing_to_learn),
    "logits for a loss of ours": (
        "probabilities",
        "from_logits",
        lambda: compiled(weighted_binary_crossentropy((1, 2)), LABELS),
    ),
    "logits for a clipped loss": (
        "probabilities",
        "clips",
        lambda: compiled(clipped_crossentropy, LABELS, network(kernel_initializer="ones")),
    ),
    "labels -1 and 1": ("probabilities", "from -1 to 1", lambda: classified(y=2 * LABELS - 1)),
    "a logarithm of a negative number": (
        "finite",
        "NaN",
        lambda: compiled(lambda t, p: ops.mean(ops.log(p), axis=-1)),
    ),
    "a later branch with NaN": (
        "finite",
        "40 of 40 values are NaN or infinite (branch 'hard')",
        lambda: in_two_stages(log_far_below_0),
    ),
    "float16 that overflows": ("finite", "float32", half_that_overflows),
    "float16 that vanishes": ("half_precision", "scales the loss", half_without_scaling),
    "weights in float16": ("half_precision", "a thousandth", weights_in_half),
    "stop_gradient": (
        "gradients",
        "stop_gradient",
        lambda: compiled(squared_of(ops.stop_gradient)),
    ),
    "argmax": (
        "gradients",
        "argmax",
        lambda: compiled(
            lambda t, p: ops.cast(ops.argmax(p, axis=-1), "float32") + t[:, 0], Y, network(3)
        ),
    ),
    "one of two outputs rounded": (
        "gradients",
        "second/kernel, second/bias is None: no",
        lambda: compiled("mse", {"a": Y, "b": Y}, two_outputs(rounded=True)),
    ),
    "a sign": ("gradients", "exactly 0", lambda: compiled(squared_of(tf.sign))),
    "a constant": (
        "gradients",
        "exactly 0",
        lambda: compiled(lambda t, p: ops.mean(1.0 + 0.0 * t * ops.sign(p), axis=-1)),
    ),
    "a root at 0, where the model is": (
        "gradients",
        "is NaN or infinite",
        lambda: compiled(lambda t, p: ops.sqrt(squared(t, p)), *exact_model()),
    ),
    "a saturated clip": (
        "gradients",
        "clip",
        lambda: compiled(lambda t, p: squared(t, ops.clip(p + 9, 0, 1))),
    ),
    "a steep step": (
        "gradients",
        "sigmoid",
        lambda: compiled(lambda t, p: squared(t, ops.sigmoid(1000 * (p + 9)))),
    ),
    "all weights 0": (
        "predictions",
        "another initialisation",
        lambda: compiled(
            "mse", model=keras.models.clone_model(network(), clone_function=starting_at_zero)
        ),
    ),
    "a parameter not used": ("gradients", "can go", lambda: owning(OwnsUnused())),
    "a parameter of a branch, not used": (
        "gradients",
        "unused is None (branch 'owns_unused",
        lambda: owning(SwitchedLoss(["mse", OwnsUnused()])),
    ),
    "a later branch that is rounded": (
        "gradients",
        "every variable is None (branch 'hard')",
        lambda: in_two_stages(rounded_error),
    ),
    "a mixture that ends rounded": (
        "gradients",
        "every variable is None (branch 'hard')",
        lambda: in_two_stages(rounded_error, BlendedLoss),
    ),
    "a state that would round": (
        "gradients",
        "every variable is None (branch 'hard')",
        lambda: in_two_stages(rounded_error, StateSwitchedLoss, (0.1, 1.0)),
    ),
    "a later branch that is a scalar": (
        "runs",
        "'hard' returned a scalar",
        lambda: in_two_stages(to_scalar),
    ),
    "alpha in a Loss": ("parameters", "alpha = 1", lambda: compiled(OwnsAlpha())),
    "a root guarded once": ("edges", "under XLA", lambda: compiled(distance)),
    "a logarithm of 0": ("edges", "from logits", lambda: classified(naive_crossentropy)),
    "no learning rate": ("step", "moved no weight", lambda: compiled("mse", optimizer=SGD(0.0))),
    "hardly any learning rate": (
        "step",
        "a larger learning rate",
        lambda: compiled("mse", optimizer=Adam(1e-12)),
    ),
    "SGD at 1000, where the loss is bounded": (
        "step",
        "undone",
        lambda: classified("dice", optimizer=SGD(1000.0)),
    ),
    "Adam at 10 and a loss that learns": (
        "step",
        "smaller",
        lambda: owning(LaplaceNLL(), optimizer=Adam(10.0)),
    ),
}


@pytest.mark.slow
def test_mistakes_in_other_clothes_are_named():
    assert not complaints_about(VARIANTS)


class Nothing(layers.Layer):
    """A network that predicts 0, for losses that learn from the labels alone."""

    def call(self, x):
        return ops.zeros_like(x)


def predicts_nothing():
    inputs = keras.Input((3,))
    return keras.Model(inputs, Nothing()(inputs))


def masked():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            layers.Input((4, 1)),
            layers.Masking(-1.0),
            layers.LSTM(3, return_sequences=True),
            layers.Dense(1),
        ]
    )
    series = RNG.normal(size=(N, 4, 1)).astype("float32")
    series[:, 2:] = -1.0
    return compiled(huber(), series.cumsum(axis=1), model, series)


def with_dropout_and_norm():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            layers.Input((3,)),
            layers.Dense(4),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Dropout(0.5),
            layers.Dense(1),
        ]
    )
    return compiled("mse", model=model)


def in_half_precision(loss=None):
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            layers.Input((3,)),
            layers.Dense(4, "tanh", dtype="mixed_float16"),
            layers.Dense(1, dtype="mixed_float16"),
        ]
    )
    model.dtype_policy = keras.DTypePolicy("mixed_float16")
    return owning(loss, model=model) if loss else compiled("mse", model=model)


def several_inputs():
    first, second = keras.Input((3,), name="first"), keras.Input((1,), name="second")
    outputs = layers.Dense(1)(layers.Concatenate()([first, second]))
    return compiled("mse", model=keras.Model([first, second], outputs), x=[X, Y])


def with_own_rates():
    """Keras 3.13 has no optimizer of optimizers: there it is one for all."""
    if not hasattr(keras.optimizers, "OptimizerMap"):
        return owning(LaplaceNLL())
    by_path = keras.optimizers.OptimizerMap(Adam(0.01))
    by_path["laplace_nll/.*"] = SGD(0.1)
    model, x, y = owning(LaplaceNLL(name="laplace_nll"))
    model.compile(keras.optimizers.MultiOptimizer(by_path))
    return model, x, y


def perfectly_fitted(slip=0.0, optimizer="adam"):
    y, model = exact_model()
    model.set_weights([weights + slip for weights in model.get_weights()])
    return compiled("mse", y, model, optimizer=optimizer)


RNG_OF_IMAGES = np.random.default_rng(5)
IMAGES = RNG_OF_IMAGES.uniform(size=(N, 6, 6, 1)).astype("float32")
MASKS = (IMAGES > 0.5).astype("float32")
SERIES = RNG_OF_IMAGES.normal(size=(N, 5, 2)).astype("float32")
WORDS = RNG_OF_IMAGES.integers(1, 20, size=(N, 6))
RARE = (np.arange(N) == 25).astype("float32")[:, None]


def stack(shape, *parts, dtype=None):
    """A Sequential network."""
    keras.utils.set_random_seed(3)
    return keras.Sequential([layers.Input(shape, dtype=dtype), *parts])


def segmenting(loss, activation="sigmoid"):
    convolution = layers.Conv2D(3, 3, padding="same", activation="relu")
    model = stack((6, 6, 1), convolution, layers.Conv2D(1, 1, activation=activation))
    return compiled(loss, MASKS, model, IMAGES)


def convolutional():
    parts = (
        layers.Conv2D(4, 3),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(3, "softmax"),
    )
    pixels = (255 * IMAGES).astype("uint8")
    model = stack((6, 6, 1), *parts)
    return compiled("sparse_categorical_crossentropy", CLASSES, model, pixels)


def attentive():
    inputs = keras.Input((5, 2))
    z = layers.Dense(4)(inputs)
    z = layers.LayerNormalization()(z + layers.MultiHeadAttention(2, 2)(z, z))
    outputs = layers.Dense(1)(layers.GlobalAveragePooling1D()(z))
    return compiled("mse", Y, keras.Model(inputs, outputs), SERIES)


def next_word():
    parts = (
        layers.Embedding(20, 4, mask_zero=True),
        layers.LSTM(4, return_sequences=True),
        layers.Dense(20),
    )
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    return compiled(loss, np.roll(WORDS, -1, axis=1), stack((6,), *parts, dtype="int32"), WORDS)


def words_and_numbers():
    numbers, words = keras.Input((3,), name="numbers"), keras.Input((6,), name="words")
    meaning = layers.GlobalAveragePooling1D()(layers.Embedding(20, 3)(words))
    outputs = layers.Dense(1)(layers.Concatenate()([layers.Dense(4, "relu")(numbers), meaning]))
    model = keras.Model({"numbers": numbers, "words": words}, outputs)
    return compiled("mse", model=model, x={"numbers": X, "words": WORDS})


def on_a_frozen_base():
    base = network(4, "relu")
    base.trainable = False
    return compiled("mse", model=stack((3,), base, layers.Dense(1)))


def standardised_inside():
    layer = layers.Normalization()
    layer.adapt(1e6 * X)
    model = stack((3,), layer, layers.Dense(4, "tanh"), layers.Dense(1))
    return compiled("mse", model=model, x=1e6 * X)


class Sampled(layers.Layer):
    """The middle of a variational autoencoder: noise in training, and a penalty."""

    def __init__(self):
        super().__init__()
        self.seeds = keras.random.SeedGenerator(1)

    def call(self, mean, log_variance, training=False):
        self.add_loss(ops.mean(mean**2 + ops.exp(log_variance) - log_variance) / 2)
        noise = keras.random.normal(ops.shape(mean), seed=self.seeds)
        return mean + training * ops.exp(log_variance / 2) * noise


def variational():
    inputs = keras.Input((3,))
    z = layers.Dense(4, "tanh")(inputs)
    z = Sampled()(layers.Dense(2)(z), layers.Dense(2)(z))
    return compiled("mse", X, keras.Model(inputs, layers.Dense(3)(z)))


def pairs(loss):
    """Whether two samples belong together, told by their distance."""
    first, second, embed = keras.Input((3,)), keras.Input((3,)), network(2)
    apart = ops.sum((embed(first) - embed(second)) ** 2, axis=-1, keepdims=True)
    model = keras.Model([first, second], ops.sqrt(apart + 1e-6))
    alike = (CLASSES == np.roll(CLASSES, 1)).astype("float32")[:, None]
    return compiled(loss, alike, model, [X, np.roll(X, 1, axis=0)])


def near_if_1(y_true, y_pred):
    far = ops.maximum(1.0 - y_pred, 0.0) ** 2
    return ops.mean(y_true * y_pred**2 + (1 - y_true) * far, axis=-1)


def gaussian(y_true, y_pred):
    mean, log_scale = y_pred[:, :1], y_pred[:, 1:]
    return ops.mean(log_scale + 0.5 * ((y_true - mean) * ops.exp(-log_scale)) ** 2, axis=-1)


class Penalised(layers.Dense):
    """A layer with a variable that only its penalty uses."""

    def __init__(self):
        super().__init__(1)
        self.width = self.add_weight(shape=(), name="width")

    def call(self, x):
        self.add_loss((self.width - 1) ** 2)
        return super().call(x)


def saturated():
    model = network(1, "sigmoid", hidden=None)
    model.set_weights([np.full((3, 1), 10.0), np.zeros(1)])
    return model


def squares_either_way(y_pred, y_true):
    return squared(y_true, y_pred)


class OwnModel(keras.Model):
    """A model whose last layer is not the last that it made."""

    def __init__(self):
        super().__init__()
        self.outer, self.inner = layers.Dense(1), layers.Dense(4, "sigmoid")

    def call(self, x):
        return self.outer(self.inner(x))


def of_its_own():
    model = OwnModel()
    model(X[:2])
    return compiled("mse", model=model)


def in_half_precision_by_policy():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return classified()
    finally:
        keras.config.set_dtype_policy("float32")


def warming_up():
    schedule = keras.optimizers.schedules.CosineDecay(0.0, 99, warmup_target=0.01, warmup_steps=9)
    return compiled("mse", optimizer=Adam(schedule))


HEALTHY = {
    "squared error": lambda: compiled("mse"),
    "squared error, (n,) labels": lambda: compiled("mse", Y[:, 0]),
    "squared error, float64": lambda: compiled("mse", Y.astype("float64"), x=X.astype("float64")),
    "a Loss object": lambda: compiled(keras.losses.MeanAbsoluteError()),
    "a Loss of one's own": lambda: compiled(Plain(squared)),
    "a lambda": lambda: compiled(lambda t, p: ops.mean(ops.abs(t - p), axis=-1)),
    "trained": lambda: fitted(compiled("mse", optimizer=Adam(0.05)), epochs=60),
    "zeros to begin with": lambda: compiled("mse", model=network(kernel_initializer="zeros")),
    "fitted perfectly": perfectly_fitted,
    "log-cosh": lambda: compiled("log_cosh"),
    "huber": lambda: compiled(huber(0.5)),
    "pinball": lambda: compiled(pinball(0.9)),
    "quantiles that broadcast": lambda: compiled(
        lambda t, p: ops.mean(ops.maximum(0.5 * (t - p), -0.5 * (t - p)), axis=-1), Y, network(3)
    ),
    "near zero penalty": lambda: compiled(near_zero_penalty()),
    "safe distance": lambda: compiled(safe_distance),
    "poisson": lambda: compiled("poisson", np.abs(Y), network(1, "exponential")),
    "binary": lambda: compiled("binary_crossentropy", LABELS, network(1, "sigmoid")),
    "binary, (n,) integers": lambda: compiled(
        "binary_crossentropy", LABELS[:, 0].astype(int), network(1, "sigmoid")
    ),
    "binary logits": lambda: compiled(keras.losses.BinaryCrossentropy(from_logits=True), LABELS),
    "a sigmoid that Keras steps back from": lambda: compiled(
        keras.losses.BinaryCrossentropy(from_logits=True), LABELS, network(1, "sigmoid")
    ),
    "our binary": lambda: compiled(
        weighted_binary_crossentropy((1, 3)), LABELS, network(1, "sigmoid")
    ),
    "our binary logits": lambda: compiled(weighted_binary_crossentropy((1, 3), True), LABELS),
    "hinge": lambda: compiled("hinge", 2 * LABELS - 1),
    "hinge, 0 and 1": lambda: compiled("hinge", LABELS),
    "dice": lambda: compiled(keras.losses.Dice(), LABELS, network(1, "sigmoid")),
    "softmax": lambda: compiled("categorical_crossentropy", ONE_HOT, network(3, "softmax")),
    "softmax, numbers": lambda: compiled(
        "sparse_categorical_crossentropy", CLASSES, network(3, "softmax")
    ),
    "logits, numbers": lambda: compiled(
        keras.losses.SparseCategoricalCrossentropy(from_logits=True), CLASSES[:, None], network(3)
    ),
    "our categorical": lambda: compiled(
        weighted_categorical_crossentropy((1, 2, 3)), ONE_HOT, network(3, "softmax")
    ),
    "our categorical logits": lambda: compiled(
        weighted_categorical_crossentropy((1, 2, 3), True), ONE_HOT, network(3)
    ),
    "cosine": lambda: compiled("cosine_similarity", ONE_HOT, network(3)),
    "two outputs, dicts": lambda: compiled(
        {"a": "mse", "b": huber()}, {"a": Y, "b": 2 * Y}, two_outputs()
    ),
    "two outputs, one with a loss": lambda: compiled(
        {"a": "mse", "b": "mae"}, {"a": Y, "b": Y[:, 0]}, two_outputs()
    ),
    "two outputs with weights": lambda: weighted({"a": 0.1, "b": 10}),
    "a weight of one half": lambda: compiled("mse", loss_weights=0.5),
    "a weight that is a variable": lambda: compiled(
        "mse", loss_weights=[tf.Variable(0.5, trainable=False)]
    ),
    "a correlation for each sample": lambda: compiled(shared_correlation),
    "labels that are all alike": lambda: compiled(lambda t, p: ops.mean(p**2, axis=-1), 0 * Y),
    "several inputs": several_inputs,
    "masked": masked,
    "dropout and batch norm": with_dropout_and_norm,
    "mixed_float16": in_half_precision,
    "mixed_float16 with a loss": lambda: in_half_precision(LaplaceNLL()),
    "run eagerly": lambda: compiled("mse", run_eagerly=True),
    "with XLA": lambda: compiled("mse", jit_compile=True),
    "a learning rate schedule": lambda: compiled(
        "mse", optimizer=SGD(keras.optimizers.schedules.CosineDecay(0.1, 100))
    ),
    "a knob that is not trained": lambda: compiled(
        with_alpha(keras.Variable(0.1, trainable=False))
    ),
    "rates of their own": with_own_rates,
    "LaplaceNLL": lambda: owning(LaplaceNLL()),
    "LaplaceNLL, trained": lambda: fitted(owning(LaplaceNLL())),
    "TemperedCrossentropy": lambda: owning(TemperedCrossentropy(), CLASSES, network(3)),
    "CostThreshold": lambda: owning(CostThreshold(1, 5), LABELS, network(1, "sigmoid")),
    "CostThreshold, logits": lambda: owning(CostThreshold(1, 5, from_logits=True), LABELS),
    "F1Threshold": lambda: owning(F1Threshold(), LABELS, network(1, "sigmoid")),
    "UncertaintyWeights": lambda: owning(
        UncertaintyWeights(["mse", "mae", "mse"]), ONE_HOT, network(3)
    ),
    "UncertaintyWeights, two outputs": lambda: owning(
        UncertaintyWeights({"a": "mse", "b": "mae"}), {"a": Y, "b": Y}, two_outputs()
    ),
    "WorstCaseWeights": lambda: owning(
        WorstCaseWeights(np.bincount(CLASSES).tolist()), ONE_HOT, network(3)
    ),
    "MahalanobisNLL": lambda: owning(MahalanobisNLL(3), X + ONE_HOT, network(3)),
    "MahalanobisNLL, one output": lambda: owning(MahalanobisNLL(1)),
    "MahalanobisNLL of the data": lambda: owning(MahalanobisNLL(3), X, predicts_nothing()),
    "NCA": lambda: owning(NCA(3), CLASSES, network(3)),
    "SwitchedLoss": lambda: owning(SwitchedLoss(["mse", "mae"])),
    "BlendedLoss": lambda: owning(BlendedLoss(["mse", "mae"])),
    "SwitchedLoss, learning later": lambda: owning(SwitchedLoss(["mse", LaplaceNLL()])),
    "SwitchedLoss, learning first": lambda: owning(SwitchedLoss([LaplaceNLL(), "mse"])),
    "BlendedLoss, learning later": lambda: owning(BlendedLoss(["mse", LaplaceNLL()])),
    "StateSwitchedLoss": lambda: owning(StateSwitchedLoss(["mse", "mae"], 0.1, 1.0)),
    "fitted, and nearly at rest": lambda: perfectly_fitted(1e-6, SGD(1e-4)),
    "fitted, then compiled again": lambda: perfectly_fitted(1e-4, Adam(0.01)),
    "SGD at 0.1": lambda: compiled("mse", optimizer=SGD(0.1)),
    "SGD with momentum": lambda: classified(optimizer=SGD(0.1, momentum=0.9)),
    "Adam at 0.01": lambda: classified(optimizer=Adam(0.01)),
    "a rate that begins at 0": warming_up,
    "steps of four batches": lambda: compiled("mse", optimizer=Adam(gradient_accumulation_steps=4)),
    "gradients that are clipped": lambda: compiled("mse", optimizer=Adam(global_clipnorm=1.0)),
    "large targets": lambda: compiled("mse", 100 * Y + 500, optimizer=Adam(0.01)),
    "very large targets and steps": lambda: compiled(
        "mse", 1e4 * Y, network(hidden=None), optimizer=Adam(10.0)
    ),
    "inputs around 50": lambda: compiled("mse", x=30 * X + 50),
    "inputs of a million, standardised": standardised_inside,
    "inputs of 10000, normalised": lambda: compiled(
        "mse",
        model=stack((3,), layers.BatchNormalization(), layers.Dense(4, "tanh"), layers.Dense(1)),
        x=1e4 * X + 2e4,
    ),
    "a convolution of pixels": convolutional,
    "segments, Dice": lambda: segmenting("dice"),
    "segments, Dice object": lambda: segmenting(losses.Dice()),
    "segments, Dice function": lambda: segmenting(losses.dice),
    "segments, Dice of each image": lambda: segmenting(losses.Dice(axis=(1, 2, 3))),
    "segments, Tversky": lambda: segmenting("tversky"),
    "segments, Tversky object": lambda: segmenting(losses.Tversky(alpha=0.3, beta=0.7)),
    "segments, focal": lambda: segmenting(losses.BinaryFocalCrossentropy()),
    "a recurrent network": lambda: compiled(
        "mse", Y, stack((5, 2), layers.GRU(4), layers.Dense(1)), SERIES
    ),
    "attention": attentive,
    "words": lambda: compiled(
        "binary_crossentropy",
        LABELS,
        stack((6,), layers.Embedding(20, 3), layers.Flatten(), layers.Dense(1, "sigmoid")),
        WORDS,
    ),
    "words, several inputs": words_and_numbers,
    "the next word, masked": next_word,
    "a frozen base": on_a_frozen_base,
    "an autoencoder": lambda: compiled("mse", X, network(3)),
    "an autoencoder of images": lambda: compiled(
        "binary_crossentropy",
        IMAGES.reshape(N, -1),
        stack((36,), layers.Dense(4, "relu"), layers.Dense(36, "sigmoid")),
        IMAGES.reshape(N, -1),
    ),
    "a variational autoencoder": variational,
    "two outputs, list": lambda: compiled(
        ["mse", "mae"], [Y, 2 * Y], two_outputs(container=list), loss_weights=[1, 0.5]
    ),
    "two outputs, of two kinds": lambda: compiled(
        {"a": "mse", "b": "binary_crossentropy"}, {"a": Y, "b": LABELS}, two_outputs(last="sigmoid")
    ),
    "near if alike": lambda: pairs(near_if_1),
    "near if not alike": lambda: pairs(lambda t, p: near_if_1(1 - t, p)),
    "a critic": lambda: compiled(lambda t, p: ops.mean(t * p, axis=-1), 2 * LABELS - 1),
    "a residual of 0": lambda: compiled("mse", 0 * Y),
    "a Gaussian likelihood": lambda: compiled(gaussian, Y, network(2)),
    "its scale alone": lambda: compiled(
        lambda t, p: ops.mean(ops.log(p) + 0.5 * (t / p) ** 2, axis=-1), Y, network(1, "softplus")
    ),
    "counts, softplus": lambda: compiled("poisson", np.floor(np.abs(Y)), network(1, "softplus")),
    "hinge, tanh": lambda: compiled("squared_hinge", 2 * LABELS - 1, network(1, "tanh")),
    "hinge, three classes": lambda: compiled("categorical_hinge", ONE_HOT, network(3)),
    "shares": lambda: compiled("kl_divergence", 0.9 * ONE_HOT + 1 / 30, network(3, "softmax")),
    "focal, three classes": lambda: compiled(
        losses.CategoricalFocalCrossentropy(), ONE_HOT, network(3, "softmax")
    ),
    "noisy labels": lambda: compiled(
        losses.CategoricalGeneralizedCrossEntropy(), CLASSES, network(3, "softmax")
    ),
    "relative error": lambda: compiled("mape", np.abs(Y) + 1),
    "squares for classes": lambda: classified("mse"),
    "labels a little beyond a sigmoid": lambda: classified("mse", LABELS + 0.01 * Y),
    "arguments exchanged, in vain": lambda: compiled(squares_either_way),
    "cosine of a zero": lambda: compiled(
        "cosine_similarity", ONE_HOT, network(3, kernel_initializer="zeros")
    ),
    "a sigmoid that starts at 0 or 1": lambda: compiled(
        "binary_crossentropy", LABELS, saturated(), 300 * np.abs(X)
    ),
    "a variable in a penalty alone": lambda: compiled("mse", model=stack((3,), Penalised())),
    "a tanh for -1 and 1": lambda: compiled("mse", 2 * LABELS - 1, network(1, "tanh")),
    "a sigmoid, stretched": lambda: compiled(
        "mae", 100 * LABELS, keras.Sequential([network(1, "sigmoid"), layers.Rescaling(100.0)])
    ),
    "regularised": lambda: compiled("mse", model=network(kernel_regularizer="l2")),
    "rare labels": lambda: classified(y=RARE),
    "rare labels in a data set": lambda: in_a_data_set(RARE),
    "rare labels among many": lambda: classified(y=np.tile(RARE, (50, 1)), x=np.tile(X, (50, 1))),
    "a model of its own": of_its_own,
    "mixed_float16 by policy": in_half_precision_by_policy,
    "a robust loss": lambda: owning(AdaptiveRobustLoss()),
    "a loss that keeps a mean": lambda: owning(RunningScaleError()),
}


@pytest.mark.slow
def test_sound_set_ups_are_left_alone():
    complaints = {}
    for name, make in HEALTHY.items():
        found = diagnose(*make())
        stuck = [finding for finding in found if "could not be asked" in finding.seen]
        if not found.healthy or stuck:
            complaints[name] = [str(finding) for finding in (*found.problems, *stuck)]
    assert not complaints


def with_its_own_state():
    """A loss that counts its calls in a variable which no model knows."""
    calls = tf.Variable(0.0, trainable=False)

    def loss(y_true, y_pred):
        return squared(y_true, y_pred) + 0.0 * calls.assign_add(1.0)

    return compiled(loss, run_eagerly=True), [calls]


def with_noise_from_everywhere():
    def loss(y_true, y_pred):
        noise = tf.random.normal((N,)) + keras.random.normal((N,))
        return squared(y_true, y_pred) + noise * np.random.normal() * random.random()

    return compiled(loss), []


UNTOUCHED = {
    "dropout and batch norm": lambda: (with_dropout_and_norm(), []),
    "the same, trained": lambda: (fitted(with_dropout_and_norm()), []),
    "an optimizer that lacks a variable": lambda: (late_parameter(), []),
    "half precision, trained": lambda: (fitted(in_half_precision()), []),
    "a variational autoencoder": lambda: (variational(), []),
    "steps that explode": lambda: (fitted(compiled("mse", optimizer=Adam(10.0))), []),
    "a state that a loss sets": lambda: (
        fitted(owning(StateSwitchedLoss(["mse", "mae"], 0.1, 1.0))),
        [],
    ),
    "a state of a loss alone": with_its_own_state,
    "noise": with_noise_from_everywhere,
}


def drawn():
    """A random number from every source."""
    return [
        random.random(),
        float(np.random.normal()),
        float(keras.random.normal(())),
        float(tf.random.normal(())),
    ]


@pytest.mark.parametrize("name", UNTOUCHED)
def test_nothing_changes(name):
    (model, x, y), own = UNTOUCHED[name]()
    variables = [*model.variables, *model.optimizer.variables, *own]
    keras.utils.set_random_seed(8)
    wanted = drawn(), drawn()
    before, step, built = arrays(variables), model.train_function, model.optimizer.built

    keras.utils.set_random_seed(8)
    found = [drawn()]
    report = str(diagnose(model, x, y))
    found.append(drawn())

    assert equal(before, arrays(variables))
    assert tuple(found) == wanted
    assert model.train_function is step and model.optimizer.built is built
    assert str(diagnose(model, x, y)) == report or name == "noise"


class Stopped(BaseException):
    """What no probe may catch, as an interrupt from the keyboard."""


@pytest.mark.parametrize("error", [Stopped, RuntimeError])
def test_nothing_changes_if_the_loss_raises_halfway(error):
    calls = []

    def loss(y_true, y_pred):
        calls.append(1)
        if len(calls) == stop["at"]:
            raise error("enough")
        return squared(y_true, y_pred)

    model, x, y = compiled(loss, model=with_dropout_and_norm()[0])
    before, stop = arrays(model.variables), {"at": 0}
    diagnose(model, x, y)
    count = len(calls)
    for stop["at"] in (count, count - 1, count - 2, count // 2):
        calls.clear()
        if error is Stopped:
            with pytest.raises(Stopped):
                diagnose(model, x, y)
        else:
            assert "could not be asked: enough" in " ".join(str(diagnose(model, x, y)).split())
        assert equal(before, arrays(model.variables))


def test_a_training_goes_on_as_if_nobody_had_asked():
    results = []
    for ask in (False, True):
        setup = with_dropout_and_norm()
        fitted(setup, epochs=2)
        if ask:
            diagnose(*setup)
        fitted(setup, epochs=2)
        results.append(arrays(setup[0].variables))
    assert equal(*results)


def test_the_active_branch_stays_active():
    model, x, y = in_two_stages("mae")
    model.loss_layer.activate(1)
    diagnose(model, x, y)
    assert model.loss_layer.active == 1
    model, x, y = in_two_stages("mae", BlendedLoss)
    model.loss_layer.share = 0.25
    diagnose(model, x, y)
    assert model.loss_layer.share == 0.25


@pytest.mark.parametrize(
    "make",
    [lambda: tf.data.Dataset.from_tensor_slices((X, Y)).batch(10), InBatches],
    ids=["a tf.data.Dataset", "a PyDataset"],
)
def test_a_data_set_is_looked_at_as_fit_takes_it(make):
    model, _, _ = compiled("mse")
    found = diagnose(model, make())
    assert found.healthy and "10 samples of the first batch" in found[0].seen, found
    model, _, _ = compiled(to_scalar)
    assert diagnose(model, make()).problems[0].probe == "per_sample"


@pytest.mark.parametrize("probe", diagnosis.PROBES, ids=lambda probe: probe.__name__)
def test_a_probe_has_a_question_and_a_short_cure(probe):
    question, *cures = probe.__doc__.split("\n\n")
    assert question.endswith("?") and cures
    assert max(len(cure.split()) for cure in cures) <= 40


def test_all_probes_are_in_the_list():
    functions = vars(sys.modules["lossutils.diagnosis.probes"]).items()
    asked = {name for name, f in functions if getattr(f, "__doc__", None) and "?\n\n" in f.__doc__}
    assert {probe.__name__ for probe in diagnosis.PROBES} == asked
    assert len(diagnosis.PROBES) == len(asked)


def test_the_checklist_is_printed_in_plain_words():
    text = str(diagnose(*compiled(OwnsAlpha())))
    lines = text.splitlines()
    count = sum(line.startswith(("ok", "skipped", "PROBLEM")) for line in lines)
    assert count == len(diagnosis.PROBES)
    assert "PROBLEM parameters" in text and "cure" in text
    assert lines[-1] == "1 needs attention."
    assert max(map(len, lines)) <= 97
    several = str(diagnose(*dead_relu()))
    assert several.splitlines()[-1].endswith(f"of {count} need attention. Begin with the first.")
    assert str(diagnose(*compiled("mse"))).splitlines()[-1].startswith("No probe found anything.")


def test_a_finding_has_a_status():
    assert diagnosis.Finding("a", "b").status == "ok"
    assert diagnosis.Finding("a", "b", "c").status == "PROBLEM"
    assert diagnosis.Finding("a", "b", skipped=True).status == "skipped"


def test_a_fault_is_one_without_docstrings_too(monkeypatch):
    monkeypatch.setattr(diagnosis.PROBES[0], "__doc__", None)  # as python -OO does
    assert not diagnose(*compiled("mse", not_finite(Y))).healthy


def test_what_readme_shows_is_what_is_printed():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"```python\n(.*?diagnose.*?)```\n\n```text\n(.*?)```", readme, re.DOTALL)
    code, output = shown.groups()
    assert len(output.splitlines()) == 5
    assert readme.index(output) < readme.index("\n## "), "not on the first screen"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert output in run.stdout


def test_the_total_is_the_loss_that_keras_trains():
    model, x, y = weighted({"a": 2.0, "b": 0.5})
    case = Case(model, x, y)
    assert float(total(case.outputs)) == pytest.approx(model.test_on_batch(x, y)[0])


def test_many_samples_are_looked_at_evenly():
    y = np.zeros((10_000, 1), "float32")
    y[9_999] = np.nan
    setup = compiled("mse", y, x=np.zeros((10_000, 3)))
    assert diagnose(*setup).problems[0].probe == "numbers"
    case = Case(*setup)
    assert case.count == SAMPLES and np.isnan(case.y[-1])


# What reaches into Keras and TensorFlow


def test_a_mask_is_where_keras_keeps_it():
    masking = layers.Masking()
    found = internals.mask_of(masking(ops.array([[[0.0]], [[1.0]]])))
    assert np.array(found).tolist() == [[False], [True]]
    assert internals.mask_of(ops.array([1.0])) is None


def test_keras_pairs_outputs_with_labels_and_weights():
    model, _, y = weighted({"a": 2.0, "b": 0.5})
    y_pred = model(X)
    rows = internals.compiled_losses(model, y, y_pred)
    assert [row[0].fn for row in rows] == [losses.mean_squared_error, losses.mean_absolute_error]
    for (_, labels, predicted, last, where, weight), key in zip(rows, "ab", strict=True):
        assert labels is y[key] and predicted is y_pred[key]
        assert last is model.get_layer({"a": "first", "b": "second"}[key])
        assert where == f" (output {key!r})" and weight == {"a": 2.0, "b": 0.5}[key]


def test_a_function_becomes_an_object_as_in_compile():
    y, p = Y[:, 0], ops.zeros((N, 1))
    model, _, _ = compiled("mse")
    mended = internals.as_object(squared).call(ops.convert_to_tensor(y), p)
    assert mended.shape == (N,)
    loss = LaplaceNLL()
    assert internals.as_object(loss) is loss


def test_the_last_operation_is_found_inside_networks_too():
    outer = keras.Sequential([layers.Input((3,)), network(), network(1, "sigmoid")])
    assert internals.last_operation(outer, 0) is outer.layers[1].layers[-1]
    assert internals.last_operation(of_its_own()[0], 0) is None


def test_all_layers_and_known_variables_are_found():
    outer = keras.Sequential([layers.Input((3,)), network()])
    assert {*outer.layers, *outer.layers[0].layers} <= {*internals.all_layers(outer)}
    model, _, _ = fitted(compiled("mse"), epochs=1)
    known = internals.known_variables(model.optimizer)
    assert list(map(id, known)) == list(map(id, model.trainable_variables))
    assert not internals.known_variables(Adam())


def not_built():
    model = keras.Sequential([layers.Dense(1)])
    return compiled("mse", model=model)


BAD_INPUT = {
    "no model": (lambda: (huber(), X, Y), "`model` must be a keras.Model"),
    "not compiled": (lambda: (network(), X, Y), "compiled with a loss"),
    "without a loss": (lambda: compiled(None), "compiled with a loss"),
    "not built": (not_built, "`model` must be built"),
    "empty": (lambda: compiled("mse", Y[:0], x=X[:0]), "not empty"),
    "of two lengths": (lambda: compiled("mse", Y[:7]), r"\[40\] and \[7\] samples"),
    "no labels": (lambda: compiled("mse", None), "`y` must be an array"),
    "a data set and labels": (
        lambda: compiled("mse", x=tf.data.Dataset.from_tensors((X, Y))),
        "`y` must be left out",
    ),
    "a data set without labels": (
        lambda: compiled("mse", None, x=tf.data.Dataset.from_tensors(X)),
        "`y` must be an array",
    ),
    "an empty data set": (
        lambda: compiled("mse", None, x=tf.data.Dataset.from_tensors((X, Y)).take(0)),
        "`x` must be an array",
    ),
    "a data set for labels": (
        lambda: compiled("mse", tf.data.Dataset.from_tensors(Y)),
        "`y` must be an array",
    ),
    "a number": (lambda: compiled("mse", 3.0), "`y` must be an array.*single values"),
    "a string": (lambda: compiled("mse", "labels"), "`y` must be an array.*'labels'"),
    "inputs of another size": (lambda: compiled("mse", x=X[:, :2]), "`x` does not fit the model"),
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input_is_refused(name):
    make, message = BAD_INPUT[name]
    with pytest.raises(ValueError, match=message):
        diagnose(*make())
