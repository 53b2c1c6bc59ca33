"""Execute notebooks in fresh kernels, under other conditions if wanted, and keep what was found."""

import argparse
import ast
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

import lossutils

TOOLS = Path(__file__).resolve().parent
ROOT = TOOLS.parent
NOTEBOOKS = ROOT / "notebooks"
# A backend chosen for scripts would hide the figures.
SHOW_FIGURES = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
# Compares notebooks with their stored outputs, as the tests do it; goes behind "python", in ROOT.
COMPARE = (
    # Without the summary (-rN), which says the same again, and more of it on servers (CI=true).
    *("-m", "pytest", "-q", "-rN", "-o", "addopts=", "--color=no", "-p", "no:cacheprovider"),
    *("--nbval", "--nbval-current-env", "--nbval-cell-timeout=300"),
    "--nbval-sanitize-with=tests/sanitize.cfg",
)
# To pretend that this processor is an older one: what XLA, oneDNN, OpenBLAS and NumPy may use of an
# Intel or AMD processor. NumPy names what it may not, and by other names before its version 2.4.
_NO_AVX512 = "X86_V4 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
PROCESSORS = {
    "native": {},
    "avx2": {
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": _NO_AVX512,
    },
    "sse4": {
        "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": f"{_NO_AVX512} X86_V3 AVX F16C FMA3 AVX2",
    },
}


def parser_for(program: str) -> argparse.ArgumentParser:
    """Return the parser of a program with this description; it takes names of notebooks."""
    parser = argparse.ArgumentParser(description=program.splitlines()[0])
    every = sorted(NOTEBOOKS.glob("*.ipynb"))
    parser.add_argument("notebooks", nargs="*", type=_absolute, default=every, metavar="NOTEBOOK")
    return parser


def _absolute(name: str) -> Path:
    return Path(name).resolve()


def run_cells(
    notebook: NotebookNode, folder: Path, variables: dict[str, str] | None = None, **settings: Any
) -> None:
    """Execute the cells in a fresh kernel in a folder, and store the outputs in the notebook.

    `variables` are added to the environment of the kernel, `settings` are those of NotebookClient.
    Raises nbclient's CellExecutionError (unless `allow_errors` is set), CellTimeoutError and
    DeadKernelError.
    """
    resources = {"metadata": {"path": str(folder)}}
    settings = {"timeout": 600, "kernel_name": "python3", "resources": resources} | settings
    # Neither times nor ids of widgets: they differ in each run.
    settings |= {"coalesce_streams": True, "record_timing": False, "store_widget_state": False}
    client = NotebookClient(notebook, **settings)
    client.execute(env=os.environ | SHOW_FIGURES | (variables or {}))


def executed(path: Path, first: str, variables: dict[str, str] | None = None) -> NotebookNode:
    """Return the notebook after a run in which the code `first` came before its first cell.

    The run goes on where a cell raises. `variables` are added to the environment of the kernel.
    Raises nbclient's CellTimeoutError and DeadKernelError, and RuntimeError if `first` raises.
    """
    notebook = nbformat.read(path, as_version=4)
    opening = nbformat.v4.new_code_cell(f"import sys; sys.path.append({str(TOOLS)!r})\n{first}")
    notebook.cells.insert(0, opening)
    run_cells(notebook, path.parent, variables, allow_errors=True)
    opening = notebook.cells.pop(0)
    if any(output.output_type == "error" for output in opening.outputs):
        raise RuntimeError(f"the code before the first cell raised: {opening.outputs[-1].evalue}")
    return notebook


def kept(file: Path, key: str, found: Callable[[], Any]) -> Any:
    """Return what a file keeps under a key; what is not there yet is found, and kept."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as lines:
        lines.seek(0)
        known = dict(map(json.loads, lines))
        if key not in known:
            known[key] = found()
            lines.write(json.dumps([key, known[key]]) + "\n")
    return known[key]


def fingerprint(path: Path, *others: Path) -> str:
    """Return what changes with the code of a notebook, of what it imports, or of the other files.

    What it imports is looked for in the files of the module. Neither the exercises count nor the
    cell to take away: no other cell depends on how the ones reply and what the other prints.
    """
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(c.source for c in cells if c.cell_type == "code" and not is_taken_away(c))
    digest = hashlib.sha256(code.encode())
    for file in sorted([*imported_files(code), *others]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def is_taken_away(cell: NotebookNode) -> bool:
    """Return whether a cell is the one that readers take with them, which stands for itself."""
    return "take-away" in cell.metadata.get("tags", [])


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
    """Return the names of lossutils that some code imports, modules or not.

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
