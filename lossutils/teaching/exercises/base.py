"""What all exercises share: check an answer, give a hint, show the solution."""

import inspect
import os
import re
import textwrap
from collections.abc import Callable
from typing import Any, ClassVar

from lossutils.teaching.errors import describe_error
from lossutils.teaching.exercises.engine import _explained
from lossutils.teaching.exercises.observing import NotYet, per_sample, require, returned

__all__ = ["Exercise", "NotYet", "per_sample", "require", "returned"]


class Exercise:
    """One exercise. A subclass states what is asked and grades an answer by its behaviour.

    A subclass sets `asks_for` (the name that the answer has in the notebook), `hints` (from vague
    to concrete), `praise` (one sentence after "Correct."), `reference` (the solution: a function,
    a class, or a function that returns the value asked for) and `wants_function` (whether the
    answer can be called, or else is a value), and implements `grade`, which calls `require` for
    each thing that must hold, the most telling first.

    >>> class Double(Exercise):
    ...     hints = ("What is added to x?",)
    ...     praise = "Twice is x plus x."
    ...     def grade(self, answer):
    ...         require(answer(3) == 6, "For 3 your function should return 6.")
    >>> Double().check(lambda x: x * x)
    Not yet. For 3 your function should return 6.
    >>> Double().check(lambda x: x + x)
    Correct. Twice is x plus x.
    """

    asks_for: ClassVar[str] = ""
    hints: ClassVar[tuple[str, ...]] = ()
    praise: ClassVar[str] = ""
    reference: ClassVar[Callable | None] = None
    wants_function: ClassVar[bool] = True

    def __init__(self) -> None:
        self._hints_shown = 0

    def grade(self, answer: Any) -> None:
        """Call `require` for each thing that a right answer does. For subclasses to implement."""
        raise NotImplementedError

    def check(self, answer: Any) -> None:
        """Print "Correct." or "Not yet." with the reason; a wrong answer never raises."""
        try:
            self._require_an_answer(answer)
            self.grade(answer)
        except NotYet as reason:
            print(f"Not yet. {reason}")
        except NotImplementedError as error:
            print(f"Not yet. Your code is unfinished: it raised {describe_error(error)}")
        except Exception as error:  # whatever the learner's code raises
            print(f"Not yet. {_explained(error)}")
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
            return
        print(self._solution_source())

    def _solution_source(self) -> str:
        """The solution as the learner would write it: pasted over the stub, it is the answer."""
        source = textwrap.dedent(inspect.getsource(type(self).reference)).rstrip()
        if self.wants_function:
            return re.sub(r"^(def|class) \w+", rf"\1 {self.asks_for}", source, count=1, flags=re.M)
        value = textwrap.dedent(source.partition("\n")[2]).removeprefix("return ")
        return f"{self.asks_for} = {value}"

    def _require_an_answer(self, answer: Any) -> None:
        require(
            answer is not None and answer is not ...,
            "Not answered yet: replace the three dots by your answer, then check it again.",
        )
        if self.wants_function:
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
