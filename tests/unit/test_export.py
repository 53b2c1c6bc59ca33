"""What a trained model is for: exported, it serves its predictions where lossutils is unknown."""

import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
from small_losses import LaplaceNLL, TwoOutputError

from lossutils import ModelWithLoss

RNG = np.random.default_rng(5)
X = RNG.normal(size=(12, 2)).astype("float32")
Y = X[:, :1] - X[:, 1:]
layers = keras.layers


def plain():
    return keras.Sequential([keras.Input((2,)), layers.Dense(3, "tanh"), layers.Dense(1)])


def not_built_yet():
    return keras.Sequential([layers.Dense(3, "tanh"), layers.Dense(1)])


def two_inputs():
    left, right = keras.Input((2,), name="left"), keras.Input((1,), name="right")
    return keras.Model([left, right], layers.Dense(1)(layers.concatenate([left, right])))


def named_inputs_and_outputs():
    inputs = {"left": keras.Input((2,), name="left"), "right": keras.Input((1,), name="right")}
    both = layers.concatenate([inputs["left"], inputs["right"]])
    return keras.Model(inputs, {"a": layers.Dense(1)(both), "b": layers.Dense(1)(both)})


def two_outputs():
    inputs = keras.Input((2,))
    return keras.Model(inputs, [layers.Dense(1)(inputs), layers.Dense(1)(inputs)])


@keras.saving.register_keras_serializable(package="test_export")
class OwnClass(keras.Model):
    """A network that is no graph of layers, and knows its shapes only from its calls."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(1)

    def call(self, inputs):
        return self.dense(inputs)


NETWORKS = {
    "plain": (plain, LaplaceNLL, X, Y),
    "not built yet": (not_built_yet, LaplaceNLL, X, Y),
    "two inputs": (two_inputs, LaplaceNLL, [X, Y], Y),
    "names": (
        named_inputs_and_outputs,
        TwoOutputError,
        {"left": X, "right": Y},
        {"a": Y, "b": -Y},
    ),
    "two outputs": (two_outputs, TwoOutputError, X, [Y, -Y]),
    "own class": (OwnClass, LaplaceNLL, X, Y),
}

def model_and_data(name):
    """A compiled model of NETWORKS, its inputs and its labels."""
    make, loss, x, y = NETWORKS[name]
    keras.utils.set_random_seed(1)
    model = ModelWithLoss(make(), loss())
    model.compile("adam")
    return model, x, y


def trained(name, folder):
    model, x, y = model_and_data(name)
    model.fit(x, y, epochs=2, verbose=0)
    return model


def predicted(name, folder):
    model, x, _ = model_and_data(name)
    model.predict(x, verbose=0)
    return model


def called(name, folder):
    model, x, _ = model_and_data(name)
    model(x)
    return model


def loaded(name, folder):
    trained(name, folder).save(folder / "model.keras")
    return keras.models.load_model(folder / "model.keras")


def given_weights(name, folder):
    trained(name, folder).save_weights(folder / "model.weights.h5")
    model, _, _ = model_and_data(name)
    model.load_weights(folder / "model.weights.h5")
    return model


CASES = [(trained, name) for name in NETWORKS]
CASES += [(how, "plain") for how in (predicted, called, loaded, given_weights)]
CASES += [(loaded, "names")]

SERVE = """
import pickle, sys
import tensorflow as tf

jobs = pickle.load(open("jobs", "rb"))
served = {case: tf.saved_model.load(str(case)) for case in jobs}
predictions = {case: tf.nest.flatten(served[case].serve(x)) for case, x in jobs.items()}
pickle.dump({case: [p.numpy() for p in parts] for case, parts in predictions.items()},
            open("predictions", "wb"))
assert not [name for name in sys.modules if name.startswith("lossutils")]
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """For each case what its model predicts, and what its export predicts in a fresh process."""
    folder = tmp_path_factory.mktemp("served")
    wanted, jobs = {}, {}
    for case, (how, name) in enumerate(CASES):
        model, x = how(name, folder), NETWORKS[name][2]
        model.export(folder / str(case), verbose=False)
        wanted[case], jobs[case] = keras.tree.flatten(model.predict(x, verbose=0)), x
    (folder / "jobs").write_bytes(pickle.dumps(jobs))
    command = [sys.executable, "-c", SERVE]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return wanted, pickle.loads((folder / "predictions").read_bytes())


@pytest.mark.parametrize(
    "case", range(len(CASES)), ids=[f"{how.__name__}-{name}" for how, name in CASES]
)
def test_a_fresh_process_without_lossutils_serves_the_predictions(case, served):
    wanted, got = served[0][case], served[1][case]
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_what_is_exported_holds_no_variable_of_the_loss(tmp_path):
    model, _, _ = model_and_data("plain")
    model.export(tmp_path / "served", verbose=False)
    served = layers.TFSMLayer(tmp_path / "served", call_endpoint="serve")
    np.testing.assert_allclose(served(X), model(X), rtol=1e-5)
    assert len(served.weights) == len(model.network.weights)


# What Keras asks of a model that is to be looked into.


@pytest.mark.parametrize("name", ["plain", "two inputs", "names", "two outputs"])
def test_inputs_and_outputs_are_those_of_the_network(name):
    model, _, _ = model_and_data(name)
    for what in ("inputs", "input_shape", "outputs", "output_shape"):
        assert getattr(model, what) == getattr(model.network, what), what


def test_features_are_extracted_from_a_trained_model():
    model, x, y = model_and_data("plain")
    model.fit(x, y, verbose=0)
    features = keras.Model(model.inputs, model.network.layers[0].output)
    np.testing.assert_allclose(features(x), model.network.layers[0](x), rtol=1e-6)
    assert (model.input_shape, model.output_shape) == ((None, 2), (None, 1))


def test_a_network_without_inputs_of_its_own_has_none_here_either():
    model, x, _ = model_and_data("own class")
    model(x)
    assert not hasattr(model, "inputs") and not hasattr(model, "output_shape")


@pytest.mark.parametrize("name", NETWORKS)
def test_the_summary_goes_into_the_network(name):
    model, x, _ = model_and_data(name)
    model(x)
    lines = []
    model.summary(expand_nested=True, print_fn=lines.append)
    text = "\n".join(lines)
    for layer in (model.network, *model.network.layers, model.loss_layer):
        assert layer.name[:8] in text, layer.name
