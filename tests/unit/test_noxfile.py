"""tools/noxfile.py: the settings are what they should be, and each difference is a failure.

Compared by nbval, as the tests do it; what it takes for a difference is tried on a notebook.
"""

import json
import os
import subprocess
import sys
from itertools import product

import nbformat
import noxfile
import pytest
from kernel_runs import COMPARE, ROOT
from nbformat.v4 import new_code_cell, new_notebook, new_output

NOX = (sys.executable, "-m", "nox", "-f", "tools/noxfile.py")
HERE = "{}.{}".format(*sys.version_info)
PICTURE = '<img src="data:image/png;base64,{}">'
SHOW = "from IPython.display import display; display({}, raw=True)"


def run(*command, **variables):
    """Run a command in the repository; return its exit status and what it said."""
    environment = os.environ | {key: str(value) for key, value in variables.items()}
    done = subprocess.run(
        list(map(str, command)), cwd=ROOT, env=environment, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def cell(source, *outputs):
    """Return a code cell that has been run, with these outputs."""
    return new_code_cell(source, outputs=list(outputs), execution_count=1)


def printed(text):
    """Return what a cell printed."""
    return new_output("stream", name="stdout", text=text)


def shown(**data):
    """Return what a cell showed, such as html="..."."""
    kinds = {"plain": "text/plain", "html": "text/html", "png": "image/png"}
    return new_output("display_data", {kinds[name]: text for name, text in data.items()})


def compared(path, *cells):
    """Return the exit status and the report of a comparison with these stored cells."""
    nbformat.write(new_notebook(cells=list(cells)), path)
    return run(sys.executable, *COMPARE, path)


@pytest.mark.slow
def test_a_changed_letter_is_a_difference(tmp_path):
    cells = [
        cell("print('loss 0.123')", printed("loss 0.124\n")),
        cell("print('True')", printed("True \n")),
        cell(SHOW.format({"text/plain": "1.0"}), shown(plain="1.1")),
        cell(SHOW.format({"text/html": "<b>1</b>"}), shown(html="<b>2</b>")),
        cell("import sys; print('1', file=sys.stderr)", printed("1\n")),
        cell("raise ValueError('no')", printed("1\n")),
        cell(SHOW.format({"text/plain": "a", "text/html": "a"}), shown(plain="a")),
        cell("print('1')"),
        cell("x = 1", printed("1\n")),
        cell("x = 1", shown(png="aaaa", plain="a picture")),
        cell(SHOW.format({"text/html": PICTURE.format("bbbb") + "more"}), shown(html=PICTURE)),
    ]
    status, report = compared(tmp_path / "other.ipynb", *cells)
    assert status == 1
    assert [n for n in range(len(cells)) if f"::Cell {n} _" not in report] == []


@pytest.mark.slow
def test_of_a_picture_the_bytes_are_not_compared(tmp_path):
    fresh, stored = ({"image/png": p, "text/html": PICTURE.format(p)} for p in ("aaaa", "bbbb"))
    output = new_output("display_data", stored)
    status, report = compared(tmp_path / "same.ipynb", cell(SHOW.format(fresh), output))
    assert status == 0, report


def test_all_settings_are_tried():
    status, listed = run(*NOX, "--list", "--json")
    drift = [session for session in json.loads(listed) if session["name"] == "drift"]
    pythons, ends = ("3.11", "3.12", "3.13"), ("lowest-direct", "highest")
    assert [(s["python"], s["call_spec"]["ends"]) for s in drift] == list(product(pythons, ends))
    in_each, notebooks = noxfile.chosen([])
    assert notebooks == ["notebooks"]
    assert len(set(in_each)) == 4 and len(drift) * len(in_each) == 24
    assert {processor for _, _, processor in in_each} == {"native"}


def test_settings_can_be_chosen():
    two = ["--processor", "avx2", "--processor", "sse4"]
    settings, notebooks = noxfile.chosen(["--threads", "1", *two, "a"])
    assert notebooks == ["a"]
    assert settings == [
        (1, onednn, processor) for onednn in (0, 1) for processor in ("avx2", "sse4")
    ]


def test_a_setting_is_environment_variables():
    variables = noxfile.variables(1, 0, "native")
    assert variables["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert variables["TF_NUM_INTRAOP_THREADS"] == "1"
    assert "XLA_FLAGS" not in variables
    for processor, name in (("avx2", "AVX2"), ("sse4", "SSE4_2")):
        pretending = noxfile.variables(1, 0, processor)
        assert pretending["XLA_FLAGS"].endswith(name) and "OPENBLAS_CORETYPE" in pretending


@pytest.mark.skipif(noxfile.cores(1) == [], reason="processes can not be bound to cores here")
def test_a_command_has_as_many_cores_as_threads():
    script = "import os; print(len(os.sched_getaffinity(0)))"
    assert run(*noxfile.cores(1), sys.executable, "-c", script) == (0, "1\n")


def test_a_python_that_is_missing_is_a_failure(tmp_path):
    other = next(version for version in ("3.12", "3.13") if version != HERE)
    missing = ("-p", other, "-k", "oldest", "--download-python", "never", "--envdir", tmp_path)
    status, said = run(*NOX, "-s", "drift", *missing, PATH=tmp_path)
    assert status != 0 and f"Python interpreter {other} not found" in said


def test_packages_that_cannot_be_installed_are_a_failure(tmp_path):
    alone = {"UV_OFFLINE": 1, "UV_CACHE_DIR": tmp_path / "cache", "UV_FIND_LINKS": ""}
    chosen = ("-p", HERE, "-k", "newest", "--envdir", tmp_path)
    status, said = run(*NOX, "-s", "drift", *chosen, **alone)
    assert status != 0 and "uv pip install" in said and "failed" in said


@pytest.mark.slow
def test_a_notebook_that_says_something_else_is_reported(tmp_path):
    path = tmp_path / "00_book.ipynb"
    nbformat.write(new_notebook(cells=[cell("print(1 + 1)", printed("3\n"))]), path)
    before = path.read_bytes()
    here = ("-s", "drift(newest)", "--no-venv", "--no-install")
    status, said = run(*NOX, *here, "--", "--threads", "1", "--onednn", "0", path)
    assert status == 1 and "00_book.ipynb::Cell 0" in said and "stdout" in said
    assert "differs with (threads, oneDNN, processor) = [(1, 0, 'native')]" in said
    assert path.read_bytes() == before
