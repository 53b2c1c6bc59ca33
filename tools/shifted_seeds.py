"""Shift every seed of a process by the same number, without a change to the code that sets it.

Reaches NumPy's generators, scikit-learn's `random_state` (which makes a NumPy RandomState, as the
splits of the data sets do), `keras.utils.set_random_seed` (which seeds Python and TensorFlow too)
and the whole numbers given as seeds to the initializers and random functions of Keras. A seed of
TensorFlow's own, such as `tf.random.uniform(shape, seed=4)`, acts together with the global one.
"""

import functools
import numbers
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras.src.backend.tensorflow import random as keras_random


def install(shift: int) -> None:
    """Add `shift` to every seed that is given from now on; a seed that is not given stays so."""

    def shifted(seed: Any) -> Any:
        return seed + shift if isinstance(seed, numbers.Integral) else seed

    def with_shifted_seed(function: Callable) -> Callable:
        @functools.wraps(function)
        def wrapped(seed: Any = None, *others: Any, **named: Any) -> Any:
            return function(shifted(seed), *others, **named)

        return wrapped

    class RandomState(np.random.RandomState):
        def __init__(self, seed: Any = None) -> None:
            super().__init__(shifted(seed))

    np.random.RandomState = RandomState
    np.random.default_rng = with_shifted_seed(np.random.default_rng)
    keras.utils.set_random_seed = with_shifted_seed(keras.utils.set_random_seed)
    keras_random.draw_seed = with_shifted_seed(keras_random.draw_seed)
