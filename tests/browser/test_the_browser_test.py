"""The browser test itself: it passes sound notebooks, and each fault makes it fail.

The notebooks here are small and need no TensorFlow: a box of controls over a picture, with buttons
like those of `explore` and `TrainingPanel`. Each fault changes one of them.
"""

import textwrap
from collections.abc import Callable, Iterator

import nbformat
import pytest
from lab import Lab, NotebookPage
from lab import open_notebook as open_page
from widget_checks import EXPLORER as EXPLORER_BOX
from widget_checks import PANEL as PANEL_BOX
from widget_checks import Watcher, Widget, check_explorer, check_panel, check_widgets

pytestmark = pytest.mark.slow
QUICK = Watcher(patience=2.0, training=5.0)

SETUP = """
import asyncio, io, sys
import ipywidgets as W
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

def png(height, color="black"):
    figure = Figure(figsize=(3, 2), dpi=60)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(ylim=(0, 6))
    axes.plot([0, 1], [0, height], color=color)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()

def picture():
    return W.Image(format="png", layout=W.Layout(width="180px", height="120px"))
"""

EXPLORER = """
height = W.FloatSlider(min=0, max=5, step=0.1, value=1, description="height")
color = W.Dropdown(options=["black", "red", "blue"], description="color")
double = W.Checkbox(description="double")
reset, image, line = W.Button(description="Reset"), picture(), W.HTML()

def redraw(*_):
    line.value = ""
    image.value = png(height.value * (1 + double.value), color.value)

def set_back(*_):
    height.value, color.value, double.value = 1, "black", False

for control in (height, color, double):
    control.observe(redraw, "value")
reset.on_click(set_back)
redraw()
box = W.VBox([height, color, double, reset, image, line])
display(box)
"""

PANEL = """
start, stop, reset = (W.Button(description=text) for text in ("Start", "Stop", "Reset"))
progress, image = W.IntProgress(min=0, max=20), picture()
running = []

def set_back(*_):
    progress.value, image.value = 0, png(0)

async def train():
    set_back()
    start.disabled = True
    while running and progress.value < 20:
        await asyncio.sleep(0.05)
        progress.value += 1
        image.value = png(progress.value / 4)
    start.disabled = False

def begin(*_):
    running.append(True)
    loop.call_soon_threadsafe(lambda: loop.create_task(train()))

loop = asyncio.get_running_loop()
start.on_click(begin)
stop.on_click(lambda _: running.clear())
reset.on_click(set_back)
set_back()
panel = W.VBox([W.HBox([start, stop, reset]), progress, image])
display(panel)
"""

BUTTON = """
loose = W.Button(description="Press me")
loose.on_click(lambda _: None)
display(loose)
"""

# (name, text of the cell, what stands there instead, what the check must say)
FAULT_OF_EXPLORER = [
    ("observer removed", 'control.observe(redraw, "value")', "pass", "'height' from its lowest"),
    (
        "one dead control",
        "png(height.value * (1 + double.value), color.value)",
        "png(height.value * (1 + double.value))",
        "'color' set to 'red' changes nothing",
    ),
    (
        "control out of reach of Tab",
        'W.Checkbox(description="double")',
        'W.Checkbox(description="double", tabbable=False)',
        "Tab reaches the controls [0, 1, 3], not [0, 1, 2, 3]",
    ),
    ("dead checkbox", "(1 + double.value)", "1", "a click on 'double' changes nothing"),
    (
        "callback raises",
        'line.value = ""',
        "if height.value > 4: raise ValueError('no such curve')",
        "no such curve",
    ),
    (
        "error shown in the widget",
        'line.value = ""',
        "line.value = 'ValueError: bad height' if height.value > 4 else ''",
        "shows ValueError: bad height",
    ),
    (
        "callback writes to stderr",
        'line.value = ""',
        "if height.value > 4: print('a warning', file=sys.stderr)",
        "stderr: a warning",
    ),
    ("no Reset", 'description="Reset"', 'description="Again"', "wanted one Reset button, found 0"),
    (
        "Reset forgets a control",
        'height.value, color.value, double.value = 1, "black", False',
        "height.value, double.value = 1, False",
        "Reset after 'color' does not bring",
    ),
]
FAULT_OF_PANEL = [
    ("training raises", "progress.value += 1", "raise OSError('no data')", "no data"),
    ("training stands still", "progress.value += 1", "pass", "the training does not end"),
    ("training shows nothing", "png(progress.value / 4)", "png(0)", "leaves the picture as it was"),
    ("Stop does nothing", "running.clear()", "None", "Stop"),
    ("Reset does nothing", "reset.on_click(set_back)", "pass", "Reset does not bring"),
]
# (name, cells, what the check must say)
FAULT_OF_PAGE = [
    (
        "unknown control",
        [EXPLORER.replace("W.Checkbox(", "W.BoundedIntText(")],
        "cell 2: a control that no test operates",
    ),
    (
        "explorer without picture",
        [EXPLORER.replace("double, reset, image,", "double, reset,")],
        "cell 2: a control that no test operates",
    ),
    ("control outside a widget", ["W.Checkbox()"], "cell 2: a control that no test operates"),
    ("button raises", [BUTTON.replace("None", "1 / 0")], "'Press me': ZeroDivisionError"),
    ("cell raises", ["1 + 1", "1 / 0"], "cell 3: ZeroDivisionError"),
    (
        "page complains",
        ["from IPython.display import Javascript", "Javascript('console.error(\"oh dear\")')"],
        "console: oh dear",
    ),
]


def names(faults: list[tuple]) -> list[str]:
    """Return the first entry of each row."""
    return [fault[0] for fault in faults]


def in_function(source: str) -> str:
    """Return a cell whose names do not meet those of other cells."""
    return "def widget():\n" + textwrap.indent(source.strip(), "    ") + "\n\nwidget()"


def broken(cell: str, old: str, new: str) -> str:
    """Return the cell with its fault; the text to replace must be there once."""
    assert cell.count(old) == 1, old
    return in_function(cell.replace(old, new))


def store(sources: list[str], lab: Lab) -> str:
    """Write a notebook of these code cells behind SETUP; return its name."""
    v4 = nbformat.v4
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    cells = [v4.new_code_cell(source.strip()) for source in [SETUP, *sources]]
    notebook = v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, lab.root / "fixture.ipynb")
    return "fixture.ipynb"


def check_cells(sources: list[str], lab: Lab, open_notebook: Callable, watcher: Watcher) -> int:
    """Run a notebook of these code cells in Lab and check it; return the number of widgets."""
    with open_notebook(store(sources, lab)) as page:
        page.run_all(60)
        return check_widgets(page, watcher)


def test_sound_widgets_pass(lab: Lab, open_notebook: Callable, watcher: Watcher) -> None:
    sources = [in_function(source) for source in (EXPLORER, PANEL, BUTTON)]
    assert check_cells(sources, lab, open_notebook, watcher) == 2


def test_a_notebook_without_widgets_has_none(lab: Lab, open_notebook: Callable) -> None:
    assert check_cells(["1 + 1"], lab, open_notebook, QUICK) == 0


@pytest.mark.parametrize(
    ("sources", "message"), [fault[1:] for fault in FAULT_OF_PAGE], ids=names(FAULT_OF_PAGE)
)
def test_a_fault_of_the_page_is_noticed(
    sources: list[str], message: str, lab: Lab, open_notebook: Callable
) -> None:
    with pytest.raises(AssertionError) as failure:
        check_cells(sources, lab, open_notebook, QUICK)
    assert message in str(failure.value)


@pytest.fixture(scope="class")
def page(lab: Lab, lab_page: object) -> Iterator[NotebookPage]:
    """Return a page with all broken widgets, first the explorers, then the panels."""
    sources = [broken(EXPLORER, *fault[1:3]) for fault in FAULT_OF_EXPLORER]
    sources += [broken(PANEL, *fault[1:3]) for fault in FAULT_OF_PANEL]
    with open_page(lab_page, store(sources, lab)) as opened:
        opened.run_all(60)
        yield opened


class TestEachFaultOfAWidgetIsNoticed:
    """One page with all broken widgets, checked one after the other: opening it takes 2 s."""

    @pytest.mark.parametrize("number", range(len(FAULT_OF_EXPLORER)), ids=names(FAULT_OF_EXPLORER))
    def test_explorer(self, number: int, page: NotebookPage) -> None:
        self.expect(FAULT_OF_EXPLORER[number][3], check_explorer, EXPLORER_BOX, number, page)

    @pytest.mark.parametrize("number", range(len(FAULT_OF_PANEL)), ids=names(FAULT_OF_PANEL))
    def test_panel(self, number: int, page: NotebookPage) -> None:
        self.expect(FAULT_OF_PANEL[number][3], check_panel, PANEL_BOX, number, page)

    def expect(
        self, message: str, check: Callable, selector: str, number: int, page: NotebookPage
    ) -> None:
        page.forget_complaints()
        box = page.page.locator(selector).nth(number)
        with pytest.raises(AssertionError) as failure:
            check(Widget(page, box, "widget", QUICK))
        assert message in str(failure.value)
        assert page.name in str(failure.value)


def test_a_page_knows_a_cell_that_did_not_run() -> None:
    class Page:
        def evaluate(self, script: str, *arguments: object) -> object:
            cell = {"cell_type": "code", "source": "x", "outputs": [], "execution_count": None}
            return "finished" if arguments else [cell]

    with pytest.raises(AssertionError, match="cell 1: was not run"):
        NotebookPage(Page(), "n.ipynb").run_all(1)
