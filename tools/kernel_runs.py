"""Execute a notebook in a fresh kernel, after code of ours, and go on where a cell raises.

What was run before is kept in a file, so that a long series goes on where it was stopped.
"""

import ast
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

import lossutils

TOOLS = Path(__file__).resolve().parent
ROOT = TOOLS.parent
NOTEBOOKS = ROOT / "notebooks"


def executed(path: Path, first: str, variables: dict[str, str] | None = None) -> NotebookNode:
    """Return the notebook after a run in which the code `first` came before its first cell.

    `variables` are added to the environment of the kernel. Raises nbclient's CellTimeoutError and
    DeadKernelError.
    """
    notebook = nbformat.read(path, as_version=4)
    opening = nbformat.v4.new_code_cell(f"import sys; sys.path.append({str(TOOLS)!r})\n{first}")
    notebook.cells.insert(0, opening)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        allow_errors=True,
        coalesce_streams=True,
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute(env=os.environ | (variables or {}))
    opening = notebook.cells.pop(0)
    if any(output.output_type == "error" for output in opening.outputs):
        raise RuntimeError(f"the code before the first cell raised: {opening.outputs[-1].evalue}")
    return notebook


def fingerprint(path: Path, *others: Path) -> str:
    """Return what changes with the code of a notebook, of what it imports, or of the other files.

    What it imports is looked for in the files of the module. The exercises do not count: no cell
    of a notebook depends on how they reply.
    """
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    digest = hashlib.sha256(code.encode())
    for file in sorted([*imported_files(code), *others]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def imported_files(code: str) -> set[Path]:
    """Return the files of the module that some code imports, and those that they import."""
    found, waiting = set(), imported_modules(code)
    while waiting:
        file = module_file(waiting.pop())
        if file and file not in found and file.parent.name != "exercises":
            found.add(file)
            waiting |= imported_modules(file.read_text(encoding="utf-8"))
    return found


def imported_modules(code: str) -> set[str]:
    """Return the modules of lossutils that some code names in its imports.

    >>> sorted(imported_modules("from lossutils import huber, closures\\nimport numpy"))
    ['lossutils', 'lossutils.closures']
    """
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = [lossutils._HOME.get(alias.name, alias.name) for alias in node.names]
            names.update([node.module, *(f"{node.module}.{part}" for part in parts)])
    return {name for name in names if name.startswith("lossutils") and module_file(name)}


def module_file(name: str) -> Path | None:
    """Return the file of a module of lossutils, None if it is none."""
    stem = ROOT / name.replace(".", "/")
    files = stem.with_suffix(".py"), stem / "__init__.py"
    return next((file for file in files if file.is_file()), None)


class Results:
    """A value for each key, in a file that grows line by line."""

    def __init__(self, path: Path, anew: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("w" if anew else "a").close()
        self.path = path
        self.values = dict(map(json.loads, path.read_text(encoding="utf-8").splitlines()))

    def add(self, key: str, value: Any) -> None:
        """Keep a value."""
        self.values[key] = value
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, value]) + "\n")

    def of(self, key: str) -> Any:
        """Return the value of a key, None if there is none yet."""
        return self.values.get(key)


def chosen(notebooks: Iterable[Path]) -> list[Path]:
    """Return the notebooks that were named, or all."""
    return [path.resolve() for path in notebooks] or sorted(NOTEBOOKS.glob("*.ipynb"))
