"""A figure becomes one for a phone, or says that it cannot."""

import numpy as np
import pytest

from lossutils.teaching.narrow import make_narrow
from lossutils.teaching.pictures import epoch_picture
from lossutils.teaching.plots import add_legend, new_figure
from lossutils.teaching.segments import pictures


def test_panels_stand_below_each_other_with_one_legend():
    figure, panels = new_figure(3)
    for panel in panels:
        panel.plot([0, 1], [0, 1], label="a line with a name")
        panel.set(title="A title that is longer than a phone is wide", xlabel="epoch", ylabel="y")
    add_legend(figure)
    assert make_narrow(figure)
    assert figure.get_figwidth() == 3.9 and len(figure.legends) == 1
    boxes = [panel.get_window_extent() for panel in panels]
    assert boxes[0].y0 > boxes[1].y1 > boxes[1].y0 > boxes[2].y1
    assert {round(box.x0) for box in boxes} == {85}
    legend = figure.legends[0].get_window_extent()
    label = panels[2].xaxis.label.get_window_extent()
    assert legend.y1 <= label.y0 and legend.x0 >= 0 and legend.x1 <= 390


def categories(panel):
    panel.bar(["a long category", "another category", "a third category"], [1, 2, 3])


def long_tick(panel):
    panel.barh(["a category that begins beside the page"], [1])


def long_legend(panel):
    panel.plot([0, 1], label="a legend that is longer than a phone is wide, by far too many words")
    add_legend(panel.figure)


@pytest.mark.parametrize("draw", [categories, long_tick, long_legend])
def test_words_that_have_no_room_are_noticed(draw):
    figure, panel = new_figure()
    draw(panel)
    assert not make_narrow(figure)


def wide_legend(panel):
    panel.plot([0, 1], label="a legend that covers what it is about")
    panel.legend()


def legend_on_points(panel):
    panel.scatter([0, 1, 2], [0, 1, 2], label="points")
    panel.legend(loc="center")


@pytest.mark.parametrize("draw", [wide_legend, legend_on_points])
def test_a_legend_that_hides_something_goes_below(draw):
    figure, panel = new_figure()
    draw(panel)
    high = panel.get_window_extent().height
    assert make_narrow(figure)
    assert panel.get_legend() is None
    (legend,) = figure.legends
    assert legend.get_window_extent().y1 <= panel.xaxis.label.get_window_extent().y0
    assert panel.get_window_extent().height >= 0.95 * high


def test_a_small_legend_stays_in_its_panel():
    figure, panel = new_figure()
    panel.plot([0, 1], label="line")
    panel.legend(loc="upper left")
    assert make_narrow(figure)
    assert panel.get_legend() is not None and not figure.legends


def test_lines_that_look_alike_cannot_share_a_legend():
    figure, panels = new_figure(2)
    for panel, name in zip(panels, "ab", strict=True):
        panel.plot([0, 1, 2], [0, 1, 2], label=name)
        panel.legend(loc="center")
    assert not make_narrow(figure)


def test_a_title_of_many_lines_takes_nothing_from_its_panel():
    figure, panel = new_figure()
    high = panel.get_window_extent().height
    panel.set_title("words and " * 9)
    assert make_narrow(figure)
    assert panel.get_title().count("\n") == 2
    assert panel.get_window_extent().height >= 0.95 * high


@pytest.mark.parametrize(("rows", "order"), [(1, "abc"), (2, "adbecf")])
def test_small_pictures_stand_in_pairs(rows, order):
    names = iter("abcdef")
    figure = pictures(*({next(names): np.eye(16) for _ in range(3)} for _ in range(rows)))
    assert make_narrow(figure)
    figure.canvas.draw()
    places = {axes.get_title(): axes.get_window_extent() for axes in figure.axes}
    read = sorted(places, key=lambda name: (-round(places[name].y0), places[name].x0))
    assert "".join(read) == order
    assert all(box.width > 150 for box in places.values())
    titles = [axes.title.get_window_extent() for axes in figure.axes]
    assert not any(box.overlaps(title) for box in places.values() for title in titles)


def test_a_picture_of_boxes_stays_as_it_is():
    figure = epoch_picture()
    assert not make_narrow(figure) and figure.get_figwidth() == 9.0
