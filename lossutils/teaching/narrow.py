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
# Inches of a line of a legend, of a title, and of one more line of it.
_ROW, _TITLE, _TITLE_LINE = 0.27, 0.3, 0.19


def make_narrow(figure: Figure) -> bool:
    """Change a finished `new_figure` into one for a phone; return whether it can be shown there.

    It cannot where words have their places in the picture, would be cut off or meet each other.
    """
    panels = figure.axes
    rows, columns = panels[0].get_gridspec().get_geometry()
    if rows * columns != len(panels) or not all(panel.axison for panel in panels):
        return False
    if all(panel.images and not len(panel.get_xticks()) for panel in panels):
        _put_in_pairs(figure, rows)
        return True
    for panel in panels:
        panel.set_title(textwrap.fill(panel.get_title(), _LETTERS))
        panel.set_xlabel(textwrap.fill(panel.get_xlabel(), _LETTERS))
    lines = max(panel.get_title().count("\n") for panel in panels)
    height = figure.get_figheight() / rows + _TITLE_LINE * lines
    figure.set_size_inches(WIDTH, height * len(panels))
    for panel, place in zip(panels, GridSpec(len(panels), 1, figure), strict=True):
        panel.set_subplotspec(place)
    set_margins(figure, 1, len(panels))
    figure.canvas.draw()
    figure.set_figheight(figure.get_figheight() - len(panels) * max(map(_spare, panels)))
    set_margins(figure, 1, len(panels))
    crowded = not all(map(_legend_is_free, panels))
    if crowded or figure.legends:
        try:
            _put_legend_below(figure, _ROW if crowded else 0.0)
        except ValueError:  # two lines of different panels look alike
            return False
    figure.canvas.draw()
    below = [legend.get_window_extent() for legend in figure.legends]
    is_whole = all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in below)
    return is_whole and all(map(_is_readable, panels))


def _put_in_pairs(figure: Figure, rows: int) -> None:
    """Put small pictures side by side: those of two rows beside each other, else as they come."""
    panels = figure.axes
    half = len(panels) // 2
    pairs = zip(panels[:half], panels[half:], strict=True)
    ordered = [panel for pair in pairs for panel in pair] if rows == 2 else panels
    down = -(-len(panels) // 2)
    height = down * (WIDTH / 2 + _TITLE)
    figure.set_size_inches(WIDTH, height)
    for panel, place in zip(ordered, GridSpec(down, 2, figure), strict=False):
        panel.set_subplotspec(place)
    figure.subplots_adjust(0.02, 0.02 / down, 0.98, 1 - _TITLE / height, 0.05, 0.16)


def _put_legend_below(figure: Figure, row: float) -> None:
    """Join all legends to one below the panels, which gives so many inches to each line of it."""
    inside = [panel.get_legend() for panel in figure.axes if panel.get_legend()]
    for legend in (*figure.legends, *inside):
        legend.remove()
    labels = {label for panel in figure.axes for label in panel.get_legend_handles_labels()[1]}
    figure.set_figheight(figure.get_figheight() + row * len(labels))
    add_legend(figure)


def _spare(panel: Axes) -> float:
    """Return the inches that a panel leaves free: with equal units on both axes it is less high."""
    given, taken = panel.get_position(original=True), panel.get_position()
    return (given.height - taken.height) * panel.figure.get_figheight()


def _is_readable(panel: Axes) -> bool:
    """Return whether the words around a panel are whole, and do not meet."""
    box = panel.figure.bbox
    across = [label for label in panel.get_xticklabels() if label.get_text()]
    words = [*across, *panel.get_yticklabels(), panel.title, panel.xaxis.label, panel.yaxis.label]
    places = [word.get_window_extent() for word in words if word.get_text()]
    is_whole = all(p.x0 >= 0 and p.y0 >= 0 and p.x1 <= box.x1 + 1 for p in places)
    apart = all(
        left.get_window_extent().x1 < right.get_window_extent().x0
        for left, right in pairwise(across)
    )
    return is_whole and apart


def _legend_is_free(panel: Axes) -> bool:
    """Return whether the legend in a panel, if there is one, is small and hides no points."""
    if panel.get_legend() is None:
        return True
    legend = panel.get_legend().get_window_extent()
    is_small = legend.width < 0.7 * panel.get_window_extent().width
    return is_small and not any(map(legend.count_contains, _points(panel)))


def _points(panel: Axes) -> list[np.ndarray]:
    """Return where the points of lines and clouds are, in pixels."""
    lines = [line.get_transform().transform(line.get_xydata()) for line in panel.lines]
    clouds = [c.get_offset_transform().transform(c.get_offsets()) for c in panel.collections]
    return [*lines, *clouds]
