"""Losses without state: each function takes the parameters and returns ``loss(y_true, y_pred)``.

Every returned loss gives one value per sample (the mean over the last axis), so that Keras can
apply sample weights, masks, its reduction and the scaling for several devices. The parameters are
fixed when the loss is made. A parameter that is to be trained belongs in a ``StatefulLoss``.

The arithmetic is done in float32 or wider: half-precision predictions are widened first, because
in float16 the clip bound 1 - 1e-7 is exactly 1, and its logarithm of the rest minus infinity.
"""

import functools
from collections.abc import Callable, Sequence

import keras
from keras import ops

from lossutils import arguments

Loss = Callable  # of labels and predictions

STORABLE: dict[str, Callable[..., Loss]] = {}
"""The functions of this file by name: what they return can be made again from a saved model."""


def storable(make: Callable[..., Loss]) -> Callable[..., Loss]:
    """Notes on each loss how it was made: by itself a closure is not found again on load."""

    @functools.wraps(make)
    def noting(*args, **kwargs) -> Loss:
        loss, given = make(*args, **kwargs), arguments.by_name(make, args, kwargs)
        loss.made_by = {"closure": make.__name__, "arguments": given}
        return loss

    STORABLE[make.__name__] = noting
    return noting


def floats(y_true, y_pred, *parameters) -> tuple:
    """All as tensors of one float type, at least float32 wide, after a look at the shapes."""
    y_true, y_pred = ops.convert_to_tensor(y_true), arguments.at_least_float32(y_pred)
    arguments.same_shape(y_true, y_pred)
    arguments.at_least_one_axis(y_pred)
    parameters = (ops.convert_to_tensor(value, y_pred.dtype) for value in parameters)
    return ops.cast(y_true, y_pred.dtype), y_pred, *parameters


@storable
def huber(delta: float = 1.0) -> Loss:
    """Quadratic for residuals up to ``delta``, linear beyond.

    With q = min(|e|, delta) and e = y_true - y_pred the loss is q^2 / 2 + delta (|e| - q), averaged
    over the last axis.

    Args:
        delta: where the quadratic part ends, in the unit of the targets; a finite number above 0,
            or a tensor.

    Returns:
        ``loss(y_true, y_pred)``: two tensors of shape (batch, ..., d) to values of shape
        (batch, ...), in the squared unit of the targets.

    Raises:
        ValueError: ``delta`` is not above 0, or the shapes differ.

    Source: Huber (1964), Robust Estimation of a Location Parameter, doi:10.1214/aoms/1177703732.

    >>> huber(delta=1.0)([[0.0], [0.0]], [[0.5], [3.0]]).numpy().tolist()
    [0.125, 2.5]
    """
    arguments.number("delta", delta, above=0)

    def loss(y_true, y_pred):
        y_true, y_pred, bound = floats(y_true, y_pred, delta)
        size = ops.abs(y_true - y_pred)
        q = ops.minimum(size, bound)
        return ops.mean(0.5 * q * q + bound * (size - q), axis=-1)

    return loss


@storable
def weighted_binary_crossentropy(weights: Sequence[float], from_logits: bool = False) -> Loss:
    """Binary cross-entropy in which each class has its own weight.

    With w = weights[y] the loss is -w (y log p + (1 - y) log(1 - p)), averaged over the last axis.
    From logits it is computed with softplus and exact at any size; from probabilities p is clipped
    to [1e-7, 1 - 1e-7], so it saturates near 16 and has no gradient beyond the clip.

    Args:
        weights: (weight of class 0, weight of class 1), finite and at least 0; or tensors.
        from_logits: True if ``y_pred`` holds logits, False if it holds probabilities.

    Returns:
        ``loss(y_true, y_pred)``: labels 0 or 1 and predictions of shape (batch, ..., d) to values
        of shape (batch, ...), in nats.

    Raises:
        ValueError: not two weights, a negative or non-finite one, labels other than 0 and 1
            (checked outside compiled steps), or shapes that differ.

    Source: King and Zeng (2001), Logistic Regression in Rare Events Data (the weighted
    likelihood), doi:10.1093/oxfordjournals.pan.a004868.

    >>> loss = weighted_binary_crossentropy((0.1, 0.9))
    >>> [round(float(v), 4) for v in loss([[0.0], [1.0]], [[0.5], [0.5]])]
    [0.0693, 0.6238]
    """
    class_weights = arguments.weights("weights", weights, length=2)
    from_logits = arguments.flag("from_logits", from_logits)

    def loss(y_true, y_pred):
        y_true, y_pred, w_0, w_1 = floats(y_true, y_pred, *class_weights)
        arguments.zeros_and_ones("y_true", y_true)
        if from_logits:
            cost_0, cost_1 = ops.softplus(y_pred), ops.softplus(-y_pred)
        else:
            p = _clipped(y_pred)
            cost_0, cost_1 = -ops.log(1.0 - p), -ops.log(p)
        return ops.mean(w_1 * y_true * cost_1 + w_0 * (1.0 - y_true) * cost_0, axis=-1)

    return loss


@storable
def weighted_categorical_crossentropy(weights: Sequence[float], from_logits: bool = False) -> Loss:
    """Categorical cross-entropy in which each class has its own weight.

    The loss is -sum_k w_k y_k log p_k. From logits it uses log-softmax and is exact at any size;
    from probabilities p is clipped to [1e-7, 1 - 1e-7].

    Args:
        weights: one weight per class, in class order, finite and at least 0; or tensors.
        from_logits: True if ``y_pred`` holds logits, False if it holds probabilities.

    Returns:
        ``loss(y_true, y_pred)``: one-hot labels and predictions of shape (batch, ..., classes) to
        values of shape (batch, ...), in nats.

    Raises:
        ValueError: a bad weight, as many weights as there are not classes, labels that are not
            one-hot (checked outside compiled steps), or shapes that differ.

    Source: Bishop (2006), Pattern Recognition and Machine Learning, equation 4.108, with a weight
    on each class.

    >>> loss = weighted_categorical_crossentropy((1.0, 2.5, 0.5))
    >>> round(float(loss([[0.0, 1.0, 0.0]], [[0.25, 0.5, 0.25]])[0]), 4)
    1.7329
    """
    class_weights = arguments.weights("weights", weights)
    from_logits = arguments.flag("from_logits", from_logits)

    def loss(y_true, y_pred):
        y_true, y_pred, *w = floats(y_true, y_pred, *class_weights)
        wanted = f"hold a weight for each of the {y_pred.shape[-1]} classes of `y_pred`"
        arguments.check("weights", class_weights, wanted, len(w) == y_pred.shape[-1])
        arguments.one_hot("y_true", y_true)
        log_p = ops.log_softmax(y_pred, axis=-1) if from_logits else ops.log(_clipped(y_pred))
        return -ops.sum(ops.stack(w) * y_true * log_p, axis=-1)

    return loss


def _clipped(p):
    # The upper bound must be a number below 1 in the working precision: 1e-7 is for float32.
    epsilon = max(keras.config.epsilon(), 1e-7)
    return ops.clip(p, epsilon, 1.0 - epsilon)


@storable
def near_zero_penalty(strength: float = 0.1, epsilon: float = 0.1) -> Loss:
    """Squared error plus a bounded penalty on predictions near zero.

    The loss is (y - p)^2 + strength * epsilon^2 / (p^2 + epsilon^2), averaged over the last axis.
    The penalty is ``strength`` at p = 0, half of it at |p| = epsilon, and fades beyond. Its slope
    is never steeper than 0.65 strength / epsilon. At p = 0 exactly the slope is 0: by symmetry no
    smooth penalty can say which way to go.

    Args:
        strength: height of the penalty at zero, in the squared unit of the targets, at least 0.
        epsilon: half-width of the penalised zone, in the unit of the predictions, above 0.

    Returns:
        ``loss(y_true, y_pred)``: two tensors of shape (batch, ..., d) to values of shape
        (batch, ...).

    Raises:
        ValueError: ``strength`` below 0, ``epsilon`` not above 0, or shapes that differ.

    Source: the penalty is the Lorentzian (Geman and McClure's 1987 robust function turned over).

    >>> near_zero_penalty(strength=0.5, epsilon=0.1)([[0.0]], [[0.0]]).numpy().tolist()
    [0.5]
    """
    arguments.number("strength", strength, at_least=0)
    arguments.number("epsilon", epsilon, above=0)

    def loss(y_true, y_pred):
        y_true, y_pred, height, half_width = floats(y_true, y_pred, strength, epsilon)
        penalty = height / (ops.square(y_pred / half_width) + 1.0)
        return ops.mean(ops.square(y_true - y_pred) + penalty, axis=-1)

    return loss


@storable
def pinball(quantile: float = 0.5) -> Loss:
    """The loss whose minimiser is a quantile: linear, with one slope above and one below.

    With e = y_true - y_pred the loss is quantile * e where e > 0 (predicted too low) and
    (quantile - 1) * e where e < 0 (predicted too high), averaged over the last axis.

    Args:
        quantile: between 0 and 1, both excluded. If a unit too low costs ``under`` and a unit too
            high costs ``over``, the best quantile is under / (over + under).

    Returns:
        ``loss(y_true, y_pred)``: two tensors of shape (batch, ..., d) to values of shape
        (batch, ...), in the unit of the targets.

    Raises:
        ValueError: ``quantile`` outside (0, 1), or shapes that differ.

    Source: Koenker and Bassett (1978), Regression Quantiles, doi:10.2307/1913643.

    >>> [round(float(v), 2) for v in pinball(0.9)([[0.0], [0.0]], [[-1.0], [1.0]])]
    [0.9, 0.1]
    """
    arguments.number("quantile", quantile, above=0, below=1)

    def loss(y_true, y_pred):
        y_true, y_pred, level = floats(y_true, y_pred, quantile)
        error = y_true - y_pred
        return ops.mean(level * ops.relu(error) + (1.0 - level) * ops.relu(-error), axis=-1)

    return loss
