"""Which losses come back from a saved model: in this process, and in a new one.

A new process runs the text of this very file, which imports nothing of this package: so it knows
no class that the learner has not imported there.
"""

import importlib
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

# Keras imports these if they are there, and starts a second sooner without.
_SOONER = "import sys; sys.modules.update(sklearn=None, scipy=None, matplotlib=None)\n"


def delta_used(loss: Any) -> float:
    """The delta that one of Huber's losses works with: its growth from the error 20 to 21.

    >>> delta_used(keras.losses.Huber(3.0))
    3.0
    """
    one = np.ones((1, 1), "float32")
    at_20, at_21 = (np.mean(loss(error * one, 0 * one)) for error in (20, 21))
    return round(float(at_21 - at_20), 2)


def show_what_comes_back(models: dict[str, tuple], folder: str, module: str) -> None:
    """Save models, load them here and in a new process, and print with which delta they train.

    `models` gives each compiled model its name, and the arguments with which it is to be loaded.
    The new process loads all of them twice: as they are, and after it has imported `module`, which
    lies in `folder`.
    """
    files = {}
    for number, (name, (model, how)) in enumerate(models.items()):
        path = Path(folder) / f"{number}.keras"
        if _is_saved(model, path):
            files[name] = (str(path), how)
    process = _start_a_new_process(files, folder, module)
    here = _deltas(files)
    new, imported = _result_of(process)
    print(f"{'loaded':24} | {'here':17} | {'new process':17} | {module} imported")
    for name in models:
        first = here.get(name, "not saved")
        print(f"{name:24} | {first:17} | {new.get(name, '-'):17} | {imported.get(name, '-')}")


def _is_saved(model: keras.Model, path: Path) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras warns of lambdas
            model.save(path)
    except TypeError:
        return False
    return True


def _deltas(files: dict[str, tuple]) -> dict[str, str]:
    return {name: _delta_after_loading(path, how) for name, (path, how) in files.items()}


def _delta_after_loading(path: str, how: dict[str, Any]) -> str:
    try:
        model = keras.saving.load_model(path, **how)
        return str(delta_used(model.loss)) if model.compiled else "compile again"
    except NameError:
        return "crashes when used"
    except (TypeError, ValueError):
        return "not loaded"


def _start_a_new_process(files: dict[str, tuple], folder: str, module: str) -> subprocess.Popen:
    text = Path(__file__).read_text(encoding="utf-8")
    command = [sys.executable, "-c", _SOONER + text, json.dumps(files), module]
    pipe = subprocess.PIPE
    # The folder is where `python -c` looks for modules.
    return subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True)


def _result_of(process: subprocess.Popen) -> list[dict[str, str]]:
    printed, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the new process failed: {errors}")
    return json.loads(printed)


def _load_twice() -> None:
    files, module = json.loads(sys.argv[1]), sys.argv[2]
    plainly = _deltas(files)
    importlib.import_module(module)
    print(json.dumps([plainly, _deltas(files)]))


if __name__ == "__main__":
    _load_twice()
