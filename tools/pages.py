"""What the web site and the talks share: Markdown as HTML, figures with captions, colours of code.

Nothing on a page may need the network or a script to be read: formulas become MathML, which
browsers draw themselves, pictures are part of the page, and links lead to other pages.
"""

import base64
import io
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from bs4 import BeautifulSoup
from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from PIL import Image
from pygments.formatters import HtmlFormatter

TEMPLATES = Path(__file__).resolve().parent / "templates"
ROOT = TEMPLATES.parents[1]
NOTEBOOKS = ROOT / "notebooks"
PHONE = 40  # letters that stand side by side on a phone

_TAG = re.compile(r"<[^>]+>")
_ABSOLUTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_UPRIGHT = re.compile(r"\\mathrm\{(\w{2,})\}")
STILL = re.compile(r'<img [^>]*src="data:image/png;base64,(?P<png>[^"]*)">\n')
_BADGES = re.compile(r"<!-- badges:start -->.*?<!-- badges:end -->", re.DOTALL)


def slug(heading: str) -> str:
    """Return the anchor of a heading, the same for "Two words?" and for its anchor "Two-words?".

    JupyterLab and GitHub write anchors differently; both come out alike here.
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def page_address(link: str, extension: str) -> str | None:
    """Return where a link of a notebook or of README.md leads among the exported pages.

    `extension` is that of the exported pages. None for a file that is not exported.

    >>> page_address("05_trainable_weights.ipynb#The-collapse", ".html")
    '05_trainable_weights.html#the-collapse'
    """
    if _ABSOLUTE.match(link):
        return link
    path, hash_sign, anchor = unquote(link).partition("#")
    end = hash_sign + slug(anchor)
    file = PurePosixPath(path)
    if file.name == "README.md":
        return f"index{extension}{end}"
    if file.suffix in (".ipynb", ".md"):
        return f"{file.stem}{extension}{end}"
    return end if not path else None


class PageRenderer(IPythonRenderer):
    """Writes the HTML of Markdown for a page that stands alone."""

    def __init__(self, folder: Path, extension: str) -> None:
        super().__init__(escape=False, embed_images=True, path=str(folder))
        self.extension = extension

    def heading(self, text: str, level: int, **attributes: Any) -> str:
        """Give the heading the anchor that links may name."""
        anchor = slug(unescape(_TAG.sub("", text)))
        return f'<h{level} id="{anchor}">{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Lead to the exported page; a link to a file that is not exported becomes plain text."""
        address = page_address(url, self.extension)
        return text if address is None else super().link(text, address, title)

    def block_html(self, html: str) -> str:
        """Leave tags as they are: those that embed pictures close at once what opens here."""
        return super().block_html(html) if "<img" in html else html

    def table(self, text: str) -> str:
        """Put the table into a box that may scroll.

        Where a phone has no room for the columns, each cell gets the name of its own.
        """
        table = BeautifulSoup(f"<table>\n{text}</table>", "html.parser")
        rows = [row.find_all(["th", "td"]) for row in table.find_all("tr")]
        columns = list(zip(*rows, strict=True))
        if sum(max(len(cell.get_text()) for cell in column) for column in columns) <= PHONE:
            return f'<div class="table">{table}</div>\n'
        for head, *cells in columns:
            for cell in cells if head.get_text() else ():
                cell["data-column"] = head.get_text()
        return f'<div class="table sentences">{table}</div>\n'

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        """Write a cell; one without text is no heading of anything, also in the first row."""
        tag = "th" if head and text.strip() else "td"
        style = f' style="text-align: {align}"' if align else ""
        return f"  <{tag}{style}>{text}</{tag}>\n"

    def block_math(self, body: str) -> str:
        """Write a formula on a line of its own."""
        return _mathml(body, "block")

    def inline_math(self, body: str) -> str:
        """Write a formula within a line."""
        return _mathml(body, "inline")


def markdown_filter(folder: Path, extension: str) -> Callable[[str], str]:
    """Return a function from Markdown to HTML, for files of one folder."""

    def markdown2html(source: str) -> str:
        renderer = PageRenderer(folder, extension)
        return MarkdownWithMath(renderer=renderer).render(_BADGES.sub("", source))

    return markdown2html


class FiguresWithCaptions(Preprocessor):
    """Joins each figure of `show` with the caption in the output below it."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict, index: int
    ) -> tuple[NotebookNode, dict]:
        """Return the cell with one output for each figure."""
        joined: list[NotebookNode] = []
        for output in cell.get("outputs", []):
            caption = output.get("data", {}).get("text/markdown")
            if caption and joined and "image/png" in joined[-1].get("data", {}):
                joined[-1].metadata.caption = caption
                continue
            if "image/png" in output.get("data", {}):
                output.metadata.update(output.metadata.pop("image/png", {}))
            joined.append(output)
        if cell.cell_type == "code":
            cell.outputs = joined
        return cell, resources


class PicturesOnce(Preprocessor):
    """Drops the still picture of a widget that the figure above it shows already.

    Every widget starts where a figure has explained it; only the line that names its controls
    stays then.
    """

    def preprocess(self, notebook: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Return the notebook without repeated pictures."""
        above = None
        for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
            data = output.get("data", {})
            if "image/png" in data:
                above = picture(data["image/png"])
            still = STILL.match(data.get("text/html", ""))
            # The same picture may be compressed in many ways.
            if still and above and picture(still["png"]).tobytes() == above.tobytes():
                data["text/html"] = data["text/html"][still.end() :]
        return notebook, resources


def picture(png: str) -> Image.Image:
    """Return the picture that a PNG in base64 holds."""
    return Image.open(io.BytesIO(base64.b64decode(png)))


def code_colors(scheme: str) -> str:
    """Return the CSS that colours code, "light" or "dark", with a contrast of 7:1."""
    return HtmlFormatter(style=f"a11y-high-contrast-{scheme}").get_style_defs(".highlight")


def _mathml(latex: str, display: str) -> str:
    # A word is one operator: letter by letter it would be read aloud as a product.
    return convert(_UPRIGHT.sub(r"\\operatorname{\1}", latex.strip()), display=display)
