"""How long a widget takes in the kernel to redraw its picture when a control moves.

Each notebook is executed in a fresh kernel with one cell more at its end. That cell finds the
widgets, moves their controls as a browser would, and prints how long each move took.
"""

import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import execute
import nbformat
from kernel_runs import NOTEBOOKS
from measure import Table, progress
from nbformat.v4 import new_code_cell

MOST_MILLISECONDS = 50
STAGES = ("training", "making", "drawing", "encoding")
CELL = "import redraw_probe; redraw_probe.report()"


def measure_redraws(path: Path) -> list[dict]:
    """Return what the probe reports of each widget of a notebook: its name and the seconds."""
    progress(f"the widgets of {path.stem}")
    notebook = nbformat.read(path, as_version=4)
    here = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
    notebook.cells.append(new_code_cell(here + CELL))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        nbformat.write(notebook, copy)
        notebook, problems = execute.execute(copy)
    if problems:
        raise RuntimeError(f"{path.name}: {problems}")
    return json.loads(notebook.cells[-1].outputs[0].text)


def row(notebook: Path, widget: dict) -> list[str]:
    """Return the row of one widget."""
    milliseconds = {
        stage: sorted(1000 * redraw[stage] for redraw in widget["redraws"])
        for stage in widget["redraws"][0]
    }
    middle = {stage: statistics.median(times) for stage, times in milliseconds.items()}
    whole = milliseconds["all"]
    kept = "yes" if middle["all"] <= MOST_MILLISECONDS else "no"
    parts = [f"{middle[stage]:.0f}" for stage in (*STAGES, "all")]
    return [notebook.stem[:2], widget["name"], *parts, f"{whole[0]:.0f}", f"{whole[-1]:.0f}", kept]


def tables() -> Iterator[Table]:
    """Yield the table of all widgets."""
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    yield Table(
        "Redraws",
        ["notebook", "widget", *STAGES, "all", "quickest", "slowest", "kept"],
        [row(path, widget) for path in paths for widget in measure_redraws(path)],
        "From the move of a control to the new picture, in the kernel, in milliseconds. Training, "
        "making the figure, drawing it as SVG, encoding it for the browser, and all of it together "
        f"are medians; that of all is to be at most {MOST_MILLISECONDS} ms.",
    )
