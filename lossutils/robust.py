"""One family of robust losses, and its likelihood, by which shape and scale are learned.

The shape alpha says how much a far-off residual counts: 2 is the squared error, 1 is Charbonnier,
0 is Cauchy, -2 is Geman-McClure, minus infinity is Welsch. It may be chosen, or learned. Learned by
minimising the loss alone it runs to whatever forgives most. Learned by likelihood, the loss pays
the logarithm of its own integral, and the data decide.
"""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lossutils import arguments
from lossutils.stateful import StatefulLoss


def general_robust_loss(residual, alpha, scale):
    """The general robust loss: from the squared error to Welsch's loss as alpha falls.

    With s = (residual / scale)^2 and b = 2 - alpha it is (b / alpha) ((1 + s / b)^(alpha / 2) - 1),
    and by its limits s / 2 at alpha = 2, log(1 + s / 2) at 0 and 1 - exp(-s / 2) at minus infinity.
    Near zero it is s / 2 for every alpha. It is computed without cancellation, so it is as good
    next to a limit as far from one.

    This is no likelihood: minimised over alpha or scale too, it runs away from the data. To learn
    them, use ``AdaptiveRobustLoss``.

    Args:
        residual: any shape, in the unit of the targets.
        alpha: the shape, at most 2, minus infinity included: a number, a tensor, or an array that
            broadcasts to the residuals. Beyond 2 a loss is less robust than the squared error.
        scale: the size from which residuals count as large, above 0, in the unit of the residual;
            like alpha.

    Returns:
        Values from 0, one for each residual, without unit, at least float32 wide. Value and
        gradients are finite up to |residual / scale| = 1e15 in float32. The slope over alpha is
        infinite at alpha = 2; what is returned there is large and finite.

    Raises:
        ValueError: ``alpha`` above 2 or NaN, ``scale`` not finite or not above 0 (checked outside
            compiled steps).

    Source: Barron (2019), A General and Adaptive Robust Loss Function, CVPR, arXiv:1701.03077,
    equation 1 and the limits after it.

    >>> [round(float(v), 3) for v in general_robust_loss([0.5, 10.0], alpha=2, scale=1)]
    [0.125, 50.0]
    >>> [round(float(v), 3) for v in general_robust_loss([0.5, 10.0], alpha=-np.inf, scale=1)]
    [0.118, 1.0]
    """
    arguments.numbers("alpha", alpha, "be at most 2 (or minus infinity)", lambda a: a <= 2)
    arguments.numbers("scale", scale, "be finite and above 0", lambda c: (c > 0) & (c < np.inf))
    residual = arguments.at_least_float32(residual)
    alpha, scale = (ops.convert_to_tensor(v, residual.dtype) for v in (alpha, scale))
    return _general(ops.square(residual / scale) + ops.zeros_like(alpha), alpha)


def log_partition(alpha):
    """The logarithm of the integral of exp(-general_robust_loss(x, alpha, 1)) over all x.

    It is what a likelihood pays for its shape. The more forgiving the loss, the wider its density,
    and the higher the price: from log(sqrt(2 pi)) = 0.919 at alpha = 2 to log(sqrt(2) pi) = 1.491
    at alpha = 0. Below 0 the integral is infinite. It is a sum over 41 points, good to 1e-6, and
    so is its slope.

    Args:
        alpha: in [0, 2]: a number, a tensor, or an array of any shape.

    Returns:
        The shape of ``alpha``, without unit, at least float32 wide.

    Raises:
        ValueError: ``alpha`` outside [0, 2] (checked outside compiled steps).

    Source: Barron (2019), arXiv:1701.03077, section 2; the sum is the double exponential rule of
    Takahasi and Mori (1974), doi:10.2977/prims/1195192451.

    >>> [round(float(log_partition(alpha)), 4) for alpha in (0.0, 1.0, 2.0)]
    [1.4913, 1.1855, 0.9189]
    """
    arguments.numbers("alpha", alpha, "be a number from 0 to 2", lambda a: (a >= 0) & (a <= 2))
    alpha = arguments.at_least_float32(alpha)
    squares = ops.convert_to_tensor(_SQUARES.reshape([-1] + [1] * len(alpha.shape)), alpha.dtype)
    return _log_integral(_general(squares + ops.zeros_like(alpha), alpha))


@keras.saving.register_keras_serializable(package="lossutils")
class AdaptiveRobustLoss(StatefulLoss):
    """Negative log-likelihood of the general robust loss, with its shape and scale trained.

    The loss of a residual x is general_robust_loss(x, alpha, scale) + log(scale) +
    log_partition(alpha). It is Gaussian at alpha = 2 and Cauchy at alpha = 0, and data with many
    far-off residuals draw alpha down. The last two terms are the price: without them a large scale
    and a small alpha would make every residual cheap. The loss is a log-density, so it may be
    negative.

    Both variables are free numbers: alpha is 2 sigmoid of one, and comes close to 0 and 2; scale is
    the exponential of the other, and starts at 1. If the targets have another size, say so
    (``start_at``), or an optimizer takes long to get there.

    If more than half of the residuals can become 0 exactly (a network that learns its training data
    by heart, targets that are mostly one value), the likelihood has no bound, and the scale falls
    to ``least_scale``.

    Args:
        dimension: None for one shape and one scale for all outputs, or the number d of outputs for
            a pair of its own for each.
        least_scale: scales end here, above 0, in the unit of the residuals.
        **kwargs: whatever ``StatefulLoss`` takes.

    Attributes:
        alpha: the shape, between 0 and 2, without unit; a scalar, or shape (d,).
        scale: above ``least_scale``, in the unit of the residuals; a scalar, or shape (d,).

    Shapes:
        ``y_true`` and ``y_pred`` (batch, ..., d), result (batch, ...), the mean over the last axis,
        in nats.

    Raises:
        ValueError: a dimension that is no whole number above 0, a least scale that is not above 0,
            predictions with another last axis than d, shapes that differ.

    Source: Barron (2019), arXiv:1701.03077, section 2. The paper's software keeps alpha
    within [0.001, 1.999]; here the whole range is used.

    >>> loss = AdaptiveRobustLoss()
    >>> loss.start_at(alpha=1.0, scale=0.5)
    >>> round(float(loss.alpha), 3), round(float(loss.scale), 3)
    (1.0, 0.5)
    >>> [round(float(v), 2) for v in loss(np.zeros((2, 1)), np.array([[0.0], [5.0]]))]
    [0.49, 9.54]
    """

    def __init__(self, dimension: int | None = None, least_scale: float = 1e-5, **kwargs):
        super().__init__(**kwargs)
        self.dimension = dimension
        self.least_scale = float(arguments.number("least_scale", least_scale, above=0))
        shape = () if dimension is None else (arguments.whole_number("dimension", dimension, 1),)
        self.raw_alpha = self.add_weight(shape=shape, initializer="zeros", name="raw_alpha")
        self.log_scale = self.add_weight(shape=shape, initializer="zeros", name="log_scale")

    @property
    def alpha(self):
        return 2.0 * ops.sigmoid(self.raw_alpha)

    @property
    def scale(self):
        return self.least_scale + ops.exp(self.log_scale)

    def start_at(self, alpha, scale) -> None:
        """Set shape and scale, such as 1 and the mean absolute value of some residuals.

        Raises ValueError for an alpha that is not between 0 and 2, or a scale that is not finite
        and above ``least_scale``.
        """
        arguments.numbers("alpha", alpha, "be between 0 and 2", lambda a: (a > 0) & (a < 2))
        wanted = f"be finite and above `least_scale`, {self.least_scale:g}"
        arguments.numbers("scale", scale, wanted, lambda c: (c > self.least_scale) & (c < np.inf))
        alpha, scale = (np.broadcast_to(np.float64(v), self.alpha.shape) for v in (alpha, scale))
        self.raw_alpha.assign(np.log(alpha) - np.log(2.0 - alpha))
        self.log_scale.assign(np.log(scale - self.least_scale))

    def call(self, y_true, y_pred):
        arguments.at_least_one_axis(y_pred)
        arguments.last_axis("y_pred", y_pred, self.dimension or y_pred.shape[-1])
        alpha, scale = self.alpha, self.scale
        squares = ops.square((y_true - y_pred) / scale)
        rows = ops.reshape(squares, (-1, self.dimension or 1))
        # The points of the integral ride along: one computation instead of two.
        points = ops.tile(ops.convert_to_tensor(_SQUARES[:, None], rows.dtype), (1, rows.shape[1]))
        both = _general(ops.concatenate([points, rows], axis=0), alpha)
        of_points, values = tf.split(both, [len(_SQUARES), -1])
        price = ops.log(scale) + _log_integral(of_points)
        return ops.mean(ops.reshape(values, ops.shape(squares)) + price, axis=-1)


def _general(s, alpha):
    """The loss of s = (residual / scale)^2, float tensors; alpha broadcasts to s."""
    return _elementwise(s, alpha + ops.zeros_like(s))


@ops.custom_gradient
def _elementwise(s, alpha):
    """The loss by two formulas, since one cancels near alpha = 0, and the other near 2.

    The slopes are written out. So they do not cancel either, they cost half, and `where` chooses
    among numbers: a slope that is not finite in the formula not chosen spoils nothing.
    """
    lowest = -1.0 / _epsilon(s)  # beyond it a float cannot tell alpha from minus infinity
    a = ops.maximum(alpha, lowest)
    b = ops.maximum(2.0 - a, _epsilon(s) ** 2)  # at alpha = 2 a number beyond every digit
    # log(1 + s/b); for large s in another way, since s/b may overflow.
    log = ops.where(s < b, ops.log1p(s / b), ops.log(s + b) - ops.log(b))
    decay, decay_minus_1 = ops.exp(-0.5 * b * log), ops.expm1(-0.5 * b * log)
    z = 0.5 * a * log
    growth_minus_1 = ops.expm1(z)  # growth = (1 + s/b) decay
    near_two = (s * decay + b * decay_minus_1) / a
    up_to_one = ops.where(ops.abs(z) < _epsilon(s), 0.5 * b * log, b / a * growth_minus_1)
    value = ops.where(a > 1.0, near_two, up_to_one)

    def slopes(upstream):
        of_b_log = log - s / (s + b)  # the slope of b log(1 + s/b) over b
        near_two = (0.5 * (s + b) * decay * of_b_log - decay_minus_1 - value) / a
        of_quotient = log * log * _slope_of_quotient(z, growth_minus_1)
        up_to_one = 0.5 * (of_quotient - (1.0 + growth_minus_1) * of_b_log)
        over_alpha = ops.where(a > 1.0, near_two, up_to_one)
        over_alpha = ops.where(alpha < lowest, 0.0, over_alpha)
        return 0.5 * decay * upstream, over_alpha * upstream

    return value, slopes


def _slope_of_quotient(z, growth_minus_1):
    """The slope of (exp(z) - 1) / z: by its series where z is small."""
    series = ops.zeros_like(z)
    for k in range(6, -1, -1):
        series = (k + 1) / math.factorial(k + 2) + z * series
    small = ops.abs(z) < 0.1
    far = ops.where(small, 1.0, z)
    return ops.where(small, series, (1.0 + growth_minus_1 - growth_minus_1 / far) / far)


def _nodes() -> tuple[np.ndarray, np.ndarray]:
    """Squares of points x and weights: sum(weights * f(x^2)) is the integral over all x.

    The trapezoidal rule in t with x = sinh(pi/2 sinh(t)): points close together at 0, where exp(-x)
    bends, and out to 1e8, where a Cauchy density still has some mass.
    """
    step = 0.08
    t = step * np.arange(41)
    inner = 0.5 * np.pi * np.sinh(t)
    weights = 2.0 * step * 0.5 * np.pi * np.cosh(t) * np.cosh(inner)
    weights[0] /= 2.0
    return np.sinh(inner) ** 2, weights


_SQUARES, _WEIGHTS = _nodes()


def _log_integral(of_points):
    """The logarithm of the integral of exp(-loss), from the loss at each point, the first axis."""
    weights = ops.convert_to_tensor(_WEIGHTS, of_points.dtype)
    return ops.log(ops.tensordot(weights, ops.exp(-of_points), axes=1))


def _epsilon(x) -> float:
    return float(np.finfo(keras.backend.standardize_dtype(x.dtype)).eps)
