"""The exercises of notebook 08, Can the validation data say when to switch?"""

import numpy as np

from lossutils.teaching.exercises import Exercise, quiz, returned

_READ = {"A": 4, "B": 7, "C": "never", "new loss in A": 5}

read_curves = quiz(
    "readings",
    {
        "A": "Where is the best error, and how many epochs after it are no better?",
        "B": "Start counting anew at every new best.",
        "C": "An error counts when it lies below the best by more than 0.25.",
        "new loss in A": "The rule looks in on_epoch_end.",
    },
    "For each epoch write two numbers below the error: the best so far, and the epochs waited.",
    "The best moves only when an error lies below it, in curve C by more than min_delta.",
    right=tuple(_READ.values()),
    choices=tuple(range(100)),
    write="an epoch, or the word never",
    praise="In curve C no single step is large enough, and the sum of three is.",
    slips={
        "After epoch 3 it has waited for one epoch only, not for two.": {**_READ, "A": 3},
        "Does an error that equals the best count as an improvement?": {**_READ, "A": "never"},
        "Epochs count from 0: the 9 is that of epoch 0.": [{**_READ, "A": 5}, {**_READ, "B": 8}],
        "After epoch 3 it has waited twice since the 7, and then comes a 6.": {**_READ, "B": 3},
        "The 6 in epoch 4 is a new best: the waiting begins anew.": {**_READ, "B": 5},
        "After epoch 6 it has waited twice since the 6, not three times.": {**_READ, "B": 6},
        "Since the 6 there are three errors that are no better.": {**_READ, "B": "never"},
        "The 8.9 and the 8.8 did not count: compare the 8.7 with the best.": {**_READ, "C": 3},
        "The 8.7 lies below the 9 by 0.3: how long has it waited then?": {**_READ, "C": 4},
        "Which epoch can train with the new loss first?": {**_READ, "new loss in A": 4},
        "It is switched at the end of epoch 4, before 5.": {**_READ, "new loss in A": 6},
        "Where is the best error": {**_READ, "A": 1},
    },
)


def first_stall_in_percent(curve, patience, share):
    best, waited = np.inf, 0
    for epoch, value in enumerate(curve):
        if value < best * (1 - share):
            best, waited = value, 0
        else:
            waited += 1
        if waited >= patience:
            return epoch
    return None


_CURVES_IN_PERCENT = (
    ([90, 80, 70, 60, 60, 60, 60], 1, "Errors of 60 are no better than the 60 before them."),
    ([5, 5, 5, 5], 1, "The first error has not waited: it is the best, the count begins after it."),
    ([5, 4, 3, 2], 1, "A curve that falls all the time never fires: return None after the loop."),
    ([5, 5.1, 4, 4.1, 3, 3.1, 2], 1, "A new best sets the epochs waited back to 0."),
    ([100, 97, 94, 91, 88, 85], 5, "The 97 does not count: it must not become the best."),
    ([100, 99.5, 99, 98.5], 5, "Half a percent is too little: where does share enter?"),
    ([100, 10, 9, 8, 7], 5, "A share of the best so far is wanted, not of the first error."),
    ([0.1, 0.094, 0.088, 0.082, 0.077], 5, "The unit should not matter: multiply the best."),
)


def _in_percent(answer):
    for curve, percent, words in _CURVES_IN_PERCENT:
        epoch = answer([float(value) for value in curve], 2, percent / 100)
        yield epoch if epoch is None else returned(epoch), (
            f"On {curve} with patience 2 and {percent} percent the answer should be {{wanted}}, "
            f"and is {{got}}. {words}"
        )


def _by_share(value, best, share):
    return value < best * (1 - share)


def _stall(improves=_by_share, resets=True, last_is_best=False):
    """The rule of exercise 2, with a slip."""

    def first_stall(curve, patience, share):
        best, waited = np.inf, 0
        for epoch, value in enumerate(curve):
            better = improves(value, best, share)
            best = value if better or last_is_best else best
            waited = 0 if better and resets else waited + (not better)
            if waited >= patience:
                return epoch
        return None

    return first_stall


def _from_first(curve, patience, share, start):
    """The rule which begins with the first error as the best: wrong if this error waits as well."""
    best, waited = curve[0], 0
    for epoch in range(start, len(curve)):
        better = best - curve[epoch] > share * best
        best, waited = (curve[epoch], 0) if better else (best, waited + 1)
        if waited >= patience:
            return epoch
    return None


def _and_then(change):
    """The right answer to exercise 2, and what is made of its epoch."""
    return lambda curve, patience, share: change(curve, _stall()(curve, patience, share))


first_stall_in_percent = Exercise(
    first_stall_in_percent, _in_percent,
    "Begin as in Plateau: best, waited, and a loop over the curve with enumerate.",
    "Only one line is new: value < best * (1 - share). With best = np.inf the first one counts.",
    praise="It fires at the same epoch in every unit. PyTorch calls this threshold_mode='rel'.",
    also_right=(lambda *given: _from_first(*given, start=1),),
    slips={
        "The curve falls to 60 and stays there, and your function returned None.":
            lambda curve, patience, share: None,
        "You returned the error; the epoch is wanted.":
            _and_then(lambda curve, epoch: curve[epoch] if epoch else epoch),
        "One epoch is wanted, a whole number.": [
            _and_then(lambda curve, epoch: [epoch] if epoch else []),
            lambda curve, patience, share: True,
        ],
        "Yours fires one late. Do the epochs count from 0, and does waited == patience fire?":
            lambda curve, patience, share: _stall()(curve, patience + 1, share),
        "Yours fires too soon: the epoch of the best itself has not waited.":
            lambda curve, patience, share: _stall()(curve, patience - 1, share),
        "Does the 80 beat the 90? One percent below 90 is 90 * (1 - 0.01).":
            _stall(lambda value, best, share: value < best * share),
        "That is the epoch of the best error.": lambda curve, patience, share: np.argmin(curve),
        "Did the first error count? inf minus a share of inf is no number: multiply the "
        "best.": _stall(lambda value, best, share: best - value > share * best),
        "The first error has not waited": lambda *given: _from_first(*given, start=0),
        "return None after the loop":
            _and_then(lambda curve, epoch: len(curve) if epoch is None else epoch),
        "sets the epochs waited back": _stall(resets=False),
        "must not become the best": _stall(last_is_best=True),
        "where does share enter": [
            _stall(lambda value, best, share: value < best),
            _stall(lambda value, best, share: value < best - share),
        ],
        "not of the first error":
            lambda curve, *how: _stall(lambda v, best, s: v < best - s * curve[0])(curve, *how),
    },
)


def all_stalls(curve, patience, cooldown):
    best, waited, left, fired = np.inf, 0, 0, []
    for epoch, value in enumerate(curve):
        if left > 0:
            left -= 1
        elif value < best:
            best, waited = value, 0
        else:
            waited += 1
            if waited >= patience:
                fired.append(epoch)
                best, waited, left = np.inf, 0, cooldown
    return fired


_CURVES_WITH_COOLDOWN = (
    ([5, 4, 4, 4], 2, 0, "Begin with the rule as it is."),
    ([5] * 9, 2, 0, "After it fires, the next error is the best, and two more must follow."),
    ([5] * 12, 2, 3, "During the cooldown the rule does not look, then it starts afresh."),
    ([9, 9, 1, 2, 5, 4, 3, 3], 1, 2, "Nobody looks at the 1 and the 2: they are no best value."),
    ([5, 4, 3, 2], 1, 0, "For a curve that falls all the time return an empty list."),
)


def _with_cooldown(answer):
    for curve, patience, cooldown, words in _CURVES_WITH_COOLDOWN:
        yield returned(answer(curve.copy(), patience, cooldown)), (
            f"On {curve} with patience {patience} and cooldown {cooldown} it fires after "
            f"{{wanted}}, and yours after {{got}}. {words}"
        )


def _paused(change):
    """The right answer to exercise 3, with another cooldown."""
    return lambda curve, n, cooldown: all_stalls.reference(curve, n, change(cooldown))


def _each(step):
    """An answer that fires once, and from then on whenever `step` epochs have passed."""
    return lambda curve, n, cooldown: range(
        all_stalls.reference(curve, n, cooldown)[0], len(curve), step(n)
    )


all_stalls = Exercise(
    all_stalls, _with_cooldown,
    "Keep three things between the epochs: a Plateau, the epochs of cooldown left, and the list.",
    "In each epoch: if cooldown is left, count it down and look no further. Else ask the rule. "
    "If it has stalled: note the epoch, set the cooldown, and make a new Plateau(patience).",
    praise="That is SwitchOnMetric with several losses in `to`.",
    slips={
        "A list of epochs is wanted.": lambda *given: all_stalls.reference(*given)[0],
        "Begin with the rule as it is": lambda curve, patience, cooldown: [4],
        "It fires once and then no more. Go on after the first plateau.":
            lambda *given: all_stalls.reference(*given)[:1],
        "It goes on firing: afterwards the rule starts afresh, with a new Plateau.":
            _each(lambda patience: 1),
        "The old best is still there after it has fired. Afresh means: without a best value.":
            _each(lambda patience: patience),
        "Your answer does not depend on the cooldown.": _paused(lambda cooldown: 0),
        "It is one epoch early: in the cooldown nobody looks, not even for the best.":
            _paused(lambda cooldown: max(0, cooldown - 1)),
        "It pauses for one epoch too many: count from the one after it fires.": [
            _paused(lambda cooldown: cooldown + 1),
            _paused(lambda cooldown: cooldown and cooldown + 1),
        ],
        "The first plateau needs no cooldown: it comes after firing, not before.": [
            lambda curve, n, cooldown: [
                cooldown + epoch for epoch in all_stalls.reference(curve[cooldown:], n, cooldown)
            ]
        ],
    },
)
