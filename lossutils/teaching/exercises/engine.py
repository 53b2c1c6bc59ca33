"""What all exercises share: check an answer, give a hint, show the solution.

An exercise is data. Its reference is a right answer; `observe` says what an answer does, step by
step; its slips are typical wrong answers, each with the reply that fits it. An answer is right if
all that is observed of it equals what is observed of the reference. Otherwise the first step where
it differs counts: if a slip behaves in the same way up to there, the learner hears the reply to
that slip, or else the words of the step.
"""

import inspect
import itertools
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lossutils.errors import telling_line
from lossutils.teaching.errors import describe_error
from lossutils.teaching.exercises.observing import NotYet, require

# What NumPy, Keras and TensorFlow say when Python asks a tensor whether it is true.
_NO_SINGLE_TRUTH = re.compile(r"truth value of an array|as a Python `?bool")
# What differs between two failures of one kind: shapes, operations, numbers.
_PARTICULARS = re.compile(r"\[[^]]*\]|\d+")

Step = tuple[Any, str]  # what was observed, and what to say if something else was wanted


class Exercise:
    """One exercise.

    `reference` is a right answer: a function, a class, or a value. `observe` takes an answer and
    yields steps: what was observed (a number, an array, a text, ...), and what to say if that is
    not as wanted, where {got} and {wanted} stand for the two. The `hints` go from vague to
    concrete, and `praise` is said after "Correct.". `slips` holds replies, each with the wrong
    answer that gets it, or a list of several; where the step says it already, a part of its words
    is enough.
    `also_right` holds right answers that the tests try as well. `asks_for` is the name of the
    answer in the notebook, if the reference has no name itself, and `tolerance` the relative
    difference of two numbers that count as equal.

    >>> def twice(x):
    ...     return x + x
    >>> def observe(answer):
    ...     yield answer(3), "For 3 your function should return {wanted}, and returns {got}."
    >>> exercise = Exercise(
    ...     twice,
    ...     observe,
    ...     slips={"That is the square of x.": lambda x: x * x},
    ...     praise="Twice is x plus x.",
    ... )
    >>> exercise.check(lambda x: x**2)
    Not yet. That is the square of x.
    >>> exercise.check(lambda x: x + 2)
    Not yet. For 3 your function should return 6, and returns 5.
    >>> exercise.check(lambda x: 2 * x)
    Correct. Twice is x plus x.
    """

    def __init__(
        self,
        reference: Any,
        observe: Callable[[Any], Iterator[Step]],
        *hints: str,
        praise: str = "",
        slips: dict[str, Any] | None = None,
        also_right: tuple = (),
        asks_for: str = "",
        tolerance: float = 1e-4,
    ) -> None:
        self.reference, self.observe, self.tolerance = reference, observe, tolerance
        self.slips = {r: s if isinstance(s, list) else [s] for r, s in (slips or {}).items()}
        self.also_right = also_right
        self.hints, self.praise, self.asks_for = hints, praise, asks_for
        self._hints_shown = 0

    def check(self, answer: Any) -> None:
        """Print "Correct." or "Not yet." with the reason; a wrong answer never raises."""
        try:
            _require_an_answer(answer, self.reference)
            self._require_the_same(answer)
        except NotYet as reason:
            print(f"Not yet. {reason}")
        else:
            print(f"Correct. {self.praise}".rstrip())

    def hint(self) -> None:
        """Print the next hint."""
        if self._hints_shown == len(self.hints):
            print("No more hints. The method solution() shows one way to do it.")
            return
        self._hints_shown += 1
        print(f"Hint {self._hints_shown} of {len(self.hints)}: {self.hints[self._hints_shown - 1]}")

    def solution(self) -> None:
        """Print the source of one right answer, unless LOSSUTILS_SOLUTIONS=off keeps it back."""
        if os.environ.get("LOSSUTILS_SOLUTIONS") == "off":
            print("The solutions of this class come later. Ask for a hint: hint().")
        elif self.asks_for:
            print(_written(self.asks_for, self.reference))
        else:
            print(inspect.getsource(self.reference).rstrip())

    def _require_the_same(self, answer: Any) -> None:
        observed: list[Any] = []
        reference, steps = _arrays(self.observe(self.reference)), _guarded(self.observe(answer))
        for (wanted, _), (got, words) in zip(reference, steps, strict=False):
            observed.append(got)
            if not self._same(got, wanted):
                said, reply = _general_reply(words, got, wanted), self._reply_of_a_slip(observed)
                raise NotYet(said if reply in said else reply)

    def _reply_of_a_slip(self, observed: list[Any]) -> str:
        """The reply to the first slip that behaves like the answer, as far as it was observed."""
        for reply, slips in self.slips.items():
            if any(self._behaves_like(observed, slip) for slip in slips):
                return reply
        return ""

    def _behaves_like(self, observed: list[Any], slip: Any) -> bool:
        steps = zip(_guarded(self.observe(slip)), observed, strict=False)
        return all(self._same(got, seen) for (got, _), seen in steps)

    def _same(self, one: Any, other: Any) -> bool:
        if isinstance(one, Exception) or isinstance(other, Exception):
            return _kind(one) == _kind(other)
        kinds = {one.dtype.kind, other.dtype.kind}
        if one.shape != other.shape or ("b" in kinds and len(kinds) > 1):
            return False
        if kinds <= set("iuf"):
            return np.allclose(one, other, rtol=self.tolerance, atol=1e-5, equal_nan=True)
        return bool(np.all(one == other))


def quiz(
    asks_for: str,
    why: dict[Any, str],
    *hints: str,
    right: tuple,
    write: str,
    choices: tuple = (),
    unanswered: str = "Not answered yet for {missing}: {write}.",
    **data: Any,
) -> Exercise:
    """An exercise that asks for a dict with an answer to each question.

    `why` holds the questions, each with the reason for its answer, and `right` the answers; a list
    where several are right. `write` says what to fill in, `unanswered` what to say without it, with
    the {missing} questions, their {number} or the {first} of them, and `choices` holds what may be
    filled in although it is right for no question.
    """
    accepted = {q: a if isinstance(a, list) else [a] for q, a in zip(why, right, strict=True)}
    choices += tuple(itertools.chain(*accepted.values()))

    def observe(answer: Any) -> Iterator[Step]:
        require(isinstance(answer, dict), "Fill in the dictionary: one answer for each line.")
        missing = [question for question in why if answer.get(question) in (None, ...)]
        first = missing[0] if missing else ""
        told = dict(missing=missing, number=len(missing), first=first, write=write)
        require(not missing, unanswered.format(**told))
        for question, wanted in accepted.items():
            given = answer[question]
            a_choice = given in choices and isinstance(given, bool) == isinstance(wanted[0], bool)
            require(a_choice, f"{given!r} is no answer for {question!r}: {write}.")
            said = f"Look at {question!r} again. {why[question]}"
            yield wanted[0] if given in wanted else given, said

    reference = {question: wanted[0] for question, wanted in accepted.items()}
    others = [{**reference, q: other} for q, wanted in accepted.items() for other in wanted[1:]]
    return Exercise(
        reference, observe, *hints, asks_for=asks_for, also_right=tuple(others), **data
    )


def _arrays(steps: Iterator[Step]) -> Iterator[Step]:
    return ((np.asarray(observed), words) for observed, words in steps)


def _guarded(steps: Iterator[Step]) -> Iterator[Step]:
    """The steps; what an answer raises is the last one, and no words are needed to explain it."""
    try:
        yield from _arrays(steps)
    except Exception as error:  # whatever the learner's code raises
        yield error, ""


def _general_reply(words: str, got: Any, wanted: Any) -> str:
    """What to say about an answer that behaves like none of the slips."""
    if isinstance(got, Exception):
        return _explained(got)
    return words.format(got=_rounded(got), wanted=_rounded(wanted))


def _rounded(array: np.ndarray) -> Any:
    if array.dtype.kind == "f":
        array = array.astype("float64").round(3) + 0.0  # no -0.0
    return array.tolist()


def _kind(error: Any) -> tuple[type, str]:
    """What two failures of one kind have in common."""
    text = telling_line(error) if isinstance(error, Exception) else ""
    return type(error), _PARTICULARS.sub("", text)


def _explained(error: Exception) -> str:
    """What the learner's code raised, in words that say what to do where that is known.

    >>> _explained(ValueError("The truth value of an array with more than one ..."))[-38:]
    'ops.where, ops.minimum or ops.maximum.'
    """
    if isinstance(error, NotYet):
        return str(error)
    if isinstance(error, NotImplementedError):
        return f"Your code is unfinished: it raised {describe_error(error)}"
    if _NO_SINGLE_TRUTH.search(str(error)):
        return (
            "Python's `if`, `and`, `or`, `min` and `max` want one answer, but a tensor holds one "
            "for each sample: take ops.where, ops.minimum or ops.maximum."
        )
    return f"Your code raised {describe_error(error)}"


def _written(name: str, value: Any) -> str:
    """A value as the learner would write it: its functions first, one line for each entry."""
    if not isinstance(value, dict):
        return f"{name} = {value!r}"
    functions = [f"{inspect.getsource(entry)}\n\n" for entry in value.values() if callable(entry)]
    entries = [f"    {key!r}: {getattr(e, '__name__', repr(e))},\n" for key, e in value.items()]
    return "".join([*functions, f"{name} = {{\n", *entries, "}"])


def _require_an_answer(answer: Any, reference: Any) -> None:
    """Raise NotYet unless the answer is of the same sort as the reference."""
    require(
        answer is not None and answer is not ...,
        "Not answered yet: replace the three dots by your answer, then check it again.",
    )
    if isinstance(reference, type):
        base = reference.__base__
        require(
            isinstance(answer, type) and issubclass(answer, base),
            f"Hand over the class itself, made from {base.__name__}, without brackets.",
        )
    elif callable(reference):
        require(
            callable(answer),
            "Hand over the function itself, its name without brackets; "
            f"this is a value of type {type(answer).__name__}.",
        )
    else:
        require(
            not callable(answer),
            "This asks for a value, and got a function: call it and hand over the result.",
        )
