"""tools/execute.py: which cell begins a slide, what is folded, and that nothing else changes."""

import execute
import kernel_runs
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PATHS = sorted(kernel_runs.NOTEBOOKS.glob("*.ipynb"))


def stored_types(notebook):
    """Return the slide types that a notebook holds."""
    return [cell.metadata.get("slideshow", {}).get("slide_type") for cell in notebook.cells]


def test_the_stored_notebooks_are_tidy():
    texts = {path: path.read_text(encoding="utf-8") for path in PATHS}
    tidied = {p: execute.text_of(execute.normalise(nbformat.reads(t, 4))) for p, t in texts.items()}
    wrong = [path.stem for path in PATHS if tidied[path] != texts[path]]
    assert not wrong, "run python tools/execute.py --tidy"


def test_headings_begin_slides_and_everything_else_follows():
    cells = [
        new_markdown_cell("# Title"),
        new_code_cell("from lossutils.teaching import show\nimport keras"),
        new_markdown_cell("## Part\n\nWhy?"),
        new_code_cell("x = 1"),
        new_markdown_cell("So that is why."),
        new_markdown_cell("### Smaller part"),
        new_code_cell("# exercise.hint()"),
        new_markdown_cell("#include is no heading"),
    ]
    assert [execute.slide_type(cell) for cell in cells] == [
        *("slide", "skip", "slide", "fragment", "fragment", "subslide", "skip", "fragment"),
    ]


def test_only_what_a_prediction_asks_for_is_folded():
    cells = [
        new_markdown_cell("# Title\n\n> **Predict.** How many?"),
        new_markdown_cell("Think."),
        new_code_cell("print(2)", metadata={"jupyter": {"source_hidden": True}}),
        new_code_cell("print(3)", metadata={"jupyter": {"outputs_hidden": True}}),
    ]
    folds = [c.metadata.get("jupyter") for c in execute.normalise(new_notebook(cells=cells)).cells]
    assert folds == [None, None, {"source_hidden": True, "outputs_hidden": True}, None]


def test_types_are_stored_and_nothing_else_changes(tmp_path):
    path = tmp_path / "small.ipynb"
    cells = [new_markdown_cell("# Title", id="a"), new_code_cell("1", id="b")]
    cells[1].metadata["tags"] = ["D1.1"]
    notebook = new_notebook(cells=cells, metadata=execute.METADATA)
    path.write_text(nbformat.writes(notebook) + "\n")
    before = path.read_text()
    assert execute.main(["--tidy", str(path)]) == 0
    notebook = nbformat.read(path, as_version=4)
    assert stored_types(notebook) == ["slide", "fragment"]
    assert notebook.cells[1].metadata.tags == ["D1.1"]
    for cell in notebook.cells:
        del cell.metadata["slideshow"]
    assert nbformat.writes(notebook) + "\n" == before
