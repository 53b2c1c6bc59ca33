"""Typical wrong answers to the exercises of notebook 01, with a fragment of the reply to each."""

import numpy as np
import tensorflow as tf
from keras import ops


def _log_cosh(error):
    return error + ops.softplus(-2.0 * error) - ops.log(2.0)


def _too_few_and_too_many(y_true, y_pred):
    return ops.relu(y_true - y_pred), ops.relu(y_pred - y_true)


def _batch_mean(y_true, y_pred):
    few, many = _too_few_and_too_many(y_true, y_pred)
    return ops.mean(3.0 * few + many)


def _swapped(y_true, y_pred):
    few, many = _too_few_and_too_many(y_true, y_pred)
    return ops.mean(few + 3.0 * many, axis=-1)


def _squared(y_true, y_pred):
    few, many = _too_few_and_too_many(y_true, y_pred)
    return ops.mean(3.0 * few**2 + many**2, axis=-1)


def _python_if(y_true, y_pred):
    return 3.0 * (y_true - y_pred) if y_true > y_pred else y_pred - y_true


def _in_numpy(y_true, y_pred):
    error = np.asarray(y_true) - np.asarray(y_pred)
    return tf.constant(np.where(error > 0, 3 * error, -error).mean(axis=-1))


WRONG = {
    "log_cosh": [
        (lambda t, p: ops.mean(_log_cosh(t - p)), "one number for the whole batch"),
        (lambda t, p: _log_cosh(t - p), "Average over the last axis"),
        (lambda t, p: ops.mean(_log_cosh(t - p), axis=0), "Average over the last axis"),
        (lambda t, p: ops.sum(_log_cosh(t - p), axis=-1), "average over the two"),
        (lambda t, p: _log_cosh(t - p)[:, 0], "average over the two"),
        (lambda t, p: ops.mean(ops.log(ops.cosh(t - p)), axis=-1), "not finite"),
        (lambda t, p: ops.mean(ops.square(t - p), axis=-1), "the values should be"),
        (lambda t, p: None, "returns nothing"),
        (
            lambda t, p: tf.constant(np.mean(_log_cosh(t - p).numpy(), axis=-1)),
            "no gradient arrives",
        ),
        (lambda t: t, "TypeError"),
    ],
    "bakers_loss": [
        (_batch_mean, "one number for the whole batch"),
        (_swapped, "swapped"),
        (_squared, "square of the error"),
        (lambda t, p: ops.mean(3.0 * (t - p), axis=-1), "not a cost"),
        (lambda t, p: ops.mean(3.0 * ops.relu(t - p), axis=-1), "not a cost"),
        (lambda t, p: ops.mean(ops.abs(t - p), axis=-1), "should cost 6"),
        (lambda t, p: ops.mean(3.0 * ops.abs(t - p), axis=-1), "should cost 6"),
        (_in_numpy, "no gradient arrives"),
        (_python_if, "ops.where"),
        (lambda t, p: max(3.0 * (t - p), p - t), "ops.maximum"),
        (lambda t, p: ..., "returns nothing"),
    ],
    "stuck_losses": [
        ({0.693: "saturated"}, "Not answered yet"),
        (["constant one half"] * 4, "Fill in the dictionary"),
        (
            {0.693: "ln 2", 2.303: "ln 10", 15.94: "saturated", 1.0: "predicts the mean"},
            "none of the four causes",
        ),
        (
            {
                0.693: "constant one tenth",
                2.303: "constant one half",
                15.94: "saturated",
                1.0: "predicts the mean",
            },
            "0.693 is ln 2",
        ),
        (
            {
                0.693: "constant one half",
                2.303: "saturated",
                15.94: "constant one tenth",
                1.0: "predicts the mean",
            },
            "2.303 is ln 10",
        ),
        (
            {
                0.693: "constant one half",
                2.303: "constant one tenth",
                15.94: "predicts the mean",
                1.0: "saturated",
            },
            "the clip bound",
        ),
        ("predicts the mean", "Fill in the dictionary"),
    ],
}
