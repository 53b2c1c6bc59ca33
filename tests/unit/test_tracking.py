"""VariableHistory records what the variables were, not what they are."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lossutils.teaching.tracking import VariableHistory


@pytest.fixture
def model():
    """Return a line through the origin that plain gradient descent halves the error of."""
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    model.compile(keras.optimizers.SGD(0.25), loss="mse")
    return model


def fit(model, *callbacks, **options):
    model.fit(
        np.ones((4, 1)), np.ones((4, 1)), batch_size=4, verbose=0, callbacks=callbacks, **options
    )


def test_start_and_every_epoch_are_recorded(model):
    recorder = VariableHistory(slope=model.layers[0].kernel)
    fit(model, recorder, epochs=3)
    assert recorder.epochs == [0, 1, 2, 3]
    assert recorder.history["slope"].shape == (4, 1, 1)
    # The gradient is 2 (slope - 1), so each step of .25 halves the distance to 1.
    np.testing.assert_array_equal(recorder.history["slope"].ravel(), [0, 0.5, 0.75, 0.875])


def test_epochs_are_counted_from_initial_epoch(model):
    recorder = VariableHistory(slope=model.layers[0].kernel)
    fit(model, recorder, initial_epoch=5, epochs=7)
    assert recorder.epochs == [5, 6, 7]


def test_a_second_fit_starts_afresh(model):
    recorder = VariableHistory(slope=model.layers[0].kernel)
    fit(model, recorder, epochs=3)
    fit(model, recorder, epochs=1)
    assert recorder.epochs == [0, 1]
    np.testing.assert_array_equal(recorder.history["slope"].ravel(), [0.875, 0.9375])


def test_functions_tensorflow_variables_and_numbers_are_read(model):
    kernel, counter = model.layers[0].kernel, tf.Variable([1.0, 2.0])
    recorder = VariableHistory(
        double=lambda: 2 * kernel, counter=counter, number=lambda: float(kernel[0, 0])
    )
    fit(model, recorder, epochs=1)
    assert recorder.history["double"].ravel().tolist() == [0, 1]
    assert recorder.history["counter"].tolist() == [[1, 2], [1, 2]]
    assert recorder.history["number"].tolist() == [0, 0.5]


def test_an_array_that_is_overwritten_later_is_kept():
    array = np.zeros(2)
    recorder = VariableHistory(array=lambda: array)
    recorder.on_train_begin()
    recorder.on_epoch_begin(0)
    array += 7
    recorder.on_epoch_end(0)
    assert recorder.history["array"].tolist() == [[0, 0], [7, 7]]


def test_without_variables_it_refuses():
    with pytest.raises(ValueError, match="at least one variable"):
        VariableHistory()
