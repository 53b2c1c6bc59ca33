"""The check of accessibility in JupyterLab notices what is wrong with a page."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from lab import Lab
from lab_accessibility import check_accessibility

pytestmark = pytest.mark.slow
SETUP = """
import base64
import ipywidgets as W
from IPython.display import HTML, Markdown, display

png = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")
"""
FIGURE = """
display({"image/png": base64.b64encode(png).decode()}, raw=True)
display(Markdown("*A caption.*"))
"""
WIDGET = """
slider, text = W.IntSlider(description="height"), "a text that tells what there is to see here"
W.VBox([slider, W.Image(value=png), W.HTML(f"<span>{text}</span>")])
"""
WORDS = 'HTML("<p>words</p>")'
ERROR = """
from lossutils.teaching.widgets import error_line
HTML(error_line(ValueError("delta must be positive")))
"""
FAULTS = {
    "pale": (WORDS.replace("<p>", "<p style='color: #ddd'>"), "JupyterLab Light: color-contrast"),
    "dark": (WORDS.replace("<p>", "<p style='color: #222'>"), "JupyterLab Dark: color-contrast"),
    "no header": ('HTML("<table><tr><th></th></tr></table>")', "empty-table-header"),
    "no caption": (FIGURE.replace("*A caption.*", "A text."), "figures without a caption"),
    "no text": (WIDGET.replace("{text}", ""), "widgets without a text"),
    "no label": (WIDGET.replace('description="height"', ""), "sliders without a label"),
}


def check(source: str, lab: Lab, open_notebook: Callable, axe: Path) -> None:
    """Run a notebook with this code cell and check it."""
    v4 = nbformat.v4
    cells = [v4.new_code_cell(code.strip()) for code in (SETUP, source)]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    cells = [v4.new_markdown_cell("Some text."), *cells]
    notebook = v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, lab.root / "one_cell.ipynb")
    with open_notebook("one_cell.ipynb") as page:
        page.run_all(60)
        check_accessibility(page, axe)


@pytest.mark.parametrize("source", [FIGURE, WIDGET, WORDS, ERROR])
def test_a_sound_page_passes(source: str, lab: Lab, open_notebook: Callable, axe: Path) -> None:
    check(source, lab, open_notebook, axe)


@pytest.mark.parametrize(("source", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_noticed(
    source: str, message: str, lab: Lab, open_notebook: Callable, axe: Path
) -> None:
    with pytest.raises(AssertionError, match=message):
        check(source, lab, open_notebook, axe)
