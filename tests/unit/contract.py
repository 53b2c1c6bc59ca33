"""The contract of every StatefulLoss, as tests to inherit.

A test class for a loss inherits `StatefulLossContract`, says how the loss and its labels are made,
and gets the tests below. A loss whose values depend on the other samples of the batch sets
`couples_samples = True`; it is excused from being per-sample and from equality on two replicas.
"""

import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import small_losses  # noqa: F401  (for the other process, which loads them)
import tensorflow as tf

from lossutils import ModelWithLoss, StatefulLoss

SAMPLES, FEATURES = 16, 2


def two_devices() -> None:
    """Split the CPU in two, before TensorFlow starts."""
    cpus = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )


@functools.cache
def replicas() -> tf.distribute.MirroredStrategy:
    """The strategy over the two logical CPUs.

    One for the whole process: a second one would use the numbers of the first one's collective
    operations again, and TensorFlow refuses that.
    """
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def arrays(variables: Any) -> list[np.ndarray]:
    """The values of the variables; copies, so that later training does not change them."""
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]


def state(model: keras.Model) -> list[np.ndarray]:
    """Every number of a model that training changes: its variables and the optimizer's."""
    return arrays(model.variables) + arrays(model.optimizer.variables)


def equal(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    """Whether two lists of arrays agree bit for bit."""
    return len(left) == len(right) and all(map(np.array_equal, left, right))


def train_on(model: keras.Model, x: Any, y: Any, epochs: int, weights: Any = None) -> list[float]:
    """Two batches an epoch in a fixed order; returns the loss of each epoch."""
    history = model.fit(
        x, y, sample_weight=weights, batch_size=len(x) // 2, epochs=epochs, shuffle=False, verbose=0
    )
    return history.history["loss"]


def load_and_train(path: str, x: Any, y: Any, epochs: int, weights: Any = None):
    """Load a model in this process, evaluate it and train it on: (figure, losses, state)."""
    model = keras.models.load_model(path)
    figure = model.evaluate(x, y, verbose=0)
    return figure, train_on(model, x, y, epochs, weights), state(model)


def train_on_two(path: str, x: Any, y: Any, epochs: int, weights: Any = None):
    """The same on two replicas, without the evaluation: (losses, variables)."""
    with replicas().scope():
        model = keras.models.load_model(path)
    return train_on(model, x, y, epochs, weights), arrays(model.variables)


class StatefulLossContract:
    """Tests that hold for every StatefulLoss; inherit and fill in what differs."""

    outputs = 1
    """Size of the last axis of the predictions."""
    moves = True
    """Whether training moves a variable of the loss."""
    bad_arguments: list[tuple[dict[str, Any], list[str]]] = []
    """Bad keyword arguments, each with the words its error message must hold."""

    def make_loss(self) -> StatefulLoss:
        """A new loss."""
        raise NotImplementedError

    def make_labels(self, rng: np.random.Generator) -> np.ndarray:
        """Labels for SAMPLES samples."""
        return rng.normal(size=(SAMPLES, self.outputs)).astype("float32")

    def make_network(self, dtype: Any = None) -> keras.Model:
        """A small network that gives the predictions."""
        layers = keras.layers
        network = keras.Sequential(
            [
                layers.Input((FEATURES,)),
                layers.Dense(3, "tanh", dtype=dtype),
                layers.Dense(self.outputs, dtype=dtype),
            ]
        )
        return network

    @pytest.fixture
    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and labels."""
        rng = np.random.default_rng(7)
        return rng.normal(size=(SAMPLES, FEATURES)).astype("float32"), self.make_labels(rng)

    @pytest.fixture
    def model(self) -> ModelWithLoss:
        """A compiled model around the loss."""
        keras.utils.set_random_seed(3)
        model = ModelWithLoss(self.make_network(), self.make_loss())
        model.compile(keras.optimizers.Adam(0.05))
        return model

    def _couples(self) -> bool:
        return getattr(self.make_loss(), "couples_samples", False)

    def test_gives_one_value_per_sample(self, model, data):
        x, y = data
        y_pred = model.network(x)
        values = model.loss_layer(y, y_pred).numpy()
        assert values.shape[0] == SAMPLES and values.ndim >= 1
        assert np.all(np.isfinite(values)) and values.dtype == "float32"
        if not self._couples():
            some = [5, 0, 11]
            alone = model.loss_layer(y[some], tf.gather(y_pred, some)).numpy()
            np.testing.assert_allclose(alone, values[some], rtol=2e-6, atol=1e-7)

    def test_is_the_same_eagerly_in_a_graph_and_under_xla(self, model, data):
        x, y = data
        y_pred, loss = model.network(x), model.loss_layer

        def values_and_gradients(y_pred):
            with tf.GradientTape() as tape:
                tape.watch(y_pred)
                values = loss(y, y_pred)
            sources = [y_pred, *(v.value for v in loss.trainable_variables)]
            return values, *tape.gradient(values, sources, unconnected_gradients="zero")

        eager = values_and_gradients(y_pred)
        for xla in (False, True):
            compiled = tf.function(values_and_gradients, jit_compile=xla)(y_pred)
            for wanted, got in zip(eager, compiled, strict=True):
                assert np.all(np.isfinite(wanted))
                np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=1e-6)

    @pytest.mark.slow
    def test_trains_the_same_with_and_without_xla(self, data):
        # The last batch is smaller: with tf.switch_case in the loss XLA would end the process.
        x, y = (part[: SAMPLES - 5] for part in data)
        results = {}
        for how in ({}, {"jit_compile": True}, {"run_eagerly": True}):
            keras.utils.set_random_seed(3)
            model = ModelWithLoss(self.make_network(), self.make_loss())
            model.compile(keras.optimizers.SGD(0.05), **{"jit_compile": False, **how})
            results[str(how)] = train_on(model, x, y, 2), arrays(model.variables)
        losses, variables = results.pop("{}")
        for other_losses, other_variables in results.values():
            np.testing.assert_allclose(other_losses, losses, rtol=1e-5)
            for one, other in zip(variables, other_variables, strict=True):
                np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5)

    @pytest.mark.slow
    def test_computes_in_float32_in_a_mixed_float16_model(self, data):
        x, y = data
        keras.utils.set_random_seed(3)
        network = self.make_network("mixed_float16")
        network.dtype_policy = keras.DTypePolicy("mixed_float16")
        model = ModelWithLoss(network, self.make_loss())
        model.compile(keras.optimizers.SGD(0.01))
        assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        assert network(x).dtype == "float16"
        assert {v.dtype for v in model.loss_layer.variables if "float" in v.dtype} <= {"float32"}
        # From the compiled network: eagerly, some processors round to half precision once more.
        y_pred = tf.cast(model.predict(x, verbose=0), "float32")
        wanted = model.loss_layer(y, y_pred).numpy().mean()
        assert model.evaluate(x, y, verbose=0) == pytest.approx(wanted, rel=1e-6)
        assert np.all(np.isfinite(train_on(model, x, y, 2)))
        assert all(np.all(np.isfinite(a)) for a in arrays(model.variables))

    def test_sample_weights_weigh_the_values(self, model, data):
        x, y = data
        weights = np.linspace(0, 2, SAMPLES, dtype="float32")
        values = model.loss_layer(y, model.network(x)).numpy().reshape(SAMPLES, -1).mean(axis=1)
        got = model.evaluate(x, y, sample_weight=weights, batch_size=SAMPLES, verbose=0)
        assert got == pytest.approx(np.mean(weights * values), rel=1e-5)

    def test_training_moves_the_variables_of_the_loss(self, model, data):
        before = arrays(model.loss_layer.variables)
        train_on(model, *data, epochs=2)
        assert equal(before, arrays(model.loss_layer.variables)) != self.moves

    def test_evaluating_moves_nothing(self, model, data):
        before = arrays(model.variables)
        model.evaluate(*data, verbose=0)
        model.predict(data[0], verbose=0)
        assert equal(before, arrays(model.variables))

    @pytest.mark.slow
    def test_resumes_bit_for_bit_in_another_process(
        self, model, data, tmp_path: Path, other_process: Any
    ):
        train_on(model, *data, epochs=2)
        path = str(tmp_path / "model.keras")
        model.save(path)
        job = (path, *data, 2)
        elsewhere = other_process.submit(load_and_train, *job)
        wanted = model.evaluate(*data, verbose=0), train_on(model, *data, epochs=2), state(model)
        got = elsewhere.result()
        assert got[:2] == wanted[:2]
        assert equal(got[2], wanted[2])

    @pytest.mark.slow
    def test_two_replicas_train_like_one_device(
        self, model, data, tmp_path: Path, other_process: Any
    ):
        if self._couples():
            return
        path = str(tmp_path / "model.keras")
        model.compile(keras.optimizers.SGD(0.05))
        model.save(path)
        weights = np.linspace(0.5, 1.5, SAMPLES, dtype="float32")
        job = (path, *data, 3, weights)
        elsewhere = other_process.submit(train_on_two, *job)
        wanted = train_on(model, *data, 3, weights), arrays(model.variables)
        losses, variables = elsewhere.result()
        np.testing.assert_allclose(losses, wanted[0], rtol=1e-5)
        for one, two in zip(wanted[1], variables, strict=True):
            np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-6)

    def test_its_config_makes_it_again(self):
        loss = self.make_loss()
        config = loss.get_config()
        again = type(loss).from_config(config)
        assert again.get_config() == config
        assert equal(arrays(again.variables), arrays(loss.variables))

    @pytest.mark.parametrize("eager", [False, True])
    def test_is_refused_by_compile(self, data, eager):
        network = self.make_network()
        network.compile("sgd", loss=self.make_loss(), run_eagerly=eager)
        with pytest.raises(ValueError, match=r"ModelWithLoss\(network, loss\)"):
            network.fit(*data, verbose=0)

    def test_refuses_labels_that_miss_an_axis(self, model, data):
        if not model.loss_layer.labels_like_predictions:
            return
        x, y = data
        with pytest.raises(ValueError, match=r"`y_true` has shape"):
            model.fit(x, y[:, 0], verbose=0)

    def test_refuses_labels_that_are_not_finite(self, model, data):
        x, y = data
        y = y.astype("float32")
        y.flat[3] = np.nan
        with pytest.raises(ValueError, match="`y`.*finite"):
            model.fit(x, y, verbose=0)

    def test_refuses_bad_arguments(self):
        for arguments, words in self.bad_arguments:
            with pytest.raises(ValueError) as caught:
                type(self.make_loss())(**arguments)
            for word in words:
                assert word in str(caught.value), (arguments, word)
