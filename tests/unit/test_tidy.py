"""tools/execute.py: what is folded, what goes, and that nothing else changes."""

import execute
import kernel_runs
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PATHS = sorted(kernel_runs.NOTEBOOKS.glob("*.ipynb"))


def test_the_stored_notebooks_are_tidy():
    texts = {path: path.read_text(encoding="utf-8") for path in PATHS}
    tidied = {p: execute.text_of(execute.normalise(nbformat.reads(t, 4))) for p, t in texts.items()}
    wrong = [path.stem for path in PATHS if tidied[path] != texts[path]]
    assert not wrong, "run python tools/execute.py --tidy"


def test_only_what_a_prediction_asks_for_is_folded():
    cells = [
        new_markdown_cell("# Title\n\n> **Predict.** How many?"),
        new_markdown_cell("Think."),
        new_code_cell("print(2)", metadata={"jupyter": {"source_hidden": True}}),
        new_code_cell("print(3)", metadata={"jupyter": {"outputs_hidden": True}}),
    ]
    folds = [c.metadata.get("jupyter") for c in execute.normalise(new_notebook(cells=cells)).cells]
    assert folds == [None, None, {"source_hidden": True, "outputs_hidden": True}, None]


def test_tags_stay_and_marks_of_viewers_go(tmp_path):
    path = tmp_path / "small.ipynb"
    cells = [new_markdown_cell("# Title", id="a"), new_code_cell("1", id="b")]
    cells[1].metadata["tags"] = ["D1.1"]
    notebook = new_notebook(cells=cells, metadata=execute.METADATA)
    before = nbformat.writes(notebook) + "\n"
    cells[0].metadata["slideshow"] = {"slide_type": "slide"}
    path.write_text(nbformat.writes(notebook) + "\n")
    assert execute.main(["--tidy", str(path)]) == 0
    assert path.read_text() == before
