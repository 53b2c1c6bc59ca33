"""The belt of notebook 11: splits that keep hands apart, and costs at the right cuts."""

import numpy as np
import pytest

from lossutils.teaching.belt import TEST, VALIDATION, Belt, Trials, best_cut, cost_at

BELT = Belt(fault=8, unseen=9)
SPLITS = [BELT.split(turn) for turn in range(3)]


def centre_score(x, fault):
    """The direction from the ordinary mean to that of the faults, cut in the middle."""
    ordinary, faults = x[~fault].mean(axis=0), x[fault].mean(axis=0)
    return lambda images: (images - (ordinary + faults) / 2) @ (faults - ordinary), 0.0


@pytest.fixture(scope="module")
def trials():
    trials = Trials(SPLITS, share=0.05, miss=20)
    trials.evaluate("centres", centre_score)
    return trials


def written_by(images):
    """The hands of scaled images, which are found among all images."""
    known = zip(BELT.images.astype("int8"), BELT.hand, strict=True)
    found = {image.tobytes(): int(hand) for image, hand in known}
    return {found[image.tobytes()] for image in np.round(images).astype("int8")}


@pytest.mark.parametrize("shuffled", [False, True])
def test_no_hand_is_in_two_parts_unless_shuffled(shuffled):
    split = BELT.split(1, shuffled)
    parts = [written_by(part.astype("float64") * split.size + split.centre) for part in split.x]
    assert bool(parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2]) == shuffled
    assert [int(faults.sum()) for faults in split.is_fault] == [24, 24, 50]
    assert [len(faults) for faults in split.is_fault] == [524, 304, 530]
    assert abs(split.x[0].mean()) < 1e-5 and split.x[0].std() == pytest.approx(1, abs=1e-5)


def test_each_hand_takes_each_place_once_in_thirteen_turns():
    places = np.array([BELT.hands(turn) for turn in range(13)])
    assert all(len(set(column)) == 13 for column in places.T)


def test_the_price_of_a_cut_is_that_of_its_mistakes():
    scores, is_fault = np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, False, True])
    costs = cost_at([0.5, 2.5, 9.0], scores, is_fault, share=0.1, miss=30)
    np.testing.assert_allclose(costs, [900, 1000 * (0.1 * 30 / 2 + 0.9 / 2), 3000])
    assert best_cut(scores, is_fault, share=0.1, miss=30) == 1.5


def test_costs_at_own_learned_and_given_cuts(trials):
    (scores, _), split = trials.results["centres"][0], SPLITS[0]
    cut = best_cut(scores[VALIDATION], split.is_fault[VALIDATION], 0.05, 20)
    for name, at in (("own", 0.0), ("learned", cut), (3.0, 3.0)):
        wanted = cost_at(at, scores[TEST], split.is_fault[TEST], 0.05, 20)[0]
        assert trials.costs("centres", name)[0] == pytest.approx(wanted)
    missed, flagged = trials.mistakes("centres", "learned")
    mean = 1000 * (0.05 * 20 * missed + 0.95 * flagged)
    assert trials.costs("centres", "learned").mean() == pytest.approx(mean)


def test_a_hand_left_out_has_no_say_in_its_cut():
    split = SPLITS[0]
    out = split.hands == split.hands[0]
    decided = []
    for labels in (split.is_fault[VALIDATION], split.is_fault[VALIDATION] ^ out):
        alarm = Trials(SPLITS, 0.05, 20)._left_out(split.x[VALIDATION][:, 20], labels, split.hands)
        decided.append(alarm)
    np.testing.assert_array_equal(decided[0][out], decided[1][out])
    assert np.any(decided[0][~out] != decided[1][~out])


def test_a_network_gets_the_weights_of_each_split(trials):
    class Network:
        weights = []

        def set_weights(self, values):
            self.weights.append(values)

    Trials(SPLITS, 0.05, 20).evaluate("centres", centre_score, Network(), ["a", "b", "c"])
    assert Network.weights == ["a", "b", "c"]
    assert trials.mean("centres", lambda split, scores: len(scores[0])) == 524
