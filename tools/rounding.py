"""Which printed numbers could be rounded to another digit on another processor?

    python tools/rounding.py [--margin M] [--jobs J] [NOTEBOOK ...]

Runs each notebook once for each processor of kernel_runs.py, and compares the numbers that its
cells round, with all their digits. A number is listed if its distance from the rounding edge is
less than M times (3, if not given) what it moved from one processor to another. The exit status is
1 if any is. Numbers that are equal on all processors, such as counts, are never listed.

Seen are format specifications in f-strings (`{x:.2f}`), `round(x, 2)`, `np.round(x, 2)` and
`x.round(2)` in the cells of a notebook. In its kernel each such `x` goes through `note`, which
displays it beside what the cell shows.
"""

import ast
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from IPython.display import display
from kernel_runs import PROCESSORS, executed, outputs_of, parser_for

NUMBER = "application/rounded-number+json"
FIRST = """import rounding
_note = rounding.note
get_ipython().ast_transformers.append(rounding.Noting())"""
Number = tuple[int, float, int]  # its cell, its value, the digits shown after the point


class Noting(ast.NodeTransformer):
    """Puts a call of `_note` around each value that is rounded."""

    def visit(self, node: ast.AST) -> ast.AST:
        """Change the tree below a node, in place."""
        self.generic_visit(node)
        match node:
            case ast.FormattedValue(value, -1, ast.JoinedStr() as shown):
                node.value = noted(value, shown)
            case ast.Call(ast.Name("round") | ast.Attribute(ast.Name("np"), "round"), [_, shown]):
                node.args[0] = noted(node.args[0], shown)
            case ast.Call(ast.Attribute(value, "round"), [shown]):
                node.func.value = noted(value, shown)
        return node


def noted(*arguments: ast.expr) -> ast.Call:
    """Return a call of `_note` with a value and what says how many of its digits are shown."""
    return ast.Call(ast.Name("_note", ast.Load()), list(arguments), [])


def note(value: Any, shown: str | int) -> Any:
    """Display the numbers in a value, and return it."""
    for number in np.ravel(value)[:1000]:
        if isinstance(number, float | np.floating) and np.isfinite(number):
            display({NUMBER: [float(number), digits(float(number), shown)]}, raw=True)
    return value


def digits(value: float, shown: str | int) -> int:
    """Return how many digits after the point are shown, given a format or their number.

    >>> [digits(123.456, kind) for kind in (".2f", "8.1%", ".3g", ",.0f", 2)]
    [2, 3, 0, 0, 2]
    """
    if not isinstance(shown, str):
        return int(shown)
    text = format(value, shown).strip().replace(",", "")
    return 2 * text.endswith("%") - Decimal(text.rstrip("%")).as_tuple().exponent


def numbers(path: Path, processor: str) -> list[Number]:
    """Return the numbers that a notebook rounds, on one processor.

    Raises RuntimeError where the notebook raises there, or writes to stderr.
    """
    notebook, problems = executed(path, FIRST, PROCESSORS[processor])
    if problems:
        raise RuntimeError(f"{path.name} on {processor}: {problems}")
    found = [(cell, output.get("data", {}).get(NUMBER)) for cell, output in outputs_of(notebook, 0)]
    return [(cell, *number) for cell, number in found if number]


def at_the_edge(runs: list[list[Number]], margin: float) -> list[str]:
    """Return one line for each number that is near an edge, given the same cells' runs.

    Raises ValueError if the runs do not round the same numbers in the same cells.
    """
    found = []
    for same in zip(*runs, strict=True):
        (cell,) = {cell for cell, _, _ in same}
        values = [value for _, value, _ in same]
        _, value, digits = same[0]
        moved = max(values) - min(values)
        if round(value - margin * moved, digits) != round(value + margin * moved, digits):
            found.append(f"cell {cell}: {value:.9g}, {digits} digits shown; moved by {moved:.1e}")
    return list(dict.fromkeys(found))


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
