"""Figures that follow sliders: a pure function draws, and this file wires it to the controls."""

import base64
import html
import math
from collections.abc import Callable, Iterable
from threading import RLock
from typing import Any

import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure

from lossutils.teaching.errors import describe_error
from lossutils.teaching.plots import encode_to_store, size_on_page
from lossutils.teaching.svg import encode_svg

_TRACK = "320px"  # the slider or list itself, with the number to its right


def slider(
    label: str, start: float, stop: float, value: float, step: float, unit: str = ""
) -> ipywidgets.Widget:
    """Return a slider from `start` to `stop`; of whole numbers if all four numbers are.

    The arrow keys move it by `step`. Raises ValueError for an empty range, a start value outside
    it or between two steps, or a step that is not positive.

    >>> slider("delta", 0.1, 3.0, value=1.0, step=0.1).value
    1.0
    """
    _check_range(label, start, stop, value, step)
    steps = (value - start) / step
    if abs(steps - round(steps)) > 1e-6:  # the browser would move it, and Reset would miss it
        raise ValueError(
            f"slider {label!r}: value {value} is not a whole number of steps from start"
        )
    numbers = {"min": start, "max": stop, "value": value, "step": step}
    if all(isinstance(number, int) for number in numbers.values()):
        return ipywidgets.IntSlider(**numbers, **_dressed(label, unit))
    digits = next((n for n in range(9) if math.isclose(round(step, n), step)), 9)
    return ipywidgets.FloatSlider(**numbers, readout_format=f".{digits}f", **_dressed(label, unit))


def log_slider(
    label: str, start: float, stop: float, value: float, step: float = 0.1, unit: str = ""
) -> ipywidgets.Widget:
    """Return a slider whose equal steps multiply: `step` is in powers of ten, 0.1 a factor 1.26.

    `start`, `stop` and `value` are the values themselves. Raises ValueError as `slider` does, and
    for a start that is not positive.

    >>> log_slider("strength", 0.001, 10.0, value=0.1).value
    0.1
    """
    if start <= 0:
        raise ValueError(f"slider {label!r}: `start` must be above 0, but is {start}.")
    _check_range(label, start, stop, value, step)
    # A list of values, not a FloatLogSlider: that one rounds its logarithm in the browser, so that
    # Reset would come back beside the start value.
    values = _powers(start, stop, value, step)
    return ipywidgets.SelectionSlider(
        options=[(f"{v:.3g}", v) for v in values], value=value, **_dressed(label, unit)
    )


def _powers(start: float, stop: float, value: float, step: float) -> list[float]:
    """Return `value` times powers of ten in steps, between `start` and `stop`, and those two."""
    below = math.floor(math.log10(value / start) / step + 1e-9)
    above = math.floor(math.log10(stop / value) / step + 1e-9)
    inner = [value * 10 ** (step * k) for k in range(-below, above + 1) if k]
    values = sorted([value, *inner])
    far_from_first = not math.isclose(values[0], start, rel_tol=1e-6)
    far_from_last = not math.isclose(values[-1], stop, rel_tol=1e-6)
    return [start] * far_from_first + values + [stop] * far_from_last


def choice(label: str, options: Iterable[Any], value: Any) -> ipywidgets.Widget:
    """Return a list to choose one of `options` from: values, or (text, value) pairs.

    >>> choice("loss", ["MSE", "Huber"], "Huber").value
    'Huber'
    """
    return ipywidgets.Dropdown(options=list(options), value=value, **_dressed(label))


def switch(label: str, value: bool) -> ipywidgets.Widget:
    """Return a box to tick.

    >>> switch("outliers", True).value
    True
    """
    return ipywidgets.Checkbox(value=value, indent=True, **_dressed(label))


class Explorer:
    """A figure with its controls and a Reset button.

    `controls` maps the names of the figure function's arguments to their widgets, `image` holds
    the picture as SVG, `still` the first one as PNG, `message` an error if the last drawing failed,
    `redraws` counts the drawings, and `widget` holds it all. `explore` shows one; tests build one
    with `build_explorer`.
    """

    def __init__(
        self, figure_function: Callable[..., Figure], alt: str, controls: dict[str, Any]
    ) -> None:
        if not controls:
            raise ValueError("an explorer needs at least one control, as name=slider(...)")
        self.controls = controls
        self.redraws = 0
        self.alt = alt
        self.figure_function = figure_function
        self._start = self.values
        self._resetting = False
        # The messages of a slider and of a button may arrive in different threads of the kernel.
        self._lock = RLock()
        first = figure_function(**self.values)
        self.image = image_for(first)
        self.message = ipywidgets.HTML()
        self.message.add_class("lossutils-message")
        self.reset_button = ipywidgets.Button(
            description="Reset", icon="undo", layout=ipywidgets.Layout(width="100px")
        )
        _align_labels(controls.values())
        for control in controls.values():
            control.observe(self._on_change, "value")
        self.reset_button.on_click(lambda _: self.reset())
        self.widget = ipywidgets.VBox(
            [*controls.values(), self.reset_button, self.image, self.message]
        )
        self.still = encode_to_store(first)
        self.image.value = encode_svg(first)
        self.message.value = spoken(alt)

    @property
    def values(self) -> dict[str, Any]:
        """The current value of each control."""
        return {name: control.value for name, control in self.controls.items()}

    def redraw(self) -> None:
        """Draw the figure for the current values, or show the error that drawing it raised."""
        with self._lock:
            self.redraws += 1
            try:
                picture = encode_svg(self.figure_function(**self.values))
            except Exception as error:  # shown to the reader, who chose the values
                self.message.value = spoken(self.alt) + error_line(error)
            else:
                self.image.value = picture
                self.message.value = spoken(self.alt)

    def reset(self) -> None:
        """Set every control back to its start value, and draw once."""
        with self._lock:
            self._resetting = True
            try:
                for name, value in self._start.items():
                    self.controls[name].value = value
            finally:
                self._resetting = False
            self.redraw()

    def mimebundle(self) -> dict[str, Any]:
        """Return the live widget together with what is shown where it cannot live."""
        names = ", ".join(control.description for control in self.controls.values())
        note = f"Run the notebook to change: {names}."
        return bundle(self.widget, self.still, self.alt, note)

    def _on_change(self, _change: dict) -> None:
        with self._lock:
            if not self._resetting:
                self.redraw()


def build_explorer(
    figure_function: Callable[..., Figure], *, alt: str, **controls: Any
) -> Explorer:
    """Return an `Explorer` without displaying it. Arguments as for `explore`."""
    return Explorer(figure_function, alt, controls)


def explore(figure_function: Callable[..., Figure], *, alt: str, **controls: Any) -> None:
    """Display `figure_function(**values)` with one control for each of its arguments.

    The function takes the values of the controls by name and returns a new figure each time. An
    error that it raises for some values is shown below the picture; one at the start values is
    raised here. `alt` describes the picture in words.

    In JupyterLab the output is the live widget; where a notebook is only read, it is the picture
    at the start values.
    """
    display(build_explorer(figure_function, alt=alt, **controls).mimebundle(), raw=True)


def image_for(figure: Figure) -> ipywidgets.Image:
    """Return an empty image widget of the figure's size, so that nothing moves on a redraw."""
    width, height = (round(side) for side in figure.get_size_inches() * figure.get_dpi())
    # A narrow window scales the picture down inside its box instead of cutting it off.
    layout = ipywidgets.Layout(
        width=f"{width}px", height=f"{height}px", max_width="100%", object_fit="contain"
    )
    return ipywidgets.Image(format="svg+xml", layout=layout)


def bundle(widget: ipywidgets.Widget, png: bytes, alt: str, note: str) -> dict[str, Any]:
    """Return a display bundle: the live widget, a still picture as HTML, and a description."""
    width = size_on_page(png)["width"]
    source = base64.b64encode(png).decode("ascii")
    still = (
        f'<img alt="{html.escape(alt)}" width="{width}" style="max-width: 100%" '
        f'src="data:image/png;base64,{source}">\n<p><em>{html.escape(note)}</em></p>'
    )
    # What ipywidgets shows by itself, in version 7 as in 8; 7 cannot be asked for it.
    live = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {
        "application/vnd.jupyter.widget-view+json": live,
        "text/html": still,
        "text/plain": f"{alt} {note}",
    }


def error_line(error: BaseException) -> str:
    """Return the error's type and message as a line of HTML, in the red of Lab's theme."""
    red = "var(--jp-error-color1, #b00020)"  # one red cannot be read on white and on black
    return f'<b style="color: {red}">{html.escape(describe_error(error))}</b>'


def spoken(alt: str) -> str:
    """Return the alternative text as HTML that is read aloud but not seen.

    The image widget has no place for an alternative text of its own.
    """
    hidden = "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)"
    return f'<span style="{hidden}">{html.escape(alt)}</span>'


def _dressed(label: str, unit: str = "") -> dict[str, Any]:
    return {
        "description": f"{label} [{unit}]" if unit else label,
        "style": {"description_width": "initial"},
        "layout": ipywidgets.Layout(max_width="100%"),
    }


def _align_labels(controls: Iterable[ipywidgets.Widget]) -> None:
    """Give all labels the width of the longest one, so that the controls form a column."""
    controls = list(controls)
    longest = max(len(control.description) for control in controls)
    # A ch is the width of a zero; the average letter is a fifth narrower.
    width = f"{round(0.85 * longest) + 2}ch"
    for control in controls:
        control.style.description_width = width
        control.layout.width = f"calc({width} + {_TRACK})"


def _check_range(label: str, start: float, stop: float, value: float, step: float) -> None:
    if not start < stop:
        raise ValueError(f"slider {label!r}: start {start} must be below stop {stop}")
    if not start <= value <= stop:
        raise ValueError(f"slider {label!r}: value {value} is not in [{start}, {stop}]")
    if not step > 0:
        raise ValueError(f"slider {label!r}: `step` must be above 0, but is {step}.")
