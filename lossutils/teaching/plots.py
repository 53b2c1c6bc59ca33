"""Figures in one house style, made without pyplot so that a slider can redraw them quickly.

Every figure is drawn by a function that takes values and returns a `Figure`: nothing here keeps
state, changes matplotlib's settings, or opens a window.
"""

import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import RLock

import numpy as np
import tensorflow as tf
from cycler import cycler
from IPython.display import Markdown, display
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation
from PIL import Image

from lossutils.teaching.tracking import VariableHistory

COLORS = {
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky blue": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#000000",
}
"""The palette of Okabe and Ito (2008), which colour-blind readers can tell apart."""

DPI = 100
# What is stored is sharp where a screen has two pixels for one, and on a projector.
STORED_DPI, STORED_COLORS = 200, 64
_DRAWING = RLock()
MOST_LINES = 4
_STYLES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "^", "D")
# Colour and line style change together, so that no line is told by its colour alone.
_CYCLE = cycler(color=list(COLORS.values())[:MOST_LINES], linestyle=_STYLES)
# Inches around and between the panels.
_LEFT, _RIGHT, _BOTTOM, _TOP, _BETWEEN = 0.85, 0.2, 0.55, 0.4, 1.05
# Inches from a panel's left and lower edge to its labels.
_Y_LABEL, _X_LABEL = 0.64, 0.3
_LEGEND_ROW, _TITLE_LINE = 0.27, 0.19
# Characters of 10 point text in an inch, somewhat low to be safe.
_CHARACTERS_PER_INCH = 11


class _OnlyVisible:
    """Leaves out the ticks beyond the panel: each takes .4 ms, even though nobody sees it."""

    def __call__(self) -> list[float]:
        low, high = sorted(self.axis.get_view_interval())
        # A tick on the edge may be off by a rounding error.
        return [
            tick
            for tick in super().__call__()
            if low <= tick <= high or math.isclose(tick, low) or math.isclose(tick, high)
        ]


class _FewTicks(_OnlyVisible, MaxNLocator):
    """At most 5 round ticks."""


class _FewDecades(_OnlyVisible, LogLocator):
    """At most 5 powers of ten."""


def new_figure(
    columns: int = 1, rows: int = 1, *, width: float = 8.0, height: float = 3.2
) -> tuple[Figure, Axes | list[Axes]]:
    """Return an empty figure in the house style and its panels, left to right, top to bottom.

    `width` and `height` are in inches, 100 pixels each. A single panel comes alone, several as a
    flat list. Margins are fixed: a layout engine would cost more than the drawing itself.

    >>> figure, (left, right) = new_figure(2)
    >>> _ = left.plot([0, 1], [0, 1])
    """
    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    set_margins(figure, columns, rows)
    panels = [figure.add_subplot(rows, columns, i + 1) for i in range(rows * columns)]
    for panel in panels:
        panel.set_prop_cycle(_CYCLE)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(True, color="0.9", linewidth=0.8)
        panel.set_axisbelow(True)
        # Fixed places for titles and labels; finding free ones takes a quarter of the drawing time.
        panel.set_title("", y=1.0)
        inches = figure.dpi_scale_trans
        left_of = panel.transAxes + ScaledTranslation(-_Y_LABEL, 0, inches)
        below = panel.transAxes + ScaledTranslation(0, -_X_LABEL, inches)
        panel.yaxis.set_label_coords(0, 0.5, transform=left_of)
        panel.xaxis.set_label_coords(0.5, 0, transform=below)
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_locator(_FewTicks(4, steps=[1, 2, 2.5, 5, 10]))
    return figure, panels[0] if len(panels) == 1 else panels


def encode_to_store(figure: Figure) -> bytes:
    """Return the figure as PNG with twice the pixels and few colours, sharp and yet short."""
    before, short = figure.dpi, io.BytesIO()
    # A kernel may handle the messages of widgets in several threads, and matplotlib draws text with
    # settings and caches that all threads share.
    with _DRAWING:
        figure.dpi = STORED_DPI
        figure.canvas.draw()
        drawn = np.asarray(figure.canvas.buffer_rgba())
        figure.dpi = before
    _with_few_colors(drawn).save(short, "png")
    return short.getvalue()


def _with_few_colors(drawn: np.ndarray) -> Image.Image:
    """Return a picture with the nearest of a few colours in place of each.

    `drawn` holds red, green, blue and opacity, shape (height, width, 4).

    One round of k-means keeps the colours of thin lines, which the median cut alone mixes. Every
    16th pixel is enough to find them.
    """
    some = Image.fromarray(np.ascontiguousarray(drawn[::4, ::4, :3]))
    few = some.quantize(STORED_COLORS, kmeans=1, dither=Image.Dither.NONE)
    palette = np.reshape(few.getpalette(), (-1, 3)).astype("int32")

    def nearest(pixels: np.ndarray) -> np.ndarray:
        colors, places = np.unique(pixels, return_inverse=True)
        rgb = colors.view("uint8").reshape(-1, 4)[:, :3].astype("int32")
        # |colour - other|^2, without what is the same for all others.
        found = np.argmin((palette**2).sum(axis=1) - 2 * rgb @ palette.T, axis=1)
        return found.astype("uint8")[places.reshape(pixels.shape)]

    bands = np.array_split(drawn.view("uint32")[..., 0], 50)  # all at once would take 70 MB
    picture = Image.fromarray(np.concatenate([nearest(band) for band in bands]))
    picture.putpalette(few.palette)
    return picture


def size_on_page(png: bytes) -> dict[str, int]:
    """Return the width and height at which a page is to show what `encode_to_store` returned."""
    width, height = Image.open(io.BytesIO(png)).size
    return {"width": width * DPI // STORED_DPI, "height": height * DPI // STORED_DPI}


def show(figure: Figure, caption: str, alt: str) -> None:
    """Display the figure as an image/png output, and below it the caption in italics.

    `alt` says in words what there is to see: the kind of chart, the axes, the finding. It goes
    into the output's metadata, with the size of the figure on a page. Raises ValueError for an
    empty caption or alternative text.
    """
    for name, text in (("caption", caption), ("alt", alt)):
        if not text.strip():
            raise ValueError(f"`{name}` must say what there is to see, but is {text!r}.")
    png = encode_to_store(figure)
    metadata = {"alt": alt, "image/png": size_on_page(png)}
    display({"image/png": png}, raw=True, metadata=metadata)
    display(Markdown(f"*{caption.strip()}*"))


def plot_loss_shapes(
    losses: Mapping[str, Callable],
    residuals: tuple[float, float] = (-3.0, 3.0),
    *,
    target: float = 0.0,
    unit: str = "",
) -> Figure:
    """Draw losses against the error, and beside them their gradients, taken by GradientTape.

    `losses` gives each `loss(y_true, y_pred)`, with one value per sample, its label. The error is
    y_pred - y_true, over the range `residuals`, around y_true = `target`; the gradient is the one
    with respect to y_pred, that is, the slope of the left panel.

    Raises ValueError for none or more than four losses, and for one that returns a single value.
    """
    _check_count(losses)
    figure, (left, right) = new_figure(2)
    errors = np.linspace(*residuals, 241, dtype="float32")
    for label, loss in losses.items():
        values, gradients = _values_and_gradients(loss, errors, target, label)
        left.plot(errors, values, label=label)
        right.plot(errors, gradients)
    for panel in (left, right):
        panel.set_xlabel("error: y_pred − y_true" + _in(unit))
        panel.set_xlim(*residuals)
    left.set_ylabel("loss")
    right.set_ylabel("gradient")
    left.set_title("Loss of one sample")
    right.set_title("Its slope: the pull on y_pred")
    add_legend(figure)
    return figure


def plot_curves(
    curves: Mapping[str, Sequence[float]],
    xlabel: str = "epoch",
    ylabel: str = "loss",
    title: str = "",
    log: bool = False,
    *,
    x: Sequence[float] | None = None,
    xlim: tuple[float, float] | None = None,
) -> Figure:
    """Draw sequences against their position, from 1 (or against `x`), with labels.

    `log` makes the vertical axis logarithmic. With `xlim` the horizontal axis stays still while
    curves grow. An empty sequence draws nothing. Raises ValueError for none or more than four
    curves, and for an `x` of another length.
    """
    _check_count(curves)
    figure, axes = new_figure()
    for label, values in curves.items():
        values = np.asarray(values, dtype=float)
        places = np.arange(1, len(values) + 1) if x is None else np.asarray(x, dtype=float)
        if len(places) != len(values):
            raise ValueError(f"x has {len(places)} values, but curve {label!r} has {len(values)}")
        # A single point has no line to see.
        axes.plot(places, values, label=label, marker="o" if len(values) == 1 else None)
    if log:
        use_log_scale(axes)
    if xlim is not None:
        axes.set_xlim(*xlim)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    add_legend(figure)
    return figure


def plot_variables(
    history: VariableHistory,
    targets: Mapping[str, float | None],
    *,
    ylabel: str = "value",
    title: str = "",
) -> Figure:
    """Draw learned variables over the epochs, with the exact answers as dashed lines.

    `targets` names the variables to draw, each with its exact answer or None. For a variable with
    several entries the answer has as many, and each entry is a line. Raises ValueError for a name
    that was not recorded, for none or more than four lines, and for an answer of another size.
    """
    lines = {}
    for name, target in targets.items():
        lines.update(_entries(history, name, target))
    _check_count(lines)
    figure, axes = new_figure()
    every = max(1, len(history.epochs) // 10)
    for i, (label, (values, target)) in enumerate(lines.items()):
        color = list(COLORS.values())[i]
        if target is not None:
            axes.axhline(target, color=color, linestyle="--", linewidth=1.2)
        axes.plot(
            history.epochs,
            values,
            color=color,
            linestyle="-",
            marker=_MARKERS[i],
            markersize=4,
            markevery=every,
            label=label,
        )
    if any(target is not None for _, target in lines.values()):
        # An empty line, only for its entry in the legend.
        axes.plot([], [], color="0.3", linestyle="--", linewidth=1.2, label="exact answer")
    axes.set(xlabel="epoch", ylabel=ylabel, title=title)
    add_legend(figure)
    return figure


def add_legend(figure: Figure) -> None:
    """Put one legend for all panels of a `new_figure` below them, where it hides nothing.

    Call it last. It takes the labelled lines of every panel, each label once, and makes room.
    Raises ValueError for two lines that look alike: in one legend nobody could tell them apart.
    """
    entries = {}
    for panel in figure.axes:
        handles, labels = panel.get_legend_handles_labels()
        for handle, label in zip(handles, labels, strict=True):
            entries.setdefault(label, handle)
    if not entries:
        return
    _check_looks(entries)
    across = _legend_columns(list(entries), figure.get_figwidth())
    lines = -(-len(entries) // across)
    rows, columns = figure.axes[0].get_gridspec().get_geometry()
    set_margins(figure, columns, rows, legend=0.05 + _LEGEND_ROW * lines)
    figure.legend(entries.values(), entries.keys(), loc="lower center", ncols=across, frameon=False)


def use_log_scale(axes: Axes, axis: str = "y") -> None:
    """Make one axis ("x" or "y") logarithmic, with at most five labelled ticks."""
    axes.set(**{f"{axis}scale": "log"})
    which = axes.xaxis if axis == "x" else axes.yaxis
    which.set_major_locator(_FewDecades(numticks=5))
    which.set_minor_locator(NullLocator())
    which.set_minor_formatter(NullFormatter())


def set_margins(figure: Figure, columns: int, rows: int, legend: float = 0.0) -> None:
    """Give the panels of a `new_figure` the room that titles, labels and a legend leave."""
    width, height = figure.get_size_inches()
    title = _TOP + _TITLE_LINE * max((p.get_title().count("\n") for p in figure.axes), default=0)
    inner = (width - _LEFT - _RIGHT - (columns - 1) * _BETWEEN) / columns
    stacked = title + _BOTTOM
    tall = (height - stacked - legend - (rows - 1) * stacked) / rows
    figure.subplots_adjust(
        left=_LEFT / width,
        right=1 - _RIGHT / width,
        bottom=(_BOTTOM + legend) / height,
        top=1 - title / height,
        wspace=_BETWEEN / inner,
        hspace=stacked / tall,
    )


def _check_looks(entries: Mapping[str, Artist]) -> None:
    looks = {}
    for label, line in entries.items():
        if isinstance(line, Line2D):
            look = (to_hex(line.get_color()), line.get_linestyle(), line.get_marker())
            if look in looks:
                raise ValueError(
                    f"{label!r} and {looks[look]!r} share a legend and look alike: give one of "
                    "them another color and linestyle"
                )
            looks[look] = label


def _legend_columns(labels: list[str], width: float) -> int:
    """Return how many labels fit beside each other; each has a line of 5 characters before it."""
    room = width * _CHARACTERS_PER_INCH
    for across in range(len(labels), 1, -1):
        # Labels fill the columns from top to bottom, the first columns one label deeper than the
        # rest if need be; a column is as wide as its longest label.
        deep, deeper = divmod(len(labels), across)
        depths = [deep + 1] * deeper + [deep] * (across - deeper)
        ends = [sum(depths[: i + 1]) for i in range(across)]
        columns = [labels[end - depth : end] for end, depth in zip(ends, depths, strict=True)]
        if sum(max(map(len, column)) + 7 for column in columns) <= room:
            return across
    return 1


def _values_and_gradients(
    loss: Callable, errors: np.ndarray, target: float, label: str
) -> tuple[np.ndarray, np.ndarray]:
    y_pred = tf.constant(errors[:, None] + np.float32(target))
    y_true = tf.fill(y_pred.shape, np.float32(target))
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        values = loss(y_true, y_pred)
    if np.size(values) != len(errors):
        raise ValueError(
            f"loss {label!r} must return one value per sample, {len(errors)} here, "
            f"but its result has shape {tuple(np.shape(values))}"
        )
    # Each value depends on its own prediction only, so the gradient of the sum holds each slope.
    gradients = tape.gradient(values, y_pred, unconnected_gradients="zero")
    return np.reshape(values, -1), np.reshape(gradients, -1)


def _entries(
    history: VariableHistory, name: str, target: float | Iterable[float] | None
) -> dict[str, tuple[np.ndarray, float | None]]:
    if name not in history.history:
        raise ValueError(f"{name!r} was not recorded; recorded: {sorted(history.history)}")
    values = history.history[name].reshape(len(history.epochs), -1)
    size = values.shape[1]
    wanted = [None] * size if target is None else np.ravel(target).tolist()
    if len(wanted) != size:
        raise ValueError(f"{name!r} has {size} entries, but its exact answer has {len(wanted)}")
    labels = [name] if size == 1 else [f"{name}[{i}]" for i in range(size)]
    return {label: (values[:, i], wanted[i]) for i, label in enumerate(labels)}


def _check_count(lines: Mapping) -> None:
    if not 1 <= len(lines) <= MOST_LINES:
        raise ValueError(
            f"A panel shows from 1 to {MOST_LINES} lines, but is given {len(lines)}: {list(lines)}."
        )


def _in(unit: str) -> str:
    return f" [{unit}]" if unit else ""
