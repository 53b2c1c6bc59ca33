"""The robust family against float64 formulas, numerical integration, SciPy and scikit-learn."""

import math
from itertools import pairwise

import keras
import numpy as np
import pytest
import scipy.optimize
import scipy.stats
import tensorflow as tf
from contract import StatefulLossContract
from keras import ops
from scipy.integrate import quad

from lossutils import AdaptiveRobustLoss, ModelWithLoss, general_robust_loss
from lossutils.robust import log_partition

SEEDS = range(3)
INF = math.inf
# Members of the family, at the limits, next to them, and in between.
ALPHAS = (2, 2 - 1e-6, 1.999, 1.5, 1 + 1e-6, 1, 0.5, 1e-3, 1e-6, 1e-20, 0)
ALPHAS += (-1e-20, -1e-6, -1, -2, -30, -1e4, -1e10, -INF)
RESIDUALS = np.array([0, 1e-20, 1e-8, 1e-4, 0.01, 0.3, 1, 3, 30, 1e4, 1e10], "float32")


def exact(x, alpha, scale=1.0):
    """The formula in long double, with its limits."""
    s = (np.asarray(x, "longdouble") / np.longdouble(scale)) ** 2
    alpha = np.longdouble(alpha)
    if alpha == 2:
        return s / 2
    if alpha == 0:
        return np.log1p(s / 2)
    if alpha == -INF:
        return -np.expm1(-s / 2)
    b = 2 - alpha
    return b / alpha * np.expm1(alpha / 2 * np.log1p(s / b))


def exact_slope(x, alpha, scale=1.0):
    """Its derivative over the residual."""
    x, alpha = np.asarray(x, "longdouble") / scale, np.longdouble(alpha)
    if alpha == 2:
        return x / scale
    if alpha == -INF:
        return x / scale * np.exp(-(x**2) / 2)
    b = 2 - alpha
    return x / scale * np.exp((alpha / 2 - 1) * np.log1p(x**2 / b))


def gradients(x, alpha, scale=1.0, dtype="float32"):
    """The value and its slopes over residual, alpha and scale, each of the shape of x."""
    x, alpha, scale = (
        tf.constant(np.broadcast_to(v, np.shape(x)), dtype) for v in (x, alpha, scale)
    )
    with tf.GradientTape() as tape:
        tape.watch([x, alpha, scale])
        value = general_robust_loss(x, alpha, scale)
    return [v.numpy() for v in (value, *tape.gradient(value, [x, alpha, scale]))]


def density(x, alpha):
    """exp(-loss), with plain floats: quad asks for it a hundred thousand times."""
    s, b = x * x, 2 - alpha
    if b == 0 or alpha == 0:
        return 1 / (1 + s / 2) if alpha == 0 else math.exp(-s / 2)
    return math.exp(-b / alpha * math.expm1(alpha / 2 * math.log1p(s / b)))


def integral(alpha, f=lambda x: 1.0):
    """Integral of f times the density; x = sinh(t), in pieces, each of them smooth."""

    def integrand(t):
        x = math.sinh(t)
        return 2 * f(x) * density(x, alpha) * math.cosh(t)

    pieces = pairwise((0, 1e-3, 0.03, 0.3, 1, 3, 10, 45))
    return sum(quad(integrand, a, b, epsabs=1e-12, epsrel=1e-12)[0] for a, b in pieces)


# The family


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("scale", [0.1, 1.0, 7.0])
def test_it_is_the_formula(alpha, scale):
    got = general_robust_loss(RESIDUALS, alpha, scale)
    assert got.dtype == tf.float32 and got.shape == RESIDUALS.shape
    wanted = exact(RESIDUALS, np.float32(alpha), np.float32(scale))
    # 1e-20 squared is below what float32 holds.
    np.testing.assert_allclose(got, wanted.astype("float64"), rtol=3e-6, atol=1e-30)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_it_is_the_formula_in_float64(alpha):
    x = RESIDUALS.astype("float64")
    got = general_robust_loss(x, np.float64(alpha), 0.7)
    assert got.dtype == tf.float64
    np.testing.assert_allclose(got, exact(x, alpha, 0.7).astype("float64"), rtol=1e-10, atol=1e-30)


NAMED = {
    "squared error": (2, lambda s: s / 2),
    "Charbonnier": (1, lambda s: np.sqrt(s + 1) - 1),
    "Cauchy": (0, lambda s: np.log(s / 2 + 1)),
    "Geman-McClure": (-2, lambda s: 2 * s / (s + 4)),
    "Welsch": (-INF, lambda s: 1 - np.exp(-s / 2)),
}


@pytest.mark.parametrize("alpha, formula", NAMED.values(), ids=NAMED)
def test_the_named_members(alpha, formula):
    x = np.linspace(-6, 6, 101)
    np.testing.assert_allclose(
        general_robust_loss(x, alpha, 1.5), formula((x / 1.5) ** 2), atol=1e-14
    )


@pytest.mark.parametrize("limit", [2, 1, 0])
def test_it_is_continuous(limit):
    x = np.array([0.1, 1, 5], "float32")
    for step in (1e-7, 1e-6, 1e-5):
        for side in (-1, 1) if limit < 2 else (-1,):
            near = general_robust_loss(x, limit + side * step, 1.0)
            np.testing.assert_allclose(near, general_robust_loss(x, limit, 1.0), rtol=1e-4)


def test_one_array_may_hold_different_shapes_and_scales():
    x = np.full((4, 3), 2.0, "float32")
    got = general_robust_loss(x, np.array([2.0, 0.0, -INF]), np.array([1.0, 2.0, 4.0]))
    wanted = [exact(2, 2), exact(2, 0, 2), exact(2, -INF, 4)]
    np.testing.assert_allclose(got, np.tile(np.array(wanted, "float64"), (4, 1)), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["int64", "float16"])
def test_whole_numbers_and_half_precision_become_float32(dtype):
    got = general_robust_loss(np.array([300], dtype), 2, 1)
    assert got.dtype == tf.float32 and got.numpy().tolist() == [45000.0]


# Gradients


@pytest.mark.parametrize("alpha", ALPHAS)
def test_nothing_is_nan_or_infinite_in_float32(alpha):
    for compiled in (False, True):
        function = tf.function(gradients_in_graph, jit_compile=True) if compiled else None
        if compiled:
            parts = function(tf.constant(RESIDUALS), tf.fill(RESIDUALS.shape, np.float32(alpha)))
        else:
            parts = gradients(RESIDUALS, np.float32(alpha))
        assert all(np.all(np.isfinite(part)) for part in parts), (compiled, parts)


def gradients_in_graph(x, alpha):
    scale = tf.ones_like(x)
    with tf.GradientTape() as tape:
        tape.watch([x, alpha, scale])
        value = general_robust_loss(x, alpha, scale)
    return value, *tape.gradient(value, [x, alpha, scale])


@pytest.mark.parametrize("alpha", ALPHAS)
def test_slopes_over_residual_and_scale(alpha):
    x = RESIDUALS
    _, over_residual, _, over_scale = gradients(x, np.float32(alpha), 0.5)
    slope = exact_slope(x, np.float32(alpha), 0.5).astype("float64")
    np.testing.assert_allclose(over_residual, slope, rtol=4e-6, atol=1e-11)
    # The loss depends on x / scale alone.
    np.testing.assert_allclose(over_scale, -slope * x / 0.5, rtol=4e-6, atol=1e-10)


@pytest.mark.parametrize(
    "alpha", [2 - 1e-6, 1.999, 1.5, 1.01, 1, 0.5, 1e-6, -1e-6, -1, -2, -100, -1e4]
)
def test_slope_over_alpha_is_that_of_finite_differences(alpha):
    x = np.array([0, 1e-4, 0.01, 0.3, 1, 3, 30, 1e4, 1e10], "float32")
    alpha = np.float32(alpha)
    # Small against the distance from the limit: the slope over alpha grows without end at 2.
    h = np.longdouble(1e-3) * min(2 - np.longdouble(alpha), 1e-2)
    wanted = (exact(x, alpha + h) - exact(x, alpha - h)) / (2 * h)
    got = gradients(x, alpha)[2]
    # Close to 0 the slope is far smaller than the loss, and only rounding is left of it.
    tolerance = 1e-5 * np.abs(wanted) + 6e-7 * exact(x, alpha)
    assert np.all(np.abs(got - wanted) <= tolerance), (got, wanted.astype("float64"))


@pytest.mark.parametrize("alpha", [1.7, 1.2, 1, 0.9, 0.5, 0.2, 0.03, -0.03, -0.5, -3])
def test_slope_over_alpha_in_float64(alpha):
    x, h = np.array([0.1, 0.3, 1, 3, 30, 1e4]), np.longdouble(1e-5)
    wanted = (exact(x, alpha + h) - exact(x, alpha - h)) / (2 * h)
    got = gradients(x, alpha, dtype="float64")[2]
    np.testing.assert_allclose(got, wanted.astype("float64"), rtol=1e-8, atol=1e-13)


def test_slope_over_alpha_at_zero():
    """Its limit, from the series of the formula around alpha = 0."""
    x = np.array([0.3, 1, 3, 30])
    log = np.log1p(x**2 / 2)
    wanted = log**2 / 4 - log / 2 + x**2 / (2 * (2 + x**2))
    np.testing.assert_allclose(gradients(x, 0.0)[2], wanted, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(gradients(x, 0.0, dtype="float64")[2], wanted, rtol=1e-8)


def test_slope_over_alpha_at_the_ends():
    x = np.array([0.3, 1, 3], "float32")
    at_two, beside = gradients(x, 2.0)[2], gradients(x, 2 - 1e-6)[2]
    assert np.all(at_two > beside) and np.all(beside > 0)
    assert gradients(x, -INF)[2].tolist() == [0.0, 0.0, 0.0]


def test_a_far_off_residual_of_a_small_alpha_pulls_no_more():
    pull = np.abs(gradients(np.array([1.0, 100.0]), -2.0)[1])
    assert pull[1] < 1e-4 * pull[0]


# The price


@pytest.mark.parametrize(
    "alpha, wanted",
    # At 1: 2 e K_1(1), with the modified Bessel function.
    [
        (2, math.sqrt(2 * math.pi)),
        (0, math.pi * math.sqrt(2)),
        (1, 2 * math.e * 0.6019072301972346),
    ],
)
def test_the_partition_has_its_closed_forms(alpha, wanted):
    assert float(log_partition(float(alpha))) == pytest.approx(math.log(wanted), abs=1e-6)
    assert integral(alpha) == pytest.approx(wanted, rel=1e-10)


DENSE = np.unique(
    np.concatenate(
        [np.linspace(0, 2, 81), np.geomspace(1e-7, 0.02, 8), 2 - np.geomspace(1e-6, 0.02, 12)]
    )
)


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-6), ("float64", 1e-7)])
def test_the_partition_is_the_integral(dtype, tolerance):
    """Wanted is 1e-5."""
    wanted = [math.log(integral(a)) for a in DENSE.astype(dtype).astype("float64")]
    got = log_partition(DENSE.astype(dtype))
    assert got.dtype == dtype
    np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance)


def test_the_slope_of_the_partition_is_that_of_the_integral():
    """d log Z / d alpha = minus the mean of d loss / d alpha under the density."""

    def exact_mean(alpha):
        h = 1e-4 * (2 - alpha)

        def slope(x):
            return float(exact(x, alpha + h) - exact(x, alpha - h)) / (2 * h)

        return integral(alpha, slope) / integral(alpha)

    alphas = np.array([1e-3, 0.03, 0.2, 0.5, 0.9, 1, 1.1, 1.5, 1.8, 1.95, 1.99, 1.999], "float32")
    alphas = tf.constant(alphas)
    with tf.GradientTape() as tape:
        tape.watch(alphas)
        price = log_partition(alphas)
    got = tape.gradient(price, alphas).numpy()
    np.testing.assert_allclose(got, [-exact_mean(float(a)) for a in alphas], rtol=3e-4)


def test_the_price_falls_with_alpha_and_is_finite_at_its_ends():
    alphas = tf.constant([0.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(alphas)
        price = log_partition(alphas)
    slope = tape.gradient(price, alphas).numpy()
    assert np.all(np.isfinite(slope)) and np.all(slope < 0)
    assert np.all(np.diff(log_partition(np.linspace(0, 2, 201))) < 0)


# AdaptiveRobustLoss


class TestAdaptiveRobustLoss(StatefulLossContract):
    outputs = 2
    bad_arguments = [
        ({"dimension": 0}, ["`dimension`", "at least 1", "0"]),
        ({"dimension": 1.5}, ["`dimension`", "whole number", "1.5"]),
        ({"dimension": True}, ["`dimension`", "whole number", "True"]),
        ({"dimension": "2"}, ["`dimension`", "whole number", "'2'"]),
        ({"least_scale": 0.0}, ["`least_scale`", "above 0", "0.0"]),
        ({"least_scale": -1}, ["`least_scale`", "above 0", "-1"]),
        ({"least_scale": INF}, ["`least_scale`", "finite", "inf"]),
        ({"least_scale": None}, ["`least_scale`", "None"]),
    ]

    def make_loss(self):
        return AdaptiveRobustLoss()


def numbers(value):
    return ops.convert_to_numpy(value)


def exact_nll(x, alpha, scale):
    values = np.asarray(exact(x, alpha, scale), "float64")
    return values + math.log(scale) + math.log(integral(alpha))


def test_it_starts_at_one_and_one():
    loss = AdaptiveRobustLoss()
    assert float(loss.alpha) == 1.0 and float(loss.scale) == pytest.approx(1.0, abs=2e-5)
    assert AdaptiveRobustLoss(dimension=3).alpha.shape == (3,)


@pytest.mark.parametrize("alpha", [1e-4, 0.1, 0.7, 1.0, 1.3, 1.99])
@pytest.mark.parametrize("scale", [1e-3, 0.4, 50.0])
def test_the_loss_is_the_negative_log_density(alpha, scale):
    loss = AdaptiveRobustLoss()
    loss.start_at(alpha, scale)
    assert float(loss.alpha) == pytest.approx(alpha, rel=1e-5)
    assert float(loss.scale) == pytest.approx(scale, rel=1e-5)
    x = np.array([0, 0.1, -1, 10]) * scale
    got = loss(x[:, None], np.zeros((4, 1)))
    np.testing.assert_allclose(got, exact_nll(x, alpha, scale), rtol=3e-6, atol=3e-6)


def test_its_ends_are_gauss_and_cauchy():
    loss = AdaptiveRobustLoss(dimension=2)
    loss.raw_alpha.assign([40.0, -100.0])
    loss.log_scale.assign(np.log([0.7, 0.7]))
    np.testing.assert_allclose(loss.alpha, [2.0, 0.0], rtol=0, atol=1e-40)
    x = np.linspace(-4, 4, 21)[:, None] * np.ones((1, 2))
    got = AdaptiveRobustLoss.call(loss, ops.cast(x, "float32"), ops.zeros((21, 2)))
    gauss, cauchy = scipy.stats.norm(scale=0.7), scipy.stats.cauchy(scale=0.7 * math.sqrt(2))
    wanted = -(gauss.logpdf(x[:, 0]) + cauchy.logpdf(x[:, 1])) / 2
    np.testing.assert_allclose(got, wanted, rtol=5e-5)


def test_the_density_has_the_integral_one():
    loss = AdaptiveRobustLoss()
    loss.start_at(0.8, 1.7)
    x = np.sinh(np.linspace(-25, 25, 4001))
    density = np.exp(-numbers(loss(x[:, None], np.zeros((4001, 1)))).astype("float64"))
    assert np.trapezoid(density, x) == pytest.approx(1.0, abs=1e-4)


def test_each_output_has_its_own_shape_and_scale():
    x = np.random.default_rng(0).normal(size=(5, 4, 3)).astype("float32")
    loss = AdaptiveRobustLoss(dimension=3)
    loss.start_at([0.2, 1.0, 1.8], [0.5, 1.0, 2.0])
    wanted = np.mean(
        [exact_nll(x[..., i], a, c) for i, (a, c) in enumerate([(0.2, 0.5), (1, 1), (1.8, 2)])], 0
    )
    got = loss(x, np.zeros_like(x))
    assert got.shape == (5, 4)
    np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-5)
    one = AdaptiveRobustLoss()
    one.start_at(0.2, 0.5)
    np.testing.assert_allclose(one(x, 0 * x), exact_nll(x, 0.2, 0.5).mean(-1), rtol=2e-5, atol=2e-5)


def learned(x, steps=1000, rate=0.2, start=1.0):
    """Shape and scale learned from residuals alone, with a network that predicts 0."""
    d = x.shape[1]
    loss = AdaptiveRobustLoss(dimension=d)
    loss.start_at(1.0, start)
    network = keras.Sequential([keras.Input((d,)), keras.layers.Rescaling(0.0)])
    model = ModelWithLoss(network, loss)
    fading = keras.optimizers.schedules.CosineDecay(rate, steps)
    model.compile(keras.optimizers.Adam(fading), steps_per_execution=50)
    batches = tf.data.Dataset.from_tensors((x, x)).repeat()
    model.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0)
    return numbers(loss.alpha), numbers(loss.scale)


def best(x):
    """The most likely shape and scale, by SciPy, on the same residuals."""
    grid = np.linspace(0, 2, 201)
    price = scipy.interpolate.CubicSpline(grid, numbers(log_partition(grid)))

    def nll(theta):
        alpha, scale = 2 / (1 + math.exp(-theta[0])), math.exp(theta[1])
        return float(np.mean(exact(x, alpha, scale))) + theta[1] + price(alpha)

    result = scipy.optimize.minimize(nll, [0, 0], method="Nelder-Mead", options={"xatol": 1e-5})
    return 2 / (1 + math.exp(-result.x[0])), math.exp(result.x[1])


def test_training_finds_the_most_likely_shape_and_scale():
    rng = np.random.default_rng(4)
    columns = [rng.standard_t(df, size=400) * size for df, size in ((1.5, 1), (3, 3), (6, 0.2))]
    x = np.stack(columns, axis=1).astype("float32")
    alpha, scale = learned(x)
    for i in range(3):
        wanted = best(x[:, i].astype("float64"))
        assert (alpha[i], scale[i]) == pytest.approx(wanted, rel=2e-3, abs=2e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_heavier_tails_draw_alpha_down(seed):
    rng = np.random.default_rng(seed)
    columns = [rng.normal(size=500), rng.standard_t(3, size=500), rng.standard_cauchy(size=500)]
    alpha, scale = learned(np.stack(columns, axis=1).astype("float32"))
    assert alpha[0] > 1.5 and alpha[0] > alpha[1] > alpha[2] and alpha[2] < 0.4
    # Cauchy's usual scale is sqrt(2) times the one here.
    assert scale[2] * math.sqrt(2) == pytest.approx(1.0, rel=0.25)


def test_the_unit_of_the_residuals_does_not_matter():
    x = np.random.default_rng(1).standard_t(3, size=(300, 1))
    (alpha,), (scale,) = learned(x.astype("float32"))
    (same_alpha,), (other_scale,) = learned((20 * x).astype("float32"), start=20.0)
    assert same_alpha == pytest.approx(alpha, abs=2e-3)
    assert other_scale == pytest.approx(20 * scale, rel=2e-3)


def test_the_scale_of_zeros_ends_at_the_least_scale():
    loss = AdaptiveRobustLoss(least_scale=0.25)
    loss.log_scale.assign(-60.0)
    zeros = np.zeros((3, 1), "float32")
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(loss(zeros, zeros))
    slopes = tape.gradient(value, [v.value for v in loss.trainable_variables])
    assert float(loss.scale) == 0.25 and np.all(np.isfinite(slopes))


# Bad input


@pytest.mark.parametrize(
    "alpha, scale, words",
    [
        (2.5, 1, ["`alpha`", "at most 2", "2.5"]),
        (float("nan"), 1, ["`alpha`", "at most 2", "nan"]),
        ([1.0, 3.0], 1, ["`alpha`", "at most 2", "holds 3"]),
        ("1", 1, ["`alpha`", "at most 2", "'1'"]),
        (None, 1, ["`alpha`", "None"]),
        (True, 1, ["`alpha`", "True"]),
        (1, 0, ["`scale`", "above 0", "is 0"]),
        (1, -2.0, ["`scale`", "above 0", "-2"]),
        (1, INF, ["`scale`", "finite", "inf"]),
        (1, float("nan"), ["`scale`", "finite", "nan"]),
        (1, "small", ["`scale`", "'small'"]),
        (1, [1.0, 0.0], ["`scale`", "above 0", "holds 0"]),
        (1, keras.Variable(-3.0), ["`scale`", "above 0", "-3"]),
        (1j, 1, ["`alpha`", "at most 2", "1j"]),
    ],
)
def test_the_family_refuses_bad_arguments(alpha, scale, words):
    with pytest.raises(ValueError) as caught:
        general_robust_loss([1.0, 2.0], alpha, scale)
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize("alpha", [-0.1, 2.1, float("nan"), -INF, "1", None])
def test_the_partition_refuses_what_has_none(alpha):
    with pytest.raises(ValueError, match="`alpha` must be a number from 0 to 2"):
        log_partition(alpha)


@pytest.mark.parametrize(
    "alpha, scale, words",
    [
        (0, 1, ["`alpha`", "between 0 and 2", "is 0"]),
        (2, 1, ["`alpha`", "between 0 and 2", "is 2"]),
        (1, 0.5, ["`scale`", "`least_scale`, 0.5", "is 0.5"]),
        (1, INF, ["`scale`", "finite", "inf"]),
        ([1.0, 1.0, 1.0], 1, ["broadcast", "(3,)", "(2,)"]),
        (1, [[1.0, 1.0]], ["more dimensions"]),
    ],
)
def test_start_at_refuses_bad_values(alpha, scale, words):
    with pytest.raises(ValueError) as caught:
        AdaptiveRobustLoss(dimension=2, least_scale=0.5).start_at(alpha, scale)
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize(
    "y, p, words",
    [
        (np.zeros((4, 3)), np.zeros((4, 3)), ["`y_pred`", "(..., 2)", "(4, 3)"]),
        (np.zeros(4), np.zeros((4, 2)), ["`y_true` has shape (4,)"]),
        (np.zeros(2), np.zeros(2), ["`y_pred`", "has (2,)", "last axis"]),
    ],
)
def test_shapes_must_fit(y, p, words):
    with pytest.raises(ValueError) as caught:
        AdaptiveRobustLoss(dimension=2)(y, p)
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_parameter_of_a_graph_passes_unread():
    scale = keras.Variable(2.0)

    @tf.function
    def inside(alpha):
        return general_robust_loss(tf.constant([3.0]), alpha, scale)

    assert float(inside(tf.constant(0.0))[0]) == pytest.approx(float(exact(3, 0, 2)), rel=1e-6)
