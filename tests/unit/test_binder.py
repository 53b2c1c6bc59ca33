"""binder/ is what repo2docker expects, and fits the ranges that a reader installs."""

import os
import subprocess
import sys
from pathlib import Path

import noxfile
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lossutils.installation import OTHER_BUILDS, read_ranges

ROOT = Path(__file__).resolve().parents[2]
BINDER = ROOT / "binder"


def locked():
    """Return the pinned version of each package."""
    pins = [str(requirement) for requirement in read_ranges(BINDER / "requirements.txt")]
    assert all(pin.count("==") == 1 for pin in pins), pins
    return {canonicalize_name(name): version for name, version in (p.split("==") for p in pins)}


@pytest.fixture(scope="module")
def dockerfile():
    """What repo2docker would build from this repository."""
    return rendered(ROOT)


def rendered(folder):
    """Return the Dockerfile of a folder."""
    done = subprocess.run(noxfile.DOCKERFILE, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_dockerfile_installs_from_our_folder(dockerfile):
    assert noxfile.binder_steps(dockerfile)[:3] == [
        '${KERNEL_PYTHON_PREFIX}/bin/pip install --no-cache-dir -r "binder/requirements.txt"',
        "chmod +x binder/postBuild",
        "./binder/postBuild",
    ]
    assert dockerfile.count('ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"') == 1


def test_binder_runs_the_python_of_its_runtime_file(dockerfile):
    assert noxfile.PYTHON == "3.11"
    assert "environment-2epy-2d3-2e11-2dlinux-2d64-2elock" in dockerfile


def test_a_repository_without_the_folder_is_refused(tmp_path):
    (tmp_path / "requirements.txt").write_text("numpy\n")
    with pytest.raises(ValueError, match="what stands in binder/"):
        noxfile.binder_steps(rendered(tmp_path))


def test_the_base_of_the_build_is_known():
    pins = noxfile.base_pins("3.11")
    named = {"ipykernel", "ipywidgets", "jupyterhub", "jupyterlab", "nbconvert", "notebook"}
    asked = {"jupyter-offlinenotebook", "jupyter-resource-usage", "jupyter_server"}
    assert named | asked <= {pin.split("==")[0] for pin in pins}
    assert len({canonicalize_name(pin.split("==")[0]) for pin in pins}) == len(pins) > 20


@pytest.mark.parametrize("wanted", read_ranges(), ids=str)
def test_the_lock_is_inside_the_ranges_of_a_reader(wanted: Requirement):
    versions = locked()
    build = next(name for name in OTHER_BUILDS.get(wanted.name, (wanted.name,)) if name in versions)
    assert wanted.specifier.contains(versions[build])


def test_the_lock_has_one_tensorflow_the_small_one_and_the_package():
    versions = locked()
    assert "tensorflow-cpu" in versions and "tensorflow" not in versions
    options = [
        line
        for line in (BINDER / "requirements.txt").read_text().splitlines()
        if line.startswith("-")
    ]
    assert options == ["-e ."]


@pytest.mark.parametrize("name", ["start", "postBuild"])
def test_the_scripts_can_be_run(name):
    assert os.access(BINDER / name, os.X_OK)


def test_start_limits_threads_and_runs_what_it_is_given():
    show = "import os, sys; print(os.environ['TF_NUM_INTRAOP_THREADS'], sys.argv[1])"
    command = [str(BINDER / "start"), sys.executable, "-c", show, "two words"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "2 two words\n"


def test_pins_are_asked_for_with_the_small_tensorflow_and_with_the_package():
    wanted = noxfile.wanted_by_binder((ROOT / "requirements.txt").read_text())
    assert "\ntensorflow-cpu>=" in wanted and "\ntensorflow>" not in wanted
    assert wanted.endswith("\n-e .\nnotebook>=7\n")


@pytest.mark.slow
def test_the_installation_that_binder_makes_trains(tmp_path):
    command = [sys.executable, "-m", "nox", "-f", "tools/noxfile.py", "-s", "binder"]
    command += ["--envdir", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "This installation is ready." in result.stdout
    assert "Executing notebooks/01_anatomy_of_a_loss.ipynb" in result.stdout + result.stderr
