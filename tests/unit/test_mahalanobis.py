"""Learned distances against float64 NumPy, SciPy, finite differences and scikit-learn."""

import math

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from contract import SAMPLES, StatefulLossContract
from keras import ops
from sklearn.covariance import EmpiricalCovariance
from sklearn.datasets import load_iris
from sklearn.neighbors import NeighborhoodComponentsAnalysis

from lossutils import NCA, MahalanobisNLL, ModelWithLoss, mahalanobis_squared

SEEDS = range(5)


def random_covariance(rng, d, condition=100.0):
    """A covariance in a random direction whose condition number is known."""
    directions, _ = np.linalg.qr(rng.normal(size=(d, d)))
    return (directions * np.geomspace(1, condition, d)) @ directions.T


def correlated(seed, n=200, d=3):
    """Data with a random mean and covariance."""
    rng = np.random.default_rng(seed)
    factor = np.linalg.cholesky(random_covariance(rng, d, 20.0))
    return (rng.normal(size=(n, d)) @ factor.T + rng.normal(size=d)).astype("float32")


def zero_network(d):
    """A network that predicts 0, so that the residuals are the labels."""
    return keras.Sequential([keras.Input((d,)), keras.layers.Rescaling(0.0)])


def trained(loss, x, y, network, steps, rate):
    """The loss after full-batch training with a learning rate that fades to nothing."""
    model = ModelWithLoss(network, loss)
    fading = keras.optimizers.schedules.CosineDecay(rate, steps)
    model.compile(keras.optimizers.Adam(fading), steps_per_execution=50)
    batches = tf.data.Dataset.from_tensors((x, y)).repeat()
    model.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0)
    return loss


def np_squared(x, mean, covariance):
    z = np.asarray(x, "float64") - mean
    return np.einsum("...i,ij,...j->...", z, np.linalg.inv(covariance), z)


# Distances


@pytest.mark.parametrize("d", [1, 2, 7])
@pytest.mark.parametrize("shape", [(), (5,), (4, 3)])
def test_distance_is_its_formula(d, shape):
    rng = np.random.default_rng(d)
    covariance = random_covariance(rng, d)
    mean, x = rng.normal(size=d), rng.normal(size=(*shape, d))
    got = mahalanobis_squared(x, mean, np.linalg.cholesky(covariance))
    assert got.shape == shape and got.dtype == tf.float64
    np.testing.assert_allclose(got, np_squared(x, mean, covariance), rtol=1e-10)


def test_distance_equals_scikit_learn():
    x = correlated(0)
    peer = EmpiricalCovariance().fit(x)
    factor = np.linalg.cholesky(peer.covariance_)
    got = mahalanobis_squared(x, peer.location_, factor)
    np.testing.assert_allclose(got, peer.mahalanobis(x), rtol=1e-4)


def test_whole_numbers_and_half_precision_become_float32():
    factor = np.diag([1.0, 2.0])
    for x in (np.array([[300, 2]]), np.array([[300, 2]], "float16")):
        got = mahalanobis_squared(x, [0, 0], factor)
        # 300 squared is more than float16 can hold.
        assert got.dtype == tf.float32 and got.numpy().tolist() == [90001.0]


@pytest.mark.parametrize("condition", [1e2, 1e4, 1e6, 1e8])
@pytest.mark.parametrize("seed", SEEDS)
def test_condition_numbers_to_1e8_are_handled_in_float32(condition, seed):
    rng = np.random.default_rng(seed)
    covariance = random_covariance(rng, 8, condition)
    factor = np.linalg.cholesky(covariance)
    x = rng.normal(size=(100, 8)) @ factor.T
    got = mahalanobis_squared(x.astype("float32"), np.zeros(8), factor.astype("float32"))
    # One rounding of float32, grown by the condition of the factor: 0.1 % at 1e8.
    rounding = 1.2e-7 * np.sqrt(condition)
    np.testing.assert_allclose(got, np_squared(x, 0.0, covariance), rtol=rounding, atol=0)


def test_units_do_not_matter():
    x, units = correlated(1).astype("float64"), np.array([1e-6, 1.0, 1e6])
    mean, covariance = x.mean(0), np.cov(x.T)
    one = mahalanobis_squared(x, mean, np.linalg.cholesky(covariance))
    other = mahalanobis_squared(
        (x * units).astype("float32"),
        mean * units,
        units[:, None] * np.linalg.cholesky(covariance),
    )
    np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-3)


def test_large_batches_and_many_dimensions_stay_finite():
    n, d = 65536, 256
    x = tf.random.stateless_normal((n, d), (0, 1))
    loss = MahalanobisNLL(d)
    loss.start_at(np.zeros(d), random_covariance(np.random.default_rng(0), d, 1e4))

    @tf.function
    def values_and_gradients():
        with tf.GradientTape() as tape:
            values = loss(x, tf.zeros_like(x))
        return values, tape.gradient(values, [v.value for v in loss.trainable_variables])

    values, gradients = values_and_gradients()
    assert values.shape == (n,)
    assert all(np.all(np.isfinite(t)) for t in (values, *gradients))


@pytest.mark.parametrize("n", [256, 4096])
def test_no_tensor_grows_with_the_square_of_the_batch(n):
    x = tf.TensorSpec((n, 8), tf.float32)
    function = tf.function(lambda x: mahalanobis_squared(x, np.zeros(8), np.eye(8)))
    operations = function.get_concrete_function(x).graph.get_operations()
    shapes = [tensor.shape for operation in operations for tensor in operation.outputs]
    assert max(s.num_elements() or 0 for s in shapes) == 8 * n


# The likelihood


@pytest.mark.parametrize("seed", SEEDS)
def test_likelihood_equals_scipy(seed):
    x = correlated(seed)
    mean, covariance = x.mean(0) + 0.1, np.cov(x.T) + 0.2 * np.eye(3)
    loss = MahalanobisNLL(3)
    loss.start_at(mean, covariance)
    wanted = -scipy.stats.multivariate_normal(mean, covariance).logpdf(x)
    np.testing.assert_allclose(loss(x, np.zeros_like(x)), wanted, rtol=2e-5)
    np.testing.assert_allclose(loss(0 * x, -x), wanted, rtol=2e-5)


def test_one_dimension_is_the_normal_density():
    loss = MahalanobisNLL(1)
    loss.start_at([1.0], [[4.0]])
    x = np.array([[-1.0], [1.0], [7.0]], "float32")
    wanted = -scipy.stats.norm(1, 2).logpdf(x[:, 0])
    np.testing.assert_allclose(loss(x, np.zeros_like(x)), wanted, rtol=1e-6)


def test_takes_a_time_axis():
    loss = MahalanobisNLL(3)
    x = correlated(0).reshape(50, 4, 3)
    values = loss(x, np.zeros_like(x))
    flat = loss(x.reshape(-1, 3), np.zeros((200, 3), "float32"))
    np.testing.assert_array_equal(values, flat.numpy().reshape(50, 4))


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_gradients_vanish_at_the_closed_form_only(ridge):
    x = correlated(3)
    loss = MahalanobisNLL(3, ridge=ridge)

    def largest_gradient():
        with tf.GradientTape() as tape:
            value = ops.mean(loss(x, np.zeros_like(x)))
        gradients = tape.gradient(value, [v.value for v in loss.trainable_variables])
        return max(float(np.abs(g).max()) for g in gradients)

    covariance = np.cov(x.T, bias=True) + ridge * np.eye(3)
    loss.start_at(x.mean(0), covariance)
    assert largest_gradient() < 2e-5
    loss.start_at(x.mean(0), 1.1 * covariance)
    assert largest_gradient() > 0.05


@pytest.mark.parametrize(("seed", "ridge"), [*((seed, 0.0) for seed in SEEDS), (0, 0.5)])
def test_learns_mean_and_covariance(seed, ridge):
    x = correlated(seed)
    loss = trained(MahalanobisNLL(3, ridge=ridge), x, x, zero_network(3), steps=1500, rate=0.1)
    wanted = np.cov(x.T.astype("float64"), bias=True) + ridge * np.eye(3)
    np.testing.assert_allclose(loss.covariance, wanted, atol=1e-4 * wanted.max())
    np.testing.assert_allclose(loss.mean, x.mean(0), atol=1e-4)


def test_optimum_on_iris():
    x = load_iris().data.astype("float32")
    loss = MahalanobisNLL(4)
    loss.start_at(x.mean(0), np.cov(x.T, bias=True))
    assert np.mean(loss(x, np.zeros_like(x))) == pytest.approx(2.5327642, abs=2e-6)


def test_learns_the_noise_of_a_regression():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2)).astype("float32")
    noise = rng.normal(size=(400, 2)) @ np.array([[1.0, 0.8], [0.0, 0.3]])
    y = (x @ np.array([[1.0, -2.0], [0.5, 3.0]]) + noise).astype("float32")
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, use_bias=False)])
    loss = trained(MahalanobisNLL(2), x, y, network, steps=2500, rate=0.1)
    design = np.column_stack([x, np.ones(400)])
    residuals = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    np.testing.assert_allclose(loss.covariance, np.cov(residuals.T, bias=True), atol=1e-4)


def test_ridge_holds_where_a_feature_is_constant():
    x = correlated(2, d=2)
    x[:, 1] = 3.0
    loss = trained(MahalanobisNLL(2, ridge=0.01), x, x, zero_network(2), steps=1500, rate=0.1)
    wanted = np.diag([x[:, 0].var() + 0.01, 0.01])
    np.testing.assert_allclose(loss.covariance, wanted, atol=2e-4)


def test_starts_at_the_identity_and_where_it_is_told():
    loss = MahalanobisNLL(2)
    assert loss.mean.numpy().tolist() == [0, 0]
    assert loss.covariance.numpy().tolist() == [[1, 0], [0, 1]]
    wanted = np.array([[4.0, -3.0], [-3.0, 9.0]])
    loss.start_at([1.0, -2.0], wanted)
    np.testing.assert_allclose(loss.covariance, wanted, rtol=1e-6)
    np.testing.assert_allclose(loss.cholesky_factor, np.linalg.cholesky(wanted), rtol=1e-6)
    assert loss.mean.numpy().tolist() == [1, -2]


# From its default start


def gaussian(seed, n, d, condition, scale=1.0):
    """Data with standard deviations from `scale` up to `scale * sqrt(condition)`, turned."""
    rng = np.random.default_rng(seed)
    factor = np.linalg.cholesky(random_covariance(rng, d, condition))
    x = rng.normal(size=(n, d)) @ factor.T + 100 * rng.normal(size=d)
    return (scale * x).astype("float32")


def least_nll(x, ridge=0.0):
    """The mean negative log-likelihood at the closed form, in float64."""
    d = x.shape[1]
    covariance = np.cov(x.T.astype("float64"), bias=True) + ridge * np.eye(d)
    return 0.5 * (np.linalg.slogdet(covariance)[1] + d * (1 + math.log(2 * math.pi)))


def fitted(x, batch, steps, optimizer, loss=None, **options):
    """A model after so many steps of fit on shuffled batches, and its excess over the minimum."""
    keras.utils.set_random_seed(1)
    model = ModelWithLoss(zero_network(x.shape[1]), loss or MahalanobisNLL(x.shape[1]))
    model.compile(optimizer, **options)
    batches = tf.data.Dataset.from_tensor_slices((x, x)).shuffle(len(x)).repeat().batch(batch)
    model.fit(batches, steps_per_epoch=steps, verbose=0)
    return model, model.evaluate(x, x, batch_size=len(x), verbose=0) - least_nll(x)


@pytest.mark.parametrize("rate", [0.001, 0.01])
@pytest.mark.parametrize(("d", "condition"), [(1, 1), (20, 1e4), (64, 1e6)])
def test_reaches_the_closed_form_from_its_default_start(d, condition, rate):
    x = gaussian(d, 1024, d, condition)
    _, excess = fitted(x, len(x), 100, keras.optimizers.Adam(rate))
    assert abs(excess) < 1e-4


@pytest.mark.parametrize("seed", range(3))
def test_reaches_the_closed_form_in_batches(seed):
    fading = keras.optimizers.schedules.CosineDecay(0.001, 300)
    _, excess = fitted(gaussian(seed, 2048, 64, 1e6), 256, 300, keras.optimizers.Adam(fading))
    assert abs(excess) < 1e-3


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_starts_in_any_unit_under_xla_too(scale):
    x = gaussian(0, 1024, 8, 1e4, scale)
    _, excess = fitted(x, 128, 20, keras.optimizers.Adam(0.001), jit_compile=True)
    assert excess < 0.02


@pytest.mark.parametrize("rate", [0.001, 0.01])
def test_started_at_the_optimum_it_stays_there(rate):
    x = gaussian(5, 1024, 64, 1e6)
    loss = MahalanobisNLL(64)
    loss.start_at(x.mean(0, dtype="float64"), np.cov(x.T.astype("float64"), bias=True))
    assert abs(fitted(x, len(x), 100, keras.optimizers.Adam(rate), loss)[1]) < 1e-4


def test_the_first_samples_give_the_start():
    x = gaussian(3, 96, 4, 1e3)
    model = ModelWithLoss(zero_network(4), MahalanobisNLL(4))
    model.compile(keras.optimizers.SGD(0.0))
    for k in (1, 2, 3):
        for trained in model.loss_layer.trainable_variables:  # what a step after the last batch did
            trained.assign(np.full(trained.shape, 0.1, "float32"))
        model.train_on_batch(x[32 * k - 32 : 32 * k], x[32 * k - 32 : 32 * k])
        seen = x[: 32 * k].astype("float64")
        np.testing.assert_allclose(model.loss_layer.mean, seen.mean(0), rtol=1e-6)
        wanted = np.cov(seen.T, bias=True)
        np.testing.assert_allclose(model.loss_layer.covariance, wanted, atol=1e-5 * wanted.max())


def test_after_its_start_samples_move_it_by_training_only():
    x = gaussian(4, 200, 2, 10.0)
    model = ModelWithLoss(zero_network(2), MahalanobisNLL(2))
    model.compile(keras.optimizers.SGD(0.0))
    model.train_on_batch(x, x)
    before = model.loss_layer.covariance.numpy()
    model.train_on_batch(10 * x, 10 * x)
    np.testing.assert_array_equal(model.loss_layer.covariance, before)


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_a_start_from_few_samples_is_loose_but_finite(ridge):
    """Fewer than dimensions: twice the variances, and no direction without any."""
    x = gaussian(6, 5, 8, 1e3)
    x[:, 2] = 7.0  # constant
    model = ModelWithLoss(zero_network(8), MahalanobisNLL(8, ridge=ridge))
    model.compile(keras.optimizers.SGD(0.0))
    model.train_on_batch(x, x)
    variances = 2 * x.astype("float64").var(axis=0) + ridge
    variances[2] = ridge or 1.0
    np.testing.assert_allclose(np.diag(model.loss_layer.covariance), variances, rtol=1e-4)


def test_the_start_counts_what_weighs():
    x = gaussian(7, 60, 3, 10.0)
    weights = np.array([0.0, 1.0, 2.0], "float32")[np.arange(60) % 3]
    x[::3] = 1e6
    model = ModelWithLoss(zero_network(3), MahalanobisNLL(3))
    model.compile(keras.optimizers.SGD(0.0))
    model.train_on_batch(x, x, sample_weight=weights)
    wanted = np.cov(x[weights > 0].T, aweights=weights[weights > 0], bias=True)
    np.testing.assert_allclose(model.loss_layer.covariance, wanted, rtol=1e-4)


def test_padded_steps_do_not_count_in_the_start():
    steps = gaussian(7, 64, 2, 10.0).reshape(16, 4, 2)
    padded = np.concatenate([steps, np.zeros_like(steps)], axis=1)
    layers = [keras.Input((8, 2)), keras.layers.Masking(), keras.layers.Rescaling(0.0)]
    model = ModelWithLoss(keras.Sequential(layers), MahalanobisNLL(2))
    model.compile(keras.optimizers.SGD(0.0))
    model.train_on_batch(padded, padded + 1e6 * (padded == 0))
    wanted = np.cov(steps.reshape(-1, 2).T, bias=True)
    np.testing.assert_allclose(model.loss_layer.covariance, wanted, rtol=1e-4)


def test_an_overflow_in_the_start_is_left_out():
    """In mixed_float16 a prediction may be infinite; the optimizer skips that step."""
    x = gaussian(7, 60, 3, 10.0)
    loss, predictions = MahalanobisNLL(3), np.zeros_like(x)
    predictions[5] = np.inf
    loss(x, predictions, training=True)
    wanted = np.cov(np.delete(x, 5, axis=0).T, bias=True)
    np.testing.assert_allclose(loss.covariance, wanted, rtol=1e-4)


OPTIMIZERS = ["Adadelta", "Adafactor", "Adagrad", "Adam", "Adamax", "AdamW", "Ftrl", "Lamb", "Lion"]
OPTIMIZERS += ["Nadam", "RMSprop", "SGD"]


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("d", [1, 5])
@pytest.mark.slow
def test_every_optimizer_keeps_what_the_start_has_found(d, name):
    x = gaussian(8, 512, d, 100.0)
    _, excess = fitted(x, len(x), 30, getattr(keras.optimizers, name)(0.001))
    assert abs(excess) < 1e-3


def test_keeps_up_with_a_network_that_learns():
    """The start sees labels; what the network explains of them must leave the covariance."""
    rng = np.random.default_rng(9)
    x = rng.normal(size=(2048, 4)).astype("float32")
    noise = rng.normal(size=(2048, 6)) @ np.linalg.cholesky(random_covariance(rng, 6, 100.0)).T
    y = (3.0 * x @ rng.normal(size=(4, 6)) + 0.3 * noise).astype("float32")
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6)])
    loss = trained(MahalanobisNLL(6), x, y, network, steps=3000, rate=0.01)
    design = np.column_stack([x, np.ones(2048)])
    residuals = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    assert abs(np.mean(loss(y, network(x))) - least_nll(residuals)) < 1e-4


class TestMahalanobisNLLInItsStart(StatefulLossContract):
    outputs = 3

    def make_loss(self):
        return MahalanobisNLL(3)


class TestMahalanobisNLL(StatefulLossContract):
    outputs = 3
    bad_arguments = [
        ({"dimension": 0}, ["`dimension`", "0", "at least 1"]),
        ({"dimension": 2.0}, ["`dimension`", "2.0", "whole number"]),
        ({"dimension": True}, ["`dimension`", "True"]),
        ({"dimension": "3"}, ["`dimension`", "'3'"]),
        ({"dimension": 2, "ridge": -0.1}, ["`ridge`", "-0.1", "at least 0"]),
        ({"dimension": 2, "ridge": float("nan")}, ["`ridge`", "nan"]),
        ({"dimension": 2, "ridge": None}, ["`ridge`", "None"]),
    ]

    def make_loss(self):
        loss = MahalanobisNLL(3, ridge=0.1)
        loss.start_at([0.1, 0.2, -0.3], [[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 1.5]])
        return loss

    def test_its_config_makes_it_again(self):
        config = self.make_loss().get_config()
        again = MahalanobisNLL.from_config(config)
        assert again.get_config() == config and again.dimension == 3 and again.ridge == 0.1


# Neighbourhood components analysis


def np_nca(classes, points, transformation):
    """The soft error rate, one pair at a time."""
    z = np.asarray(points, "float64") @ np.asarray(transformation, "float64").T
    values = []
    for i in range(len(z)):
        others = [j for j in range(len(z)) if j != i]
        logits = np.array([-np.sum((z[i] - z[j]) ** 2) for j in others])
        chances = np.exp(logits - logits.max())
        chances /= chances.sum()
        values.append(chances[classes[others] != classes[i]].sum())
    return np.array(values)


def labelled(seed, n=20, d=3):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 3, size=n), rng.normal(size=(n, d)).astype("float32")


@pytest.mark.parametrize("components", [1, 2, 3])
@pytest.mark.parametrize("seed", SEEDS)
def test_nca_is_its_formula(components, seed):
    classes, points = labelled(seed)
    loss = NCA(3, components)
    transformation = np.random.default_rng(seed).normal(size=(components, 3)).astype("float32")
    loss.transformation.assign(transformation)
    wanted = np_nca(classes, points, transformation)
    np.testing.assert_allclose(loss(classes, points), wanted, rtol=2e-4, atol=1e-6)
    np.testing.assert_allclose(loss.metric, transformation.T @ transformation, rtol=1e-5, atol=1e-6)


def test_nca_gradient_equals_finite_differences():
    classes, points = labelled(0)
    loss = NCA(3, 2)
    start = np.random.default_rng(1).normal(size=(2, 3)).astype("float32")
    loss.transformation.assign(start)
    with tf.GradientTape() as tape:
        value = ops.sum(loss(classes, points))
    gradient = tape.gradient(value, loss.transformation.value).numpy()
    for row, column in np.ndindex(2, 3):
        step = np.zeros((2, 3))
        step[row, column] = 1e-5
        difference = np_nca(classes, points, start + step) - np_nca(classes, points, start - step)
        assert gradient[row, column] == pytest.approx(difference.sum() / 2e-5, rel=1e-3, abs=1e-4)


def test_nca_starts_as_the_euclidean_distance():
    assert NCA(3).metric.numpy().tolist() == np.eye(3).tolist()
    assert NCA(3, 2).transformation.numpy().tolist() == [[1, 0, 0], [0, 1, 0]]


def test_nca_takes_labels_in_three_shapes():
    classes, points = labelled(4)
    loss = NCA(3)
    wanted = loss(classes, points).numpy()
    one_hot = np.eye(3, dtype="float32")[classes]
    for labels in (classes[:, None], classes.astype("float32"), one_hot):
        np.testing.assert_array_equal(loss(labels, points), wanted)


def test_nca_far_from_the_origin():
    classes, points = labelled(5)
    loss = NCA(3)
    np.testing.assert_allclose(loss(classes, points + 1000), loss(classes, points), atol=2e-3)


def test_nca_of_far_apart_points_and_of_one_point():
    loss = NCA(1)
    far = np.array([[0.0], [1e6], [3e6]], "float32")
    assert loss(np.array([0, 0, 1]), far).numpy().tolist() == [0, 0, 1]
    assert loss(np.array([2]), np.array([[5.0]], "float32")).numpy().tolist() == [0]
    with tf.GradientTape() as tape:
        value = ops.sum(loss(np.array([2]), np.array([[5.0]], "float32")))
    assert np.all(np.isfinite(tape.gradient(value, loss.transformation.value)))


@pytest.mark.parametrize("seed", SEEDS)
def test_nca_trains_as_well_as_scikit_learn(seed):
    rows = np.random.default_rng(seed).permutation(150)[:100]
    x, y = (part[rows] for part in load_iris(return_X_y=True))
    x = ((x - x.mean(0)) / x.std(0)).astype("float32")
    peer = NeighborhoodComponentsAnalysis(init="identity", max_iter=200).fit(x, y)
    network = keras.Sequential([keras.Input((4,)), keras.layers.Identity()])
    loss = trained(NCA(4), x, y, network, steps=600, rate=0.05)
    ours = np_nca(y, x, loss.transformation.numpy()).mean()
    start = np_nca(y, x, np.eye(4)).mean()
    theirs = np_nca(y, x, peer.components_).mean()
    assert theirs < 0.6 * start
    assert ours < theirs + 0.02


class TestNCA(StatefulLossContract):
    outputs = 3
    bad_arguments = [
        ({"dimension": -1}, ["`dimension`", "-1", "at least 1"]),
        ({"dimension": None}, ["`dimension`", "None"]),
        ({"dimension": 3, "components": 4}, ["`components`", "3", "4"]),
        ({"dimension": 3, "components": 0}, ["`components`", "0"]),
    ]

    def make_loss(self):
        return NCA(3, 2)

    def make_labels(self, rng):
        return rng.integers(0, 3, size=(SAMPLES, 1))


# Bad input: the message names the argument, what came and what is wanted.

ZEROS = np.zeros((4, 2), "float32")
EYE = np.eye(2)

BAD_CALLS = {
    "mean too long": (
        lambda: mahalanobis_squared(ZEROS, [0, 0, 0], EYE),
        ["`cholesky_factor`", "(3, 3)", "(2, 2)"],
    ),
    "x too wide": (lambda: mahalanobis_squared(np.zeros((4, 3)), [0, 0], EYE), ["`x`", "(4, 3)"]),
    "x a number": (lambda: mahalanobis_squared(1.0, [0, 0], EYE), ["`x`", "()"]),
    "factor a vector": (
        lambda: mahalanobis_squared(ZEROS, [0, 0], [1.0, 1.0]),
        ["`cholesky_factor`", "(2, 2)", "(2,)"],
    ),
    "factor not square": (
        lambda: mahalanobis_squared(ZEROS, [0, 0], np.ones((2, 3))),
        ["`cholesky_factor`", "(2, 3)"],
    ),
    "covariance for factor": (
        lambda: mahalanobis_squared(ZEROS, [0, 0], [[1.0, 0.5], [0.5, 1.0]]),
        ["`cholesky_factor`", "above the diagonal", "numpy.linalg.cholesky"],
    ),
    "factor with NaN": (
        lambda: mahalanobis_squared(ZEROS, [0, 0], [[np.nan, 0], [0, 1]]),
        ["`cholesky_factor`", "finite", "nan"],
    ),
    "factor singular": (
        lambda: mahalanobis_squared(ZEROS, [0, 0], [[1.0, 0], [3.0, 0]]),
        ["`cholesky_factor`", "positive diagonal", "0"],
    ),
    "start: mean too long": (
        lambda: MahalanobisNLL(2).start_at([0, 0, 0], EYE),
        ["`mean`", "(2,)", "(3,)"],
    ),
    "start: covariance too small": (
        lambda: MahalanobisNLL(2).start_at([0, 0], [[1.0]]),
        ["`covariance`", "(2, 2)", "(1, 1)"],
    ),
    "start: covariance with infinity": (
        lambda: MahalanobisNLL(2).start_at([0, 0], [[np.inf, 0], [0, 1]]),
        ["`covariance`", "finite"],
    ),
    "start: not symmetric": (
        lambda: MahalanobisNLL(2).start_at([0, 0], [[1.0, 0.5], [0.4, 1.0]]),
        ["`covariance`", "symmetric"],
    ),
    "start: not positive": (
        lambda: MahalanobisNLL(2).start_at([0, 0], [[1.0, 2.0], [2.0, 1.0]]),
        ["`covariance`", "positive eigenvalues", "-1"],
    ),
    "start: badly conditioned": (
        lambda: MahalanobisNLL(2).start_at([0, 0], np.diag([1.0, 1e-11])),
        ["`covariance`", "condition number", "100000000000", "standardise"],
    ),
    "likelihood: predictions too wide": (
        lambda: MahalanobisNLL(3)(ZEROS, ZEROS),
        ["`y_pred`", "(..., 3)", "(4, 2)"],
    ),
    "NCA: points too wide": (
        lambda: NCA(3)(np.zeros(4), ZEROS),
        ["`y_pred`", "(None, 3)", "(4, 2)"],
    ),
    "NCA: labels with three axes": (
        lambda: NCA(2)(np.zeros((4, 2, 2)), ZEROS),
        ["`y_true`", "one-hot", "(4, 2, 2)"],
    ),
    "NCA: labels that are no classes": (
        lambda: NCA(2).check_labels(np.array([0.0, 0.5])),
        ["`y`", "whole numbers", "0.5"],
    ),
    "NCA: labels that are not one-hot": (
        lambda: NCA(2).check_labels(np.array([[1, 1, 0]])),
        ["`y`", "one-hot", "[1. 1. 0.]"],
    ),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_input_is_refused(name):
    call, words = BAD_CALLS[name]
    with pytest.raises(ValueError) as caught:
        call()
    for word in words:
        assert word in str(caught.value), word
