"""The losses without state, against float64 NumPy, Keras, scikit-learn and finite differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from keras import ops
from sklearn.metrics import mean_pinball_loss

from lossutils import (
    huber,
    near_zero_penalty,
    pinball,
    weighted_binary_crossentropy,
    weighted_categorical_crossentropy,
)

few = settings(max_examples=25, deadline=None, derandomize=True)
positive = st.floats(0.0625, 16)
weight = st.floats(0, 8)
finite = st.floats(-100, 100, width=32)
batches = arrays.array_shapes(min_dims=2, max_dims=3, max_side=4)


def pair_of(draw, shape, elements=finite):
    pair = [draw(arrays.arrays("float32", shape, elements=elements)) for _ in range(2)]
    return pair[0], pair[1]


@st.composite
def regression(draw):
    """Targets and predictions."""
    return pair_of(draw, draw(batches))


@st.composite
def binary(draw):
    """Labels 0 or 1, and logits."""
    shape = draw(batches)
    y = draw(arrays.arrays("float32", shape, elements=st.sampled_from([0.0, 1.0])))
    return y, draw(arrays.arrays("float32", shape, elements=finite))


@st.composite
def three_classes(draw):
    """One-hot labels of three classes, and logits."""
    shape = draw(batches)[:-1]
    indices = draw(arrays.arrays("int64", shape, elements=st.integers(0, 2)))
    return np.eye(3)[indices], draw(arrays.arrays("float32", (*shape, 3), elements=finite))


def np_huber(y, p, delta):
    e = np.abs(y - p)
    return np.where(e <= delta, e**2 / 2, delta * e - delta**2 / 2).mean(axis=-1)


def np_bce(y, p, w):
    return -(np.where(y == 1, w[1], w[0]) * np.log(np.where(y == 1, p, 1 - p))).mean(axis=-1)


def np_bce_logits(y, z, w):
    return (np.where(y == 1, w[1], w[0]) * np.logaddexp(0, np.where(y == 1, -z, z))).mean(axis=-1)


def np_cce(y, p, w):
    return -(np.asarray(w) * y * np.log(p)).sum(axis=-1)


def np_cce_logits(y, z, w):
    log_p = z - z.max(axis=-1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(axis=-1, keepdims=True))
    return -(np.asarray(w) * y * log_p).sum(axis=-1)


def np_near_zero(y, p, strength, epsilon):
    return ((y - p) ** 2 + strength * epsilon**2 / (p**2 + epsilon**2)).mean(axis=-1)


def np_pinball(y, p, q):
    return np.maximum(q * (y - p), (q - 1) * (y - p)).mean(axis=-1)


def between_0_and_1(x):
    """Probabilities away from the clip at 1e-7, where the formula holds unchanged."""
    return np.float32(0.5 + 0.499 * np.tanh(x))


def wide(*values):
    return [np.asarray(v, "float64") for v in values]


def agrees(loss, oracle, y, p, *parameters):
    """The float32 loss against the float64 oracle; and the float64 loss, far more exactly."""
    wanted = oracle(*wide(y, p), *parameters)
    got = loss(np.asarray(y, "float32"), np.asarray(p, "float32"))
    assert got.shape == wanted.shape and got.dtype == tf.float32
    np.testing.assert_allclose(got, wanted, rtol=3e-6, atol=1e-5)
    got = loss(*map(tf.constant, wide(y, p)))
    assert got.dtype == tf.float64
    # No parameter goes through float32 on its way, so nothing but rounding is left.
    np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)


@few
@given(regression(), positive)
def test_huber_is_its_formula(data, delta):
    agrees(huber(delta), np_huber, *data, delta)


@few
@given(binary(), weight, positive)
def test_binary_from_logits_is_its_formula(data, w0, w1):
    loss = weighted_binary_crossentropy((w0, w1), from_logits=True)
    agrees(loss, np_bce_logits, *data, (w0, w1))


@few
@given(binary(), positive, weight)
def test_binary_from_probabilities_is_its_formula(data, w0, w1):
    p = between_0_and_1(data[1])
    agrees(weighted_binary_crossentropy((w0, w1)), np_bce, data[0], p, (w0, w1))


@few
@given(three_classes(), weight, positive, weight)
def test_categorical_from_logits_is_its_formula(data, w0, w1, w2):
    loss = weighted_categorical_crossentropy((w0, w1, w2), from_logits=True)
    agrees(loss, np_cce_logits, *data, (w0, w1, w2))


@few
@given(three_classes(), weight, positive, weight)
def test_categorical_from_probabilities_is_its_formula(data, w0, w1, w2):
    p = between_0_and_1(data[1])
    loss = weighted_categorical_crossentropy((w0, w1, w2))
    agrees(loss, np_cce, data[0], p, (w0, w1, w2))


@few
@given(regression(), weight, positive)
def test_near_zero_penalty_is_its_formula(data, strength, epsilon):
    agrees(near_zero_penalty(strength, epsilon), np_near_zero, *data, strength, epsilon)


@few
@given(regression(), st.floats(0.0625, 0.9375))
def test_pinball_is_its_formula(data, q):
    agrees(pinball(q), np_pinball, *data, q)


# The documents' own figures, computed by hand.


def test_huber_of_small_and_large_residuals():
    values = huber(delta=2.0)([[0.0], [0.0], [0.0], [1.0]], [[1.0], [2.0], [-5.0], [1.0]])
    assert values.numpy().tolist() == [0.5, 2.0, 8.0, 0.0]


def test_weighted_binary_crossentropy_with_weights_in_class_order():
    values = weighted_binary_crossentropy([0.1, 0.9])([[0], [1]], [[0.2], [0.2]]).numpy()
    np.testing.assert_allclose(values, [-0.1 * np.log(0.8), -0.9 * np.log(0.2)], rtol=1e-6)


def test_weighted_categorical_crossentropy_with_weights_in_class_order():
    p = [[0.2, 0.3, 0.5]] * 3
    values = weighted_categorical_crossentropy([1, 2.5, 0.5])(np.eye(3), np.float32(p)).numpy()
    wanted = [-np.log(0.2), -2.5 * np.log(0.3), -0.5 * np.log(0.5)]
    np.testing.assert_allclose(values, wanted, rtol=1e-6)


def test_near_zero_penalty_is_bounded_by_what_its_docstring_says():
    p = np.linspace(-1, 1, 20001)[:, None]
    strength, epsilon = 0.7, 0.05
    loss = near_zero_penalty(strength, epsilon)
    x = tf.constant(p)
    with tf.GradientTape() as tape:
        tape.watch(x)
        values = loss(p, x)  # no residual, so only the penalty is left
    slopes = tape.gradient(values, x).numpy()
    assert values.numpy().max() == pytest.approx(strength, rel=1e-12)
    half = loss([[epsilon]], tf.constant([[epsilon]], tf.float64))
    assert half.numpy()[0] == pytest.approx(strength / 2, rel=1e-12)
    bound = 0.65 * strength / epsilon
    assert 0.99 * bound < np.abs(slopes).max() <= bound
    assert slopes[10000] == 0


# Keras' own losses.

RNG = np.random.default_rng(0)
Y, P = RNG.normal(size=(2, 32, 3)).astype("float32") * 3
LABELS = RNG.integers(0, 2, size=(32, 3)).astype("float32")
ONE_HOT = np.eye(3, dtype="float32")[RNG.integers(0, 3, size=32)]
SOFTMAX = np.exp(P) / np.exp(P).sum(axis=-1, keepdims=True)
SIGMOID = 1 / (1 + np.exp(-P))


@pytest.mark.parametrize(
    "ours, keras_loss, y, p",
    [
        (huber(0.7), keras.losses.Huber(0.7, reduction=None), Y, P),
        (huber(), keras.losses.Huber(reduction=None), Y, P),
        (
            weighted_binary_crossentropy((1, 1)),
            keras.losses.BinaryCrossentropy(reduction=None),
            LABELS,
            SIGMOID,
        ),
        (
            weighted_binary_crossentropy((1, 1), from_logits=True),
            keras.losses.BinaryCrossentropy(from_logits=True, reduction=None),
            LABELS,
            P * 5,
        ),
        (
            weighted_categorical_crossentropy((1, 1, 1)),
            keras.losses.CategoricalCrossentropy(reduction=None),
            ONE_HOT,
            SOFTMAX,
        ),
        (
            weighted_categorical_crossentropy((1, 1, 1), from_logits=True),
            keras.losses.CategoricalCrossentropy(from_logits=True, reduction=None),
            ONE_HOT,
            P * 5,
        ),
        (
            lambda y, p: 2 * pinball(0.5)(y, p),
            keras.losses.MeanAbsoluteError(reduction=None),
            Y,
            P,
        ),
        (near_zero_penalty(strength=0), keras.losses.MeanSquaredError(reduction=None), Y, P),
    ],
)
def test_equals_keras(ours, keras_loss, y, p):
    np.testing.assert_allclose(ours(y, p), keras_loss(y, p), rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.9])
def test_pinball_equals_scikit_learn(quantile):
    wanted = mean_pinball_loss(Y.ravel(), P.ravel(), alpha=quantile)
    assert np.mean(pinball(quantile)(Y, P)) == pytest.approx(wanted, rel=1e-6)


def test_pinball_is_least_at_the_quantile():
    y = np.arange(1, 102, dtype="float32")
    costs = [float(np.mean(pinball(0.8)(y[:, None], np.full((101, 1), c, "float32")))) for c in y]
    assert y[np.argmin(costs)] == np.quantile(y, 0.8)


# Every loss once, for what all must do.

LOSSES = {
    "huber": (huber(0.7), Y, P),
    "binary": (weighted_binary_crossentropy((0.3, 2)), LABELS, SIGMOID),
    "binary logits": (weighted_binary_crossentropy((0.3, 2), from_logits=True), LABELS, P),
    "categorical": (weighted_categorical_crossentropy((1, 2.5, 0.5)), ONE_HOT, SOFTMAX),
    "categorical logits": (
        weighted_categorical_crossentropy((1, 2.5, 0.5), from_logits=True),
        ONE_HOT,
        P,
    ),
    "near zero": (near_zero_penalty(0.5, 0.3), Y, P),
    "pinball": (pinball(0.8), Y, P),
}
every_loss = pytest.mark.parametrize("loss, y, p", LOSSES.values(), ids=LOSSES)


@every_loss
def test_gradient_equals_finite_differences(loss, y, p):
    y, p = wide(y[:4], p[:4])
    x = tf.constant(p)
    with tf.GradientTape() as tape:
        tape.watch(x)
        values = loss(y, x)
    gradient = tape.gradient(values, x).numpy()
    step = 1e-6
    for index in np.ndindex(p.shape):
        up, down = p.copy(), p.copy()
        up[index] += step
        down[index] -= step
        slope = (np.sum(loss(y, up)) - np.sum(loss(y, down))) / (2 * step)
        assert gradient[index] == pytest.approx(slope, rel=1e-6, abs=1e-8)


@every_loss
def test_gives_one_value_per_sample_and_per_step_of_time(loss, y, p):
    flat = loss(y, p)
    assert flat.shape == (32,)
    steps = loss(y.reshape(8, 4, 3), p.reshape(8, 4, 3))
    assert steps.shape == (8, 4)
    np.testing.assert_array_equal(tf.reshape(steps, [-1]), flat)


@every_loss
def test_is_the_same_eagerly_in_a_graph_and_under_xla(loss, y, p):
    def values_and_gradient(y, p):
        with tf.GradientTape() as tape:
            tape.watch(p)
            values = loss(y, p)
        return values, tape.gradient(values, p)

    data = tf.constant(y), tf.constant(p)
    eager = values_and_gradient(*data)
    for xla in (False, True):
        compiled = tf.function(values_and_gradient, jit_compile=xla)(*data)
        for wanted, got in zip(eager, compiled, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=2e-6, atol=1e-7)


@every_loss
def test_integer_labels_count_like_floats(loss, y, p):
    whole = np.rint(y)
    wanted = loss(whole.astype("float32"), p)
    np.testing.assert_array_equal(loss(whole.astype("int64"), p), wanted)
    np.testing.assert_array_equal(loss(whole.astype("int8"), p), wanted)


@every_loss
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_widened_first(loss, y, p, dtype):
    narrow = tf.cast(p, dtype)
    values = loss(y, narrow)
    assert values.dtype == tf.float32
    np.testing.assert_array_equal(values, loss(y, tf.cast(narrow, "float32")))


def fixed_predictions(p, shape):
    """A compiled network's stand-in: a model that gives back what it is given."""
    return keras.Sequential([keras.Input(shape), keras.layers.Identity()])


@every_loss
def test_sample_weight_1_0_0_gives_a_third_of_the_first_value(loss, y, p):
    model = fixed_predictions(p, (3,))
    model.compile(loss=loss)
    weights = np.float32([1, 0, 0])
    got = model.evaluate(p[:3], y[:3], sample_weight=weights, batch_size=3, verbose=0)
    assert got == pytest.approx(float(loss(y, p)[0]) / 3, rel=1e-6)


@every_loss
def test_mask_leaves_out_the_masked_steps(loss, y, p):
    y, p = y[:6].reshape(2, 3, 3), p[:6].reshape(2, 3, 3).copy()
    p[0, 2] = p[1, 0] = -7.0
    model = keras.Sequential([keras.Input((3, 3)), keras.layers.Masking(-7.0)])
    model.compile(loss=loss)
    keep = np.array([[1, 1, 0], [0, 1, 1]], bool)
    wanted = np.mean(loss(y, p).numpy()[keep])
    assert model.evaluate(p, y, verbose=0) == pytest.approx(float(wanted), rel=1e-6)


# Hard places: the clip, huge logits, no residual.

HARD = {
    "huber": (huber(0.5), [[0.0], [0.0], [0.0], [3.0]], [[0.0], [0.5], [1e4], [3.0]]),
    "binary": (
        weighted_binary_crossentropy((0.3, 2)),
        [[0.0], [0.0], [1.0], [1.0]],
        [[0.0], [1.0], [0.0], [1.0]],
    ),
    "binary logits": (
        weighted_binary_crossentropy((0.3, 2), from_logits=True),
        [[0.0], [0.0], [1.0], [1.0]],
        [[-1e4], [1e4], [-1e4], [1e4]],
    ),
    "categorical": (
        weighted_categorical_crossentropy((1, 2)),
        [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]],
        [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]],
    ),
    "categorical logits": (
        weighted_categorical_crossentropy((1, 2), from_logits=True),
        [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]],
        [[1e4, -1e4], [1e4, -1e4], [0.0, 0.0]],
    ),
    "near zero": (
        near_zero_penalty(0.5, 0.1),
        [[0.0], [0.0], [0.0]],
        [[0.0], [1e-7], [100.0]],
    ),
    "pinball": (pinball(0.8), [[0.0], [0.0]], [[0.0], [-1e4]]),
}


@pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("loss, y, p", HARD.values(), ids=HARD)
def test_hard_places_give_finite_values_and_gradients(loss, y, p, dtype, xla):
    @tf.function(jit_compile=xla)
    def values_and_gradient(y, p):
        with tf.GradientTape() as tape:
            tape.watch(p)
            values = loss(y, p)
        return values, tape.gradient(values, p)

    values, gradient = values_and_gradient(tf.constant(y, dtype), tf.constant(p, dtype))
    assert values.dtype == tf.float32 and gradient.dtype == dtype
    assert np.all(np.isfinite(values)) and np.all(values >= 0)
    assert np.all(np.isfinite(tf.cast(gradient, "float32")))


@pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("loss, y, p", HARD.values(), ids=HARD)
def test_hard_places_train_a_mixed_float16_network(loss, y, p, xla):
    """The hard predictions come out of a bias-free layer in float16, and one step stays finite."""
    p = np.float32(p)
    width = p.shape[1]
    network = keras.Sequential(
        [
            keras.Input((width,), dtype="float16"),
            keras.layers.Dense(
                width, use_bias=False, kernel_initializer="identity", dtype="mixed_float16"
            ),
        ]
    )
    network.compile(keras.optimizers.SGD(1e-6), loss=loss, jit_compile=xla)
    assert network(p).dtype == "float16"
    figure = network.train_on_batch(p, np.float32(y))
    wanted = np.mean(loss(np.float32(y), tf.cast(p, "float16")))
    assert figure == pytest.approx(float(wanted), rel=1e-5)
    assert np.all(np.isfinite(network.get_weights()[0]))


def test_logits_of_ten_thousand_are_exact():
    binary_loss = weighted_binary_crossentropy((1, 1), from_logits=True)
    assert binary_loss([[0.0], [1.0]], [[1e4], [1e4]]).numpy().tolist() == [1e4, 0]
    categorical = weighted_categorical_crossentropy((1, 1), from_logits=True)
    assert categorical([[0.0, 1.0]], [[1e4, -1e4]]).numpy().tolist() == [2e4]


def test_probabilities_saturate_near_sixteen_on_both_sides():
    values = weighted_binary_crossentropy((1, 1))([[1.0], [0.0]], [[0.0], [1.0]]).numpy()
    np.testing.assert_allclose(values, [16.118, 15.942], atol=2e-3)


# Parameters are fixed when the loss is made; inside a graph they may be tensors.


@pytest.mark.parametrize("make", [weighted_binary_crossentropy, weighted_categorical_crossentropy])
def test_changing_the_list_later_changes_nothing(make):
    weights = [1.0, 2.0]
    loss = make(weights)
    y, p = np.float32([[0, 1], [1, 0]]), np.float32([[0.3, 0.7], [0.4, 0.6]])
    before = loss(y, p).numpy()
    weights[0] = weights[1] = 100.0
    weights.append(5.0)
    np.testing.assert_array_equal(loss(y, p), before)


def test_changing_the_array_later_changes_nothing():
    weights = np.array([1.0, 2.0])
    loss = weighted_binary_crossentropy(weights)
    before = loss([[1.0]], [[0.3]]).numpy()
    weights *= 50
    np.testing.assert_array_equal(loss([[1.0]], [[0.3]]), before)


@pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize(
    "make, values",
    [
        (huber, (0.7,)),
        (near_zero_penalty, (0.5, 0.3)),
        (pinball, (0.8,)),
    ],
)
def test_parameters_may_be_tensors_of_a_graph(make, values, xla):
    @tf.function(jit_compile=xla)
    def in_graph(*parameters):
        return make(*parameters)(Y, P)

    got = in_graph(*(tf.constant(v) for v in values))
    np.testing.assert_allclose(got, make(*values)(Y, P), rtol=2e-6)


@pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])
def test_class_weights_may_be_tensors_of_a_graph(xla):
    @tf.function(jit_compile=xla)
    def in_graph(weight):
        binary_loss = weighted_binary_crossentropy((1 - weight, weight))
        categorical = weighted_categorical_crossentropy((1 - weight, weight, 0.5))
        return binary_loss(LABELS, SIGMOID), categorical(ONE_HOT, SOFTMAX)

    got = in_graph(tf.constant(0.9))
    np.testing.assert_allclose(
        got[0], weighted_binary_crossentropy((0.1, 0.9))(LABELS, SIGMOID), rtol=2e-6
    )
    wanted = weighted_categorical_crossentropy((0.1, 0.9, 0.5))(ONE_HOT, SOFTMAX)
    np.testing.assert_allclose(got[1], wanted, rtol=2e-6)


@pytest.mark.parametrize(
    "make, values",
    [
        (huber, (0.7,)),
        (near_zero_penalty, (0.5, 0.3)),
        (pinball, (0.8,)),
    ],
)
def test_tensor_parameters_meet_float64_predictions(make, values):
    got = make(*(tf.constant(v) for v in values))(*wide(Y, P))
    assert got.dtype == tf.float64
    np.testing.assert_allclose(got, make(*values)(*wide(Y, P)), rtol=1e-6)


# Through compile, as readers use them.


@every_loss
def test_trains_through_compile_and_labels_of_one_axis_are_given_theirs(loss, y, p):
    width = 3 if y is ONE_HOT else 1
    keras.utils.set_random_seed(0)
    activation = "sigmoid" if p.min() >= 0 else None
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(width, activation)])
    model.compile(keras.optimizers.SGD(0.05), loss=loss)
    labels = y if width == 3 else y[:, 0]
    history = model.fit(P, labels, epochs=3, batch_size=32, verbose=0).history["loss"]
    assert history[-1] < history[0]
    wanted = np.mean(loss(labels.reshape(32, width), model(P)))
    assert model.evaluate(P, labels, verbose=0) == pytest.approx(float(wanted), rel=1e-6)


def test_keras_ops_only_so_predictions_may_be_lists_arrays_or_tensors():
    wanted = huber()(Y, P)
    np.testing.assert_array_equal(huber()(Y.tolist(), P.tolist()), wanted)
    np.testing.assert_array_equal(huber()(ops.convert_to_tensor(Y), keras.Variable(P)), wanted)
