"""diagnose() finds the failures that the notebooks teach, and leaves sound set-ups alone."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from contract import arrays, equal
from keras import layers, ops
from small_losses import LaplaceNLL, TemperedCrossentropy

from lossutils import (
    NCA,
    BlendedLoss,
    CostThreshold,
    F1Threshold,
    MahalanobisNLL,
    ModelWithLoss,
    StateSwitchedLoss,
    SwitchedLoss,
    UncertaintyWeights,
    WorstCaseWeights,
    asymmetric_squared_error,
    diagnose,
    diagnosis,
    huber,
    near_zero_penalty,
    pinball,
    weighted_binary_crossentropy,
    weighted_categorical_crossentropy,
)
from lossutils._setup import SAMPLES, Setup

N = 40
RNG = np.random.default_rng(12)
X = RNG.normal(size=(N, 3)).astype("float32")
Y = (X @ [[1.0], [-2.0], [0.5]] + 0.1 * RNG.normal(size=(N, 1))).astype("float32")
LABELS = (Y > 0).astype("float32")
CLASSES = np.digitize(Y[:, 0], [-1.0, 1.0])
ONE_HOT = np.eye(3, dtype="float32")[CLASSES]


def network(outputs=1, activation=None, hidden=True, **kwargs):
    """A small network; with `hidden` it has a tanh layer."""
    keras.utils.set_random_seed(3)
    middle = [layers.Dense(4, "tanh")] if hidden else []
    last = layers.Dense(outputs, activation, **kwargs)
    return keras.Sequential([layers.Input((3,)), *middle, last])


def compiled(loss, y=Y, model=None, x=X, optimizer="adam", **kwargs):
    """A set-up: model, inputs, labels."""
    model = network() if model is None else model
    model.compile(optimizer, loss=loss, **kwargs)
    return model, x, y


def owning(loss, y=Y, model=None, x=X):
    """A set-up of a ModelWithLoss."""
    model = ModelWithLoss(network() if model is None else model, loss)
    model.compile("adam")
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
    def __init__(self):
        super().__init__()
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
    noise = RNG.normal(size=(N, 3)).astype("float32")
    flip = np.tile([[0.0], [1.0]], (N // 2, 1)).astype("float32")
    model = network(1, "sigmoid", hidden=False, kernel_initializer="zeros")
    return fitted(compiled("binary_crossentropy", flip, model, noise, keras.optimizers.SGD(0.01)))


def frozen():
    model = network()
    model.trainable = False
    return compiled("mse", model=model)


def late_parameter():
    loss, model = OwnsAlpha(), network()
    setup = fitted(compiled(loss, model=model))
    model.my_alpha = loss.alpha
    return setup


def not_finite(array):
    array = array.copy()
    array.flat[5] = np.nan
    return array


def two_outputs(rounded=False):
    inputs = keras.Input((3,))
    first = layers.Dense(1, name="first")(inputs)
    second = layers.Dense(1, name="second")(inputs)
    if rounded:
        second = ops.round(second)
    return keras.Model(inputs, {"a": first, "b": second})


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


BROKEN = {
    "NaN in the labels": (lambda: compiled("mse", not_finite(Y)), "numbers", "1 of 40", "isfinite"),
    "NaN in the inputs": (
        lambda: compiled("mse", x=not_finite(X)),
        "numbers",
        "`x`",
        "every weight",
    ),
    "labels a loss refuses": (
        lambda: owning(CostThreshold(1, 1), LABELS * 2, network(1, "sigmoid")),
        "numbers",
        "0 and 1",
        "written for",
    ),
    "a frozen network": (frozen, "variables", "all frozen", "trainable = True"),
    "a layer in compile": (lambda: compiled(LaplaceNLL()), "runs", "LaplaceNLL", "ModelWithLoss"),
    "NumPy in the loss": (
        lambda: compiled(through_numpy),
        "runs",
        "not in a compiled step",
        "in place of NumPy",
    ),
    "a Python if": (lambda: compiled(with_python_if), "runs", "compiled step", "ops.where"),
    "a variable made in the call": (
        lambda: compiled(with_new_variable),
        "runs",
        "compiled step",
        "made inside the call",
    ),
    "the same, eagerly": (
        lambda: compiled(with_new_variable, run_eagerly=True),
        "parameters",
        "new variable in each call",
        "__init__",
    ),
    "NumPy, eagerly": (
        lambda: compiled(through_numpy, run_eagerly=True),
        "gradients",
        "None",
        "NumPy",
    ),
    "class numbers for one-hot": (
        lambda: compiled("categorical_crossentropy", CLASSES, network(3, "softmax")),
        "runs",
        "the loss stops",
        "sparse_categorical_crossentropy",
    ),
    "one-hot for class numbers": (
        lambda: compiled("sparse_categorical_crossentropy", ONE_HOT, network(3, "softmax")),
        "runs",
        "the loss stops",
        "one-hot",
    ),
    "class numbers and a squared error": (
        lambda: compiled("mse", CLASSES[:, None], network(3)),
        "shapes",
        "(40, 3)",
        "one-hot",
    ),
    "labels without an axis": (
        lambda: compiled(Plain(squared), Y[:, 0]),
        "shapes",
        "every label",
        "y[:, None]",
    ),
    "labels without an axis, refused": (
        lambda: owning(LaplaceNLL(), Y[:, 0]),
        "runs",
        "`y_true` has shape",
        "print both shapes",
    ),
    "a scalar": (
        lambda: compiled(lambda t, p: ops.mean(ops.square(t - p))),
        "per_sample",
        "one number",
        "axis=-1",
    ),
    "a scalar from a Loss": (
        lambda: compiled(Plain(lambda t, p: ops.mean(ops.square(t - p)))),
        "per_sample",
        "one number",
        "axis=-1",
    ),
    "a correlation": (
        lambda: compiled(correlation),
        "per_sample",
        "one number",
        "couples_samples = True",
    ),
    "a weight of 0": (
        lambda: weighted({"a": 1, "b": 0}),
        "loss_weights",
        "'b' the weight 0",
        "above 0",
    ),
    "weights of 0": (
        lambda: weighted({"a": 0, "b": 0}),
        "loss_weights",
        "'a' the weight 0, 'b' the weight 0",
        "above 0",
    ),
    "a weight below 0": (
        lambda: weighted({"a": 1, "b": -1}),
        "loss_weights",
        "made large",
        "metrics",
    ),
    "one output with the weight 0": (
        lambda: compiled("mse", loss_weights=0.0),
        "loss_weights",
        "gives the weight 0",
        "above 0",
    ),
    "a list with the weight 0": (
        lambda: compiled("mse", loss_weights=[0.0]),
        "loss_weights",
        "gives the weight 0",
        "above 0",
    ),
    "weights for one loss": (
        lambda: compiled("mse", {"a": Y, "b": Y}, two_outputs(), loss_weights={"a": 1, "b": 2}),
        "runs",
        "1 losses and 2 weights",
        "one for each output",
    ),
    "labels not looked at": (
        lambda: compiled(lambda t, p: ops.mean(ops.square(p - p**2), axis=-1)),
        "labels",
        "does not look at them",
        "y_true",
    ),
    "stop_gradient": (
        lambda: compiled(squared_of(ops.stop_gradient)),
        "gradients",
        "every variable is None",
        "stop_gradient",
    ),
    "a later branch that is rounded": (
        lambda: in_two_stages(rounded_error),
        "gradients",
        "branch 'hard': the gradient of every variable is None",
        "smooth",
    ),
    "a later branch with NaN": (
        lambda: in_two_stages(log_far_below_0),
        "finite",
        "branch 'hard': 40 of 40 values",
        "double where",
    ),
    "a later branch that is a scalar": (
        lambda: in_two_stages(to_scalar),
        "runs",
        "'hard' returned a scalar",
        "couples_samples = True",
    ),
    "a mixture that ends rounded": (
        lambda: in_two_stages(rounded_error, BlendedLoss),
        "gradients",
        "branch 'hard': the gradient of",
        "flat",
    ),
    "a state that would round": (
        lambda: in_two_stages(rounded_error, StateSwitchedLoss, (0.1, 1.0)),
        "gradients",
        "branch 'hard': the gradient of every variable is None",
        "smooth",
    ),
    "a parameter of a branch, not used": (
        lambda: owning(SwitchedLoss(["mse", OwnsUnused()])),
        "gradients",
        "branch 'owns_unused': the gradient of owns_unused/unused is None",
        "not used",
    ),
    "a mean of the batch": (
        lambda: compiled(lambda t, p: squared(t, p - ops.mean(p))),
        "independent",
        "the samples mix",
        "couples_samples",
    ),
    "dead units": (dead_relu, "predictions", "the same for every sample", "dead"),
    "nothing to learn": (nothing_to_learn, "predictions", "ln 2", "still paired"),
    "logits for probabilities": (
        lambda: compiled("binary_crossentropy", LABELS),
        "probabilities",
        "logits",
        "from_logits",
    ),
    "logits for a loss of ours": (
        lambda: compiled(weighted_binary_crossentropy((1, 2)), LABELS),
        "probabilities",
        "logits",
        "from_logits",
    ),
    "logits for a clipped loss": (
        lambda: compiled(clipped_crossentropy, LABELS, network(kernel_initializer="ones")),
        "probabilities",
        "clips",
        "softplus",
    ),
    "probabilities for logits": (
        lambda: compiled(
            weighted_binary_crossentropy((1, 1), from_logits=True), LABELS, network(1, "sigmoid")
        ),
        "probabilities",
        "squeezes again",
        "activation",
    ),
    "labels -1 and 1": (
        lambda: compiled("binary_crossentropy", 2 * LABELS - 1, network(1, "sigmoid")),
        "probabilities",
        "-1",
        "0 and 1",
    ),
    "a logarithm of a negative number": (
        lambda: compiled(lambda t, p: ops.mean(ops.log(p), axis=-1)),
        "finite",
        "NaN",
        "ops.where",
    ),
    "everything rounded": (
        lambda: compiled(squared_of(tf.round)),
        "gradients",
        "every variable is None",
        "smooth",
    ),
    "argmax": (
        lambda: compiled(
            lambda t, p: ops.cast(ops.argmax(p, axis=-1), "float32") + t[:, 0], Y, network(3)
        ),
        "gradients",
        "None",
        "argmax",
    ),
    "one of two outputs rounded": (
        lambda: compiled("mse", {"a": Y, "b": Y}, two_outputs(rounded=True)),
        "gradients",
        "second/kernel, second/bias is None",
        "smooth",
    ),
    "a sign": (lambda: compiled(squared_of(tf.sign)), "gradients", "exactly 0", "sign"),
    "a saturated clip": (
        lambda: compiled(lambda t, p: squared(t, ops.clip(p + 9, 0, 1))),
        "gradients",
        "exactly 0",
        "clip",
    ),
    "a steep step": (
        lambda: compiled(lambda t, p: squared(t, ops.sigmoid(1000 * (p + 9)))),
        "gradients",
        "exactly 0",
        "sigmoid",
    ),
    "a parameter not used": (
        lambda: owning(OwnsUnused()),
        "gradients",
        "unused is None",
        "not used",
    ),
    "alpha in a Loss": (lambda: compiled(OwnsAlpha()), "parameters", "alpha = 1", "ModelWithLoss"),
    "alpha in a closure": (
        lambda: compiled(with_alpha(tf.Variable(3.0, name="knob"))),
        "parameters",
        "knob = 3",
        "trainable=False",
    ),
    "alpha, too late": (late_parameter, "optimizer", "alpha", "before the first fit"),
    "a learning rate of 0": (
        lambda: compiled("mse", optimizer=keras.optimizers.SGD(0.0)),
        "optimizer",
        "is 0",
        "above",
    ),
    "a root at 0": (
        lambda: compiled(lambda t, p: ops.sqrt(squared(t, p))),
        "edges",
        "perfect",
        "double where",
    ),
    "a root guarded once": (
        lambda: compiled(distance),
        "edges",
        "for perfect predictions",
        "double where",
    ),
    "a logarithm of 0": (
        lambda: compiled(naive_crossentropy, LABELS, network(1, "sigmoid")),
        "edges",
        "NaN",
        "double where",
    ),
    "float16 that overflows": (half_that_overflows, "finite", "infinite", "65504"),
    "float16 that vanishes": (half_without_scaling, "half_precision", "vanish", "LossScale"),
    "weights in float16": (weights_in_half, "half_precision", "float16", "mixed_float16"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_set_up_is_found(name):
    make, probe, seen, cure = BROKEN[name]
    found = diagnose(*make())
    assert not found.healthy
    first = found.problems[0]
    assert first.probe == probe, found
    assert seen in first.seen and cure in first.cure, first


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
    by_path = keras.optimizers.OptimizerMap(keras.optimizers.Adam(0.01))
    by_path["laplace_nll/.*"] = keras.optimizers.SGD(0.1)
    model, x, y = owning(LaplaceNLL(name="laplace_nll"))
    model.compile(keras.optimizers.MultiOptimizer(by_path))
    return model, x, y


def perfectly_fitted():
    model = network(hidden=False)
    model.set_weights([np.array([[1.0], [-2.0], [0.5]]), np.zeros(1)])
    return compiled("mse", np.asarray(model(X)), model)


HEALTHY = {
    "squared error": lambda: compiled("mse"),
    "squared error, (n,) labels": lambda: compiled("mse", Y[:, 0]),
    "squared error, lists": lambda: compiled("mse", Y.tolist(), x=X.astype("float64")),
    "a Loss object": lambda: compiled(keras.losses.MeanAbsoluteError()),
    "a Loss of one's own": lambda: compiled(Plain(squared)),
    "a lambda": lambda: compiled(lambda t, p: ops.mean(ops.abs(t - p), axis=-1)),
    "trained": lambda: fitted(compiled("mse", optimizer=keras.optimizers.Adam(0.05)), epochs=60),
    "zeros to begin with": lambda: compiled("mse", model=network(kernel_initializer="zeros")),
    "fitted perfectly": perfectly_fitted,
    "log-cosh": lambda: compiled("log_cosh"),
    "huber": lambda: compiled(huber(0.5)),
    "pinball": lambda: compiled(pinball(0.9)),
    "quantiles that broadcast": lambda: compiled(
        lambda t, p: ops.mean(ops.maximum(0.5 * (t - p), -0.5 * (t - p)), axis=-1), Y, network(3)
    ),
    "asymmetric": lambda: compiled(asymmetric_squared_error(3, 1)),
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
        "mse", optimizer=keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 100))
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
}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_sound_set_up_is_left_alone(name):
    found = diagnose(*HEALTHY[name]())
    assert found.healthy, found
    skipped = [finding for finding in found if finding.skipped]
    assert not any("could not be asked" in finding.seen for finding in skipped), found


def test_our_latest_loss_is_left_alone():
    robust = pytest.importorskip("lossutils.robust")
    found = diagnose(*owning(robust.AdaptiveRobustLoss()))
    assert found.healthy, found


@pytest.mark.parametrize("fit", [False, True])
@pytest.mark.parametrize(
    "make",
    [with_dropout_and_norm, late_parameter, in_half_precision, dead_relu],
    ids=lambda make: make.__name__,
)
def test_nothing_changes(make, fit):
    model, x, y = fitted(make()) if fit else make()
    keras.utils.set_random_seed(8)
    before = arrays(model.variables), arrays(model.optimizer.variables)
    seeds = random.getstate(), np.random.get_state()[1].tolist()
    step, built = model.train_function, model.optimizer.built
    drawn = keras.random.normal((2,))
    keras.utils.set_random_seed(8)

    diagnose(model, x, y)

    assert equal(before[0], arrays(model.variables))
    assert equal(before[1], arrays(model.optimizer.variables))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == seeds
    assert model.train_function is step and model.optimizer.built is built
    assert np.array_equal(drawn, keras.random.normal((2,)))


def test_a_training_goes_on_as_if_nobody_had_asked():
    results = []
    for ask in (False, True):
        setup = with_dropout_and_norm()
        fitted(setup)
        if ask:
            diagnose(*setup)
        fitted(setup)
        results.append(arrays(setup[0].variables))
    assert equal(*results)


@pytest.mark.parametrize("active", [0, 1])
def test_the_active_branch_stays_active(active):
    model, x, y = in_two_stages("mae")
    model.loss_layer.activate(active)
    finite = next(f for f in diagnose(model, x, y) if f.probe == "finite")
    assert model.loss_layer.active == active
    assert f"this is {model.loss_layer.names[active]!r}" in finite.seen
    model, x, y = in_two_stages("mae", BlendedLoss)
    model.loss_layer.share = 0.25
    diagnose(model, x, y)
    assert model.loss_layer.share == 0.25


def test_all_branches_agree_on_what_is_not_the_loss():
    model, x, _ = in_two_stages("mae")
    assert diagnose(model, x, not_finite(Y)).problems[0].seen.startswith("1 of 40")


class InBatches(keras.utils.PyDataset):
    """The data, ten at a time."""

    def __len__(self):
        return N // 10

    def __getitem__(self, index):
        rows = slice(10 * index, 10 * index + 10)
        return X[rows], Y[rows], np.ones(10)


@pytest.mark.parametrize(
    "make",
    [lambda: tf.data.Dataset.from_tensor_slices((X, Y)).batch(10), InBatches],
    ids=["a tf.data.Dataset", "a PyDataset"],
)
def test_a_data_set_is_looked_at_as_fit_takes_it(make):
    model, _, _ = compiled("mse")
    found = diagnose(model, make())
    assert found.healthy and "10 samples of the first batch" in found[0].seen, found
    assert "10 samples of the first batch" in diagnosis.numbers(model, make()).seen
    model, _, _ = compiled(to_scalar)
    assert diagnose(model, make()).problems[0].probe == "per_sample"


def test_state_that_a_loss_sets_is_set_back():
    model, x, y = owning(StateSwitchedLoss(["mse", "mae"], 0.1, 1.0))
    diagnose(model, x, y)
    assert np.isnan(model.loss_layer.average)


@pytest.mark.parametrize("probe", diagnosis.PROBES, ids=lambda probe: probe.__name__)
def test_each_probe_works_alone(probe):
    finding = probe(*compiled("mse"))
    assert finding.probe == probe.__name__ and finding.status == "ok"
    assert probe.__doc__.strip().endswith("?")


def test_the_checklist_is_printed_in_plain_words():
    text = str(diagnose(*compiled(OwnsAlpha())))
    lines = text.splitlines()
    assert sum(line.startswith(("ok", "skipped", "PROBLEM")) for line in lines) == 16
    assert "PROBLEM parameters" in text and "cure" in text
    assert lines[-1] == "1 needs attention."
    assert max(map(len, lines)) <= 97
    several = str(diagnose(*dead_relu()))
    assert several.splitlines()[-1].endswith("of 16 need attention. Begin with the first.")
    assert str(diagnose(*compiled("mse"))).splitlines()[-1].startswith("No probe found anything.")


def test_a_finding_has_a_status():
    assert diagnosis.Finding("a", "b").status == "ok"
    assert diagnosis.Finding("a", "b", "c").status == "PROBLEM"
    assert diagnosis.Finding("a", "b", skipped=True).status == "skipped"


def test_the_total_is_the_loss_that_keras_trains():
    model, x, y = weighted({"a": 2.0, "b": 0.5})
    setup = Setup(model, x, y)
    assert float(setup.total(setup.y_pred)) == pytest.approx(model.test_on_batch(x, y)[0])


def test_many_samples_are_looked_at_evenly():
    y = np.zeros((10_000, 1), "float32")
    y[9_999] = np.nan
    found = diagnose(*compiled("mse", y, x=np.zeros((10_000, 3))))
    assert found.problems[0].probe == "numbers"
    setup = Setup(*compiled("mse", y, x=np.zeros((10_000, 3))))
    assert setup.count == SAMPLES


def not_built():
    model = keras.Sequential([layers.Dense(1)])
    return compiled("mse", model=model)


BAD_INPUT = {
    "no model": (lambda: (huber(), X, Y), "`model` must be a keras.Model"),
    "not compiled": (lambda: (network(), X, Y), "`model` must be compiled"),
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
        "`x` must hold batches of inputs and labels",
    ),
    "an empty data set": (
        lambda: compiled("mse", None, x=tf.data.Dataset.from_tensors((X, Y)).take(0)),
        "but is empty",
    ),
    "a data set for labels": (
        lambda: compiled("mse", tf.data.Dataset.from_tensors(Y)),
        "`y` must be an array",
    ),
    "a number": (lambda: compiled("mse", 3.0), "`y` must be an array.*single value"),
    "a string": (lambda: compiled("mse", "labels"), "`y` must be an array.*'labels'"),
    "inputs of another size": (lambda: compiled("mse", x=X[:, :2]), "`x` does not fit the model"),
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input_is_refused(name):
    make, message = BAD_INPUT[name]
    with pytest.raises(ValueError, match=message):
        diagnose(*make())
