"""Widgets for pages without a kernel: which settings are drawn, and that nothing gets lost."""

import base64
import gzip
import json
import re

import build_site
import live_widgets
import nbformat
import pytest
import recorder
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell

from lossutils.teaching import TrainingPanel, choice, log_slider, new_figure, slider, switch
from lossutils.teaching.svg import encode_svg
from lossutils.teaching.widgets import build_explorer

ALT = 'A "title" <alone>.'
CELL = """
from lossutils.teaching import explore, new_figure, show, slider
def titled(n):
    figure, axes = new_figure()
    axes.set_title(f"n = {n}")
    return figure
explore(titled, alt="A title.", n=slider("n", 0, 4, 1, 1))
show(titled(7), "A caption.", "A seven.")
"""


def titled(**values):
    figure, axes = new_figure()
    axes.set_title(repr(values))
    return figure


def recorded(most=10, function=titled, **controls):
    return recorder.of_explorer(build_explorer(function, alt=ALT, **controls), most)


def lines_of(recording, key):
    return [recording["lines"][number] for number in recording["pictures"][key]]


def test_one_control_has_all_its_positions():
    recording = recorded(most=40, delta=slider("delta", 0.1, 3.0, 1.0, 0.1, "mm"))
    (control,) = recording["controls"]
    assert control["label"] == "delta [mm]" and control["kind"] == "range"
    assert control["texts"][:2] == ["0.1", "0.2"] and control["texts"][control["start"]] == "1.0"
    assert list(recording["pictures"]) == [str(place) for place in range(30)]
    assert recording["whole"] and not recording["sliced"]
    picture = recorder.shortened(encode_svg(titled(delta=0.2)))
    assert lines_of(recording, "1") == picture.splitlines()
    assert recording["titles"]["1"] == "{'delta': 0.2}"


def test_many_positions_are_thinned_out_and_keep_the_start():
    recording = recorded(most=5, n=slider("n", 0, 100, 7, 1))
    (control,) = recording["controls"]
    assert control["texts"] == ["0", "7", "50", "75", "100"] and control["start"] == 1
    assert recording["titles"]["3"] == "{'n': 75}" and not recording["whole"]
    assert "some settings" in live_widgets.note(recording)


def test_two_controls_span_a_grid():
    recording = recorded(most=20, a=slider("a", 0, 8, 2, 1), b=log_slider("b", 1, 100, 10.0))
    sizes = [len(control["texts"]) for control in recording["controls"]]
    assert sizes == [5, 5] and len(recording["pictures"]) == 25


def test_three_sliders_move_one_by_one():
    recording = recorded(
        most=10,
        **{name: slider(name, 0, 3, 1, 1) for name in "abc"},
        on=switch("on", False),
    )
    moved = [key for key in recording["pictures"] if sum(c != "1" for c in key.split(",")[:3]) > 1]
    assert recording["sliced"] and moved == []
    assert len(recording["pictures"]) == 2 * (1 + 3 * 3)  # each for both positions of the switch
    assert "others stand" in live_widgets.note(recording)


@pytest.mark.parametrize(
    ("control", "kind", "texts", "values"),
    [
        (choice("loss", ["MSE", "MAE"], "MAE"), "select", ["MSE", "MAE"], ["MSE", "MAE"]),
        (choice("loss", [("first", 1), ("second", 2)], 2), "select", ["first", "second"], [1, 2]),
        (switch("on", True), "checkbox", ["off", "on"], [False, True]),
    ],
)
def test_choices_and_switches_have_their_words(control, kind, texts, values):
    recording = recorded(x=control)
    (found,) = recording["controls"]
    assert found == {"label": control.description, "kind": kind, "start": 1, "texts": texts}
    assert list(recording["titles"].values()) == [repr({"x": value}) for value in values]


def test_an_error_is_kept_as_words():
    def picky(n):
        return titled(n=1 / (n - 2))

    recording = recorded(function=picky, n=slider("n", 0, 3, 0, 1))
    assert recording["pictures"]["2"].startswith("ZeroDivisionError")
    assert isinstance(recording["pictures"]["3"], list)


def wide_words(n):
    figure, axes = new_figure()
    axes.set_yticks([0], ["words " * 9 * n])
    return figure


@pytest.mark.parametrize(("function", "is_narrow"), [(titled, True), (wide_words, False)])
def test_a_phone_has_pictures_of_its_own_if_all_can_be_drawn(function, is_narrow):
    recording = recorded(function=function, n=slider("n", 0, 3, 1, 1))
    assert ("narrow" in recording) == is_narrow
    if is_narrow:
        assert list(recording["narrow"]["pictures"]) == list(recording["pictures"])
        wide, narrow = (found["lines"] for found in (recording, recording["narrow"]))
        assert width_of(narrow) < 0.6 * width_of(wide)


def width_of(lines):
    (width,) = re.findall(r'<svg[^>]* width="([\d.]+)pt"', "\n".join(lines))
    return float(width)


def test_a_picture_that_depends_on_more_than_the_controls_is_refused():
    drawn = []

    def forgetful(n):
        drawn.append(n)
        return titled(n=n, drawn=len(drawn))

    with pytest.raises(RuntimeError, match="drawn otherwise"):
        recorded(function=forgetful, n=slider("n", 0, 3, 0, 1))


def test_a_training_is_recorded_from_its_beginning_to_its_end():
    def steps():
        for epoch in range(100):
            yield {"loss": 1 / (1 + epoch)}

    panel = TrainingPanel(steps, lambda records: titled(count=len(records)), 50, alt=ALT)
    recording = recorder.of_panel(panel, 6)
    (control,) = recording["controls"]
    assert control["texts"] == [f"{epoch} of 50" for epoch in (0, 10, 20, 30, 40, 50)]
    assert list(recording["titles"].values())[-1] == "{'count': 50}"
    assert panel.records == []


def test_the_page_gets_all_that_was_recorded():
    recording = recorded(n=slider("n", 0, 3, 1, 1))
    html = f'<div class="live-widget" {live_widgets.attributes(recording, "widgets/x.js")}></div>'
    (box,) = BeautifulSoup(html, "html.parser").select("div.live-widget")
    spec = json.loads(box["data-spec"])
    assert spec["alt"] == ALT and spec["controls"] == recording["controls"]
    assert box["data-source"] == "widgets/x.js"
    script = live_widgets.as_script(recording, "widgets/x.js")
    (code,) = re.findall(r'\["widgets/x.js"\] = "(.*)";', script)
    found = json.loads(gzip.decompress(base64.b64decode(code)))
    assert found == {key: recording[key] for key in ("lines", "pictures", "titles")}
    narrow = live_widgets.as_narrow_script(recording, "widgets/x.js")
    (code,) = re.findall(r'\["widgets/x-narrow.js"\] = "(.*)";', narrow)
    found = json.loads(gzip.decompress(base64.b64decode(code)))
    assert found == recording["narrow"] | {"titles": recording["titles"]}
    assert script == live_widgets.as_script(recording, "widgets/x.js")


@pytest.fixture
def notebook(tmp_path):
    """The path of an executed notebook with one widget."""
    path = tmp_path / "01_small.ipynb"
    made = build_site.as_notebook("# Title")
    made.cells.append(new_code_cell(CELL))
    live_widgets.run_cells(made, tmp_path)
    nbformat.write(made, path)
    return path


@pytest.mark.slow
def test_a_notebook_is_recorded_once(notebook, tmp_path, monkeypatch):
    monkeypatch.setattr(live_widgets, "KEPT", tmp_path / "kept")
    (recording,) = live_widgets.recordings([notebook], 10)["01_small"]
    assert list(recording["titles"].values()) == [f"n = {n}" for n in range(5)]
    monkeypatch.setattr(live_widgets, "run_cells", None)
    assert live_widgets.recordings([notebook], 10) == {"01_small": [recording]}
    narrow = live_widgets.narrow_figures(notebook, 10)
    page = build_site.notebook_page(notebook, {}, [recording], narrow)
    sources = BeautifulSoup(page.body, "html.parser").select("picture > source")
    pngs = [f"data:image/png;base64,{narrow[alt]}" for alt in ("A title.", "A seven.")]
    assert [source["srcset"] for source in sources] == pngs
    for source in sources:
        assert source["width"] == "390" and "max-width" in source["media"]
    assert 'data-narrow="widgets/01_small-1-narrow.js"' in page.body
    assert page.live and 'data-source="widgets/01_small-1.js"' in page.body
    with pytest.raises(ValueError, match="not those that were recorded"):
        build_site.notebook_page(notebook, {}, [recording, recording])


@pytest.mark.slow
def test_a_notebook_that_fails_is_told(notebook, tmp_path, monkeypatch):
    monkeypatch.setattr(live_widgets, "KEPT", tmp_path / "kept")
    broken = nbformat.read(notebook, as_version=4)
    broken.cells.append(new_code_cell("1 / 0"))
    nbformat.write(broken, notebook)
    with pytest.raises(RuntimeError, match=r"01_small\.ipynb cannot be recorded: ZeroDivision"):
        live_widgets.recordings([notebook], 10)
