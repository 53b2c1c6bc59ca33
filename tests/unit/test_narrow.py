"""A figure becomes one for a phone, or says that it cannot."""

import pytest

from lossutils.teaching.narrow import make_narrow
from lossutils.teaching.pictures import epoch_picture
from lossutils.teaching.plots import add_legend, new_figure


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


def wide_legend(panel):
    panel.plot([0, 1], label="a legend that covers what it is about")
    panel.legend()


def legend_on_points(panel):
    panel.scatter([0, 1, 2], [0, 1, 2], label="points")
    panel.legend(loc="center")


def long_legend(panel):
    panel.plot([0, 1], label="a legend that is longer than a phone is wide, by far too many words")
    add_legend(panel.figure)


@pytest.mark.parametrize(
    "draw", [categories, long_tick, wide_legend, legend_on_points, long_legend]
)
def test_words_that_have_no_room_are_noticed(draw):
    figure, panel = new_figure()
    draw(panel)
    assert not make_narrow(figure)


def test_a_picture_of_boxes_stays_as_it_is():
    figure = epoch_picture()
    assert not make_narrow(figure) and figure.get_figwidth() == 9.0
