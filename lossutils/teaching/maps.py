"""Maps of a classifier of two measurements: which class it says where."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lossutils.teaching.plots import add_legend, new_figure

_SHADES = np.array([[0.75, 0.87, 0.95], [0.97, 0.84, 0.75], [0.74, 0.91, 0.85]])
_MARKERS = "os^"
_POINTS = 61  # along each side


def region_map(
    class_of: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    classes: np.ndarray,
    labels: list[str],
) -> tuple[Figure, Axes]:
    """Draw the regions in which `class_of` says 0, 1 or 2, and on them samples of known classes.

    `class_of` takes points (n, 2) and returns n class numbers. Each class has a marker and one of
    the `labels`, which stand in the legend.
    """
    figure, axes = new_figure(width=6.0, height=4.4)
    low, high = float(x.min()) - 0.4, float(x.max()) + 0.4
    side = np.linspace(low, high, _POINTS, dtype="float32")
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    regions = _SHADES[class_of(grid)].reshape(_POINTS, _POINTS, 3)
    extent = (low, high, low, high)
    axes.imshow(regions, extent=extent, origin="lower", aspect="auto", interpolation="none")
    for number, (label, marker) in enumerate(zip(labels, _MARKERS, strict=False)):
        axes.plot(*x[classes == number].T, marker, markersize=5, label=label)
    add_legend(figure)
    return figure, axes
