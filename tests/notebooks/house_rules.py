"""The house rules of the notebooks: one function for each, from a notebook to its complaints.

A rule returns a list of sentences, empty when all is well; each names the cell, counted from 1 over
cells of every type. RULES lists them all. To add a rule: write the function, decorate it with
`@rule`, and add at least one row to BREAKS in test_house_rules.py, an edit that breaks it.
"""

from __future__ import annotations

import ast
import re
import symtable
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

import reading_time
from execute import PREDICT
from nbformat import NotebookNode
from publish import HOSTED_ID
from reading import HEADING, Notebook, bullets, output_text, parse, prose, tags, without_code

Rule = Callable[[Notebook], list[str]]
RULES: list[Rule] = []

MOST_LINES, MOST_COLUMNS, MOST_BYTES = 25, 100, 900_000
MOST_LINES_TO_TAKE = 20
FILE_NAME = re.compile(r"\d\d_[a-z0-9]+(_[a-z0-9]+)*\.ipynb")
MINUTES = re.compile(r"^\*Read \d+ min · run \d+ (s|min) · exercises? \d+ min\*$", re.MULTILINE)
# In this order. Headings begin with these words and may go on: "Play: drag delta".
SKELETON = (
    "You will be able to",
    "The popular recipe",
    "Play",
    "When it goes wrong",
    "Recap",
    "Further reading",
)
FORBIDDEN_WORDS = re.compile(r"\b(simply|obviously|just|of\s+course)\b", re.IGNORECASE)
UNSTABLE_TEXT = {
    "an absolute path": re.compile(r"(?<![\w.:/<])/(?:[\w.+-]+/)+[\w.+-]+|\b[A-Z]:\\\w"),
    "a time": re.compile(r"\b\d+(?:\.\d+)?\s?(?:ms|µs|us|s|sec|seconds)\b|\b\d\d:\d\d:\d\d\b"),
    "a memory address": re.compile(r"\b0x[0-9a-fA-F]{6,}"),
}
PART = re.compile(r"^##? (.+)$", re.MULTILINE)
QUOTED = re.compile(r"^>.*$", re.MULTILINE)
COMPARISON = re.compile(
    r"\b(?:better|worse|cheaper|dearer|quicker|faster|slower|fewer|smaller|larger|higher|lower|less"
    r"|more often|closer|further) than\b(?! (?:one|two|half|zero|\d))"
    r"|\b(?:beats|outperforms|costs nothing|does not help|as good as|no better|no worse)\b",
    re.IGNORECASE,
)
SUMMARIES = ("You will be able to", "Exercise", "When it goes wrong", "Recap", "Further reading")
DOCUMENT_TAG = re.compile(r"D[1-5]\.[1-3](-built)?|D[1-5]-claim")
IGNORE_OUTPUT, TAKE_AWAY, AS_DRAWN = "nbval-ignore-output", "take-away", "as-drawn"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
EXERCISE = re.compile(r"Exercise (\d+): .+ \(\d+ min\)")
EXERCISE_CALL = re.compile(r"([\w.]+)\.(check|hint|solution)\(")
HIDDEN_CALL = re.compile(r"\s*#\s*[\w.]+\.(hint|solution)\(\)")
IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
MARKDOWN_IMAGE = re.compile(r"!\[([^\]]*)\]\(")
SPOKEN = re.compile(r"""\balt\s*=\s*(?:"[^"]*\w[^"]*"|'[^']*\w[^']*')""", re.IGNORECASE)


def rule(function: Rule) -> Rule:
    """Add a rule to RULES."""
    RULES.append(function)
    return function


def is_start(notebook: Notebook) -> bool:
    """Return whether this is notebook 00, which teaches no recipe."""
    return notebook.name.startswith("00_")


def shows_widget(cell: NotebookNode) -> bool:
    """Return whether a code cell displays a live widget: explore(...) or a panel's display()."""
    calls = (n.func for n in ast.walk(parse(cell.source)) if isinstance(n, ast.Call))
    return any(
        getattr(f, "id", None) == "explore" or getattr(f, "attr", None) == "display" for f in calls
    )


def written(notebook: Notebook) -> Iterator[tuple[int, NotebookNode]]:
    """Yield (number, cell) of the code cells but for the one that publish.py writes."""
    return ((i, cell) for i, cell in notebook.code() if cell.get("id") != HOSTED_ID)


# The file


@rule
def file_name(notebook: Notebook) -> list[str]:
    """Two digits, then words in lower case joined by underscores."""
    name = notebook.name
    return [] if FILE_NAME.fullmatch(name) else [f"the file name {name!r} is not NN_words.ipynb"]


@rule
def file_is_small(notebook: Notebook) -> list[str]:
    """Less than 900 kB."""
    return [] if notebook.size < MOST_BYTES else [f"the file has {notebook.size} bytes"]


@rule
def ids_are_unique(notebook: Notebook) -> list[str]:
    """Each cell has an id of its own."""
    count = Counter(cell.get("id") for cell in notebook.cells)
    missing = ["a cell has no id"] if None in count else []
    return missing + [f"the id {i} is used {n} times" for i, n in count.items() if i and n > 1]


@rule
def no_widget_state(notebook: Notebook) -> list[str]:
    """Neither the state of widgets nor their views are stored."""
    state = ["the metadata hold widgets"] if "widgets" in notebook.node.metadata else []
    views = [i for i, output in notebook.outputs() if WIDGET_VIEW in output.get("data", {})]
    return state + [f"cell {i}: stores a widget view" for i in views]


@rule
def tags_are_known(notebook: Notebook) -> list[str]:
    """A tag is D1.1, D1.1-built, D1-claim, take-away, as-drawn or nbval-ignore-output."""
    return [
        f"cell {i}: unknown tag {tag!r}"
        for i, cell in enumerate(notebook.cells, 1)
        for tag in tags(cell)
        if not DOCUMENT_TAG.fullmatch(tag) and tag not in (IGNORE_OUTPUT, TAKE_AWAY, AS_DRAWN)
    ]


@rule
def tags_are_on_code(notebook: Notebook) -> list[str]:
    """Only code cells have tags: a document is covered by what runs."""
    return [f"cell {i}: a tag on text" for i, cell in notebook.markdown() if tags(cell)]


# The skeleton


@rule
def begins_with_title(notebook: Notebook) -> list[str]:
    """The first cell is Markdown and begins with the only title."""
    first = notebook.cells[0]
    titles = [heading for heading in notebook.headings() if heading.level == 1]
    complaints = []
    if first.cell_type != "markdown" or not first.source.startswith("# "):
        complaints.append("cell 1 does not begin with a title")
    if len(titles) != 1:
        complaints.append(f"there are {len(titles)} headings of level 1")
    return complaints


@rule
def runs_on_hosts(notebook: Notebook) -> list[str]:
    """The second cell installs the module where it is missing, folded; publish.py writes it."""
    cell = notebook.cells[1]
    there = cell.get("id") == HOSTED_ID and reading_time.is_folded(cell)
    return [] if there else ["cell 2 does not install what hosts lack (see the template)"]


@rule
def states_minutes(notebook: Notebook) -> list[str]:
    """The first cell says how long it takes: *Read 5 min · run 10 s · exercises 8 min*."""
    if not MINUTES.search(notebook.cells[0].source):
        return ["cell 1: no line with the minutes"]
    wanted = reading_time.minutes(notebook.node)
    right = f"*Read {wanted} min " in notebook.cells[0].source
    return [] if right else [f"cell 1: to read it takes {wanted} min (execute.py --tidy)"]


@rule
def states_needs(notebook: Notebook) -> list[str]:
    """The first cell says what the reader needs: **You need:** ..."""
    return [] if "**You need:**" in notebook.cells[0].source else ["cell 1: no '**You need:**'"]


@rule
def has_skeleton(notebook: Notebook) -> list[str]:
    """The headings of the skeleton are there."""
    texts = [heading.text.lower() for heading in notebook.headings()]
    wanted = [t for t in SKELETON if not (is_start(notebook) and t == "The popular recipe")]
    missing = [t for t in wanted if not any(text.startswith(t.lower()) for text in texts)]
    return [f"no heading {title!r}" for title in missing]


@rule
def skeleton_is_in_order(notebook: Notebook) -> list[str]:
    """The first headings of each part come in the order of the skeleton."""
    texts = [heading.text.lower() for heading in notebook.headings()]
    matches = ([i for i, t in enumerate(texts) if t.startswith(s.lower())] for s in SKELETON)
    found = [positions[0] for positions in matches if positions]
    return [] if found == sorted(found) else ["the parts of the skeleton are out of order"]


@rule
def predictions_are_not_spoilt(notebook: Notebook) -> list[str]:
    """What answers a Predict is folded: the result of the next code cell, and the next text."""
    complaints, result, text = [], False, False
    for i, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code":
            if result and not cell.metadata.get("jupyter", {}).get("outputs_hidden"):
                complaints.append(f"cell {i}: shows what is to be predicted (execute.py --tidy)")
            result = False
        elif PREDICT.search(cell.source):
            result = text = True
        elif text and not result:
            if not cell.source.startswith("<details><summary>"):
                complaints.append(f"cell {i}: the answer to a prediction is not in <details>")
            text = False
    return complaints


def table_of(cell: NotebookNode) -> symtable.SymbolTable:
    """Return the names of a code cell, and what it does with each."""
    return symtable.symtable(cell.source, "cell", "exec")


def looked_up(table: symtable.SymbolTable) -> set[str]:
    """Return the names that functions in a cell look up outside of themselves."""
    found = set()
    for inner in table.get_children():
        found |= looked_up(inner)
        if isinstance(inner, symtable.Function):
            found |= {name.get_name() for name in inner.get_symbols() if name.is_global()}
    return found


@rule
def ends_with_something_to_take(notebook: Notebook) -> list[str]:
    """Below "Take this with you": one cell, at most 20 lines, that needs nothing of the page.

    Nor does it give another value to a name that functions of the page look up: a slider that is
    moved after Run All would work with it.
    """
    if is_start(notebook):
        return []
    cells = [cell for _, cell in notebook.code() if TAKE_AWAY in tags(cell)]
    heads = [h for h in notebook.headings() if h.text.startswith("Take this with you")]
    if len(cells) != 1 or len(heads) != 1 or notebook.cells[heads[0].cell] is not cells[0]:
        return ["there is not one code cell, tagged take-away, below 'Take this with you'"]
    lines = cells[0].source.splitlines()
    own = {name.get_name() for name in table_of(cells[0]).get_symbols() if name.is_assigned()}
    page = [cell for _, cell in notebook.code() if cell is not cells[0]]
    if clash := own & set().union(*(looked_up(table_of(cell)) for cell in page)):
        return [f"what to take gives {sorted(clash)} another value, which functions look up"]
    long = len(lines) > MOST_LINES_TO_TAKE
    ours = "lossutils.teaching" in cells[0].source
    return ["what to take is too long"] * long + ["what to take imports lossutils.teaching"] * ours


@rule
def asks_to_predict(notebook: Notebook) -> list[str]:
    """At least one line begins with > **Predict.**"""
    asked = any(PREDICT.search(cell.source) for _, cell in notebook.markdown())
    return [] if asked else ["nowhere does the reader predict"]


@rule
def objectives(notebook: Notebook) -> list[str]:
    """Three to five of them."""
    count = bullets(notebook.section("You will be able to"))
    return [] if 3 <= count <= 5 else [f"{count} objectives"]


@rule
def recap_mirrors_objectives(notebook: Notebook) -> list[str]:
    """The recap has as many points as there are objectives."""
    aims = bullets(notebook.section("You will be able to"))
    points = bullets(notebook.section("Recap"))
    return [] if aims == points else [f"{aims} objectives, but {points} points in the recap"]


@rule
def headings_do_not_jump(notebook: Notebook) -> list[str]:
    """A heading is at most one level below the one before."""
    headings = notebook.headings()
    return [
        f"cell {below.cell}: {below.text!r} jumps from level {above.level} to {below.level}"
        for above, below in pairwise(headings)
        if below.level > above.level + 1
    ]


# Prose


@rule
def words(notebook: Notebook) -> list[str]:
    """No simply, obviously, just, of course: not in the text, and not in captions."""
    texts = [(i, cell.source) for i, cell in notebook.markdown()]
    captions = ((i, o.get("data", {}).get("text/markdown")) for i, o in notebook.outputs())
    texts += [(i, text) for i, text in captions if text]
    return [
        f"cell {i}: {match[0]!r}"
        for i, text in texts
        for match in FORBIDDEN_WORDS.finditer(prose(text))
    ]


@rule
def images_in_text_speak(notebook: Notebook) -> list[str]:
    """Pictures in Markdown have alternative text."""
    complaints = []
    for i, cell in notebook.markdown():
        silent = [m for m in MARKDOWN_IMAGE.findall(cell.source) if not m.strip()]
        silent += [m for m in IMAGE.findall(cell.source) if not SPOKEN.search(m)]
        complaints += [f"cell {i}: a picture without alternative text"] * len(silent)
    return complaints


# Evidence


def parts_below_headings(notebook: Notebook) -> Iterator[tuple[str, list[NotebookNode]]]:
    """Yield (heading, cells) for each part that begins with a heading of level 1 or 2."""
    title, cells = "", []
    for cell in notebook.cells:
        text = without_code(cell.source) if cell.cell_type == "markdown" else ""
        if match := PART.search(text):
            yield title, cells
            title, cells = match[1], []
        cells.append(cell)
    yield title, cells


def compared(cells: list[NotebookNode]) -> list[str]:
    """Return the comparisons in the text and the captions, without what the reader predicts."""
    texts = [QUOTED.sub("", cell.source) for cell in cells if cell.cell_type == "markdown"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    texts += [output.get("data", {}).get("text/markdown", "") for output in outputs]
    return [match[0] for text in texts for match in COMPARISON.finditer(prose(text))]


def is_settled(cells: list[NotebookNode]) -> bool:
    """Return whether a part has a claim, an assertion or a displayed formula."""
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return bool(re.search(r"^\s*(claim\(|assert )", code, re.MULTILINE) or "$$" in text)


@rule
def comparisons_are_settled(notebook: Notebook) -> list[str]:
    """A part that compares ("better than", "beats") has a claim, an assertion or a formula.

    What stands at the beginning and from the exercises on sums up: it is not looked at.
    """
    return [
        f"{title!r} says {words[0]!r}, but has no claim"
        for title, cells in parts_below_headings(notebook)
        if not title.startswith(SUMMARIES) and (words := compared(cells)) and not is_settled(cells)
    ]


@rule
def compared_numbers_are_printed(notebook: Notebook) -> list[str]:
    """No print(a < b): the numbers are printed, and a claim below them says which is smaller."""
    complaints = []
    for i, cell in notebook.code():
        calls = (node for node in ast.walk(parse(cell.source)) if isinstance(node, ast.Call))
        for call in calls:
            if getattr(call.func, "id", "") == "print" and any(map(prints_a_truth, call.args)):
                complaints.append(f"cell {i}: prints whether, not how much: {ast.unparse(call)}")
    return complaints


def prints_a_truth(argument: ast.expr) -> bool:
    """Return whether the value printed is a comparison by size, or np.isclose and its like."""
    if isinstance(argument, ast.JoinedStr):
        return any(map(prints_a_truth, argument.values))
    if isinstance(argument, ast.FormattedValue):
        return prints_a_truth(argument.value)
    if isinstance(argument, ast.Compare):
        return any(isinstance(op, ast.Lt | ast.Gt | ast.LtE | ast.GtE) for op in argument.ops)
    if isinstance(argument, ast.Call):
        name = getattr(argument.func, "attr", getattr(argument.func, "id", ""))
        inside = [*argument.args, getattr(argument.func, "value", argument.func)]
        wraps = name in ("bool", "all", "any", "item")
        return name in ("isclose", "allclose") or (wraps and any(map(prints_a_truth, inside)))
    return False


# Code


@rule
def code_is_short(notebook: Notebook) -> list[str]:
    """At most 25 lines in a cell (aim at 20), and 100 columns."""
    complaints = []
    for i, cell in notebook.code():
        lines = cell.source.splitlines()
        if len(lines) > MOST_LINES:
            complaints.append(f"cell {i}: {len(lines)} lines")
        longest = max(map(len, lines), default=0)
        if longest > MOST_COLUMNS:
            complaints.append(f"cell {i}: a line of {longest} columns")
    return complaints


@rule
def no_empty_code(notebook: Notebook) -> list[str]:
    """No code cell is empty."""
    return [f"cell {i}: is empty" for i, cell in notebook.code() if not cell.source.strip()]


@rule
def teaching_is_imported_first(notebook: Notebook) -> list[str]:
    """The first import is lossutils.teaching, which keeps TensorFlow's log lines out."""
    for i, cell in written(notebook):
        nodes = ast.walk(parse(cell.source))
        imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
        if imports:
            first = min(imports, key=lambda node: node.lineno)
            right = isinstance(first, ast.ImportFrom) and first.module == "lossutils.teaching"
            return [] if right else [f"cell {i}: imports something before lossutils.teaching"]
    return ["imports nothing"]


@rule
def folded_code_only_draws(notebook: Notebook) -> list[str]:
    """Code that is folded shows a picture; it prints nothing and claims nothing."""
    return [
        f"cell {i}: is folded, but does not only draw"
        for i, cell in written(notebook)
        if reading_time.is_folded(cell)
        and (
            any(output.output_type == "stream" for output in cell.outputs)
            or not any({"image/png", "text/html"} & set(o.get("data", {})) for o in cell.outputs)
        )
    ]


@rule
def seed_is_set(notebook: Notebook) -> list[str]:
    """The first code cell of the author sets the seed."""
    first = next((cell.source for _, cell in written(notebook)), "")
    seeded = "keras.utils.set_random_seed(" in first
    return [] if seeded else ["the first code cell has no keras.utils.set_random_seed(...)"]


# Outputs


@rule
def executed_in_order(notebook: Notebook) -> list[str]:
    """The code cells were run from a fresh kernel, from first to last."""
    counts = [cell.execution_count for _, cell in notebook.code()]
    wanted = list(range(1, len(counts) + 1))
    return [] if counts == wanted else [f"execution counts {counts}"]


@rule
def no_error_outputs(notebook: Notebook) -> list[str]:
    """No cell raised."""
    bad = [(i, o) for i, o in notebook.outputs() if o.output_type == "error"]
    return [f"cell {i}: {output.ename}" for i, output in bad]


@rule
def no_stderr(notebook: Notebook) -> list[str]:
    """No warnings and no log lines."""
    bad = [i for i, o in notebook.outputs() if o.output_type == "stream" and o.name == "stderr"]
    return [f"cell {i}: an output on stderr" for i in bad]


@rule
def outputs_are_stable(notebook: Notebook) -> list[str]:
    """No paths, times or addresses in what a reader sees below a cell."""
    return [
        f"cell {i}: {what}: {match[0]!r}"
        for i, output in notebook.outputs()
        for what, pattern in UNSTABLE_TEXT.items()
        for match in pattern.finditer(output_text(output))
    ]


@rule
def figures_speak(notebook: Notebook) -> list[str]:
    """Each image/png output has alternative text and, right below it, a caption in italics."""
    complaints = []
    for i, cell in notebook.code():
        for output, below in pairwise([*cell.outputs, None]):
            if "image/png" not in output.get("data", {}):
                continue
            if not str(output.metadata.get("alt", "")).strip():
                complaints.append(f"cell {i}: a figure without alternative text")
            caption = (below or {}).get("data", {}).get("text/markdown", "")
            if not re.fullmatch(r"\*[^*].*\*", caption.strip(), re.DOTALL):
                complaints.append(f"cell {i}: a figure without a caption below it")
    return complaints


@rule
def images_in_outputs_speak(notebook: Notebook) -> list[str]:
    """Each <img> in an output of HTML has alternative text."""
    return [
        f"cell {i}: an <img> without alternative text"
        for i, output in notebook.outputs()
        for image in IMAGE.findall(output.get("data", {}).get("text/html", ""))
        if not SPOKEN.search(image)
    ]


# Widgets


@rule
def enough_widgets(notebook: Notebook) -> list[str]:
    """At least two (in 00: one)."""
    count = sum(shows_widget(cell) for _, cell in notebook.code())
    return [] if count >= (1 if is_start(notebook) else 2) else [f"{count} widgets"]


@rule
def figure_before_widget(notebook: Notebook) -> list[str]:
    """A static figure of its own stands before each widget, for viewers that run nothing."""
    complaints, ready = [], False
    for i, cell in notebook.code():
        if shows_widget(cell):
            if not ready:
                complaints.append(f"cell {i}: no static figure since the last widget")
            ready = False
        elif any("image/png" in output.get("data", {}) for output in cell.outputs):
            ready = True
    return complaints


@rule
def widgets_can_be_read(notebook: Notebook) -> list[str]:
    """A widget's stored output is a picture, so that an unrun notebook shows one."""
    return [
        f"cell {i}: no picture stored for the widget"
        for i, cell in notebook.code()
        if shows_widget(cell)
        and not any("<img" in o.get("data", {}).get("text/html", "") for o in cell.outputs)
    ]


@rule
def ignored_outputs_are_widgets(notebook: Notebook) -> list[str]:
    """nbval-ignore-output stands on cells that show a widget, nowhere else."""
    return [
        f"cell {i}: ignores its output without showing a widget"
        for i, cell in notebook.code()
        if IGNORE_OUTPUT in tags(cell) and not shows_widget(cell)
    ]


# Exercises


def exercise_parts(notebook: Notebook) -> list[list[tuple[int, NotebookNode]]]:
    """Return, for each heading "Exercise ...: ... (N min)", the (number, code cell) below it."""
    parts: list[list[tuple[int, NotebookNode]]] = []
    inside = False
    for i, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "markdown":
            for match in HEADING.finditer(cell.source):
                inside = bool(EXERCISE.fullmatch(match[2]))
                if inside:
                    parts.append([])
        elif inside:
            parts[-1].append((i, cell))
    return parts


@rule
def number_of_exercises(notebook: Notebook) -> list[str]:
    """Two or three (in 00: one), headed "Exercise 1: title (5 min)" and numbered from 1."""
    matches = (EXERCISE.fullmatch(heading.text) for heading in notebook.headings())
    numbers = [int(match[1]) for match in matches if match]
    if numbers != list(range(1, len(numbers) + 1)):
        return [f"the exercises are numbered {numbers}"]
    wanted = (1,) if is_start(notebook) else (2, 3)
    return [] if len(numbers) in wanted else [f"{len(numbers)} exercises"]


@rule
def exercises_follow_what_they_practise(notebook: Notebook) -> list[str]:
    """There is a heading between two exercises: each stands below the part that it practises."""
    texts = [heading.text for heading in notebook.headings()]
    return [
        f"{below!r} follows directly on {above!r}"
        for above, below in pairwise(texts)
        if EXERCISE.fullmatch(above) and EXERCISE.fullmatch(below)
    ]


@rule
def exercises_are_complete(notebook: Notebook) -> list[str]:
    """Each has a check, a hint and a solution, of one and the same exercise, in separate cells."""
    complaints = []
    for number, part in enumerate(exercise_parts(notebook), 1):
        calls = [(i, *call) for i, cell in part for call in EXERCISE_CALL.findall(cell.source)]
        methods = sorted(method for _, _, method in calls)
        if methods != ["check", "hint", "solution"]:
            complaints.append(f"exercise {number}: has {methods}, not check, hint and solution")
        elif len({i for i, _, _ in calls}) != 3:
            complaints.append(f"exercise {number}: check, hint and solution share a cell")
        elif len({name for _, name, _ in calls}) != 1:
            complaints.append(f"exercise {number}: {sorted({name for _, name, _ in calls})}")
    return complaints


@rule
def nothing_is_spoilt(notebook: Notebook) -> list[str]:
    """Hints and solutions are commented out, so that Run All does not show them."""
    return [
        f"cell {i}: {line.strip()!r} is not commented out"
        for i, cell in notebook.code()
        for line in cell.source.splitlines()
        if re.search(r"\.(hint|solution)\(\)", line) and not HIDDEN_CALL.match(line)
    ]


@rule
def stubs_are_unanswered(notebook: Notebook) -> list[str]:
    """The check below an untouched stub prints "Not yet."; nbval proves that it still does."""
    complaints = []
    for part in exercise_parts(notebook):
        for i, cell in part:
            checks = any(m == "check" for _, m in EXERCISE_CALL.findall(cell.source))
            printed = "".join(o.text for o in cell.outputs if o.output_type == "stream")
            if checks and not printed.startswith("Not yet."):
                complaints.append(f"cell {i}: the stub's check prints {printed[:40]!r}")
    return complaints
