"""Measure things side by side, and show what came out as a table.

A ratio of two times means something only if both were measured under the same conditions. So the
things to compare take turns, round after round, and a ratio is formed in each round.
"""

import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil

UNITS = {"us": 1e6, "ms": 1e3, "s": 1}


@dataclass
class Table:
    """A title, a header, rows of the same length, and a sentence that says how to read it."""

    title: str
    header: Sequence[str]
    rows: list[Sequence[Any]] = field(default_factory=list)
    note: str = ""

    def markdown(self) -> str:
        """Return the table as Markdown that reads well in a terminal too.

        >>> print(Table("Sizes", ["thing", "size"], [["ant", 1], ["whale", 1000]]).markdown())
        ## Sizes
        <BLANKLINE>
        | thing | size |
        |-------|------|
        | ant   | 1    |
        | whale | 1000 |
        """
        cells = [[str(cell) for cell in row] for row in [self.header, *self.rows]]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [_line(row, widths) for row in cells]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        parts = [f"## {self.title}", self.note, "\n".join(lines)]
        return "\n\n".join(part for part in parts if part)


def _line(row: Sequence[str], widths: Iterable[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "| " + " | ".join(padded) + " |"


def progress(what: str) -> None:
    """Say on stderr what is measured now, so that a long table does not look like a standstill."""
    print(f"measuring {what}", file=sys.stderr, flush=True)


def seconds(action: Callable[[], Any], calls: int = 1) -> float:
    """Return the seconds that one of `calls` calls takes on average."""
    start = time.perf_counter()
    for _ in range(calls):
        action()
    return (time.perf_counter() - start) / calls


def in_turn(
    actions: Mapping[str, Callable[[], Any]], rounds: int = 11, calls: int = 1
) -> dict[str, list[float]]:
    """Return for each action its seconds per call in each round; the first call is not counted."""
    for action in actions.values():
        action()
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            times[name].append(seconds(action, calls))
    return times


def median(values: Sequence[float], unit: str) -> str:
    """Return the median of times as text, in "us", "ms" or "s".

    >>> median([0.001, 0.002, 0.5], "ms")
    '2'
    """
    return f"{statistics.median(values) * UNITS[unit]:.3g}"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Return the median of the ratios of each round, and the middle half of them.

    >>> ratio([2.0, 2.0, 2.2, 2.4, 9.0], [1.0] * 5)
    '2.20 (2.00 to 2.40)'
    """
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


class PeakMemory:
    """The largest memory during a `with` block, in megabytes.

    `used` returns the bytes that count: those of this process (by default), of the newest child, or
    of all children. It is asked `every` so many seconds: a look at large processes takes a while.
    """

    def __init__(self, used: Callable[[], int] | None = None, every: float = 0.05) -> None:
        self.megabytes = 0.0
        self._every = every
        self._used = used or (lambda: with_children(psutil.Process()))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self.megabytes = max(self.megabytes, self._used() / 1e6)
            except (psutil.Error, ValueError):  # a process ended meanwhile; or none is there yet
                continue


def with_children(process: psutil.Process) -> int:
    """Return the bytes of a process, and of its children what each has for itself.

    TensorFlow's library is in memory once for all.
    """
    children = filter(has_started, process.children(recursive=True))
    return process.memory_info().rss + sum(child.memory_full_info().uss for child in children)


def has_started(child: psutil.Process) -> bool:
    """Return whether a child runs a program of its own.

    Until then, for some milliseconds, what it has in memory is all that its parent has.
    """
    try:
        return child.cmdline() != psutil.Process(child.ppid()).cmdline()
    except psutil.Error:  # one of them has just ended
        return False


def newest_child() -> int:
    """Return the bytes of the process that this one started last; ValueError if there is none."""
    return with_children(max(psutil.Process().children(), key=psutil.Process.create_time))


def all_children() -> int:
    """Return the bytes of all processes below this one; what they share counts once.

    Each is given its part of it.
    """
    return sum(map(_share, filter(has_started, psutil.Process().children(recursive=True))))


def _share(process: psutil.Process) -> int:
    """The bytes that a process takes, 0 if it has just ended."""
    try:
        memory = process.memory_full_info()
    except psutil.Error:
        return 0
    return getattr(memory, "pss", memory.uss)  # only Linux knows the first one
