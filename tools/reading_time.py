"""How long does it take to read a notebook? Count, print, and say it in its title.

    python tools/reading_time.py [NOTEBOOK ...]

200 words and 15 lines of code a minute. The exercises have minutes of their own and do not count,
nor does code that is folded. `execute.py --tidy` writes them into the title, rounded up to 5.
"""

import math
import re
from collections.abc import Iterator

import nbformat
from kernel_runs import parser_for
from nbformat import NotebookNode

WORDS_PER_MINUTE, LINES_PER_MINUTE, STEP = 200, 15, 5
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PROMISE = re.compile(r"(?<=^\*Read )\d+(?= min)", re.MULTILINE)


def is_folded(cell: NotebookNode) -> bool:
    """Return whether the code of a cell is folded: it draws, and teaches nothing."""
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden"))


def lesson(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """Yield the cells that do not belong to an exercise: all but those below such a heading."""
    inside = False
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (headings := HEADING.findall(cell.source)):
            inside = headings[-1].startswith("Exercise ")
        if not inside:
            yield cell


def words(notebook: NotebookNode) -> int:
    """Return how many words there are to read, in the text and in the captions."""
    cells = list(lesson(notebook))
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    outputs = (output for cell in cells for output in cell.get("outputs", []))
    texts += [output.get("data", {}).get("text/markdown", "") for output in outputs]
    return sum(len(text.split()) for text in texts)


def lines(notebook: NotebookNode) -> int:
    """Return how many lines of code there are to read."""
    shown = (c.source for c in lesson(notebook) if c.cell_type == "code" and not is_folded(c))
    return sum(bool(line.strip()) for source in shown for line in source.splitlines())


def minutes(notebook: NotebookNode) -> int:
    """Return the minutes that the title is to promise."""
    exact = words(notebook) / WORDS_PER_MINUTE + lines(notebook) / LINES_PER_MINUTE
    return STEP * math.ceil(exact / STEP)


def promise(notebook: NotebookNode) -> None:
    """Write the minutes into the title, in place."""
    title = notebook.cells[0]
    title.source = PROMISE.sub(str(minutes(notebook)), title.source, count=1)


if __name__ == "__main__":
    for path in parser_for(__doc__).parse_args().notebooks:
        node = nbformat.read(path, as_version=4)
        counts = words(node), lines(node), minutes(node)
        print("{:40} {:5} words {:4} lines {:3} min".format(path.stem, *counts))
