"""Collect what a class has solved: one row for each person, one column for each exercise.

    python tools/collect.py FOLDER [--csv FILE] [--run]

FOLDER holds one folder for each person, with the notebooks that came back. The answers are read
from the results stored in them: yes (the check said "Correct."), no (it said "Not yet."), or a dot
where the check was not run. --run executes every notebook first, in a fresh kernel and in its own
folder: that runs the code of the learners, so do it where you would let them work.
"""

import argparse
import csv
import re
import sys
from pathlib import Path

import nbformat
from kernel_runs import run_cells
from nbformat import NotebookNode

CHECK = re.compile(r"^\s*(\w+)\.(\w+)\.check\(", re.MULTILINE)
Results = dict[str, dict[str, str]]


def result_of(cell: NotebookNode) -> str:
    """Return "yes", "no" or "." for a cell that checks an answer."""
    said = "".join(output.get("text", "") for output in cell.outputs)
    if "Not yet." in said or any(output.output_type == "error" for output in cell.outputs):
        return "no"
    return "yes" if "Correct." in said else "."


def exercises(notebook: NotebookNode) -> dict[str, str]:
    """Return the result of every exercise in a notebook, in order."""
    found = {}
    for cell in notebook.cells:
        match = CHECK.search(cell.source) if cell.cell_type == "code" else None
        if match:
            found[".".join(match.groups())] = result_of(cell)
    return found


def read(path: Path, run: bool) -> NotebookNode:
    """Return a notebook, after a run if wanted; a cell that raises does not stop the others."""
    notebook = nbformat.read(path, as_version=4)
    if run:
        run_cells(notebook, path.parent, allow_errors=True)
    return notebook


def collect(folder: Path, run: bool = False) -> Results:
    """Return the results of each person's notebooks; the folder's name is the person's."""
    results: Results = {}
    for person in sorted(path for path in folder.iterdir() if path.is_dir()):
        results[person.name] = {}
        for path in sorted(person.rglob("[0-9]*.ipynb")):
            if ".ipynb_checkpoints" in path.parts:
                continue
            found = exercises(read(path, run)).items()
            results[person.name] |= {f"{path.name[:2]} {name}": answer for name, answer in found}
    return results


def table(results: Results) -> list[list[str]]:
    """Return a head and one row for each exercise: people may be many, and their names long."""
    rows = [["", *results, "solved by"]]
    for exercise in sorted({exercise for solved in results.values() for exercise in solved}):
        answers = [solved.get(exercise, ".") for solved in results.values()]
        rows.append([exercise, *answers, str(answers.count("yes"))])
    return rows


def lines(rows: list[list[str]]) -> list[str]:
    """Return the rows as text, with columns of equal width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 1 if nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--csv", type=Path, help="write the table into this file as well")
    parser.add_argument("--run", action="store_true", help="execute the notebooks first")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is no folder")
    results = collect(options.folder, options.run)
    if not any(results.values()):
        print(f"{options.folder}: no notebook with an exercise in a folder of a person")
        return 1
    rows = table(results)
    print("\n".join(lines(rows)))
    if options.csv:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(zip(*rows, strict=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
