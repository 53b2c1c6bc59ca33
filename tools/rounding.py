"""Which printed numbers could be rounded to another digit on another processor?

    python tools/rounding.py [--margin M] [--jobs J] [NOTEBOOK ...]

Runs each notebook once for each processor of kernel_runs.py, and compares the numbers that its
cells round, with all their digits. A number is listed if its distance from the rounding edge is
less than M times (3, if not given) what it moved from one processor to another. The exit status is
1 if any is. Numbers that are equal on all processors, such as counts, are never listed.
"""

import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from kernel_runs import PROCESSORS, executed, parser_for

FIRST = "import recorded_numbers; recorded_numbers.install({file!r})"
Number = tuple[str, float, int]  # its place, its value, the digits shown after the point


def numbers(path: Path, processor: str) -> list[Number]:
    """Return the numbers that a notebook rounds, on one processor."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "numbers.jsonl"
        executed(path, FIRST.format(file=str(file)), PROCESSORS[processor])
        return [tuple(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def edge_distance(value: float, digits: int) -> float:
    """Return how far a value is from where it would be rounded to another digit.

    >>> round(edge_distance(0.1234, 2), 4), round(edge_distance(0.125, 2), 4)
    (0.0016, 0.0)
    """
    return abs(abs(value) * 10**digits % 1 - 0.5) / 10**digits


def at_the_edge(runs: list[list[Number]], margin: float) -> list[str]:
    """Return one line for each number that is near an edge, given the same cells' runs.

    Raises ValueError if the runs do not round the same numbers in the same places.
    """
    places = [[place for place, _, _ in run] for run in runs]
    if any(other != places[0] for other in places):
        raise ValueError("the runs do not round the same numbers in the same order")
    found = []
    for same in zip(*runs, strict=True):
        values = [value for _, value, _ in same]
        place, value, digits = same[0]
        moved, distance = max(values) - min(values), edge_distance(value, digits)
        if distance < margin * moved:
            found.append(f"{place}: {value:.9g}, {digits} digits shown; moved by {moved:.1e}")
    return [line for line, _ in groupby(found)]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when no number is near an edge."""
    parser = parser_for(__doc__)
    parser.add_argument("--margin", type=float, default=3.0, metavar="M")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="runs at the same time")
    options = parser.parse_args(arguments)
    near = 0
    for path in options.notebooks:
        with ThreadPoolExecutor(options.jobs) as pool:
            runs = list(pool.map(lambda name, path=path: numbers(path, name), PROCESSORS))
        lines = at_the_edge(runs, options.margin)
        near += len(lines)
        print(f"{path.stem}: {len(runs[0])} numbers, {len(lines)} near an edge", flush=True)
        print("".join(f"  {line}\n" for line in lines), end="")
    return int(near > 0)


if __name__ == "__main__":
    sys.exit(main())
