"""Trained thresholds, against float64 NumPy, scikit-learn, closed forms and exhaustive sweeps."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from contract import SAMPLES, StatefulLossContract
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta
from sklearn.metrics import f1_score

from lossutils import (
    CostThreshold,
    F1Threshold,
    ModelWithLoss,
    soft_threshold,
    straight_through_threshold,
)

few = settings(max_examples=25, deadline=None, derandomize=True)
SEEDS = range(5)
# Scores drawn from this density are the probabilities of their labels: calibrated by construction.
A, B = 1.0, 4.0


@functools.cache
def calibrated(seed):
    """4000 scores and labels, each label 1 with the probability that its score states."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(A, B, size=(4000, 1)).astype("float32")
    return scores, (rng.random((4000, 1)) < scores).astype("float32")


def cost(scores, y, threshold, false_positive_cost, false_negative_cost):
    flagged = scores > threshold
    false_alarms, misses = np.sum(flagged & (y == 0)), np.sum(~flagged & (y == 1))
    return (false_positive_cost * false_alarms + false_negative_cost * misses) / len(y)


def least_cost(scores, y, *costs):
    """The least cost of all thresholds that make a difference."""
    return min(cost(scores, y, t, *costs) for t in np.append(0.0, np.unique(scores)[::4]))


def train(loss, scores, y, network=None, epochs=30, steps=20, rate=0.02):
    """Train on full batches while the temperature falls from 0.2 to 0.01."""
    if network is None:
        network = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
    model = ModelWithLoss(network, loss)
    # One call for all steps of an epoch: a step costs less than the call.
    model.compile(keras.optimizers.Adam(rate), steps_per_execution=steps)
    cool = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: loss.temperature.assign(0.2 * 0.05 ** (epoch / epochs))
    )
    batches = tf.data.Dataset.from_tensors((scores, y)).cache().repeat()
    fit = {"epochs": epochs, "steps_per_epoch": steps, "shuffle": False, "verbose": 0}
    model.fit(batches, callbacks=[cool], **fit)
    return model


def gradients(function, *inputs):
    inputs = [tf.constant(v, "float32") for v in inputs]
    with tf.GradientTape() as tape:
        for tensor in inputs:
            tape.watch(tensor)
        value = function(*inputs)
    found = tape.gradient(value, inputs)
    return [None if g is None else g.numpy() for g in found]


# The two steps


@few
@given(st.lists(st.floats(-2, 2), min_size=1, max_size=8), st.floats(-1, 1), st.floats(0.0625, 4))
def test_soft_threshold_is_its_formula(scores, threshold, temperature):
    wanted = 1 / (1 + np.exp(-(np.array(scores) - threshold) / temperature))
    got = soft_threshold(np.array(scores, "float32"), threshold, temperature)
    np.testing.assert_allclose(got, wanted, rtol=3e-5, atol=1e-7)


def test_soft_threshold_has_the_slope_of_a_logistic_function():
    scores = np.array([0.1, 0.45, 0.5, 0.6, 0.9])
    s = 1 / (1 + np.exp(-(scores - 0.5) / 0.1))
    by_score, by_threshold = gradients(lambda p, t: soft_threshold(p, t, 0.1), scores, 0.5)
    np.testing.assert_allclose(by_score, s * (1 - s) / 0.1, rtol=1e-5)
    np.testing.assert_allclose(by_threshold, -np.sum(s * (1 - s) / 0.1), rtol=1e-5)


@few
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=50), st.floats(0, 1, width=32))
def test_straight_through_is_exactly_the_comparison(scores, threshold):
    scores = np.array(scores, "float32")
    got = straight_through_threshold(scores, threshold, 0.3).numpy()
    np.testing.assert_array_equal(got, (scores > np.float32(threshold)).astype("float32"))


@pytest.mark.parametrize("xla", [False, True])
def test_straight_through_has_the_gradient_of_the_soft_step(xla):
    scores = np.linspace(0.0, 1.0, 101)
    steps = [
        tf.function(lambda p, t, step=step: step(p, t, 0.1), jit_compile=xla)
        for step in (soft_threshold, straight_through_threshold)
    ]
    values = steps[1](tf.constant(scores, "float32"), tf.constant(0.405)).numpy()
    np.testing.assert_array_equal(values, scores > 0.405)
    (soft_p, soft_t), (hard_p, hard_t) = (gradients(step, scores, 0.405) for step in steps)
    np.testing.assert_allclose(hard_p, soft_p, rtol=1e-5)
    assert hard_t == pytest.approx(soft_t, rel=1e-5) and soft_t < -1


def test_a_comparison_has_no_gradient():
    assert gradients(lambda p, t: tf.cast(p > t, "float32"), [0.2, 0.7], 0.5) == [None, None]


@pytest.mark.parametrize("step", [soft_threshold, straight_through_threshold])
def test_steps_keep_shape_and_widen_half_precision(step):
    for dtype, wanted in (("float16", "float32"), ("float64", "float64"), ("int32", "float32")):
        decisions = step(tf.ones((2, 3, 4), dtype), 0.5)
        assert decisions.shape == (2, 3, 4) and decisions.dtype == wanted


# The values of the losses


def np_crossentropy(y, p):
    return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(axis=-1)


def batch_of_two_outputs(seed=0):
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.01, 0.99, size=(12, 2))
    y = (rng.random((12, 2)) < p).astype("float64")
    return y, p, 1 / (1 + np.exp(-(p - 0.3) / 0.1))


def as_predictions(p, from_logits):
    return tf.constant(np.log(p / (1 - p)) if from_logits else p, "float32")


@pytest.mark.parametrize("from_logits", [False, True])
def test_cost_is_its_formula(from_logits):
    y, p, s = batch_of_two_outputs()
    loss = CostThreshold(2, 7, 0.1, start=0.3, crossentropy_weight=0.5, from_logits=from_logits)
    wanted = 0.5 * np_crossentropy(y, p) + (2 * (1 - y) * s + 7 * y * (1 - s)).mean(axis=-1)
    got = loss(tf.constant(y), as_predictions(p, from_logits))
    np.testing.assert_allclose(got, wanted, rtol=1e-5)


@pytest.mark.parametrize("from_logits", [False, True])
def test_f1_is_its_formula(from_logits):
    y, p, s = batch_of_two_outputs()
    loss = F1Threshold(0.1, start=0.3, crossentropy_weight=0.5, from_logits=from_logits)
    wanted = 0.5 * np_crossentropy(y, p) + 1 - 2 * np.sum(y * s) / (np.sum(y) + np.sum(s))
    got = loss(tf.constant(y), as_predictions(p, from_logits))
    np.testing.assert_allclose(got, wanted, rtol=1e-5)


@pytest.mark.parametrize("threshold", [0.1, 0.25, 0.6])
def test_cold_losses_equal_the_counts(threshold):
    scores, y = calibrated(0)
    clear = np.abs(scores - threshold) > 0.002
    scores, y = scores[clear][:, None], y[clear][:, None]
    cold = {"temperature": 1e-4, "start": threshold, "crossentropy_weight": 0}
    value = tf.reduce_mean(CostThreshold(1, 4, **cold)(y, scores))
    assert float(value) == pytest.approx(cost(scores, y, threshold, 1, 4), rel=1e-5)
    values = F1Threshold(**cold)(y, scores).numpy()
    assert values == pytest.approx(1 - f1_score(y, scores > threshold), rel=1e-5)


def test_decide_is_the_comparison_with_the_learned_threshold():
    loss = CostThreshold(1, 4, start=0.3)
    assert loss.decide([[0.29], [0.31]]).numpy().tolist() == [[0.0], [1.0]]
    logit = float(np.log(0.3 / 0.7))
    loss = CostThreshold(1, 4, start=0.3, from_logits=True)
    assert loss.decide([[logit - 0.1], [logit + 0.1]]).numpy().tolist() == [[0.0], [1.0]]


# Who gets which gradient


@pytest.mark.parametrize("make", [CostThreshold, F1Threshold])
def test_the_scores_hear_the_crossentropy_alone_unless_asked_otherwise(make):
    y, p, _ = batch_of_two_outputs()
    of_crossentropy = gradients(
        lambda q: keras.losses.binary_crossentropy(tf.constant(y, "float32"), q), p
    )[0]
    stopped, joined = (
        gradients(functools.partial(make(stop_gradient=stop), y), p)[0] for stop in (True, False)
    )
    np.testing.assert_allclose(stopped, of_crossentropy, rtol=1e-5)
    assert np.max(np.abs(joined - of_crossentropy)) > 0.1


@pytest.mark.parametrize("make", [CostThreshold, F1Threshold])
def test_the_threshold_hears_the_decisions_alone(make):
    y, p, _ = batch_of_two_outputs()

    def gradient_for(weight):
        loss = make(crossentropy_weight=weight)
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss(y, tf.constant(p, "float32")))
        return float(tape.gradient(value, loss.raw_threshold.value))

    assert gradient_for(0.0) == pytest.approx(gradient_for(3.0), rel=1e-6)
    assert gradient_for(0.0) != 0


def test_the_edge_of_the_range_has_a_gradient():
    loss = CostThreshold(1, 100, temperature=0.1, start=0.999)
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(loss(tf.ones((4, 1)), tf.fill((4, 1), 0.95)))
    assert float(tape.gradient(value, loss.raw_threshold.value)) > 0


@pytest.mark.parametrize("y_pred", [0.0, 1.0])
@pytest.mark.parametrize("xla", [False, True])
def test_f1_of_a_batch_without_positives_is_zero_and_pulls_at_nothing(y_pred, xla):
    loss = F1Threshold(temperature=1e-4, crossentropy_weight=0)
    predictions = tf.fill((5, 1), y_pred)

    @tf.function(jit_compile=xla)
    def value_and_gradient():
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss(tf.zeros((5, 1)), predictions))
        return value, tape.gradient(value, loss.raw_threshold.value)

    assert [float(v) for v in value_and_gradient()] == [1.0, 0.0]


# What is learned


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("false_negative_cost", [1, 4, 9])
def test_the_learned_cost_is_within_3_percent_of_an_exhaustive_sweep(seed, false_negative_cost):
    scores, y = calibrated(seed)
    loss = CostThreshold(1, false_negative_cost)
    train(loss, scores, y)
    learned = cost(scores, y, float(loss.threshold), 1, false_negative_cost)
    assert learned <= 1.03 * least_cost(scores, y, 1, false_negative_cost)
    assert float(loss.threshold) == pytest.approx(1 / (1 + false_negative_cost), abs=0.08)


def exact_f1(threshold):
    """F1 over the whole density: the share of positives above t is an incomplete beta integral."""
    hits = A / (A + B) * beta.sf(threshold, A + 1, B)
    return 2 * hits / (A / (A + B) + beta.sf(threshold, A, B))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_learned_f1_is_within_3_percent_of_an_exhaustive_sweep(seed):
    scores, y = calibrated(seed)
    loss = F1Threshold()
    train(loss, scores, y)
    learned = f1_score(y, scores > float(loss.threshold))
    best = max(f1_score(y, scores > t) for t in np.linspace(0, 0.9, 181))
    assert learned >= 0.97 * best
    half_of_the_best = max(exact_f1(np.linspace(0, 0.9, 901))) / 2
    assert float(loss.threshold) == pytest.approx(half_of_the_best, abs=0.08)


def test_one_fit_trains_the_network_and_the_threshold():
    scores, y = calibrated(1)
    x = np.log(scores / (1 - scores)) * 3 - 2
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    loss = CostThreshold(1, 4, from_logits=True)
    train(loss, x, y, network, epochs=60)
    learned = tf.sigmoid(network(x)).numpy()
    assert np.max(np.abs(learned - scores)) < 0.05
    assert cost(learned, y, float(loss.threshold), 1, 4) <= 1.03 * least_cost(scores, y, 1, 4)


def test_scores_that_lie_are_cut_where_it_is_cheapest_all_the_same():
    scores, y = calibrated(2)
    boasting = np.sqrt(scores)
    loss = CostThreshold(1, 4)
    train(loss, boasting, y)
    best = least_cost(scores, y, 1, 4)
    assert cost(boasting, y, float(loss.threshold), 1, 4) <= 1.03 * best
    assert cost(boasting, y, 1 / (1 + 4), 1, 4) > 1.1 * best


def test_a_frozen_network_stays_as_it_is():
    scores, y = calibrated(3)
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, "sigmoid")])
    network.trainable = False
    before = network.get_weights()
    loss = CostThreshold(1, 9)
    train(loss, scores, y, network, epochs=2)
    assert all(map(np.array_equal, before, network.get_weights()))
    assert float(loss.threshold) != 0.5


def test_a_new_temperature_acts_in_the_compiled_step_at_once():
    loss = CostThreshold(1, 1, temperature=1.0, crossentropy_weight=0)
    network = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
    model = ModelWithLoss(network, loss)
    model.compile("sgd")
    x, y = np.array([[0.4]], "float32"), np.array([[0.0]], "float32")
    for temperature in (1.0, 0.1):
        loss.temperature.assign(temperature)
        wanted = 1 / (1 + np.exp(0.1 / temperature))
        assert model.evaluate(x, y, verbose=0) == pytest.approx(wanted, rel=1e-5)


# Bad input


@pytest.mark.parametrize("step", [soft_threshold, straight_through_threshold])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"threshold": np.nan}, ["`threshold`", "nan", "finite number"]),
        ({"threshold": "0.5"}, ["`threshold`", "'0.5'", "finite number"]),
        ({"threshold": [0.2, 0.5]}, ["`threshold`", "[0.2, 0.5]", "finite number"]),
        ({"threshold": 0.5, "temperature": 0}, ["`temperature`", "0", "above 0"]),
        ({"threshold": 0.5, "temperature": -1.0}, ["`temperature`", "-1.0", "above 0"]),
        ({"threshold": 0.5, "temperature": np.inf}, ["`temperature`", "inf", "finite"]),
    ],
)
def test_steps_refuse_bad_arguments(step, arguments, words):
    with pytest.raises(ValueError) as caught:
        step([0.1, 0.9], **arguments)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("make", [CostThreshold, F1Threshold])
@pytest.mark.parametrize(
    ("y_true", "y_pred", "words"),
    [
        ([[0.0], [2.0]], [[0.5], [0.5]], ["`y_true`", "2.0", "only 0 and 1"]),
        ([[0.0], [1.0]], [[0.5], [3.5]], ["`y_pred`", "3.5", "[0, 1]", "from_logits=True"]),
        ([[0.0], [1.0]], [[0.5], [-0.5]], ["`y_pred`", "-0.5", "[0, 1]", "from_logits=True"]),
        ([0.0, 1.0], [[0.5], [0.5]], ["(2,)", "(2, 1)", "y_true[:, None]"]),
        ([0.0, 1.0], [0.5, 0.5], ["`y_pred`", "(2,)", "(batch, 1)"]),
    ],
)
def test_losses_refuse_bad_batches(make, y_true, y_pred, words):
    with pytest.raises(ValueError) as caught:
        make()(tf.constant(y_true), tf.constant(y_pred))
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("make", [CostThreshold, F1Threshold])
def test_fit_refuses_labels_other_than_0_and_1(make):
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, "sigmoid")])
    model = ModelWithLoss(network, make())
    model.compile("sgd")
    with pytest.raises(ValueError, match="`y` must hold only 0 and 1, but holds -1"):
        model.fit(np.ones((2, 1)), np.array([[-1], [1]]), verbose=0)


# The contract

BAD_ARGUMENTS = [
    ({"temperature": 0.0}, ["`temperature`", "0.0", "above 0"]),
    ({"temperature": np.nan}, ["`temperature`", "nan", "finite"]),
    ({"start": 0.0}, ["`start`", "0.0", "above 0 and below 1"]),
    ({"start": 1.0}, ["`start`", "1.0", "above 0 and below 1"]),
    ({"start": None}, ["`start`", "None", "finite number"]),
    ({"crossentropy_weight": -1}, ["`crossentropy_weight`", "-1", "at least 0"]),
    ({"stop_gradient": 1}, ["`stop_gradient`", "1", "True or False"]),
    ({"from_logits": "yes"}, ["`from_logits`", "'yes'", "True or False"]),
]


class ThresholdContract(StatefulLossContract):
    def make_labels(self, rng):
        return rng.integers(0, 2, size=(SAMPLES, self.outputs)).astype("float32")


class Probabilities(ThresholdContract):
    def make_network(self, dtype=None):
        network = super().make_network(dtype)
        network.add(keras.layers.Activation("sigmoid", dtype=dtype))
        return network


class TestCostThreshold(Probabilities):
    bad_arguments = [
        *BAD_ARGUMENTS,
        ({"false_positive_cost": -1}, ["`false_positive_cost`", "-1", "at least 0"]),
        ({"false_negative_cost": np.inf}, ["`false_negative_cost`", "inf", "finite"]),
        ({"false_negative_cost": [1, 2]}, ["`false_negative_cost`", "[1, 2]", "finite number"]),
        (
            {"false_positive_cost": 0, "false_negative_cost": 0},
            ["false_positive_cost", "false_negative_cost", "above 0"],
        ),
    ]

    def make_loss(self):
        return CostThreshold(1, 3, temperature=0.25, start=0.25)


class TestCostThresholdOfLogits(ThresholdContract):
    outputs = 2

    def make_loss(self):
        return CostThreshold(2, 1, crossentropy_weight=0.5, stop_gradient=False, from_logits=True)


class TestF1Threshold(Probabilities):
    bad_arguments = BAD_ARGUMENTS

    def make_loss(self):
        return F1Threshold(temperature=0.25, start=0.25)
