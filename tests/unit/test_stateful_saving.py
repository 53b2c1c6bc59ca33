"""Saving, loading and going on, bit for bit, here and in a process that knows nothing yet."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from contract import arrays, equal, load_and_train, state, train_on
from keras import ops
from small_losses import LaplaceNLL, RunningScaleError

from lossutils import ModelWithLoss, StatefulLoss

X = np.random.default_rng(3).normal(size=(16, 2)).astype("float32")
Y = (X[:, :1] - X[:, 1:] ** 2).astype("float32")
HERE = Path(__file__).parent
losses = pytest.mark.parametrize("make", [LaplaceNLL, RunningScaleError])


def build(make=LaplaceNLL, **options):
    """A compiled model with every kind of state: moments, statistics, variables of the loss."""
    keras.utils.set_random_seed(6)
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(3, "tanh", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dense(1),
        ]
    )
    model = ModelWithLoss(network, make(), name="mine")
    model.compile(keras.optimizers.Adam(0.02), metrics=["mae"], **options)
    return model


@losses
def test_a_loaded_model_goes_on_bit_for_bit(make, tmp_path):
    model = build(make)
    train_on(model, X, Y, 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is ModelWithLoss and loaded.name == "mine"
    assert equal(state(loaded), state(model))
    assert loaded.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    assert train_on(loaded, X, Y, 3) == train_on(model, X, Y, 3)
    assert equal(state(loaded), state(model))


def test_saving_before_the_first_step_works_too(tmp_path):
    model = build()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert train_on(loaded, X, Y, 2) == train_on(model, X, Y, 2)
    assert equal(state(loaded), state(model))


def test_a_model_may_be_saved_and_loaded_again_and_again(tmp_path):
    model, path = build(), tmp_path / "model.keras"
    train_on(model, X, Y, 1)
    again = model
    for _ in range(3):
        again.save(path)
        again = keras.models.load_model(path)
    assert again.get_config()["loss"] == model.get_config()["loss"]
    assert train_on(again, X, Y, 2) == train_on(model, X, Y, 2)


FRESH = """
import sys
import keras
import numpy as np

x, y = np.load("data.npz")["x"], np.load("data.npz")["y"]
network = keras.models.load_model("network.keras")
np.savez("predictions.npz", network(x))
assert not any(name.startswith("lossutils") for name in sys.modules)

import small_losses

model = keras.models.load_model("model.keras")
assert type(model.loss_layer) is small_losses.LaplaceNLL
model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
np.savez("state.npz", *map(keras.ops.convert_to_numpy, model.variables + model.optimizer.variables))
"""


@pytest.mark.slow
def test_a_fresh_process_ships_the_network_and_goes_on_bit_for_bit(tmp_path):
    model = build()
    train_on(model, X, Y, 2)
    model.save(tmp_path / "model.keras")
    model.network.save(tmp_path / "network.keras")
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    path = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    done = subprocess.run(
        [sys.executable, "-c", FRESH],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    predictions = np.load(tmp_path / "predictions.npz")["arr_0"]
    np.testing.assert_array_equal(predictions, model.network(X))
    train_on(model, X, Y, 2)
    assert equal(list(np.load(tmp_path / "state.npz").values()), state(model))


def test_the_network_alone_is_a_plain_model(tmp_path):
    model = build()
    train_on(model, X, Y, 1)
    model.network.save(tmp_path / "network.keras")
    network = keras.models.load_model(tmp_path / "network.keras")
    assert type(network) is keras.Sequential
    np.testing.assert_array_equal(network(X), model(X))


@losses
def test_weights_alone_round_trip(make, tmp_path):
    model, path = build(make), tmp_path / "model.weights.h5"
    train_on(model, X, Y, 2)
    model.save_weights(path)
    other = build(make)
    assert not equal(arrays(other.variables), arrays(model.variables))
    other.load_weights(path)
    assert equal(arrays(other.variables), arrays(model.variables))
    assert other.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)


def test_loading_without_compiling(tmp_path):
    model = build()
    train_on(model, X, Y, 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert not loaded.compiled
    np.testing.assert_array_equal(loaded(X), model(X))
    assert equal(arrays(loaded.loss_layer.variables), arrays(model.loss_layer.variables))
    loaded.compile("sgd")
    assert np.isfinite(train_on(loaded, X, Y, 1)).all()


def test_a_loss_that_is_not_registered_needs_custom_objects(tmp_path):
    class Local(LaplaceNLL):
        pass

    model = build(Local)
    train_on(model, X, Y, 1)
    model.save(tmp_path / "model.keras")
    with pytest.raises(TypeError, match="Local"):
        keras.models.load_model(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", custom_objects={"Local": Local})
    assert equal(state(loaded), state(model))


def test_settings_of_the_loss_survive(tmp_path):
    model = build(lambda: LaplaceNLL(start=0.75, reduction="sum", name="noise"))
    model.loss_layer.trainable = False
    model.save(tmp_path / "model.keras")
    loss = keras.models.load_model(tmp_path / "model.keras").loss_layer
    assert (loss.start, loss.reduction, loss.name) == (0.75, "sum", "noise")
    assert (loss.dtype, loss.trainable) == ("float32", False)


def test_metrics_and_settings_of_compile_survive(tmp_path):
    model = build(jit_compile=True, steps_per_execution=2)
    train_on(model, X, Y, 1)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.jit_compile is True and loaded.steps_per_execution == 2
    result = loaded.evaluate(X, Y, verbose=0, return_dict=True)
    assert set(result) == {"loss", "mae"}
    assert result["mae"] == pytest.approx(np.mean(np.abs(Y - model(X))), rel=1e-6)


def test_two_outputs_round_trip(tmp_path):
    from small_losses import TwoOutputError

    inputs = keras.Input((2,))
    outputs = {name: keras.layers.Dense(1, name=name)(inputs) for name in "ab"}
    model = ModelWithLoss(keras.Model(inputs, outputs), TwoOutputError())
    model.compile("adam")
    targets = {"a": Y, "b": 2 * Y}
    train_on(model, X, targets, 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert train_on(loaded, X, targets, 2) == train_on(model, X, targets, 2)
    assert equal(state(loaded), state(model))


def test_mixed_float16_goes_on_bit_for_bit(tmp_path, other_process):
    """Also in a process whose own policy is float32."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = build()
    finally:
        keras.config.set_dtype_policy("float32")
    train_on(model, X, Y, 2)
    path = str(tmp_path / "model.keras")
    model.save(path)
    elsewhere = other_process.submit(load_and_train, path, X, Y, 2)
    loaded = keras.models.load_model(path)
    assert isinstance(loaded.optimizer, keras.optimizers.LossScaleOptimizer)
    assert loaded.network(X).dtype == "float16"
    figure = model.evaluate(X, Y, verbose=0)
    history = train_on(model, X, Y, 2)
    assert elsewhere.result()[:2] == (figure, history)
    assert equal(elsewhere.result()[2], state(model))
    assert train_on(loaded, X, Y, 2) == history
    assert equal(state(loaded), state(model))


def test_a_network_built_by_its_first_fit_round_trips(tmp_path):
    keras.utils.set_random_seed(6)
    model = ModelWithLoss(keras.Sequential([keras.layers.Dense(1)]), LaplaceNLL())
    model.compile("adam")
    train_on(model, X, Y, 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(X), model(X))
    assert train_on(loaded, X, Y, 2) == train_on(model, X, Y, 2)
    assert equal(state(loaded), state(model))


@pytest.mark.parametrize("weights_only", [False, True])
def test_model_checkpoint_keeps_the_best_of_network_and_loss(weights_only, tmp_path):
    path = tmp_path / ("best.weights.h5" if weights_only else "best.keras")
    seen = []
    model = build()
    keep = keras.callbacks.ModelCheckpoint(
        path, "val_loss", save_best_only=True, save_weights_only=weights_only
    )
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((logs["val_loss"], arrays(model.variables)))
    )
    # Labels turned round for validation: after a while every epoch is worse than the one before.
    options = {"validation_data": (X, -Y), "callbacks": [keep, watch]}
    model.fit(X, Y, batch_size=8, epochs=4, shuffle=False, verbose=0, **options)
    best = min(seen, key=lambda record: record[0])[1]
    assert not equal(best, seen[-1][1])
    if weights_only:
        loaded = build()
        loaded.load_weights(path)
    else:
        loaded = keras.models.load_model(path)
    assert equal(arrays(loaded.variables), best)


class Interrupted(RuntimeError):
    """What breaks a training off."""


@losses
def test_backup_and_restore_after_an_interruption_ends_bit_equal(make, tmp_path):
    def fit(model, *callbacks):
        model.fit(X, Y, batch_size=8, epochs=5, shuffle=False, verbose=0, callbacks=callbacks)

    def break_off(epoch, logs):
        if epoch == 2:
            raise Interrupted

    undisturbed = build(make)
    fit(undisturbed)

    broken = build(make)
    stop = keras.callbacks.LambdaCallback(on_epoch_begin=break_off)
    with pytest.raises(Interrupted):
        fit(broken, keras.callbacks.BackupAndRestore(tmp_path / "backup"), stop)
    assert not equal(state(broken), state(undisturbed))

    epochs = []
    count = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append(epoch))
    resumed = build(make)
    fit(resumed, keras.callbacks.BackupAndRestore(tmp_path / "backup"), count)
    assert epochs == [2, 3, 4]
    assert equal(state(resumed), state(undisturbed))


def test_a_loss_with_a_forgotten_setting_still_loads_its_variables(tmp_path):
    """Variables are saved by themselves; only settings need get_config."""

    @keras.saving.register_keras_serializable(package="test_stateful_saving")
    class Forgetful(StatefulLoss):
        def __init__(self, start=0.0, **kwargs):
            super().__init__(**kwargs)
            self.level = self.add_weight(
                shape=(), initializer=keras.initializers.Constant(start), name="level"
            )

        def call(self, y_true, y_pred):
            return ops.mean(ops.abs(y_true - y_pred), axis=-1) + self.level

    model = build(lambda: Forgetful(start=2.5))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.loss_layer.level.numpy() == 2.5


def test_what_a_loss_is_given_is_saved_without_get_config():
    class Factors(StatefulLoss):
        def __init__(self, factors, power=1, **kwargs):
            super().__init__(**kwargs)
            self.factors, self.power = factors, power

    given = [1.0, 2.0]
    loss = Factors(given, np.int64(2), reduction="sum", name="mine")
    given.append(3.0)  # a list that is changed later changes no config
    of_numpy = Factors(np.ones(2), power=2, reduction="sum")
    for one, factors in ((loss, [1.0, 2.0]), (of_numpy, [1.0, 1.0])):
        again = Factors.from_config(json.loads(json.dumps(one.get_config())))
        assert (again.factors, again.power, again.reduction) == (factors, 2, "sum")
        assert again.name == one.name
