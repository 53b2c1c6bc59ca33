"""The compiled trainer, against Keras' fit on the same batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from lossutils import huber, pinball, weighted_categorical_crossentropy
from lossutils.teaching.trainer import CompiledTrainer

RNG = np.random.default_rng(5)
X = RNG.normal(size=(24, 3)).astype("float32")
Y = (X @ [[1.0], [-2.0], [0.5]] + 0.3 * RNG.standard_t(2, size=(24, 1))).astype("float32")


def network(outputs=1, **options):
    """A small smooth network; the same at every call."""
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(4, "tanh", **options),
            keras.layers.Dense(outputs),
        ]
    )


def huber_of(y_true, y_pred, delta):
    """Huber with its parameter as an argument, as the trainer wants it."""
    return huber(delta)(y_true, y_pred)


def fitted(loss, optimizer, epochs, batch_size, y=Y, **options):
    """Weights and losses of fit(shuffle=False)."""
    model = network(y.shape[1], **options)
    model.compile(optimizer, loss=loss)
    history = model.fit(X, y, epochs=epochs, batch_size=batch_size, shuffle=False, verbose=0)
    return model, history.history["loss"]


def same(result, model, losses):
    """Whether a result is what fit gave, to float32 precision."""
    np.testing.assert_allclose(result.losses, losses, rtol=2e-5)
    for ours, theirs in zip(result.weights, model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(result.predict(X), model(X), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("xla", [True, False], ids=["xla", "graph"])
@pytest.mark.parametrize("batch_size", [24, 6])
@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_equals_fit(name, batch_size, xla):
    trainer = CompiledTrainer(
        network(),
        huber_of,
        X,
        Y,
        epochs=12,
        batch_size=batch_size,
        optimizer=name,
        learning_rate=0.03,
        jit_compile=xla,
    )
    optimizer = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}[name](0.03)
    same(trainer.train(delta=0.4), *fitted(huber(0.4), optimizer, 12, batch_size))


def test_equals_fit_with_regularizers():
    l2 = {"kernel_regularizer": "l2", "bias_regularizer": keras.regularizers.L1(0.1)}
    trainer = CompiledTrainer(network(**l2), huber_of, X, Y, epochs=5, batch_size=8)
    same(trainer.train(delta=1.0), *fitted(huber(1.0), keras.optimizers.Adam(), 5, 8, **l2))


def test_no_batch_size_means_all_samples():
    trainer = CompiledTrainer(network(), huber_of, X, Y, epochs=3)
    same(trainer.train(delta=1.0), *fitted(huber(1.0), keras.optimizers.Adam(), 3, 24))


def test_epoch_switches_the_loss_like_a_variable_that_a_callback_sets():
    def switched(y_true, y_pred, epoch, at):
        early = ops.mean(ops.square(y_true - y_pred), axis=-1)
        return tf.where(tf.cast(epoch, tf.float32) < at, early, huber(0.2)(y_true, y_pred))

    trainer = CompiledTrainer(network(), switched, X, Y, epochs=6, batch_size=12)
    late = keras.Variable(0.0, trainable=False)

    def by_variable(y_true, y_pred):
        early = ops.mean(ops.square(y_true - y_pred), axis=-1)
        return (1 - late) * early + late * huber(0.2)(y_true, y_pred)

    for at in (0, 2, 6):
        switch = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs, at=at: late.assign(float(epoch >= at))
        )
        model = network()
        model.compile(keras.optimizers.Adam(), loss=by_variable)
        history = model.fit(
            X, Y, epochs=6, batch_size=12, shuffle=False, verbose=0, callbacks=[switch]
        )
        same(trainer.train(at=at), model, history.history["loss"])
    assert trainer.traces == 1


@pytest.mark.parametrize("xla", [True, False], ids=["xla", "graph"])
def test_parameters_may_be_vectors(xla):
    one_hot = np.eye(3, dtype="float32")[np.argmax(X, axis=1)]

    def weighted(y_true, y_pred, weights):
        loss = weighted_categorical_crossentropy(weights, from_logits=True)
        return loss(y_true, y_pred)

    trainer = CompiledTrainer(
        network(3), weighted, X, one_hot, epochs=4, batch_size=8, jit_compile=xla
    )
    for weights in ([1.0, 2.5, 0.5], [1.0, 0.0, 3.0]):
        loss = weighted_categorical_crossentropy(weights, from_logits=True)
        same(
            trainer.train(weights=weights),
            *fitted(loss, keras.optimizers.Adam(), 4, 8, y=one_hot),
        )
    assert trainer.traces == 1


@pytest.mark.parametrize("xla", [True, False], ids=["xla", "graph"])
def test_traces_once_for_many_values(xla):
    trainer = CompiledTrainer(network(), huber_of, X, Y, epochs=2, jit_compile=xla)
    assert trainer.traces == 0
    results = trainer.sweep("delta", np.linspace(0.1, 2, 20))
    trainer.train(delta=3)
    trainer.train(delta=np.float64(0.7))
    trainer.train(delta=tf.constant(0.9))
    assert trainer.traces == 1
    assert len({r.losses[0] for r in results}) == 20


def test_sweep_trains_each_value_from_the_same_start():
    def two(y_true, y_pred, quantile, factor):
        return factor * pinball(quantile)(y_true, y_pred)

    trainer = CompiledTrainer(network(), two, X, Y, epochs=3)
    results = trainer.sweep("quantile", [0.2, 0.8], factor=2.0)
    assert [r.parameters for r in results] == [
        {"quantile": 0.2, "factor": 2.0},
        {"quantile": 0.8, "factor": 2.0},
    ]
    for result in results:
        alone = trainer.train(**result.parameters)
        np.testing.assert_array_equal(alone.losses, result.losses)
        assert all(map(np.array_equal, alone.weights, result.weights))
    assert results[0].predict(X).mean() < results[1].predict(X).mean()


def test_two_trainers_agree_bit_for_bit():
    results = [
        CompiledTrainer(network(), huber_of, X, Y, epochs=20, batch_size=6).train(delta=0.3)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(results[0].losses, results[1].losses)
    assert all(map(np.array_equal, results[0].weights, results[1].weights))


def test_the_network_stays_as_it_was_and_later_changes_of_it_do_not_count():
    start = network()
    before = start.get_weights()
    trainer = CompiledTrainer(start, huber_of, X, Y, epochs=4)
    result = trainer.train(delta=1.0)
    assert all(map(np.array_equal, start.get_weights(), before))
    assert not any(map(np.array_equal, result.weights, before))
    start.set_weights([w + 1 for w in before])
    again = trainer.train(delta=1.0)
    np.testing.assert_array_equal(again.losses, result.losses)
    np.testing.assert_array_equal(again.predict(X), result.predict(X))


def test_changing_the_data_later_changes_nothing():
    x, y = X.copy(), Y.copy()
    trainer = CompiledTrainer(network(), huber_of, x, y, epochs=2)
    before = trainer.train(delta=1.0).losses
    x[:], y[:] = 0, 100
    other = CompiledTrainer(network(), huber_of, X, Y, epochs=2)
    np.testing.assert_array_equal(trainer.train(delta=1.0).losses, before)
    np.testing.assert_array_equal(other.train(delta=1.0).losses, before)


def test_predicts_for_any_number_of_rows():
    result = CompiledTrainer(network(), huber_of, X, Y, epochs=2).train(delta=1.0)
    everything = result.predict(X)
    assert isinstance(everything, np.ndarray)
    np.testing.assert_allclose(result.predict(X[:5].tolist()), everything[:5], rtol=1e-5)
    assert result.predict(X[:1]).shape == (1, 1)


def test_takes_integers_and_float64():
    trainer = CompiledTrainer(
        network(), huber_of, X.astype("float64"), np.arange(24)[:, None], epochs=1
    )
    y = np.arange(24, dtype="float32")[:, None]
    same(trainer.train(delta=1.0), *fitted(huber(1.0), keras.optimizers.Adam(), 1, 24, y=y))
