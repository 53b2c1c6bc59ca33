"""The guide for instructors keeps step with the notebooks, and its schedules add up."""

import re
from collections import Counter, defaultdict
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np
import pytest
import reading_time
import talk

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
GUIDE = (NOTEBOOKS / "TEACHING.md").read_text(encoding="utf-8")
TITLE = re.compile(r"^#+ .+$", re.MULTILINE)
NUMBERS = sorted(path.name[:2] for path in NOTEBOOKS.glob("[0-9]*.ipynb"))


def section(text: str, heading: str) -> str:
    """Return the text under a heading, up to the next one of its rank or above."""
    rank = len(heading) - len(heading.lstrip("#"))
    rest = re.split(rf"^{re.escape(heading)}.*\n", text, flags=re.MULTILINE)[1]
    return re.split(rf"^#{{1,{rank}}} ", rest, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("number", NUMBERS)
def test_every_notebook_has_its_section(number: str) -> None:
    own = section(GUIDE, f"### {number}:")
    for part in ("**Goals.**", "**Ask.**", "**Wrong answers.**", "**Skip.**"):
        assert part in own, part


def path_of(number: str) -> Path:
    """Return the file of a notebook."""
    (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    return path


def headings(number: str) -> list[str]:
    """Return the headings of a notebook, in lower case."""
    cells = nbformat.read(path_of(number), as_version=4).cells
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


@pytest.mark.parametrize("number", NUMBERS)
def test_exercises_that_are_named_exist(number: str) -> None:
    assert exercises(section(GUIDE, f"### {number}:")) <= exercises("\n".join(headings(number)))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_part_to_skip_or_to_keep_is_a_heading(number: str) -> None:
    skip = section(GUIDE, f"### {number}:").split("**Skip.**")[1]
    assert not_found(skip, number) == []


# Run sheets: their clock, the parts of notebooks that they name, and the slides of the talk.

SHEETS = re.findall(r"^### (.*?, (\d+:\d\d) to (\d+:\d\d).*)$", GUIDE, flags=re.MULTILINE)
ROW = re.compile(r"^\| (\d+:\d\d) \| (\d+) \| (.*?) \| (.*?) ?\|", re.MULTILINE)
# 01: whole; 01: exercises 1 and 2; 05 or 06: whole; 01: "A heading" to "Another"
ABOUT = re.compile(r"(\d\d(?:(?:, | or )\d\d)*): (.*)")


def clock(time: str) -> int:
    """Return the minutes since midnight."""
    hours, minutes = time.split(":")
    return 60 * int(hours) + int(minutes)


@pytest.mark.parametrize(("heading", "start", "end"), SHEETS)
def test_the_clock_of_a_sheet_runs(heading: str, start: str, end: str) -> None:
    rows = ROW.findall(section(GUIDE, f"### {heading}"))
    starts, minutes = [clock(row[0]) for row in rows], [int(row[1]) for row in rows]
    assert len(rows) > 5 and starts[0] == clock(start)
    ends = [at + takes for at, takes in zip(starts, minutes, strict=True)]
    assert ends == [*starts[1:], clock(end)]


def test_the_sheets_are_as_long_as_they_say() -> None:
    long = [clock(end) - clock(start) for _, start, end in SHEETS]
    assert long[:2] == [90, 240] and len(long) == 4


class Part(NamedTuple):
    """What stands below one heading of a notebook, without exercises, and the slides of its talk.

    What is not shown belongs to the slide before it.
    """

    title: str
    slides: list[int]
    cells: list


@cache
def parts(number: str) -> list[Part]:
    """Return the parts of a notebook."""
    notebook = nbformat.read(path_of(number), as_version=4)
    shown = defaultdict(list)
    for place, slide in enumerate(talk.slides_of(deepcopy(notebook)), 1):
        shown[slide.title].append(place)
    found, read = [], {cell.id for cell in reading_time.lesson(notebook)}
    for cell in notebook.cells:
        for title in TITLE.findall(cell.source) if cell.cell_type == "markdown" else []:
            slides = shown[title.lstrip("# ")] or found[-1].slides[-1:]
            found.append(Part(title, slides, []))
        if cell.id in read:
            found[-1].cells.append(cell)
    return found


def position(known: list[Part], beginning: str) -> int:
    """Return where the part stands whose heading begins like this."""
    titles = [part.title.lstrip("# ").lower() for part in known]
    return next(i for i, title in enumerate(titles) if title.startswith(beginning.lower()))


def end_of(known: list[Part], start: int) -> int:
    """Return where the next part of the same rank begins."""
    rank = known[start].title.index(" ")
    later = range(start + 1, len(known))
    return next((i for i in later if known[i].title.index(" ") <= rank), len(known))


def named(number: str, what: str) -> list[Part]:
    """Return the parts that a row names; a range holds all between its ends but exercises."""
    known = parts(number)
    if what.startswith("whole"):
        return known
    found = [position(known, f"Exercise {one}:") for one in exercises(what)]
    for first, last in re.findall(r'"([^"]+)"(?: to "([^"]+)")?', what):
        start = position(known, first)
        inside = range(start, end_of(known, position(known, last) if last else start))
        found += [i for i in inside if not known[i].title.startswith("### Exercise ")]
    return [known[i] for i in found]


def slides(number: str, what: str) -> str:
    """Return the first and the last slide that a row is about."""
    own = [slide for part in named(number, what) for slide in part.slides]
    return f"{min(own)}–{max(own)}" if min(own) < max(own) else f"{min(own)}"


def least(number: str, what: str) -> float:
    """Return the minutes without which a row is a false promise."""
    if what.startswith("whole"):
        return reading_time.minutes(nbformat.read(path_of(number), as_version=4))
    own = named(number, what)
    times = [re.search(r"^### Exercise .*\((\d+) min\)$", part.title) for part in own]
    shown = nbformat.v4.new_notebook(cells=[cell for part in own for cell in part.cells])
    read = reading_time.words(shown) / reading_time.WORDS_PER_MINUTE
    read += reading_time.lines(shown) / reading_time.LINES_PER_MINUTE
    return read + sum(int(time[1]) for time in times if time)


ABOUT_NOTEBOOKS = [
    (re.findall(r"\d\d", about[1]), about[2], int(minutes), shown)
    for _, minutes, what, shown in ROW.findall(GUIDE)
    if (about := ABOUT.match(what))
]


@pytest.mark.parametrize(("numbers", "what", "minutes", "shown"), ABOUT_NOTEBOOKS)
def test_a_row_of_a_sheet_is_true(numbers: list, what: str, minutes: int, shown: str) -> None:
    for number in numbers:
        assert not_found(what, number) == []
        assert exercises(what) <= exercises("\n".join(headings(number)))
        assert minutes >= least(number, what)
    assert shown == (slides(numbers[0], what) if len(numbers) == 1 else "")


def test_the_sheets_name_notebooks() -> None:
    assert len(ABOUT_NOTEBOOKS) > 20


# Answers and materials.

ANSWERS = (NOTEBOOKS / "TEACHING_ANSWERS.md").read_text(encoding="utf-8")
MATERIALS = (NOTEBOOKS / "TEACHING_MATERIALS.md").read_text(encoding="utf-8")


def numbered(text: str) -> list[str]:
    """Return the lines of a numbered list; the numbers must run from 1."""
    lines = re.findall(r"^(\d+)\. (.*)$", text, flags=re.MULTILINE)
    assert [int(number) for number, _ in lines] == list(range(1, len(lines) + 1))
    return [line for _, line in lines]


@pytest.mark.parametrize("number", NUMBERS)
def test_every_prediction_has_its_answer(number: str) -> None:
    cells = nbformat.read(path_of(number), as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    asked = re.findall(r"^> \*\*Predict\.\*\*(?:.*\n?>?)*?(?=\n[^>]|\Z)", text, re.MULTILINE)
    assert len(asked) == text.count("> **Predict.**")
    # What the notebook says itself, where the choices have letters.
    letters = re.findall(r"<summary>The answer</summary>\s+(?:It is )?(\(\w\))", text)
    own = numbered(section(ANSWERS, f"### {number}:"))
    assert len(own) == len(asked)
    for answer, question in zip(own, asked, strict=True):
        assert ("(b)" in question) == bool(re.match(r"\(\w\) ", answer)), answer
    given = [answer[:3] for answer in own if answer.startswith("(")]
    assert [letter for letter in given if letter in letters][: len(letters)] == letters


def test_the_quiz_has_twelve_questions_and_a_key() -> None:
    quiz, key = section(MATERIALS, "## Quiz"), numbered(section(ANSWERS, "## Key of the quiz"))
    asked = numbered(quiz)
    assert len(asked) == len(key) == 12
    assert re.findall(r"^ +- (\w)\. .", quiz, re.MULTILINE) == [*"abcd"] * 12
    about = [re.match(r"\((\d\d)\)", question)[1] for question in asked]
    assert about == [re.match(r"\*\*[a-d]\*\* \((\d\d)\)", answer)[1] for answer in key]
    assert set(about) <= set(NUMBERS)
    counts = Counter(answer[2] for answer in key)
    assert set(counts) == set("abcd") and max(counts.values()) <= 4


def test_the_helpers_know_fifteen_errors_by_the_words_on_the_screen() -> None:
    rows = re.findall(r'^\| "(.*?)" \|', section(MATERIALS, "## Helper's sheet"), re.MULTILINE)
    assert len(rows) == 15
    sources = [*NOTEBOOKS.glob("*.ipynb"), *(ROOT / "lossutils" / "teaching").rglob("*.py")]
    words = "".join(path.read_text(encoding="utf-8").replace('\\"', '"') for path in sources)
    assert [row for row in rows if row.strip("`") not in words] == []


def test_the_capstone_begins_and_takes_75_minutes(capsys) -> None:
    brief = section(MATERIALS, "## Capstone in 75 minutes")
    assert sum(map(int, re.findall(r"^\| (\d+) \|", brief, re.MULTILINE))) == 75
    (code,) = re.findall(r"^```python\n(.*?)^```", brief, re.MULTILINE | re.DOTALL)
    known: dict = {}
    exec(code, known)
    assert known["costs"].shape == (5,) and np.all((0 < known["costs"]) & (known["costs"] < 1000))
    assert "five splits" in capsys.readouterr().out


@pytest.mark.parametrize("heading", ["Set-up mail", "Exit ticket", "Certificate", "Report on a"])
def test_the_materials_are_there(heading: str) -> None:
    assert len(section(MATERIALS, f"## {heading}").split()) > 40
