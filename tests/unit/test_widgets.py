"""The explorer: controls that redraw, a reset, errors in sight, a picture that needs no kernel."""

import base64
import re
from html.parser import HTMLParser

import ipywidgets
import numpy as np
import pytest

from lossutils.teaching import widgets
from lossutils.teaching.plots import encode_to_store, new_figure
from lossutils.teaching.svg import encode_svg
from lossutils.teaching.widgets import (
    build_explorer,
    choice,
    explore,
    log_slider,
    slider,
    switch,
)

ALT = 'A line chart: "x" <against> y.'


class Drawing:
    """A figure function that remembers the values it was called with."""

    def __init__(self):
        self.calls = []

    def __call__(self, **values):
        self.calls.append(values)
        figure, axes = new_figure()
        axes.set_title(repr(values))
        return figure


def two_controls():
    return {
        "delta": slider("delta", 0.1, 3.0, 1.0, 0.1, "mm"),
        "name": choice("loss", ["MSE", "MAE"], "MSE"),
    }


@pytest.fixture
def drawing():
    return Drawing()


@pytest.fixture
def explorer(drawing):
    return build_explorer(drawing, alt=ALT, **two_controls())


def test_the_start_values_are_drawn_once(explorer, drawing):
    assert drawing.calls == [{"delta": 1.0, "name": "MSE"}]
    assert explorer.image.value == encode_svg(Drawing()(delta=1.0, name="MSE"))


def test_each_control_redraws_with_all_values(explorer, drawing):
    explorer.controls["delta"].value = 2.0
    explorer.controls["name"].value = "MAE"
    assert drawing.calls[1:] == [{"delta": 2.0, "name": "MSE"}, {"delta": 2.0, "name": "MAE"}]
    assert explorer.image.value == encode_svg(Drawing()(delta=2.0, name="MAE"))
    assert explorer.redraws == 2


def test_reset_restores_everything_with_one_drawing(explorer, drawing):
    start = explorer.image.value
    explorer.controls["delta"].value = 2.0
    explorer.controls["name"].value = "MAE"
    before = len(drawing.calls)
    explorer.reset_button.click()
    assert len(drawing.calls) == before + 1
    assert explorer.values == {"delta": 1.0, "name": "MSE"}
    assert explorer.image.value == start


def test_after_a_reset_the_controls_still_work(explorer, drawing):
    explorer.reset_button.click()
    explorer.controls["delta"].value = 0.5
    assert drawing.calls[-1] == {"delta": 0.5, "name": "MSE"}


def test_an_error_is_shown_and_goes_away():
    def picky(delta):
        if delta > 2:
            raise ValueError("delta <= 2 is wanted")
        return new_figure()[0]

    explorer = build_explorer(picky, alt=ALT, delta=slider("delta", 0.0, 3.0, 1.0, 0.1))
    picture = explorer.image.value
    explorer.controls["delta"].value = 2.5
    assert "ValueError: delta &lt;= 2 is wanted" in explorer.message.value
    assert explorer.image.value == picture
    explorer.controls["delta"].value = 1.5
    assert "ValueError" not in explorer.message.value


def test_an_error_at_the_start_values_is_raised():
    with pytest.raises(ZeroDivisionError):
        build_explorer(lambda n: 1 / n, alt=ALT, n=slider("n", 0, 3, 0, 1))


def test_the_image_has_the_size_of_the_figure():
    explorer = build_explorer(
        lambda on: new_figure(width=6.0, height=2.5)[0], alt=ALT, on=switch("on", True)
    )
    assert explorer.image.layout.width == "600px"
    assert explorer.image.layout.height == "250px"


def test_a_reader_without_eyes_hears_the_alternative_text(explorer):
    assert "A line chart: &quot;x&quot; &lt;against&gt; y." in explorer.message.value


class Images(HTMLParser):
    """Collects the attributes of every img."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.found.append(dict(attributes))


def test_one_bundle_holds_the_widget_and_the_picture(monkeypatch, drawing):
    shown = []
    monkeypatch.setattr(widgets, "display", lambda *what, **how: shown.append((what, how)))
    assert explore(drawing, alt=ALT, **two_controls()) is None
    ((bundle,), how) = shown[0]
    assert len(shown) == 1 and how == {"raw": True}
    assert set(bundle) == {
        "application/vnd.jupyter.widget-view+json",
        "text/html",
        "text/plain",
    }
    assert bundle["text/plain"] == f"{ALT} Run the notebook to change: delta [mm], loss."
    (image,) = Images(bundle["text/html"]).found
    assert image["alt"] == ALT and image["width"] == "800"
    source = re.fullmatch(r"data:image/png;base64,(.*)", image["src"])
    assert base64.b64decode(source[1]) == encode_to_store(Drawing()(delta=1.0, name="MSE"))


def test_two_explorers_share_nothing(drawing):
    first = build_explorer(drawing, alt=ALT, **two_controls())
    second = build_explorer(drawing, alt=ALT, **two_controls())
    first.controls["delta"].value = 3.0
    assert second.values["delta"] == 1.0 and second.redraws == 0


def test_no_controls_are_refused(drawing):
    with pytest.raises(ValueError, match="at least one control"):
        build_explorer(drawing, alt=ALT)


def test_a_slider_has_its_unit_and_follows_while_dragged():
    made = slider("delta", 0.05, 3.0, 1.0, 0.05, "mm")
    assert isinstance(made, ipywidgets.FloatSlider)
    assert (made.min, made.max, made.value, made.step) == (0.05, 3.0, 1.0, 0.05)
    assert made.description == "delta [mm]" and made.continuous_update
    assert made.readout_format == ".2f"
    assert slider("delta", 0.0, 3.0, 1.0, 0.1).readout_format == ".1f"
    assert slider("delta", 0.0, 3.0, 1.0, 0.25).readout_format == ".2f"
    assert slider("delta", 0.0, 30.0, 2.0, 2.0).readout_format == ".0f"


def test_whole_numbers_stay_whole():
    made = slider("epochs", 1, 100, 20, 1)
    assert isinstance(made, ipywidgets.IntSlider) and made.value == 20


def test_a_log_slider_multiplies():
    made = log_slider("strength", 0.001, 10.0, 0.1, step=0.5)
    values = [value for _, value in made.options]
    np.testing.assert_allclose(values, np.geomspace(0.001, 10.0, 9))
    assert made.value == 0.1 and made.continuous_update


def test_a_log_slider_holds_its_start_value_and_both_ends_exactly():
    made = log_slider("unit", 1, 1e5, 133.3, step=0.25)
    values = [value for _, value in made.options]
    assert (values[0], made.value, values[-1]) == (1, 133.3, 1e5)
    factors = np.diff(np.log10(values))
    np.testing.assert_allclose(factors[1:-1], 0.25)
    assert 0 < factors[0] <= 0.25 and 0 < factors[-1] <= 0.25
    assert len({text for text, _ in made.options}) == len(values)


def test_choices_may_have_names():
    made = choice("loss", [("squared", 2), ("absolute", 1)], 1)
    assert made.value == 1 and made.description == "loss"


def test_all_labels_are_as_wide_as_the_longest_needs(drawing):
    explorer = build_explorer(
        drawing,
        alt=ALT,
        a=slider("a", 0, 3, 0, 1),
        b=slider("a label of forty characters, or nearly so", 0, 3, 0, 1),
    )
    widths = {control.style.description_width for control in explorer.controls.values()}
    assert widths == {"37ch"}  # .85 * 41 + 2
    assert explorer.controls["a"].layout.width == "calc(37ch + 320px)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: slider("s", 1.0, 1.0, 1.0, 0.1), "start 1.0 must be below stop 1.0"),
        (lambda: slider("s", 0.0, 1.0, 2.0, 0.1), r"value 2.0 is not in \[0.0, 1.0\]"),
        (lambda: slider("s", 0.0, 1.0, 0.5, 0.0), "`step` must be above 0"),
        (lambda: slider("s", 0.0, 1.0, 0.25, 0.1), "value 0.25 is not a whole number of steps"),
        (lambda: log_slider("s", 0.0, 1.0, 0.5), "`start` must be above 0"),
        (lambda: log_slider("s", 0.1, 1.0, 2.0), r"value 2.0 is not in"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=f"slider 's': {message}"):
        make()
