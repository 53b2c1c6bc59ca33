"""The settings with which nbconvert makes what a class gets: no results, no cells with solutions.

    jupyter nbconvert --config tools/handout_config.py [--output-dir build/handout] [NOTEBOOK ...]

With --ClearOutputPreprocessor.enabled=False the results stay, to be read without running anything.
The exercises can still print their solution; set LOSSUTILS_SOLUTIONS=off in the environment of the
class, and they say that it comes later.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

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
