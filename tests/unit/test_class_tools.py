"""What an instructor hands out, and what the collected notebooks say."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import collect
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


ANSWER = "<details><summary>The answer</summary>\n\nIt is (c).\n\n</details>"
FOLD = re.compile(r"<details>((?!</details>).)*</details>\s*", re.DOTALL)


def cell(source: str, *said: str):
    """A code cell that has been run."""
    outputs = [new_output("stream", name="stdout", text=text) for text in said]
    return new_code_cell(source, outputs=outputs, execution_count=1)


def submitted(folder: Path, person: str, name: str, *cells) -> None:
    """Write the notebook of a person."""
    (folder / person).mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells)), folder / person / name)


def convert(what: str, output: Path, *arguments: object) -> None:
    """Run the command of TEACHING.md that makes the handout, or the exercises for paper."""
    guide = (NOTEBOOKS / "TEACHING.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"^jupyter (nbconvert --config tools/{what}_config.py)", guide, re.M)
    command = [sys.executable, "-m", *line.split(), "--output-dir", output, *arguments]
    subprocess.run(list(map(str, command)), cwd=NOTEBOOKS.parent, check=True, capture_output=True)


def checks(notebook) -> int:
    """How many exercises a notebook has."""
    code = (c for c in notebook.cells if c.cell_type == "code")
    return len([answer for c in code for answer in collect.answers_in(c)])


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A notebook with an exercise that has been tried."""
    cells = [
        new_markdown_cell("# A tube\n\n> **Predict.** How wide is it?"),
        cell("from lossutils.teaching.exercises import tube", "Two."),
        new_markdown_cell(f"{ANSWER}\n\nAnd how steep?\n\n{ANSWER}"),
        new_markdown_cell(ANSWER),
        new_markdown_cell("So.\n\n### Exercise 1: a width\n\nNo `tube.delta.solution()` yet."),
        cell("from lossutils.teaching.exercises import tube\n\na = ...\ntube.delta.check(a)", "No"),
        cell("# tube.delta.hint()"),
        cell("# tube.delta.solution()    # remove the first # to see the solution"),
        cell("tube.delta.solution()"),
    ]
    cells[1].metadata["jupyter"] = {"outputs_hidden": True}
    submitted(tmp_path, "author", "77_small.ipynb", *cells)
    return tmp_path / "author" / "77_small.ipynb"


def test_a_handout_has_no_solutions_no_results_and_no_answers(small: Path, tmp_path: Path) -> None:
    convert("handout", tmp_path / "class", small)
    before, after = (nbformat.read(p, 4).cells for p in (small, tmp_path / "class" / small.name))
    before[2].source = "And how steep?"
    assert [c.source for c in after] == [before[i].source for i in (0, 1, 2, 4, 5, 6)]
    assert after[1].outputs == [] and after[1].execution_count is None
    assert after[1].metadata.jupyter == {}


def test_a_handout_may_keep_the_results(small: Path, tmp_path: Path) -> None:
    convert("handout", tmp_path / "class", "--ClearOutputPreprocessor.enabled=False", small)
    after = nbformat.read(tmp_path / "class" / small.name, as_version=4).cells
    assert len(after) == 6 and after[1].outputs[0].text == "Two."
    assert after[1].metadata.jupyter.outputs_hidden


def test_paper_has_the_exercises_alone(small: Path, tmp_path: Path) -> None:
    convert("exercises", tmp_path, small)
    page = (tmp_path / "77_small.html").read_text(encoding="utf-8")
    text = re.sub(r"<style>.*?</style>|<[^>]+>", "", page, flags=re.DOTALL).split()
    wanted = "A tube Name A tube Exercise 1: a width No tube.delta.solution() yet. a = ..."
    assert " ".join(text) == wanted
    assert page.count('class="room"') == 6


def test_paper_is_there_for_every_notebook(tmp_path: Path) -> None:
    convert("exercises", tmp_path)
    for path in NOTEBOOKS.glob("[0-9]*.ipynb"):
        page = (tmp_path / f"{path.stem}.html").read_text(encoding="utf-8")
        named = (c.source for c in nbformat.read(path, as_version=4).cells)
        wanted = "\n".join(named).count("### Exercise ")
        assert page.count(">Exercise ") == wanted == page.count('class="source"')
        assert "solution()" not in page and "Recap" not in page and 'class="result"' not in page


@pytest.mark.slow
def test_every_notebook_loses_exactly_its_solutions(tmp_path: Path) -> None:
    convert("handout", tmp_path)
    for path in NOTEBOOKS.glob("[0-9]*.ipynb"):
        before, after = (nbformat.read(p, as_version=4) for p in (path, tmp_path / path.name))
        solutions = sum(".solution()" in c.source for c in before.cells if c.cell_type == "code")
        assert solutions >= 1
        answers = sum(c.source.count("<details>") for c in before.cells)
        alone = [c for c in before.cells if re.fullmatch(FOLD, c.source)]
        assert answers >= 1 and not any("<details>" in c.source for c in after.cells)
        assert len(after.cells) == len(before.cells) - solutions - len(alone)
        assert not any(".solution()" in c.source for c in after.cells)
        assert not any(c.get("outputs") for c in after.cells)
        nbformat.validate(after)
        named = "\n".join(c.source for c in after.cells if c.cell_type == "markdown")
        assert checks(after) == named.count("### Exercise ") >= 1
    assert any((tmp_path / "images").iterdir())


# Two notebooks that were handed out, with three exercises.
STUB = "Not yet. Not answered yet."
FIRST = [
    new_markdown_cell("## A tube\n\n### Exercise 1: its width (5 min)"),
    cell("tube.delta.check(...)", STUB),
    new_markdown_cell("### Exercise 2: its slope (5 min)"),
    cell("tube.slope.check(...)", STUB),
]
SECOND = [new_markdown_cell("### Exercise 1: a cut (5 min)"), cell("cut.best.check(...)", STUB)]
# What came back of them.
WIDE, FLAT = "Correct. Wide enough.", "Not yet. It is flat."
DELTA, SLOPE = cell("tube.delta.check(2)", WIDE), cell("slope = 0\ntube.slope.check(slope)", FLAT)
STEEP = cell("tube.slope.check(3)", "Correct. As steep as it should be.\nAnd no steeper.")
CUT = cell("cut.best.check(1)", "Correct.")


def failed(source: str, name: str, value: str):
    """A code cell that has raised."""
    error = new_output("error", ename=name, evalue=value, traceback=[])
    return new_code_cell(source, outputs=[error], execution_count=1)


def result(*cells) -> dict[str, str]:
    """The state of each exercise in some cells."""
    answers = collect.best(answer for one in cells for answer in collect.answers_in(one))
    return {name: collect.STATES[rank] for name, (rank, _) in answers.items()}


@pytest.fixture
def handed_out(tmp_path: Path) -> Path:
    """The folder of the notebooks that the class got."""
    submitted(tmp_path, "originals", "01_tube.ipynb", *FIRST)
    submitted(tmp_path, "originals", "02_cut.ipynb", *SECOND)
    return tmp_path / "originals"


@pytest.fixture
def class_of_eight(tmp_path: Path) -> Path:
    """What comes back from a class: each folder has another trouble."""
    folder = tmp_path / "class"
    # On Windows, in an editor that marks its files.
    submitted(folder, "anna", "01_tube.ipynb", cell("import x\r\ntube.delta.check(2)\r\n", WIDE))
    path = folder / "anna" / "01_tube.ipynb"
    path.write_text(path.read_text().replace("\n", "\r\n"), encoding="utf-8-sig", newline="")
    # Cut off while it was sent, but another one is well.
    submitted(folder, "ben", "01_tube.ipynb", DELTA, SLOPE)
    path = folder / "ben" / "01_tube.ipynb"
    path.write_text(path.read_text()[:-40])
    submitted(folder, "ben", "02_cut.ipynb", CUT)
    # The kernel died in one cell: the next were never run.
    submitted(folder, "cleo", "01_tube.ipynb", DELTA, new_code_cell("tube.slope.check(3)"))
    # The quotes of another language.
    german = failed("tube.delta.check(„2“)", "SyntaxError", "invalid character '„' (U+201E)")
    submitted(folder, "dora", "01_tube.ipynb", german, SLOPE)
    # An untouched copy beside the solved ones, and what JupyterLab keeps.
    submitted(folder, "emil", "01_tube.ipynb", *FIRST)
    submitted(folder, "emil", "01_tube-Copy1.ipynb", DELTA)
    submitted(folder / "emil", "old", "01_tube.ipynb", STEEP)
    submitted(folder / "emil", ".ipynb_checkpoints", "01_tube-checkpoint.ipynb", CUT)
    # Renamed, by a browser too.
    submitted(folder, "fritz", "homework (final).ipynb.txt", DELTA, SLOPE)
    # In the folder of the class, and beside it what a Mac packs.
    submitted(folder, ".", "gina_01_tube (1).ipynb", DELTA, STEEP)
    submitted(folder, "__MACOSX", "._01_tube.ipynb", CUT)
    # Nothing.
    (folder / "hugo").mkdir()
    return folder


def test_a_class_of_eight_in_a_table(class_of_eight, handed_out, tmp_path, capsys) -> None:
    arguments = [class_of_eight, "--of", handed_out, "--output", tmp_path / "out"]
    assert collect.main(list(map(str, arguments))) == 0
    with (tmp_path / "out" / "class.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["", "01 Exercise 1: its width", "01 Exercise 2: its slope", "02 Exercise 1: a cut"],
        ["anna", "right", "missing", "missing"],
        ["ben", "missing", "missing", "right"],
        ["cleo", "right", "not run", "missing"],
        ["dora", "crashed", "wrong", "missing"],
        ["emil", "right", "right", "missing"],
        ["fritz", "right", "wrong", "missing"],
        ["gina", "right", "right", "missing"],
        ["hugo", "missing", "missing", "missing"],
    ]
    said, complaints = capsys.readouterr()
    assert said.splitlines() == [
        "5 right, 1 crashed, 2 missing: 01 Exercise 1: its width",
        "2 right, 2 wrong, 1 not run, 3 missing: 01 Exercise 2: its slope",
        "1 right, 7 missing: 02 Exercise 1: a cut",
        f"8 people in {tmp_path / 'out'}",
    ]
    assert complaints == "ben: 01_tube.ipynb: The file cannot be read: NotJSONError.\n"
    page = (tmp_path / "out" / "class.html").read_text(encoding="utf-8")
    assert page.count("<tr>") == 9 and page.count('<td class="crashed">crashed</td>') == 1


def test_each_gets_the_replies(class_of_eight, handed_out, tmp_path, capsys) -> None:
    arguments = [class_of_eight, "--of", handed_out, "--output", tmp_path / "out"]
    collect.main(list(map(str, arguments)))
    letters = {p.stem: p.read_text(encoding="utf-8") for p in (tmp_path / "out").rglob("*.txt")}
    assert set(letters) == {"anna", "ben", "cleo", "dora", "emil", "fritz", "gina", "hugo"}
    assert letters["gina"] == (
        "gina\n\n"
        "01 Exercise 1: its width: right\nCorrect. Wide enough.\n\n"
        "01 Exercise 2: its slope: right\nCorrect. As steep as it should be.\nAnd no steeper.\n"
    )
    assert "SyntaxError: invalid character '„'" in letters["dora"]
    assert "its slope: missing\nNo cell that checks" in letters["anna"]
    assert "its slope: not run\nRun the cell" in letters["cleo"]
    assert "01_tube.ipynb: crashed\nThe file cannot be read" in letters["ben"]


def test_a_name_is_no_markup(class_of_eight, handed_out, tmp_path) -> None:
    submitted(class_of_eight, "<b>ina", "01_tube.ipynb", DELTA)
    collect.main([str(class_of_eight), "--of", str(handed_out), "--output", str(tmp_path / "out")])
    assert "&lt;b&gt;ina" in (tmp_path / "out" / "class.html").read_text(encoding="utf-8")


def test_what_is_printed_besides_does_not_pass_for_a_check() -> None:
    assert result(cell("tube.delta.check(2)\nprint('Correct.')", "Not yet. No.\nCorrect.\n")) == {
        "tube.delta": "wrong"
    }
    assert result(cell("# tube.delta.check(2)\nprint('Correct.')", "Correct.")) == {}
    assert result(new_code_cell("tube.delta.check(2)")) == {"tube.delta": "not run"}


def test_checks_in_one_cell_are_told_apart() -> None:
    both = "tube.delta.check(2)\ntube.slope.check(0)"
    assert result(cell(both, f"{WIDE}\n{FLAT}\n")) == {"tube.delta": "right", "tube.slope": "wrong"}
    stopped = failed(both, "NameError", "no")
    stopped.outputs.insert(0, new_output("stream", name="stdout", text=f"{WIDE}\n"))
    assert result(stopped) == {"tube.delta": "right", "tube.slope": "crashed"}


@pytest.mark.slow
def test_a_run_counts_nothing_that_was_typed_and_survives_hanging_and_dying(tmp_path) -> None:
    teach = "class tube:\n    class delta:\n        check = print\n    slope = width = delta"
    left_out = cell("tube.open.check('Correct.')", "Correct. Typed.")
    left_out.metadata["tags"] = ["skip-execution"]
    submitted(
        tmp_path, "anna", "tries.ipynb",
        cell(teach), cell("1 / 0"), left_out,
        cell("tube.delta.check('Correct.')", "Not yet. Typed."),
        cell("while True: pass\ntube.slope.check('Correct.')", "Correct. Typed."),
        cell("import os; os._exit(1)\ntube.end.check('Correct.')", "Correct. Typed."),
        cell("tube.width.check('Not yet.')", "Correct. Typed."),
    )  # fmt: skip
    answers = collect.collect(tmp_path, limit=3)["anna"]
    states = {name: collect.STATES[rank] for name, (rank, _) in answers.items()}
    assert states == {
        "tube.open": "not run", "tube.delta": "right", "tube.slope": "crashed",
        "tube.end": "crashed", "tube.width": "wrong",
    }  # fmt: skip
    assert answers["tube.slope"][1].startswith("CellTimeoutError: the cell ran for more than 3 s")
    assert answers["tube.end"][1].startswith("DeadKernelError")


def test_the_notebooks_say_which_exercises_there_are() -> None:
    titles = collect.titles_of(NOTEBOOKS)
    assert titles["threshold.best_threshold"] == "04 Exercise 1: the cut of a smoke detector"
    assert len(set(titles.values())) == len(titles) > 35


def test_an_empty_folder_is_said(tmp_path, capsys) -> None:
    assert collect.main([str(tmp_path)]) == 1
    assert "no notebook" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        collect.main([str(tmp_path / "missing")])
