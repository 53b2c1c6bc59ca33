"""What can be read below the cells of a notebook, and what of it differs between two runs.

Compared to the letter: what was printed, text, HTML, errors. Of a picture only that it is there:
its bytes differ from machine to machine.
"""

import difflib
import re
from collections.abc import Sequence

from nbformat import NotebookNode

PICTURE = re.compile(r"data:image/\w+;base64,[A-Za-z0-9+/=\s]+")
MOST_LINES, MOST_CHARACTERS = 6, 160  # of one difference


def texts(cell: NotebookNode) -> list[str]:
    """Return what can be read below a code cell, one text for each kind of each output."""
    found = []
    for output in cell.outputs:
        if output.output_type == "stream":
            found.append(f"{output.name}:\n{output.text}")
        elif output.output_type == "error":
            found.append(f"error:\n{output.ename}: {output.evalue}")
        else:
            found += [f"{kind}:\n{text}" for kind, text in shown(output)]
    return found


def shown(output: NotebookNode) -> list[tuple[str, str]]:
    """Return kind and text of what an output shows, without the data of pictures."""
    return [
        (kind, "PICTURE" if kind.startswith("image/") else PICTURE.sub("PICTURE", str(text)))
        for kind, text in sorted(output.data.items())
    ]


def differences(stored: NotebookNode, fresh: NotebookNode) -> list[str]:
    """Return one text for each cell whose outputs differ: its number, from 1, and a short diff."""
    found = []
    for number, (old, new) in enumerate(zip(stored.cells, fresh.cells, strict=True), 1):
        if old.cell_type == "code" and texts(old) != texts(new):
            found.append(f"cell {number}: {short_diff(texts(old), texts(new))}")
    return found


def short_diff(old: Sequence[str], new: Sequence[str]) -> str:
    """Return the lines that differ, those of `old` with a minus, indented below one another."""
    before, after = ("\n".join(part).splitlines() for part in (old, new))
    lines = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
    changed = [line[:MOST_CHARACTERS] for line in lines if not line.startswith("@@")]
    if len(changed) > MOST_LINES:
        changed[MOST_LINES:] = [f"... and {len(changed) - MOST_LINES} lines more"]
    return "".join(f"\n        {line}" for line in changed)
