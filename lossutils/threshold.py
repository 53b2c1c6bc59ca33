"""Thresholds that are trained: how high must a score be to act on it?

A comparison has no gradient, so something soft stands in for it while training: a step with a
slope, or the average over many cuts. And a threshold needs an objective that depends on decisions,
such as their cost or F1. The cross-entropy of soft decisions leaves it undetermined, because the
network can make up for any threshold.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lossutils import arguments
from lossutils.closures import weighted_binary_crossentropy
from lossutils.stateful import StatefulLoss


def soft_threshold(scores, threshold, temperature=0.05):
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
    arguments.number("threshold", threshold)
    arguments.number("temperature", temperature, above=0)
    scores = arguments.at_least_float32(scores)
    threshold, temperature = (ops.cast(v, scores.dtype) for v in (threshold, temperature))
    return ops.sigmoid((scores - threshold) / temperature)


def straight_through_threshold(scores, threshold, temperature=0.05):
    """A hard decision, 0 or 1, with the gradient of the soft one.

    What is computed is exactly ``scores > threshold``; only the gradient is that of
    ``soft_threshold``. So the reported loss is the true one, but its gradient belongs to another
    function. Where a loss is linear in the decision, as a cost is, that function is the smoothed
    loss, and training ends at its minimum all the same.

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


# The factor of the votes in the softmax. Adam moves a vote by about its rate in a step: at 0.001,
# by 1 in a thousand steps. That multiplies the share by e**10 = 22,000 against a cut whose votes
# stay at 0, which is enough to outweigh 4000 of them.
SPEED = 10.0


CUTS = 4000
_ROW = 32  # cuts that are added up together; it divides their number


def _cuts() -> np.ndarray:
    """The cuts: at 1/2, 3/2, ... on the ruler, which is read off at 200,000 probabilities."""
    probabilities = 1.0 / (1.0 + np.exp(np.linspace(36.0, -16.0, 200_000)))
    marks = ops.convert_to_numpy(_ruler(probabilities))
    return np.interp(np.arange(CUTS) + 0.5, marks, probabilities).astype("float32")


def _ruler(probabilities):
    """From 0 to 4000: 3000 marks at even distances, and more of them close to both ends."""
    p = ops.convert_to_tensor(probabilities)
    smallest = 1e-37  # so that the logarithms are finite at 0 and 1
    log_odds = ops.log(ops.maximum(p, smallest)) - ops.log(ops.maximum(1.0 - p, smallest))
    close_to_0, close_to_1 = ops.clip(log_odds, -36.0, 0.0), ops.clip(log_odds, 0.0, 16.0)
    return 3000.0 * p + 500.0 * (1.0 + close_to_0 / 36.0 + close_to_1 / 16.0)


@ops.custom_gradient
def _average_decision(votes, probabilities):
    """The share of the votes that says yes to each sample: that of the cuts below its score.

    The scores get no gradient. That of a vote is what its cut costs more than the average. That of
    the softmax is this times the share: with that one, a cut that has lost could never come back.
    """
    shares_below = ops.pad(_running_sums(ops.softmax(SPEED * votes)), [[1, 0]])
    # Where the ruler is read, no cut has to be searched for. NaN is no place on it.
    cuts_below = ops.clip(ops.cast(_ruler(probabilities) + 0.5, "int32"), 0, CUTS)
    decision = tf.gather(shares_below, cuts_below)

    def slopes(upstream):
        flat = ops.reshape(upstream, [-1]), ops.reshape(cuts_below, [-1])
        of_each = ops.segment_sum(*flat, num_segments=CUTS + 1)
        of_its_noes = _running_sums(of_each[:-1])  # of each cut: all samples that are not above it
        return ops.sum((1.0 - decision) * upstream) - of_its_noes, None

    return decision, slopes


def _running_sums(numbers):
    """Of as many numbers as there are cuts: each plus all before it.

    Within rows first, by a product with a triangle of ones. To add up all one after another takes
    longer, with XLA above all, and in float32 is wrong in the fifth digit.
    """
    rows = ops.reshape(numbers, (-1, _ROW))
    within = ops.matmul(rows, np.triu(np.ones((_ROW, _ROW), "float32")))
    before = tf.cumsum(within[:, -1:], exclusive=True)
    return ops.reshape(within + before, (-1,))


class _VotedThreshold(StatefulLoss):
    """What the losses of this file share: cuts that are voted on, and the cross-entropy.

    Each of them says in ``decision_loss(y_true, decision)`` what the decisions cost: one value per
    sample, or one for the batch.
    """

    def __init__(self, crossentropy_weight: float = 1.0, from_logits: bool = False, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy.name  # scores are compared with cuts, which are float32
        arguments.check("dtype", dtype, "be 'float32'", dtype == "float32")
        arguments.number("crossentropy_weight", crossentropy_weight, at_least=0)
        self.crossentropy_weight = float(crossentropy_weight)
        self.from_logits = arguments.flag("from_logits", from_logits)
        self.crossentropy = weighted_binary_crossentropy((1.0, 1.0), from_logits)
        self.cuts = _cuts()
        self.votes = self.add_weight(shape=self.cuts.shape, initializer="zeros", name="votes")

    @property
    def threshold(self):
        """The cut that leads the vote, a probability between 0 and 1, as a scalar tensor.

        Where neighbours lead together, because no score lies between them, it is the middle one.
        Before training all lead together, and their middle is 0.5.
        """
        votes = ops.convert_to_tensor(self.votes)
        best = ops.max(votes)
        leading = ops.cast(votes >= best - 0.001 * (best - ops.mean(votes)), "int32")
        middle = ops.argmax(2 * ops.cumsum(leading) >= ops.sum(leading))
        return ops.take(self.cuts, middle)

    def decide(self, y_pred):
        """1.0 where the predicted probability is above the learned threshold, else 0.0.

        Args:
            y_pred: what the loss takes: logits with ``from_logits``, else probabilities.

        Raises:
            ValueError: without ``from_logits``, numbers outside [0, 1] by more than rounding, 1e-6
                (outside compiled functions).
        """
        return ops.cast(self._probabilities(y_pred) > self.threshold, "float32")

    def check_labels(self, y_true) -> None:
        """Raise ValueError for labels other than 0 and 1."""
        super().check_labels(y_true)
        arguments.zeros_and_ones("y", y_true)

    def call(self, y_true, y_pred):
        y_true, probabilities = ops.cast(y_true, "float32"), self._probabilities(y_pred)
        votes = tf.convert_to_tensor(self.votes)  # a custom gradient takes no variables
        of_the_scores = self.crossentropy_weight * self.crossentropy(y_true, y_pred)
        return of_the_scores + self.decision_loss(y_true, _average_decision(votes, probabilities))

    def _probabilities(self, y_pred):
        y_pred = ops.cast(y_pred, "float32")
        if self.from_logits:
            return ops.sigmoid(y_pred)
        arguments.probabilities("y_pred", y_pred)
        return y_pred


@keras.saving.register_keras_serializable(package="lossutils")
class CostThreshold(_VotedThreshold):
    """Trains the threshold that makes decisions cheapest, next to the network that scores.

    One threshold that walks downhill stops in the first valley of the cost. Here about 4000 cuts
    are on trial at once. A softmax of trained votes gives each cut its share, and the decision d
    about a sample is the average of theirs: the share of the cuts below its score. The loss is

        crossentropy_weight * crossentropy(y, p)
            + false_positive_cost * (1 - y) * d + false_negative_cost * y * (1 - d)

    averaged over the last axis. It is linear in the shares, so that no valley but the deepest can
    hold them. The gradient of a cut's votes is what this cut costs more than the average of all
    cuts, each counted by its share. So a step of gradient descent raises the votes of the cheaper
    cuts and lowers those of the dearer ones, however small their shares are.

    The cross-entropy alone trains the network: the decisions have no gradient for the scores. The
    cost alone trains the votes.

    Before training all votes are equal, and the threshold is 0.5, the middle one of the cuts.

    What to expect: the cheapest of the cuts for the scores trained on, after 600 steps of Adam at
    rates from 0.01 to 0.1, or 2000 at 0.001. Cuts are at most 1/3000 apart, so that a sweep over
    all scores gains no more than the samples between two of them cost. On the data sets of the unit
    tests, at prices from 20:1 to 1:20, that stayed within 3 %.

    What is not promised:

    - the same where scores lie within a few hundredths of each other, or where one sample more is
      over 3 %
    - the same for a network that still changes in the last half of the training, as votes on its
      old scores count too
    - the same on new data: the cheapest cut of few samples is partly luck.

    Where p is the true probability the best threshold is
    false_positive_cost / (false_positive_cost + false_negative_cost), whatever the data. A learned
    one is of use where p is not. To train the threshold alone, on data that the network has not
    seen, freeze the network: ``network.trainable = False``.

    Args:
        false_positive_cost: cost of a false alarm, finite, at least 0.
        false_negative_cost: cost of a miss, finite, at least 0; not both may be 0.
        crossentropy_weight: factor of the cross-entropy, at least 0. It scales the gradient of the
            network and leaves that of the votes as it is. With 0 nothing trains the network.
        from_logits: True if ``y_pred`` holds logits, False if it holds probabilities. Cuts are made
            in probabilities either way: of logits the loss and ``decide`` take the sigmoid first.
        **kwargs: ``reduction`` and ``name``, as in ``StatefulLoss``; ``dtype`` may only be float32.

    Shapes:
        ``y_true`` (0 or 1) and ``y_pred`` (batch, ..., d), result (batch, ...).

    Raises:
        ValueError: a bad argument, a ``dtype`` other than float32, or (outside compiled steps)
            labels other than 0 and 1, or predictions outside [0, 1] without ``from_logits``. In
            compiled steps neither is looked at. But ``fit`` looks at labels before the first step:
            at all of an array, and at the first batch of a data set.

    Sources: Elkan (2001), The Foundations of Cost-Sensitive Learning, equation 2; Kivinen and
    Warmuth (1997), Exponentiated Gradient versus Gradient Descent, doi:10.1006/inco.1996.2612.

    >>> from lossutils import ModelWithLoss
    >>> scores, labels = np.array([[0.2], [0.4], [0.7]]), np.array([[0], [1], [1]])
    >>> network = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
    >>> model = ModelWithLoss(network, CostThreshold(1, 4, crossentropy_weight=0))
    >>> model.compile(keras.optimizers.Adam(0.02))
    >>> _ = model.fit(scores, labels, epochs=50, verbose=0)
    >>> 0.2 < float(model.loss_layer.threshold) < 0.4
    True
    >>> model.loss_layer.decide(scores).numpy().tolist()
    [[0.0], [1.0], [1.0]]
    """

    def __init__(self, false_positive_cost=1.0, false_negative_cost=1.0, **kwargs):
        super().__init__(**kwargs)
        costs = (false_positive_cost, false_negative_cost)
        costs = arguments.weights("(false_positive_cost, false_negative_cost)", costs)
        self.false_positive_cost, self.false_negative_cost = costs

    def decision_loss(self, y_true, decision):
        false_alarm = self.false_positive_cost * (1.0 - y_true) * decision
        miss = self.false_negative_cost * y_true * (1.0 - decision)
        return ops.mean(false_alarm + miss, axis=-1)


@keras.saving.register_keras_serializable(package="lossutils")
class F1Threshold(_VotedThreshold):
    """Trains the threshold that makes F1 largest, next to the network that scores.

    With the averaged decisions d of ``CostThreshold`` the loss of every sample is

        crossentropy_weight * crossentropy(y, p) + 1 - 2 sum(y d) / (sum(y) + sum(d))

    F1 couples the samples: the sums run over the whole batch, and every sample gets the same
    1 - F1. Weights and masks do not enter the sums. F1 is not the mean of the F1 of parts, so the
    batch must be large. On several replicas each takes the F1 of its own share. A batch without
    positives has F1 = 0 and no gradient.

    F1 is a ratio of two linear functions of the shares, and again no valley but the deepest can
    hold them. What to expect is said at ``CostThreshold``, here for an F1 within 3 % of the best
    one and batches that hold all samples. What is not promised there is not promised here.

    Where p is the true probability the best threshold is half of the best F1. Unlike the threshold
    for costs it depends on the data, so that there is something to learn.

    Args:
        crossentropy_weight, from_logits, **kwargs: as in ``CostThreshold``.

    Shapes:
        ``y_true`` (0 or 1) and ``y_pred`` (batch, ..., d), result (batch, ...).

    Raises:
        ValueError: as ``CostThreshold``.

    Source: Lipton, Elkan and Naryanaswamy (2014), Optimal Thresholding of Classifiers to Maximize
    F1 Measure, doi:10.1007/978-3-662-44851-9_15.

    >>> loss = F1Threshold(crossentropy_weight=0)
    >>> _ = loss.votes.assign(10.0 * (abs(loss.cuts - 0.5) < 1e-3))  # as if 0.5 had won
    >>> values = loss(ops.array([[0.0], [1.0], [1.0]]), ops.array([[0.1], [0.9], [0.2]]))
    >>> [round(float(v), 3) for v in values]
    [0.333, 0.333, 0.333]
    """

    couples_samples = True

    def decision_loss(self, y_true, decision):
        hits = ops.sum(y_true * decision)
        return 1.0 - ops.divide_no_nan(2.0 * hits, ops.sum(y_true) + ops.sum(decision))
