"""Write down every number that a notebook rounds for its reader, with all its digits.

Reaches format specifications in f-strings (`{x:.2f}`), `round(x, 2)`, `np.round(x, 2)` and
`x.round(2)` in the cells of the kernel in which it is installed.
"""

import ast
import itertools
import json
import re
from typing import Any

import numpy as np
from IPython import get_ipython

SPECIFICATION = re.compile(r"\.(\d+)([efg%])$")


def digits(value: float, specification: str) -> int | None:
    """Return how many digits after the point are shown, negative before it; None: not rounded.

    >>> [digits(123.456, kind) for kind in (".2f", "8.1%", ".3g", ",.0f", "6d")]
    [2, 3, 0, 0, None]
    """
    found = SPECIFICATION.search(specification)
    if not found:
        return None
    places, kind = int(found[1]), found[2]
    if kind in "f%":
        return places + 2 * (kind == "%")
    magnitude = int(np.floor(np.log10(abs(value)))) if value else 0
    return places - magnitude - (kind == "g")


def install(file_name: str) -> None:
    """Write one line of JSON for each rounded number: place, value, digits after the point."""
    file = open(file_name, "w", encoding="utf-8")  # open for as long as the kernel lives

    def note(place: str, value: Any, shown: Any) -> Any:
        for number in itertools.islice(np.ravel(value), 1000):
            try:
                number = float(number)
            except (TypeError, ValueError):  # a text has a specification too
                return value
            after = digits(number, shown) if isinstance(shown, str) else int(shown)
            if after is not None and np.isfinite(number):
                file.write(json.dumps([place, number, after]) + "\n")
        file.flush()
        return value

    shell = get_ipython()
    shell.user_ns["_note_number"] = note
    shell.ast_transformers.append(_Transformer())


class _Transformer(ast.NodeTransformer):
    """Puts a call of `_note_number` around each value that is rounded."""

    cells = 0

    def visit_Module(self, node: ast.Module) -> ast.AST:
        self.cells += 1
        return self.generic_visit(node)

    def _noted(self, value: ast.expr, shown: ast.expr) -> ast.Call:
        place = ast.Constant(f"cell {self.cells}, line {value.lineno}")
        call = ast.Call(ast.Name("_note_number", ast.Load()), [place, value, shown], [])
        return ast.fix_missing_locations(ast.copy_location(call, value))

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        self.generic_visit(node)
        if node.format_spec and node.conversion == -1:
            node.value = self._noted(node.value, node.format_spec)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        of_numpy = getattr(getattr(node.func, "value", None), "id", "") == "np"
        if name != "round" or not node.args:
            return node
        if isinstance(node.func, ast.Attribute) and not of_numpy:
            node.func.value = self._noted(node.func.value, node.args[0])
        elif len(node.args) == 2:
            node.args[0] = self._noted(node.args[0], node.args[1])
        return node
