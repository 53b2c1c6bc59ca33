"""The table of what becomes of a recipe: right, wrong, an error, and a loss that came back."""

import keras
import numpy as np
import pytest
from keras import ops

from lossutils.teaching.recipe_fates import show_fates

X = np.random.default_rng(0).normal(size=(120, 2)).astype("float32")
Y = np.arange(120, dtype="float32")[:, None]


def squared_error(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def doubled(y_true, y_pred):
    return 2 * squared_error(y_true, y_pred)


def of_32(y_true, y_pred):
    return squared_error(y_true, y_pred) * ops.ones(32)


def recipe(loss):
    """Return a recipe that compiles a network at 0 with this loss."""

    def made():
        layer = keras.layers.Dense(1, kernel_initializer="zeros")
        model = keras.Sequential([keras.Input((2,)), layer])
        model.compile(keras.optimizers.SGD(0.0), loss=loss)
        return model, lambda rows: (X[rows], Y[rows])

    return made


def unmade():
    raise NotImplementedError


def rows_of(capsys: pytest.CaptureFixture) -> dict[str, list[str]]:
    """Return what was printed for each recipe, the cells of a row split where they end."""
    lines = capsys.readouterr().out.splitlines()[1:]
    return {line[:22].strip(): line[22:].replace("wrong loss", "wrong").split() for line in lines}


def test_each_recipe_gets_its_fate(tmp_path, capsys: pytest.CaptureFixture) -> None:
    recipes = {"good": recipe(squared_error), "bad": recipe(doubled), "unmade": unmade}
    show_fates({**recipes, "of 32": recipe(of_32)}, Y[:, 0] ** 2, tmp_path, new_process=False)
    rows = rows_of(capsys)
    assert rows["good"] == ["right", "right", "right"]
    assert rows["bad"] == ["wrong", "wrong", "wrong"]
    assert rows["unmade"] == ["NotImplementedError", "-", "-"]
    assert rows["of 32"][0] == "right" and rows["of 32"][1].endswith("Error")


@pytest.mark.slow
def test_a_new_process_knows_what_keras_knows(tmp_path, capsys: pytest.CaptureFixture) -> None:
    recipes = {"ours": recipe(squared_error), "of Keras": recipe("mean_squared_error")}
    show_fates(recipes, Y[:, 0] ** 2, tmp_path)
    rows = rows_of(capsys)
    assert rows["ours"] == ["right", "right", "right", "TypeError", "loads"]
    assert rows["of Keras"][3:] == ["loads", "loads"]
