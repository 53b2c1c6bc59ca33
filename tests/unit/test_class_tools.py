"""What an instructor hands out, and what the collected notebooks say."""

from pathlib import Path

import collect
import handout
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def cell(source: str, *said: str):
    """A code cell that has been run."""
    outputs = [new_output("stream", name="stdout", text=text) for text in said]
    return new_code_cell(source, outputs=outputs, execution_count=1)


def submitted(folder: Path, person: str, name: str, *cells) -> None:
    """Write the notebook of a person."""
    (folder / person).mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells)), folder / person / name)


def test_a_handout_has_no_solutions_and_no_results() -> None:
    notebook = new_notebook(
        cells=[
            new_markdown_cell("### Exercise 1"),
            cell("tube.delta.check(...)", "Not yet."),
            cell("# tube.delta.hint()"),
            cell("# tube.delta.solution()    # remove the first # to see the solution"),
        ]
    )
    made = handout.handout(notebook)
    assert [c.source for c in made.cells] == [
        "### Exercise 1",
        "tube.delta.check(...)",
        "# tube.delta.hint()",
    ]
    assert made.cells[1].outputs == [] and made.cells[1].execution_count is None


def test_a_handout_may_keep_the_results() -> None:
    notebook = new_notebook(cells=[cell("print(1)", "1"), cell("a.b.solution()")])
    assert [c.outputs[0].text for c in handout.handout(notebook, keep_outputs=True).cells] == ["1"]


def test_every_notebook_loses_exactly_its_solutions(tmp_path, capsys) -> None:
    handout.main(["--output", str(tmp_path)])
    for path in NOTEBOOKS.glob("[0-9]*.ipynb"):
        before, after = (nbformat.read(p, as_version=4) for p in (path, tmp_path / path.name))
        solutions = sum(".solution()" in c.source for c in before.cells if c.cell_type == "code")
        assert solutions >= 1
        assert len(after.cells) == len(before.cells) - solutions
        assert not any(".solution()" in c.source for c in after.cells)
        nbformat.validate(after)
        named = "\n".join(c.source for c in after.cells if c.cell_type == "markdown")
        assert len(collect.exercises(after)) == named.count("### Exercise ") >= 1
    assert (tmp_path / "images").is_dir()


def test_collecting_reads_what_each_check_said(tmp_path, capsys) -> None:
    solved = cell("tube.delta.check(2)", "Correct. Well.")
    wrong = cell("def f():\n    return ...\n\ntube.slope.check(f)", "Not yet. Look.")
    submitted(tmp_path, "anna", "02_closures.ipynb", solved, wrong)
    submitted(tmp_path, "ben", "02_closures.ipynb", cell("tube.delta.check(3)"), solved)
    submitted(tmp_path, "ben", "04_thresholds.ipynb", cell("cut.best.check(1)", "Correct."))
    (tmp_path / "cleo").mkdir()
    assert collect.collect(tmp_path) == {
        "anna": {"02 tube.delta": "yes", "02 tube.slope": "no"},
        "ben": {"02 tube.delta": "yes", "04 cut.best": "yes"},
        "cleo": {},
    }
    assert collect.main([str(tmp_path), "--csv", str(tmp_path / "class.csv")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "               anna  ben  cleo  solved by",
        "02 tube.delta  yes   yes  .     2",
        "02 tube.slope  no    .    .     0",
        "04 cut.best    .     yes  .     1",
    ]
    assert (tmp_path / "class.csv").read_text().splitlines()[1] == "anna,yes,no,."


def test_a_check_that_was_not_run_or_raised_is_not_solved() -> None:
    error = new_output("error", ename="NameError", evalue="x", traceback=[])
    raised = new_code_cell("a.b.check(x)", outputs=[error])
    assert collect.exercises(new_notebook(cells=[raised])) == {"a.b": "no"}
    assert collect.exercises(new_notebook(cells=[cell("a.b.check(x)")])) == {"a.b": "."}


def test_running_replaces_what_was_stored(tmp_path) -> None:
    check = "class a:\n    class b:\n        check = print\na.b.check('Correct.')"
    submitted(tmp_path, "anna", "01_x.ipynb", cell("1 / 0"), cell(check, "Not yet."))
    assert collect.collect(tmp_path) == {"anna": {"01 a.b": "no"}}
    assert collect.collect(tmp_path, run=True) == {"anna": {"01 a.b": "yes"}}


def test_an_empty_folder_is_said(tmp_path, capsys) -> None:
    assert collect.main([str(tmp_path)]) == 1
    assert "no notebook" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        collect.main([str(tmp_path / "missing")])
