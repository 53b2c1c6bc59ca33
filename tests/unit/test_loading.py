"""Processes that know nothing yet: which imports they need, and what they are told without them."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from contract import arrays, equal, state, train_on

import lossutils
from lossutils import (
    NCA,
    AdaptiveRobustLoss,
    BlendedLoss,
    CostThreshold,
    F1Threshold,
    MahalanobisNLL,
    ModelWithLoss,
    StateSwitchedLoss,
    SwitchedLoss,
    UncertaintyWeights,
    WorstCaseWeights,
    huber,
    pinball,
)

ROOT = Path(lossutils.__file__).parents[1]
X = np.random.default_rng(3).normal(size=(16, 2)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")

LOSSES = {
    "CostThreshold": lambda: CostThreshold(1, 4),
    "F1Threshold": F1Threshold,
    "MahalanobisNLL": lambda: MahalanobisNLL(1),
    "NCA": lambda: NCA(1),
    "UncertaintyWeights": lambda: UncertaintyWeights(["mse"]),
    "WorstCaseWeights": lambda: WorstCaseWeights((8, 8), loss="mse"),
    "AdaptiveRobustLoss": AdaptiveRobustLoss,
    "SwitchedLoss": lambda: SwitchedLoss([huber(1.0), AdaptiveRobustLoss()]),
    "BlendedLoss": lambda: BlendedLoss([huber(1.0), pinball(0.5)]),
    "StateSwitchedLoss": lambda: StateSwitchedLoss(["mse", "mae"], 0.1, 0.2),
}

LOAD = """
import pickle
{imports}
import numpy as np

def numbers(variables):
    return [keras.ops.convert_to_numpy(v) for v in variables]

data = np.load("data.npz")
found = {{}}
for name in {names}:
    model = keras.models.load_model(name + ".keras")
    found[name] = numbers(model.variables + model.optimizer.variables)
    model.fit(data["x"], data["y"], batch_size=8, shuffle=False, verbose=0)
    found[name + " later"] = numbers(model.variables)
pickle.dump(found, open("found", "wb"))
"""


def run(code, folder, **environment):
    """A fresh process of this Python that finds the package and runs the code."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A folder with a model for each loss, and what each held when saved and one epoch later."""
    folder, wanted = tmp_path_factory.mktemp("stored"), {}
    for name, make in LOSSES.items():
        keras.utils.set_random_seed(4)
        network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid")])
        model = ModelWithLoss(network, make())
        model.compile(keras.optimizers.Adam(0.02))
        train_on(model, X, Y, 2)
        model.save(folder / f"{name}.keras")
        wanted[name] = state(model)
        train_on(model, X, Y, 1)
        wanted[f"{name} later"] = arrays(model.variables)
    np.savez(folder / "data.npz", x=X, y=Y)
    return folder, wanted


@pytest.mark.parametrize(
    "imports",
    ["import lossutils\nimport keras", "import keras\nimport lossutils"],
    ids=["lossutils first", "keras first"],
)
@pytest.mark.slow
def test_importing_the_package_is_enough_to_load_any_model(imports, stored):
    folder, wanted = stored
    done = run(LOAD.format(imports=imports, names=list(LOSSES)), folder)
    assert done.returncode == 0, done.stderr
    found = pickle.loads((folder / "found").read_bytes())
    assert [name for name in wanted if not equal(found[name], wanted[name])] == []


def test_every_class_that_stands_in_a_file_is_found():
    registered = {
        name.removeprefix("lossutils>"): value
        for name, value in keras.saving.get_custom_objects().items()
        if name.startswith("lossutils>")
    }
    stored = {*LOSSES, "ModelWithLoss"}
    assert stored <= set(registered) <= set(lossutils.__all__)
    assert {name for name in stored if registered[name] is not getattr(lossutils, name)} == set()


UNKNOWN = """
import sys
import {first}
import {second}
assert not [name for name in sys.modules if name.startswith(("tensorflow", "keras"))]
"""


@pytest.mark.parametrize(
    "modules", [("lossutils", "lossutils.installation"), ("lossutils", "json")]
)
def test_importing_the_package_does_not_import_tensorflow(modules, tmp_path):
    done = run(UNKNOWN.format(first=modules[0], second=modules[1]), tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_look_for_keras_is_no_import(tmp_path):
    """Others may ask where Keras is before somebody imports it."""
    code = """
import importlib.util
import lossutils
assert importlib.util.find_spec("keras") is not None
import keras
assert "lossutils>NCA" in keras.saving.get_custom_objects()
assert importlib.util.find_spec("no_such_package") is None
"""
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr


FIRST_USES = [
    "from lossutils import huber",
    "import lossutils; lossutils.ModelWithLoss",
    "from lossutils.teaching import show",
]


@pytest.mark.parametrize("use", FIRST_USES)
@pytest.mark.parametrize("backend", ["jax", "torch", "numpy"])
def test_another_backend_is_named_in_one_line(use, backend, tmp_path):
    done = run(use, tmp_path, KERAS_BACKEND=backend)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: lossutils needs Keras on TensorFlow"), done.stderr
    assert repr(backend) in last and "KERAS_BACKEND=tensorflow" in last


def test_a_backend_that_is_in_use_is_named_too(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    monkeypatch.delitem(vars(lossutils), "huber", raising=False)
    with pytest.raises(ImportError, match="needs Keras on TensorFlow, .* 'jax'"):
        lossutils.huber  # noqa: B018


def test_a_backend_in_the_settings_file_is_named(tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "torch"}))
    done = run(FIRST_USES[0], tmp_path, KERAS_HOME=str(tmp_path), KERAS_BACKEND="")
    assert "'torch'" in done.stderr.strip().splitlines()[-1]


def test_a_missing_tensorflow_is_named_in_one_line(tmp_path):
    code = f"import sys; sys.path.append({str(ROOT)!r}); {FIRST_USES[0]}"
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: lossutils needs TensorFlow, which is not installed")


def test_the_notebooks_helpers_start_tensorflow_in_silence(tmp_path):
    done = run("from lossutils.teaching import show\nimport tensorflow as tf", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
