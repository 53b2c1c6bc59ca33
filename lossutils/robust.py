"""One family of robust losses, and its likelihood, by which shape and scale are learned.

The shape alpha says how much a far-off residual counts: 2 is the squared error, 1 is Charbonnier,
0 is Cauchy, -2 is Geman-McClure, minus infinity is Welsch. It may be chosen, or learned. Learned by
minimising the loss alone it runs to whatever forgives most. Learned by likelihood, the loss pays
the logarithm of its own integral, and the data decide.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from lossutils import _validation as check
from lossutils.stateful import StatefulLoss


def general_robust_loss(residual: Any, alpha: Any, scale: Any) -> Any:
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
    _check("alpha", alpha, "a number of at most 2 (minus infinity is one)", lambda a: a <= 2)
    _check("scale", scale, "a finite number above 0", lambda c: np.isfinite(c) & (c > 0))
    residual = ops.convert_to_tensor(residual)
    dtype = "float64" if keras.backend.standardize_dtype(residual.dtype) == "float64" else "float32"
    return _general(*(ops.convert_to_tensor(v, dtype) for v in (residual, alpha, scale)))


def log_partition(alpha: Any) -> Any:
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
    _check("alpha", alpha, "a number from 0 to 2", lambda a: (a >= 0) & (a <= 2))
    alpha = ops.convert_to_tensor(alpha)
    dtype = "float64" if keras.backend.standardize_dtype(alpha.dtype) == "float64" else "float32"
    return _log_partition(ops.cast(alpha, dtype))


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
        whole = isinstance(dimension, (int, np.integer)) and not isinstance(dimension, bool)
        if dimension is not None and (not whole or dimension < 1):
            raise ValueError(
                f"`dimension` must be None or a whole number of at least 1, but is {dimension!r}."
            )
        self.dimension = None if dimension is None else int(dimension)
        self.least_scale = float(check.number("least_scale", least_scale, above=0))
        shape = () if dimension is None else (self.dimension,)
        self.raw_alpha = self.add_weight(shape=shape, initializer="zeros", name="raw_alpha")
        self.log_scale = self.add_weight(shape=shape, initializer="zeros", name="log_scale")

    @property
    def alpha(self) -> Any:
        return 2.0 * ops.sigmoid(self.raw_alpha)

    @property
    def scale(self) -> Any:
        return self.least_scale + ops.exp(self.log_scale)

    def start_at(self, alpha: Any, scale: Any) -> None:
        """Set shape and scale, such as 1 and the mean absolute value of some residuals.

        Raises ValueError for an alpha that is not between 0 and 2, or a scale that is not finite
        and above ``least_scale``.
        """
        _check("alpha", alpha, "a number between 0 and 2", lambda a: (a > 0) & (a < 2))
        wanted = f"a finite number above `least_scale`, {self.least_scale:g},"
        _check("scale", scale, wanted, lambda c: np.isfinite(c) & (c > self.least_scale))
        alpha, scale = self._one_or_all("alpha", alpha), self._one_or_all("scale", scale)
        self.raw_alpha.assign(np.log(alpha) - np.log(2.0 - alpha))
        self.log_scale.assign(np.log(scale - self.least_scale))

    def _one_or_all(self, name: str, value: Any) -> np.ndarray:
        """One number for all outputs, or one for each, in the shape of the variables."""
        numbers = np.asarray(ops.convert_to_numpy(value), "float64")
        shape = tuple(self.raw_alpha.shape)
        if numbers.shape not in ((), shape):
            wanted = "one number" + (f", or one for each of {self.dimension} outputs" * bool(shape))
            raise ValueError(f"`{name}` must be {wanted}, but has shape {numbers.shape}.")
        return np.broadcast_to(numbers, shape)

    def call(self, y_true, y_pred):
        check.at_least_one_axis(y_pred)
        if self.dimension not in (None, y_pred.shape[-1]):
            raise ValueError(
                f"`y_pred` must have {self.dimension} outputs, as `dimension` says, but has shape "
                f"{tuple(y_pred.shape)}."
            )
        alpha, scale = self.alpha, self.scale
        price = ops.log(scale) + _log_partition(alpha)
        return ops.mean(_general(y_true - y_pred, alpha, scale) + price, axis=-1)

    def get_config(self):
        own = {"dimension": self.dimension, "least_scale": self.least_scale}
        return {**super().get_config(), **own}


def _general(residual: Any, alpha: Any, scale: Any) -> Any:
    """The loss of float tensors. Both branches are finite everywhere, so `where` spoils none."""
    s = ops.square(residual / scale)
    near_two = _from_one_to_two(s, ops.maximum(alpha, 1.0))
    return ops.where(alpha > 1.0, near_two, _up_to_one(s, ops.minimum(alpha, 1.0)))


def _from_one_to_two(s: Any, alpha: Any) -> Any:
    # (1 + s/b)^(alpha/2) = (1 + s/b) f, with f = (1 + s/b)^(-b/2) close to 1 where alpha is near 2.
    b = 2.0 - alpha
    # At alpha = 2 a number beyond every digit stands in for b = 0, and the slope passes through.
    b = b + ops.stop_gradient(ops.maximum(b, _epsilon(s) ** 2) - b)
    # log(1 + s/b); for large s in another way, since the slope of s/b over b would overflow.
    for_small = ops.log1p(ops.minimum(s, b) / b)
    log = ops.where(s < b, for_small, ops.log(ops.maximum(s, b) + b) - ops.log(b))
    exponent = -0.5 * b * log
    return (s * ops.exp(exponent) + b * ops.expm1(exponent)) / alpha


def _up_to_one(s: Any, alpha: Any) -> Any:
    # Beyond one over the rounding error a float cannot tell alpha from minus infinity.
    alpha = ops.maximum(alpha, -1.0 / _epsilon(s))
    b = 2.0 - alpha
    log = ops.log1p(s / b)
    z = 0.5 * alpha * log
    # (b / alpha) (exp(z) - 1); for small z as b log / 2 times the series of (exp(z) - 1) / z.
    small = ops.abs(z) < 0.5
    inner, series = ops.where(small, z, 0.0), ops.ones_like(z)
    for n in range(13, 1, -1):
        series = 1.0 + inner * series / n
    return ops.where(small, 0.5 * b * log * series, b / ops.where(small, 1.0, alpha) * ops.expm1(z))


def _nodes() -> tuple[np.ndarray, np.ndarray]:
    """Points x >= 0 and weights: sum(weights * f(x)) is the integral of an even f over all x.

    The trapezoidal rule in t with x = sinh(pi/2 sinh(t)): points close together at 0, where exp(-x)
    bends, and out to 1e8, where a Cauchy density still has some mass.
    """
    step = 0.08
    t = step * np.arange(41)
    inner = 0.5 * np.pi * np.sinh(t)
    weights = 2.0 * step * 0.5 * np.pi * np.cosh(t) * np.cosh(inner)
    weights[0] /= 2.0
    return np.sinh(inner), weights


_X, _WEIGHTS = _nodes()


def _log_partition(alpha: Any) -> Any:
    dtype = keras.backend.standardize_dtype(alpha.dtype)
    x, weights = _X.astype(dtype), _WEIGHTS.astype(dtype)
    one = ops.ones((), dtype)
    values = _general(ops.convert_to_tensor(x), ops.expand_dims(alpha, -1), one)
    return ops.log(ops.sum(ops.exp(-values) * weights, axis=-1))


def _epsilon(x: Any) -> float:
    return float(np.finfo(keras.backend.standardize_dtype(x.dtype)).eps)


def _check(name: str, value: Any, wanted: str, allowed: Any) -> None:
    """Raise ValueError unless all numbers in ``value`` are allowed; a graph is not read."""
    if isinstance(value, (str, bytes, bool)) or value is None:
        raise ValueError(f"`{name}` must be {wanted}, but is {value!r}.")
    if not check.has_values(value):
        return
    try:
        if np.iscomplexobj(value):
            raise TypeError("complex")
        numbers = np.asarray(ops.convert_to_numpy(value), "float64")
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must be {wanted}, but is {value!r}.") from error
    if not np.all(allowed(numbers)):
        strange = numbers[~np.broadcast_to(allowed(numbers), numbers.shape)].flat[0]
        raise ValueError(f"`{name}` must be {wanted}, but is {strange:g}.")
