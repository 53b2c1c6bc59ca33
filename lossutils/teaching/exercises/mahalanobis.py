"""The exercises of notebook 06, Can a loss learn what "far" means?"""

from contextlib import contextmanager

import numpy as np
import tensorflow as tf
from keras import ops
from scipy.stats import chi2

from lossutils.teaching.errors import describe_error
from lossutils.teaching.exercises.base import Exercise, NotYet, require, returned

_FACTOR = np.array([[2.0, 0.0], [1.0, 0.5]], dtype="float32")
_MEAN = np.array([1.0, -1.0], dtype="float32")
_POINTS = np.array([[1.0, -1.0], [3.0, 0.0], [1.0, 0.0]], dtype="float32")
_WHITE = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]], dtype="float32")


def _close(got, wanted):
    return got.shape == np.shape(wanted) and np.allclose(got, wanted, atol=1e-5)


@contextmanager
def _reply_to_shapes(reply):
    """Where an answer raises because two shapes do not fit, this reply comes before the error."""
    try:
        yield
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        if "Incompatible shapes" not in str(error):
            raise
        raise NotYet(f"{reply} Your code raised {describe_error(error)}") from error


class DiagonalNLL(Exercise):
    """Add the log-determinant of a diagonal covariance."""

    asks_for = "diagonal_nll"
    hints = (
        "What does the loss pay when all standard deviations double?",
        "The determinant of a diagonal matrix is the product of its diagonal, here exp(log_sd)^2.",
        "Half of the logarithm of that product is the sum of log_sd.",
    )
    praise = "Doubling every sd now costs d times log 2, and the minimum is at the sd of the data."

    def reference(x, mean, log_sd):
        z = (x - mean) / ops.exp(log_sd)
        return 0.5 * ops.sum(ops.square(z), axis=-1) + ops.sum(log_sd)

    def grade(self, answer):
        x = tf.constant([[1.0, -1.0, 0.0], [3.0, 0.0, 2.0]])
        mean, log_sd = tf.constant([1.0, -1.0, 0.0]), tf.constant([0.7, -0.4, 0.2])
        with _reply_to_shapes(
            "Your price has one number for each measurement, and meets one half distance for each "
            "sample: the price is one number, the sum over the measurements."
        ):
            got = returned(answer(x, mean, log_sd), "the loss")
        require(
            got.ndim > 0,
            "Your loss returned one number for the whole batch; one value per sample is wanted.",
        )
        distance = 0.5 * (((x - mean) / np.exp(log_sd)).numpy() ** 2).sum(axis=1)
        total = float(np.sum(log_sd))
        require(
            not _close(got, distance),
            "Nothing pays for a large sd yet: with all sd doubled, your loss would only fall.",
        )
        require(
            not _close(got, distance - total),
            "The price has the wrong sign: it should grow with the sd.",
        )
        require(
            not _close(got, distance + 2 * total),
            "The price is twice too high: half the log-determinant goes with half the distance.",
        )
        require(
            not _close(got, distance + 0.5 * total),
            "The price is too low by half: the determinant holds variances, exp(log_sd) squared.",
        )
        require(
            not _close(got, distance + total / 3),
            "The price is the mean over the measurements; a determinant wants their sum.",
        )
        require(
            not _close(got, distance + float(np.sum(np.exp(log_sd)))),
            "You added the sd themselves; the logarithm of the determinant is wanted.",
        )
        require(
            got.shape == (2,),
            f"For 2 samples of 3 measurements your loss returned the shape {got.shape}; (2,) is "
            "wanted. The price is one number, the same for every sample.",
        )
        self._grade_price(got - distance, total)

    def _grade_price(self, price, wanted):
        """The price is what was added to half the squared distance, for each of the two samples."""
        require(
            np.isclose(price[0], price[1], atol=1e-5),
            "The price is not the same for both samples: it depends on log_sd alone, and half the "
            "squared distance stays as it was.",
        )
        require(
            not np.isclose(price[0], wanted + 1.5 * np.log(2 * np.pi), atol=1e-4),
            "The price is right, and a constant was added to it. Leave out the constant.",
        )
        determinant = np.exp(wanted)
        require(
            not np.isclose(price[0], [determinant, determinant**2 / 2], atol=1e-5).any(),
            "Your price is the determinant itself; its logarithm is missing. The logarithm of a "
            "product is a sum.",
        )
        require(
            np.isclose(price[0], wanted, atol=1e-5),
            f"For log_sd = [0.7, -0.4, 0.2] your price is {price[0]:.3f}; half the logarithm of "
            f"the determinant is {wanted:.3f}.",
        )


def _operations(answer):
    """The names of what the answer does, drawn as a graph, or nothing if it cannot be drawn."""
    try:
        graph = tf.function(answer).get_concrete_function(_POINTS, _MEAN, _FACTOR).graph
    except Exception:
        return []
    return [operation.type for operation in graph.get_operations()]


class Whiten(Exercise):
    """Map points so that their covariance becomes the identity."""

    asks_for = "whiten"
    hints = (
        "Solving L z = x - mean gives one z. solve_triangular takes many, one in each column.",
        "ops.solve_triangular(L, ops.transpose(x - mean), lower=True) has the points as columns.",
    )
    praise = "Between whitened points, Euclid's distance is that of Mahalanobis."

    def reference(x, mean, cholesky_factor):
        columns = ops.transpose(x - mean)
        return ops.transpose(ops.solve_triangular(cholesky_factor, columns, lower=True))

    def grade(self, answer):
        with _reply_to_shapes(
            "The points must be columns for solve_triangular: 3 points in 2 dimensions have the "
            "shape (2, 3)."
        ):
            result = answer(*map(tf.constant, (_POINTS, _MEAN, _FACTOR)))
        got = returned(result, "the whitened points")
        self._grade_points(got)
        done = _operations(answer)
        require(
            done,
            "These are the right points, but the graph of `fit` cannot run your code: it leaves "
            "Keras for NumPy or Python numbers. Use ops.solve_triangular.",
        )
        require(
            "MatrixInverse" not in done,
            "These are the right points, but your code forms an inverse. Solve with the triangle: "
            "less work, and the same numbers.",
        )

    def _grade_points(self, got):
        require(
            got.shape != (2, 3),
            "Your points are columns, shape (2, 3); rows are wanted, (3, 2): transpose once more.",
        )
        require(
            got.shape == (3, 2),
            f"For points of shape (3, 2) your result has the shape {got.shape}; the same shape is "
            "wanted: whitening keeps the points, it takes no sum.",
        )
        forgotten = (_POINTS @ np.linalg.inv(_FACTOR).T).astype("float32")
        require(not _close(got, forgotten), "Take away the mean first: its own z should be 0.")
        z = _POINTS - _MEAN
        require(
            not _close(got, z @ np.linalg.inv(_FACTOR)),
            "This solves with the transposed factor: z L^-1 for rows is L^-T z for columns. "
            "Transpose the points, not the factor.",
        )
        require(
            not _close(got, z @ _FACTOR.T),
            "This stretches the points by L. Whitening undoes that: solve with L.",
        )
        require(
            not _close(got, z @ np.linalg.inv(_FACTOR @ _FACTOR.T)),
            "This is S^-1 (x - mean), the factor used twice. Solve with L once.",
        )
        require(
            not _close(got, z / np.diag(_FACTOR)),
            "Only the diagonal has acted, the slant is still in. solve_triangular reads the upper "
            "triangle unless you say lower=True; or you have divided by the diagonal.",
        )
        require(
            _close(got, _WHITE),
            f"For the test points z should be {_WHITE.tolist()}, yours is {got.round(3).tolist()}.",
        )


class Alarm(Exercise):
    """Find the squared distance that a given share of ordinary points exceeds."""

    asks_for = "alarm"
    hints = (
        "A quantile answers: below which value does a given share lie?",
        "chi2.ppf(share, d) is that value; here the share below is 1 - false_alarms.",
    )
    praise = "On Gaussian data this keeps its promise; on real data, count."

    def reference(squared_distance, dimension, false_alarms):
        return squared_distance > chi2.ppf(1 - false_alarms, dimension)

    def grade(self, answer):
        squared = np.linspace(0.0, 1000.0, 100001)
        for dimension, share in ((13, 0.01), (2, 0.05)):
            got = returned(answer(squared, dimension, share), "True or False for each point")
            require(
                got.shape == squared.shape,
                f"For {len(squared)} distances your result has the shape {got.shape}; one answer "
                "for each is wanted.",
            )
            require(
                got.dtype == bool,
                f"True or False for each point is wanted; your result holds {got.dtype} numbers.",
            )
            require(got.any() and not got.all(), "Everything, or nothing, raises an alarm.")
            require(
                not got[0] and got[-1],
                "The alarm is raised for the near points; it is the far ones that are strange.",
            )
            threshold = squared[got].min()
            self._grade_source(threshold, squared, share)
            self._grade_threshold(threshold, dimension, share)

    def _grade_source(self, threshold, squared, share):
        own = (
            "This is a quantile of the distances that you are handed: a share of any data would "
            "raise an alarm, anomalies or not. Take the quantile of ordinary points: chi2.ppf"
        )
        of_these = np.quantile(squared, [1 - share, share])
        require(not np.isclose(threshold, of_these[0], atol=0.015), f"{own}.")
        require(
            not np.isclose(threshold, of_these[1], atol=0.015),
            f"{own}. Yours is at the wrong end, too: `false_alarms` is the share above.",
        )

    def _grade_threshold(self, threshold, dimension, share):
        wanted, one_less = chi2.ppf(1 - share, [dimension, dimension - 1])
        mistakes = {
            chi2.ppf(share, dimension): "This is the quantile from below: all but a share "
            "`false_alarms` of the ordinary points would raise an alarm.",
            np.sqrt(wanted): "This is the threshold for the distance itself; you are handed its "
            "square.",
            wanted**2: "The chi-squared quantile belongs to the squared distance, which you are "
            "handed: compare the two as they come, without a root or a square.",
            chi2.ppf(1 - share / 2, dimension): "Half the share: distances have one tail only.",
            one_less: "One degree of freedom is missing: all d count here.",
            chi2.ppf(1 - share, 1): "This threshold ignores `dimension`: more measurements, larger "
            "distances.",
        }
        for value, message in mistakes.items():
            require(not np.isclose(threshold, value, atol=0.015) or value == wanted, message)
        require(
            np.isclose(threshold, wanted, atol=0.015),
            f"In {dimension} dimensions with {share:.0%} false alarms the threshold should be "
            f"{wanted:.2f}, yours is {threshold:.2f}.",
        )


diagonal_nll = DiagonalNLL()
whiten = Whiten()
alarm = Alarm()
