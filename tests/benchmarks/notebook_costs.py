"""What a notebook costs in a fresh kernel, and whether that is what its title promises."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import execute
import nbformat
from kernel_runs import NOTEBOOKS
from measure import PeakMemory, Table, newest_child, progress

MOST_MEGABYTES = 1000
PROMISE = re.compile(r"\*Read (\d+) min · run (\d+) s · exercises? (\d+) min\*")


@dataclass(frozen=True)
class Promise:
    """What the title of a notebook says: minutes to read, seconds to run, minutes to exercise."""

    read: int
    run: int
    exercises: int


def promise(title: str) -> Promise:
    """Return what a title says.

    Raises ValueError if it says nothing.

    >>> promise("# Where?\\n\\n*Read 4 min · run 5 s · exercise 3 min*")
    Promise(read=4, run=5, exercises=3)
    """
    match = PROMISE.search(title)
    if match is None:
        raise ValueError("a title must say '*Read N min · run N s · exercises N min*'")
    return Promise(*map(int, match.groups()))


def row(path: Path) -> list[str]:
    """Execute a notebook and return its row of the table."""
    said = promise(nbformat.read(path, as_version=4).cells[0].source)
    progress(path.stem)
    start = time.perf_counter()
    with PeakMemory(newest_child) as memory:
        _, problems = execute.execute(path)
    seconds = time.perf_counter() - start
    kept = seconds <= said.run and memory.megabytes <= MOST_MEGABYTES and not problems
    minutes = [str(said.read), str(said.exercises)]
    measured = [f"{seconds:.1f}", str(said.run), f"{memory.megabytes:.0f}"]
    return [path.stem, *minutes, *measured, "yes" if kept else "no"]


def tables() -> Iterator[Table]:
    """Yield the table of all notebooks."""
    yield Table(
        "Notebooks",
        ["notebook", "read [min]", "exercises [min]", "run [s]", "promised [s]", "MB", "kept"],
        [row(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))],
        "Each was executed in a fresh kernel. Minutes and promised seconds are those of its title; "
        f"MB is the largest memory of the kernel, and at most {MOST_MEGABYTES} is allowed.",
    )
