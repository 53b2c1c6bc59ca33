"""Many splits of one data set, and a network for each, trained as one.

A comparison says little on one split. Twenty small networks cost hardly more than one when they
are a single model, whose layers hold weights for each of them.
"""

import keras
import numpy as np

from lossutils.teaching.datasets import Dataset, diabetes_with_outliers


def diabetes_splits(count: int, fraction: float = 0.1) -> Dataset:
    """`diabetes_with_outliers` for the seeds from 0 to `count - 1`, side by side.

    Every array has one more axis, for the split: `x_*` (n, count, 10), `y_*` (n, count, 1),
    `is_outlier` (n_train, count).

    >>> splits = diabetes_splits(3)
    >>> splits.x_train.shape, splits.y_test.shape
    ((331, 3, 10), (111, 3, 1))
    """
    parts = [diabetes_with_outliers(fraction, seed=seed) for seed in range(count)]

    def stacked(name: str) -> np.ndarray:
        return np.stack([getattr(part, name) for part in parts], axis=1)

    arrays = (stacked(name) for name in ("x_train", "y_train", "x_test", "y_test"))
    return Dataset(*arrays, parts[0].feature_names, is_outlier=stacked("is_outlier"))


def networks(count: int, copies: int = 1, *, hidden: int = 8, seed: int) -> keras.Sequential:
    """One small network for each split, as one model: (n, networks, 10) to (n, networks, 1).

    Each has `hidden` tanh units and a start of its own. With `copies` the whole row is repeated so
    often, each time with the same starts: for `repeated` data, one row for each way to train. Give
    a loss that *sums* over the networks, and each learns as if it were alone.
    """
    keras.utils.set_random_seed(seed)

    def dense(size: int, activation: str | None = None) -> keras.layers.Layer:
        return keras.layers.EinsumDense(
            "bsi,sio->bso",
            output_shape=(count * copies, size),
            activation=activation,
            bias_axes="so",
            kernel_initializer=keras.initializers.RandomUniform(-0.6, 0.6),
        )

    inputs = keras.Input((count * copies, 10))
    model = keras.Sequential([inputs, dense(hidden, "tanh"), dense(1)])
    model.set_weights([repeated(w[:count], copies, axis=0) for w in model.get_weights()])
    return model


def repeated(array: np.ndarray, copies: int, axis: int = 1) -> np.ndarray:
    """The splits `copies` times in a row, as `networks` wants them."""
    return np.concatenate([array] * copies, axis=axis)
