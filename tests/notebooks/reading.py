"""Read notebooks as files: cells, headings, prose, outputs. Nothing is executed here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"

FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$", re.MULTILINE)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]*`")
MATHS = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)
BULLET = re.compile(r"^(?:[-*+]|\d+\.)\s+", re.MULTILINE)


@dataclass(frozen=True)
class Heading:
    """A heading: its level (1 to 6), its words, and the number of its cell, counted from 1."""

    level: int
    text: str
    cell: int


@dataclass
class Notebook:
    """A notebook and what a rule may want to know of its file."""

    name: str
    node: NotebookNode
    size: int = 0
    cells: list[NotebookNode] = field(init=False)

    def __post_init__(self) -> None:
        self.cells = self.node.cells

    def code(self) -> Iterator[tuple[int, NotebookNode]]:
        """Yield (number, cell) of the code cells; numbers count cells of every type from 1."""
        return ((i, c) for i, c in enumerate(self.cells, 1) if c.cell_type == "code")

    def markdown(self) -> Iterator[tuple[int, NotebookNode]]:
        """Yield (number, cell) of the Markdown cells."""
        return ((i, c) for i, c in enumerate(self.cells, 1) if c.cell_type == "markdown")

    def outputs(self) -> Iterator[tuple[int, NotebookNode]]:
        """Yield (number of the cell, output) of all outputs."""
        return ((i, output) for i, cell in self.code() for output in cell.outputs)

    def headings(self) -> list[Heading]:
        """Return all headings in order."""
        return [
            Heading(len(match[1]), match[2], number)
            for number, cell in self.markdown()
            for match in HEADING.finditer(without_code(cell.source))
        ]

    def section(self, title: str) -> str:
        """Return the Markdown below the heading that starts with `title`, down to the next one."""
        text = "\n\n".join(without_code(cell.source) for _, cell in self.markdown())
        match = re.search(rf"^#+\s+{title}.*$", text, re.MULTILINE | re.IGNORECASE)
        if match is None:
            return ""
        rest = text[match.end() :]
        following = HEADING.search(rest)
        return rest[: following.start()] if following else rest


def notebook_paths() -> list[Path]:
    """Return the paths of the notebooks of the collection, in order."""
    return sorted(FOLDER.glob("*.ipynb"))


def read(path: Path) -> Notebook:
    """Return the notebook in a file."""
    return Notebook(path.name, nbformat.read(path, as_version=4), path.stat().st_size)


def without_code(markdown: str) -> str:
    """Return Markdown without fenced code, in which a # is no heading."""
    return FENCE.sub("", markdown)


def prose(markdown: str) -> str:
    """Return the sentences of Markdown: no code, no formulas, no comments."""
    for pattern in (COMMENT, FENCE, MATHS, INLINE_CODE):
        markdown = pattern.sub(" ", markdown)
    return markdown


def bullets(markdown: str) -> int:
    """Return the number of top-level list items."""
    return len(BULLET.findall(markdown))


def tags(cell: NotebookNode) -> list[str]:
    """Return the tags of a cell."""
    return list(cell.metadata.get("tags", []))


def text_outputs(cell: NotebookNode) -> str:
    """Return what a reader can read below a code cell: streams, plain text, HTML, Markdown."""
    return "\n".join(output_text(output) for output in cell.outputs)


def output_text(output: NotebookNode) -> str:
    """Return the text of one output, without embedded pictures."""
    if output.output_type == "stream":
        return output.text
    data = output.get("data", {})
    kinds = ("text/plain", "text/html", "text/markdown", "text/latex")
    text = "\n".join(str(data[kind]) for kind in kinds if kind in data)
    return re.sub(r"data:image/\w+;base64,[A-Za-z0-9+/=\s]+", "", text)


def parse(source: str) -> ast.Module:
    """Return the syntax tree of a cell; lines for IPython (`%`, `!`, `?`) are left out."""
    lines = ["" if re.match(r"\s*[%!?]", line) else line for line in source.splitlines()]
    return ast.parse("\n".join(lines))


def called_names(cell: NotebookNode) -> set[str]:
    """Return the last names of everything that the cell calls: `a.show(x)` gives `show`."""
    functions = [n.func for n in ast.walk(parse(cell.source)) if isinstance(n, ast.Call)]
    return {getattr(f, "attr", getattr(f, "id", "")) for f in functions}
