"""Execute notebooks in fresh kernels, under other conditions if wanted, and keep what was found."""

import argparse
import hashlib
import os
from collections.abc import Iterator
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
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
    named = {"nargs": "*", "metavar": "NOTEBOOK", "type": lambda name: Path(name).resolve()}
    parser.add_argument("notebooks", default=sorted(NOTEBOOKS.glob("*.ipynb")), **named)
    return parser


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


def executed(
    path: Path, first: str = "", variables: dict[str, str] | None = None, **settings: Any
) -> tuple[NotebookNode, list[str]]:
    """Return a notebook after a run in a fresh kernel, and what was wrong, a line for each thing.

    Code that is to come `first` becomes its first cell, and may import what stands in this folder.
    `variables` and `settings` are those of `run_cells`.
    """
    notebook, problems = nbformat.read(path, as_version=4), []
    if first:
        code = f"import sys; sys.path.append({str(TOOLS)!r})\n{first}"
        notebook.cells.insert(0, nbformat.v4.new_code_cell(code))
    try:
        run_cells(notebook, path.parent, variables, **settings)
    except CellExecutionError:
        pass  # the error is among the outputs, where `complaints` finds it
    except (CellTimeoutError, DeadKernelError) as failure:
        problems.append(f"{type(failure).__name__}: {str(failure).splitlines()[0]}")
    return notebook, problems + complaints(notebook, number=0 if first else 1)


def complaints(notebook: NotebookNode, number: int = 1) -> list[str]:
    """Return one line for each output that is an error or went to stderr, with its cell."""
    found = []
    for cell, output in outputs_of(notebook, number):
        if output.output_type == "error":
            found.append(f"cell {cell} raised {output.ename}: {output.evalue}")
        elif output.get("name") == "stderr":
            found.append(f"cell {cell} wrote to stderr: {output.text.strip()}")
    return found


def outputs_of(notebook: NotebookNode, number: int = 1) -> Iterator[tuple[int, NotebookNode]]:
    """Yield each output of a notebook behind the number of its cell; that of the first is given."""
    for position, cell in enumerate(notebook.cells, number):
        for output in cell.get("outputs", []):
            yield position, output


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
    finder = _Finder([str(ROOT)], excludes=["lossutils.teaching.exercises"])
    finder.scan_code(compile(code, "notebook", "exec"), finder.add_module("notebook"))
    return {Path(found.__file__) for found in finder.modules.values() if found.__file__}


class _Finder(ModuleFinder):
    """Knows where the names of lossutils come from, which are imported when they are used."""

    def ensure_fromlist(self, module: Any, names: Any, recursive: int = 0) -> None:
        """Look for the modules among the names that are imported from a module."""
        homes = [lossutils._HOME.get(name, name) for name in names]
        super().ensure_fromlist(module, homes, recursive)
