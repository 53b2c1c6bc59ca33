"""What we put into JupyterLab's page is accessible, as far as Lab and ipywidgets allow.

Lab itself is not looked at: only texts, outputs and widgets. Two notebooks have every kind of them.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from accessibility import violations

NAMES = ("00_start_here.ipynb", "06_mahalanobis_metric.ipynb")
OURS = (".jp-RenderedMarkdown", ".jp-OutputArea-output")
# What cannot be mended from a notebook, and what stands in for it; both are checked below.
EXCEPTIONS = {
    "image-alt": "Lab and ipywidgets have no place for the alternative text of a picture: the "
    "caption follows a figure, and a widget holds the text where only a screen reader finds it",
    "aria-input-field-name": "ipywidgets names no handle of a slider: its label precedes it",
}

# Each returns what lacks its stand-in.
FIGURES_WITHOUT_CAPTION = """() => [...document.querySelectorAll('.jp-RenderedImage')].filter(
    figure => !figure.closest('.jp-OutputArea-child').nextElementSibling
        ?.querySelector('.jp-RenderedMarkdown em')).length"""
WIDGETS_WITHOUT_TEXT = """() => [...document.querySelectorAll('img.widget-image')].filter(image =>
    ![...image.parentNode.querySelectorAll('.widget-html-content span')].some(
        text => text.textContent.length > 40)).length"""
SLIDERS_WITHOUT_LABEL = """() => [...document.querySelectorAll('.noUi-handle')].filter(handle =>
    !handle.closest('.widget-inline-hbox')?.querySelector('label')?.textContent.trim()).length"""


@pytest.mark.parametrize("name", NAMES)
def test_our_part_of_the_page_is_accessible(name: str, open_notebook: Callable, axe: Path) -> None:
    with open_notebook(name) as notebook:
        notebook.run_all()
        page = notebook.page
        assert violations(page, axe, include=OURS, exceptions=tuple(EXCEPTIONS)) == []
        assert page.locator(".jp-RenderedImage, img.widget-image").count() >= 2
        assert page.evaluate(FIGURES_WITHOUT_CAPTION) == 0
        assert page.evaluate(WIDGETS_WITHOUT_TEXT) == 0
        assert page.evaluate(SLIDERS_WITHOUT_LABEL) == 0
