"""How nbconvert makes a talk of a notebook: what fits on a slide, and the settings."""

from copy import deepcopy
from pathlib import Path

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from pages import LIGHT_CODE, TEMPLATES, markdown_filter
from pygments.formatters import HtmlFormatter
from slide_types import CHAPTER, result_parts, text_parts
from traitlets.config import Config
from web_packages import web_packages

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
EXTENSION = ".slides.html"


class OneSlideEach(Preprocessor):
    """Divides what is too tall for one slide: long texts, and code with large results.

    Also tells the template the title and the colours of the code.
    """

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Return the notebook with more, but shorter cells."""
        nb = deepcopy(nb)
        nb.cells = [part for cell in nb.cells for part in numbered(divided(cell))]
        resources["talk_title"] = nb.cells[0].source.partition("\n")[0].lstrip("# ")
        resources["code_colors"] = HtmlFormatter(style=LIGHT_CODE).get_style_defs(".highlight")
        return nb, resources


def divided(cell: NotebookNode) -> list[NotebookNode]:
    """Return the cells, one for each slide, that a cell becomes; the first keeps the slide type."""
    if cell.cell_type == "markdown":
        texts = text_parts(cell.source)
        parts = [deepcopy(cell) for _ in texts]
        for part, text in zip(parts, texts, strict=True):
            part.source = text
        for part in parts[1:]:
            set_slide_type(part, "slide" if CHAPTER.match(part.source) else "subslide")
        return parts
    groups = result_parts(cell)
    parts = [deepcopy(cell) for _ in groups]
    for part, group in zip(parts, groups, strict=True):
        part.outputs = group
    for part in parts[1:]:
        part.metadata.transient = NotebookNode(remove_source=True)
        set_slide_type(part, "subslide")
    return parts


def numbered(parts: list[NotebookNode]) -> list[NotebookNode]:
    """Give the parts of one cell different ids."""
    for number, part in enumerate(parts[1:], start=2):
        part.id = f"{part.id}-{number}"
    return parts


def set_slide_type(cell: NotebookNode, kind: str) -> None:
    """Write the slide type of a cell where Jupyter keeps it."""
    cell.metadata.slideshow = NotebookNode(slide_type=kind)


def talk_settings() -> Config:
    """Return the settings that make nbconvert write talks which need no network."""
    settings = Config()
    settings.NbConvertApp.export_format = "slides"
    exporter = settings.SlidesExporter
    exporter.template_name = "talk"
    exporter.extra_template_basedirs = [str(TEMPLATES)]
    exporter.extra_template_paths = [str(TEMPLATES), str(web_packages() / "reveal.js" / "dist")]
    exporter.filters = {"markdown2html": markdown_filter(NOTEBOOKS, EXTENSION)}
    return settings
