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


def headings(number: str) -> list[str]:
    """Return the headings of a notebook, in lower case."""
    (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.findall(r"^#+ (.+)$", text.lower(), flags=re.MULTILINE)


def exercises(text: str) -> set[str]:
    """Return the numbers of the exercises that a text names.

    >>> sorted(exercises("01: exercises 1 and 3; Exercise 2: ..."))
    ['1', '2', '3']
    """
    lists = re.findall(r"[Ee]xercises?\s+(\d(?:(?:,| and)\s+\d)*)", text)
    return set(re.findall(r"\d", " ".join(lists)))


def quoted(text: str) -> list[str]:
    """Return what stands in quotation marks, in lower case, on one line."""
    found = re.findall(r'"([^"]+)"', text)
    return [re.sub(r"\s+", " ", part).strip(",.").lower() for part in found]


def not_found(text: str, number: str) -> list[str]:
    """Return the quotations with which no heading of a notebook begins."""
    known = headings(number)
    return [part for part in quoted(text) if not any(line.startswith(part) for line in known)]


def named_in_schedules() -> list[tuple[str, str]]:
    """Return each row of a schedule that is about one notebook: its number and what it says."""
    return re.findall(r"^\| \d+ \| (?:day \d\. )?(\d\d)[:,] (.*?) \|", GUIDE, flags=re.MULTILINE)


@pytest.mark.parametrize("number", NUMBERS)
def test_exercises_that_are_named_exist(number: str) -> None:
    assert exercises(section(GUIDE, f"### {number}:")) <= exercises("\n".join(headings(number)))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_part_to_skip_or_to_keep_is_a_heading(number: str) -> None:
    skip = section(GUIDE, f"### {number}:").split("**Skip.**")[1]
    assert not_found(skip, number) == []


@pytest.mark.parametrize(("number", "what"), named_in_schedules())
def test_a_row_of_a_schedule_names_what_is_there(number: str, what: str) -> None:
    assert not_found(what, number) == []
    assert exercises(what) <= exercises("\n".join(headings(number)))


def test_the_schedules_name_notebooks() -> None:
    assert len(named_in_schedules()) > 20
