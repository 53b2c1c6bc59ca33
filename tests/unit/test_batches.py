"""Batches for fit: the same ones, in the same order, and nothing that starts a thread."""

import keras
import numpy as np
import pytest

from lossutils.teaching import batches

X = np.arange(20, dtype="float32").reshape(10, 2)
Y = X.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("size", [3, 5, 10])
def test_fit_is_the_same_as_with_arrays(size):
    histories = []
    for data in ({"x": X, "y": Y, "batch_size": size}, {"x": batches(X, Y, size)}):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.001), loss="mse")
        histories.append(model.fit(**data, epochs=3, shuffle=False, verbose=0).history["loss"])
    assert histories[0] == histories[1]


def test_in_order_with_what_is_left_at_the_end():
    parts = [(x.numpy(), y.numpy()) for x, y in batches(X, Y, 4)]
    assert [len(x) for x, _ in parts] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in parts]), X)
    np.testing.assert_array_equal(np.concatenate([y for _, y in parts]), Y)


def test_without_a_size_all_in_one():
    assert [len(x) for x, _ in batches(X, Y)] == [10]


def test_does_not_tune_itself():
    assert batches(X, Y, 5).options().autotune.enabled is False


@pytest.mark.parametrize(
    ("x", "y", "size", "message"),
    [
        (X, Y[:9], 5, "equally long and not empty, but hold 10, 9"),
        (X[:0], Y[:0], 5, "not empty, but hold 0, 0"),
        (X, Y, 0, "`size` must be at least 1, but is 0"),
    ],
)
def test_bad_input(x, y, size, message):
    with pytest.raises(ValueError, match=message):
        batches(x, y, size)
