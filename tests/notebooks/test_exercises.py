"""Each exercise accepts its own solution, and answers each typical mistake with the fitting words.

Every module of `lossutils.teaching.exercises` but `base` holds the exercises of one notebook, as
instances of `Exercise`. For the module `anatomy` the typical wrong answers stand in the file
`wrong_answers_anatomy.py` of this folder, as one dict:

    WRONG = {
        "pinball": [                        # the name of the exercise in the module
            (mean_over_batch, "one value"),  # a wrong answer, a fragment of what check() says
            (lambda y, p: p - y, "sign"),
            ...                             # at least five for each exercise
        ],
    }

An answer is what a learner would hand to `check`: a function, or a value. It may raise: then the
fragment is of the line that reports the error. Two wrong answers of one exercise may get the same
words, but not all of them: an exercise that says the same to everybody helps nobody.

Where there is more than one way to be right, a dict ALSO_RIGHT beside it holds, for the name of an
exercise, answers that must be accepted though they are not those of the solution.
"""

from __future__ import annotations

import ast
import importlib.util
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest
from reading import notebook_paths, read

from lossutils.teaching import exercises
from lossutils.teaching.exercises import Exercise

HERE = Path(__file__).resolve().parent
LEAST = 5
MODULES = sorted(m.name for m in pkgutil.iter_modules(exercises.__path__) if m.name != "base")


def exercises_of(module: str) -> dict[str, Exercise]:
    """Return the exercises of one module by name."""
    loaded = importlib.import_module(f"{exercises.__name__}.{module}")
    return {name: value for name, value in vars(loaded).items() if isinstance(value, Exercise)}


def answers_of(module: str, table: str) -> dict[str, list[Any]]:
    """Return the table WRONG or ALSO_RIGHT of one module; an empty one when there is none."""
    name = f"wrong_answers_{module}"
    if not (HERE / f"{name}.py").exists():
        return {}
    return getattr(importlib.import_module(name), table, {})


ALL = {(m, name): exercise for m in MODULES for name, exercise in exercises_of(m).items()}
WRONG = {(m, name): rows for m in MODULES for name, rows in answers_of(m, "WRONG").items()}
ALSO_RIGHT = [
    pytest.param((m, name), answer, id=f"{m}-{name}-{i}")
    for m in MODULES
    for name, answers in answers_of(m, "ALSO_RIGHT").items()
    for i, answer in enumerate(answers)
]
ROWS = [
    pytest.param(key, answer, fragment, id=f"{key[0]}-{key[1]}-{i}")
    for key, rows in WRONG.items()
    for i, (answer, fragment) in enumerate(rows)
]
each_exercise = pytest.mark.parametrize("key", ALL, ids="-".join)


def said(exercise: Exercise, answer: Any, capsys: pytest.CaptureFixture) -> str:
    """Return what check() prints for an answer."""
    capsys.readouterr()
    exercise.check(answer)
    return capsys.readouterr().out


def right_answer(exercise: Exercise) -> Any:
    """Return the answer of the solution: the function, or the value that it returns."""
    reference = type(exercise).reference
    return reference if exercise.wants_function else reference()


@each_exercise
def test_the_solution_is_accepted(key: tuple[str, str], capsys: pytest.CaptureFixture) -> None:
    assert said(ALL[key], right_answer(ALL[key]), capsys).startswith("Correct.")


@pytest.mark.parametrize(("key", "answer"), ALSO_RIGHT)
def test_another_way_to_be_right_is_accepted(
    key: tuple[str, str], answer: Any, capsys: pytest.CaptureFixture
) -> None:
    assert said(ALL[key], answer, capsys).startswith("Correct.")


@each_exercise
@pytest.mark.parametrize("stub", [None, ...], ids=["None", "dots"])
def test_a_stub_is_not_answered_yet(
    key: tuple[str, str], stub: Any, capsys: pytest.CaptureFixture
) -> None:
    text = said(ALL[key], stub, capsys)
    assert text.startswith("Not yet.") and "not answered yet" in text.lower()


@each_exercise
@pytest.mark.parametrize("result", [None, ...], ids=["None", "dots"])
def test_a_function_left_empty_is_not_right(
    key: tuple[str, str], result: Any, capsys: pytest.CaptureFixture
) -> None:
    assert said(ALL[key], lambda *_, **__: result, capsys).startswith("Not yet.")


@each_exercise
def test_an_answer_that_raises_is_reported(
    key: tuple[str, str], capsys: pytest.CaptureFixture
) -> None:
    if not ALL[key].wants_function:
        assert said(ALL[key], object(), capsys).startswith("Not yet.")
        return

    def raises(*_: Any, **__: Any) -> None:
        raise KeyError("a slip of the learner")

    def raises_when_made(self: Any, **_: Any) -> None:
        raises()

    answer, solution = raises, type(ALL[key]).reference
    if isinstance(solution, type):  # an exercise that asks for a class
        answer = type("Slips", solution.__bases__, {"__init__": raises_when_made})
    text = said(ALL[key], answer, capsys)
    assert text.startswith("Not yet.") and "KeyError" in text and "a slip of the learner" in text


@each_exercise
def test_hints_and_solution_are_there(key: tuple[str, str], capsys: pytest.CaptureFixture) -> None:
    exercise = type(ALL[key])()
    assert exercise.hints and exercise.praise
    exercise.hint()
    assert exercise.hints[0] in capsys.readouterr().out


def imports_of(code: str) -> str:
    """Return the import statements of a notebook's code, but not of files that it writes."""
    imports = [
        node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    modules = [getattr(node, "module", None) or node.names[0].name for node in imports]
    there = [importlib.util.find_spec(module.split(".")[0]) for module in modules]
    return "\n".join(ast.unparse(node) for node, spec in zip(imports, there, strict=True) if spec)


@each_exercise
def test_the_solution_pasted_over_the_stub_is_the_answer(
    key: tuple[str, str], capsys: pytest.CaptureFixture
) -> None:
    asked = re.compile(rf"\b{key[0]}\.{key[1]}\.check\((\w+)\)")
    pages = ["\n".join(c.source for _, c in read(p).code()) for p in notebook_paths()]
    (page,) = (page for page in pages if asked.search(page))
    ALL[key].solution()
    names: dict[str, Any] = {}
    exec(imports_of(page), names)
    exec(capsys.readouterr().out, names)
    assert said(ALL[key], names[asked.search(page)[1]], capsys).startswith("Correct.")


@each_exercise
def test_there_are_five_typical_wrong_answers(key: tuple[str, str]) -> None:
    rows = WRONG.get(key, [])
    assert len(rows) >= LEAST, f"wrong_answers_{key[0]}.py has {len(rows)} rows for {key[1]!r}"
    assert all(fragment.strip() for _, fragment in rows)


def test_every_row_belongs_to_an_exercise() -> None:
    assert set(WRONG) - set(ALL) == set()


@pytest.mark.parametrize(("key", "answer", "fragment"), ROWS)
def test_a_wrong_answer_gets_the_fitting_words(
    key: tuple[str, str], answer: Any, fragment: str, capsys: pytest.CaptureFixture
) -> None:
    text = said(ALL[key], answer, capsys)
    assert text.startswith("Not yet.")
    assert fragment in text


@each_exercise
def test_not_everybody_hears_the_same(key: tuple[str, str], capsys: pytest.CaptureFixture) -> None:
    heard = {said(ALL[key], answer, capsys) for answer, _ in WRONG.get(key, [])}
    assert len(heard) > 1


def test_each_exercise_stands_in_a_notebook() -> None:
    code = "\n".join(cell.source for path in notebook_paths() for _, cell in read(path).code())
    absent = [f"{m}.{name}" for m, name in ALL if f"{m}.{name}.check(" not in code]
    assert absent == []
