"""The exercises of notebook 11, Does it pay on a real problem?"""

import numpy as np

from lossutils.teaching.exercises import Exercise, quiz, require, returned

leak_or_fine = quiz(
    "verdicts",
    {
        "twins": "An image may be trained on while its flipped copy is tested.",
        "weights": "Training labels may be used for training; that is what they are for.",
        "patients": "With 15 scans each, nearly every patient is on both sides.",
        "threshold": "Choices belong on validation data, and the test only came afterwards.",
        "epochs": "The test chose the epoch, so it can no longer judge it.",
    },
    "Ask of each sentence: could a test sample, or a near relative of it, have had a say?",
    "Two are fine. In the leaks: copies, the same person, and a choice that the test made.",
    right=("leak", "fine", "leak", "fine", "leak"),
    write="write 'leak' or 'fine'",
    praise="Three leaks, and none of them needs bad intentions.",
)


def cost_on_belt(is_fault, alarm, share, miss, false_alarm):
    missed, false_alarms = np.mean(~alarm[is_fault]), np.mean(alarm[~is_fault])
    return 1000 * (share * miss * missed + (1 - share) * false_alarm * false_alarms)


def _on_two_belts(answer):
    is_fault = np.array([True, True, True, True, False, False])
    alarm = np.array([True, True, True, False, True, False])
    yield returned(answer(is_fault.copy(), alarm, 0.1, 30.0, 2.0), "the cost"), (
        "A quarter missed, half of the others flagged: the cost should be {wanted}; yours is {got}."
    )
    yield returned(answer(is_fault, np.zeros(6, bool), 0.02, 10.0, 1.0)), (
        "Without any alarm, 20 faults of 1000 at a price of 10 cost 200, not {got}."
    )


def _of_rates(formula):
    """A cost by a formula of the two rates and the three numbers."""
    return lambda f, a, *numbers: 1000 * formula(np.mean(~a[f]), np.mean(a[~f]), *numbers)


def _at_rates(missed, flagged):
    """The right cost, but of other rates than those of the missed and the flagged."""
    return lambda f, a, share, miss, price: (
        1000 * (share * miss * missed(f, a) + (1 - share) * price * flagged(f, a))
    )


def _counted(f, a, share, miss, price):
    return np.sum(f & ~a) * miss + np.sum(~f & a) * price


_summed = _at_rates(lambda f, a: np.sum(f & ~a), lambda f, a: np.sum(~f & a))

cost_on_belt = Exercise(
    cost_on_belt, _on_two_belts,
    "The share of faults in the test must not matter. Which two rates do not depend on it?",
    "np.mean(~alarm[is_fault]) is the share of faults that are missed. Weigh the two rates "
    "with share and 1 - share.",
    praise="The test may hold as many faults as you can find; the belt decides what they weigh.",
    slips={
        "You sum where an average is wanted: np.mean gives the share that is missed or flagged.": [
            _summed,
            lambda *given: _summed(*given) / 1000,
        ],
        "That is the cost of one image; 1000 pass.":
            lambda *given: cost_on_belt.reference(*given) / 1000,
        "You counted the mistakes of the test: take rates, and weigh them with `share`.": [
            _counted,
            lambda f, *given: 1000 * _counted(f, *given) / len(f),
        ],
        "You charge for the faults that were found. Missed ones have no alarm: ~alarm.":
            _at_rates(lambda f, a: np.mean(a[f]), lambda f, a: np.mean(a[~f])),
        "Faults and ordinary images weigh the same in yours: take `share` and 1 - share.":
            _of_rates(lambda missed, flagged, share, miss, price: miss * missed + price * flagged),
        "Only the ordinary images, a share of 1 - share, can raise a false alarm.":
            _of_rates(lambda missed, flagged, s, miss, price: s * miss * missed + price * flagged),
        "A false alarm costs `false_alarm` here, not 1.":
            _of_rates(lambda missed, flagged, s, miss, _: s * miss * missed + (1 - s) * flagged),
        "You count hits as false alarms. Look at the ordinary images: alarm[~is_fault].": [
            _at_rates(lambda f, a: np.mean(~a[f]), lambda f, a: np.mean(a)),
            _at_rates(lambda f, a: np.mean(~a[f]), lambda f, a: np.mean(a[f])),
        ],
        "Divide the misses by the number of faults, the false alarms by that of the others.":
            _at_rates(lambda f, a: np.mean(f & ~a), lambda f, a: np.mean(~f & a)),
        "One number is wanted, not one for each image.":
            _at_rates(lambda f, a: f & ~a, lambda f, a: ~f & a),
        "the cost should be": lambda f, a, s, *prices: cost_on_belt.reference(f, a, 1 - s, *prices),
        "Without any alarm": lambda f, a, s, *prices: cost_on_belt.reference(f, a, 0.1, *prices),
    },
)


def parts_that_stay(full, without):
    stay = []
    for part, costs in without.items():
        difference = costs - full
        if difference.mean() > 0 and np.mean(difference > 0) >= 0.75:
            stay.append(part)
    return stay


_FULL = np.arange(100.0, 900.0, 100.0)  # splits differ by far more than the methods do
_WITHOUT = {
    "missed": [5, 6, 4, 5, 7, 5, 6, 4],
    "useless": [1, -1, 0, 2, -2, 1, -1, -1],
    "harmful": [-9, -8, -9, -7, -9, -8, -9, -9],
    "one lucky split": [400, -2, -3, -1, -2, -3, -2, -1],
    "often, but dear": [1, 1, 1, 1, 1, 1, 1, -90],
    "just enough": [3, 3, 3, 3, 3, 3, -1, -1],
}


def _part_by_part(answer):
    stay = answer(_FULL.copy(), {part: _FULL + np.array(more) for part, more in _WITHOUT.items()})
    if stay is None or stay is ...:
        returned(stay, "the list of parts")
    require(
        isinstance(stay, (list, tuple, set)) and all(isinstance(part, str) for part in stay),
        "Return a list of the names of the parts that stay.",
    )
    yield len(stay) > 0, "Your list is empty. A part that is missed in every split should stay."
    yield "harmful" in stay, (
        "A part stays without which every split is cheaper. Which way round is your difference?"
    )
    yield "missed" in stay, (
        "A part that each split misses a little should stay: compare split by split."
    )
    yield ["one lucky split" in stay, "often, but dear" in stay], "Both conditions must hold."
    yield "useless" in stay, "A part stays that makes no difference on average."
    yield "just enough" in stay, "Six of eight splits are three quarters: this part stays."
    yield sorted(stay), "Your list holds {got}."


def _staying(rule):
    return lambda full, without: [part for part, costs in without.items() if rule(costs, full)]


parts_that_stay = Exercise(
    parts_that_stay, _part_by_part,
    "For each part take without[part] - full: one difference for each split.",
    "Two conditions: difference.mean() > 0, and np.mean(difference > 0) >= 0.75.",
    praise="A part must be missed, on average and nearly everywhere.",
    slips={
        "In yours one of the two conditions is enough. Both must hold: and, not or.":
            _staying(lambda c, full: c.mean() > full.mean() or np.mean(c > full) >= 0.75),
        "The mean alone decides in yours: one split out of eight can carry it. Ask for three "
        "quarters of the splits too.": _staying(lambda c, full: c.mean() > full.mean()),
        "You count the splits only. Without this part the cost is lower on average.":
            _staying(lambda c, full: np.mean(c > full) >= 0.75),
        "Which way round": _staying(lambda c, full: c.mean() < full.mean()),
        "Your list is empty": [
            _staying(lambda c, full: c.min() > full.max()),
            _staying(lambda c, full: c.mean() > full.mean() + full.std()),
        ],
        "compare split by split": _staying(lambda c, full: c.mean() > full.mean() + 20),
        "makes no difference":
            lambda full, without: [*parts_that_stay.reference(full, without), "useless"],
        "Six of eight splits": [
            _staying(lambda c, full: c.mean() > full.mean() and np.mean(c > full) > 0.75),
            _staying(lambda c, full: np.all(c > full)),
        ],
        "a list of the names": [
            lambda full, without: len(without),
            lambda full, without: {part: True for part in without},
        ],
    },
)
