"""What each notebook gives its readers to take along runs alone, in a fresh process."""

import multiprocessing
import os
import runpy
from pathlib import Path

import pytest
from reading import notebook_paths, read, tags, text_outputs

PRINTED, COMPLAINED = "printed.txt", "complained.txt"


@pytest.fixture(scope="module")
def fresh() -> multiprocessing.context.BaseContext:
    """Return a maker of processes in which nothing has run; these modules are imported once."""
    context = multiprocessing.get_context("spawn" if os.name == "nt" else "forkserver")
    context.set_forkserver_preload(["keras", "sklearn.linear_model"])
    return context


def run_alone(folder: Path) -> None:
    """Run alone.py in its folder as a program; what it writes goes to two files."""
    os.chdir(folder)
    for stream, name in ((1, PRINTED), (2, COMPLAINED)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT), stream)
    runpy.run_path("alone.py", run_name="__main__")


@pytest.mark.slow
@pytest.mark.parametrize("path", notebook_paths()[1:], ids=lambda path: path.stem)
def test_it_prints_alone_what_it_prints_in_the_notebook(
    path: Path, fresh: multiprocessing.context.BaseContext, tmp_path: Path
) -> None:
    (cell,) = (cell for _, cell in read(path).code() if "take-away" in tags(cell))
    (tmp_path / "alone.py").write_text(cell.source, encoding="utf-8")
    process = fresh.Process(target=run_alone, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == 0, (tmp_path / COMPLAINED).read_text(encoding="utf-8")
    assert (tmp_path / PRINTED).read_text(encoding="utf-8") == text_outputs(cell)
