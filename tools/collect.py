"""Collect what a class has solved: a table for the teacher, and a letter for each learner.

    python tools/collect.py FOLDER [--run] [--limit 60] [--output build/class]

FOLDER holds what came back: a folder for each person, or files that lie in FOLDER itself. A
notebook is known by the checks that it calls, whatever its name, and of several copies the best
answer counts. class.csv and class.html say for each person and exercise: right or wrong (its check
said so), crashed (an error, or --run found no end), not run, or missing (no cell calls the check).
The folder feedback has a file for each person, with the replies.

The answers are read from the results that are stored, and nothing is executed. Results can be
typed by hand: with --run they are thrown away, and every notebook is executed in a fresh kernel and
in its own folder, each cell for at most --limit seconds. That runs the code of the learners, so do
it where you would let them work.

Which exercises there are, is read from notebooks/, or from the folder named with --of.
"""

import argparse
import csv
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import nbformat
from jinja2 import Environment, FileSystemLoader
from kernel_runs import NOTEBOOKS, ROOT, run_cells
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_notebook, new_output

EXERCISE = re.compile(r"^### (Exercise .*?)(?: \(\d+ min\))?$", re.MULTILINE)
CHECK = re.compile(r"^[ \t]*(\w+\.\w+)\.check\(", re.MULTILINE)
REPLY = re.compile(r"(?ms)^(?:Correct|Not yet)\..*?(?=^Correct\.|^Not yet\.|\Z)")
STATES = ("missing", "not run", "crashed", "wrong", "right")  # from worst to best
MISSING, NOT_RUN, CRASHED, WRONG, RIGHT = range(5)
Answer = tuple[int, str]  # the place of its state in STATES, and the reply
Answers = dict[str, Answer]  # by the name of the check, or of a file that could not be read
NOTHING = MISSING, "No cell that checks this exercise came back."


def titles_of(folder: Path) -> dict[str, str]:
    """Return "04 Exercise 1: ..." for each check in the notebooks that were handed out."""
    titles, title = {}, ""
    for path in sorted(folder.glob("[0-9]*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                titles |= {name: f"{path.name[:2]} {title}" for name in CHECK.findall(cell.source)}
            title = (EXERCISE.findall(cell.source) or [title])[-1]
    return titles


def answers_in(cell: NotebookNode) -> list[tuple[str, Answer]]:
    """Return what each check in a code cell said, in order."""
    names, outputs = CHECK.findall(cell.source), cell.get("outputs", [])
    replies = REPLY.findall("".join(output.get("text", "") for output in outputs))
    said = [(RIGHT if reply.startswith("Correct") else WRONG, reply.strip()) for reply in replies]
    if len(said) > len(names):  # something else was printed: it may not pass for a check
        said = [min(said)] * len(names)
    errors = [f"{o.ename}: {o.evalue}"[:300] for o in outputs if o.output_type == "error"]
    silent = (CRASHED, errors[0]) if errors else (NOT_RUN, "Run the cell, save, and send it again.")
    return list(zip(names, said + [silent] * (len(names) - len(said)), strict=True))


def run(notebook: NotebookNode, folder: Path, limit: int) -> None:
    """Execute the cells anew; after one that hangs or ends its kernel, once more without it."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    started: list[int] = []
    settings = {"allow_errors": True, "timeout": limit}
    settings["on_cell_execute"] = lambda cell, cell_index: started.append(cell_index)
    while True:
        for cell in cells:
            cell.outputs = []
        try:
            return run_cells(new_notebook(cells=cells), folder, **settings)
        except (CellTimeoutError, DeadKernelError) as failure:
            why = f"the cell ran for more than {limit} seconds, or it ended Python"
            error = new_output("error", ename=type(failure).__name__, evalue=why)
            cells.pop(started[-1]).outputs = [error]


def best(answers: Iterable[tuple[str, Answer]]) -> Answers:
    """Return the best answer to each exercise."""
    found: Answers = {}
    for name, answer in answers:
        found[name] = max(answer, found.get(name, NOTHING))
    return found


def owner(path: Path, folder: Path) -> str:
    """Return whose file it is: the name of its folder, or its own without that of a notebook."""
    first, *below = path.relative_to(folder).parts
    return first if below else re.sub(r"([\W_]+\d\d_[a-z].*)?\.ipynb.*$", "", first)


def collect(folder: Path, limit: int | None = None) -> dict[str, Answers]:
    """Return what each person sent; no file, whatever is in it, stops the others."""
    learners: dict[str, Answers] = {}
    for path in sorted(folder.rglob("*")):
        if any(part.startswith((".", "__")) for part in path.relative_to(folder).parts):
            continue  # copies that JupyterLab makes, and what a Mac puts into archives
        is_notebook = path.is_file() and ".ipynb" in path.name  # some browsers save .ipynb.txt
        if is_notebook or path.is_dir():
            known = learners.setdefault(owner(path, folder), {})
            known |= best([*known.items(), *(answers_of(path, limit) if is_notebook else [])])
    return learners


def answers_of(path: Path, limit: int | None) -> list[tuple[str, Answer]]:
    """Return the answers in a file, after a run if there is a limit; of a bad file, the reason."""
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8-sig"), as_version=4)
        if limit:
            run(notebook, path.parent, limit)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        return [answer for cell in cells for answer in answers_in(cell)]
    except Exception as problem:  # whatever somebody's file may bring
        return [(path.name, (CRASHED, f"The file cannot be read: {type(problem).__name__}."))]


def asked(names: Iterable[str], titles: dict[str, str]) -> list[str]:
    """Return all exercises of the notebooks to which some of them belong, in order."""
    came = {titles[name][:2] for name in names if name in titles}
    return [name for name, title in titles.items() if title[:2] in came]


def table(learners: dict[str, Answers], titles: dict[str, str]) -> list[list[str]]:
    """Return a head and a row for each person: the exercises of all notebooks that came back."""
    names = asked((name for answers in learners.values() for name in answers), titles)
    rows = [["", *(titles[name] for name in names)]]
    for person, answers in learners.items():
        rows.append([person, *(STATES[answers.get(name, NOTHING)[0]] for name in names)])
    return rows


def letter(person: str, answers: Answers, titles: dict[str, str]) -> str:
    """Return what a person gets to read: each reply, and what is missing."""
    parts = [person]
    for name in dict.fromkeys([*asked(answers, titles), *answers]):
        rank, reply = answers.get(name, NOTHING)
        parts.append(f"{titles.get(name, name)}: {STATES[rank]}\n{reply}")
    return "\n\n".join(parts) + "\n"


def summary(rows: list[list[str]]) -> list[str]:
    """Return a line for each exercise: how many people are in which state."""
    lines = []
    for title, *states in list(zip(*rows, strict=True))[1:]:
        count = Counter(states)
        lines.append(", ".join(f"{count[s]} {s}" for s in STATES[::-1] if count[s]) + f": {title}")
    return lines


def write(output: Path, rows: list[list[str]], letters: dict[str, str]) -> None:
    """Write the table, as CSV and as a page, and the letters."""
    (output / "feedback").mkdir(parents=True, exist_ok=True)
    # With the mark (sig) by which Excel knows UTF-8.
    with (output / "class.csv").open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows(rows)
    templates = Environment(loader=FileSystemLoader(ROOT / "tools" / "templates"), autoescape=True)
    page = templates.get_template("class.html.j2").render(rows=rows)
    (output / "class.html").write_text(page, encoding="utf-8")
    for person, text in letters.items():
        (output / "feedback" / f"{person}.txt").write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 1 if nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--run", action="store_true", help="execute the notebooks first")
    parser.add_argument("--limit", type=int, default=60, help="seconds for a cell of --run")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "class")
    parser.add_argument("--of", type=Path, default=NOTEBOOKS, help="what was handed out")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is no folder")
    learners = collect(options.folder, options.limit if options.run else None)
    if not any(learners.values()):
        print(f"{options.folder}: no notebook with an exercise")
        return 1
    titles = titles_of(options.of)
    rows = table(learners, titles)
    letters = {person: letter(person, answers, titles) for person, answers in learners.items()}
    write(options.output, rows, letters)
    print("\n".join([*summary(rows), f"{len(letters)} people in {options.output}"]))
    for person, answers in learners.items():
        for name in answers.keys() - titles.keys():
            print(f"{person}: {name}: {answers[name][1]}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
