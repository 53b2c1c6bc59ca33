"""Typical wrong answers to the exercises of notebook 06, with a fragment of the reply to each."""

import numpy as np
from keras import ops
from scipy.stats import chi2


def _half_distance(x, mean, log_sd):
    return 0.5 * ops.sum(ops.square((x - mean) / ops.exp(log_sd)), axis=-1)


def _plus(price):
    """The half distance plus a price that depends on log_sd."""
    return lambda x, mean, log_sd: _half_distance(x, mean, log_sd) + price(log_sd)


def _solved(x, mean, factor, **how):
    return ops.solve_triangular(factor, ops.transpose(x - mean), **how)


WRONG = {
    "diagonal_nll": [
        (_half_distance, "Nothing pays"),
        (_plus(lambda s: -ops.sum(s)), "wrong sign"),
        (_plus(lambda s: 2.0 * ops.sum(s)), "twice too high"),
        (_plus(lambda s: 0.5 * ops.sum(s)), "too low by half"),
        (_plus(ops.mean), "a determinant wants their sum"),
        (_plus(lambda s: ops.sum(ops.exp(s))), "the sd themselves"),
        (lambda x, m, s: ops.mean(_half_distance(x, m, s)) + ops.sum(s), "one value per sample"),
        (lambda x, m, s: 0.5 * ops.square((x - m) / ops.exp(s)) + s, "shape (2, 3)"),
        (_plus(lambda s: ops.sum(s) + 0.5 * len(s) * np.log(2 * np.pi)), "Leave out the constant"),
        (_plus(lambda s: 0.5 * ops.sum(ops.square(s))), "your price is 0.345"),
        (_plus(lambda s: ops.prod(ops.exp(s))), "its logarithm is missing"),
        (_plus(lambda s: 0.5 * ops.prod(ops.exp(2.0 * s))), "its logarithm is missing"),
        (_plus(lambda s: s), "meets one half distance for each sample"),
        (lambda x, m, s: ops.sum(ops.square((x - m) / ops.exp(s)), -1) + ops.sum(s), "stays as it"),
        (_plus(lambda s: None), "ValueError"),
    ],
    "whiten": [
        (lambda x, m, factor: _solved(x, m, factor, lower=True), "transpose once more"),
        (
            lambda x, m, factor: ops.solve_triangular(factor, x - m, lower=True),
            "must be columns",
        ),
        (
            lambda x, m, factor: ops.transpose(_solved(x, 0 * m, factor, lower=True)),
            "the mean first",
        ),
        (
            lambda x, m, factor: ops.transpose(_solved(x, m, ops.transpose(factor))),
            "transposed factor",
        ),
        (lambda x, m, factor: (x - m) @ ops.inv(factor), "transposed factor"),
        (lambda x, m, factor: (x - m) @ ops.transpose(factor), "Whitening undoes that"),
        (
            lambda x, m, factor: (x - m) @ ops.inv(factor @ ops.transpose(factor)),
            "the factor used twice",
        ),
        (lambda x, m, factor: (x - m) / ops.diagonal(factor), "divided by the diagonal"),
        (lambda x, m, factor: ops.transpose(_solved(x, m, factor)), "unless you say lower=True"),
        (lambda x, m, factor: (x - m) @ ops.transpose(ops.inv(factor)), "forms an inverse"),
        (lambda x, m, factor: (x - m).numpy() @ np.linalg.inv(factor).T, "leaves Keras for NumPy"),
        (lambda x, m, factor: np.linalg.solve(factor, (x - m).numpy().T).T, "the graph of `fit`"),
        (
            lambda x, m, factor: ops.sum(ops.square(_solved(x, m, factor, lower=True)), axis=0),
            "it takes no sum",
        ),
        (lambda x, m, factor: 2.0 * (x - m), "yours is"),
    ],
    "alarm": [
        (lambda m2, d, share: m2 > chi2.ppf(share, d), "quantile from below"),
        (lambda m2, d, share: m2 < chi2.ppf(1 - share, d), "near points"),
        (lambda m2, d, share: m2 > np.sqrt(chi2.ppf(1 - share, d)), "the distance itself"),
        (lambda m2, d, share: np.sqrt(m2) > chi2.ppf(1 - share, d), "without a root"),
        (lambda m2, d, share: m2 > chi2.ppf(1 - share, d) ** 2, "or a square"),
        (lambda m2, d, share: m2 > chi2.ppf(1 - share / 2, d), "one tail"),
        (lambda m2, d, share: m2 > chi2.ppf(1 - share, 1), "ignores `dimension`"),
        (lambda m2, d, share: m2 > chi2.ppf(1 - share, d - 1), "degree of freedom is missing"),
        (lambda m2, d, share: m2 > np.quantile(m2, 1 - share), "that you are handed"),
        (lambda m2, d, share: m2 > np.quantile(m2, share), "at the wrong end, too"),
        (lambda m2, d, share: m2 > 9.0, "the threshold should be"),
        (lambda m2, d, share: chi2.sf(m2, d), "True or False"),
        (lambda m2, d, share: bool(m2.max() > chi2.ppf(1 - share, d)), "one answer for each"),
        (lambda m2, d, share: m2 > 1e9, "nothing, raises an alarm"),
    ],
}
