"""The settings with which nbconvert makes what a class gets: no results, solutions, or answers.

    jupyter nbconvert --config tools/handout_config.py [--output-dir build/handout] [NOTEBOOK ...]

The answers to predictions are what is folded in the text. With
--ClearOutputPreprocessor.enabled=False the results stay, to be read without running anything.
The exercises can still print their solution; set LOSSUTILS_SOLUTIONS=off in the environment of the
class, and they say that it comes later.
"""

import re
from pathlib import Path

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
FOLDED = re.compile(r"<details>.*?</details>\s*", re.DOTALL)


class WithoutAnswers(Preprocessor):
    """Takes the answers out of the text; a cell that was nothing else goes."""

    def preprocess(self, notebook: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Return the notebook without answers, and without folds above results that are gone."""
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = FOLDED.sub("", cell.source).rstrip()
            elif not cell.get("outputs"):
                cell.metadata.get("jupyter", {}).pop("outputs_hidden", None)
        notebook.cells = [cell for cell in notebook.cells if cell.source.strip()]
        return notebook, resources


c = get_config()  # noqa: F821  (nbconvert provides get_config)
c.NbConvertApp.export_format = "notebook"
c.NbConvertApp.use_output_suffix = False
c.NbConvertApp.notebooks = [str(ROOT / "notebooks" / "*.ipynb")]
c.FilesWriter.build_directory = str(ROOT / "build" / "handout")
c.FilesWriter.files = [str(ROOT / "notebooks" / "images" / "*")]
c.FilesWriter.relpath = str(ROOT / "notebooks")
c.ClearOutputPreprocessor.enabled = True
c.RegexRemovePreprocessor.enabled = True
c.RegexRemovePreprocessor.patterns = [r"#?\s*\w+\.\w+\.solution\(\)"]
c.NotebookExporter.preprocessors = [WithoutAnswers]
