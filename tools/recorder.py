"""Runs in the kernel of a notebook: draws its widgets at many settings, for pages without a kernel.

All is drawn once more for a phone, as far as it can be.

`watch()` before the first cell notes the widgets that are displayed, `record(file, most)` after the
last one draws them: a lone control at up to `most` positions, two on a coarser grid. Three and
more would need too many pictures: each slider moves alone, the others stand where they start.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, product
from pathlib import Path
from typing import Any

import ipywidgets
from matplotlib.figure import Figure

from lossutils import teaching
from lossutils.teaching import Explorer, TrainingPanel
from lossutils.teaching.errors import describe_error
from lossutils.teaching.narrow import make_narrow
from lossutils.teaching.plots import encode_to_store
from lossutils.teaching.svg import encode_svg

FEWEST = 3  # positions of a control: both ends, and one between
shown: list[Explorer | TrainingPanel] = []
narrow: dict[str, str] = {}  # what is shown first on a phone, as PNG, by its alternative text


def watch() -> None:
    """Note from now on each widget and each figure that is displayed."""
    teaching.show = _narrowing(teaching.show)
    for kind, method in ((Explorer, "mimebundle"), (TrainingPanel, "display")):
        setattr(kind, method, _noting(getattr(kind, method)))


def _noting(method: Any) -> Any:
    def noting(widget: Explorer | TrainingPanel) -> Any:
        shown.append(widget)
        return method(widget)

    return noting


def _narrowing(show: Callable[[Figure, str, str], None]) -> Callable[[Figure, str, str], None]:
    def narrowing(figure: Figure, caption: str, alt: str) -> None:
        show(figure, caption, alt)
        keep_narrow(figure, alt)  # nobody draws it again

    return narrowing


def keep_narrow(figure: Figure, alt: str) -> None:
    """Draw a figure for a phone, if it can be."""
    if make_narrow(figure):
        narrow[alt] = base64.b64encode(encode_to_store(figure)).decode()


def record(file: str, most: int) -> None:
    """Write the records of all widgets as JSON, in the order in which they were displayed.

    With them the figures for a phone.
    """
    records = [
        of_panel(widget, most) if isinstance(widget, TrainingPanel) else of_explorer(widget, most)
        for widget in shown
    ]
    found = {"widgets": records, "narrow": narrow}
    Path(file).write_text(json.dumps(found), encoding="utf-8")


def of_explorer(explorer: Explorer, most: int) -> dict[str, Any]:
    """Return the controls of an explorer, each with its positions, and its pictures."""
    controls = [of_control(control) for control in explorer.controls.values()]
    sliders = [control for control in controls if control["kind"] == "range"]
    is_grid = len(controls) == len(sliders) == 2
    is_sliced = len(sliders) > 1 and not is_grid
    for control in sliders:
        keep(control, max(most // 4 if is_grid else most, FEWEST))
    pictures = Pictures()
    for places in settings(controls, is_sliced):
        values = [control["values"][place] for control, place in zip(controls, places, strict=True)]
        named = dict(zip(explorer.controls, values, strict=True))
        pictures.add(places, lambda named=named: explorer.figure_function(**named))
    pictures.check([control["start"] for control in controls], explorer.image.value)
    if pictures.narrow:
        keep_narrow(explorer.figure_function(**explorer.values), explorer.alt)
    steps = [control.pop("steps") for control in controls]
    for control in controls:
        del control["values"]
    is_whole = not is_sliced and all(
        count == len(control["texts"]) for count, control in zip(steps, controls, strict=True)
    )
    found = {"alt": explorer.alt, "controls": controls, "sliced": is_sliced, "whole": is_whole}
    return found | pictures.as_json()


def of_panel(panel: TrainingPanel, most: int) -> dict[str, Any]:
    """Return a training, recorded from its beginning to its end, as one control: the epoch."""
    records = list(islice(panel.steps(), panel.total))
    epochs = spread(len(records) + 1, 0, max(most, FEWEST))
    pictures = Pictures()
    for place, epoch in enumerate(epochs):
        pictures.add((place,), lambda epoch=epoch: panel.figure_function(records[:epoch]))
    if pictures.narrow:
        keep_narrow(panel.figure_function([]), panel.alt)
    texts = [f"{epoch} of {panel.total}" for epoch in epochs]
    control = {"label": "epoch", "kind": "range", "start": 0, "texts": texts}
    found = {"alt": panel.alt, "controls": [control], "sliced": False, "plays": True}
    return found | {"whole": len(epochs) == len(records) + 1} | pictures.as_json()


def of_control(control: ipywidgets.Widget) -> dict[str, Any]:
    """Return a control as a page needs it: its label, and a text for each of its positions."""
    if isinstance(control, ipywidgets.Checkbox):
        kind, values, texts = "checkbox", [False, True], ["off", "on"]
    elif hasattr(control, "options"):
        kind = "select" if isinstance(control, ipywidgets.Dropdown) else "range"
        pairs = [o if isinstance(o, tuple) else (str(o), o) for o in control.options]
        texts, values = ([pair[i] for pair in pairs] for i in (0, 1))
    else:
        kind, count = "range", round((control.max - control.min) / control.step)
        values = [control.min + control.step * k for k in range(count + 1)]
        # As the slider itself rounds what it shows.
        texts = [format(value, getattr(control, "readout_format", "d")) for value in values]
        values = [round(value, 12) for value in values]
    start = next(k for k, value in enumerate(values) if _same(value, control.value))
    values[start] = control.value
    found = {"label": control.description, "kind": kind, "start": start, "texts": texts}
    return found | {"values": values, "steps": len(values)}


def _same(one: Any, other: Any) -> bool:
    return abs(one - other) < 1e-9 if isinstance(one, float) else one == other


def keep(control: dict[str, Any], most: int) -> None:
    """Thin out the positions of a slider."""
    kept = spread(len(control["texts"]), control["start"], most)
    for part in ("texts", "values"):
        control[part] = [control[part][k] for k in kept]
    control["start"] = kept.index(control["start"])


def spread(count: int, start: int, most: int) -> list[int]:
    """Return at most so many of `count` positions, evenly, both ends and the start among them.

    >>> spread(11, 3, 5)
    [0, 3, 5, 8, 10]
    """
    if count <= most:
        return list(range(count))
    kept = [round(k * (count - 1) / (most - 1)) for k in range(most)]
    inner = kept[1:-1]
    if start not in kept and inner:
        kept[kept.index(min(inner, key=lambda k: abs(k - start)))] = start
    return kept


def settings(controls: list[dict[str, Any]], is_sliced: bool) -> Iterator[tuple[int, ...]]:
    """Yield the positions of all controls, for each picture."""
    places = [range(len(control["texts"])) for control in controls]
    starts = [control["start"] for control in controls]
    for setting in product(*places):
        moved = [
            place != start and control["kind"] == "range"
            for place, start, control in zip(setting, starts, controls, strict=True)
        ]
        if not is_sliced or sum(moved) <= 1:
            yield setting


class Lines:
    """Pictures as SVG. They have most lines in common: each is kept once."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.pictures: dict[str, list[int] | str] = {}

    def add(self, key: str, picture: bytes) -> None:
        """Add a picture, by the numbers of its lines."""
        lines = shortened(picture).splitlines()
        self.pictures[key] = [self.numbers.setdefault(line, len(self.numbers)) for line in lines]

    def as_json(self) -> dict[str, Any]:
        """Return the lines, and for each picture the numbers of its own."""
        return {"lines": list(self.numbers), "pictures": self.pictures}


class Pictures:
    """The pictures of one widget, and all of them for a phone; `narrow` is None if one fails."""

    def __init__(self) -> None:
        self.wide, self.titles = Lines(), {}
        self.narrow: Lines | None = Lines()

    def add(self, places: Sequence[int], draw: Callable[[], Figure]) -> None:
        """Add the picture for some positions, or what it says where it cannot be drawn."""
        key = _key(places)
        try:
            figure = draw()
            self.wide.add(key, encode_svg(figure))
        except Exception as error:  # a reader of the notebook would see it too
            for lines in filter(None, (self.wide, self.narrow)):
                lines.pictures[key] = describe_error(error)
            return
        titles = (axes.get_title() for axes in figure.axes)
        self.titles[key] = "; ".join(title for title in titles if title)
        if self.narrow and make_narrow(figure):
            self.narrow.add(key, encode_svg(figure))
        else:
            self.narrow = None

    def check(self, places: Sequence[int], picture: bytes) -> None:
        """Raise RuntimeError unless this is the picture for some positions."""
        lines = list(self.wide.numbers)
        drawn = [lines[number] for number in self.wide.pictures[_key(places)]]
        if drawn != shortened(bytes(picture)).splitlines():
            raise RuntimeError("a widget is drawn otherwise now than when it was displayed")

    def as_json(self) -> dict[str, Any]:
        """Return the pictures and their titles, and the pictures for a phone."""
        narrow = {"narrow": self.narrow.as_json()} if self.narrow else {}
        return self.wide.as_json() | {"titles": self.titles} | narrow


def _key(places: Sequence[int]) -> str:
    return ",".join(map(str, places))


def shortened(svg: bytes) -> str:
    """Write a path on one line, and its places in hundredths of a point.

    >>> shortened(b'<path d="M 1.234567 2 \\nL 3.100000 4 \\n"/>')
    '<path d="M1.23 2L3.1 4"/>'
    """
    return re.sub(r'(?<=\b[dxy]=")[^"]*', lambda numbers: _short(numbers[0]), svg.decode())


def _short(numbers: str) -> str:
    numbers = re.sub(r"-?\d+\.\d+", lambda n: f"{float(n[0]):.2f}".rstrip("0").rstrip("."), numbers)
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", " ".join(numbers.split()))
