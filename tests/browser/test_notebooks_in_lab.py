"""Every notebook in JupyterLab: all cells run, everybody can read it, every control works.

LOSSUTILS_SCREENSHOTS=FOLDER stores a picture of each widget before and after each move.
"""

from collections.abc import Callable
from pathlib import Path

import live_widgets
import nbformat
import pytest
from lab import Lab, NotebookPage
from lab_accessibility import check_accessibility
from offline import RECORDED
from widget_checks import Watcher, check_widgets

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
FIGURES = """() => [...document.querySelectorAll('.jp-RenderedImage img')]
    .filter(image => image.naturalWidth > 0).length"""
NAMES = sorted(path.name for path in NOTEBOOKS.glob("[0-9]*.ipynb"))
ALWAYS = NAMES[0], "03_parameters_that_do_not_train.ipynb"  # the others are slow tests
PAGES = [pytest.param(n, marks=[] if n in ALWAYS else pytest.mark.slow) for n in NAMES]


def least_widgets(name: str) -> int:
    """Return how many widgets a notebook must have: one in 00, two in every other."""
    return 1 if name.startswith("00_") else 2


def record_widgets(notebook: NotebookPage, file: Path) -> None:
    """Keep the pictures of the widgets for the tests of the site and the talks, which come later.

    Otherwise they would run each notebook once more.
    """
    path = NOTEBOOKS / notebook.name
    notebook.execute(live_widgets.last(file, RECORDED))
    live_widgets.keep(live_widgets.kept_file(path, RECORDED), file.read_text(encoding="utf-8"))


def stored_figures(name: str) -> int:
    """Return how many figures the stored notebook shows."""
    cells = nbformat.read(NOTEBOOKS / name, as_version=4).cells
    return sum("image/png" in o.get("data", {}) for c in cells for o in c.get("outputs", []))


@pytest.mark.parametrize("name", PAGES)
def test_all_cells_run_and_every_widget_works(
    name: str, open_notebook: Callable, watcher: Watcher, axe: Path, tmp_path: Path
) -> None:
    with open_notebook(name) as notebook:
        notebook.execute(live_widgets.FIRST)
        notebook.run_all()
        assert notebook.page.evaluate(FIGURES) == stored_figures(name)
        record_widgets(notebook, tmp_path / "records.json")
        check_accessibility(notebook, axe)
        widgets = check_widgets(notebook, watcher)
        assert widgets >= least_widgets(name), f"{name} has {widgets} widgets"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES[:1])
def test_the_kernel_ends_with_the_page(name: str, open_notebook: Callable, lab: Lab) -> None:
    with open_notebook(name):
        assert len(lab.get("/api/kernels")) == 1
    assert lab.get("/api/kernels") == []
