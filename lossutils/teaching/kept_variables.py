"""What becomes of a variable of a loss: does it train, is it saved, does it train on after loading?

Five questions to a compiled model, and a table of what many models answer.
"""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

_ROW = "{:36} {!s:6} {!s:11} {!s:9} {!s:9} {!s}".format
_TWO_EPOCHS = {"epochs": 2, "batch_size": 331, "verbose": 0}

Answers = tuple  # (moves, comes back, moves on, predicts, weights count)


def answers(
    model: keras.Model,
    variable_of: Callable[[keras.Model], Any],
    x: Any,
    y: np.ndarray,
) -> Answers:
    """Train a model, save, load, and train on; a dash where a question makes no sense.

    moves: has fit changed the variable? comes back: has the loaded model the learned value?
    moves on: does it learn on? predicts: can the model be called without labels, on the first of
    several inputs? weights count: is the loss 0 if all sample weights are?

    `variable_of` finds the variable, also in the loaded model.
    """
    before = float(variable_of(model))
    model.fit(x, y, **_TWO_EPOCHS)
    learned = float(variable_of(model))
    last = _predicts(model, x), bool(model.test_on_batch(x, y, np.zeros(len(y))) == 0)
    if learned == before:
        return False, "-", "-", *last
    try:
        loaded = _saved_and_loaded(model)
    except (TypeError, ValueError):
        return True, "load fails", "-", *last
    comes_back = float(variable_of(loaded)) == learned
    loaded.fit(x, y, **_TWO_EPOCHS)
    return True, comes_back, float(variable_of(loaded)) != learned, *last


def show_answers(table: dict[str, Answers]) -> None:
    """Print the answers of each model below one another."""
    print(_ROW("", "moves", "comes back", "moves on", "predicts", "weights count"))
    for name, row in table.items():
        print(_ROW(name, *row))


def _predicts(model: keras.Model, x: Any) -> bool:
    inputs = x[0] if isinstance(x, list) else x
    try:
        return len(model(inputs)) == len(inputs)
    except ValueError:
        return False


def _saved_and_loaded(model: keras.Model) -> keras.Model:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras says that it skips the optimizer
        path = Path(folder) / "model.keras"
        model.save(path)
        return keras.models.load_model(path)
