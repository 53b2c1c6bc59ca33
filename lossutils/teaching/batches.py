"""Batches for ``fit``, quick to begin with."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def batches(x: Any, y: Any, size: int | None = None) -> tf.data.Dataset:
    """Batches of ``size`` samples in their order, for ``model.fit(batches(x, y, 24), ...)``.

    The same batches as of ``fit(x, y, batch_size=size, shuffle=False)``. But ``tf.data`` tunes
    itself while it runs, and starts and ends a thread for that in every epoch, which takes several
    times as long as an epoch of a small network. Here it is switched off.

    Args:
        x, y: arrays of shape (n, ...), or sequences of such, with n at least 1.
        size: samples of a batch, at least 1; the last batch holds what is left. None: all in one.

    Raises:
        ValueError: no samples, or not as many in ``x`` as in ``y``; a size below 1.

    >>> x, y = [[1.0], [2.0], [3.0]], [[2.0], [4.0], [6.0]]
    >>> [len(some_x) for some_x, some_y in batches(x, y, 2)]
    [2, 1]
    """
    if len(x) == 0 or len(x) != len(y):
        raise ValueError(
            f"`x` and `y` must be equally long and not empty, but hold {len(x)}, {len(y)}."
        )
    size = len(x) if size is None else size
    if size < 1:
        raise ValueError(f"`size` must be at least 1, but is {size!r}.")
    options = tf.data.Options()
    options.autotune.enabled = False
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(size).cache().with_options(options)
