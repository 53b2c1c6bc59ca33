"""tools/slide_types.py and tools/talks.py: what goes on which slide."""

import nbformat
import pytest
import slide_types
import talks
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from slide_types import ROOM, text_height, text_parts

PATHS = sorted(slide_types.NOTEBOOKS.glob("*.ipynb"))
# The header of a PNG of 800 x 320 pixels, which is all that the rule reads.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAyAAAAFACAIAAAA="


def code(lines, *outputs):
    """Return a code cell of so many lines."""
    return new_code_cell("\n".join(f"x = {i}" for i in range(lines)), outputs=list(outputs))


def figure():
    """Return the two outputs of show()."""
    picture = new_output("display_data", {"image/png": PNG}, metadata={"alt": "A line."})
    return [picture, new_output("display_data", {"text/markdown": "*A line.*"})]


def types(*cells):
    """Return the slide types that the rule gives."""
    return slide_types.slide_types(new_notebook(cells=list(cells)))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_stored_types_are_those_of_the_rule(path):
    notebook = nbformat.read(path, as_version=4)
    stored = slide_types.stored_types(notebook)
    assert stored == slide_types.slide_types(notebook), "run python tools/slide_types.py"


def test_headings_begin_slides_and_small_things_follow():
    cells = [
        new_markdown_cell("# Title"),
        new_code_cell("from lossutils.teaching import show\nimport keras"),
        new_markdown_cell("## Part\n\nWhy?"),
        code(5),
        new_markdown_cell("So that is why."),
        new_markdown_cell("### Smaller part"),
        new_code_cell("# exercise.hint()"),
    ]
    assert types(*cells) == [
        *("slide", "skip", "slide", "fragment", "fragment", "subslide", "skip"),
    ]


def test_what_does_not_fit_begins_a_subslide():
    assert types(new_markdown_cell("## Part"), code(20), code(20)) == [
        *("slide", "fragment", "subslide"),
    ]


def test_results_that_do_not_fit_beside_their_code_get_a_slide_and_text_follows_them():
    cells = [new_markdown_cell("## Part"), code(15, *figure()), new_markdown_cell("You see it.")]
    assert types(*cells) == ["slide", "fragment", "fragment"]
    parts = talks.divided(cells[1])
    assert [len(part.outputs) for part in parts] == [0, 2]
    assert parts[1].metadata.slideshow.slide_type == "subslide"


def test_each_of_two_figures_keeps_its_caption():
    groups = slide_types.result_parts(code(15, *figure(), *figure()))
    assert [len(group) for group in groups] == [0, 2, 2]


def test_a_long_text_is_divided_between_paragraphs_and_before_headings():
    paragraph = " ".join(["Some words that fill the line."] * 12)
    text = "\n\n".join([paragraph] * 6 + ["## Next", paragraph])
    parts = text_parts(text)
    assert "\n\n".join(parts) == text
    assert len(parts) == 3 and parts[2].startswith("## Next")
    assert all(text_height(part) <= ROOM for part in parts)


def test_a_long_table_goes_on_with_its_head():
    head = "| Symptom | Cause |\n|---|---|\n"
    rows = [f"| row {i} | {'because of something that is long ' * 5} |\n" for i in range(12)]
    parts = text_parts("## When it goes wrong\n\n" + head + "".join(rows))
    assert len(parts) > 1 and all(head in part for part in parts)
    assert sum(part.count("row ") for part in parts) == 12


def test_code_with_empty_lines_is_not_divided():
    text = "Like this:\n\n```python\na = 1\n\nb = 2\n```"
    assert list(slide_types.blocks(text)) == ["Like this:", "```python\na = 1\n\nb = 2\n```"]


def test_types_are_stored_and_nothing_else_changes(tmp_path, capsys):
    path = tmp_path / "small.ipynb"
    cells = [new_markdown_cell("# Title", id="a"), new_code_cell("1", id="b")]
    cells[1].metadata["tags"] = ["D1.1"]
    path.write_text(nbformat.writes(new_notebook(cells=cells)) + "\n")
    before = path.read_text()
    assert slide_types.main(["--check", str(path)]) == 1
    assert path.read_text() == before and "differs" in capsys.readouterr().out
    assert slide_types.main([str(path)]) == 0
    assert slide_types.main(["--check", str(path)]) == 0
    notebook = nbformat.read(path, as_version=4)
    assert slide_types.stored_types(notebook) == ["slide", "fragment"]
    assert notebook.cells[1].metadata.tags == ["D1.1"]
    for cell in notebook.cells:
        del cell.metadata["slideshow"]
    assert nbformat.writes(notebook) + "\n" == before
