"""The benchmarks measure what they say: pure parts, and one small run of each kind of timer."""

import subprocess
import sys
import time
from importlib import import_module
from importlib.metadata import version
from subprocess import PIPE

import loss_steps
import measure
import nbformat
import notebook_costs
import psutil
import pytest
import redraw_probe
import redraws
import run
import seats
import status_page
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from lossutils.teaching import choice, log_slider, slider, switch

WIDGET = """
from lossutils.teaching import explore, new_figure, slider

def line(height):
    figure, axes = new_figure()
    axes.plot([0, 1], [0, height])
    return figure

explore(line, height=slider("height", 0, 5, 1, 1), alt="A line.")
"""


@pytest.mark.parametrize("make", [loss_steps.alone, loss_steps.fit])
def test_a_step_can_be_measured(make):
    (case,) = (case for case in loss_steps.cases() if case.name == "CostThreshold")
    assert measure.seconds(make(case.ours(), case.data)) > 0


@pytest.mark.parametrize("subject", run.SUBJECTS.values())
def test_every_subject_gives_tables(subject):
    assert callable(import_module(subject).tables)


def test_an_unknown_subject_is_refused(capsys):
    with pytest.raises(SystemExit):
        run.main(["--only", "weather"])
    assert "weather" in capsys.readouterr().err


def test_things_take_turns_after_a_call_that_does_not_count():
    calls = []
    actions = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    times = measure.in_turn(actions, rounds=2)
    assert calls == ["a", "b"] + ["a", "b"] * 2
    assert {name: len(values) for name, values in times.items()} == {"a": 2, "b": 2}


def test_seconds_are_those_of_one_call():
    assert 0.01 <= measure.seconds(lambda: time.sleep(0.01), calls=3) < 1


@pytest.fixture
def small_notebook(tmp_path):
    """A notebook with a title, and a widget with one slider."""
    path = tmp_path / "01_small.ipynb"
    title = new_markdown_cell("# Small?\n\n*Read 4 min · run 500 s · exercise 3 min*")
    nbformat.write(new_notebook(cells=[title, new_code_cell(WIDGET)]), path)
    return path


@pytest.mark.slow
def test_a_notebook_gives_its_row(small_notebook):
    name, *minutes, ran, promised, megabytes, kept = notebook_costs.row(small_notebook)
    assert (name, minutes, promised, kept) == ("01_small", ["4", "3"], "500", "yes")
    assert 0 < float(ran) < 500 and 100 < float(megabytes) < 1000


@pytest.mark.slow
def test_a_promise_that_is_not_kept_is_told(small_notebook, monkeypatch):
    notebook = nbformat.read(small_notebook, as_version=4)
    fill = "import time; x = bytearray(b'x') * 300_000_000; time.sleep(0.5)"
    notebook.cells[1].source = fill
    nbformat.write(notebook, small_notebook)
    monkeypatch.setattr(notebook_costs, "MOST_MEGABYTES", 300)
    *_, megabytes, kept = notebook_costs.row(small_notebook)
    assert float(megabytes) > 300 and kept == "no"
    monkeypatch.setattr(notebook_costs, "MOST_MEGABYTES", 1000)
    notebook.cells[0].source = notebook.cells[0].source.replace("run 500 s", "run 0 s")
    nbformat.write(notebook, small_notebook)
    assert notebook_costs.row(small_notebook)[-1] == "no"


@pytest.mark.slow
def test_the_redraws_of_a_notebook_are_measured(small_notebook):
    (widget,) = redraws.measure_redraws(small_notebook)
    assert widget["name"] == "height" and len(widget["redraws"]) == 5
    for redraw in widget["redraws"]:
        assert redraw["training"] == 0 and min(redraw[s] for s in redraws.STAGES[1:]) > 0
        assert sum(redraw[stage] for stage in redraws.STAGES) == pytest.approx(redraw["all"])
    assert redraws.row(small_notebook, widget)[:2] == ["01", "height"]


@pytest.mark.slow
def test_several_seats_give_a_row(small_notebook, monkeypatch):
    monkeypatch.setattr(seats, "NOTEBOOK", small_notebook)
    number, wait, together, each = seats.row(2)
    assert number == "2" and int(wait) > 0
    assert float(together) / 2 == pytest.approx(float(each), abs=1) and float(each) > 100


def test_the_status_page_holds_every_subject():
    page = (run.ROOT / "STATUS.md").read_text(encoding="utf-8")
    titles = ["Claims", "Colab", "Kaggle", "Notebooks", "Seats", "Redraws", "Losses"]
    titles += ["Mahalanobis distance", "Changing the loss", "Test suite"]
    found = [line[3:] for line in page.splitlines() if line.startswith("## ")]
    assert found in (titles, titles[:-1])  # the suite that is being measured comes last
    assert all(path.stem in page for path in notebook_costs.NOTEBOOKS.glob("*.ipynb"))


def test_the_memory_of_all_children_is_counted():
    fill = "x = bytearray(b'x') * 50_000_000; print(flush=True); input()"
    # A browser of other tests may be among the children.
    with measure.PeakMemory(measure.all_children) as before:
        time.sleep(1)
    with measure.PeakMemory(measure.all_children) as memory:
        children = [
            subprocess.Popen([sys.executable, "-c", fill], stdin=PIPE, stdout=PIPE)
            for _ in range(2)
        ]
        for child in children:
            child.stdout.readline()  # it is full now
        time.sleep(1)
        for child in children:
            child.communicate(b"\n")
    assert 100 < memory.megabytes - before.megabytes < 200


def test_a_child_counts_once_it_runs_a_program_of_its_own():
    code = "import os; os.fork(); print(flush=True); os.read(0, 1)"
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=PIPE, stdout=PIPE)
    parent.stdout.readline()
    (copy,) = psutil.Process(parent.pid).children()
    assert measure.has_started(psutil.Process(parent.pid)) and not measure.has_started(copy)
    parent.communicate(b"12")


@pytest.mark.parametrize("name", sorted(p.name for p in notebook_costs.NOTEBOOKS.glob("*.ipynb")))
def test_the_title_of_a_notebook_makes_its_promise(name):
    title = nbformat.read(notebook_costs.NOTEBOOKS / name, as_version=4).cells[0].source
    assert notebook_costs.promise(title).run > 0


def test_a_title_without_a_promise_is_refused():
    with pytest.raises(ValueError, match="a title must say"):
        notebook_costs.promise("# A notebook")


@pytest.mark.parametrize(
    "control",
    [
        slider("whole", 0, 100, value=50, step=1),
        slider("broken", 0.0, 1.0, value=0.5, step=0.05),
        log_slider("powers", 0.001, 10.0, value=0.1),
        choice("one of", [("first", 1), ("second", 2)], 1),
        switch("on", True),
    ],
    ids=lambda control: control.description,
)
def test_a_control_is_moved_to_values_that_it_offers(control):
    moves = redraw_probe.values(control)
    assert 1 <= len(moves) <= 2 * redraw_probe.MOVES
    assert control.value not in moves
    for value in moves:
        control.value = value
        assert control.value == value


def test_the_status_page_says_where_and_with_what():
    page = status_page.page(["## A\n\n| a |", "## B\n\n| b |"], "## Claims\n")
    places = [page.index(p) for p in ("# Status", "## Claims", "Machine: ", "## A", "## B")]
    assert places == sorted(places)
    assert f"keras {version('keras')}" in page and "tensorflow" in page and "Python 3." in page
