"""Give each cell of a notebook its slide type, by a rule that knows how much fits on a slide.

    python tools/slide_types.py [--check] [NOTEBOOK ...]

Without names: every notebook in notebooks/. The rule:

- A title or a heading of level 2 begins a slide, a smaller heading a subslide below it.
- Any other text, and code with its results, is a fragment of the slide before it when it fits
  there. Otherwise it begins a subslide.
- The imports, and the calls that would show hints and solutions, are skipped.

Only this metadata is written. --check writes nothing and fails where a type is not the rule's.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from pages import png_size

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"

# The size of a slide, and what talk.css makes of its contents, in pixels. Estimates: the tests
# measure in a browser what really fits.
WIDTH, HEIGHT = 1600, 900
ROOM = 800  # without the margins above and below
TEXT_LINE, TEXT_COLUMNS, TEXT_GAP = 44, 86, 22
CODE_LINE, CODE_COLUMNS, CODE_FRAME = 28, 118, 44
TABLE_LINE, TABLE_COLUMNS, TABLE_GAP = 35, 130, 20
HEADING = 84
FIGURE_WIDTH, FIGURE_MOST = 1300, 640
CAPTION_LINE, CAPTION_COLUMNS, CAPTION_GAP = 38, 100, 28

FENCE = re.compile(r"^(?:```|~~~)", re.MULTILINE)
CHAPTER = re.compile(r"#{1,2} ")
ROWS = re.compile(r"^\|.*\n\|[-:| ]+\|\n", re.MULTILINE)
COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
EMBEDDED = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")


def text_parts(markdown: str) -> list[str]:
    """Return the pieces of a text, each for one slide.

    A heading of level 1 or 2 begins a piece, and so does a paragraph that would not fit any more.
    A table that is too tall goes on in the next piece, with its head repeated.
    """
    parts: list[str] = []
    whole = blocks(COMMENT.sub("", markdown))
    for block in (piece for found in whole for piece in table_parts(found)):
        longer = f"{parts[-1]}\n\n{block}" if parts else block
        if parts and not CHAPTER.match(block) and text_height(longer) <= ROOM:
            parts[-1] = longer
        else:
            parts.append(block)
    return parts or [""]


def blocks(markdown: str) -> Iterator[str]:
    """Yield the paragraphs, lists and tables, a heading together with what follows it."""
    block = ""
    for paragraph in re.split(r"\n\s*\n", markdown.strip()):
        block = f"{block}\n\n{paragraph}" if block else paragraph
        inside_code = len(FENCE.findall(block)) % 2 == 1
        only_heading = block.startswith("#") and "\n" not in block
        if not inside_code and not only_heading:
            yield block
            block = ""
    if block:
        yield block


def table_parts(block: str) -> list[str]:
    """Return the pieces, each for one slide, of a block that is a table; else the block alone."""
    head = ROWS.search(block)
    if head is None or text_height(block) <= ROOM:
        return [block]
    parts = [block[: head.end()]]
    for row in block[head.end() :].splitlines():
        if text_height(parts[-1] + row) > ROOM:
            parts.append(head[0])
        parts[-1] += row + "\n"
    return parts


def text_height(markdown: str) -> int:
    """Return how many pixels a text takes."""
    lines = [line for line in markdown.splitlines() if line.strip()]
    table = [line for line in lines if line.startswith("|")]
    headings = [line for line in lines if line.startswith("#")]
    prose = "\n".join(line for line in lines if not line.startswith(("|", "#")))
    # Lines that follow each other flow together; each item of a list begins a line of its own.
    joined = re.sub(r"\n(?!\s*(?:[-*+>]|\d+\.) )", " ", prose)
    gaps = len(re.findall(r"\n\s*\n", markdown.strip())) + 1
    height = HEADING * len(headings) + TEXT_GAP * gaps
    height += TEXT_LINE * lines_of(joined, TEXT_COLUMNS)
    return height + sum(map(row_height, table))


def row_height(row: str) -> int:
    """Return how many pixels a row of a table takes: the columns share the width."""
    cells = row.strip().strip("|").split("|")
    lines = max(-(-len(cell.strip()) * len(cells) // TABLE_COLUMNS) for cell in cells)
    return TABLE_LINE * max(1, lines) + TABLE_GAP


def result_parts(cell: NotebookNode) -> list[list[NotebookNode]]:
    """Return the results of a code cell, in groups of one slide each.

    The first group belongs on the slide of the code; it is empty when not all results fit there.
    """
    code = CODE_FRAME + CODE_LINE * len(cell.source.splitlines())
    if code + sum(map(output_height, cell.outputs)) <= ROOM:
        return [cell.outputs]
    groups: list[list[NotebookNode]] = [[]]
    room = 0
    for output in cell.outputs:
        height = output_height(output)
        # A caption stays with its figure.
        if height > room and "text/markdown" not in output.get("data", {}):
            groups.append([])
            room = ROOM
        groups[-1].append(output)
        room -= height
    return groups


def code_heights(cell: NotebookNode) -> list[int]:
    """Return the heights of the parts of a code cell: the code, and each group of results."""
    code = CODE_FRAME + CODE_LINE * len(cell.source.splitlines())
    first, *others = (sum(map(output_height, group)) for group in result_parts(cell))
    return [code + first, *others]


def output_height(output: NotebookNode) -> int:
    """Return how many pixels an output takes."""
    data = output.get("data", {})
    if "image/png" in data:
        return figure_height(data["image/png"])
    if found := EMBEDDED.search(data.get("text/html", "")):
        return figure_height(found[1]) + CAPTION_LINE + CAPTION_GAP
    if "text/markdown" in data:
        return CAPTION_LINE * lines_of(data["text/markdown"], CAPTION_COLUMNS) + CAPTION_GAP
    text = output.get("text", data.get("text/plain", ""))
    return CODE_LINE * lines_of(text, CODE_COLUMNS) + CODE_FRAME


def lines_of(text: str, columns: int) -> int:
    """Return how many lines a text takes when longer ones wrap."""
    return sum(max(1, -(-len(line) // columns)) for line in text.splitlines())


def figure_height(png: str) -> int:
    """Return how many pixels a figure takes: all are shown equally wide."""
    width, height = png_size(png)
    return min(FIGURE_MOST, round(height * FIGURE_WIDTH / width))


def is_skipped(cell: NotebookNode) -> bool:
    """Return whether code is nothing to talk about: imports, or calls that are commented out."""
    lines = cell.source.splitlines()
    if all(line.startswith("#") for line in lines):
        return True
    return lines[0].startswith("from lossutils.teaching import") and not cell.outputs


def slide_types(notebook: NotebookNode) -> list[str]:
    """Return the slide type of each cell."""
    types, room = [], 0
    for cell in notebook.cells:
        kind, room = place(cell, room)
        types.append(kind)
    return types


def place(cell: NotebookNode, room: int) -> tuple[str, int]:
    """Return the slide type of a cell, given the room below the cell before it, and the room left.

    Only the first of several parts may follow on the same slide; each other has its own.
    """
    if cell.cell_type == "code" and is_skipped(cell):
        return "skip", room
    if cell.cell_type == "code":
        first, *others = code_heights(cell)
    else:
        first, *others = map(text_height, text_parts(cell.source))
    if cell.source.startswith("#") and cell.cell_type != "code":
        kind = "slide" if CHAPTER.match(cell.source) else "subslide"
    else:
        kind = "fragment" if first <= room else "subslide"
    above = room if kind == "fragment" else ROOM
    return kind, ROOM - others[-1] if others else above - first


def stored_types(notebook: NotebookNode) -> list[str | None]:
    """Return the slide types that a notebook holds."""
    return [cell.metadata.get("slideshow", {}).get("slide_type") for cell in notebook.cells]


def update(path: Path, check: bool) -> bool:
    """Store the types of one notebook unless that is not wanted; return whether all is well."""
    notebook = nbformat.read(path, as_version=4)
    types = slide_types(notebook)
    if stored_types(notebook) == types:
        return True
    print(f"{path.name}: " + ("differs" if check else "written"))
    if not check:
        for cell, kind in zip(notebook.cells, types, strict=True):
            cell.metadata["slideshow"] = {"slide_type": kind}
        text = nbformat.writes(notebook, version=4) + "\n"
        path.write_text(text, encoding="utf-8", newline="\n")
    return not check


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when all is well, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    options = parser.parse_args(arguments)
    paths = options.notebooks or sorted(NOTEBOOKS.glob("*.ipynb"))
    return int(not all([update(path, options.check) for path in paths]))


if __name__ == "__main__":
    sys.exit(main())
