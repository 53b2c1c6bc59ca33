"""What becomes of a recipe for a loss: in ``fit``, with another batch size, and after saving."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

BATCH_SIZES = (32, 50)
COLUMNS = ("fit", "then in fifties", "loaded here", "new process", "compile=False")
# What a new process does with the saved models. It has imported Keras, and nothing else.
_NEW_PROCESS = """
import json, sys
sys.modules.update(sklearn=None, scipy=None, matplotlib=None)    # Keras starts sooner without
import keras

def fate(path, **how):
    try:
        keras.saving.load_model(path, **how)
    except Exception as error:
        return type(error).__name__
    return "loads"

paths = json.loads(input())
print(json.dumps({n: [fate(p), fate(p, compile=False)] for n, p in paths.items()}))
"""


def show_fates(
    recipes: dict[str, Callable], exact: np.ndarray, folder: str, *, new_process: bool = True
) -> None:
    """Train, save and load a model of each recipe, and print how each went.

    A recipe is a function that returns a compiled model, whose learning rate is 0, and a function
    ``give(rows)`` that returns one batch, ``(x, y)``, for a slice of rows. ``exact`` holds the
    right loss of each row, shape (n,): with the rate 0 the loss of an epoch is their mean. A model
    trains in batches of 32, then in batches of 50. It is saved in ``folder``, and loaded in this
    process, with its functions and classes handed over, and unless told otherwise in a new one.
    """
    process = _start_new_process() if new_process else None  # it imports Keras meanwhile
    made = {name: _start(recipe, exact) for name, recipe in recipes.items()}
    paths = {}
    for number, (name, (model, _, fates)) in enumerate(made.items()):
        if fates[0] in ("right", "wrong loss"):
            paths[name] = str(Path(folder) / f"{number}.keras")
            model.save(paths[name])
    if process:
        print(json.dumps(paths), file=process.stdin, flush=True)
    here = {name: _fate_here(path, *made[name][:2], exact) for name, path in paths.items()}
    later = _result_of(process) if process else {}
    _print_row("", COLUMNS if new_process else COLUMNS[:3])
    for name, (_, _, fates) in made.items():
        last = later.get(name, "--") if new_process else ""
        _print_row(name, [*fates, here.get(name, "-"), *last])


def _start_new_process() -> subprocess.Popen:
    command, pipe = [sys.executable, "-c", _NEW_PROCESS], subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def _result_of(process: subprocess.Popen) -> dict[str, list[str]]:
    printed, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the new process failed: {errors}")
    return json.loads(printed)


def _print_row(name: str, cells: Any) -> None:
    print(f"{name:22}" + "".join(f"{cell:21}" for cell in cells[:2]), end="")
    print("".join(f"{cell:13}" for cell in cells[2:]).rstrip())


def _start(recipe: Callable, exact: np.ndarray) -> tuple[Any, Any, list[str]]:
    """The model, where its batches come from, and how two trainings went."""
    try:
        model, give = recipe()
    except NotImplementedError as error:
        return None, None, [type(error).__name__, "-"]
    return model, give, [_fate(model, give, exact, size) for size in BATCH_SIZES]


def _fate(model: keras.Model, give: Callable, exact: np.ndarray, size: int) -> str:
    """Train for an epoch of whole batches: is the loss right?"""
    steps = len(exact) // size

    def stream() -> Iterator[tuple]:
        for start in range(0, steps * size, size):
            yield give(slice(start, start + size))

    try:
        how = {"steps_per_epoch": steps, "verbose": 0, "shuffle": False}
        loss = model.fit(stream(), **how).history["loss"][0]
    except Exception as error:  # whatever the recipe raises is its fate
        return type(error).__name__
    return "right" if np.isclose(loss, np.mean(exact[: steps * size]), rtol=1e-3) else "wrong loss"


def _fate_here(path: str, model: keras.Model, give: Callable, exact: np.ndarray) -> str:
    """Load with everything handed over, and train again."""
    known = [type(model), model.loss, *map(type, model.layers)]
    told = {thing.__name__: thing for thing in known if callable(thing)}
    loaded = keras.saving.load_model(path, custom_objects=told)
    return _fate(loaded, give, exact, BATCH_SIZES[0])
