"""Thresholds that are trained: how high must a score be to act on it?

A comparison has no gradient, so a soft step stands in for it while training. And a threshold needs
an objective that depends on decisions, such as their cost or F1: the cross-entropy of soft
decisions leaves it undetermined, because the network can make up for any threshold.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from lossutils import _validation as check
from lossutils.closures import weighted_binary_crossentropy
from lossutils.stateful import StatefulLoss


def soft_threshold(scores: Any, threshold: Any, temperature: Any = 0.05) -> Any:
    """A decision with a gradient: sigmoid((scores - threshold) / temperature).

    Within about two temperatures of the threshold the decision is between no (0) and yes (1), and
    only there the gradient is worth anything: at ten temperatures it is 5000 times smaller.

    Args:
        scores: numbers of any shape.
        threshold: one finite number in the unit of the scores, or a scalar tensor.
        temperature: width of the step in the unit of the scores, above 0, or a scalar tensor.

    Returns:
        Values between 0 and 1, in the shape of the scores, at least float32 wide.

    Raises:
        ValueError: ``threshold`` is not finite or ``temperature`` is not above 0.

    >>> decisions = soft_threshold([0.4, 0.5, 0.6], threshold=0.5, temperature=0.1)
    >>> [round(float(d), 2) for d in decisions]
    [0.27, 0.5, 0.73]
    """
    check.number("threshold", threshold)
    check.number("temperature", temperature, above=0)
    scores = ops.convert_to_tensor(scores)
    dtype = "float64" if keras.backend.standardize_dtype(scores.dtype) == "float64" else "float32"
    scores, threshold, temperature = (ops.cast(v, dtype) for v in (scores, threshold, temperature))
    return ops.sigmoid((scores - threshold) / temperature)


def straight_through_threshold(scores: Any, threshold: Any, temperature: Any = 0.05) -> Any:
    """A hard decision, 0 or 1, with the gradient of the soft one.

    What is computed is exactly ``scores > threshold``; only the gradient is that of
    ``soft_threshold``. So the reported loss is the true one, and the gradient that of another
    function: where a loss is linear in the decision, as a cost is, training ends at the minimum of
    the smoothed loss all the same.

    Args:
        scores, threshold, temperature: as for ``soft_threshold``.

    Returns:
        0 or 1, in the shape of the scores, at least float32 wide.

    Raises:
        ValueError: as ``soft_threshold``.

    Source: Bengio, Léonard and Courville (2013), arXiv:1308.3432.

    >>> straight_through_threshold([0.4, 0.5, 0.6], threshold=0.5).numpy().tolist()
    [0.0, 0.0, 1.0]
    """
    soft = soft_threshold(scores, threshold, temperature)
    scores, threshold = (ops.cast(v, soft.dtype) for v in (scores, threshold))
    hard = ops.cast(scores > threshold, soft.dtype)
    # The bracket is exactly 0, so rounding cannot move the decision off 0 or 1.
    return hard + (soft - ops.stop_gradient(soft))


class _TrainedThreshold(StatefulLoss):
    """What the losses of this file share: the variables, and the cross-entropy for the scores."""

    def __init__(
        self,
        temperature: float = 0.05,
        start: float = 0.5,
        crossentropy_weight: float = 1.0,
        stop_gradient: bool = True,
        from_logits: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.first_temperature = float(check.number("temperature", temperature, above=0))
        self.start = float(check.number("start", start, above=0, below=1))
        self.crossentropy_weight = float(
            check.number("crossentropy_weight", crossentropy_weight, at_least=0)
        )
        self.stop_gradient = check.flag("stop_gradient", stop_gradient)
        self.from_logits = check.flag("from_logits", from_logits)
        self.crossentropy = weighted_binary_crossentropy((1.0, 1.0), from_logits)
        self.temperature = self._scalar("temperature", self.first_temperature, trainable=False)
        # Its sigmoid is the threshold: every value is allowed, and no clip cuts the gradient off.
        self.raw_threshold = self._scalar("raw_threshold", math.log(self.start / (1 - self.start)))

    def _scalar(self, name: str, value: float, trainable: bool = True) -> keras.Variable:
        initializer = keras.initializers.Constant(value)
        return self.add_weight(shape=(), initializer=initializer, trainable=trainable, name=name)

    @property
    def threshold(self) -> Any:
        """The learned threshold, a probability between 0 and 1, as a scalar tensor."""
        return ops.sigmoid(self.raw_threshold)

    def decide(self, y_pred: Any) -> Any:
        """1.0 where the predicted probability is above the learned threshold, else 0.0."""
        return ops.cast(self._probabilities(y_pred) > self.threshold, "float32")

    def check_labels(self, y_true: Any) -> None:
        """Raise ValueError for labels other than 0 and 1."""
        super().check_labels(y_true)
        check.zeros_and_ones("y", y_true)

    def call(self, y_true, y_pred):
        check.at_least_one_axis(y_pred)
        check.zeros_and_ones("y_true", y_true)
        y_true, probabilities = ops.cast(y_true, "float32"), self._probabilities(y_pred)
        if self.stop_gradient:
            probabilities = ops.stop_gradient(probabilities)
        temperature = ops.convert_to_tensor(self.temperature)
        decision = soft_threshold(probabilities, self.threshold, temperature)
        of_the_scores = self.crossentropy_weight * self.crossentropy(y_true, y_pred)
        return of_the_scores + self.decision_loss(y_true, decision)

    def decision_loss(self, y_true: Any, decision: Any) -> Any:
        """What the decisions cost: one value per sample, or one for the batch."""
        raise NotImplementedError

    def _probabilities(self, y_pred: Any) -> Any:
        y_pred = ops.cast(y_pred, "float32")
        if self.from_logits:
            return ops.sigmoid(y_pred)
        check.probabilities("y_pred", y_pred)
        return y_pred

    def get_config(self):
        return {
            **super().get_config(),
            "temperature": self.first_temperature,
            "start": self.start,
            "crossentropy_weight": self.crossentropy_weight,
            "stop_gradient": self.stop_gradient,
            "from_logits": self.from_logits,
        }


@keras.saving.register_keras_serializable(package="lossutils")
class CostThreshold(_TrainedThreshold):
    """Trains the threshold that makes decisions cheapest, next to the network that scores.

    With s = sigmoid((p - threshold) / temperature) the loss of a sample is

        crossentropy_weight * crossentropy(y, p)
            + false_positive_cost * (1 - y) * s + false_negative_cost * y * (1 - s)

    averaged over the last axis. The cross-entropy trains the network, the cost the threshold: the
    scores in the cost have no gradient unless ``stop_gradient=False``. To train the threshold
    alone, on data that the network has not seen, freeze the network: ``network.trainable = False``.

    Where p is the true probability the best threshold is
    false_positive_cost / (false_positive_cost + false_negative_cost), whatever the data. A learned
    one is of use where p is not: it finds the cheapest cut of the scores as they are.

    The temperature is a variable: a callback may cool it, ``loss.temperature.assign(0.01)``. A
    large one smooths the cost, and shifts its minimum; with a small one only scores close to the
    threshold have a gradient. From 0.2 down to 0.01 or below is a good start.

    Args:
        false_positive_cost: cost of a false alarm, finite, at least 0.
        false_negative_cost: cost of a miss, finite, at least 0; not both may be 0.
        temperature: width of the soft step as a probability, above 0.
        start: threshold before training, between 0 and 1.
        crossentropy_weight: weight of the cross-entropy, at least 0. With 0 and ``stop_gradient``
            nothing trains the network.
        stop_gradient: False lets the cost of the decisions train the network too.
        from_logits: True if ``y_pred`` holds logits, False if it holds probabilities.
        **kwargs: ``reduction``, ``name``, ``dtype``, as in ``StatefulLoss``.

    Shapes:
        ``y_true`` (0 or 1) and ``y_pred`` (batch, ..., d), result (batch, ...).

    Raises:
        ValueError: a bad argument, labels other than 0 and 1, or (outside compiled steps)
            predictions outside [0, 1] without ``from_logits``.

    Source: Elkan (2001), The Foundations of Cost-Sensitive Learning, equation 2.

    >>> loss = CostThreshold(1, 4, temperature=0.01, crossentropy_weight=0)
    >>> y_true, y_pred = ops.array([[0.0], [1.0]]), ops.array([[0.9], [0.1]])
    >>> loss(y_true, y_pred).numpy().tolist()
    [1.0, 4.0]
    >>> float(loss.threshold), loss.decide(y_pred).numpy().tolist()
    (0.5, [[1.0], [0.0]])
    """

    def __init__(
        self,
        false_positive_cost: float = 1.0,
        false_negative_cost: float = 1.0,
        temperature: float = 0.05,
        **kwargs,
    ):
        super().__init__(temperature, **kwargs)
        check.number("false_positive_cost", false_positive_cost, at_least=0)
        check.number("false_negative_cost", false_negative_cost, at_least=0)
        costs = (false_positive_cost, false_negative_cost)
        check.weights("(false_positive_cost, false_negative_cost)", costs)
        self.false_positive_cost, self.false_negative_cost = map(float, costs)

    def decision_loss(self, y_true, decision):
        false_alarm = self.false_positive_cost * (1.0 - y_true) * decision
        miss = self.false_negative_cost * y_true * (1.0 - decision)
        return ops.mean(false_alarm + miss, axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "false_positive_cost": self.false_positive_cost,
            "false_negative_cost": self.false_negative_cost,
        }


@keras.saving.register_keras_serializable(package="lossutils")
class F1Threshold(_TrainedThreshold):
    """Trains the threshold that makes F1 largest, next to the network that scores.

    With s = sigmoid((p - threshold) / temperature) the loss of every sample is

        crossentropy_weight * crossentropy(y, p) + 1 - 2 sum(y s) / (sum(y) + sum(s))

    F1 couples the samples: the sums run over the whole batch, every sample gets the same 1 - F1,
    and weights and masks do not enter the sums. So the batch must be large; F1 is not the mean of
    the F1 of its parts. On several replicas each takes the F1 of its own share. A batch without
    positives has F1 = 0 and no gradient.

    Where p is the true probability the best threshold is half of the best F1. Unlike the threshold
    for costs it depends on the data, so that there is something to learn.

    Args:
        temperature, start, crossentropy_weight, stop_gradient, from_logits: as in
            ``CostThreshold``. The temperature may be cooled here as well.
        **kwargs: ``reduction``, ``name``, ``dtype``, as in ``StatefulLoss``.

    Shapes:
        ``y_true`` (0 or 1) and ``y_pred`` (batch, ..., d), result (batch, ...).

    Raises:
        ValueError: as ``CostThreshold``.

    Source: Lipton, Elkan and Naryanaswamy (2014), Optimal Thresholding of Classifiers to Maximize
    F1 Measure, doi:10.1007/978-3-662-44851-9_15.

    >>> loss = F1Threshold(temperature=0.01, crossentropy_weight=0)
    >>> values = loss(ops.array([[0.0], [1.0], [1.0]]), ops.array([[0.1], [0.9], [0.2]]))
    >>> [round(float(v), 3) for v in values]
    [0.333, 0.333, 0.333]
    """

    couples_samples = True

    def decision_loss(self, y_true, decision):
        hits = ops.sum(y_true * decision)
        return 1.0 - ops.divide_no_nan(2.0 * hits, ops.sum(y_true) + ops.sum(decision))
