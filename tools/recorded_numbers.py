"""Write down every number that a notebook rounds for its reader, with all its digits.

Reaches format specifications in f-strings (`{x:.2f}`), `round(x, 2)`, `np.round(x, 2)` and
`x.round(2)` in the cells of the kernel in which it is installed.
"""

import ast
import itertools
import json
from decimal import Decimal
from typing import Any

import numpy as np
from IPython import get_ipython


def digits(value: float, shown: str | int) -> int:
    """Return how many digits after the point are shown, given a format or their number.

    >>> [digits(123.456, kind) for kind in (".2f", "8.1%", ".3g", ",.0f", 2)]
    [2, 3, 0, 0, 2]
    """
    if not isinstance(shown, str):
        return int(shown)
    text = format(value, shown).strip().replace(",", "")
    return 2 * text.endswith("%") - Decimal(text.rstrip("%")).as_tuple().exponent


def install(file_name: str) -> None:
    """Write one line of JSON for each rounded number: place, value, digits after the point."""
    file = open(file_name, "w", encoding="utf-8")  # open for as long as the kernel lives

    def note(place: str, value: Any, shown: Any) -> Any:
        for number in itertools.islice(np.ravel(value), 1000):
            if isinstance(number, float | np.floating) and np.isfinite(number):
                after = digits(float(number), shown)
                file.write(json.dumps([place, float(number), after]) + "\n")
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
        match node:
            case ast.Call(ast.Name("round"), [value, shown]):
                node.args[0] = self._noted(value, shown)
            case ast.Call(ast.Attribute(ast.Name("np"), "round"), [value, shown]):
                node.args[0] = self._noted(value, shown)
            case ast.Call(ast.Attribute(value, "round"), [shown]):
                node.func.value = self._noted(value, shown)
        return node
