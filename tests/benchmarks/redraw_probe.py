"""Runs in the kernel of a notebook: find its widgets, move their controls, print the seconds."""

import gc
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets
from matplotlib.figure import Figure
from measure import seconds

from lossutils.teaching import CompiledTrainer, Explorer, TrainingPanel

MOVES = 12  # of each control
spent: Counter = Counter()


def report() -> None:
    """Print, as JSON, the name of each widget and the seconds of each of its redraws, by stage."""
    gc.collect()
    found = [thing for thing in gc.get_objects() if isinstance(thing, (Explorer, TrainingPanel))]
    clock("training", CompiledTrainer, "train")
    clock("drawing", Figure, "draw")
    measured = [{"name": name(w), "redraws": list(redraws(w))} for w in sorted(found, key=name)]
    print(json.dumps(measured))


def clock(stage: str, owner: Any, method: str) -> None:
    """Add up from now on the seconds that a method takes."""
    original = getattr(owner, method)

    def timed(*args: Any, **named: Any) -> Any:
        result = []
        spent[stage] += seconds(lambda: result.append(original(*args, **named)))
        return result[0]

    setattr(owner, method, timed)


def stages(redraw: Callable[[], None]) -> dict[str, float]:
    """Return the seconds that a redraw takes: training, making, drawing, encoding, and all."""
    spent.clear()
    total = seconds(redraw)
    rest = total - spent["figure function"] - spent["drawing"]
    making = spent["figure function"] - spent["training"]
    parts = {"training": spent["training"], "making": making, "drawing": spent["drawing"]}
    return parts | {"encoding": rest, "all": total}


def name(widget: Explorer | TrainingPanel) -> str:
    """Return the labels of the controls."""
    if isinstance(widget, TrainingPanel):
        return "training panel"
    return ", ".join(control.description for control in widget.controls.values())


def redraws(widget: Explorer | TrainingPanel) -> Iterator[dict[str, float]]:
    """Yield the seconds of each redraw, by stage."""
    if isinstance(widget, TrainingPanel):
        widget.run()
        clock("figure function", widget, "figure_function")
        yield from (stages(widget.redraw) for _ in range(MOVES))
        return
    clock("figure function", widget, "figure_function")
    for control in widget.controls.values():
        for value in values(control):
            yield stages(setter(control, value))


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
