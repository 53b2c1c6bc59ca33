"""Pictures made of boxes and arrows: what happens inside a training step."""

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
    for (left, _), (right, _) in zip(main, main[1:]):
        _arrow(axes, (left + 0.8, 2.9), (right - 0.8, 2.9))
    _box(axes, 3.0, 0.75, "a loss that\nreturns a scalar", COLORS["vermillion"])
    _arrow(axes, (3.0, 2.2), (3.0, 1.3), style="--")
    _arrow(axes, (3.8, 0.75), (9.0, 2.2), style="--", bend=0.25)
    axes.text(6.2, 0.42, "weights, masks and reduction have nothing left to act on", ha="center")
    return figure


def _box(axes, x, y, text, color) -> None:
    axes.add_patch(
        FancyBboxPatch((x - 0.75, y - 0.6), 1.5, 1.2, boxstyle="round,pad=0.05", fc=color, alpha=0.35)
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
