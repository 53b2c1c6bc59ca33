"""Typical wrong answers to the exercises of notebook 11, with a fragment of the reply to each."""

import numpy as np

RIGHT = {
    "twins": "leak",
    "weights": "fine",
    "patients": "leak",
    "threshold": "fine",
    "epochs": "leak",
}


def _rates(f, a):
    return np.mean(~a[f]), np.mean(a[~f])


def _counted(f, a, share, miss, false_alarm):
    return np.sum(f & ~a) * miss + np.sum(~f & a) * false_alarm


def _counted_per_1000(f, a, share, miss, false_alarm):
    return 1000 * _counted(f, a, share, miss, false_alarm) / len(f)


def _one_image(f, a, share, miss, false_alarm):
    missed, flagged = _rates(f, a)
    return share * miss * missed + (1 - share) * false_alarm * flagged


def _found(f, a, share, miss, false_alarm):
    return 1000 * (share * miss * np.mean(a[f]) + (1 - share) * false_alarm * np.mean(a[~f]))


def _without_share(f, a, share, miss, false_alarm):
    missed, flagged = _rates(f, a)
    return 1000 * (miss * missed + false_alarm * flagged)


def _share_of_faults_only(f, a, share, miss, false_alarm):
    missed, flagged = _rates(f, a)
    return 1000 * (share * miss * missed + false_alarm * flagged)


def _false_alarm_of_1(f, a, share, miss, false_alarm):
    missed, flagged = _rates(f, a)
    return 1000 * (share * miss * missed + (1 - share) * flagged)


def _of_all(f, a, share, miss, false_alarm):
    return 1000 * (share * miss * np.mean(f & ~a) + (1 - share) * false_alarm * np.mean(~f & a))


def _sums(f, a, share, miss, false_alarm):
    return 1000 * (share * miss * np.sum(~a[f]) + (1 - share) * false_alarm * np.sum(a[~f]))


def _sums_of_one_image(f, a, share, miss, false_alarm):
    return _sums(f, a, share, miss, false_alarm) / 1000


def _hits_too(f, a, share, miss, false_alarm):
    return 1000 * (share * miss * np.mean(~a[f]) + (1 - share) * false_alarm * np.mean(a))


def _hits_alone(f, a, share, miss, false_alarm):
    return 1000 * (share * miss * np.mean(~a[f]) + (1 - share) * false_alarm * np.mean(a[f]))


def _swapped(f, a, share, miss, false_alarm):
    missed, flagged = _rates(f, a)
    return 1000 * ((1 - share) * miss * missed + share * false_alarm * flagged)


def _arrays(f, a, share, miss, false_alarm):
    return 1000 * (share * miss * (f & ~a) + (1 - share) * false_alarm * (~f & a))


def _with_a_fixed_share(f, a, share, miss, false_alarm):
    missed, flagged = _rates(f, a)
    return 1000 * (0.1 * miss * missed + 0.9 * false_alarm * flagged)


def _staying(rule):
    return lambda full, without: [name for name, costs in without.items() if rule(costs, full)]


WRONG = {
    "leak_or_fine": [
        ({"twins": "leak"}, "Not answered yet"),
        (list(RIGHT.values()), "Fill in the dictionary"),
        ({**RIGHT, "twins": "bad"}, "neither 'leak' nor 'fine'"),
        ({**RIGHT, "twins": "fine"}, "its flipped copy is tested"),
        ({**RIGHT, "weights": "leak"}, "that is what they are for"),
        ({**RIGHT, "patients": "fine"}, "15 scans each"),
        ({**RIGHT, "threshold": "leak"}, "Choices belong on validation data"),
        ({**RIGHT, "epochs": "fine"}, "The test chose the epoch"),
    ],
    "cost_on_belt": [
        (_counted, "You counted the mistakes"),
        (_counted_per_1000, "You counted the mistakes"),
        (_sums, "You sum where an average is wanted"),
        (_sums_of_one_image, "You sum where an average is wanted"),
        (_one_image, "1000 pass"),
        (_found, "faults that were found"),
        (_without_share, "weigh the same in yours"),
        (_share_of_faults_only, "can raise a false alarm"),
        (_false_alarm_of_1, "not 1"),
        (_of_all, "not both by the number of all images"),
        (_hits_too, "You count hits as false alarms"),
        (_hits_alone, "You count hits as false alarms"),
        (_swapped, "the cost should be"),
        (_arrays, "One number is wanted"),
        (_with_a_fixed_share, "Without any alarm"),
        (lambda is_fault, alarm: 0.0, "TypeError"),
    ],
    "parts_that_stay": [
        (_staying(lambda costs, full: costs.mean() > full.mean()), "The mean alone decides"),
        (_staying(lambda costs, full: np.mean(costs > full) >= 0.75), "count the splits only"),
        (_staying(lambda costs, full: costs.mean() < full.mean()), "Which way round"),
        (
            _staying(
                lambda costs, full: costs.mean() > full.mean() or np.mean(costs > full) >= 0.75
            ),
            "and, not or",
        ),
        (_staying(lambda costs, full: costs.min() > full.max()), "Your list is empty"),
        (
            _staying(lambda costs, full: costs.mean() > full.mean() + full.std()),
            "Your list is empty",
        ),
        (
            _staying(lambda costs, full: costs.mean() > full.mean() + 20),
            "compare split by split",
        ),
        (
            _staying(
                lambda costs, full: costs.mean() > full.mean() and np.mean(costs > full) > 0.75
            ),
            "Six of eight splits",
        ),
        (_staying(lambda costs, full: np.all(costs > full)), "Six of eight splits"),
        (lambda full, without: len(without), "Return a list of the names"),
        (lambda full, without: {name: True for name in without}, "Return a list of the names"),
        (lambda full: [], "TypeError"),
    ],
}
