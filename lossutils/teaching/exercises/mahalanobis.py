"""The exercises of notebook 06, Can a loss learn what "far" means?"""

import numpy as np
import tensorflow as tf
from keras import ops
from scipy.stats import chi2

from lossutils.teaching.exercises import Exercise, columns, in_a_graph, returned, values


def diagonal_nll(x, mean, log_sd):
    z = (x - mean) / ops.exp(log_sd)
    return 0.5 * ops.sum(ops.square(z), axis=-1) + ops.sum(log_sd)


_SAMPLES = np.array([[1.0, -1.0, 0.0], [3.0, 0.0, 2.0]])
_LOG_SD = np.array([0.7, -0.4, 0.2])


def _two_samples(loss):
    yield values(loss, _SAMPLES, np.array([1.0, -1.0, 0.0]), _LOG_SD), (
        "For log_sd = [0.7, -0.4, 0.2] and the two test samples the loss should be {wanted}, yours "
        "is {got}: half the squared distance, plus half the logarithm of the determinant, 0.5."
    )


def _plus(price, factor=0.5):
    """Half the squared distance, or another part of it, and a price that depends on log_sd."""

    def loss(x, mean, log_sd):
        squares = ops.square((x - mean) / ops.exp(log_sd))
        return factor * ops.sum(squares, axis=-1) + price(log_sd)

    return loss


diagonal_nll = Exercise(
    diagonal_nll, _two_samples,
    "What does the loss pay when all standard deviations double?",
    "The determinant of a diagonal matrix is the product of its diagonal, here exp(log_sd)^2.",
    "Half of the logarithm of that product is the sum of log_sd.",
    praise="Doubling every sd now costs d times log 2, and the minimum is at the sd of the data.",
    slips={
        "Nothing pays for a large sd yet: with all sd doubled, your loss would only fall.":
            _plus(lambda s: 0.0),
        "The price has the wrong sign: it should grow with the sd.": _plus(lambda s: -ops.sum(s)),
        "The price is twice too high: half the log-determinant goes with half the distance.":
            _plus(lambda s: 2.0 * ops.sum(s)),
        "The price is too low by half: the determinant holds variances, exp(log_sd) squared.":
            _plus(lambda s: 0.5 * ops.sum(s)),
        "The price is the mean over the measurements; a determinant wants their sum.":
            _plus(ops.mean),
        "You added the sd themselves; the logarithm of the determinant is wanted.":
            _plus(lambda s: ops.sum(ops.exp(s))),
        "Your price has one number for each measurement: take their sum.": _plus(lambda s: s),
        "The price is right, and a constant was added to it. Leave out the constant.":
            _plus(lambda s: ops.sum(s) + 0.5 * len(s) * np.log(2 * np.pi)),
        "Your price is the determinant itself; its logarithm is missing, which is a sum.": [
            _plus(lambda s: ops.prod(ops.exp(s))),
            _plus(lambda s: 0.5 * ops.prod(ops.exp(2.0 * s))),
        ],
        "The price depends on log_sd alone, and half the squared distance stays as it was.":
            _plus(ops.sum, factor=1.0),
        "and the two test samples": _plus(lambda s: 0.5 * ops.sum(ops.square(s))),
        "one number for the whole batch": lambda *given: ops.mean(_plus(ops.sum)(*given)),
        "the shape (2, 3)": lambda x, m, s: 0.5 * ops.square((x - m) / ops.exp(s)) + s,
        "ValueError": _plus(lambda s: None),
    },
)


def whiten(x, mean, cholesky_factor):
    upright = ops.transpose(x - mean)
    return ops.transpose(ops.solve_triangular(cholesky_factor, upright, lower=True))


def _three_points(answer):
    points, factor = np.array([[1.0, -1.0], [3.0, 0.0], [1.0, 0.0]]), np.array([[2, 0], [1, 0.5]])
    given = columns(points, np.array([1.0, -1.0]), factor)
    z = returned(answer(*given), "the whitened points")
    yield str(z.shape), "The shape of the points, (3, 2), is wanted, not {got}: it takes no sum."
    yield z, "For the test points z should be {wanted}, yours is {got}."
    yield in_a_graph(answer)(*given), "In a compiled step yours is {got}."
    graph = tf.function(answer, autograph=False).get_concrete_function(*given).graph
    yield "MatrixInverse" in [operation.type for operation in graph.get_operations()], (
        "The points are right, but your code forms an inverse. Solve with the triangle: less work."
    )


def _solved(x, mean, factor, lower=True):
    return ops.solve_triangular(factor, ops.transpose(x - mean), lower=lower)


whiten = Exercise(
    whiten, _three_points,
    "Solving L z = x - mean gives one z. solve_triangular takes many, one in each column.",
    "ops.solve_triangular(L, ops.transpose(x - mean), lower=True) has the points as columns.",
    praise="Between whitened points, Euclid's distance is that of Mahalanobis.",
    slips={
        "The points must be columns for solve_triangular: 3 points in 2 dimensions have the shape "
        "(2, 3).": lambda x, m, factor: ops.solve_triangular(factor, x - m, lower=True),
        "Your points are columns, shape (2, 3); rows are wanted, (3, 2): transpose once more.":
            _solved,
        "Take away the mean first: its own z should be 0.":
            lambda x, m, factor: ops.transpose(_solved(x, 0.0, factor)),
        "This solves with the transposed factor. Transpose the points, not the factor.": [
            lambda x, m, factor: ops.transpose(_solved(x, m, ops.transpose(factor), lower=False)),
            lambda x, m, factor: (x - m) @ ops.inv(factor),
        ],
        "This stretches the points by L. Whitening undoes that: solve with L.":
            lambda x, m, factor: (x - m) @ ops.transpose(factor),
        "This is S^-1 (x - mean), the factor used twice. Solve with L once.":
            lambda x, m, factor: (x - m) @ ops.inv(factor @ ops.transpose(factor)),
        "Only the diagonal has acted: you divided by it, or did not say lower=True.": [
            lambda x, m, factor: (x - m) / ops.diagonal(factor),
            lambda x, m, factor: ops.transpose(_solved(x, m, factor, lower=False)),
        ],
        "forms an inverse": lambda x, m, factor: (x - m) @ ops.transpose(ops.inv(factor)),
        "not inside a compiled step": [
            lambda x, m, factor: (x - m).numpy() @ np.linalg.inv(factor).T,
            lambda x, m, factor: np.linalg.solve(factor, (x - m).numpy().T).T,
        ],
        "it takes no sum": lambda *given: ops.sum(ops.square(_solved(*given)), axis=0),
        "For the test points": lambda x, m, factor: 2.0 * (x - m),
    },
)


def alarm(squared_distance, dimension, false_alarms):
    return squared_distance > chi2.ppf(1 - false_alarms, dimension)


_SQUARED = np.linspace(0.0, 1000.0, 100001)


def _above_which(answer):
    for dimension, share in ((13, 0.01), (2, 0.05)):
        raised = returned(answer(_SQUARED, dimension, share), "True or False for each point")
        yield str(raised.shape), "Your result has the shape {got}; one answer for each is wanted."
        yield str(raised.dtype), "True or False is wanted; your result holds {got} numbers."
        yield raised.any() and not raised.all(), "Everything, or nothing, raises an alarm."
        yield raised[-1], "You raise it for the near points; it is the far ones that are strange."
        yield _SQUARED[raised].min(), (
            f"In {dimension} dimensions with {share:.0%} false alarms the threshold should be "
            "{wanted}, yours is {got}."
        )


def _beyond(threshold):
    return lambda squared, d, share: squared > threshold(d, share)


alarm = Exercise(
    alarm, _above_which,
    "A quantile answers: below which value does a given share lie?",
    "chi2.ppf(share, d) is that value; here the share below is 1 - false_alarms.",
    praise="On Gaussian data this keeps its promise; on real data, count.",
    slips={
        "This is the quantile from below: nearly all ordinary points would raise an alarm.":
            _beyond(lambda d, share: chi2.ppf(share, d)),
        "This is the threshold for the distance itself; you are handed its square.":
            _beyond(lambda d, share: np.sqrt(chi2.ppf(1 - share, d))),
        "Compare the squared distance and chi2 as they come, without a root or a square.": [
            _beyond(lambda d, share: chi2.ppf(1 - share, d) ** 2),
            lambda squared, d, share: np.sqrt(squared) > chi2.ppf(1 - share, d),
        ],
        "Half the share: distances have one tail only.":
            _beyond(lambda d, share: chi2.ppf(1 - share / 2, d)),
        "This threshold ignores `dimension`: more measurements, larger distances.":
            _beyond(lambda d, share: chi2.ppf(1 - share, 1)),
        "One degree of freedom is missing: all d count here.":
            _beyond(lambda d, share: chi2.ppf(1 - share, d - 1)),
        "This is a quantile of the distances that you are handed: ordinary points have chi2.ppf.":
            lambda squared, d, share: squared > np.quantile(squared, 1 - share),
        "This is a quantile of what you are handed, and at the wrong end, too: take chi2.ppf.":
            lambda squared, d, share: squared > np.quantile(squared, share),
        "the threshold should be": _beyond(lambda d, share: 9.0),
        "it is the far ones": lambda squared, d, share: squared < chi2.ppf(1 - share, d),
        "True or False": lambda squared, d, share: chi2.sf(squared, d),
        "one answer for each":
            lambda squared, d, share: bool(squared.max() > chi2.ppf(1 - share, d)),
        "nothing, raises an alarm": _beyond(lambda d, share: 1e9),
    },
)
