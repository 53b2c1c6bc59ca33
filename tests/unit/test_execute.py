"""tools/execute.py: what it stores, what it refuses to store, and that a second run is equal."""

import re

import execute
import kernel_runs
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

PICTURE = """
from IPython.display import display
png = {"image/png": "iVBORw0KGgo=", "text/plain": "a picture"}
display(png, raw=True, metadata={"alt": "a line that rises", "empty": {}})
"""
WIDGET = """
import ipywidgets
slider = ipywidgets.FloatSlider()
bundle = slider._repr_mimebundle_()
bundle["text/plain"] = "a slider"
display(bundle, raw=True)
"""


def store(path, *sources):
    """Write a notebook with these code cells, as an author's JupyterLab would leave it."""
    cells = [new_code_cell(source, id=f"id-{i}") for i, source in enumerate(sources)]
    notebook = new_notebook(cells=cells, metadata={"widgets": {"state": 1}, "author": "nobody"})
    nbformat.write(notebook, path)
    return path


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook that was executed once."""
    path = store(tmp_path_factory.mktemp("books") / "good.ipynb", "1 + 1", PICTURE, WIDGET)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].metadata = {"tags": ["D1.1"], "slideshow": {"slide_type": "slide"}, "x": 1}
    notebook.cells.insert(0, new_markdown_cell("# Title\n\n", id="title"))
    nbformat.write(notebook, path)
    assert execute.main([str(path)]) == 0
    return path


def test_outputs_are_stored(executed):
    cells = nbformat.read(executed, as_version=4).cells
    assert cells[1].outputs[0].data == {"text/plain": "2"}
    assert [cell.get("execution_count") for cell in cells] == [None, 1, 2, 3]


def test_alternative_text_is_kept_and_empty_metadata_is_not(executed):
    (picture,) = nbformat.read(executed, as_version=4).cells[2].outputs
    assert picture.metadata == {"alt": "a line that rises"}


def test_neither_the_view_nor_the_state_of_a_widget_is_stored(executed):
    notebook = nbformat.read(executed, as_version=4)
    assert notebook.cells[3].outputs[0].data == {"text/plain": "a slider"}
    assert notebook.metadata == execute.METADATA
    assert "widget-view" not in executed.read_text()


def test_ids_and_tags_are_kept_and_nothing_else(executed):
    cells = nbformat.read(executed, as_version=4).cells
    assert [cell.id for cell in cells] == ["title", "id-0", "id-1", "id-2"]
    assert cells[1].metadata == {"tags": ["D1.1"]}
    assert cells[0].source == "# Title"


def test_a_second_run_changes_no_byte(executed):
    before = executed.read_bytes()
    assert execute.main([str(executed)]) == 0
    assert executed.read_bytes() == before


def test_check_reports_a_difference_and_writes_nothing(executed, tmp_path, capsys):
    changed = tmp_path / "changed.ipynb"
    changed.write_text(executed.read_text().replace('"2"', '"3"'))
    before = changed.read_bytes()
    assert execute.main(["--check", str(changed)]) == 1
    assert changed.read_bytes() == before
    assert "differs" in capsys.readouterr().err
    assert execute.main(["--check", str(executed)]) == 0


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 / 0", "cell 1 raised ZeroDivisionError"),
        ("import warnings; warnings.warn('odd')", "cell 1 wrote to stderr"),
        (
            "import os, time; os.write(2, b'low level'); time.sleep(0.5)",
            "cell 1 wrote to stderr: low level",
        ),
        ("import os; os._exit(3)", "DeadKernelError"),
    ],
)
@pytest.mark.slow
def test_a_notebook_that_complains_is_not_stored(tmp_path, monkeypatch, capsys, source, reason):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # with it a kernel leaves file descriptor 2 alone
    path = store(tmp_path / "bad.ipynb", source)
    before = path.read_bytes()
    assert execute.main([str(path)]) == 1
    assert path.read_bytes() == before
    printed = capsys.readouterr()
    assert "failed" in printed.out and reason in printed.err


def test_a_bad_notebook_does_not_stop_the_others(tmp_path):
    bad = store(tmp_path / "bad.ipynb", "1 / 0")
    good = store(tmp_path / "good.ipynb", "print('here')")
    assert execute.main([str(bad), str(good)]) == 1
    assert nbformat.read(good, as_version=4).cells[0].outputs[0].text == "here\n"


def test_a_missing_id_is_made_from_the_position():
    notebook = new_notebook(cells=[new_markdown_cell("a"), new_markdown_cell("b", id="mine")])
    del notebook.cells[0]["id"]
    execute.normalise(notebook)
    assert [cell.id for cell in notebook.cells] == ["cell-00", "mine"]


@pytest.mark.parametrize(
    ("sources", "changes"),
    [
        (["x = 3", "print(x)", "x = x\nprint(x)"], []),
        (["x = 3", "x = x - 1\nprint(x)"], ["Cell 3: "]),
        (["x = [3]", "print(x.pop())", "print(len(x))"], ["Cell 3: "]),
        (["x = [3, 4]", "_ = x.pop()", "print(len(x))"], ["Cell 4: ", "Cell 5: "]),
    ],
    ids=["the same", "counts down", "raises", "changes what a later cell prints"],
)
@pytest.mark.slow
def test_each_cell_can_be_run_twice_in_a_row(tmp_path, capsys, sources, changes):
    path = store(tmp_path / "repeated.ipynb", *sources)
    assert execute.main([str(path)]) == 0
    before = path.read_bytes()
    assert execute.main(["--twice", str(path)]) == int(changes != [])
    assert path.read_bytes() == before
    assert re.findall("Cell .: ", capsys.readouterr().err) == changes


def test_each_complaint_names_its_cell():
    cells = [new_code_cell("a"), new_code_cell("b")]
    cells[0].outputs = [new_output("stream", name="stdout", text="fine")]
    cells[1].outputs = [new_output("stream", name="stderr", text="W0000 a log line\n")]
    found = kernel_runs.complaints(new_notebook(cells=cells))
    assert found == ["cell 2 wrote to stderr: W0000 a log line"]


@pytest.mark.slow
def test_code_may_come_first_and_cells_still_count_from_one(tmp_path):
    path = store(tmp_path / "bad.ipynb", "print(reading_time.STEP)", "1 / 0", "print('on')")
    notebook, problems = kernel_runs.executed(path, "import reading_time", allow_errors=True)
    assert problems == ["cell 2 raised ZeroDivisionError: division by zero"]
    texts = [output.get("text") for _, output in kernel_runs.outputs_of(notebook)]
    assert texts == ["5\n", None, "on\n"]
    _, problems = kernel_runs.executed(path, "import no_such_file")
    assert problems == ["cell 0 raised ModuleNotFoundError: No module named 'no_such_file'"]
