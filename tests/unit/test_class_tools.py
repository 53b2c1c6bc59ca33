"""What an instructor hands out, and what the collected notebooks say."""

import re
import subprocess
import sys
from pathlib import Path

import collect
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


def handout(output: Path, *arguments: object) -> None:
    """Run the command of TEACHING.md."""
    guide = (NOTEBOOKS / "TEACHING.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^jupyter (nbconvert --config \S+)", guide, re.MULTILINE)
    command = [sys.executable, "-m", *line.split(), "--output-dir", output, *arguments]
    subprocess.run(list(map(str, command)), cwd=NOTEBOOKS.parent, check=True, capture_output=True)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A notebook with an exercise that has been tried."""
    cells = [
        new_markdown_cell("### Exercise 1\n\nNo `tube.delta.solution()` yet."),
        cell("tube.delta.check(...)", "Not yet."),
        cell("# tube.delta.hint()"),
        cell("# tube.delta.solution()    # remove the first # to see the solution"),
        cell("tube.delta.solution()"),
    ]
    submitted(tmp_path, "author", "77_small.ipynb", *cells)
    return tmp_path / "author" / "77_small.ipynb"


def test_a_handout_has_no_solutions_and_no_results(small: Path, tmp_path: Path) -> None:
    handout(tmp_path / "class", small)
    before, after = (nbformat.read(p, 4).cells for p in (small, tmp_path / "class" / small.name))
    assert [c.source for c in after] == [c.source for c in before[:3]]
    assert after[1].outputs == [] and after[1].execution_count is None


def test_a_handout_may_keep_the_results(small: Path, tmp_path: Path) -> None:
    handout(tmp_path / "class", "--ClearOutputPreprocessor.enabled=False", small)
    after = nbformat.read(tmp_path / "class" / small.name, as_version=4).cells
    assert len(after) == 3 and after[1].outputs[0].text == "Not yet."


def test_every_notebook_loses_exactly_its_solutions(tmp_path: Path) -> None:
    handout(tmp_path)
    for path in NOTEBOOKS.glob("[0-9]*.ipynb"):
        before, after = (nbformat.read(p, as_version=4) for p in (path, tmp_path / path.name))
        solutions = sum(".solution()" in c.source for c in before.cells if c.cell_type == "code")
        assert solutions >= 1
        assert len(after.cells) == len(before.cells) - solutions
        assert not any(".solution()" in c.source for c in after.cells)
        assert not any(c.get("outputs") for c in after.cells)
        nbformat.validate(after)
        named = "\n".join(c.source for c in after.cells if c.cell_type == "markdown")
        assert len(collect.exercises(after)) == named.count("### Exercise ") >= 1
    assert any((tmp_path / "images").iterdir())


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
