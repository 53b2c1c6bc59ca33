"""Break lossutils on purpose, one fault at a time, and see which test notices.

    python tests/mutations.py [NAME ...]

Works on a copy of the tree in a temporary folder; the tree itself is never touched. First the
copy must pass its tests unbroken. Then each fault of FAULTS (or those named) is put in, and only
the tests that should notice it are run. Prints one line for each fault: the test that failed, or
NOT CAUGHT. The exit status is 1 when a fault survives, when the text it replaces is not found
exactly once, or when the tests do not even load (such a fault proves nothing about them).

To add a fault: a row with a name, the file, the text in it, the text to put there, and the test
files that should notice.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("lossutils", "tests", "tools", "pyproject.toml", "README.md")
PYTEST = (
    *("-m", "pytest", "--slow", "-x", "-q", "--tb=no"),
    *("-p", "no:nbval", "-p", "no:cacheprovider"),
)
# Replaces the project's own options: no notebooks, no doctests, one process.
OPTIONS = ("-o", "addopts=--import-mode=importlib --strict-markers")
# An error is an assertion of a fixture; a file that cannot be imported ends pytest otherwise.
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
CLOSURES, STATEFUL = "lossutils/closures.py", "lossutils/stateful.py"
ARGUMENTS, INTERNALS = "lossutils/arguments.py", "lossutils/keras_internals.py"
TRAINER, PENALTIES = "lossutils/teaching/trainer.py", "lossutils/penalties.py"
TESTS_OF_CLOSURES = ("tests/unit/test_closures.py",)
TESTS_OF_STATEFUL = ("tests/unit/test_stateful.py",)
TESTS_OF_TRAINER = ("tests/unit/test_trainer.py",)
MAHALANOBIS = "lossutils/mahalanobis.py"
TESTS_OF_MAHALANOBIS = ("tests/unit/test_mahalanobis.py",)
ROBUST, TESTS_OF_ROBUST = "lossutils/robust.py", ("tests/unit/test_robust.py",)
SWITCHING, TESTS_OF_SWITCHING = "lossutils/switching.py", ("tests/unit/test_switching.py",)
PARTS, TESTS_OF_PARTS = "lossutils/_parts.py", ("tests/unit/test_losses_in_losses.py",)
SEGMENTATION = "lossutils/segmentation.py"
TESTS_OF_SEGMENTATION = ("tests/unit/test_segmentation.py",)
TESTS_OF_LABELS = ("tests/unit/test_labels.py",)


@dataclass(frozen=True)
class Fault:
    """One deliberate fault: `old` in `file` becomes `new`, and one of `tests` should fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


FAULTS = (
    Fault(
        "huber: missing factor one half",
        CLOSURES,
        "0.5 * q * q + bound * (size - q)",
        "q * q + bound * (size - q)",
        TESTS_OF_CLOSURES,
    ),
    Fault(
        "huber: wrong sign of the linear part",
        CLOSURES,
        "0.5 * q * q + bound * (size - q)",
        "0.5 * q * q - bound * (size - q)",
        TESTS_OF_CLOSURES,
    ),
    Fault(
        "huber: mean over the batch instead of per sample",
        CLOSURES,
        "return ops.mean(0.5 * q * q + bound * (size - q), axis=-1)",
        "return ops.mean(0.5 * q * q + bound * (size - q))",
        TESTS_OF_CLOSURES,
    ),
    Fault(
        "binary cross-entropy: weights swapped",
        CLOSURES,
        "y_true, y_pred, w_0, w_1 = floats(",
        "y_true, y_pred, w_1, w_0 = floats(",
        TESTS_OF_CLOSURES,
    ),
    Fault(
        "binary cross-entropy: wrong sign of the logits",
        CLOSURES,
        "cost_0, cost_1 = ops.softplus(y_pred), ops.softplus(-y_pred)",
        "cost_0, cost_1 = ops.softplus(-y_pred), ops.softplus(y_pred)",
        TESTS_OF_CLOSURES,
    ),
    Fault(
        "probabilities are not clipped",
        CLOSURES,
        "return ops.clip(p, epsilon, 1.0 - epsilon)",
        "return p",
        TESTS_OF_CLOSURES,
    ),
    Fault(
        "categorical cross-entropy: logits taken for probabilities",
        CLOSURES,
        "ops.log_softmax(y_pred, axis=-1) if from_logits else",
        "ops.log_softmax(y_pred, axis=-1) if not from_logits else",
        TESTS_OF_CLOSURES,
    ),
    Fault(
        "near-zero penalty: epsilon not used",
        CLOSURES,
        "ops.square(y_pred / half_width)",
        "ops.square(y_pred)",
        TESTS_OF_CLOSURES,
    ),
    Fault(
        "tversky: the two weights exchanged",
        SEGMENTATION,
        "w_fp * too_much + w_fn * too_little",
        "w_fn * too_much + w_fp * too_little",
        TESTS_OF_SEGMENTATION,
    ),
    Fault(
        "pinball: the same slope on both sides",
        CLOSURES,
        "(1.0 - level) * ops.relu(-error)",
        "level * ops.relu(-error)",
        TESTS_OF_CLOSURES,
    ),
    Fault(
        "half precision is not widened",
        ARGUMENTS,
        ' == "float64" else ops.cast(x, "float32")',
        ' == "float64" else x',
        TESTS_OF_CLOSURES,
    ),
    Fault(
        "L1 penalty: no absolute value",
        PENALTIES,
        'ops.sum(ops.abs(ops.cast(v, "float32")))',
        'ops.sum(ops.cast(v, "float32"))',
        ("tests/unit/test_penalties.py",),
    ),
    Fault(
        "model: penalties are counted once for each replica",
        STATEFUL,
        "ops.cast(ops.sum(p), loss.dtype) / replicas",
        "ops.cast(ops.sum(p), loss.dtype)",
        ("tests/unit/test_replicas.py",),
    ),
    Fault(
        "model: penalties are forgotten",
        STATEFUL,
        "for p in penalties",
        "for p in []",
        TESTS_OF_STATEFUL,
    ),
    Fault(
        "model: sample weights are forgotten",
        STATEFUL,
        "**told)(y, y_pred, weight)",
        "**told)(y, y_pred)",
        TESTS_OF_STATEFUL,
    ),
    Fault(
        "model: a scalar loss is accepted",
        STATEFUL,
        "if len(values.shape) == 0:",
        "if False:",
        TESTS_OF_STATEFUL,
    ),
    Fault(
        "model: not compiled again on load",
        STATEFUL,
        "self.compile(**keras.saving.deserialize_keras_object(config))",
        "return",
        ("tests/unit/test_stateful_saving.py",),
    ),
    Fault(
        "stateful loss: accepted by compile(loss=...)",
        INTERNALS,
        's.startswith("compile_loss")',
        's.startswith("no such scope")',
        TESTS_OF_STATEFUL,
    ),
    Fault(
        "stateful loss: shapes are not compared",
        STATEFUL,
        "if self.labels_like_predictions:",
        "if False:",
        TESTS_OF_STATEFUL,
    ),
    Fault(
        "trainer: Adam without bias correction",
        TRAINER,
        "rate = rate * tf.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)",
        "rate = rate * tf.ones_like(step)",
        TESTS_OF_TRAINER,
    ),
    Fault(
        "trainer: penalties are forgotten",
        TRAINER,
        "tf.reduce_mean(values) + sum(penalties)",
        "tf.reduce_mean(values)",
        TESTS_OF_TRAINER,
    ),
    Fault(
        "trainer: always the first batch",
        TRAINER,
        "self.x[index], self.y[index], parameters",
        "self.x[0], self.y[0], parameters",
        TESTS_OF_TRAINER,
    ),
    Fault(
        "trainer: the step count starts at zero",
        TRAINER,
        "step = epoch * batches + index + 1",
        "step = epoch * batches + index",
        TESTS_OF_TRAINER,
    ),
    Fault(
        "mahalanobis: the determinant of the start is forgotten",
        MAHALANOBIS,
        "- ops.sum(log_scale + log_of_start)",
        "- ops.sum(log_scale)",
        TESTS_OF_MAHALANOBIS,
    ),
    Fault(
        "mahalanobis: the start is no start",
        MAHALANOBIS,
        "few = self._seen < _START * self.dimension",
        "few = self._seen < 0.0",
        TESTS_OF_MAHALANOBIS,
    ),
    Fault(
        "mahalanobis: the start never ends",
        MAHALANOBIS,
        "self._start_from(seen + count,",
        "self._start_from(0.0 * count,",
        TESTS_OF_MAHALANOBIS,
    ),
    Fault(
        "mahalanobis: the batches' own means are forgotten",
        MAHALANOBIS,
        "covariance + (1.0 - share) * ops.outer(step, step))",
        "covariance + 0.0 * ops.outer(step, step))",
        TESTS_OF_MAHALANOBIS,
    ),
    Fault(
        "mahalanobis: the start counts padding",
        MAHALANOBIS,
        "shares = ops.divide_no_nan(weights, ops.sum(weights))",
        "shares = ops.ones_like(weights) / ops.sum(ops.ones_like(weights))",
        TESTS_OF_MAHALANOBIS,
    ),
    Fault(
        "mahalanobis: what is trained survives the start",
        MAHALANOBIS,
        "for trained in (self.shift, self.triangle):",
        "for trained in ():",
        TESTS_OF_MAHALANOBIS,
    ),
    Fault(
        "mahalanobis: few samples are taken at their word",
        MAHALANOBIS,
        "ops.where(count < 2 * self.dimension, ops.ones_like(count), 1e-8)",
        "1e-8 * ops.ones_like(count)",
        TESTS_OF_MAHALANOBIS,
    ),
    Fault(
        "mahalanobis: the ridge is left out of the start",
        MAHALANOBIS,
        "* variances + self.ridge",
        "* variances",
        TESTS_OF_MAHALANOBIS,
    ),
    Fault(
        "mahalanobis: the matrix is transposed for many points",
        MAHALANOBIS,
        "ops.matmul(rows, ops.transpose(_inverse(factor)))",
        "ops.matmul(rows, _inverse(factor))",
        TESTS_OF_MAHALANOBIS,
    ),
    Fault(
        "robust: the price of the scale is forgotten",
        ROBUST,
        "price = ops.log(scale) + _log_integral(of_points)",
        "price = _log_integral(of_points)",
        TESTS_OF_ROBUST,
    ),
    Fault(
        "robust: the price of the shape is forgotten",
        ROBUST,
        "price = ops.log(scale) + _log_integral(of_points)",
        "price = ops.log(scale)",
        TESTS_OF_ROBUST,
    ),
    Fault(
        "robust: the price has the wrong sign",
        ROBUST,
        "ops.shape(squares)) + price, axis=-1)",
        "ops.shape(squares)) - price, axis=-1)",
        TESTS_OF_ROBUST,
    ),
    Fault(
        "robust: the first point of the integral counts twice",
        ROBUST,
        "weights[0] /= 2.0",
        "weights[0] /= 1.0",
        TESTS_OF_ROBUST,
    ),
    Fault(
        "robust: no limit at minus infinity",
        ROBUST,
        "a = ops.maximum(alpha, lowest)",
        "a = ops.maximum(alpha, -1e30)",
        TESTS_OF_ROBUST,
    ),
    Fault(
        "robust: no limit at two",
        ROBUST,
        "ops.maximum(2.0 - a, _epsilon(s) ** 2)",
        "ops.maximum(2.0 - a, 0.0)",
        TESTS_OF_ROBUST,
    ),
    Fault(
        "robust: the series ends too early",
        ROBUST,
        "for k in range(6, -1, -1):",
        "for k in range(4, -1, -1):",
        TESTS_OF_ROBUST,
    ),
    Fault(
        "robust: the slope over alpha of the other formula",
        ROBUST,
        "over_alpha = ops.where(a > 1.0,",
        "over_alpha = ops.where(a < 1.0,",
        TESTS_OF_ROBUST,
    ),
    Fault(
        "robust: the slope over the residual without its decay",
        ROBUST,
        "return 0.5 * decay * upstream",
        "return 0.5 * upstream",
        TESTS_OF_ROBUST,
    ),
    Fault(
        "switching: another loss than the active one",
        SWITCHING,
        "tf.equal(index, 0)",
        "tf.not_equal(index, 0)",
        TESTS_OF_SWITCHING,
    ),
    Fault(
        "switching: both losses run",
        SWITCHING,
        "tf.cond(tf.equal(index, 0), first, lambda: _chosen(index - 1, others))",
        "tf.where(tf.equal(index, 0), first(), _chosen(index - 1, others))",
        TESTS_OF_SWITCHING,
    ),
    Fault(
        "switching: what is at neither end of a blend is mixed",
        SWITCHING,
        "ops.where(self._share > 0, inside, 0)",
        "2",
        TESTS_OF_PARTS,
    ),
    Fault(
        "parts: not told whether they train",
        STATEFUL,
        "if k in wanted}",
        "if k in wanted and k != 'training'}",
        TESTS_OF_PARTS,
    ),
    Fault(
        "parts: not told what samples weigh",
        STATEFUL,
        "if k in wanted}",
        "if k in wanted and k != 'sample_weight'}",
        TESTS_OF_PARTS,
    ),
    Fault(
        "parts: a closure is stored by its name",
        PARTS,
        'getattr(loss, "made_by", None) or keras',
        "keras",
        TESTS_OF_PARTS,
    ),
    Fault(
        "parts: variables are not looked for",
        PARTS,
        "not _holds_a_variable(loss))",
        "True)",
        TESTS_OF_PARTS,
    ),
    Fault(
        "parts: looked at only when they are saved",
        PARTS,
        "        check_storable(loss)\n    else:",
        "        pass\n    else:",
        TESTS_OF_PARTS,
    ),
    Fault(
        "state: masked samples count",
        STATEFUL,
        "_counted(weight, y_pred)}",
        "weight}",
        TESTS_OF_PARTS,
    ),
    Fault(
        "state: what weighs nothing spoils the mean",
        STATEFUL,
        "ops.where(weight[..., None] > 0, values * weight[..., None], 0.0)",
        "values * weight[..., None]",
        TESTS_OF_PARTS,
    ),
    Fault(
        "export: the model in place of its network",
        STATEFUL,
        "self.network.export(",
        "super().export(",
        ("tests/unit/test_export.py",),
    ),
    Fault(
        "labels: those of a data set are not looked at",
        STATEFUL,
        "if isinstance(data, _DATA_SETS):",
        "if False:",
        TESTS_OF_LABELS,
    ),
    Fault(
        "labels: those of validation data are not looked at",
        STATEFUL,
        '"in `validation_data`: ", kwargs.get("validation_data")',
        '"in `validation_data`: ", None',
        TESTS_OF_LABELS,
    ),
    Fault(
        "weight decay: the loss is not left out",
        INTERNALS,
        "optimizer.exclude_from_weight_decay(variables)",
        "optimizer.exclude_from_weight_decay([])",
        TESTS_OF_STATEFUL,
    ),
    Fault(
        "weight decay: what was left out before is forgotten",
        INTERNALS,
        "|= others",
        "|= set()",
        TESTS_OF_STATEFUL,
    ),
    Fault(
        "loading: nothing is registered for a Keras that comes later",
        "lossutils/_registration.py",
        "                _register(self.names)\n",
        "",
        ("tests/unit/test_loading.py",),
    ),
    Fault(
        "loading: the backend is not asked for",
        "lossutils/installation.py",
        'if backend != "tensorflow":\n        raise ImportError',
        "if False:\n        raise ImportError",
        ("tests/unit/test_loading.py",),
    ),
)


def copy_tree(target: Path) -> None:
    """Copy what the unit tests need."""
    unwanted = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=unwanted)
        elif source.exists():
            shutil.copy(source, target / name)


def run_tests(tree: Path, tests: tuple[str, ...]) -> tuple[int, str]:
    """Run test files of a copy; return pytest's exit status and what it printed."""
    # The copy comes before an installed lossutils; no byte code, which could outlive a fault.
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *PYTEST, *OPTIONS, *tests]
    done = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def try_fault(tree: Path, fault: Fault) -> tuple[bool, str]:
    """Put one fault into the copy, run its tests, take it out; return (caught, what happened)."""
    path = tree / fault.file
    sound = path.read_text(encoding="utf-8")
    if sound.count(fault.old) != 1:
        return False, f"the old text is in {fault.file} {sound.count(fault.old)} times, not once"
    path.write_text(sound.replace(fault.old, fault.new), encoding="utf-8")
    try:
        status, printed = run_tests(tree, fault.tests)
    finally:
        path.write_text(sound, encoding="utf-8")
    failed = FAILED.findall(printed)
    if status == 1 and failed:
        return True, failed[0].removeprefix("tests/unit/")
    return False, "NOT CAUGHT" if status == 0 else f"the tests did not run:\n{printed}"


def uses_copy(tree: Path) -> bool:
    """Return whether the tests of the copy import the copy, not an installed lossutils."""
    script = "import lossutils; print(lossutils.__file__)"
    environment = os.environ | {"PYTHONPATH": str(tree)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tree, env=environment, capture_output=True, text=True
    )
    return tree.resolve() in Path(done.stdout.strip()).resolve().parents


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when every fault is caught, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="faults whose name holds NAME")
    wanted = parser.parse_args(arguments).names
    faults = [f for f in FAULTS if not wanted or any(name in f.name for name in wanted)]
    if not faults:
        parser.error(f"no fault is called {wanted}")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        copy_tree(tree)
        if not uses_copy(tree):
            sys.exit("the copy is not what Python imports; nothing was tried")
        status, printed = run_tests(tree, tuple(sorted({t for f in faults for t in f.tests})))
        if status != 0:
            sys.exit(f"the tests fail without any fault:\n{printed}")
        return int(not all([report(tree, fault) for fault in faults]))


def report(tree: Path, fault: Fault) -> bool:
    """Try one fault and print its line; return whether it was caught."""
    caught, outcome = try_fault(tree, fault)
    print(f"{fault.name:55} {outcome}", flush=True)
    return caught


if __name__ == "__main__":
    sys.exit(main())
