"""Execute notebooks in fresh kernels and store them so that a second run changes no byte.

    python tools/execute.py [--check | --twice | --tidy] [NOTEBOOK ...]

Without names: every notebook in notebooks/. A notebook that raises, or that writes to stderr (an
unexpected warning does), is reported and left as it was. --check stores nothing and fails where
the stored notebook differs. Pictures differ in their bytes from machine to machine: --check is
for the machine that executed them, the tests compare everything else.

--twice stores nothing. It executes each code cell twice in a row, as a reader does who tries
something out, and fails where the text below it is not, both times, what is stored.

--tidy executes nothing and stores the form only: ids, tags, and what is folded. What comes out
below a Predict is folded, and the title promises the minutes of reading_time.py.
"""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import reading_time
from kernel_runs import COMPARE, ROOT, executed, outputs_of, parser_for
from nbformat import NotebookNode

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PREDICT = re.compile(r"^> \*\*Predict\.\*\*", re.MULTILINE)
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Remove, in place, what differs between runs or belongs to a viewer; return the notebook.

    Of a widget the view goes (its id is random); its text and its picture stay.
    """
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    is_predicted = False
    for position, cell in enumerate(notebook.cells):
        normalise_cell(cell, position, is_predicted)
        is_text = cell.cell_type == "markdown"
        is_predicted = bool(PREDICT.search(cell.source)) or (is_predicted and is_text)
    for _, output in outputs_of(notebook):
        if "data" in output:
            output.data.pop(WIDGET_VIEW, None)
            output.metadata = filled(output.metadata)
    reading_time.promise(notebook)
    return notebook


def normalise_cell(cell: NotebookNode, position: int, is_predicted: bool) -> None:
    """Keep the id and the tags of a cell, and what is folded; an id that is missing is made."""
    cell.setdefault("id", f"cell-{position:02d}")
    cell.source = cell.source.rstrip("\n")
    folded = {"source_hidden": reading_time.is_folded(cell), "outputs_hidden": is_predicted}
    jupyter = filled(folded) if cell.cell_type == "code" else {}
    cell.metadata = filled({"tags": cell.metadata.get("tags"), "jupyter": jupyter})


def filled(metadata: dict) -> NotebookNode:
    """Return metadata without what is empty."""
    return nbformat.from_dict({key: value for key, value in metadata.items() if value})


def execute(path: Path) -> tuple[NotebookNode, list[str]]:
    """Return a notebook after a run in a fresh kernel, normalised, and what was wrong."""
    notebook, problems = executed(path)
    return normalise(notebook), problems


def text_of(notebook: NotebookNode) -> str:
    """Return the text of the file of a notebook."""
    return nbformat.writes(notebook, version=4) + "\n"


def store(path: Path) -> list[str]:
    """Execute a notebook and store it unless something is wrong; return that."""
    notebook, problems = execute(path)
    if not problems:
        path.write_text(text_of(notebook), encoding="utf-8", newline="\n")
    return problems


def check(path: Path) -> list[str]:
    """Store nothing, fail on a difference."""
    notebook, problems = execute(path)
    same = text_of(notebook) == path.read_text(encoding="utf-8")
    return problems if same else [*problems, "differs from what is stored"]


def twice(path: Path) -> list[str]:
    """Run each cell twice, store nothing, fail on a difference."""
    notebook = nbformat.read(path, as_version=4)
    cells = [(cell, time) for cell in notebook.cells for time in ("first", "second")]
    notebook.cells = [nbformat.from_dict(cell | {"id": f"{cell.id}-{t}"}) for cell, t in cells]
    with TemporaryDirectory() as folder:
        nbformat.write(notebook, Path(folder) / path.name)
        command = [sys.executable, *COMPARE, folder]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return [f"with every cell there twice:\n{done.stdout}"] if done.returncode else []


def tidy(path: Path) -> list[str]:
    """Execute nothing, store the form."""
    text = text_of(normalise(nbformat.read(path, as_version=4)))
    path.write_text(text, encoding="utf-8", newline="\n")
    return []


def report(path: Path, problems: list[str]) -> bool:
    """Print whether all is well with a notebook, and return it."""
    print(f"{path.name:40} {'failed' if problems else 'well'}", flush=True)
    for problem in problems:
        print(f"    {problem}", file=sys.stderr)
    return not problems


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when all is well, else 1."""
    parser = parser_for(__doc__)
    mode = parser.add_mutually_exclusive_group()
    parser.set_defaults(act=store)
    for act in (check, twice, tidy):
        option = f"--{act.__name__}"
        mode.add_argument(option, dest="act", action="store_const", const=act, help=act.__doc__)
    options = parser.parse_args(arguments)
    return int(not all([report(path, options.act(path)) for path in options.notebooks]))


if __name__ == "__main__":
    sys.exit(main())
