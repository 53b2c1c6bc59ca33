"""What the table of saved losses says, here and in a new process."""

import functools
import subprocess
import sys

import keras
import pytest

from lossutils import huber
from lossutils.teaching.saved_losses import _result_of, delta_used, show_what_comes_back

MODULE = """
import keras

@keras.saving.register_keras_serializable(package="test_saved_losses")
class Huber(keras.losses.Huber):
    def get_config(self):
        return {"delta": 2.0}
"""


def compiled(loss):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(loss=loss)
    return model


@pytest.mark.parametrize("loss", [huber(0.5), keras.losses.Huber(0.5)])
def test_delta_is_measured(loss):
    assert delta_used(loss) == 0.5


def test_each_model_is_loaded_three_times(tmp_path, monkeypatch, capsys):
    (tmp_path / "saved_losses_of_a_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    from saved_losses_of_a_test import Huber

    models = {
        "class": (compiled(Huber(2.0)), {}),
        "closure": (compiled(huber(2.0)), {}),
        "without": (compiled(huber(2.0)), {"compile": False}),
        "partial": (compiled(functools.partial(keras.losses.huber, delta=2.0)), {}),
    }
    show_what_comes_back(models, str(tmp_path), "saved_losses_of_a_test")
    title, *rows = capsys.readouterr().out.splitlines()
    assert title.split(" | ")[-1] == "saved_losses_of_a_test imported"
    table = [[cell.strip() for cell in row.split("|")] for row in rows]
    assert table == [
        ["class", "2.0", "not loaded", "2.0"],
        ["closure", "not loaded", "not loaded", "not loaded"],
        ["without", *["compile again"] * 3],
        ["partial", "not saved", "-", "-"],
    ]


def test_a_new_process_that_fails_is_no_silence():
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", "raise SystemExit('no such module')"]
    with pytest.raises(RuntimeError, match="no such module"):
        _result_of(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True))
