"""Learned distances: a covariance trained by likelihood, and a metric trained by neighbours.

A covariance S = L L^T is held by a triangle: by its Cholesky factor L, a lower triangle with a
positive diagonal, or by the inverse of L, which is one as well and whitens: L^-1 x has the
covariance I if x has the covariance S. Then S is a covariance whatever the optimizer does, the
determinant is a product of the diagonal, and S is never formed, inverted or factorised.
"""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lossutils import arguments
from lossutils.stateful import StatefulLoss, weights_of

# Beyond this a float32 factor does not hold the covariance any more.
_LARGEST_CONDITION = 1e10

# From so many samples for each dimension a MahalanobisNLL starts.
_START = 100


def mahalanobis_squared(x, mean, cholesky_factor):
    """The squared Mahalanobis distance (x - mean)^T S^-1 (x - mean), with S = L L^T.

    For data from a Gaussian with this mean and covariance it follows a chi-squared distribution
    with d degrees of freedom, so d is an ordinary value.

    Args:
        x: points, shape (..., d).
        mean: shape (d,), in the unit of the points.
        cholesky_factor: L, shape (d, d), lower triangular with a positive diagonal, in the same
            unit.

    Returns:
        Shape (...), without unit. Cost and memory grow linearly with the number of points.

    Raises:
        ValueError: shapes that do not fit; outside a graph also a factor that is not finite, not
            lower triangular, or without a positive diagonal.

    Source: Mahalanobis (1936), On the Generalised Distance in Statistics.

    >>> mahalanobis_squared([[2.0, 0.0], [0.0, 2.0]], [0.0, 0.0], [[1.0, 0.0], [0.0, 4.0]]).numpy()
    array([4.  , 0.25], dtype=float32)
    """
    x = arguments.at_least_float32(x)
    mean, factor = (ops.convert_to_tensor(v, x.dtype) for v in (mean, cholesky_factor))
    arguments.has_shape("mean", mean, (None,))
    d = mean.shape[0]
    arguments.has_shape("cholesky_factor", factor, (d, d))
    arguments.last_axis("x", x, d)
    wanted = "be finite, with a positive diagonal and 0 above the diagonal: numpy.linalg.cholesky"
    arguments.numbers("cholesky_factor", factor, wanted, _is_cholesky_factor)
    rows = ops.reshape(x - mean, (-1, d))
    return ops.reshape(_squared_sizes(rows, factor), ops.shape(x)[:-1])


def _squared_sizes(rows, factor):
    """The squares |L^-1 x|^2 of some points x, shape (n, d)."""
    d = factor.shape[0]
    if rows.shape[0] is not None and rows.shape[0] < d:
        return ops.sum(ops.square(_solved(factor, ops.transpose(rows))), axis=0)
    # To solve d times and multiply is as exact, and for many points far quicker.
    return ops.sum(ops.square(ops.matmul(rows, ops.transpose(_inverse(factor)))), axis=-1)


def _solved(factor, columns):
    return ops.solve_triangular(factor, columns, lower=True)


def _inverse(factor):
    return _solved(factor, ops.eye(factor.shape[0], dtype=factor.dtype))


def _is_cholesky_factor(array: np.ndarray) -> bool:
    return not np.triu(array, 1).any() and np.isfinite(array).all() and (np.diag(array) > 0).all()


@keras.saving.register_keras_serializable(package="lossutils")
class MahalanobisNLL(StatefulLoss):
    """Negative log-likelihood of Gaussian residuals whose mean and covariance are trained.

    With r = y_true - y_pred the loss is (m + log det S + d log 2 pi) / 2, where m is the squared
    Mahalanobis distance of r from ``mean``. The determinant is what a large covariance pays, and
    the minimum lies exactly at the mean and the covariance (divided by n) of the residuals. The
    loss is a log-density, so it may be negative.

    To learn the covariance of data, train on a network that predicts 0 with the data as labels. If
    the network has a bias of its own, only the sum of bias and ``mean`` is determined.

    **Start.** Unit and condition of the residuals do not matter, because training starts by itself
    from the first of them: after each of the first steps mean and covariance are those of all
    residuals so far, up to 100 d of them (of fewer than 2 d it takes twice the variances; samples
    of weight 0 and masked ones do not count). From then on the optimizer trains what is left, in
    coordinates in which the covariance of the start is the identity. ``fit`` and ``train_on_batch``
    do so; a loop of your own says ``loss(y_true, y_pred, training=True)``, or calls ``start_at``,
    which takes the place of the start.

    What to expect, measured with Adam in 64 dimensions, condition number 1e6 and 4096 samples, as
    the mean excess over the exact minimum: all samples at once, below 1e-6 nats after 100 steps at
    rates 0.001 and 0.01; in batches of 256, below 0.001 after 300 steps, at both rates if they fade
    to 0. At a rate that stays batches keep it moving: at 0.001 the excess stays near 0.001 for
    batches of 256 and 0.02 for 32, at 0.01 near 0.1. Not promised: to keep up with a network that
    learns fast. Covariances follow its residuals by about the learning rate in each step.

    Args:
        dimension: d, the number of outputs, at least 1.
        ridge: finite, at least 0, in the squared unit of the residuals. It acts as if the residuals
            had independent noise of this variance, so the minimum lies at their covariance plus
            ``ridge`` times the identity. Needed where a residual is constant or a combination of
            the others: there the likelihood has no bound.
        **kwargs: whatever ``StatefulLoss`` takes.

    Attributes:
        mean: shape (d,), in the unit of the residuals; 0 before the start.
        cholesky_factor: L, shape (d, d), lower triangular, its diagonal above 0.
        covariance: L L^T, shape (d, d); the identity before the start.

    Shapes:
        ``y_true`` and ``y_pred`` (batch, ..., d), result (batch, ...), in nats.

    Raises:
        ValueError: a dimension that is no whole number above 0, a negative ridge, predictions with
            another last axis than d, shapes that differ.

    Sources: Bishop (2006), Pattern Recognition and Machine Learning, equation 2.43; Pinheiro and
    Bates (1996), Unconstrained Parametrizations for Variance-Covariance Matrices, for a triangle
    with a logarithmic diagonal, doi:10.1007/BF00140873.

    >>> loss = MahalanobisNLL(dimension=2)
    >>> loss.start_at(mean=[0.0, 0.0], covariance=[[4.0, 0.0], [0.0, 1.0]])
    >>> values = loss(np.array([[2.0, 0.0]], "float32"), np.zeros((1, 2), "float32"))
    >>> round(float(values[0]), 4) == round(0.5 * (1 + math.log(4) + 2 * math.log(2 * math.pi)), 4)
    True
    """

    def __init__(self, dimension: int, ridge: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.dimension = d = arguments.whole_number("dimension", dimension, 1)
        self.ridge = float(arguments.number("ridge", ridge, at_least=0))
        # A residual r is whitened to P (r - centre) + shift, with P = (I + B) diag(exp(s)) W. What
        # is trained starts at 0, and acts on coordinates that are white already if W is any good:
        # there equal steps of all numbers do alike, whatever the covariance.
        self.shift = self.add_weight(shape=(d,), initializer="zeros", name="shift")
        # A matrix row by row, s on its diagonal and B below it. What is above is not used: to put
        # fewer numbers into their places takes more code and no less time. For the optimizer it is
        # no matrix: Adafactor would average rows that hold nothing.
        self.triangle = self.add_weight(shape=(d * d,), initializer="zeros", name="triangle")
        self._centre = self.add_weight((d,), "zeros", trainable=False, name="centre")
        self._whitening = self.add_weight((d, d), "identity", trainable=False, name="whitening")
        self._seen = self.add_weight((), "zeros", trainable=False, name="seen")

    @property
    def mean(self):
        _, factor = self._log_scale_and_factor()
        return self._centre - _solved(factor, self.shift[:, None])[:, 0]

    @property
    def cholesky_factor(self):
        return _inverse(self._log_scale_and_factor()[1])

    @property
    def covariance(self):
        factor = self.cholesky_factor
        return ops.matmul(factor, ops.transpose(factor))

    def start_at(self, mean, covariance) -> None:
        """Set mean and covariance, shapes (d,) and (d, d), such as those of some residuals.

        Raises ValueError for shapes that do not fit, and for a covariance that is not finite,
        symmetric and positive definite, or whose condition number is beyond 1e10.
        """
        d = self.dimension
        mean, covariance = _array("mean", mean, (d,)), _array("covariance", covariance, (d, d))
        _check_covariance(covariance)
        whitening = np.tril(np.linalg.inv(np.linalg.cholesky(covariance)))
        self._start_from(_START * d, mean, whitening)

    def _start_from(self, seen, centre, whitening) -> None:
        self._seen.assign(seen)
        self._centre.assign(centre)
        self._whitening.assign(whitening)
        for trained in (self.shift, self.triangle):
            trained.assign(ops.zeros_like(trained))

    def call(self, y_true, y_pred, training=None, sample_weight=None):
        arguments.last_axis("y_pred", y_pred, self.dimension)
        residuals = y_true - y_pred
        if training:
            self._start(ops.stop_gradient(residuals), sample_weight)
        log_scale, factor = self._log_scale_and_factor()
        white = ops.matmul(residuals - self._centre, ops.transpose(factor)) + self.shift
        log_of_start = ops.log(ops.diagonal(self._whitening))
        price = 0.5 * self.dimension * math.log(2 * math.pi) - ops.sum(log_scale + log_of_start)
        if self.ridge:
            price = price + 0.5 * self.ridge * ops.sum(ops.square(factor))
        return 0.5 * ops.sum(ops.square(white), axis=-1) + price

    def _log_scale_and_factor(self):
        """s, and P, the inverse of the Cholesky factor."""
        numbers = ops.reshape(self.triangle, (self.dimension, self.dimension))
        log_scale, below = ops.diagonal(numbers), np.tri(self.dimension, k=-1)
        triangle = (numbers * below + np.eye(self.dimension)) * ops.exp(log_scale)
        return log_scale, ops.matmul(triangle, self._whitening)

    def _start(self, residuals, sample_weight) -> None:
        """Take these samples into the mean and covariance to start from, if they are few yet."""
        rows = ops.reshape(residuals, (-1, self.dimension))
        weights = ops.reshape(weights_of(residuals, sample_weight), (-1,))
        replica = tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            rows, weights = replica.all_gather((rows, weights), axis=0)  # all start alike
        few = self._seen < _START * self.dimension
        ops.cond(few, lambda: self._whiten(rows, weights), lambda: None)

    def _whiten(self, rows, weights) -> None:
        """Let mean and covariance be those of all samples so far, these included."""
        # In float32 a covariance holds condition numbers up to 1e7 only.
        given = (rows, weights, self._seen, self._centre, self._whitening)
        rows, weights, seen, centre, whitening = (ops.cast(v, "float64") for v in given)
        count, mean, covariance = _moments(rows, weights)
        share, step = ops.divide_no_nan(count, seen + count), mean - centre
        centre = centre + share * step
        covariance = share * (covariance + (1.0 - share) * ops.outer(step, step))
        covariance = covariance + (1.0 - share) * self._covariance_of(whitening, seen)
        # A variance that float32 cannot tell from a constant is none, and any scale will do.
        variances = ops.diagonal(covariance)
        variances = ops.where(variances > 1e-14 * ops.square(centre), variances, 0.0)
        diagonal = (1.0 + self._extra(seen + count)) * variances + self.ridge
        covariance = tf.linalg.set_diag(covariance, ops.where(diagonal > 0, diagonal, 1.0))
        self._start_from(seen + count, centre, _inverse(tf.linalg.cholesky(covariance)))

    def _covariance_of(self, whitening, count):
        """The covariance that `_whiten` was given, without what it put on its diagonal."""
        factor = _inverse(whitening)
        covariance = ops.matmul(factor, ops.transpose(factor))
        variances = (ops.diagonal(covariance) - self.ridge) / (1.0 + self._extra(count))
        return tf.linalg.set_diag(covariance, variances)

    def _extra(self, count):
        """A share of each variance for its own: much while the samples hardly span the space."""
        return ops.where(count < 2 * self.dimension, ops.ones_like(count), 1e-8)


def _moments(rows, weights):
    """Number, mean and covariance of those rows that are finite and weigh something."""
    weights = ops.where(ops.all(ops.isfinite(rows), axis=-1), weights, 0.0)
    count = ops.sum(ops.cast(weights > 0, rows.dtype))
    shares = ops.divide_no_nan(weights, ops.sum(weights))[:, None]
    rows = ops.where(shares > 0, rows, 0.0)
    mean = ops.sum(shares * rows, axis=0)
    rows = rows - mean
    return count, mean, ops.matmul(ops.transpose(shares * rows), rows)


@keras.saving.register_keras_serializable(package="lossutils")
class NCA(StatefulLoss):
    """Neighbourhood components analysis: trains a metric in which neighbours share their class.

    The points, here the predictions, are mapped by a matrix A. Each picks another point of the
    batch as its neighbour, with a probability proportional to exp(-|A x_i - A x_j|^2). The loss is
    the probability that the neighbour is of another class: a soft error rate, between 0 and 1.

    It couples the samples: a point is compared with its batch, so the value depends on the batch,
    and each of several replicas compares within its own part. Shuffled batches need several samples
    of each class. Cost and memory grow with the square of the batch. A point that is alone in its
    batch has the loss 0.

    Args:
        dimension: d, the number of features of a point, at least 1.
        components: rows of A, from 1 to d; by default d. A starts as the first rows of the
            identity, and may be set: ``transformation.assign``.
        **kwargs: whatever ``StatefulLoss`` takes.

    Attributes:
        transformation: A, a variable of shape (components, d), in 1 / unit of the points.
        metric: A^T A, shape (d, d). It stands where S^-1 stands in a Mahalanobis distance.

    Shapes:
        ``y_true``: classes as numbers, (batch,) or (batch, 1), or one-hot, (batch, classes).
        ``y_pred``: points, (batch, d). Result (batch,).

    Raises:
        ValueError: a dimension or number of components out of range, predictions with another last
            axis than d, labels of another shape; in ``fit`` labels that are not whole numbers.

    Source: Goldberger, Roweis, Hinton and Salakhutdinov (2005), Neighbourhood Components Analysis,
    equations 1 to 4 (NIPS 17).

    >>> loss = NCA(dimension=1)
    >>> near, far = np.array([[0.0], [0.1]], "float32"), np.array([[9.0], [9.1]], "float32")
    >>> loss(np.array([0, 0, 1, 1]), np.concatenate([near, far])).numpy().round(3).tolist()
    [0.0, 0.0, 0.0, 0.0]
    """

    labels_like_predictions = False
    couples_samples = True

    def __init__(self, dimension: int, components: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.dimension = arguments.whole_number("dimension", dimension, 1)
        rows = self.dimension if components is None else components
        wanted = f"be a whole number from 1 to `dimension`, {self.dimension}"
        arguments.check("components", rows, wanted, rows in range(1, self.dimension + 1))
        shape = (rows, self.dimension)
        self.transformation = self.add_weight(shape, "identity", name="transformation")

    @property
    def metric(self):
        return ops.matmul(ops.transpose(self.transformation), self.transformation)

    def call(self, y_true, y_pred):
        arguments.has_shape("y_pred", y_pred, (None, self.dimension))
        classes = _class_numbers(y_true)
        points = ops.matmul(y_pred, ops.transpose(self.transformation))
        # Far from the origin the squares below would cancel to nothing.
        points = points - ops.stop_gradient(ops.mean(points, axis=0))
        squares = ops.sum(ops.square(points), axis=-1)
        products = ops.matmul(points, ops.transpose(points))
        distances = squares[:, None] + squares[None, :] - 2.0 * products
        # Nobody is the neighbour of itself.
        logits = -distances - 1e30 * ops.eye(ops.shape(points)[0], dtype=points.dtype)
        neighbour = ops.exp(logits - ops.logsumexp(logits, axis=-1, keepdims=True))
        other_class = ops.cast(classes[:, None] != classes[None, :], points.dtype)
        return ops.sum(neighbour * other_class, axis=-1)

    def check_labels(self, y_true) -> None:
        super().check_labels(y_true)
        arguments.numbers("y", y_true, "hold whole numbers of classes", lambda y: y == np.round(y))
        if np.shape(y_true)[1:] not in ((), (1,)):
            arguments.one_hot("y", y_true)


def _class_numbers(y_true):
    """Classes as (batch,): from (batch,), (batch, 1) or one-hot (batch, classes)."""
    wanted = "have shape (batch,), (batch, 1) or, one-hot, (batch, classes)"
    arguments.check("y_true", tuple(y_true.shape), wanted, len(y_true.shape) in (1, 2))
    if len(y_true.shape) == 2 and y_true.shape[-1] > 1:
        return ops.argmax(y_true, axis=-1)
    return ops.reshape(y_true, (-1,))


def _array(name: str, value, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(ops.convert_to_numpy(value), dtype="float64")
    arguments.has_shape(name, array, shape)
    return arguments.numbers(name, array, "hold finite numbers", np.isfinite)


def _check_covariance(covariance: np.ndarray) -> None:
    symmetric = np.abs(covariance - covariance.T).max() <= 1e-5 * np.abs(covariance).max()
    arguments.check("covariance", covariance, "be symmetric", symmetric)
    least, most = np.linalg.eigvalsh(covariance)[[0, -1]]
    wanted = "have positive eigenvalues (add a small multiple of the identity)"
    arguments.check("covariance", float(least), wanted, least > 0)
    wanted = f"have a condition number of at most {_LARGEST_CONDITION:g} (standardise the features)"
    arguments.check("covariance", float(most / least), wanted, most <= _LARGEST_CONDITION * least)
