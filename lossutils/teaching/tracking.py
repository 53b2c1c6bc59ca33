"""Record the values of variables while a model trains."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


class VariableHistory(keras.callbacks.Callback):
    """A callback that records variables before the first epoch and after each one.

    Give each variable a name: `VariableHistory(alpha=loss.alpha)`. A function without arguments
    is called at each record, for values that are computed, or variables not yet made.

    `epochs` lists the number of finished epochs at each record, starting with 0 (or with
    `initial_epoch`). `history[name]` is an array of shape (records, *shape of the variable). Each
    new fit starts afresh.

    >>> step = keras.Variable(3.0)
    >>> recorder = VariableHistory(step=step)
    >>> recorder.on_train_begin()
    >>> recorder.on_epoch_begin(0)
    >>> _ = step.assign(5.0)
    >>> recorder.on_epoch_end(0)
    >>> recorder.epochs, recorder.history["step"].tolist()
    ([0, 1], [3.0, 5.0])
    """

    def __init__(self, **variables: Any) -> None:
        super().__init__()
        if not variables:
            raise ValueError("VariableHistory needs at least one variable, as name=variable")
        self._variables = variables
        self._clear()

    @property
    def history(self) -> dict[str, np.ndarray]:
        """The recorded values by name, each of shape (records, *shape of the variable)."""
        return {name: np.array(values) for name, values in self._values.items()}

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Forget what an earlier fit recorded."""
        self._clear()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Record the start, before the first epoch only."""
        if not self.epochs:
            self._record(epoch)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Record the values after this epoch."""
        self._record(epoch + 1)

    def _clear(self) -> None:
        self.epochs: list[int] = []
        self._values: dict[str, list[np.ndarray]] = {name: [] for name in self._variables}

    def _record(self, epoch: int) -> None:
        self.epochs.append(epoch)
        for name, variable in self._variables.items():
            self._values[name].append(_current_value(variable))


def _current_value(variable: Any | Callable[[], Any]) -> np.ndarray:
    # A Keras variable is not callable, a layer or a loss is, and neither makes sense here.
    value = variable() if callable(variable) else variable
    # This copies: a later step must not overwrite what was recorded.
    return keras.ops.convert_to_numpy(value)
