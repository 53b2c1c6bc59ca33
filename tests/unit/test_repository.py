"""The repository as a whole: what lies in it, what it installs, and the commands it promises."""

import importlib.util
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import lossutils
from lossutils.installation import installed_build, read_ranges

ROOT = Path(__file__).resolve().parents[2]
TOP_LEVEL = {
    ".ci",
    ".gitattributes",
    ".github",
    ".gitignore",
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "LICENSE",
    "LICENSE-TEXT",
    "README.md",
    "STATUS.md",
    "binder",
    "lossutils",
    "notebooks",
    "pyproject.toml",
    "requirements.txt",
    "tests",
    "tools",
}
NOTEBOOK = "notebooks/00_start_here.ipynb"
READER = f"python -m pip install -r requirements.txt && python -m jupyterlab {NOTEBOOK}"
TESTS = "python -m pip install -r tests/requirements.txt && python -m pytest"
# In pieces, or this file would be the first to be found.
REGISTRIES = ("pypi" + ".org", "files.python" + "hosted", "anaconda" + ".org", "npmjs" + ".org")
HOME_FOLDERS = re.compile(
    r"(?<![\w.])/(?:home/(?!jovyan|somebody|reader)\w|root/|Users/\w|work/|tmp/\w)"
)
PICTURE = re.compile(r"[A-Za-z0-9+/=]{200,}")


def tracked():
    """Return the files of the repository: those of git, and new ones that it does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = {ROOT / name for name in result.stdout.split("\0") if name}
    return sorted(path for path in paths if path.is_file())


def texts():
    """Return path and text of each file that is text, without the data of pictures."""
    for path in tracked():
        try:
            yield path.relative_to(ROOT), PICTURE.sub("", path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue


@pytest.mark.parametrize("wanted", read_ranges(), ids=str)
def test_the_ranges_hold_what_the_tests_run_on(wanted):
    build = installed_build(wanted.name)
    assert build is not None and wanted.specifier.contains(build[1])


@pytest.mark.parametrize("wanted", read_ranges(ROOT / "tests" / "requirements.txt"), ids=str)
def test_the_ranges_of_the_tests_hold_what_they_run_on(wanted):
    assert wanted.specifier.contains(version(wanted.name))


def test_a_reader_installs_the_package_last_and_the_tests_build_on_that():
    lines = (ROOT / "requirements.txt").read_text().split("\n")
    assert lines[-2:] == ["-e .", ""]
    assert "-r ../requirements.txt" in (ROOT / "tests" / "requirements.txt").read_text()


def test_the_top_level_holds_only_what_a_newcomer_expects():
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} <= TOP_LEVEL


def test_no_file_is_above_one_megabyte():
    assert [path.name for path in tracked() if path.stat().st_size > 1_000_000] == []


def test_no_file_names_a_folder_of_one_machine():
    found = [(str(path), m.group()) for path, text in texts() for m in HOME_FOLDERS.finditer(text)]
    assert found == []


def test_no_file_names_a_package_registry():
    found = [(str(path), host) for path, text in texts() for host in REGISTRIES if host in text]
    assert found == []


def test_line_endings_are_the_same_everywhere():
    ours = [path for path in tracked() if path.suffix != ".png"]
    assert [path.name for path in ours if b"\r\n" in path.read_bytes()] == []


@pytest.mark.parametrize("command", [READER, TESTS])
def test_the_readme_promises_the_command(command):
    assert f"```bash\n{command}\n```" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_command_opens_a_notebook_that_is_there():
    assert (ROOT / NOTEBOOK).is_file()


def scripts():
    """Return the scripts that people are told to run."""
    guides = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "notebooks" / "TEACHING.md"]
    text = "".join(path.read_text(encoding="utf-8") for path in guides)
    return sorted(set(re.findall(r"python ((?:tools|tests)/[\w/]+\.py)", text)))


@pytest.mark.parametrize("script", scripts())
def test_a_script_that_people_are_told_to_run_starts(script, tmp_path):
    command = [sys.executable, ROOT / script, "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and Path(script).name in done.stdout, done.stderr


def test_every_deliberate_fault_can_still_be_put_in():
    spec = importlib.util.spec_from_file_location("mutations", ROOT / "tests" / "mutations.py")
    mutations = importlib.util.module_from_spec(spec)
    sys.modules["mutations"] = mutations  # dataclasses look their module up
    spec.loader.exec_module(mutations)
    lost = [f.name for f in mutations.FAULTS if (ROOT / f.file).read_text().count(f.old) != 1]
    assert mutations.FAULTS and lost == []


def test_ci_runs_the_command_of_the_readme(tmp_path):
    """Run .ci/run with stand-ins for python3 and python that write down what they are asked."""
    log, tools = tmp_path / "log", tmp_path / "tools"
    tools.mkdir()
    stand_in(tools / "chromium", "exit 0")
    stand_in(tools / "python", f'echo "CI=$CI python $*" >> "{log}"')
    make = f'for last; do :; done; install -D "{tools}/python" "$last/bin/python"'
    stand_in(tools / "python3", f'[ "$2" != venv ] || {{ {make}; }}')
    path = f"{tools}:{os.environ['PATH']}"
    subprocess.run([ROOT / ".ci" / "run"], env=os.environ | {"PATH": path}, check=True)
    ran = [line.removeprefix("CI=true ") for line in log.read_text().splitlines()]
    assert " && ".join(ran) == TESTS


def stand_in(path, script):
    """Write a small program."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("name", lossutils.__all__)
def test_every_public_name_can_be_imported_and_is_documented(name):
    assert getattr(lossutils, name).__doc__
    assert name in dir(lossutils)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'lossutils' has no attribute 'huberr'"):
        _ = lossutils.huberr


def test_what_to_do_for_a_change_is_short():
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) < 60


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, lossutils; print({'tensorflow', 'keras', 'numpy'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "set()\n"


def test_ruff_has_nothing_to_say() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", str(ROOT)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_teaching_part_can_be_imported_late() -> None:
    """Who has used TensorFlow already keeps one device, and gets no error."""
    code = "import tensorflow as tf; tf.zeros(1); import lossutils.teaching; print('imported')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "imported\n", done.stderr


def test_garbage_is_collected_again_after_the_import():
    code = (
        "import gc, lossutils.teaching as _;"
        "print(gc.isenabled(), gc.get_freeze_count() > 100_000)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.split() == ["True", "True"], result.stderr
