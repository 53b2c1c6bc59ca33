"""Runs in the kernel of a notebook: find its widgets, move their controls, print the seconds."""

import gc
import json
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets
from measure import seconds

from lossutils.teaching import Explorer, TrainingPanel

MOVES = 12  # of each control


def report() -> None:
    """Print, as JSON, the name of each widget and the seconds of each of its redraws."""
    gc.collect()
    found = [thing for thing in gc.get_objects() if isinstance(thing, (Explorer, TrainingPanel))]
    measured = [{"name": name(w), "seconds": list(redraws(w))} for w in sorted(found, key=name)]
    print(json.dumps(measured))


def name(widget: Explorer | TrainingPanel) -> str:
    """Return the labels of the controls."""
    if isinstance(widget, TrainingPanel):
        return "training panel"
    return ", ".join(control.description for control in widget.controls.values())


def redraws(widget: Explorer | TrainingPanel) -> Iterator[float]:
    """Yield the seconds of each redraw."""
    if isinstance(widget, TrainingPanel):
        widget.run()
        yield from (seconds(widget.redraw) for _ in range(MOVES))
        return
    for control in widget.controls.values():
        for value in values(control):
            yield seconds(setter(control, value))


def setter(control: ipywidgets.Widget, value: Any) -> Callable[[], None]:
    """Return a function that moves a control; its observers redraw before it returns."""
    return lambda: setattr(control, "value", value)


def values(control: ipywidgets.Widget) -> list[Any]:
    """Return up to MOVES values, spread over what the control offers, none where it stands now."""
    offered = options(control)
    some = offered[:: max(1, len(offered) // MOVES)]
    return [value for value in some if value != control.value]


def options(control: ipywidgets.Widget) -> list[Any]:
    """Return all values that a control offers."""
    if isinstance(control, ipywidgets.Checkbox):
        return [not control.value, control.value]
    if hasattr(control, "options"):
        return [option[1] if isinstance(option, tuple) else option for option in control.options]
    count = round((control.max - control.min) / control.step)
    return [control.min + control.step * k for k in range(count + 1)]
