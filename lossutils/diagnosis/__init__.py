"""Why does this model not learn? A checklist in the order of debugging, one probe for each item.

``diagnose(model, x, y)`` asks all probes that ``probes.PROBES`` lists. A probe is a function of a
``Case``, a model with its data, and says what it saw. Nothing of the model changes.
"""

import textwrap
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from lossutils.diagnosis.case import Case, Fault, Skip
from lossutils.diagnosis.probes import PROBES
from lossutils.errors import in_short


@dataclass(frozen=True)
class Finding:
    """What one probe saw, in plain words, and the cure; no cure: all is well.

    Attributes:
        probe: name of the probe, which is the name of its function.
        seen: what was seen.
        cure: what to do about it, empty if there is nothing to do.
        skipped: True if the probe could not be asked; ``seen`` says why.

    >>> print(Finding("variables", "nothing is trained", "set trainable = True"))
    PROBLEM variables      nothing is trained
            cure           set trainable = True
    """

    probe: str
    seen: str
    cure: str = ""
    skipped: bool = False

    @property
    def status(self) -> str:
        """ "ok", "PROBLEM" or "skipped"."""
        return "PROBLEM" if self.cure else "skipped" if self.skipped else "ok"

    def __str__(self) -> str:
        rows = [(self.status, self.probe, self.seen), ("", "cure", self.cure)]
        return "\n".join(_wrapped(*row) for row in rows if row[2])


class Diagnosis(tuple):
    """The findings of all probes, in the order of the checklist; printed, it is the checklist.

    Attributes:
        problems: the findings with a cure.
        healthy: True if there are none.
    """

    @property
    def problems(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self if finding.cure)

    @property
    def healthy(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        count = len(self.problems)
        total = f"{count} of {len(self)} need attention. Begin with the first."
        total = (_ALL_IS_WELL, "1 needs attention.", total)[min(count, 2)]
        return "\n".join([*map(str, self), total])

    __repr__ = __str__


_ALL_IS_WELL = "No probe found anything. (None can know whether x and y are still paired.)"


def diagnose(model: keras.Model, x: Any, y: Any = None) -> Diagnosis:
    """Go through the checklist of a broken loss, and say in plain words what was found."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what the probes do, not of what the user did
        case = Case(model, x, y)
        return Diagnosis(_ask(probe, case) for probe in PROBES)


def _ask(probe: Callable[[Case], str], case: Case) -> Finding:
    try:
        with case.untouched():
            return Finding(probe.__name__, probe(case))
    except Fault as fault:
        return Finding(probe.__name__, str(fault), _cure(probe, str(fault)))
    except Skip as reason:
        return Finding(probe.__name__, str(reason), skipped=True)
    except Exception as error:  # the model's own code may raise anything
        return Finding(probe.__name__, f"could not be asked: {in_short(error)}", skipped=True)


def _cure(probe: Callable[[Case], str], seen: str) -> str:
    """The paragraph of the docstring whose first words were seen, or else the first one."""
    cures = (probe.__doc__ or "").split("\n\n")[1:] or ["see the documentation"]
    fits = [cure for cure in cures if ": " in cure and cure.split(": ")[0].strip() in seen]
    return " ".join((fits or cures)[0].split())


def _wrapped(status: str, name: str, text: str) -> str:
    left = f"{status:7} {name:14} "
    indents = {"initial_indent": left, "subsequent_indent": " " * len(left)}
    return textwrap.fill(text, 97, **indents, break_on_hyphens=False)
