"""Every control of a widget can be reached by Tab and moved by keys, without a mouse.

The arrow keys of sliders are pressed in `widget_checks.py`, where their picture is compared.
"""

from __future__ import annotations

from typing import Any

from lab import until

# A place to begin, right before the box: the first Tab leads to its first control.
BEGIN = """box => {
    const before = document.createElement('span');
    before.tabIndex = -1;
    box.parentNode.insertBefore(before, box);
    before.focus();
}"""
# The number of the control that has the focus, -1 for something else in the box, null outside.
FOCUSED = """(box, selector) => box.contains(document.activeElement)
    ? [...box.querySelectorAll(selector)].indexOf(document.activeElement) : null"""
ENABLED = """(box, selector) => [...box.querySelectorAll(selector)].flatMap(
    (control, number) => control.disabled ? [] : [number])"""
# What may change when a control gets the focus: Lab fills the handle of a slider, frames others.
LOOKS = """(box, selector) => [...box.querySelectorAll(selector)].map(control => {
    const look = getComputedStyle(control);
    return [look.outline, look.boxShadow, look.backgroundColor, look.borderColor].join('; ');
})"""


def check_tab_order(widget: Any, selector: str) -> None:
    """Tab through the box: every enabled control gets the focus, in order, and shows it."""
    wanted = widget.box.evaluate(ENABLED, selector)
    widget.box.evaluate(BEGIN)
    plain = widget.box.evaluate(LOOKS, selector)
    reached = []
    for _ in range(3 * len(wanted) + 3):
        widget.notebook.page.keyboard.press("Tab")
        number = widget.box.evaluate(FOCUSED, selector)
        if number is None:
            break
        if number >= 0:
            reached.append(number)
            shown = widget.box.evaluate(LOOKS, selector)[number] != plain[number]
            assert shown, f"{widget.where}: control {number + 1} does not show its focus"
    assert reached == wanted, f"{widget.where}: Tab reaches the controls {reached}, not {wanted}"


def check_keys(widget: Any, control: Any, label: str) -> None:
    """Choose from a list by keys, and tick a box with the space key.

    Lab takes the arrow keys for itself while the list is closed; the space key opens it.
    """
    if control.evaluate("e => e.matches('select')"):
        before = control.input_value()
        for key in ("ArrowDown", "ArrowUp"):
            for pressed in ("Space", key, "Enter"):
                control.press(pressed)
            if control.input_value() != before:
                return
        raise AssertionError(f"{widget.where}: no key moves '{label}'")
    if control.evaluate("e => e.matches('[type=checkbox]')"):
        before = control.is_checked()
        control.press("Space")
        until(
            lambda: control.is_checked() != before,
            widget.watcher.patience,
            f"{widget.where}: the space key does not tick '{label}'",
        )
