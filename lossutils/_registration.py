"""Keras finds the classes of this package in saved models, though none of them is imported yet.

On load Keras looks for the names that classes have been registered under, and a class registers
itself when its module is imported; but names of this package are imported when first used. So a
stand-in is registered for each, as soon as Keras is there: it imports the class when a file asks
for it.
"""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any


def register(names: Iterable[str]) -> None:
    """Register stand-ins for classes of the package: now, or when Keras has been imported."""
    if "keras" in sys.modules:
        _register(names)
    else:
        sys.meta_path.insert(0, _WhenKerasIsImported(names))


def _register(names: Iterable[str]) -> None:
    known = sys.modules["keras"].saving.get_custom_objects()
    for name in names:
        known.setdefault(f"lossutils>{name}", _stand_in(name))


def _stand_in(name: str) -> type:
    def from_config(config: dict[str, Any]) -> Any:
        return getattr(import_module("lossutils"), name).from_config(config)

    return type(name, (), {"from_config": staticmethod(from_config)})


class _WhenKerasIsImported(importlib.abc.MetaPathFinder):
    """Finds Keras as the other finders do, and registers the names after it has run."""

    def __init__(self, names: Iterable[str]):
        self.names = names

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname != "keras":
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None:
            run = spec.loader.exec_module

            def run_and_register(module: Any) -> None:
                run(module)
                sys.meta_path.remove(self)
                _register(self.names)

            spec.loader.exec_module = run_and_register
        return spec
