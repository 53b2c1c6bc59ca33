"""The settings with which nbconvert makes the exercises of each notebook for paper: one HTML page.

    jupyter nbconvert --config tools/exercises_config.py [--output-dir DIR] [NOTEBOOK ...]

They go to build/exercises. Print them from a browser: there is room to write below each exercise.
"""

import re
import sys
from pathlib import Path

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

TOOLS = Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS))

from pages import NOTEBOOKS, TEMPLATES, markdown_filter  # noqa: E402
from reading_time import lesson  # noqa: E402

# What only a computer can do.
ASKS = r"\w+\.\w+\.(check|hint|solution)\("
CALLS = re.compile(rf"^(#|from lossutils\.teaching|{ASKS}).*\n*", re.MULTILINE)


class OnlyExercises(Preprocessor):
    """Leaves the title, and of each exercise the task and what is to be filled in."""

    def preprocess(self, notebook: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Return the notebook without everything else."""
        title = notebook.cells[0]
        title.source = title.source.partition("\n")[0]
        left_out = {cell.id for cell in lesson(notebook)}
        cells = [cell for cell in notebook.cells if cell.id not in left_out]
        for cell in cells:
            if cell.cell_type == "code":
                cell.source, cell.outputs = CALLS.sub("", cell.source).strip(), []
            else:
                cell.source = cell.source[max(cell.source.find("### Exercise "), 0) :]
        notebook.cells = [title, *(cell for cell in cells if cell.source)]
        return notebook, resources


c = get_config()  # noqa: F821  (nbconvert provides get_config)
c.NbConvertApp.export_format = "html"
c.NbConvertApp.notebooks = [str(NOTEBOOKS / "[0-9]*.ipynb")]
c.FilesWriter.build_directory = str(TOOLS.parent / "build" / "exercises")
c.HTMLExporter.template_name = "exercises"
c.HTMLExporter.extra_template_basedirs = [str(TEMPLATES)]
c.HTMLExporter.extra_template_paths = [str(TEMPLATES)]
c.HTMLExporter.filters = {"markdown2html": markdown_filter(NOTEBOOKS, ".html")}
c.HTMLExporter.preprocessors = [OnlyExercises]
