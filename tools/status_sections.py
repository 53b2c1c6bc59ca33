"""The sections of STATUS.md that a tool writes by itself, each between two marks."""

import re
from collections.abc import Iterable
from pathlib import Path

STATUS = Path(__file__).resolve().parents[1] / "STATUS.md"
NAMES = ("claims", "colab", "kaggle")


def _between(name: str) -> re.Pattern:
    return re.compile(rf"<!-- {name}:start -->\n.*?<!-- {name}:end -->\n", re.DOTALL)


def read_section(name: str) -> str:
    """Return a section with its marks; raise ValueError where the page has none."""
    found = _between(name).search(STATUS.read_text(encoding="utf-8"))
    if not found:
        raise ValueError(f"STATUS.md has no <!-- {name}:start --> with its end")
    return found[0]


def write_section(name: str, text: str) -> None:
    """Put `text` in the place of a section; raise ValueError where the page has none."""
    page = STATUS.read_text(encoding="utf-8")
    section = f"<!-- {name}:start -->\n{text}<!-- {name}:end -->\n"
    STATUS.write_text(page.replace(read_section(name), section), encoding="utf-8", newline="\n")


def table(titles: Iterable[str], rows: Iterable[Iterable]) -> str:
    r"""Return a table in Markdown.

    >>> print(table(["loss", "form"], [["Huber", "|x|"]]), end="")
    | loss | form |
    |------|------|
    | Huber | \|x\| |
    """
    texts = [[str(value).replace("|", r"\|") for value in row] for row in rows]
    head, *lines = ("| " + " | ".join(line) + " |\n" for line in [list(titles), *texts])
    return head + re.sub(r"[^|\n]", "-", head) + "".join(lines)
