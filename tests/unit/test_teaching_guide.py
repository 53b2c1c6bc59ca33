"""The guide for instructors keeps step with the notebooks, and its schedules add up."""

import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
GUIDE = (NOTEBOOKS / "TEACHING.md").read_text(encoding="utf-8")
NUMBERS = sorted(path.name[:2] for path in NOTEBOOKS.glob("[0-9]*.ipynb"))


def section(text: str, heading: str) -> str:
    """Return the text under a heading, up to the next one of its rank or above."""
    rank = len(heading) - len(heading.lstrip("#"))
    rest = re.split(rf"^{re.escape(heading)}.*\n", text, flags=re.MULTILINE)[1]
    return re.split(rf"^#{{1,{rank}}} ", rest, flags=re.MULTILINE)[0]


def minutes(table: str) -> list[int]:
    """Return the first column of a table of minutes."""
    return [int(number) for number in re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE)]


@pytest.mark.parametrize("number", NUMBERS)
def test_every_notebook_has_its_section(number: str) -> None:
    own = section(GUIDE, f"### {number}:")
    for part in ("**Goals.**", "**Ask.**", "**Wrong answers.**", "**Skip.**"):
        assert part in own, part


@pytest.mark.parametrize(
    ("heading", "total"), [("### 90 minutes", 90), ("### Half a day", 240), ("### Two days", 820)]
)
def test_the_minutes_of_a_schedule_add_up(heading: str, total: int) -> None:
    assert sum(minutes(section(GUIDE, heading))) == total


def test_exercises_that_are_named_exist() -> None:
    for number in NUMBERS:
        named = re.findall(r"[Ee]xercise\s+(\d)", section(GUIDE, f"### {number}:"))
        (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
        text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
        for exercise in named:
            assert f"### Exercise {exercise}" in text, (number, exercise)


def test_quoted_headings_exist() -> None:
    """A part that an instructor is told to skip or to keep can be found by its heading."""
    for number in NUMBERS:
        (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
        cells = nbformat.read(path, as_version=4).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        skip = section(GUIDE, f"### {number}:").split("**Skip.**")[1]
        for heading in re.findall(r'"([^"]+)"', skip):
            wanted = re.sub(r"\s+", " ", heading).strip(",.")
            assert wanted.lower() in text.lower(), (number, wanted)
