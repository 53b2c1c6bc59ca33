"""Typical wrong answers to the exercises of notebook 04."""

import numpy as np
from keras import ops


def fraud_hard(is_fraud, stopped, amount):
    decision = ops.cast(stopped > 0.5, "float32")
    return ops.mean(is_fraud * (1 - decision) * amount + (1 - is_fraud) * decision * 5, axis=-1)


def fraud_squared(is_fraud, stopped, amount):
    missed = is_fraud * ops.square(1 - stopped) * amount
    return ops.mean(missed + (1 - is_fraud) * stopped * 5, axis=-1)


def fraud_prices_swapped(is_fraud, stopped, amount):
    return ops.mean(is_fraud * (1 - stopped) * 5 + (1 - is_fraud) * stopped * amount, axis=-1)


def fraud_mean(is_fraud, stopped, amount):
    return ops.mean(is_fraud * (1 - stopped) * amount + (1 - is_fraud) * stopped * 5)


def fraud_column(is_fraud, stopped, amount):
    return is_fraud * (1 - stopped) * amount + (1 - is_fraud) * stopped * 5


def fraud_squeezed(is_fraud, stopped, amount):
    return ops.squeeze(is_fraud * (1 - stopped) * amount + (1 - is_fraud) * stopped * 5)


def fraud_over_the_batch(is_fraud, stopped, amount):
    return ops.mean(is_fraud * (1 - stopped) * amount + (1 - is_fraud) * stopped * 5, axis=0)


def fraud_numpy(is_fraud, stopped, amount):
    f, s, a = (np.asarray(v)[:, 0] for v in (is_fraud, stopped, amount))
    return f * (1 - s) * a + (1 - f) * s * 5


def counts(y, d):
    return ops.sum(y * d), ops.sum(y * (1 - d)), ops.sum((1 - y) * d)


def each(y, value):
    return ops.zeros_like(y[:, 0]) + value


def f_itself(y, d, beta):
    tp, fn, fp = counts(y, d)
    return each(y, (1 + beta**2) * tp / ((1 + beta**2) * tp + beta**2 * fn + fp))


def f_swapped(y, d, beta):
    tp, fn, fp = counts(y, d)
    return each(y, 1 - (1 + beta**2) * tp / ((1 + beta**2) * tp + fn + beta**2 * fp))


def f_not_squared(y, d, beta):
    tp, fn, fp = counts(y, d)
    return each(y, 1 - (1 + beta) * tp / ((1 + beta) * tp + beta * fn + fp))


def f_one(y, d, beta):
    tp, fn, fp = counts(y, d)
    return each(y, 1 - 2 * tp / (2 * tp + fn + fp))


def f_scalar(y, d, beta):
    return 1 - f_itself(y, d, beta)[0]


def f_per_sample(y, d, beta):
    tp, fn, fp = y * d, y * (1 - d), (1 - y) * d
    value = (1 + beta**2) * tp / ((1 + beta**2) * tp + beta**2 * fn + fp + 1e-7)
    return ops.mean(1 - value, axis=-1)


def f_hard(y, d, beta):
    return 1 - f_itself(y, ops.cast(d >= 0.5, "float32"), beta)


def f_numpy(y, d, beta):
    return np.asarray(1 - f_itself(y, d, beta))


def f_squeezed(y, d, beta):
    return ops.zeros_like(ops.squeeze(y)) + f_scalar(y, d, beta)


def f_forgotten_misses(y, d, beta):
    tp, _, fp = counts(y, d)
    return each(y, 1 - (1 + beta**2) * tp / ((1 + beta**2) * tp + fp))


WRONG = {
    "best_threshold": [
        (lambda fp, fn: fn / (fp + fn), "swapped"),
        (lambda fp, fn: fp / fn, "ratio of the costs"),
        (lambda fp, fn: fn / fp, "between 0 and 1"),
        (lambda fp, fn: 0.5, "equal costs only"),
        (lambda fp, fn: 0.02, "use both arguments"),
        (lambda fp, fn: 1 / (1 + fn), "At the best threshold t"),
        (lambda fp, fn: (0.02, 0.98), "One number"),
        (0.02, "Hand over the function itself"),
    ],
    "fraud_cost": [
        (lambda f, s, a: ops.mean(f * s * a + (1 - f) * (1 - s) * 5, axis=-1), "swapped"),
        (lambda f, s, a: ops.mean(f * (1 - s) * a + (1 - f) * s * a, axis=-1), "phone call, 5"),
        (lambda f, s, a: ops.mean((1 - s) * a + (1 - f) * s * 5, axis=-1), "passes costs nothing"),
        (lambda f, s, a: ops.mean(f * (1 - s) * a + s * 5, axis=-1), "only honest customers"),
        (fraud_prices_swapped, "should cost 40, 0, 0"),
        (fraud_mean, "one number for the whole batch"),
        (fraud_column, "the shape should be (4,)"),
        (fraud_squeezed, "drops the axis of the batch"),
        (fraud_over_the_batch, "yours is (1,)"),
        (fraud_hard, "no gradient reaches the decision"),
        (fraud_numpy, "NumPy stops it"),
        (fraud_squared, "slopes of soft ones are wrong"),
    ],
    "f_beta_loss": [
        (f_itself, "F-beta itself"),
        (f_swapped, "belongs to the misses"),
        (f_not_squared, "Square beta"),
        (f_one, "beta is not used"),
        (f_scalar, "its shape is ()"),
        (f_squeezed, "drops the axis of the batch"),
        (f_per_sample, "different values"),
        (f_hard, "not for soft ones"),
        (f_numpy, "no gradient reaches the decision"),
        (f_forgotten_misses, "yours is"),
    ],
}
