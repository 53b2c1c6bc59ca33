"""Every notebook keeps the house rules, and every rule is known to be able to fail.

`sound()` is a minimal notebook that keeps all rules. BREAKS holds edits of it, each with the rule
that must complain. The edits stand for what an author may really do.
"""

import copy
import re
from collections.abc import Callable

import house_rules
import nbformat
import pytest
from house_rules import RULES
from nbformat import NotebookNode
from reading import FOLDER, ROOT, Notebook, notebook_paths, read

v4 = nbformat.v4

TITLE = """# What is a small notebook?

<!-- badges:start -->
<!-- badges:end -->

*Read 5 min · run 3 s · exercises 4 min*

## You will be able to

- read it
- run it
- break it

**You need:** nothing.
"""
IMPORTS = "from lossutils.teaching import explore\nimport keras\nkeras.utils.set_random_seed(1)"
ANSWER = "<details><summary>The answer</summary>\n\nIt is.\n\n</details>"
EXERCISE_TEXT = "### Exercise 1: first (2 min)\n\nTry."
END = """## When it goes wrong

| Symptom | Cause | Repair |
|---|---|---|

## Recap

- You read it.
- You ran it.
- You broke it.

## Further reading

- Nothing.
"""


def figure(caption: str = "*A line.*") -> list[NotebookNode]:
    """Return the two outputs of show()."""
    picture = v4.new_output("display_data", {"image/png": "iVBO"}, metadata={"alt": "A line."})
    return [picture, v4.new_output("display_data", {"text/markdown": caption})]


def widget() -> list[NotebookNode]:
    """Return the stored output of explore()."""
    html = '<img alt="A line." src="data:image/png;base64,iVBO">'
    return [v4.new_output("display_data", {"text/html": html, "text/plain": "A line."})]


def printed(text: str, name: str = "stdout") -> list[NotebookNode]:
    """Return the output of print()."""
    return [v4.new_output("stream", name=name, text=text)]


# (what the cell is called in the edits below, its source, its outputs)
CELLS = [
    ("title", TITLE, None),
    ("hosted", "import sys", []),
    ("imports", IMPORTS, []),
    ("recipe text", "## The popular recipe\n\nPeople do this.\n\n> **Predict.** Is it?", None),
    ("recipe", "print(1 + 1)", printed("2\n")),
    ("answer", ANSWER, None),
    ("exercise text", EXERCISE_TEXT, None),
    ("check", "answer = ...\nsmall.first.check(answer)", printed("Not yet. Not answered yet.\n")),
    ("hint", "# small.first.hint()  # remove the # to see a hint", []),
    ("solution", "# small.first.solution()", []),
    ("play text", "## Play\n\n### A part\n\nLook at `just`.", None),
    ("figure", "show(line(), 'A line.', 'A line.')", figure()),
    ("widget", "explore(line, alt='A line.')", widget()),
    ("figure 2", "show(line(), 'A line.', 'A line.')", figure()),
    ("widget 2", "panel.display()", widget()),
    ("exercise text 2", "### Exercise 2: second (2 min)\n\nAgain.", None),
    ("check 2", "small.second.check(...)", printed("Not yet. Not answered yet.\n")),
    ("hint 2", "# small.second.hint()", []),
    ("solution 2", "# small.second.solution()", []),
    ("take text", "## Take this with you\n\nA loss.", None),
    ("take", "import keras\nprint(3)", printed("3\n")),
    ("end", END, None),
]
METADATA = {
    "hosted": {"jupyter": {"source_hidden": True}},
    "recipe": {"jupyter": {"outputs_hidden": True}},
    "figure": {"jupyter": {"source_hidden": True}},
    "take": {"tags": ["take-away"]},
}
POSITION = {name: position for position, (name, _, _) in enumerate(CELLS)}


def sound() -> Notebook:
    """Return a notebook that keeps every rule."""
    cells, count = [], 0
    for name, source, outputs in CELLS:
        identity = name.replace(" ", "-")
        if outputs is None:
            cells.append(v4.new_markdown_cell(source, id=identity))
            continue
        count += 1
        fields = {"outputs": outputs, "metadata": METADATA.get(name, {})}
        fields = copy.deepcopy(fields) | {"id": identity, "execution_count": count}
        cells.append(v4.new_code_cell(source, **fields))
    return Notebook("01_small_one.ipynb", v4.new_notebook(cells=cells), size=1000)


Edit = Callable[[Notebook], None]


def replace(cell: str, old: str, new: str) -> Edit:
    """Return an edit of a cell's source; `old` must be in it."""

    def edit(notebook: Notebook) -> None:
        node = notebook.cells[POSITION[cell]]
        assert old in node.source
        node.source = node.source.replace(old, new)

    return edit


def both(first: Edit, second: Edit) -> Edit:
    """Return an edit that makes two edits."""

    def edit(notebook: Notebook) -> None:
        first(notebook)
        second(notebook)

    return edit


def put(cell: str, outputs: list[NotebookNode]) -> Edit:
    """Return an edit that gives a cell other outputs."""
    return lambda notebook: notebook.cells[POSITION[cell]].update(outputs=outputs)


def update(cell: str, **fields: object) -> Edit:
    """Return an edit of the fields of a cell."""
    return lambda notebook: notebook.cells[POSITION[cell]].update(fields)


def tag(cell: str, name: str) -> Edit:
    """Return an edit that puts a tag on a cell."""
    return lambda notebook: notebook.cells[POSITION[cell]].metadata.update(tags=[name])


def attribute(name: str, value: object) -> Edit:
    """Return an edit of what a rule knows about the file."""
    return lambda notebook: setattr(notebook, name, value)


def silent_figure(notebook: Notebook) -> None:
    """Remove the alternative text of a figure."""
    del notebook.cells[POSITION["figure"]].outputs[0].metadata["alt"]


def exchange(first: str, second: str) -> Edit:
    """Return an edit that exchanges two cells."""

    def edit(notebook: Notebook) -> None:
        i, j = POSITION[first], POSITION[second]
        notebook.cells[i], notebook.cells[j] = notebook.cells[j], notebook.cells[i]

    return edit


def html(text: str) -> list[NotebookNode]:
    """Return one output of HTML."""
    return [v4.new_output("display_data", {"text/html": text})]


VIEW = v4.new_output("display_data", {house_rules.WIDGET_VIEW: {"model_id": "1"}})
ERROR = v4.new_output("error", ename="NameError", evalue="x", traceback=[])
LONG = "\n".join(f"x = {i}" for i in range(26))

BREAKS: list[tuple[str, Edit]] = [
    ("file_name", attribute("name", "1-Small.ipynb")),
    ("file_is_small", attribute("size", 900_000)),
    ("ids_are_unique", update("hint", id="check")),
    ("no_widget_state", lambda notebook: notebook.node.metadata.update(widgets={})),
    ("no_widget_state", put("recipe", [VIEW])),
    ("tags_are_known", tag("recipe", "D1.4")),
    ("tags_are_known", tag("recipe", "D1.1-build")),
    ("tags_are_known", tag("recipe", "raises-exception")),
    ("tags_are_on_code", tag("recipe text", "D1.1")),
    ("begins_with_title", replace("title", "# What", "What")),
    ("begins_with_title", replace("end", "## Recap", "# Recap")),
    ("begins_with_title", exchange("title", "imports")),
    ("runs_on_hosts", update("hosted", id="other")),
    ("runs_on_hosts", update("hosted", metadata={})),
    ("states_minutes", replace("title", "Read 5 min", "Takes 5 min")),
    ("states_minutes", replace("title", "Read 5 min", "Read 10 min")),
    ("states_needs", replace("title", "You need", "Needs")),
    *(
        ("has_skeleton", replace(cell, words, "Something else"))
        for cell, words in [
            ("title", "You will be able to"),
            ("recipe text", "The popular recipe"),
            ("play text", "Play"),
            ("end", "When it goes wrong"),
            ("end", "Recap"),
            ("end", "Further reading"),
        ]
    ),
    ("skeleton_is_in_order", exchange("play text", "recipe text")),
    ("predictions_are_not_spoilt", replace("answer", "<details>", "Ah.")),
    ("predictions_are_not_spoilt", update("recipe", metadata={})),
    ("ends_with_something_to_take", replace("take text", "Take this with you", "Bye")),
    ("ends_with_something_to_take", update("take", metadata={})),
    ("ends_with_something_to_take", replace("take", "print(3)", "\n" * 20 + "print(3)")),
    ("ends_with_something_to_take", replace("take", "keras", "lossutils.teaching")),
    (
        "ends_with_something_to_take",
        both(
            replace("recipe", "print(1 + 1)", "draw = lambda: x"),
            replace("take", "print(3)", "x = 3"),
        ),
    ),
    ("asks_to_predict", replace("recipe text", "> **Predict.**", "Predict.")),
    ("objectives", replace("title", "- read it\n", "")),
    ("recap_mirrors_objectives", replace("end", "- You ran it.\n", "")),
    ("headings_do_not_jump", replace("play text", "### A part", "#### A part")),
    ("words", replace("play text", "`just`", "just")),
    ("words", replace("recipe text", "People do this", "Simply do this")),
    ("words", replace("recipe text", "People do this", "This is of\ncourse right")),
    ("words", put("figure", figure("*Obviously a line.*"))),
    ("images_in_text_speak", replace("play text", "Look", "![](line.png) Look")),
    ("images_in_text_speak", replace("play text", "Look", '<img src="line.png" alt=""> Look')),
    ("code_is_short", replace("recipe", "print(1 + 1)", LONG)),
    ("code_is_short", replace("recipe", "1 + 1", "1" * 100)),
    ("no_empty_code", replace("recipe", "print(1 + 1)", " ")),
    ("teaching_is_imported_first", replace("imports", "from loss", "import os\nfrom loss")),
    ("teaching_is_imported_first", replace("imports", "lossutils.teaching", "lossutils")),
    ("folded_code_only_draws", put("figure", printed("3\n"))),
    ("folded_code_only_draws", put("figure", [*figure(), *printed("3\n")])),
    ("seed_is_set", replace("imports", "keras.utils.set_random_seed(1)", "")),
    ("executed_in_order", update("recipe", execution_count=None)),
    ("executed_in_order", update("recipe", execution_count=7)),
    ("no_error_outputs", put("recipe", [ERROR])),
    ("no_stderr", put("recipe", printed("WARNING: all of it\n", "stderr"))),
    ("outputs_are_stable", put("recipe", printed("saved in /home/reader/model.keras\n"))),
    ("outputs_are_stable", put("recipe", printed("saved in C:\\Users\\reader\n"))),
    ("outputs_are_stable", put("recipe", printed("<Model at 0x7f3a5c2d10>\n"))),
    ("outputs_are_stable", put("recipe", printed("it took 3.2 s\n"))),
    ("outputs_are_stable", put("recipe", html("<p>12 ms per step</p>"))),
    ("figures_speak", silent_figure),
    ("figures_speak", put("figure", figure()[:1])),
    ("figures_speak", put("figure", figure("A line."))),
    ("images_in_outputs_speak", put("widget", html('<img src="data:image/png;base64,iVBO">'))),
    ("images_in_outputs_speak", put("widget", html('<img alt=" " src="line.png">'))),
    ("enough_widgets", replace("widget 2", "panel.display()", "panel.run()")),
    ("figure_before_widget", put("figure 2", [])),
    ("widgets_can_be_read", put("widget", printed("VBox(children=...)\n"))),
    ("ignored_outputs_are_widgets", tag("recipe", "nbval-ignore-output")),
    ("comparisons_are_settled", replace("recipe text", "People", "It is better than that. People")),
    ("comparisons_are_settled", put("figure", figure("*The blue line beats the rest.*"))),
    ("compared_numbers_are_printed", replace("recipe", "1 + 1", "1 < 2")),
    ("compared_numbers_are_printed", replace("recipe", "1 + 1", "f'so: {bool(1 < 2)}'")),
    ("compared_numbers_are_printed", replace("recipe", "1 + 1", "np.isclose(1, 2).item()")),
    ("number_of_exercises", replace("exercise text 2", "Exercise 2", "Another")),
    ("number_of_exercises", replace("exercise text 2", "Exercise 2", "Exercise 3")),
    ("number_of_exercises", replace("exercise text", " (2 min)", "")),
    (
        "exercises_follow_what_they_practise",
        replace("play text", "## Play\n\n### A part\n\n", ""),
    ),
    ("exercises_are_complete", replace("hint", ".hint()", "")),
    ("exercises_are_complete", replace("solution 2", "second", "first")),
    ("exercises_are_complete", exchange("solution", "exercise text 2")),
    ("exercises_are_complete", replace("check", "small", "# small.first.hint()\nsmall")),
    ("nothing_is_spoilt", replace("solution", "# small", "small")),
    ("stubs_are_unanswered", put("check", printed("Correct.\n"))),
    ("stubs_are_unanswered", put("check 2", [])),
]

HARMLESS: list[tuple[str, Edit]] = [
    ("the seconds of a unit", put("recipe", printed("rate 1/s, 3/4, and/or\n"))),
    ("a link", put("recipe", printed("see https://keras.io/api/losses/\n"))),
    ("a heading inside code", replace("recipe text", "People", "```\n# not a title\n```\nPeople")),
    ("justified", replace("recipe text", "People do this", "It is justified: `just`")),
    ("a guess", replace("recipe text", "Is it?", "Is it better than that?")),
    ("a settled comparison", both(
        replace("recipe text", "People", "It beats that. People"),
        replace("recipe", "print", "claim('It beats that.', 1 < 2)\nprint"),
    )),
    ("a fact", replace("recipe", "1 + 1", "a is None, a == b, 'a < b'")),
    ("a known tag", tag("recipe", "D1.1-built")),
    ("a widget that ignores its output", tag("widget", "nbval-ignore-output")),
]


def complaints_of(notebook: Notebook) -> list[str]:
    """Return what all rules complain about."""
    return [f"{rule.__name__}: {words}" for rule in RULES for words in rule(notebook)]


def edited(edit: Edit) -> Notebook:
    """Return the sound notebook after an edit."""
    notebook = sound()
    edit(notebook)
    return notebook


@pytest.mark.parametrize("path", notebook_paths(), ids=lambda path: path.stem)
def test_notebook_keeps_the_rules(path) -> None:
    complaints = complaints_of(read(path))
    assert not complaints, "\n".join([path.name, *complaints])


def test_the_template_keeps_the_rules_but_for_its_name() -> None:
    (path,) = (FOLDER / "template").glob("*.ipynb")
    (complaint,) = complaints_of(read(path))
    assert complaint.startswith("file_name: ")


def readme_row(path) -> list[str]:
    """Return the number, the link and the minutes of a notebook, as its row in README.md says."""
    title = read(path).cells[0].source
    heading = title.splitlines()[0].removeprefix("# ")
    minutes = sum(map(int, re.findall(r"(?:Read|exercises?) (\d+) min", title)))
    return [path.name[:2], f"[{heading}](notebooks/{path.name})", str(minutes)]


def test_readme_has_a_row_for_each_notebook() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| (\d\d) \| (.+?) \| .+ \| (\d+) \|$", readme, re.MULTILINE)
    assert [list(line) for line in lines] == [readme_row(path) for path in notebook_paths()]


def test_no_rule_minds_a_sound_notebook() -> None:
    assert complaints_of(sound()) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_notices(rule: house_rules.Rule) -> None:
    edits = [edit for name, edit in BREAKS if name == rule.__name__]
    missed = [number for number, edit in enumerate(edits) if not rule(edited(edit))]
    assert edits and not missed, f"{rule.__doc__} breaks that it misses: {missed}"


def test_no_rule_minds_what_is_harmless() -> None:
    assert {name: found for name, edit in HARMLESS if (found := complaints_of(edited(edit)))} == {}
