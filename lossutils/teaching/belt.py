"""The belt of notebook 11: images by thirteen hands, splits that keep a hand together, and methods
that are trained on each split and charged for their mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

HANDS = 13
TRAINING, VALIDATION, TEST, UNSEEN = range(4)


def cost_at(cuts: Any, scores: np.ndarray, is_fault: np.ndarray, share: float, miss: float):
    """What 1000 images cost at each of these cuts: 1 for a false alarm, `miss` for a missed fault,
    if a `share` of the images are faults."""
    alarm = scores > np.reshape(cuts, (-1, 1))
    missed, false_alarms = ~alarm[:, is_fault], alarm[:, ~is_fault]
    return 1000 * (share * miss * missed.mean(1) + (1 - share) * false_alarms.mean(1))


def best_cut(scores: np.ndarray, is_fault: np.ndarray, share: float, miss: float) -> float:
    """Of the cuts below, between and above the scores, the one that costs least."""
    levels = np.unique(scores.astype("float64"))
    cuts = np.concatenate([[levels[0] - 1], (levels[1:] + levels[:-1]) / 2, [levels[-1] + 1]])
    return cuts[np.argmin(cost_at(cuts, scores, is_fault, share, miss))]


@dataclass(frozen=True)
class Split:
    """Training, validation, test, unseen: images scaled by the `centre` and `size` of the first,
    and which are faults (all of the unseen are). `hands` are those of the validation images."""

    x: list[np.ndarray]
    is_fault: list[np.ndarray]
    centre: np.ndarray
    size: float
    hands: np.ndarray


class Belt:
    """The digits of scikit-learn: one is the fault that is known, one comes unseen at the end.

    `hand` says of each image in which of 13 blocks of the file it stands: about one writer each.
    """

    def __init__(self, fault: int, unseen: int):
        self.images, self.digit = load_digits(return_X_y=True)
        self.fault, self.unseen = fault, unseen
        self.hand = np.arange(len(self.digit)) * HANDS // len(self.digit)
        self._orders = [np.random.default_rng(seed).permutation(HANDS) for seed in range(11, 15)]

    def hands(self, turn: int) -> np.ndarray:
        """The hands in an order of their own for each of 52 turns; 13 turns put each hand in each
        place once."""
        return np.roll(self._orders[turn // HANDS], turn)

    def rows(self, hands: Any, faults: int, ordinary: int, random: np.random.Generator, hand=None):
        """The rows of so many faults and ordinary images by these hands, the ordinary first."""
        hand = self.hand if hand is None else hand
        rows = random.permutation(np.flatnonzero(np.isin(hand, hands)))
        kind = self.digit[rows]
        is_ordinary = (kind != self.fault) & (kind != self.unseen)
        return np.concatenate([rows[is_ordinary][:ordinary], rows[kind == self.fault][:faults]])

    def split(self, turn: int, shuffled: bool = False) -> Split:
        """Five hands to train on, three to choose with, five to test with and, by these, the unseen
        faults. `shuffled` gives the images to the hands by chance, as a random split does."""
        hand = np.random.default_rng(turn).permutation(self.hand) if shuffled else self.hand
        random, hands = np.random.default_rng(turn), np.roll(self._orders[0], turn)
        groups = (hands[:5], 24, 500), (hands[5:8], 24, 280), (hands[8:], 50, 480)
        rows = [self.rows(*group, random, hand) for group in groups]
        unseen = np.flatnonzero(np.isin(hand, hands[8:]) & (self.digit == self.unseen))
        centre = self.images[rows[TRAINING]].mean(axis=0)
        size = (self.images[rows[TRAINING]] - centre).std()
        x = [((self.images[part] - centre) / size).astype("float32") for part in (*rows, unseen)]
        is_fault = [self.digit[part] == self.fault for part in rows]
        return Split(x, is_fault, centre, size, hand[rows[VALIDATION]])


class Trials:
    """Methods on many splits: the scores of each, and what its decisions cost.

    A method takes training images and which of them are faults, and returns a function from images
    to scores and a cut of its own. Costs are for 1000 images with a `share` of faults, on the test
    part; a cut is "own", "learned" (the best of the validation part), "left out" (the same, but
    for each validation hand learned without it) or a number.
    """

    def __init__(self, splits: Sequence[Split], share: float, miss: float):
        self.splits, self.prices = splits, (share, miss)
        self.results: dict[str, list[tuple[list[np.ndarray], float]]] = {}

    def evaluate(self, name: str, method: Callable, network: Any = None, weights: Any = ()):
        """Train a method on every split, keep its scores and its cut, return its costs there; the
        `network` it uses, if any, gets the weights of each split before."""
        self.results[name] = []
        for i, split in enumerate(self.splits):
            if network is not None:
                network.set_weights(weights[i])
            score, cut = method(split.x[TRAINING], split.is_fault[TRAINING])
            self.results[name].append(([np.asarray(score(part)) for part in split.x], cut))
        return self.costs(name)

    def costs(self, name: str, cut: str | float = "own", part: int = TEST) -> np.ndarray:
        """The costs, one for each split; with cuts "left out", those on the validation part."""
        part = VALIDATION if cut == "left out" else part
        return np.array([
            cost_at(0.5, alarm.astype("float64"), split.is_fault[part], *self.prices)[0]
            for split, alarm in zip(self.splits, self._alarms(name, cut, part), strict=True)
        ])

    def mistakes(self, name: str, cut: str | float = "own") -> list[float]:
        """The share of faults that is missed, and of ordinary images flagged, over all splits."""
        alarms = zip(self.splits, self._alarms(name, cut, TEST), strict=True)
        rates = [
            (np.mean(~alarm[split.is_fault[TEST]]), np.mean(alarm[~split.is_fault[TEST]]))
            for split, alarm in alarms
        ]
        return np.mean(rates, axis=0).tolist()

    def mean(self, name: str, function: Callable) -> float:
        """The mean of `function(split, scores)` over the splits."""
        pairs = zip(self.splits, self.results[name], strict=True)
        return float(np.mean([function(split, scores) for split, (scores, _) in pairs]))

    def _alarms(self, name, cut, part):
        for split, (scores, own) in zip(self.splits, self.results[name], strict=True):
            known = scores[VALIDATION], split.is_fault[VALIDATION]
            if cut == "left out":
                yield self._left_out(*known, split.hands)
            elif cut == "learned":
                yield scores[part] > self._learn(*known)
            else:
                yield scores[part] > (own if cut == "own" else cut)

    def _learn(self, scores, is_fault):
        return best_cut(scores, is_fault, *self.prices)

    def _left_out(self, scores, is_fault, hands):
        alarm = np.zeros(len(hands), bool)
        for hand in np.unique(hands):
            out = hands == hand
            alarm[out] = scores[out] > self._learn(scores[~out], is_fault[~out])
        return alarm
