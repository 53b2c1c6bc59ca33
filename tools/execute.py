"""Execute notebooks in fresh kernels and store them so that a second run changes no byte.

    python tools/execute.py [--check] [--to FOLDER] [--max-seconds S] [--max-megabytes M]
                            [NOTEBOOK ...]
    python tools/execute.py --twice [NOTEBOOK ...]

Without names: every notebook in notebooks/. A notebook that raises, or that writes to stderr (an
unexpected warning does), is reported and left as it was. --check writes nothing and fails where
the stored notebook differs. Pictures differ in their bytes from machine to machine: --check is
for the machine that executed them, the tests compare everything else. --to writes the results into
a folder and leaves the notebooks as they are.

--twice stores nothing. It executes each code cell twice in a row, as a reader does who tries
something out, and fails where the text below it is not, both times, what is stored.
"""

import argparse
import copy
import os
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from text_outputs import differences

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KEPT_CELL_METADATA = ("tags", "slideshow", "jupyter")
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}


@dataclass
class Run:
    """One execution of a notebook: its result, its cost and what is wrong with it."""

    notebook: NotebookNode
    seconds: float = 0.0
    megabytes: float = 0.0
    problems: list[str] = field(default_factory=list)


class PeakMemory:
    """The largest memory of a process and its children, looked at 20 times a second.

    Of a child counts what it has for itself: TensorFlow's library is in memory once for all.
    """

    def __init__(self) -> None:
        self.megabytes = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, pid: int) -> None:
        """Start to look at a process."""
        self._thread = threading.Thread(target=self._look, args=(pid,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _look(self, pid: int) -> None:
        while not self._stop.wait(0.05):
            try:
                kernel = psutil.Process(pid)
                children = kernel.children(recursive=True)
                used = kernel.memory_info().rss
                used += sum(child.memory_full_info().uss for child in children)
            except psutil.Error:  # a child ended meanwhile, or the kernel did
                continue
            self.megabytes = max(self.megabytes, used / 1e6)


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Remove, in place, what differs between runs or belongs to a viewer; return the notebook."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for position, cell in enumerate(notebook.cells):
        normalise_cell(cell, position)
    return notebook


def normalise_cell(cell: NotebookNode, position: int) -> None:
    """Keep the cell's id, tags and slide type; an id that is missing is made from the position."""
    cell.setdefault("id", f"cell-{position:02d}")
    kept = {key: cell.metadata[key] for key in KEPT_CELL_METADATA if cell.metadata.get(key)}
    cell.metadata = nbformat.from_dict(kept)
    cell.source = cell.source.rstrip("\n")
    for output in cell.get("outputs", []):
        normalise_output(output)


def normalise_output(output: NotebookNode) -> None:
    """Drop the view of a widget (a random id; its text and picture stay) and empty metadata."""
    if "data" in output:
        output.data.pop(WIDGET_VIEW, None)
        kept = {key: value for key, value in output.metadata.items() if value}
        output.metadata = nbformat.from_dict(kept)


def stored_text(notebook: NotebookNode) -> str:
    """Return the notebook as it stands in its file."""
    return nbformat.writes(notebook, version=4) + "\n"


def complaints(notebook: NotebookNode) -> list[str]:
    """Return one line for each output that is an error or went to stderr."""
    found = []
    for position, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                found.append(f"cell {position} raised {output.ename}: {output.evalue}")
            elif output.output_type == "stream" and output.name == "stderr":
                found.append(f"cell {position} wrote to stderr: {output.text.strip()}")
    return found


def client_for(notebook: NotebookNode, folder: Path, **settings: Any) -> NotebookClient:
    """Return what executes a notebook in a fresh kernel, in a folder."""
    settings = {"timeout": 300, "record_timing": False, "store_widget_state": False} | settings
    resources = {"metadata": {"path": str(folder)}}
    return NotebookClient(
        notebook, kernel_name="python3", coalesce_streams=True, resources=resources, **settings
    )


def execute(path: Path) -> Run:
    """Execute one notebook in a fresh kernel, in its own folder, and normalise the result."""
    run = Run(nbformat.read(path, as_version=4))
    memory = PeakMemory()
    client = client_for(
        run.notebook,
        path.parent,
        on_notebook_start=lambda notebook: memory.watch(client.km.provisioner.pid),
    )
    start = time.perf_counter()
    try:
        client.execute()
    except CellExecutionError:
        pass  # the error is among the outputs, where `complaints` finds it
    except (CellTimeoutError, DeadKernelError) as failure:
        run.problems.append(f"{type(failure).__name__}: {str(failure).splitlines()[0]}")
    finally:
        memory.stop()
    run.seconds, run.megabytes = time.perf_counter() - start, memory.megabytes
    run.problems += complaints(run.notebook)
    normalise(run.notebook)
    return run


def changes_when_repeated(path: Path) -> list[str]:
    """Execute each code cell twice in a row; return what differs from the stored text."""
    stored = nbformat.read(path, as_version=4)
    repeated = copy.deepcopy(stored)
    repeated.cells = [copy.deepcopy(cell) for cell in stored.cells for _ in range(2)]
    # Where a cell raises, those below it are still asked.
    client_for(repeated, path.parent, allow_errors=True).execute()
    normalise(repeated)
    changes = []
    for time_of_run, cells in (("first", repeated.cells[::2]), ("second", repeated.cells[1::2])):
        found = differences(stored, nbformat.from_dict({**stored, "cells": cells}))
        changes += [f"{time_of_run} time, {difference}" for difference in found]
    return changes


def process_twice(path: Path) -> bool:
    """Execute the cells of one notebook twice in a row and report; return whether all is well."""
    changes = changes_when_repeated(path)
    print(f"{path.name:40} {'differs' if changes else 'the same when run twice'}", flush=True)
    for change in changes:
        print(f"    {change}", file=sys.stderr)
    return not changes


def over_limits(run: Run, max_seconds: float | None, max_megabytes: float | None) -> list[str]:
    """Return one line for each limit that a run exceeded."""
    found = []
    if max_seconds is not None and run.seconds > max_seconds:
        found.append(f"took {run.seconds:.1f} s, more than {max_seconds:g} s")
    if max_megabytes is not None and run.megabytes > max_megabytes:
        found.append(f"used {run.megabytes:.0f} MB, more than {max_megabytes:g} MB")
    return found


def update(path: Path, run: Run, check: bool, folder: Path | None = None) -> str:
    """Write the notebook unless that is not wanted; return what was done, in one word."""
    new, old = stored_text(run.notebook), path.read_text(encoding="utf-8")
    if run.problems:
        return "failed"
    if new == old and folder is None:
        return "unchanged"
    if check:
        return "differs"
    target = folder / path.name if folder else path
    target.write_text(new, encoding="utf-8", newline="\n")
    return "written"


def process(path: Path, options: argparse.Namespace) -> bool:
    """Execute, store and report one notebook; return whether all is well."""
    run = execute(path)
    done = update(path, run, options.check, options.to)
    print(f"{path.name:40} {run.seconds:7.1f} s {run.megabytes:7.0f} MB  {done}", flush=True)
    problems = run.problems + over_limits(run, options.max_seconds, options.max_megabytes)
    for problem in problems:
        print(f"    {problem}", file=sys.stderr)
    return not problems and done != "differs"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when all is well, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    parser.add_argument("--twice", action="store_true", help="each cell twice, store nothing")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="write the results there")
    parser.add_argument("--max-seconds", type=float, help="fail when a notebook takes longer")
    parser.add_argument("--max-megabytes", type=float, help="fail when a kernel uses more memory")
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    options = parser.parse_args(arguments)
    # A backend chosen for scripts would hide the figures.
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    if options.to:
        options.to.mkdir(parents=True, exist_ok=True)
    paths = options.notebooks or sorted(NOTEBOOKS.glob("*.ipynb"))
    if options.twice:
        return int(not all([process_twice(path.resolve()) for path in paths]))
    return int(not all([process(path.resolve(), options) for path in paths]))


if __name__ == "__main__":
    sys.exit(main())
