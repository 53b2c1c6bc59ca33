"""What we put into JupyterLab's page is accessible, as far as Lab and ipywidgets allow.

Lab itself is not looked at: only texts, outputs and widgets, in its light and its dark theme.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from accessibility import pale_texts, violations
from lab import NotebookPage, until

OURS = (".jp-RenderedMarkdown", ".jp-OutputArea-output")
THEMES = {"JupyterLab Light": "true", "JupyterLab Dark": "false"}
# What cannot be mended from a notebook, and what stands in for it.
EXCEPTIONS = {
    "image-alt": "Lab and ipywidgets have no place for the alternative text of a picture: the "
    "caption follows a figure, and a widget holds the text where only a screen reader finds it",
    "aria-input-field-name": "ipywidgets names no handle of a slider: its label precedes it",
    "link-in-text-block": "Lab underlines a link only below the mouse; its colour differs",
}

# Lab's page has no height of its own and hides what flows out of it: axe-core would take every text
# for hidden and compare no colours. Code is shown by Lab, not by us, and is most of the page.
STYLE = """body, .jp-LabShell { overflow: visible !important }
.jp-CodeCell .jp-InputArea { display: none !important }"""
SCROLLED = "() => document.querySelector('.jp-WindowedPanel-outer').scrollHeight"
CONTENT = "() => document.querySelector('.jp-WindowedPanel-viewport').offsetHeight"
SEEN = "() => document.querySelector('.jp-WindowedPanel-outer').clientHeight"
TO_TOP = "() => { document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0; }"
FRAME = 300  # pixels that Lab takes above and below a notebook, at most

CHANGE_THEME = "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})"
# The attribute changes before the styles are there; Lab's page is white or nearly black. Until all
# is done a splash covers it.
THEME = """() => {
    const white = getComputedStyle(document.documentElement)
        .getPropertyValue('--jp-layout-color0').trim();
    const light = document.body.dataset.jpThemeLight;
    const done = (light === 'true') === ['white', '#fff', '#ffffff'].includes(white);
    return done && !document.getElementById('jupyterlab-splash') ? light : null;
}"""

# Each returns how many lack their stand-in.
STAND_INS = {
    "figures without a caption": """() => [...document.querySelectorAll('.jp-RenderedImage')]
        .filter(figure => !figure.closest('.jp-OutputArea-child').nextElementSibling
            ?.querySelector('.jp-RenderedMarkdown em')).length""",
    "widgets without a text": """() => [...document.querySelectorAll('img.widget-image')]
        .filter(image => ![...image.parentNode.querySelectorAll('.widget-html-content span')]
            .some(text => text.textContent.length > 40)).length""",
    "sliders without a label": """() => [...document.querySelectorAll('.noUi-handle')]
        .filter(handle => !handle.closest('.widget-inline-hbox')
            ?.querySelector('label')?.textContent.trim()).length""",
}


def check_accessibility(notebook: NotebookPage, axe: Path) -> None:
    """AssertionError for whatever in a notebook that was run breaks a rule of axe-core's."""
    page = notebook.page
    for lacking, script in STAND_INS.items():
        assert page.evaluate(script) == 0, f"{notebook.name}: {lacking}"
    with whole_notebook_in_sight(page):
        for theme, light in reversed(THEMES.items()):  # the light one last: it stays
            page.evaluate(CHANGE_THEME, theme)
            until(lambda light=light: page.evaluate(THEME) == light, 30, f"{theme} is there")
            where = f"{notebook.name}, {theme}: "
            pale = pale_texts(page, axe, include=OURS)
            assert pale == [], where + "\n".join(pale)
            assert page.evaluate(SEEN) >= page.evaluate(CONTENT), where + "it has grown"
        found = violations(page, axe, include=OURS, exceptions=tuple(EXCEPTIONS))
        assert found == [], f"{notebook.name}: " + "\n".join(found)


@contextmanager
def whole_notebook_in_sight(page: object) -> Iterator[None]:
    """Make the window as high as the notebook, so that nothing lies outside of it."""
    style = page.add_style_tag(content=STYLE)
    before, height = page.viewport_size, page.evaluate(SCROLLED)
    page.set_viewport_size({"width": before["width"], "height": height + FRAME})
    until(lambda: page.evaluate(SEEN) >= height, 30, "the whole notebook is in sight")
    page.evaluate(TO_TOP)
    try:
        yield
    finally:
        style.evaluate("style => style.remove()")
        page.set_viewport_size(before)
    until(lambda: page.evaluate(SEEN) <= before["height"], 30, "the window is as before")
