"""tools/reading_time.py: what counts as reading, and how many minutes it takes."""

import reading_time
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

CAPTION = new_output("display_data", {"text/markdown": "*A line of six words here.*"})
CELLS = [
    new_markdown_cell("# Title\n\n*Read 1 min · run 3 s · exercises 4 min*"),
    new_code_cell("x = 1\n\nprint(x)"),
    new_code_cell("plt.plot(x)\nshow()", outputs=[CAPTION]),
    new_markdown_cell("### Exercise 1: count (4 min)\n\nSo many words that do not count."),
    new_code_cell("stub = ...\nstub"),
    new_markdown_cell("Still the exercise."),
    new_markdown_cell("## On\n\nThree words more."),
    new_code_cell("y = 2"),
]


def test_text_captions_and_code_count_but_no_exercise():
    notebook = new_notebook(cells=CELLS)
    assert reading_time.words(notebook) == 13 + 6 + 5
    assert reading_time.lines(notebook) == 2 + 2 + 1


def test_folded_code_does_not_count():
    folded = new_code_cell("plt.plot(x)\nshow()", metadata={"jupyter": {"source_hidden": True}})
    assert reading_time.lines(new_notebook(cells=[*CELLS[:2], folded])) == 2


def test_minutes_are_rounded_up_to_five_and_promised():
    text = new_markdown_cell("word " * 600 + "\n\n*Read 3 min of this.*")  # 3 minutes, and a bit
    code = new_code_cell("x = 1\n" * 31)  # 2 minutes, and a bit
    notebook = new_notebook(cells=[CELLS[0].copy(), text, code])
    assert reading_time.minutes(notebook) == 10
    reading_time.promise(notebook)
    assert notebook.cells[0].source == "# Title\n\n*Read 10 min · run 3 s · exercises 4 min*"
    assert "*Read 3 min of this.*" in text.source
