"""The learned weights, against closed forms, saddle points worked out by hand, and NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from contract import StatefulLossContract, arrays, equal
from keras import ops
from sklearn.utils.class_weight import compute_class_weight

from lossutils import ModelWithLoss, UncertaintyWeights, WorstCaseWeights

SEEDS = range(5)


@keras.saving.register_keras_serializable(package="test_weights")
def fourth_power(y_true, y_pred):
    return ops.mean(ops.square(ops.square(y_true - y_pred)), axis=-1)


class TestUncertaintyWeights(StatefulLossContract):
    outputs = 3
    bad_arguments = [
        ({"losses": []}, ["`losses`", "one loss for each task", "[]"]),
        ({"losses": {}}, ["`losses`", "one loss for each task"]),
        ({"losses": "mean_squared_error"}, ["`losses`", "list or a dict", "mean_squared_error"]),
        ({"losses": ["mean_squared_eror"]}, ["loss identifier", "mean_squared_eror"]),
        ({"losses": ["mean_squared_error", 3]}, ["`losses`", "a name, a function", "3"]),
        ({"losses": [None]}, ["`losses`", "a name, a function", "None"]),
    ]

    def make_loss(self):
        return UncertaintyWeights(["mean_squared_error", "mean_absolute_error", "log_cosh"])


class TestWorstCaseWeights(StatefulLossContract):
    outputs = 3
    bad_arguments = [
        ({"counts": (10,)}, ["`counts`", "at least two classes", "(10,)"]),
        ({"counts": (10, 0)}, ["`counts`", "above 0", "(10, 0)"]),
        ({"counts": (10, -1)}, ["`counts`", "at least 0", "-1"]),
        ({"counts": 10}, ["`counts`", "10"]),
        ({"counts": (5, float("nan"))}, ["`counts`", "finite", "nan"]),
        ({"counts": (5, 5), "step_size": 0.0}, ["`step_size`", "above 0", "0.0"]),
        ({"counts": (5, 5), "step_size": float("inf")}, ["`step_size`", "finite", "inf"]),
        ({"counts": (5, 5), "loss": "crossentropie"}, ["loss identifier", "crossentropie"]),
        ({"counts": (5, 5), "loss": 7}, ["`loss`", "a name, a function", "7"]),
    ]

    def make_loss(self):
        return WorstCaseWeights(counts=(8, 5, 3), step_size=0.1)

    def make_labels(self, rng):
        return np.eye(3, dtype="float32")[rng.permutation([0] * 8 + [1] * 5 + [2] * 3)]


class Constants(keras.layers.Layer):
    """A network whose prediction is the same trained constants for every sample."""

    def __init__(self, outputs=1):
        super().__init__()
        self.value = self.add_weight(shape=(outputs,), initializer="zeros", name="value")

    def call(self, x):
        return ops.zeros_like(x[:, :1]) + self.value


def constant_model(loss, outputs=1):
    inputs = keras.Input((1,))
    network = keras.Model(inputs, Constants(outputs)(inputs))
    return ModelWithLoss(network, loss), network.layers[-1].value


def train(model, y, steps, optimizer):
    """Full-batch training on labels alone."""
    x = np.zeros((len(keras.tree.flatten(y)[0]), 1), "float32")
    batches = tf.data.Dataset.from_tensors((x, y)).repeat()
    model.compile(optimizer, steps_per_execution=50)
    model.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0)


def numbers(value):
    return ops.convert_to_numpy(value)


# UncertaintyWeights


@pytest.mark.parametrize("seed", SEEDS)
def test_each_weight_becomes_one_over_the_loss(seed):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(64, 3)) * rng.uniform(0.3, 3, size=3) + rng.normal(size=3)
    loss = UncertaintyWeights(["mean_squared_error", "mean_absolute_error", "mean_squared_error"])
    model, _ = constant_model(loss, outputs=3)
    slower = keras.optimizers.schedules.CosineDecay(0.1, 1000)
    train(model, y.astype("float32"), 1000, keras.optimizers.Adam(slower))
    centre = np.array([y[:, 0].mean(), np.median(y[:, 1]), y[:, 2].mean()])
    exact = np.array(
        [y[:, 0].var(), np.abs(y[:, 1] - centre[1]).mean(), y[:, 2].var()]
    )
    np.testing.assert_allclose(1 / numbers(loss.task_weights), exact, rtol=2e-3)


def test_the_minimum_is_the_sum_of_logarithms():
    y = np.array([[2.0, 0.5], [-2.0, -0.5]], "float32")
    loss = UncertaintyWeights(["mean_squared_error", "mean_squared_error"])
    loss.start_at([4.0, 0.25])
    values = numbers(loss(y, np.zeros_like(y)))
    np.testing.assert_allclose(values, 2 + np.log(4.0) + np.log(0.25), rtol=1e-6)
    np.testing.assert_allclose(numbers(loss.task_weights), [0.25, 4.0])


def test_the_loss_may_be_negative():
    loss = UncertaintyWeights(["mean_squared_error"])
    loss.start_at([0.01])
    assert numbers(loss(np.array([[0.1]], "float32"), np.zeros((1, 1), "float32"))) < -3


@pytest.mark.parametrize("seed", SEEDS)
def test_columns_agree_with_numpy(seed):
    rng = np.random.default_rng(seed)
    y, p = rng.normal(size=(2, 6, 4, 2))
    scales = rng.uniform(0.2, 5, size=2)
    loss = UncertaintyWeights(["mean_squared_error", "mean_absolute_error"])
    loss.start_at(scales)
    error = y - p
    wanted = error[..., 0] ** 2 / scales[0] + np.abs(error[..., 1]) / scales[1]
    got = loss(y.astype("float32"), p.astype("float32"))
    np.testing.assert_allclose(got, wanted + np.log(scales).sum(), rtol=2e-5, atol=2e-6)


def test_lists_and_dicts_of_outputs_agree_with_columns():
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=(2, 6, 2)).astype("float32")
    y_list, p_list = ([a[:, :1], a[:, 1:]] for a in (y, p))
    names = ("zebra", "ant")  # not in the order of the alphabet
    y_dict, p_dict = (dict(zip(names, a, strict=True)) for a in (y_list, p_list))
    losses = ["mean_squared_error", "mean_absolute_error"]
    columns, parts = UncertaintyWeights(losses), UncertaintyWeights(losses)
    named = UncertaintyWeights(dict(zip(names, losses, strict=True)))
    for loss in (columns, parts):
        loss.start_at([2.0, 3.0])
    named.start_at([3.0, 2.0])
    wanted = numbers(columns(y, p))
    np.testing.assert_array_equal(numbers(parts(y_list, p_list)), wanted)
    np.testing.assert_allclose(numbers(named(y_dict, p_dict)), wanted, rtol=1e-6)


def two_outputs(named):
    """A network with a picture-like and a plain output."""
    inputs = keras.Input((2,))
    wide = keras.layers.Reshape((2, 2))(keras.layers.Dense(4)(inputs))
    outputs = {"wide": wide, "plain": keras.layers.Dense(1)(inputs)}
    return keras.Model(inputs, outputs if named else list(outputs.values()))


@pytest.mark.parametrize("named", [False, True])
def test_several_outputs_train_save_and_load(named, tmp_path):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(12, 2)).astype("float32")
    y = {"wide": rng.normal(size=(12, 2, 2)), "plain": rng.normal(size=(12, 1))}
    losses = {"wide": "mean_squared_error", "plain": fourth_power}
    if not named:
        y, losses = list(y.values()), list(losses.values())
    model = ModelWithLoss(two_outputs(named), UncertaintyWeights(losses))
    model.compile(keras.optimizers.Adam(0.05))
    model.fit(x, y, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    assert equal(arrays(again.variables), arrays(model.variables))
    values = model.loss_layer(y, model.network(x))
    assert values.shape == (12,)


def test_a_loss_object_is_used_per_sample_and_restored():
    logits = keras.losses.BinaryCrossentropy(from_logits=True)
    loss = UncertaintyWeights([logits])
    y, p = np.array([[0.0], [1.0]], "float32"), np.array([[3.0], [3.0]], "float32")
    wanted = np.log1p(np.exp([3.0, -3.0]))
    for one in (loss, UncertaintyWeights.from_config(loss.get_config())):
        np.testing.assert_allclose(numbers(one(y, p)), wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("losses", "y", "words"),
    [
        (["mse"], np.zeros((2, 3), "float32"), ["`losses`", "holds 1", "each output, 3"]),
        (["mse"], [np.zeros((2, 1))] * 2, ["holds 1", "each output, 2"]),
        ({"a": "mse"}, {"b": np.zeros((2, 1))}, ["['a']", "['b']", "same names"]),
        (["mse"], {"b": np.zeros((2, 1))}, ["['b']", "same names"]),
        ({"a": "mse"}, [np.zeros((2, 1))], ["['a']", "same names"]),
        (["mse", "mse"], np.zeros(2, "float32"), ["`y_pred`", "has (2,)", "last axis"]),
    ],
)
def test_losses_must_fit_the_outputs(losses, y, words):
    with pytest.raises(ValueError) as caught:
        UncertaintyWeights(losses)(y, y)
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize("start", [[1.0], [1.0, 0.0], [1.0, -1.0], [1.0, float("nan")]])
def test_start_at_refuses_what_is_no_loss(start):
    with pytest.raises(ValueError, match="`task_losses`"):
        UncertaintyWeights(["mse", "mse"]).start_at(start)


# WorstCaseWeights


def two_groups(seed, n=(40, 10)):
    """Labels of two groups around different centres, and the exact saddle point.

    The network predicts one number t, so group g has the loss (t - m_g)^2 + v_g. Where both are
    equal, t = ((m_1^2 + v_1) - (m_0^2 + v_0)) / 2 (m_1 - m_0), and the weighted slopes cancel.
    """
    rng = np.random.default_rng(seed)
    y = np.concatenate([rng.normal(0, 0.5, n[0]), rng.normal(2, 0.9, n[1])])
    groups = np.repeat([0, 1], n)
    m, v = ([f(y[groups == g]) for g in (0, 1)] for f in (np.mean, np.var))
    t = ((m[1] ** 2 + v[1]) - (m[0] ** 2 + v[0])) / (2 * (m[1] - m[0]))
    assert m[0] < t < m[1]
    weights = np.array([m[1] - t, t - m[0]]) / (m[1] - m[0])
    return y[:, None].astype("float32"), groups, t, weights


@pytest.mark.parametrize("seed", SEEDS)
def test_the_weights_find_the_saddle_point(seed):
    y, groups, t, weights = two_groups(seed)
    loss = WorstCaseWeights(counts=(40, 10), step_size=0.05, loss="mean_squared_error")
    model, value = constant_model(loss)
    train(model, (y, groups), 600, keras.optimizers.SGD(0.05))
    np.testing.assert_allclose(numbers(loss.class_weights), weights, atol=2e-4)
    assert numbers(value)[0] == pytest.approx(t, abs=2e-4)


def test_an_easy_group_is_left_alone():
    y = np.array([[1.0], [-1.0], [0.1], [-0.1]], "float32")
    loss = WorstCaseWeights(counts=(2, 2), step_size=0.01, loss="mean_squared_error")
    model, _ = constant_model(loss)
    train(model, (y, np.array([0, 0, 1, 1])), 50, keras.optimizers.SGD(0.05))
    # Each step adds 0.01 (1 - 0.01) to the difference of the logarithms, and the optimizer nothing.
    exact = 1 / (1 + np.exp(-50 * 0.01 * 0.99))
    np.testing.assert_allclose(numbers(loss.class_weights), [exact, 1 - exact], atol=1e-6)


def test_one_step_multiplies_by_the_exponential():
    y = np.eye(3, dtype="float32")[[0, 0, 0, 1, 1, 2]]
    logits = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    loss = WorstCaseWeights(counts=(3, 2, 1), step_size=0.5)
    values = -np.log(np.exp(logits) / np.exp(logits).sum(-1, keepdims=True))[y == 1]
    weights = np.ones(3) / 3
    for _ in range(3):
        before = numbers(loss(y, logits))
        # The step counts from the next batch on, so training and evaluation report the same.
        np.testing.assert_array_equal(numbers(loss(y, logits, training=True)), before)
        class_losses = [values[:3].mean(), values[3:5].mean(), values[5]]
        weights = weights * np.exp(0.5 * np.array(class_losses))
        weights = weights / weights.sum()
    np.testing.assert_allclose(numbers(loss.class_weights), weights, rtol=1e-5)
    share = np.array([3, 2, 1]) / 6
    got = numbers(loss(y, logits))
    np.testing.assert_allclose(got, (weights / share)[y.argmax(-1)] * values, rtol=1e-5)
    assert got.mean() == pytest.approx(weights @ class_losses, rel=1e-5)


def test_it_starts_as_balanced_class_weights():
    y = np.repeat([0, 1, 2], (12, 3, 5))
    balanced = compute_class_weight("balanced", classes=np.arange(3), y=y)
    logits = np.random.default_rng(2).normal(size=(20, 3)).astype("float32")
    plain = keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True)
    got = WorstCaseWeights(counts=(12, 3, 5))(np.eye(3, dtype="float32")[y], logits)
    np.testing.assert_allclose(numbers(got), balanced[y] * numbers(plain), rtol=1e-5)


def test_two_classes_may_stand_in_one_column():
    y = np.array([[0.0], [1.0], [1.0]], "float32")
    logits = np.array([[0.5], [-2.0], [1.0]], "float32")
    binary = keras.losses.BinaryCrossentropy(from_logits=True)
    one = WorstCaseWeights(counts=(1, 2), step_size=0.5, loss=binary)
    two = WorstCaseWeights(counts=(1, 2), step_size=0.5)
    pair = np.hstack([np.zeros_like(logits), logits])
    for _ in range(2):
        values = one(y, logits, training=True), two(np.hstack([1 - y, y]), pair, training=True)
        np.testing.assert_allclose(numbers(values[0]), numbers(values[1]), rtol=1e-5)
    np.testing.assert_allclose(numbers(one.class_weights), numbers(two.class_weights), rtol=1e-5)


def test_every_step_of_a_sequence_has_its_class():
    rng = np.random.default_rng(3)
    y = np.eye(2, dtype="float32")[rng.permutation([0] * 8 + [1] * 4)].reshape(3, 4, 2)
    logits = rng.normal(size=(3, 4, 2)).astype("float32")
    wide = WorstCaseWeights(counts=(8, 4), step_size=0.5)
    flat = WorstCaseWeights(counts=(8, 4), step_size=0.5)
    for _ in range(2):
        got = numbers(wide(y, logits, training=True))
        wanted = flat(y.reshape(12, 2), logits.reshape(12, 2), training=True)
        np.testing.assert_allclose(got.reshape(12), numbers(wanted), rtol=1e-5)
    np.testing.assert_allclose(numbers(wide.class_weights), numbers(flat.class_weights), rtol=1e-5)


def test_groups_average_over_the_outputs_and_may_be_a_column():
    y, p = np.random.default_rng(4).normal(size=(2, 4, 3)).astype("float32")
    groups = np.array([0, 1, 1, 0])
    wanted = np.mean((y - p) ** 2, axis=-1)
    for shape in ((4,), (4, 1)):
        loss = WorstCaseWeights(counts=(2, 2), loss="mean_squared_error")
        np.testing.assert_allclose(loss((y, groups.reshape(shape)), p), wanted, rtol=1e-5)


def test_many_steps_do_not_lose_the_weights():
    """The logarithms are kept centred: a common part would grow until it swallowed the rest."""
    y = np.array([[1000.0], [-1000.0]], "float32")
    loss = WorstCaseWeights(counts=(1, 1), step_size=1.0, loss="mean_squared_error")
    for _ in range(200):
        loss((y, np.array([0, 1])), np.zeros_like(y), training=True)
    np.testing.assert_array_equal(numbers(loss.class_weights), [0.5, 0.5])
    np.testing.assert_array_equal(numbers(loss.log_weights), [0.0, 0.0])


@pytest.mark.parametrize(
    ("y", "p", "words"),
    [
        (np.eye(2), np.zeros((2, 2)), ["`y_true` must have 3 classes", "`counts`", "(2, 2)"]),
        (np.zeros((2, 1)), np.zeros((2, 1)), ["`y_true` must have 3 classes", "(2, 1)"]),
        (np.zeros(2), np.zeros((2, 1)), ["`y_true` has shape (2,)", "`y_pred` has shape (2, 1)"]),
        ((np.eye(3),) * 3, np.eye(3), ["`y_true`", "a pair", "holds 3"]),
    ],
)
def test_shapes_must_fit(y, p, words):
    with pytest.raises(ValueError) as caught:
        WorstCaseWeights(counts=(1, 1, 1))(y, p)
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.array([[1.0, 1.0], [0.0, 1.0]]), ["`y`", "one-hot"]),
        (np.array([[0.0], [2.0]]), ["`y`", "only 0 and 1", "2.0"]),
        ((np.zeros((2, 1)), np.array([0, 2])), ["`y`", "from 0 to 1", "2"]),
        ((np.zeros((2, 1)), np.array([0.5, 1])), ["`y`", "from 0 to 1", "0.5"]),
    ],
)
def test_fit_checks_the_labels(y, words):
    model, _ = constant_model(WorstCaseWeights(counts=(1, 1)), outputs=1)
    with pytest.raises(ValueError) as caught:
        model.fit(np.zeros((2, 1)), y)
    assert all(word in str(caught.value) for word in words), caught.value
