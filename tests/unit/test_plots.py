"""The figures hold the right numbers, and nothing in them overlaps or is cut off."""

import io
import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from IPython.display import Markdown
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

from lossutils.teaching import plots
from lossutils.teaching.plots import (
    COLORS,
    add_legend,
    encode_to_store,
    new_figure,
    plot_curves,
    plot_loss_shapes,
    plot_variables,
    show,
    size_on_page,
    use_log_scale,
)
from lossutils.teaching.tracking import VariableHistory


def half_square(y_true, y_pred):
    return 0.5 * (y_true - y_pred)[:, 0] ** 2


def tilted(y_true, y_pred):
    error = (y_true - y_pred)[:, 0]
    return keras.ops.maximum(0.2 * error, -0.8 * error)


def recorded(epochs=12, **functions):
    """Return a history of functions of the epoch."""
    now = [0]
    history = VariableHistory(
        **{name: (lambda f=function: f(now[0])) for name, function in functions.items()}
    )
    history.on_train_begin()
    history.on_epoch_begin(0)
    for epoch in range(epochs):
        now[0] = epoch + 1
        history.on_epoch_end(epoch)
    return history


def texts_of(figure):
    """Return what is written, with the pixels it covers."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    found = []
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            found.append((text.get_text(), text.get_window_extent(renderer)))
    return found


def assert_legible(figure):
    """AssertionError if a text is cut off or two overlap."""
    texts = [(words, box) for words, box in texts_of(figure) if box.width > 1]
    width, height = figure.canvas.get_width_height()
    for words, box in texts:
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
        assert inside, f"{words!r} is cut off: {box}"
    for (one, first), (two, second) in itertools.combinations(texts, 2):
        over = min(first.x1, second.x1) - max(first.x0, second.x0)
        under = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert over <= 1 or under <= 1, f"{one!r} and {two!r} overlap"


def legend_of(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_single_panel_comes_alone_and_several_as_a_list():
    assert isinstance(new_figure()[1], Axes)
    figure, panels = new_figure(3, 2, width=9.0, height=6.0)
    assert len(panels) == 6
    assert figure.canvas.get_width_height() == (900, 600)
    places = [panel.get_position() for panel in panels]
    assert places[0].x0 < places[1].x0 < places[2].x0
    assert places[0].y0 == places[2].y0 > places[3].y0


def test_no_window_is_opened_and_the_settings_are_left_alone():
    code = (
        "import sys, matplotlib\n"
        "from lossutils.teaching import plots; before = dict(matplotlib.rcParams)\n"
        "figure, axes = plots.new_figure(2); axes[0].plot([1, 2]); plots.encode_to_store(figure)\n"
        "assert dict(matplotlib.rcParams) == before\n"
        "pyplot = sys.modules.get('matplotlib.pyplot')  # Keras may have imported it\n"
        "print(pyplot.get_fignums() if pyplot else [])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_lines_differ_in_colour_and_in_style():
    _, axes = new_figure()
    lines = [axes.plot([0, 1])[0] for _ in range(4)]
    assert len({line.get_color() for line in lines}) == 4
    assert len({line.get_linestyle() for line in lines}) == 4
    assert {line.get_color() for line in lines} <= set(COLORS.values())


@pytest.mark.parametrize("limits", [(0, 1), (-3, 3), (0.13, 0.17), (-1e5, 3e5), (4, -4), (0, 9)])
def test_there_are_from_two_to_five_ticks_inside_the_panel(limits):
    _, axes = new_figure()
    axes.set_xlim(*limits)
    ticks = axes.get_xticks()
    assert 2 <= len(ticks) <= 5
    assert min(ticks) >= min(limits) - 1e-9 and max(ticks) <= max(limits) + 1e-9


def test_the_same_figure_gives_the_same_bytes():
    figures = (plot_loss_shapes({"half square": half_square}) for _ in range(2))
    first, second = map(encode_to_store, figures)
    assert first == second
    assert first.startswith(b"\x89PNG") and b"Software" not in first


def test_what_is_stored_is_sharp_and_short_and_keeps_its_colors():
    figure = plot_loss_shapes({"half square": half_square, "tilted": tilted})
    stored = encode_to_store(figure)
    sharp = Image.open(io.BytesIO(stored))
    assert sharp.size == (1600, 640) and sharp.mode == "P"
    assert size_on_page(stored) == {"width": 800, "height": 320}
    assert len(stored) < 30_000
    found = np.array(sharp.convert("RGB")).reshape(-1, 3)
    for color in ("#ffffff", COLORS["blue"], COLORS["vermillion"]):
        assert np.abs(found - 255 * np.array(to_rgb(color))).sum(axis=1).min() < 6, color
    assert encode_to_store(figure) == stored, "storing leaves the figure as it was"


@pytest.mark.parametrize("height", [3.345, 3.3449, 2.999])
def test_a_figure_may_have_a_part_of_a_pixel(height):
    figure, _ = new_figure(width=3.999, height=height)
    assert Image.open(io.BytesIO(encode_to_store(figure))).size == (799, int(height * 200))


def test_losses_and_gradients_are_exact():
    figure = plot_loss_shapes({"half square": half_square, "tilted": tilted}, (-2.0, 4.0))
    left, right = figure.axes
    error = left.lines[0].get_xdata()
    np.testing.assert_allclose(error[[0, -1]], [-2, 4])
    np.testing.assert_allclose(left.lines[0].get_ydata(), error**2 / 2, rtol=1e-6)
    np.testing.assert_allclose(right.lines[0].get_ydata(), error, rtol=1e-6)
    # The error is y_pred - y_true: predicting too much costs .8 each here, too little .2.
    np.testing.assert_allclose(left.lines[1].get_ydata()[[0, -1]], [0.4, 3.2], rtol=1e-6)
    np.testing.assert_allclose(right.lines[1].get_ydata()[[0, -1]], [-0.2, 0.8], rtol=1e-6)
    assert legend_of(figure) == ["half square", "tilted"]


def test_a_loss_can_be_drawn_around_another_target():
    figure = plot_loss_shapes({"MSE": keras.losses.mean_squared_error}, (-1.0, 1.0), target=5.0)
    line = figure.axes[0].lines[0]
    np.testing.assert_allclose(line.get_ydata(), line.get_xdata() ** 2, atol=1e-5)


def test_a_loss_that_returns_the_batch_mean_is_refused():
    with pytest.raises(ValueError, match=r"'mean' must return one value per sample.*shape \(\)"):
        plot_loss_shapes({"mean": lambda t, p: keras.ops.mean((t - p) ** 2)})


def test_curves_start_at_epoch_one_or_at_the_given_places():
    figure = plot_curves({"train": [3.0, 2.0, 1.0], "none yet": []})
    assert figure.axes[0].lines[0].get_xdata().tolist() == [1, 2, 3]
    assert figure.axes[0].lines[0].get_ydata().tolist() == [3, 2, 1]
    figure = plot_curves({"error": [3.0, 2.0]}, x=[0.1, 0.2], xlim=(0.0, 1.0), xlabel="delta [mm]")
    axes = figure.axes[0]
    assert axes.lines[0].get_xdata().tolist() == [0.1, 0.2]
    assert axes.get_xlim() == (0.0, 1.0) and axes.get_xlabel() == "delta [mm]"
    with pytest.raises(ValueError, match="x has 1 values, but curve 'error' has 2"):
        plot_curves({"error": [3.0, 2.0]}, x=[1.0])


def test_a_logarithmic_axis_has_few_ticks():
    figure = plot_curves({"train": 10.0 ** -np.arange(12)}, log=True)
    axes = figure.axes[0]
    assert axes.get_yscale() == "log" and axes.get_xscale() == "linear"
    low, high = axes.get_ylim()
    assert 2 <= sum(low <= tick <= high for tick in axes.get_yticks()) <= 5
    _, other = new_figure()
    use_log_scale(other, "x")
    assert other.get_xscale() == "log" and other.get_yscale() == "linear"


def test_variables_are_drawn_with_their_exact_answers():
    history = recorded(alpha=lambda e: 1 - 0.5**e, weights=lambda e: np.array([e, 2.0 * e]))
    figure = plot_variables(history, {"alpha": 1.0, "weights": [12.0, 24.0]})
    axes = figure.axes[0]
    drawn = {line.get_label(): line for line in axes.lines}
    np.testing.assert_allclose(drawn["alpha"].get_ydata(), 1 - 0.5 ** np.arange(13))
    assert drawn["weights[1]"].get_ydata()[-1] == 24
    assert drawn["alpha"].get_xdata().tolist() == list(range(13))
    flat = [line for line in axes.lines if line.get_label().startswith("_")]
    assert [line.get_ydata()[0] for line in flat] == [1, 12, 24]
    assert all(line.get_linestyle() == "--" for line in flat)
    assert flat[0].get_color() == drawn["alpha"].get_color()
    assert legend_of(figure) == ["alpha", "weights[0]", "weights[1]", "exact answer"]


def test_without_an_exact_answer_there_is_no_dashed_line():
    figure = plot_variables(recorded(alpha=float), {"alpha": None})
    assert legend_of(figure) == ["alpha"] and len(figure.axes[0].lines) == 1


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({"beta": 1.0}, "'beta' was not recorded; recorded: .*'alpha'"),
        ({"many": [1.0, 2.0]}, "'many' has 5 entries, but its exact answer has 2"),
        ({"many": None}, "from 1 to 4 lines, but is given 5"),
        ({}, "from 1 to 4 lines, but is given 0"),
    ],
)
def test_targets_that_do_not_fit_are_named(targets, message):
    with pytest.raises(ValueError, match=message):
        plot_variables(recorded(alpha=float, many=lambda e: np.ones(5)), targets)


@pytest.mark.parametrize("draw", [plot_curves, plot_loss_shapes])
@pytest.mark.parametrize("count", [0, 5])
def test_a_panel_has_from_one_to_four_lines(draw, count):
    with pytest.raises(ValueError, match=f"from 1 to 4 lines, but is given {count}"):
        draw({f"line {i}": half_square for i in range(count)})


LONG = "the test error of a loss with quite a long name"
FIGURES = {
    "shapes": lambda: plot_loss_shapes(
        {"MSE / 2": half_square, "pinball": tilted, "MAE": keras.losses.mean_absolute_error},
        unit="mmol/l",
    ),
    "curves": lambda: plot_curves(
        {"train": [1, 2, 3], "test": [3, 2, 1]}, title="Loss", ylabel="mean squared error [mm²]"
    ),
    "long labels": lambda: plot_curves({f"{LONG} {i}": [i, 2 * i] for i in range(4)}),
    "big numbers": lambda: plot_curves({"loss": [-1e5, 120000.0]}),
    "small numbers": lambda: plot_curves({"loss": [-0.01234, 0.0]}),
    "logarithmic": lambda: plot_curves({"loss": [1e-12, 1e12]}, log=True, title="Loss"),
    "nothing yet": lambda: plot_curves({"train": [], "test": []}, xlim=(0, 100)),
    "variables": lambda: plot_variables(
        recorded(alpha=float, beta=float), {"alpha": 3.0, "beta": 12.0}, title="Learned"
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_overlaps_and_nothing_is_cut_off(name):
    assert_legible(FIGURES[name]())


def test_a_grid_of_panels_is_legible():
    figure, panels = new_figure(2, 2, height=5.0)
    for panel in panels:
        panel.plot([-1000, 1000], [-10, 10], label="one line")
        panel.set(xlabel="error [mm]", ylabel="loss [mm²]", title="A title of usual length")
    add_legend(figure)
    assert legend_of(figure) == ["one line"]
    assert_legible(figure)


def two_panels(**style):
    figure, (left, right) = new_figure(2)
    left.plot([0, 1], label="benign")  # solid, in the first colour
    right.plot([0, 1], label="true cost", **style)
    return figure


def test_a_legend_does_not_hold_two_lines_that_look_alike():
    with pytest.raises(ValueError, match="'true cost' and 'benign' share a legend"):
        add_legend(two_panels(color=COLORS["blue"].lower()))


@pytest.mark.parametrize("style", [{"color": "green"}, {"linestyle": ":"}, {"marker": "o"}])
def test_a_legend_holds_lines_that_differ(style):
    figure = two_panels(**style)
    add_legend(figure)
    assert legend_of(figure) == ["benign", "true cost"]


def test_show_gives_a_plain_picture_and_a_visible_caption(monkeypatch):
    shown = []
    monkeypatch.setattr(plots, "display", lambda *what, **how: shown.append((what, how)))
    show(plot_curves({"train": [1, 2]}), " It rises. ", "Line chart: the loss rises.")
    (picture, how), (caption, _) = shown
    assert list(picture[0]) == ["image/png"] and picture[0]["image/png"].startswith(b"\x89PNG")
    size = {"width": 800, "height": 320}
    alt = "Line chart: the loss rises."
    assert how == {"raw": True, "metadata": {"alt": alt, "image/png": size}}
    assert isinstance(caption[0], Markdown) and caption[0].data == "*It rises.*"


@pytest.mark.parametrize(("caption", "alt", "missing"), [("", "a", "caption"), ("c", " ", "alt")])
def test_show_insists_on_words(caption, alt, missing):
    with pytest.raises(ValueError, match=missing):
        show(new_figure()[0], caption, alt)


@pytest.mark.slow
def test_drawing_in_several_threads_gives_one_picture():
    def picture(_):
        figure, (left, right) = new_figure(2)
        left.set(title="never stronger than 1.0", xlabel="error")
        right.plot([0, 1], [0, 1])
        return encode_to_store(figure)

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(picture, range(20)))) == 1


@pytest.mark.parametrize("count", range(1, 9))
@pytest.mark.parametrize("width", [6.0, 8.0])
def test_a_legend_does_not_leave_the_figure(count, width):
    figure, axes = new_figure(width=width)
    for number in range(count):
        label = "error of each sample"[: 6 + 5 * (number % 4)]
        axes.plot([0, 1], marker="os"[number // 4], label=f"{label} {number}")
    add_legend(figure)
    encode_to_store(figure)
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0 and box.x1 <= width * 100
