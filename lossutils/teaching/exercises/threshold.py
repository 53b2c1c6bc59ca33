"""The exercises of notebook 04, Can a threshold learn?"""

import numpy as np
import tensorflow as tf
from keras import ops

from lossutils.teaching.exercises.base import Exercise, require, returned


def _column(values):
    return tf.constant(np.reshape(values, (-1, 1)), "float32")


def _slope(function, decision):
    """The gradient of the sum of the values with respect to the decision, as a flat array."""
    decision = tf.Variable(_column(decision))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(function(decision))
    gradient = tape.gradient(total, decision)
    require(
        gradient is not None,
        "The values are right for 0 and 1, but no gradient reaches the decision. A comparison, a "
        "cast or NumPy stops it: use the soft decision as it comes.",
    )
    return np.asarray(gradient)[:, 0]


def _keeps_the_batch_axis(values):
    """Whether a batch of one sample still gave an array of one value."""
    require(
        values.shape == (1,),
        f"Right for several samples, but for one alone yours has the shape {values.shape}, where "
        "(1,) is wanted. ops.squeeze drops the axis of the batch too when its size is 1: average "
        "over the last axis, or take [:, 0].",
    )


class BestThreshold(Exercise):
    """The best threshold for two costs, if the scores are true probabilities."""

    asks_for = "best_threshold"
    hints = (
        "At the best threshold t an alarm and silence cost the same on average.",
        "With probability t there is a fire: silence costs t * false_negative_cost. And an alarm?",
    )
    praise = "For the detector it is 0.02: forty-nine false alarms cost as much as one missed fire."

    def reference(false_positive_cost, false_negative_cost):
        return false_positive_cost / (false_positive_cost + false_negative_cost)

    def grade(self, answer):
        value = returned(answer(20.0, 980.0))
        require(value.ndim == 0, "One number is wanted, the threshold.")
        value = float(value)
        require(
            not np.isclose(value, 0.98),
            "The costs are swapped. A miss that costs more asks for a lower threshold, so that "
            "fewer are missed.",
        )
        require(
            not np.isclose(value, 20 / 980),
            "That is the ratio of the costs, the odds at which to act. A threshold is a "
            "probability: with equal costs yours would be 1, and nobody would ever be flagged.",
        )
        require(
            not np.isclose(value, 0.5),
            "0.5 is right for equal costs only. Here a miss costs 49 times as much.",
        )
        require(
            0 <= value <= 1,
            f"For the costs 20 and 980 yours is {value:g}. A threshold is a probability, between 0 "
            "and 1.",
        )
        require(
            np.isclose(value, 0.02),
            f"For the costs 20 and 980 yours is {value:.3g}. At the best threshold t an alarm, "
            "(1 - t) * 20, costs as much as silence, t * 980.",
        )
        require(
            np.isclose(float(answer(3.0, 1.0)), 0.75),
            "Right for the smoke detector, but not for the costs 3 and 1: use both arguments.",
        )


class FraudCost(Exercise):
    """The cost of soft decisions when each miss has a price of its own."""

    asks_for = "fraud_cost"
    hints = (
        "Two things cost: a fraud, as far as it is not stopped, and an honest payment, as far as "
        "it is.",
        "is_fraud * (1 - stopped) is the share of a fraud that passes. What does it cost?",
    )
    praise = "The best cut now differs by payment: stop it from p > 5 / (5 + amount) on."

    def reference(is_fraud, stopped, amount):
        passed = is_fraud * (1.0 - stopped) * amount
        disturbed = (1.0 - is_fraud) * stopped * 5.0
        return ops.mean(passed + disturbed, axis=-1)

    def grade(self, answer):
        fraud, stopped, amount = [1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 1.0], [40.0, 70.0, 30.0, 9.0]
        values = returned(answer(_column(fraud), _column(stopped), _column(amount)))
        require(
            values.ndim > 0,
            "Your cost is one number for the whole batch. One value per payment is wanted.",
        )
        require(
            values.shape == (4,),
            f"For 4 payments the shape should be (4,), yours is {values.shape}. Average over the "
            "last axis, axis=-1.",
        )
        require(
            not np.allclose(values, [0, 70, 5, 0]),
            "Stopped and passed are swapped: a fraud costs its amount when it is *not* stopped.",
        )
        require(
            not np.allclose(values, [40, 0, 0, 9]),
            "You charge the amount for an honest payment that is stopped. It costs a phone "
            "call, 5.",
        )
        require(
            not np.allclose(values, [40, 0, 30, 5]),
            "An honest payment that passes costs nothing: only a fraud costs its amount.",
        )
        require(
            not np.allclose(values, [40, 5, 0, 5]),
            "A fraud that is stopped costs no phone call here: only honest customers are called.",
        )
        require(
            np.allclose(values, [40, 0, 0, 5]),
            "A fraud of 40 that passes, one of 70 stopped, an honest payment that passes, and one "
            f"that is stopped should cost 40, 0, 0 and 5; yours {np.round(values, 2).tolist()}.",
        )
        _keeps_the_batch_axis(returned(answer(_column([1]), _column([0]), _column([40]))))
        slope = _slope(lambda d: answer(_column([1, 0]), d, _column([40, 40])), [0.3, 0.3])
        require(
            np.allclose(slope, [-40, 5]),
            "Right for decisions of 0 and 1, but the slopes of soft ones are wrong: each cost "
            "should be proportional to the share that is stopped, or passes.",
        )


class FBetaLoss(Exercise):
    """One minus F-beta of the soft decisions of the batch."""

    asks_for = "f_beta_loss"
    hints = (
        "With soft decisions the hits are a sum: y_true * decision, over the whole batch.",
        "Misses: y_true * (1 - decision). False alarms: (1 - y_true) * decision. Then copy the "
        "result to every sample: ops.zeros_like(y_true[:, 0]) + ...",
    )
    praise = "With beta = 2 its best cut lies lower than that of F1: recall is worth more."

    def reference(y_true, decision, beta):
        hits = ops.sum(y_true * decision)
        misses = ops.sum(y_true * (1.0 - decision))
        false_alarms = ops.sum((1.0 - y_true) * decision)
        weighted_hits = (1.0 + beta**2) * hits
        f_beta = weighted_hits / (weighted_hits + beta**2 * misses + false_alarms)
        return ops.zeros_like(y_true[:, 0]) + 1.0 - f_beta

    def grade(self, answer):
        # 2 hits, 1 miss, 3 false alarms, 1 right silence.
        y, decision = [1, 1, 1, 0, 0, 0, 0], [1, 1, 0, 1, 1, 1, 0]
        values = returned(answer(_column(y), _column(decision), 2.0))
        mean = float(np.mean(values))
        wanted = 1 - 10 / (10 + 4 * 1 + 3)
        require(
            not np.isclose(mean, 1 - wanted),
            "That is F-beta itself. A loss falls as things get better: 1 minus F-beta.",
        )
        require(
            not np.isclose(mean, 1 - 10 / (10 + 1 + 4 * 3)),
            "Misses and false alarms are swapped: the factor beta squared belongs to the misses.",
        )
        require(
            not np.isclose(mean, 1 - 6 / (6 + 2 * 1 + 3)),
            "Square beta: the factors are 1 + beta**2 and beta**2.",
        )
        require(
            not np.isclose(mean, 1 - 4 / (4 + 1 + 3)),
            "That is F1: beta is not used.",
        )
        require(
            values.shape == () or np.allclose(values, values.flat[0]),
            "The samples get different values. F-beta belongs to the whole batch: add up hits, "
            "misses and false alarms first, then divide once.",
        )
        require(
            np.isclose(mean, wanted),
            "With 2 hits, 1 miss, 3 false alarms and beta = 2 the loss should be "
            f"{wanted:.3f}, yours is {mean:.3f}.",
        )
        require(
            values.shape == (7,),
            f"The value is right, but its shape is {values.shape}; every sample should get it, so "
            "(7,) is wanted.",
        )
        _keeps_the_batch_axis(returned(answer(_column([1]), _column([1]), 2.0)))
        column = _column([1.0, 1.0, 0.0])
        half = returned(answer(column, _column([0.5, 0.5, 0.5]), 1.0))
        require(
            np.allclose(half, 1 - 2 / 3.5),
            "Right for decisions of 0 and 1, but not for soft ones: use the decisions as they "
            "come.",
        )
        _slope(lambda d: answer(column, d, 1.0), [0.5, 0.5, 0.5])


best_threshold = BestThreshold()
fraud_cost = FraudCost()
f_beta_loss = FBetaLoss()
