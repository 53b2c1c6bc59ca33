"""Each exercise accepts its own solution, and answers each typical mistake with the fitting words.

The exercises of one notebook stand in one module of `lossutils.teaching.exercises`. Each has its
wrong answers with it, as slips. Every loss is spoilt in the ways that the engine knows as well, and
each question of a quiz is answered wrongly in every way there is.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import functools
import importlib.util
import io
import itertools
import pkgutil
import re
from collections.abc import Callable
from typing import Any

import pytest
from keras import ops
from reading import notebook_paths, read

from lossutils.teaching import exercises
from lossutils.teaching.exercises import Exercise, changed

LEAST = 5
SHARED = {"engine", "observing"}
# Here it is a slip to do what raises: a method without its data, shapes that do not fit, 1 / 0.
FAILS = {("production", "ship"), ("mahalanobis", "diagonal_nll"), ("mahalanobis", "whiten")}
FAILS |= {("robust", "pull")}
MODULES = sorted(m.name for m in pkgutil.iter_modules(exercises.__path__) if m.name not in SHARED)


def exercises_of(module: str) -> dict[str, Exercise]:
    """Return the exercises of one module by name."""
    loaded = importlib.import_module(f"{exercises.__name__}.{module}")
    return {name: value for name, value in vars(loaded).items() if isinstance(value, Exercise)}


ALL = {(m, name): exercise for m in MODULES for name, exercise in exercises_of(m).items()}
each_exercise = pytest.mark.parametrize("key", ALL, ids="-".join)


def is_quiz(exercise: Exercise) -> bool:
    """Tell whether an exercise asks for a dict of words or numbers."""
    right = exercise.reference
    return isinstance(right, dict) and not any(map(callable, right.values()))


def source(exercise: Exercise) -> str:
    """Return what solution() prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exercise.solution()
    return printed.getvalue()


def wrong_quiz_answers(exercise: Exercise) -> list[tuple[Any, str]]:
    """Return answers with one mistake, as many as there are, each with words of the reply."""
    right = exercise.reference
    told = [*exercise.also_right, *itertools.chain(*exercise.slips.values())]
    rows = [
        ({**right, question: other}, f"Look at {question!r} again.")
        for question in right
        for other in dict.fromkeys(right.values())
        if other != right[question] and {**right, question: other} not in told
    ]
    question = next(iter(right))
    none = [({**right, question: "none of them"}, "is no answer"), ({}, "Not answered yet")]
    return [*rows, *none, (list(right.values()), "Fill in the dictionary")]


def wrong_answers(exercise: Exercise) -> list[tuple[Any, str]]:
    """Return the wrong answers that stand with an exercise, with words of the reply."""
    rows = [(answer, reply) for reply, answers in exercise.slips.items() for answer in answers]
    return rows + (wrong_quiz_answers(exercise) if is_quiz(exercise) else [])


WRONG = {key: wrong_answers(exercise) for key, exercise in ALL.items()}
ALSO_RIGHT = [
    pytest.param(key, answer, id=f"{key[0]}-{key[1]}-{i}")
    for key, exercise in ALL.items()
    for i, answer in enumerate(exercise.also_right)
]
ROWS = [
    pytest.param(key, answer, fragment, id=f"{key[0]}-{key[1]}-{i}")
    for key, rows in WRONG.items()
    for i, (answer, fragment) in enumerate(rows)
]


def said(exercise: Exercise, answer: Any, capsys: pytest.CaptureFixture) -> str:
    """Return what check() prints for an answer."""
    capsys.readouterr()
    exercise.check(answer)
    return capsys.readouterr().out


@each_exercise
def test_the_solution_is_accepted(key: tuple[str, str], capsys: pytest.CaptureFixture) -> None:
    assert said(ALL[key], ALL[key].reference, capsys).startswith("Correct.")


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
    solution = ALL[key].reference
    if not callable(solution):
        assert said(ALL[key], object(), capsys).startswith("Not yet.")
        return

    def raises(*_: Any, **__: Any) -> None:
        raise KeyError("a slip of the learner")

    def raises_when_made(self: Any, **_: Any) -> None:
        raises()

    answer = raises
    if isinstance(solution, type):  # an exercise that asks for a class
        answer = type("Slips", solution.__bases__, {"__init__": raises_when_made})
    text = said(ALL[key], answer, capsys)
    assert text.startswith("Not yet.") and "KeyError" in text and "a slip of the learner" in text


@each_exercise
def test_hints_and_solution_are_there(key: tuple[str, str], capsys: pytest.CaptureFixture) -> None:
    exercise = copy.copy(ALL[key])
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
    assert len(WRONG[key]) >= LEAST
    assert all(fragment.strip() for _, fragment in WRONG[key])


@pytest.mark.parametrize(("key", "answer", "fragment"), ROWS)
def test_a_wrong_answer_gets_the_fitting_words(
    key: tuple[str, str], answer: Any, fragment: str, capsys: pytest.CaptureFixture
) -> None:
    text = said(ALL[key], answer, capsys)
    assert text.startswith("Not yet.")
    assert fragment in text


@pytest.mark.parametrize(("key", "answer", "reply"), ROWS)
def test_a_reply_is_part_of_what_the_step_says_or_a_sentence(
    key: tuple[str, str], answer: Any, reply: str, capsys: pytest.CaptureFixture
) -> None:
    general = copy.copy(ALL[key])
    general.slips = {}
    without_slips = said(general, answer, capsys)
    assert without_slips.startswith("Not yet.")
    if reply not in without_slips:
        assert re.fullmatch(r"[A-Z0-9].{20,}[.?]", reply)
        assert "raised" not in without_slips or key in FAILS, "the slip fails by accident"


def spoilt(answer: Any, spoil: Callable) -> Any:
    """Return an answer whose losses return something else: a dict, a class, a factory, a loss."""
    if isinstance(answer, dict):
        return {name: spoilt(loss, spoil) for name, loss in answer.items()}
    if isinstance(answer, type):
        call = functools.wraps(answer.call)(lambda *given, **how: spoil(answer.call(*given, **how)))
        return changed(answer, call=call)

    def wrong(*arguments: Any, **parameters: Any) -> Any:
        result = answer(*arguments, **parameters)
        return spoilt(result, spoil) if callable(result) else spoil(result)

    return wrong


SPOILS = {
    "returns nothing": lambda values: None,
    "one number for the whole batch": ops.mean,
    "the shape (": lambda values: values[:, None],
    "for each sample: take ops.where": lambda values: values if values > 0.0 else -values,
    "gradient": ops.stop_gradient,
}
LOSSES = [key for key, e in ALL.items() if "y_true, y_pred" in source(e)]


@pytest.mark.parametrize("fragment", SPOILS)
@pytest.mark.parametrize("key", LOSSES, ids="-".join)
def test_what_the_engine_knows_of_losses_is_said(
    key: tuple[str, str], fragment: str, capsys: pytest.CaptureFixture
) -> None:
    text = said(ALL[key], spoilt(ALL[key].reference, SPOILS[fragment]), capsys)
    assert text.startswith("Not yet.") and fragment in text


@each_exercise
def test_not_everybody_hears_the_same(key: tuple[str, str], capsys: pytest.CaptureFixture) -> None:
    heard = {said(ALL[key], answer, capsys) for answer, _ in WRONG[key]}
    assert len(heard) > 1


def test_each_exercise_stands_in_a_notebook() -> None:
    code = "\n".join(cell.source for path in notebook_paths() for _, cell in read(path).code())
    absent = [f"{m}.{name}" for m, name in ALL if f"{m}.{name}.check(" not in code]
    assert absent == []
