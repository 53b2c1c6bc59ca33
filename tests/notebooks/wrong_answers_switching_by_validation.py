"""Typical wrong answers to the exercises of notebook 08, with a fragment of the reply to each."""

import numpy as np

RIGHT = {"A": 4, "B": 7, "C": "never", "new loss in A": 5}


def _stall(improves, one_late=False, forgets_to_wait=False, last_is_best=False, resets=True):
    """The rule of exercise 2, with a slip."""

    def first_stall(curve, patience, share):
        best, waited = np.inf, 0
        for epoch, value in enumerate(curve):
            if improves(value, best, share):
                best, waited = value, waited if not resets else 0
            else:
                waited += 1
                best = value if last_is_best else best
            if waited >= patience + one_late - forgets_to_wait:
                return epoch
        return None

    return first_stall


def _by_share(value, best, share):
    return value < best * (1 - share)


def _the_error(curve, patience, share):
    epoch = _stall(_by_share)(curve, patience, share)
    return None if epoch is None else curve[epoch]


def _all_epochs(curve, patience, share):
    epoch = _stall(_by_share)(curve, patience, share)
    return [] if epoch is None else [epoch]


def _never_none(curve, patience, share):
    epoch = _stall(_by_share)(curve, patience, share)
    return len(curve) if epoch is None else epoch


def _stalls(curve, patience, cooldown, keeps_best=False, keeps_all=False, looks=False, after=0):
    """The rule of exercise 3, with a slip."""
    best, waited, left, fired = np.inf, 0, 0, []
    for epoch, value in enumerate(curve):
        if left > 0:
            left -= 1
            if looks:
                best = min(best, value)
        elif value < best:
            best, waited = value, 0
        else:
            waited += 1
            if waited >= patience:
                fired.append(epoch)
                left = max(0, cooldown + after)
                if not keeps_all:
                    waited = 0
                    best = best if keeps_best else np.inf
    return fired


def _first_error_waits(curve, patience, share):
    best, waited = curve[0], 0
    for epoch, value in enumerate(curve):
        best, waited = (value, 0) if _by_share(value, best, share) else (best, waited + 1)
        if waited >= patience:
            return epoch
    return None


def _share_of_the_first(curve, patience, share):
    """An absolute improvement: a share of the first error, whatever the best is now."""
    return _stall(lambda value, best, _: value < best - share * curve[0])(curve, patience, share)


def _with(**slip):
    return lambda curve, patience, cooldown: _stalls(curve, patience, cooldown, **slip)


def _first_only(curve, patience, cooldown):
    return _stalls(curve, patience, cooldown)[:1]


def _cooldown_first(curve, patience, cooldown):
    return [epoch + cooldown for epoch in _stalls(curve[cooldown:], patience, cooldown)]


WRONG = {
    "read_curves": [
        ({"A": 4}, "Not answered yet"),
        ([4, 7, "never", 5], "Fill in the dictionary"),
        ({**RIGHT, "A": 3}, "waited for one epoch only"),
        ({**RIGHT, "A": 5}, "count from 0"),
        ({**RIGHT, "A": "never"}, "equals the best"),
        ({**RIGHT, "A": 1}, "Where is the best error"),
        ({**RIGHT, "B": 3}, "then comes a 6"),
        ({**RIGHT, "B": 6}, "waited twice since the 6"),
        ({**RIGHT, "B": 5}, "waiting begins anew"),
        ({**RIGHT, "C": 3}, "Compare the 8.7 with the best so far"),
        ({**RIGHT, "C": 4}, "lies below the 9 by 0.3"),
        ({**RIGHT, "C": None}, "Not answered yet for ['C']"),
        ({**RIGHT, "C": "no"}, "whole number"),
        ({**RIGHT, "new loss in A": 4}, "Which epoch can train with the new loss"),
        ({**RIGHT, "new loss in A": 6}, "before epoch 5"),
    ],
    "first_stall_in_percent": [
        (lambda curve, patience, share: None, "returned None"),
        (_the_error, "the epoch is wanted"),
        (_all_epochs, "One epoch is wanted"),
        (lambda curve, patience, share: True, "One epoch is wanted"),
        (_stall(_by_share, one_late=True), "one late"),
        (_stall(_by_share, forgets_to_wait=True), "too soon"),
        (lambda curve, patience, share: int(np.argmin(curve)), "That is the epoch of the best"),
        (_stall(lambda value, best, share: best - value > share * best), "is no number"),
        (_first_error_waits, "The first error has not waited"),
        (_share_of_the_first, "not of the first error"),
        (_never_none, "return None after the loop"),
        (_stall(_by_share, resets=False), "sets the epochs waited back"),
        (_stall(_by_share, last_is_best=True), "must not become the best"),
        (_stall(lambda value, best, share: value < best), "where does share enter"),
        (_stall(lambda value, best, share: value < best - share), "where does share enter"),
        (_stall(lambda value, best, share: value < best * share), "Does the 4 beat the 5"),
        (lambda curve, patience: 3, "TypeError"),
    ],
    "all_stalls": [
        (lambda curve, patience, cooldown: _stalls(curve, patience, cooldown)[0], "A list of"),
        (lambda curve, patience, cooldown: [4], "Begin with the rule as it is"),
        (_first_only, "fires once and then no more"),
        (_with(keeps_all=True), "goes on firing"),
        (_with(keeps_best=True), "The old best is still there"),
        (lambda curve, patience, cooldown: _stalls(curve, patience, 0), "does not depend on"),
        (_with(after=-1), "one epoch early"),
        (_with(after=1), "one epoch too many"),
        (_cooldown_first, "comes after firing, not before"),
        (_with(looks=True), "not even for the best"),
        (lambda curve, patience: [3], "TypeError"),
    ],
}


def _by_plateau(curve, patience, share):
    """Beginning with the first error, and so without infinity."""
    best, waited = curve[0], 0
    for epoch, value in list(enumerate(curve))[1:]:
        improved = best - value > share * best
        best, waited = (value, 0) if improved else (best, waited + 1)
        if waited >= patience:
            return epoch
    return None


ALSO_RIGHT = {"first_stall_in_percent": [_by_plateau]}
