"""Thresholds by the hundred: each as the loss or the search that it stands for."""

import keras
import numpy as np
import pytest

from lossutils import CostThreshold
from lossutils.teaching.thresholds import (
    HeldOutScores,
    QuickVote,
    smoothed_cost,
    total_cost,
    tuned_threshold,
    walk_downhill,
)

random = np.random.default_rng(0)
SCORES = random.beta(1, 4, size=(400, 1)).astype("float32")
LABELS = (random.random((400, 1)) < SCORES).astype("float32")
CUTS = np.append(0.0, np.unique(SCORES))


def cost(cut: float, price: float = 4) -> float:
    return total_cost(SCORES, LABELS, cut, price)


def test_a_miss_and_a_false_alarm_are_charged():
    scores, labels = np.array([[0.1], [0.9], [0.9]]), np.array([[1], [0], [1]])
    assert total_cost(scores, labels, 0.5, miss_cost=7) == 1 + 7


def test_a_cold_smoothed_cost_is_the_true_one():
    cold = smoothed_cost(SCORES, LABELS, np.array([0.2, 0.6]), 1e-6, 4)
    np.testing.assert_allclose(cold * len(SCORES), [cost(0.2), cost(0.6)], rtol=1e-3)


@pytest.mark.parametrize("search", [QuickVote(), tuned_threshold])
def test_a_search_ends_near_the_least_cost_and_follows_the_price(search):
    assert cost(search(SCORES, LABELS, 4)) <= 1.03 * min(map(cost, CUTS))
    assert search(SCORES, LABELS, 20) < search(SCORES, LABELS, 1)


def test_a_vote_is_that_of_the_loss_and_begins_afresh():
    vote = QuickVote()
    first = vote(SCORES, LABELS, 4)
    vote(SCORES, LABELS, 20)
    assert vote(SCORES, LABELS, 4) == first
    assert isinstance(vote.loss, CostThreshold) and float(vote.loss.threshold) == first


def test_walkers_stop_where_their_own_smoothed_cost_is_least():
    prices, starts = np.array([1, 9], "float32"), np.array([0.5, 0.3], "float32")
    stops = walk_downhill(np.repeat(SCORES, 2, axis=1), LABELS, prices, starts)
    assert stops[1] < stops[0]
    for stop, price in zip(stops, prices, strict=True):
        assert cost(stop, price) <= 1.15 * min(cost(cut, price) for cut in CUTS)


def test_held_out_samples_have_no_say():
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, "sigmoid")])
    rows, spoilt = np.arange(10), LABELS.copy()
    spoilt[rows] = 1 - spoilt[rows]
    honest, other = (HeldOutScores(network, SCORES, y, epochs=5) for y in (LABELS, spoilt))
    np.testing.assert_array_equal(honest.without(rows), other.without(rows))
    assert np.any(honest.without([]) != other.without([]))
    everybody = np.sort(np.concatenate([paying for _, _, paying in honest.quarters(0)]))
    np.testing.assert_array_equal(everybody, np.arange(len(SCORES)))
    fold = honest.folds(0, count=5)[0]
    np.testing.assert_array_equal(honest.honest(0)[fold], honest.without(fold)[fold])
