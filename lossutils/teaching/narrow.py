"""A figure for a phone: its panels stand below each other, in letters that can be read there."""

import textwrap
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from lossutils.teaching.plots import add_legend, set_margins

WIDTH = 3.9  # inches: 390 pixels
_LETTERS = 34  # of a title or a label on one line


def make_narrow(figure: Figure) -> bool:
    """Change a finished `new_figure` into one for a phone; return whether it can be shown there.

    It cannot where words have their places in the picture, would be cut off or meet each other.
    """
    panels = figure.axes
    rows, columns = panels[0].get_gridspec().get_geometry()
    if rows * columns != len(panels) or not all(panel.axison for panel in panels):
        return False
    for panel in panels:
        panel.set_title(textwrap.fill(panel.get_title(), _LETTERS))
        panel.set_xlabel(textwrap.fill(panel.get_xlabel(), _LETTERS))
    figure.set_size_inches(WIDTH, figure.get_figheight() / rows * len(panels))
    for panel, place in zip(panels, GridSpec(len(panels), 1, figure), strict=True):
        panel.set_subplotspec(place)
    set_margins(figure, 1, len(panels))
    figure.canvas.draw()
    figure.set_figheight(figure.get_figheight() - len(panels) * max(map(_spare, panels)))
    set_margins(figure, 1, len(panels))
    for legend in figure.legends.copy():
        legend.remove()
        add_legend(figure)
    figure.canvas.draw()
    below = [legend.get_window_extent() for legend in figure.legends]
    is_whole = all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in below)
    return is_whole and all(map(_is_readable, panels))


def _spare(panel: Axes) -> float:
    """Return the inches that a panel leaves free: with equal units on both axes it is less high."""
    given, taken = panel.get_position(original=True), panel.get_position()
    return (given.height - taken.height) * panel.figure.get_figheight()


def _is_readable(panel: Axes) -> bool:
    """Return whether the words around a panel are whole, and those in it leave it free."""
    box = panel.figure.bbox
    across = [label for label in panel.get_xticklabels() if label.get_text()]
    words = [*across, *panel.get_yticklabels(), panel.title, panel.xaxis.label, panel.yaxis.label]
    places = [word.get_window_extent() for word in words if word.get_text()]
    is_whole = all(p.x0 >= 0 and p.y0 >= 0 and p.x1 <= box.x1 + 1 for p in places)
    apart = all(
        left.get_window_extent().x1 < right.get_window_extent().x0
        for left, right in pairwise(across)
    )
    legend = panel.get_legend()
    inside = panel.get_window_extent()
    is_free = legend is None or (
        legend.get_window_extent().width < 0.7 * inside.width
        and not any(map(legend.get_window_extent().count_contains, _points(panel)))
    )
    return is_whole and apart and is_free


def _points(panel: Axes) -> list[np.ndarray]:
    """Return where the points of lines and clouds are, in pixels."""
    lines = [line.get_transform().transform(line.get_xydata()) for line in panel.lines]
    clouds = [c.get_offset_transform().transform(c.get_offsets()) for c in panel.collections]
    return [*lines, *clouds]
