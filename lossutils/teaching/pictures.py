"""Pictures made of boxes and arrows: what happens inside a training step."""

from itertools import pairwise

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from lossutils.teaching.plots import COLORS, new_figure


def training_step_picture() -> Figure:
    """What ``fit`` does with a loss in one step, from the predictions to the new weights."""
    figure, axes = new_figure(width=9.0, height=3.6)
    axes.set(xlim=(0, 10), ylim=(0, 4))
    axes.axis("off")
    figure.subplots_adjust(0.01, 0.02, 0.99, 0.98)
    main = [
        (1.0, "network\ny_pred\n(batch, 1)"),
        (3.0, "your loss\none value\nper sample"),
        (5.0, "times\nsample_weight\nand mask"),
        (7.0, "reduction\nsum / batch size\n/ replicas"),
        (9.0, "gradient,\noptimizer,\nnew weights"),
    ]
    for i, (x, text) in enumerate(main):
        _box(axes, x, 2.9, text, COLORS["orange"] if i == 1 else COLORS["sky blue"])
    for (left, _), (right, _) in pairwise(main):
        _arrow(axes, (left + 0.8, 2.9), (right - 0.8, 2.9))
    _box(axes, 3.0, 0.75, "a loss that\nreturns a scalar", COLORS["vermillion"])
    _arrow(axes, (3.0, 2.2), (3.0, 1.3), style="--")
    _arrow(axes, (3.8, 0.75), (5.0, 2.2), style="--", bend=0.3)
    axes.text(
        5.2,
        0.75,
        "too late to pick samples: the weights scale the mean\n"
        "of the batch, masks and reduction do nothing",
        va="center",
    )
    return figure


def _box(axes, x, y, text, color) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (x - 0.75, y - 0.6), 1.5, 1.2, boxstyle="round,pad=0.05", fc=color, alpha=0.35
        )
    )
    axes.text(x, y, text, ha="center", va="center", fontsize=10)


def _arrow(axes, start, end, style="-", bend=0.0) -> None:
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=14,
            linestyle=style,
            connectionstyle=f"arc3,rad={bend}",
        )
    )


def tracked_variables_picture() -> Figure:
    """Which variables ``fit`` reaches: those of the model, not those of a loss beside it."""
    figure, axes = new_figure(width=9.0, height=3.0)
    axes.set(xlim=(0, 10), ylim=(0, 3.4))
    axes.axis("off")
    figure.subplots_adjust(0.01, 0.02, 0.99, 0.98)
    _box(axes, 1.0, 1.7, "fit, save,\nEarlyStopping", COLORS["orange"])
    for x, width, title in ((2.9, 3.4, "the model"), (7.0, 2.6, "the loss in compile")):
        axes.add_patch(FancyBboxPatch((x, 0.4), width, 2.6, boxstyle="round,pad=0.05", fc="none"))
        axes.text(x + width / 2, 2.7, title, ha="center", fontsize=11, weight="bold")
    _box(axes, 3.8, 1.7, "layer 1\nkernel, bias", COLORS["sky blue"])
    _box(axes, 5.5, 1.7, "layer 2\nkernel, bias", COLORS["sky blue"])
    _box(axes, 8.3, 1.7, "alpha", COLORS["vermillion"])
    _arrow(axes, (1.8, 1.7), (2.85, 1.7))
    axes.text(7.0 - 0.35, 1.7, "no arrow", ha="center", va="center", rotation=90)
    axes.text(8.3, 0.65, "has a gradient; nobody asks", ha="center", fontsize=10)
    axes.text(4.6, 0.65, "model.trainable_variables", ha="center", fontsize=10, family="monospace")
    return figure


def epoch_picture() -> Figure:
    """What ``fit`` does in an epoch, in order, and where a rule that looks at it switches."""
    figure, axes = new_figure(width=9.0, height=3.0)
    axes.set(xlim=(0, 10), ylim=(0, 3.4))
    axes.axis("off")
    figure.subplots_adjust(0.01, 0.02, 0.99, 0.98)
    events = [
        (1.0, "epoch k\ntrains with\nthe old loss", "sky blue"),
        (3.0, "validation\nval_... are\ncomputed", "green"),
        (5.0, "on_epoch_end\nthe rule looks\nand switches", "orange"),
        (7.0, "on_epoch_end\nthe backup\nsaves the model", "purple"),
        (9.0, "epoch k + 1\ntrains with\nthe new loss", "vermillion"),
    ]
    for x, text, color in events:
        _box(axes, x, 2.2, text, COLORS[color])
    for (left, *_), (right, *_) in pairwise(events):
        _arrow(axes, (left + 0.8, 2.2), (right - 0.8, 2.2))
    axes.text(
        6.0,
        0.75,
        "callbacks run in the order of the list:\nthe rule first, then those that save",
        ha="center",
        va="center",
        fontsize=10,
    )
    _arrow(axes, (5.2, 1.15), (5.0, 1.5), style="--")
    _arrow(axes, (6.8, 1.15), (7.0, 1.5), style="--")
    return figure
