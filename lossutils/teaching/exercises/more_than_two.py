"""The exercises of notebook 13, What if the loss needs more than y_true and y_pred?"""

import numpy as np
import tensorflow as tf
from keras import ops

from lossutils.teaching.exercises import (
    Exercise,
    explains,
    in_a_graph,
    per_sample,
    returned,
    trainable,
    values,
)


def censored_error(y_true, y_pred):
    reading, at_the_limit = y_true[:, :1], y_true[:, 1:]
    error = reading - y_pred
    charged = ops.where(at_the_limit > 0, ops.relu(error), error)
    return ops.mean(ops.square(charged), axis=-1)


def _readings(loss):
    # The columns: what was read, and 1 where the instrument was at its limit.
    labels = np.array([[3.0, 0.0], [3.0, 0.0], [9.0, 1.0], [9.0, 1.0], [9.0, 0.0]])
    predictions = [5.0, 1.0, 12.0, 7.0, 12.0]
    found = values(loss, labels, predictions)
    yield found[:2], (
        "Below the limit, with errors of 2 and -2, {wanted} is wanted; yours gives {got}."
    )
    yield found[2:4], (
        "At the limit of 9 a prediction of 12 may well be right, and one of 7 is too low by 2 at "
        "least: {wanted} is wanted; yours gives {got}."
    )
    yield found[4], (
        "A reading of 9 that is not marked is an ordinary one: 12 should cost {wanted}, not {got}."
    )
    yield from trainable(loss, labels, predictions)


def _charged(formula):
    """A loss that is the mean square of a formula of the error and the mark."""
    return lambda t, p: ops.mean(ops.square(formula(t[:, :1] - p, t[:, 1:])), axis=-1)


censored_error = Exercise(
    censored_error, _readings,
    "Take the columns apart first: y_true[:, :1] and y_true[:, 1:]. Which error counts at the "
    "limit?",
    "At the limit only what is missing counts, ops.relu(reading - y_pred). ops.where chooses "
    "between the two errors.",
    praise="What the label needs to say travels in its own column.",
    slips={
        "may well be right": _charged(lambda error, mark: error),
        "A prediction above the limit is the one that may be right. Yours forgives the one "
        "below.": _charged(lambda error, mark: ops.where(mark > 0, ops.relu(-error), error)),
        "Dropping these patients is too much: a prediction below the limit is wrong for "
        "sure.": _charged(lambda error, mark: ops.where(mark > 0, 0.0, error)),
        "You forgive every prediction above the reading, also where the mark is "
        "0.": _charged(lambda error, mark: ops.relu(error)),
        "The error is to be squared.":
            lambda t, p: ops.mean(
                ops.abs(ops.where(t[:, 1:] > 0, ops.relu(t[:, :1] - p), t[:, :1] - p)), axis=-1),
        "Each prediction is compared with the mark as well: take the two columns apart "
        "first.": lambda t, p: ops.mean(ops.square(t - p), axis=-1),
        "Without its axis a column (batch,) meets y_pred (batch, 1) as (batch, batch): write "
        "y_true[:, :1].": lambda t, p: ops.mean(ops.square(t[:, 0] - p), axis=-1),
        "slopes": _charged(
            lambda error, mark: ops.where(
                mark > 0, ops.relu(ops.stop_gradient(error)), error)),
    },
)


def gaussian_kl(mean, log_variance):
    per_code = ops.square(mean) + ops.exp(log_variance) - 1.0 - log_variance
    return 0.5 * ops.sum(per_code, axis=-1)


_MEAN = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 0.0], [1.0, -1.0]], "float32")
_LOG_VARIANCE = np.array([[0.0, 0.0], [0.0, 0.0], [2.0, 0.0], [-1.0, 0.5]], "float32")


def _divergences(kl):
    def found(function):
        result = returned(function(tf.constant(_MEAN), tf.constant(_LOG_VARIANCE)))
        return per_sample(result, 4)

    values = found(kl)
    yield values[0], "Where the code is the standard normal already, {wanted} is wanted, not {got}."
    yield values[1], (
        "A mean of 3, and nothing else amiss, costs 3**2 / 2 = {wanted}; yours gives {got}."
    )
    yield values[2], (
        "A variance of exp(2) costs (exp(2) - 1 - 2) / 2 = {wanted}; yours gives {got}."
    )
    yield values[3], "With two codes at once {wanted} is wanted; yours gives {got}."
    mean = tf.constant(_MEAN)
    with tf.GradientTape() as tape:
        tape.watch(mean)
        total = tf.reduce_sum(kl(mean, tf.constant(_LOG_VARIANCE)))
    slope = tape.gradient(total, mean)
    yield slope is not None, "No gradient arrives at the mean: stay with keras.ops."
    yield slope, "The slopes over the mean should be {wanted}, and are {got}."
    with explains("It works on numbers, but not in a compiled step."):
        yield found(in_a_graph(kl)), "In a compiled step your function has other values."


def _half_sum(formula):
    return lambda mean, log_variance: 0.5 * ops.sum(formula(mean, log_variance), axis=-1)


gaussian_kl = Exercise(
    gaussian_kl, _divergences,
    "One term for each code, then the sum over the codes: which axis is that?",
    "Inside the sum: mean**2 + exp(log_variance) - 1 - log_variance. Half of it.",
    praise="It is 0 only for the standard normal, and positive everywhere else.",
    slips={
        "The codes are added up, not averaged: the divergences of independent codes "
        "add.": lambda m, v: 0.5 * ops.mean(m**2 + ops.exp(v) - 1 - v, axis=-1),
        "The half in front is missing.": lambda m, v: ops.sum(m**2 + ops.exp(v) - 1 - v, axis=-1),
        "The sign is turned round: a divergence is never below "
        "0.": _half_sum(lambda m, v: 1 + v - m**2 - ops.exp(v)),
        "The -1 is missing: the standard normal should cost "
        "nothing.": _half_sum(lambda m, v: m**2 + ops.exp(v) - v),
        "You are given the logarithm of the variance, not of the standard deviation: the variance "
        "is exp(log_variance).": _half_sum(lambda m, v: m**2 + ops.exp(2 * v) - 1 - 2 * v),
        "The variance itself is not there yet: ops.exp(log_variance).":
            _half_sum(lambda m, v: m**2 + v - 1 - ops.log(ops.abs(v) + 1e-7)),
        "The mean is to be squared.": _half_sum(lambda m, v: ops.abs(m) + ops.exp(v) - 1 - v),
        "one number for the whole batch":
            lambda m, v: 0.5 * ops.sum(m**2 + ops.exp(v) - 1 - v),
    },
)


def interval_score(y_true, y_pred):
    low, high = y_pred[:, :1], y_pred[:, 1:]
    missed = ops.relu(low - y_true) + ops.relu(y_true - high)
    return ops.mean(high - low + missed / 0.1, axis=-1)


def _intervals(loss):
    labels = [0.0, 5.0, 5.0]
    # Inside; above by 1; below by 2.
    predictions = np.array([[-1.0, 2.0], [1.0, 4.0], [7.0, 8.0]])
    found = values(loss, labels, predictions)
    yield found[0], "A label inside an interval of width 3 costs {wanted}; yours gives {got}."
    yield found[1:], (
        "A label 1 above an interval of width 3 costs 3 + 10, one 2 below a width of 1 costs "
        "1 + 20: {wanted}; yours gives {got}."
    )
    yield from trainable(loss, labels, predictions)


def _score(formula):
    """A loss of the label and of the two ends of the interval."""
    return lambda t, p: ops.mean(formula(t, p[:, :1], p[:, 1:]), axis=-1)


interval_score = Exercise(
    interval_score, _intervals,
    "Three parts: the width, how far the label lies below the interval, how far above.",
    "ops.relu(low - y_true) is how far it lies below. Ten times that, since one label in ten may "
    "lie there.",
    praise="Each end is driven to its own quantile, 0.1 and 0.9, by one loss for two numbers.",
    slips={
        "Only misses are charged: then the widest interval wins. Add the "
        "width.": _score(lambda t, low, high: (ops.relu(low - t) + ops.relu(t - high)) / 0.1),
        "Only the width is charged: then the interval shrinks to nothing. Add the "
        "misses.": _score(lambda t, low, high: high - low + 0.0 * t),
        "A miss is charged at its own length. Ten times that is "
        "wanted.": _score(lambda t, low, high: high - low + ops.relu(low - t) + ops.relu(t - high)),
        "A label above the interval should cost as well.":
            _score(lambda t, low, high: high - low + ops.relu(low - t) / 0.1),
        "A label below the interval should cost as well.":
            _score(lambda t, low, high: high - low + ops.relu(t - high) / 0.1),
        "Every distance is charged, also the one inside. ops.relu cuts it off at "
        "0.": _score(lambda t, low, high: high - low + (abs(low - t) + abs(t - high)) / 0.1),
        "The misses are not to be squared: the ends would be means, not "
        "quantiles.": _score(
            lambda t, low, high: high - low + (ops.relu(low - t)**2 + ops.relu(t - high)**2) / 0.1),
        "The two ends are exchanged: the first column is the lower "
        "one.": _score(
            lambda t, high, low: high - low + (ops.relu(low - t) + ops.relu(t - high)) / 0.1),
    },
)
