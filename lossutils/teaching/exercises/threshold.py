"""The exercises of notebook 04, Can a threshold learn?"""

import numpy as np
from keras import ops

from lossutils.teaching.exercises import Exercise, columns, returned, slopes, values

_ALONE = (
    "Right for several samples, but for one alone the shape is {got}, not {wanted}: ops.squeeze "
    "drops the axis of the batch too. Average over the last axis, or take [:, 0]."
)


def best_threshold(false_positive_cost, false_negative_cost):
    return false_positive_cost / (false_positive_cost + false_negative_cost)


def _for_two_prices(answer):
    yield returned(answer(20.0, 980.0)), (
        "At the best threshold t, (1 - t) * 20 is t * 980; yours is {got}."
    )
    yield returned(answer(3.0, 1.0)), "For the costs 3 and 1 it is wrong: use both arguments."


best_threshold = Exercise(
    best_threshold, _for_two_prices,
    "At the best threshold t an alarm and silence cost the same on average.",
    "With probability t there is a fire: silence costs t * false_negative_cost. And an alarm?",
    praise="For the detector it is 0.02: forty-nine false alarms cost as much as one missed fire.",
    slips={
        "The costs are swapped. A miss that costs more asks for a lower threshold.":
            lambda alarm, miss: miss / (alarm + miss),
        "That is the odds, a ratio of the costs.": lambda alarm, miss: alarm / miss,
        "A threshold is a probability, between 0 and 1.": lambda alarm, miss: miss / alarm,
        "0.5 is right for equal costs only. Here a miss costs 49 times as much.":
            lambda alarm, miss: 0.5,
        "One number is wanted, the threshold.": lambda alarm, miss: (0.02, 0.98),
        "use both arguments": lambda alarm, miss: 0.02,
        "At the best threshold t": lambda alarm, miss: 1 / (1 + miss),
        "Hand over the function itself": 0.02,
    },
)


def fraud_cost(is_fraud, stopped, amount):
    passed = is_fraud * (1.0 - stopped) * amount
    disturbed = (1.0 - is_fraud) * stopped * 5.0
    return ops.mean(passed + disturbed, axis=-1)


def _payments(cost):
    payments = [1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 1.0], [40.0, 70.0, 30.0, 9.0]
    returned(cost(*columns(*payments)))
    yield values(cost, *payments), (
        "Fraud (passed, stopped), honest payments (the same) should cost {wanted}; yours {got}."
    )
    yield str(np.shape(cost(*columns([1.0], [0.0], [40.0])))), _ALONE
    yield slopes(cost, [1.0, 0.0], [0.3, 0.3], [40.0, 40.0]), (
        "The slopes of soft ones are wrong: cost is proportional to what is stopped, or passes."
    )


def _charging(formula, reduce=lambda costs: ops.mean(costs, axis=-1)):
    return lambda fraud, stopped, amount: reduce(formula(fraud, stopped, amount))


def _each(f, s, a):
    return f * (1 - s) * a + (1 - f) * s * 5


fraud_cost = Exercise(
    fraud_cost, _payments,
    "Two things cost: a fraud, as far as it is not stopped, an honest payment, as far as it is.",
    "is_fraud * (1 - stopped) is the share of a fraud that passes. What does it cost?",
    praise="The best cut now differs by payment: stop it from p > 5 / (5 + amount) on.",
    slips={
        "Stopped and passed are swapped: a fraud costs its amount when it is *not* stopped.":
            _charging(lambda f, s, a: f * s * a + (1 - f) * (1 - s) * 5),
        "You charge the amount for an honest payment that is stopped. It costs a phone call, 5.":
            _charging(lambda f, s, a: f * (1 - s) * a + (1 - f) * s * a),
        "An honest payment that passes costs nothing: only a fraud costs its amount.":
            _charging(lambda f, s, a: (1 - s) * a + (1 - f) * s * 5),
        "A fraud that is stopped costs no phone call: only honest customers are called.":
            _charging(lambda f, s, a: f * (1 - s) * a + s * 5),
        "should cost [40.0, 0.0, 0.0, 5.0]":
            _charging(lambda f, s, a: f * (1 - s) * 5 + (1 - f) * s * a),
        "one number for the whole batch": _charging(_each, ops.mean),
        "For 4 samples": [_each, _charging(_each, lambda costs: ops.mean(costs, axis=0))],
        "drops the axis of the batch": _charging(_each, ops.squeeze),
        "no gradient arrives": [
            lambda f, s, a: fraud_cost.reference(f, ops.cast(s > 0.5, "float32"), a),
            _charging(_each, lambda costs: np.mean(costs, axis=-1)),
        ],
        "slopes of soft ones": _charging(lambda f, s, a: _each(f, 1 - (1 - s) ** 2, a)),
    },
)


def f_beta_loss(y_true, decision, beta):
    hits = ops.sum(y_true * decision)
    misses = ops.sum(y_true * (1.0 - decision))
    false_alarms = ops.sum((1.0 - y_true) * decision)
    weighted_hits = (1.0 + beta**2) * hits
    f_beta = weighted_hits / (weighted_hits + beta**2 * misses + false_alarms)
    return ops.zeros_like(y_true[:, 0]) + 1.0 - f_beta


def _decisions(loss):
    wrong = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0]
    costs = returned(loss(*columns(*wrong), 2.0))
    yield np.ptp(costs), (
        "The samples get different values: add up over the batch first, then divide once."
    )
    yield np.mean(costs), (
        "For 2 hits, 1 miss and 3 false alarms wanted is {wanted}, yours is {got}."
    )
    yield str(costs.shape), "Right, but its shape is {got}: each sample should get it, {wanted}."
    yield str(np.shape(loss(*columns([1.0], [1.0]), 2.0))), _ALONE
    soft = [1.0, 1.0, 0.0], [0.5, 0.5, 0.5], 1.0
    yield values(loss, *soft), "Right for 0 and 1, but not for soft ones: use them as they come."
    yield slopes(loss, *soft), "The slopes over the decisions should be {wanted}, and are {got}."


def _counting(f_beta):
    """A loss of the hits, the misses, the false alarms and beta."""

    def loss(y, d, beta):
        counts = ops.sum(y * d), ops.sum(y * (1 - d)), ops.sum((1 - y) * d)
        return ops.zeros_like(y[:, 0]) + 1 - f_beta(*counts, beta)

    return loss


def _per_sample(y, d, beta):
    hits = (1 + beta**2) * y * d
    return 1 - (hits / (hits + beta**2 * y * (1 - d) + (1 - y) * d + 1e-7))[:, 0]


def _then(change):
    """The right answer to exercise 3, and what is made of it."""
    return lambda y, d, beta: change(f_beta_loss.reference(y, d, beta))


f_beta_loss = Exercise(
    f_beta_loss, _decisions,
    "With soft decisions the hits are a sum: y_true * decision, over the whole batch.",
    "Misses: y_true * (1 - decision). False alarms: (1 - y_true) * decision. Then copy the "
    "result to every sample: ops.zeros_like(y_true[:, 0]) + ...",
    praise="With beta = 2 its best cut lies lower than that of F1: recall is worth more.",
    slips={
        "That is F-beta itself. A loss falls as things get better: 1 minus F-beta.":
            _then(lambda costs: 1 - costs),
        "Misses and false alarms are swapped: beta squared belongs to the misses.":
            _counting(lambda tp, fn, fp, b: (1 + b**2) * tp / ((1 + b**2) * tp + fn + b**2 * fp)),
        "Square beta: the factors are 1 + beta**2 and beta**2.":
            _counting(lambda tp, fn, fp, b: (1 + b) * tp / ((1 + b) * tp + b * fn + fp)),
        "That is F1: beta is not used.": lambda y, d, beta: f_beta_loss.reference(y, d, 1.0),
        "different values": _per_sample,
        "its shape is ()": _then(lambda costs: costs[0]),
        "drops the axis of the batch":
            lambda y, d, beta: ops.squeeze(y) * 0 + f_beta_loss.reference(y, d, beta)[0],
        "not for soft ones":
            lambda y, d, beta: f_beta_loss.reference(y, ops.cast(d >= 0.5, "float32"), beta),
        "no gradient arrives": _then(np.asarray),
        "yours is": _counting(lambda tp, fn, fp, b: (1 + b**2) * tp / ((1 + b**2) * tp + fp)),
    },
)
