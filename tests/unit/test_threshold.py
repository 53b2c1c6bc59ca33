"""Trained thresholds, against float64 NumPy, scikit-learn, closed forms and exhaustive sweeps."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from contract import SAMPLES, StatefulLossContract
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit, softmax
from scipy.stats import beta
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.metrics import f1_score
from sklearn.model_selection import cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lossutils import (
    CostThreshold,
    F1Threshold,
    ModelWithLoss,
    soft_threshold,
    straight_through_threshold,
)
from lossutils.threshold import _ruler

few = settings(max_examples=25, deadline=None, derandomize=True)
# Scores drawn from this density are the probabilities of their labels: calibrated by construction.
A, B = 1.0, 4.0
PRICES = [(1, 1), (1, 2), (1, 3), (1, 5), (1, 8), (1, 12), (1, 20), (5, 1), (20, 1)]
# All data sets are filled up to this length, so that one compiled training serves them all.
ROWS, BATCH, STEPS = 4000, 64, 600


@functools.cache
def calibrated(seed):
    """4000 scores and labels, each label 1 with the probability that its score states."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(A, B, size=(ROWS, 1)).astype("float32")
    return scores, (rng.random((ROWS, 1)) < scores).astype("float32")


def drawn(rng, probabilities, scores=None):
    """Labels with these probabilities, and scores that state them, or others."""
    labels = rng.random(len(probabilities)) < probabilities
    return (probabilities if scores is None else scores), labels


def of_a_network(load, positive, columns=None):
    """Scores of a real network, for samples that it has not seen; it is sure of itself."""
    x, y = load(return_X_y=True)
    network = MLPClassifier(30, max_iter=150, tol=1e-2, random_state=0)
    network = make_pipeline(StandardScaler(), network)
    labels = y == positive
    scores = cross_val_predict(network, x[:, :columns], labels, cv=3, method="predict_proba")
    return scores[:, 1], labels


@functools.cache
def data_sets():
    """Scores and labels of different shapes, by name."""
    rng = np.random.default_rng(4)
    p = rng.beta(A, B, ROWS)
    low, high = rng.normal(0.15, 0.05, 600), rng.normal(0.9, 0.03, 300)
    groups = np.concatenate([low, rng.normal(0.4, 0.05, 300), rng.normal(0.65, 0.05, 300), high])
    two_valleys = np.repeat([0.02, 0.5, 0.1, 0.8], [600, 300, 300, 300])
    two_even_valleys = np.repeat([0.02, 0.3, 0.02, 0.6], [600, 300, 300, 300])
    found = {
        "calibrated": drawn(rng, p),
        "symmetric": drawn(rng, rng.beta(2, 2, ROWS)),
        "sure of itself": drawn(rng, p, expit(8 * logit(p))),
        "unsure": drawn(rng, p, expit(0.1 * logit(p))),
        "crowded": drawn(rng, p, 0.45 + 0.1 * p),
        "rounded": drawn(rng, p, np.round(p, 1)),
        "rare": drawn(rng, rng.beta(0.5, 20, ROWS)),
        "few": drawn(rng, rng.beta(A, B, 40)),
        "two valleys": drawn(rng, two_valleys, groups.clip(0, 1)),
        "two even valleys": drawn(rng, two_even_valleys, groups.clip(0, 1)),
        "tumours": of_a_network(load_breast_cancer, 0, 2),
        "digit 8": of_a_network(load_digits, 8),
        "wine 1": of_a_network(load_wine, 1, 3),
    }
    return {name: [np.asarray(v, "float32")[:, None] for v in pair] for name, pair in found.items()}


def cost(scores, y, threshold, false_positive_cost, false_negative_cost):
    flagged = scores > threshold
    false_alarms, misses = np.sum(flagged & (y == 0)), np.sum(~flagged & (y == 1))
    return (false_positive_cost * false_alarms + false_negative_cost * misses) / len(y)


def all_cuts(scores):
    """Every threshold that makes a difference."""
    return np.append(np.float32(0), np.unique(scores))


def least_cost(scores, y, *costs):
    return min(cost(scores, y, t, *costs) for t in all_cuts(scores)[::4])


def sweep(scores, y):
    """False alarms and misses for every threshold that makes a difference."""
    order = np.argsort(scores[:, 0])
    silent = np.searchsorted(scores[order, 0], all_cuts(scores), side="right")
    misses = np.append(0, np.cumsum(y[order]))[silent]
    return len(y) - silent - (np.sum(y) - misses), misses


def f1_of(y, false_alarms, misses):
    hits = np.sum(y) - misses
    return 2 * hits / np.maximum(2 * hits + false_alarms + misses, 1)


def compiled_training(loss, rate=0.02):
    """A function that trains the votes anew on batches of given scores, all in one graph."""
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build([loss.votes])
    start = [(v, v.numpy()) for v in (loss.votes, *optimizer.variables)]

    @tf.function
    def steps(scores, y, batches):
        for rows in batches:
            with tf.GradientTape() as tape:
                value = tf.reduce_mean(loss(tf.gather(y, rows), tf.gather(scores, rows)))
            optimizer.apply(tape.gradient(value, [loss.votes.value]), [loss.votes])

    def run(scores, y, batch=BATCH):
        for variable, value in start:
            variable.assign(value)
        batches = np.random.default_rng(0).integers(0, len(y), (STEPS, batch))
        filling = ((0, ROWS - len(y)), (0, 0))
        steps(np.pad(scores, filling), np.pad(y, filling), batches)
        return np.float32(loss.threshold)

    return run


def train(loss, scores, y, network=None, epochs=30, steps=20, rate=0.02):
    """Train on full batches in `fit`."""
    if network is None:
        network = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
    model = ModelWithLoss(network, loss)
    # One call for all steps of an epoch: a step costs less than the call.
    model.compile(keras.optimizers.Adam(rate), steps_per_execution=steps)
    batches = tf.data.Dataset.from_tensors((scores, y)).cache().repeat()
    model.fit(batches, epochs=epochs, steps_per_epoch=steps, shuffle=False, verbose=0)
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


def batch_of_two_outputs(loss, seed=0):
    """Labels, probabilities, and the average decision of random votes."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.01, 0.99, size=(12, 2))
    y = (rng.random((12, 2)) < p).astype("float64")
    votes = rng.normal(size=loss.cuts.shape) * 0.1
    loss.votes.assign(votes)
    shares = softmax(10 * votes)
    return y, p, np.sum(shares * (p[..., None] > loss.cuts), axis=-1)


def as_predictions(p, from_logits):
    return tf.constant(np.log(p / (1 - p)) if from_logits else p, "float32")


@pytest.mark.parametrize("from_logits", [False, True])
def test_cost_is_its_formula(from_logits):
    loss = CostThreshold(2, 7, crossentropy_weight=0.5, from_logits=from_logits)
    y, p, d = batch_of_two_outputs(loss)
    wanted = 0.5 * np_crossentropy(y, p) + (2 * (1 - y) * d + 7 * y * (1 - d)).mean(axis=-1)
    got = loss(tf.constant(y), as_predictions(p, from_logits))
    np.testing.assert_allclose(got, wanted, rtol=1e-5)


@pytest.mark.parametrize("from_logits", [False, True])
def test_f1_is_its_formula(from_logits):
    loss = F1Threshold(crossentropy_weight=0.5, from_logits=from_logits)
    y, p, d = batch_of_two_outputs(loss)
    wanted = 0.5 * np_crossentropy(y, p) + 1 - 2 * np.sum(y * d) / (np.sum(y) + np.sum(d))
    got = loss(tf.constant(y), as_predictions(p, from_logits))
    np.testing.assert_allclose(got, wanted, rtol=1e-5)


def let_win(loss, threshold):
    """Give the cut nearest to the threshold all the votes, and return it."""
    winner = np.argmin(np.abs(loss.cuts - threshold))
    loss.votes.assign(10.0 * (np.arange(len(loss.cuts)) == winner))
    return loss.cuts[winner]


@pytest.mark.parametrize("threshold", [0.1, 0.25, 0.6])
def test_losses_equal_the_counts_once_a_cut_has_won(threshold):
    scores, y = calibrated(0)
    loss = CostThreshold(1, 4, crossentropy_weight=0)
    cut = let_win(loss, threshold)
    value = float(tf.reduce_mean(loss(y, scores)))
    assert value == pytest.approx(cost(scores, y, cut, 1, 4), rel=1e-5)
    loss = F1Threshold(crossentropy_weight=0)
    let_win(loss, threshold)
    assert loss(y, scores).numpy() == pytest.approx(1 - f1_score(y, scores > cut), rel=1e-5)


def test_decide_is_the_comparison_with_the_winner():
    loss = CostThreshold(1, 4)
    cut = float(let_win(loss, 0.3))
    assert float(loss.threshold) == pytest.approx(cut)
    assert loss.decide([[cut - 0.01], [cut], [cut + 0.01]]).numpy().tolist() == [[0], [0], [1]]
    loss = CostThreshold(1, 4, from_logits=True)
    middle = np.log(let_win(loss, 0.3) / (1 - let_win(loss, 0.3)))
    assert loss.decide([[middle - 0.1], [middle + 0.1]]).numpy().tolist() == [[0.0], [1.0]]


def test_a_score_may_leave_the_interval_by_rounding_alone():
    loss = CostThreshold(1, 4)
    assert loss.decide([[1.0000005], [-0.0000005]]).numpy().tolist() == [[1.0], [0.0]]
    with pytest.raises(ValueError, match=r"from_logits=True, but holds 1\.00001"):
        loss.decide([[1.00001]])


def test_neighbours_that_lead_together_are_cut_in_their_middle():
    loss = CostThreshold(1, 1, crossentropy_weight=0)
    train(loss, np.array([[0.3], [0.7]], "float32"), np.array([[0.0], [1.0]]), epochs=5)
    between = loss.cuts[(loss.cuts >= np.float32(0.3)) & (loss.cuts < np.float32(0.7))]
    assert float(loss.threshold) == between[(len(between) - 1) // 2]


def test_the_first_threshold_is_the_middle_of_the_cuts():
    loss = CostThreshold(1, 9)
    assert float(loss.threshold) == pytest.approx(0.5, abs=2e-4)
    assert np.sum(loss.cuts < 0.5) == np.sum(loss.cuts > 0.5) == len(loss.cuts) / 2


def test_the_cuts_below_a_score_are_counted_without_a_search():
    loss = CostThreshold()
    scores = np.random.default_rng(0).random(10_000, dtype="float32")
    scores = np.concatenate([scores, 10 ** np.linspace(-17, 0, 500), [0, 1]]).astype("float32")
    read = np.asarray(_ruler(scores) + 0.5).astype(int)
    # A score that lies on a cut to the last digit may count as above it, or not.
    assert np.mean(read != np.searchsorted(loss.cuts, scores)) < 0.001
    assert np.max(np.abs(read - np.searchsorted(loss.cuts, scores))) <= 1
    assert read.min() == 0 and read.max() == len(loss.cuts)


@pytest.mark.parametrize("xla", [False, True])
def test_a_compiled_step_survives_what_is_no_probability(xla):
    loss = CostThreshold(1, 4, crossentropy_weight=0)
    step = tf.function(loss, jit_compile=xla)
    y = tf.constant([[0.0], [1.0]])
    inside, outside = (step(y, tf.constant(p)).numpy() for p in ([[1.0], [0.0]], [[2.0], [-1.0]]))
    np.testing.assert_array_equal(outside, inside)
    full = tf.function(CostThreshold(1, 4), jit_compile=xla)
    assert np.isnan(full(y, tf.constant([[np.nan], [0.5]])).numpy()).tolist() == [True, False]


# Who gets which gradient


@pytest.mark.parametrize("make", [CostThreshold, F1Threshold])
def test_the_scores_hear_the_crossentropy_alone(make):
    loss = make()
    y, p, _ = batch_of_two_outputs(loss)
    of_crossentropy = gradients(
        lambda q: keras.losses.binary_crossentropy(tf.constant(y, "float32"), q), p
    )[0]
    heard = gradients(functools.partial(loss, y), p)[0]
    np.testing.assert_allclose(heard, of_crossentropy, rtol=1e-5)


def pull_of(loss, y, scores):
    """The gradient of the mean loss with respect to the votes."""
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(loss(y, tf.constant(scores, "float32")))
    return tape.gradient(value, loss.votes.value).numpy()


@pytest.mark.parametrize("make", [CostThreshold, F1Threshold])
def test_the_threshold_hears_the_decisions_alone(make):
    pulls = []
    for weight in (0.0, 3.0):
        loss = make(crossentropy_weight=weight)
        y, p, _ = batch_of_two_outputs(loss)
        pulls.append(pull_of(loss, y, p))
    np.testing.assert_allclose(*pulls, rtol=1e-5, atol=1e-7)
    assert np.any(pulls[0] != 0)


def test_each_cut_is_pulled_by_what_it_costs_above_the_average():
    scores, y = calibrated(0)
    loss = CostThreshold(2, 7, crossentropy_weight=0)
    let_win(loss, 0.6)  # the others have shares of 0, and are pulled all the same
    costs = np.array([cost(scores, y, cut, 2, 7) for cut in loss.cuts])
    wanted = costs - np.sum(softmax(10 * loss.votes.numpy()) * costs)
    np.testing.assert_allclose(pull_of(loss, y, scores), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("y_pred", [0.0, 1.0])
@pytest.mark.parametrize("xla", [False, True])
def test_f1_of_a_batch_without_positives_is_zero_and_pulls_at_nothing(y_pred, xla):
    loss = F1Threshold(crossentropy_weight=0)
    let_win(loss, 0.5)

    @tf.function(jit_compile=xla)
    def value_and_gradient():
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss(tf.zeros((5, 1)), tf.fill((5, 1), y_pred)))
        return value, tape.gradient(value, loss.votes.value)

    value, pulls = value_and_gradient()
    assert float(value) == 1 and not np.any(pulls)


# What is learned


def test_the_learned_cost_is_within_3_percent_of_a_full_sweep_at_all_prices():
    complaints = []
    for prices in PRICES:
        learn = compiled_training(CostThreshold(*prices, crossentropy_weight=0))
        for name, (scores, y) in data_sets().items():
            learned = cost(scores, y, learn(scores, y), *prices)
            least = np.min(np.dot(prices, sweep(scores, y))) / len(y)
            if learned > 1.03 * least:
                complaints.append(f"{name}, {prices}: {learned / least:.3f} of the least cost")
    assert not complaints, "\n".join(complaints)


def test_the_learned_f1_is_within_3_percent_of_a_full_sweep():
    complaints = []
    learn = compiled_training(F1Threshold(crossentropy_weight=0))
    for name, (scores, y) in data_sets().items():
        learned = f1_score(y, scores > learn(scores, y, batch=ROWS))
        best = np.max(f1_of(y, *sweep(scores, y)))
        if learned < 0.97 * best:
            complaints.append(f"{name}: {learned / best:.3f} of the best F1")
    assert not complaints, "\n".join(complaints)


def exact_f1(threshold):
    """F1 over the whole density: the share of positives above t is an incomplete beta integral."""
    hits = A / (A + B) * beta.sf(threshold, A + 1, B)
    return 2 * hits / (A / (A + B) + beta.sf(threshold, A, B))


def test_fit_finds_the_cuts_that_the_formulas_state():
    scores, y = calibrated(0)
    for miss in (1, 4, 9):
        loss = CostThreshold(1, miss, crossentropy_weight=0)
        train(loss, scores, y)
        assert float(loss.threshold) == pytest.approx(1 / (1 + miss), abs=0.08)
    loss = F1Threshold(crossentropy_weight=0)
    train(loss, scores, y)
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
    assert np.any(loss.votes.numpy())


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
    ({"crossentropy_weight": -1}, ["`crossentropy_weight`", "-1", "at least 0"]),
    ({"from_logits": "yes"}, ["`from_logits`", "'yes'", "True or False"]),
    ({"dtype": "float16"}, ["`dtype`", "must be 'float32'", "is 'float16'"]),
    ({"dtype": "float64"}, ["`dtype`", "must be 'float32'", "is 'float64'"]),
    ({"dtype": "mixed_float16"}, ["`dtype`", "must be 'float32'", "is 'mixed_float16'"]),
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
        ({"false_positive_cost": -1}, ["false_positive_cost", "-1", "at least 0"]),
        ({"false_negative_cost": np.inf}, ["false_negative_cost", "inf", "finite"]),
        ({"false_negative_cost": [1, 2]}, ["false_negative_cost", "[1, 2]", "finite number"]),
        (
            {"false_positive_cost": 0, "false_negative_cost": 0},
            ["false_positive_cost", "false_negative_cost", "above 0"],
        ),
    ]

    def make_loss(self):
        return CostThreshold(1, 3)


class TestCostThresholdOfLogits(ThresholdContract):
    outputs = 2

    def make_loss(self):
        return CostThreshold(2, 1, crossentropy_weight=0.5, from_logits=True)


class TestF1Threshold(Probabilities):
    bad_arguments = BAD_ARGUMENTS

    def make_loss(self):
        return F1Threshold()
