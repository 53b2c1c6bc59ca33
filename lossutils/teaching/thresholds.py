"""What notebook 04 does by the hundred: scores of patients whom the network has not seen, and
thresholds that walk, vote or are searched for on given scores of shape (n, 1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import make_scorer
from sklearn.model_selection import StratifiedKFold, TunedThresholdClassifierCV

from lossutils.closures import weighted_binary_crossentropy
from lossutils.teaching.trainer import CompiledTrainer
from lossutils.threshold import CostThreshold, soft_threshold


def total_cost(scores: Any, labels: Any, threshold: float, miss_cost: float) -> float:
    """The cost of all decisions: 1 for each false alarm, `miss_cost` for each miss."""
    flagged = scores > threshold
    return np.sum(flagged & (labels == 0)) + miss_cost * np.sum(~flagged & (labels == 1))


def smoothed_cost(scores: Any, labels: Any, threshold: Any, temperature: float, miss_cost: float):
    """The mean cost of soft decisions: one for each of the thresholds, a row."""
    decision = 1 / (1 + np.exp(np.minimum((threshold - scores) / temperature, 60)))
    return np.mean((1 - labels) * decision + miss_cost * labels * (1 - decision), axis=0)


class HeldOutScores:
    """Scores by a network that is trained again and again without some of the samples.

    `weight` is the weight of the positive class in the cross-entropy.
    """

    def __init__(self, network: keras.Model, x: Any, y: Any, *, epochs: int = 200):
        self.x, self.y = x, y
        self._trainer = CompiledTrainer(network, _loss, x, y, epochs=epochs, learning_rate=0.02)

    def without(self, rows: Any, weight: float = 1.0) -> np.ndarray:
        """The scores of all samples, by a network that has not seen those in `rows`."""
        takes_part = np.ones_like(self.y)
        takes_part[rows] = 0
        return self._trainer.train(weight=weight, takes_part=takes_part).predict(self.x)

    def folds(self, split: int, count: int) -> list[np.ndarray]:
        """The rows of the folds of one split, each with its share of the positives."""
        folds = StratifiedKFold(count, shuffle=True, random_state=split)
        return [rows for _, rows in folds.split(self.x, self.y[:, 0])]

    def honest(self, split: int, weight: float = 1.0) -> np.ndarray:
        """A score for each sample, by the one network of five that has not seen it."""
        scores = np.zeros_like(self.y)
        for rows in self.folds(split, count=5):
            scores[rows] = self.without(rows, weight)[rows]
        return scores

    def quarters(self, split: int, weight: float = 1.0) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield (scores, choosing, paying): half of the samples train, a quarter chooses a cut,
        the last one pays; four times, so that each sample pays once."""
        quarters = self.folds(split, count=4)
        for choosing, paying in zip(quarters, quarters[1:] + quarters[:1], strict=True):
            yield self.without(np.concatenate([choosing, paying]), weight), choosing, paying


def _loss(y_true, y_pred, weight, takes_part):
    return takes_part[:, 0] * weighted_binary_crossentropy((1.0, weight))(y_true, y_pred)


def walk_downhill(scores: Any, labels: Any, miss_costs: Any, starts: Any) -> np.ndarray:
    """Where single thresholds stop that minimise their smoothed costs, while all cool from 0.2 to
    0.005: one for each column of `scores`, each with its own price and start."""
    raw = keras.Variable(np.log(starts / (1 - starts)), dtype="float32")
    optimizer = keras.optimizers.Adam(0.02)
    optimizer.build([raw])

    @tf.function
    def all_steps():
        for temperature in tf.constant(np.geomspace(0.2, 0.005, 600), "float32"):
            with tf.GradientTape() as tape:
                decision = soft_threshold(scores, ops.sigmoid(raw), temperature)
                cost = (1 - labels) * decision + miss_costs * labels * (1 - decision)
                cost = ops.sum(ops.mean(cost, axis=0))
            optimizer.apply([tape.gradient(cost, raw.value)], [raw])

    all_steps()
    return ops.convert_to_numpy(ops.sigmoid(raw))


class QuickVote:
    """The vote of `CostThreshold` on given scores, without the costs of `fit`: call it.

    `loss` is the loss as the last call left it.
    """

    def __init__(self):
        self.loss = CostThreshold(1, 1, crossentropy_weight=0)
        self._optimizer = keras.optimizers.Adam(0.1)
        self._optimizer.build([self.loss.votes])
        variables = self.loss.votes, *self._optimizer.variables
        self._start = [(variable, variable.numpy()) for variable in variables]
        self._run = tf.function(self._steps, reduce_retracing=True)

    def __call__(self, scores: Any, labels: Any, miss_cost: float, steps: int = 50) -> float:
        """The cut that wins the vote on these samples. A price is a weight on the positives."""
        for variable, value in self._start:
            variable.assign(value)
        weights = np.where(labels == 1, miss_cost, 1)[:, 0].astype("float32")
        self._run(*map(tf.constant, (scores, labels, weights, steps)))
        return float(self.loss.threshold)

    def _steps(self, scores, labels, weights, steps):
        for _ in tf.range(steps):
            with tf.GradientTape() as tape:
                cost = tf.reduce_mean(weights * self.loss(labels, scores))
            gradient = tape.gradient(cost, self.loss.votes.value)
            self._optimizer.apply([gradient], [self.loss.votes])


class _GivenScores(ClassifierMixin, BaseEstimator):
    """Hands on scores that are there already, as a classifier of scikit-learn."""

    def fit(self, scores, labels):
        self.classes_ = np.unique(labels)
        return self

    def predict_proba(self, scores):
        return np.hstack([1 - scores, scores])


def tuned_threshold(scores: Any, labels: Any, miss_cost: float) -> float:
    """The cut that scikit-learn's TunedThresholdClassifierCV chooses for given scores."""
    minus_cost = make_scorer(lambda y, flagged: -total_cost(flagged, y, 0.5, miss_cost))
    known = scores, labels[:, 0]
    search = TunedThresholdClassifierCV(
        _GivenScores().fit(*known), cv="prefit", refit=False, scoring=minus_cost
    )
    return search.fit(*known).best_threshold_
