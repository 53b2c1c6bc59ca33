"""What every widget of the collection must do, checked as a reader would: by key and by mouse.

`check_widgets(notebook)` goes through a page whose cells have run. It looks at every outermost box
of widgets in an output, and knows two kinds by what they contain:

- An explorer (made by `explore`) has a picture. Each of its controls changes the picture, and
  Reset brings back the first picture and the first value of the control.
- A panel (a `TrainingPanel`) has a progress bar too. Start trains to the end and changes the
  picture, Reset brings the first picture back, Start and Stop leave it unfinished and ready.

Tab reaches every control, in order, and keys move it. All other buttons are pressed. A control
outside of an explorer, or one of an unknown kind, fails: it would be a widget that nobody tests.
Each failure names notebook, cell and label.

Pictures are compared by the pixels that the browser shows, not by what the kernel meant to send.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keyboard_checks import check_keys, check_tab_order
from lab import NotebookPage, until

OUTERMOST = ".widget-vbox:not(.widget-box .widget-vbox)"
PANEL = f"{OUTERMOST}:has(.progress-bar)"
EXPLORER = f"{OUTERMOST}:has(img):not(:has(.progress-bar))"

# A canvas, because the browser may already have dropped the address of the picture it shows.
PIXELS = """images => images.map(image => {
    if (!image.complete || !image.naturalWidth) return '';
    const canvas = document.createElement('canvas');
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.toDataURL('image/png');
})"""

CELL_NUMBER = """element => {
    const cell = element.closest('.jp-Cell');
    return 1 + [...document.querySelectorAll('.jp-Notebook .jp-Cell')].indexOf(cell);
}"""

SLIDER, DROPDOWN = ".noUi-handle", "select"
CHECKBOX, TOGGLE = "input[type=checkbox]", "button.widget-toggle-button"
RADIO = "input[type=radio]"
KNOWN = f"{SLIDER}, {DROPDOWN}, {CHECKBOX}, {TOGGLE}, {RADIO}"
BUTTON = "button.widget-button"
# Whatever a reader could operate inside the output of a cell.
OPERABLE = "input, select, textarea, button, [role=slider]"
OUTPUTS = ".jp-Notebook .jp-OutputArea-output"

ERROR_LINE = re.compile(r"\b[A-Z]\w*(?:Error|Exception|Warning)\b.*")

LABEL = """element => {
    const group = element.closest('.widget-toggle-buttons, .widget-radio, .widget-inline-hbox');
    const name = group?.querySelector('.widget-label')?.innerText.replace(/\\u200b/g, '').trim();
    const own = element.matches('button') ? element.innerText : element.closest('label')?.innerText;
    return [name, own?.trim()].filter(text => text).join(': ') || '(no label)';
}"""


@dataclass(frozen=True)
class Watcher:
    """The settings of one check: how long to wait, and where pictures of the widgets go, if at all.

    `patience` is the longest wait, in seconds, for a picture to change; `training` for a training
    to end.
    """

    patience: float = 10.0
    training: float = 120.0
    screenshots: Path | None = None


@dataclass
class Widget:
    """One box in the page: an explorer or a panel."""

    notebook: NotebookPage
    box: Any
    kind: str
    watcher: Watcher

    def __post_init__(self) -> None:
        self.cell = self.box.evaluate(CELL_NUMBER)
        self.where = f"{self.notebook.where(self.cell)}, {self.kind}"

    def picture(self) -> tuple[str, ...]:
        """Return the pixels of all pictures in the box, as the browser shows them now."""
        return tuple(self.box.locator("img").evaluate_all(PIXELS))

    def settled_picture(self) -> tuple[str, ...]:
        """Wait until the kernel is idle and the picture stands still, then return it."""
        end = time.monotonic() + self.watcher.patience
        calm, last = 0, None
        while calm < 3:
            assert time.monotonic() < end, f"{self.where}: the picture never comes to rest"
            time.sleep(0.05)
            now = self.picture()
            complete = now and all(now)
            calm = calm + 1 if complete and now == last and self.notebook.idle() else 0
            last = now
        return last

    def wait_for_change(self, before: tuple[str, ...], what: str) -> tuple[str, ...]:
        """Wait until the settled picture is another one than `before`; AssertionError if never."""
        until(
            lambda: self._is_other(before) or bool(self.faults()),
            self.watcher.patience,
            f"{self.where}: {what}",
        )
        self.assert_no_error()  # an error is the reason for a picture that stands still
        after = self.settled_picture()
        # What came in between may have been a late answer to an earlier key.
        assert after != before, f"{self.where}: {what}"
        return after

    def _is_other(self, before: tuple[str, ...]) -> bool:
        now = self.picture()
        return bool(now) and all(now) and now != before

    def wait_for_picture(self, wanted: tuple[str, ...], what: str) -> None:
        """Wait until the box shows `wanted` again; AssertionError if it never does."""
        until(lambda: self.picture() == wanted, self.watcher.patience, f"{self.where}: {what}")

    def button(self, name: str) -> Any:
        """Return the one button of this name; AssertionError if there are none or several."""
        found = self.box.locator(BUTTON).filter(has_text=re.compile(rf"^\s*{name}\s*$", re.I))
        assert found.count() == 1, f"{self.where}: wanted one {name} button, found {found.count()}"
        return found.first

    def faults(self) -> list[str]:
        """Return the error that the box shows, and what kernel and console complained about."""
        lines = "\n".join(self.box.locator(".widget-html-content").all_inner_texts())
        shown = ERROR_LINE.search(lines)
        return [*([f"shows {shown[0]}"] if shown else []), *self.notebook.complaints()]

    def assert_no_error(self) -> None:
        """AssertionError when there are faults."""
        faults = self.faults()
        assert not faults, f"{self.where}: " + "\n".join(faults)

    def screenshot(self, moment: str) -> None:
        """Store a picture of the box, when pictures are wanted."""
        if self.watcher.screenshots is None:
            return
        stem = f"{Path(self.notebook.name).stem}-cell{self.cell:03d}-{self.kind}-{moment}"
        name = re.sub(r"[^\w.-]+", "_", stem) + ".png"
        self.box.screenshot(path=self.watcher.screenshots / name)


def check_widgets(notebook: NotebookPage, watcher: Watcher | None = None) -> int:
    """Check every widget of a page whose cells have run; return how many widgets there are.

    Raises AssertionError, with notebook, cell and control, for the first thing that is wrong.
    """
    watcher = watcher or Watcher()
    explorers = [Widget(notebook, box, "explorer", watcher) for box in _boxes(notebook, EXPLORER)]
    panels = [Widget(notebook, box, "panel", watcher) for box in _boxes(notebook, PANEL)]
    _assert_no_strangers(notebook)
    for explorer in explorers:
        check_explorer(explorer)
    for panel in panels:
        check_panel(panel)
    _press_loose_buttons(notebook, watcher)
    notebook.assert_no_complaints()
    return len(explorers) + len(panels)


def _boxes(notebook: NotebookPage, selector: str) -> list[Any]:
    return notebook.page.locator(f"{OUTPUTS} {selector}").all()


def _assert_no_strangers(notebook: NotebookPage) -> None:
    """Every control is a known one inside an explorer; loose buttons are pressed at the end."""
    tested = f"e.matches('{BUTTON}') || e.matches('{KNOWN}') && e.closest('{EXPLORER}')"
    strangers = f"all => all.filter(e => !({tested})).map(e => [({CELL_NUMBER})(e), e.outerHTML])"
    found = notebook.page.locator(f"{OUTPUTS} :is({OPERABLE})").evaluate_all(strangers)
    what = "a control that no test operates"
    assert not found, "\n".join(f"{notebook.where(c)}: {what}: {tag[:120]}" for c, tag in found)


def check_explorer(explorer: Widget) -> None:
    """Move each control, see the picture change, press Reset and see the first picture again."""
    explorer.box.scroll_into_view_if_needed()
    first = explorer.settled_picture()
    explorer.assert_no_error()
    explorer.screenshot("0-first")
    controls = explorer.box.locator(KNOWN).all()
    assert controls, f"{explorer.where}: has no control"
    check_tab_order(explorer, f"{KNOWN}, {BUTTON}")
    for number, control in enumerate(controls, start=1):
        _check_control(explorer, control, number, first)


def _check_control(explorer: Widget, control: Any, number: int, first: tuple[str, ...]) -> None:
    label = control.evaluate(LABEL)
    if control.evaluate("e => e.matches('.mod-active, :checked[type=radio]')"):
        return  # the chosen one of several toggles: its neighbours are pressed instead
    value = _value(control)
    for move in _moves(explorer, control, label):
        move()
        explorer.settled_picture()
        explorer.assert_no_error()
        explorer.screenshot(f"{number}-{label}")
    check_keys(explorer, control, label)
    # ipywidgets holds a change back while the kernel has one to handle: it may not overtake Reset.
    explorer.settled_picture()
    explorer.button("Reset").press("Enter")
    explorer.wait_for_picture(first, f"Reset after '{label}' does not bring the first picture back")
    until(
        lambda: _value(control) == value,
        explorer.watcher.patience,
        f"{explorer.where}: Reset does not set '{label}' back",
    )


def _value(control: Any) -> str:
    """Return what the control says about its own value."""
    return control.evaluate(
        "e => e.getAttribute('aria-valuetext')"
        " ?? (e.matches('select') ? e.value : String(e.checked ?? e.matches('.mod-active')))"
    )


def _moves(explorer: Widget, control: Any, label: str) -> Iterator[Any]:
    """Yield functions, each of which moves the control and sees the picture change."""
    if control.evaluate(f"e => e.matches('{SLIDER}')"):
        yield lambda: _slide_one_step(explorer, control, label)
        yield lambda: _slide_end_to_end(explorer, control, label)
    elif control.evaluate("e => e.matches('select')"):
        yield lambda: _choose_each(explorer, control, label)
    else:
        yield lambda: _click(explorer, control, label)


def _slide_one_step(explorer: Widget, handle: Any, label: str) -> None:
    """One arrow key moves the value. The step may be too small to see, so only the value counts."""
    before = _value(handle)
    for key in ("ArrowRight", "ArrowLeft"):
        handle.press(key)
        if _value(handle) != before:
            return
    raise AssertionError(f"{explorer.where}: the arrow keys do not move '{label}'")


def _slide_end_to_end(explorer: Widget, handle: Any, label: str) -> None:
    handle.press("Home")
    low = explorer.settled_picture()
    explorer.assert_no_error()
    handle.press("End")
    explorer.wait_for_change(low, f"'{label}' from its lowest to its highest value changes nothing")


def _choose_each(explorer: Widget, dropdown: Any, label: str) -> None:
    """Choose every other option; the present one comes back with Reset."""
    options = dropdown.locator("option").evaluate_all("all => all.map(option => option.value)")
    others = [option for option in options if option != dropdown.input_value()]
    assert others, f"{explorer.where}: '{label}' offers no choice"
    for option in others:
        before = explorer.settled_picture()
        dropdown.select_option(option)
        explorer.wait_for_change(before, f"'{label}' set to '{option}' changes nothing")
        explorer.assert_no_error()


def _click(explorer: Widget, control: Any, label: str) -> None:
    before = explorer.settled_picture()
    control.click()
    explorer.wait_for_change(before, f"a click on '{label}' changes nothing")


def check_panel(panel: Widget) -> None:
    """Train to the end, reset, then train again and stop on the way."""
    panel.box.scroll_into_view_if_needed()
    first = panel.settled_picture()
    panel.assert_no_error()
    panel.screenshot("0-first")
    check_tab_order(panel, BUTTON)
    _press(panel, "Start")
    until(
        lambda: _progress(panel) >= 100 or bool(panel.faults()),
        panel.watcher.training,
        f"{panel.where}: the training does not end",
        pause=0.3,
    )
    panel.assert_no_error()
    panel.wait_for_change(first, "a whole training leaves the picture as it was")
    panel.assert_no_error()
    panel.screenshot("1-finished")
    _press(panel, "Reset")
    panel.wait_for_picture(first, "Reset does not bring the first picture back")
    _start_and_stop(panel)
    panel.screenshot("2-stopped")
    _press(panel, "Reset")
    panel.wait_for_picture(first, "Reset after Stop does not bring the first picture back")
    panel.assert_no_error()


def _press(panel: Widget, name: str) -> None:
    """Press a button by key, as soon as it may be pressed."""
    button = panel.button(name)
    until(button.is_enabled, panel.watcher.patience, f"{panel.where}: {name} may be pressed")
    button.press("Enter")


def _progress(panel: Widget) -> float:
    """Return how full the progress bar is, in percent."""
    bar = panel.box.locator(".progress-bar")
    assert bar.count() == 1, f"{panel.where}: wanted one progress bar, found {bar.count()}"
    return bar.evaluate("bar => parseFloat(bar.style.width) || 0")


def _start_and_stop(panel: Widget) -> None:
    """Press Stop as soon as there is progress: the bar stands still below 100 %, Start is ready."""
    _press(panel, "Start")
    until(lambda: _progress(panel) > 0, panel.watcher.patience, f"{panel.where}: a first step")
    _press(panel, "Stop")
    start = panel.button("Start")
    until(start.is_enabled, panel.watcher.patience, f"{panel.where}: Start enabled after Stop")
    panel.settled_picture()
    stopped = _progress(panel)
    time.sleep(1.0)
    assert _progress(panel) == stopped, f"{panel.where}: goes on after Stop"
    assert stopped < 100, f"{panel.where}: Stop did not stop it, or it is over too soon"
    panel.assert_no_error()


def _press_loose_buttons(notebook: NotebookPage, watcher: Watcher) -> None:
    """Press the buttons that are not part of a check above, and wait for the kernel."""
    done = re.compile(r"^\s*(Start|Stop|Reset)\s*$", re.I)
    for button in notebook.page.locator(f"{OUTPUTS} {BUTTON}").all():
        inside = button.evaluate(f"e => !!e.closest('{EXPLORER}, {PANEL}')")
        if inside and done.match(button.inner_text()):
            continue
        where = f"{notebook.where(button.evaluate(CELL_NUMBER))}, '{button.inner_text()}'"
        button.click()
        until(notebook.idle, watcher.training, f"{where}: the kernel finishes")
        complaints = notebook.complaints()
        assert not complaints, f"{where}: " + "\n".join(complaints)
