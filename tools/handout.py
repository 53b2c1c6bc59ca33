"""Make the notebooks that a class gets: without results, and without the cells with solutions.

    python tools/handout.py [--output build/handout] [--keep-outputs] [NOTEBOOK ...]

Without names: every notebook in notebooks/. The exercises can still print their solution; set
LOSSUTILS_SOLUTIONS=off in the environment of the class, and they say that it comes later.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
SOLUTION = re.compile(r"^#?\s*\w+\.\w+\.solution\(\)")


def shows_a_solution(cell: NotebookNode) -> bool:
    """Tell whether a cell is there to print the solution of an exercise."""
    return cell.cell_type == "code" and bool(SOLUTION.match(cell.source))


def handout(notebook: NotebookNode, keep_outputs: bool = False) -> NotebookNode:
    """Return the notebook without solutions, and without results unless they are to be kept."""
    notebook.cells = [cell for cell in notebook.cells if not shows_a_solution(cell)]
    if not keep_outputs:
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
    return notebook


def write(paths: list[Path], output: Path, keep_outputs: bool) -> None:
    """Write the handout of each notebook into the folder, with the pictures of the texts."""
    output.mkdir(parents=True, exist_ok=True)
    for path in paths:
        made = handout(nbformat.read(path, as_version=4), keep_outputs)
        nbformat.write(made, output / path.name)
        print(f"{path.name}: {len(made.cells)} cells")
    shutil.copytree(NOTEBOOKS / "images", output / "images", dirs_exist_ok=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "handout")
    parser.add_argument("--keep-outputs", action="store_true", help="to read without running")
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    options = parser.parse_args(arguments)
    paths = options.notebooks or sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    write(paths, options.output, options.keep_outputs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
