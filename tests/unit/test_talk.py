"""tools/talk.py: what of a notebook is shown in a talk, in which order, and what is said."""

import base64
import io

import pytest
import talk
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image


def text(source):
    return new_markdown_cell(source)


def code(source, printed="", folded=False, tags=(), outputs=()):
    """Return a code cell that prints something and shows something."""
    stream = [new_output("stream", name="stdout", text=printed)] if printed else []
    metadata = {"tags": list(tags), "jupyter": {"source_hidden": folded}}
    return new_code_cell(source, outputs=[*stream, *outputs], metadata=metadata)


def figure(shade):
    """Return the outputs of a figure in one shade of gray."""
    size = {"width": 800, "height": 320}
    about = {"alt": "A gray field.", "image/png": size}
    shown = new_output("display_data", {"image/png": png(shade)}, metadata=about)
    return [shown, new_output("display_data", {"text/markdown": "*It is gray.*"})]


def still(shade):
    """Return the output of a widget that starts with one shade of gray."""
    html = f'<img alt="A field." width="800" src="data:image/png;base64,{png(shade)}">\n<p>Run.</p>'
    return [new_output("display_data", {"text/html": html})]


def png(shade):
    buffer = io.BytesIO()
    Image.new("L", (800, 320), shade).save(buffer, "png")
    return base64.b64encode(buffer.getvalue()).decode()


def slides(*cells, minutes=45):
    """Return the slides of a notebook with a title; the words make it as long as it is to be."""
    filler = text("## Further reading\n\n" + "word " * 200 * (minutes - 1))
    return talk.slides_of(new_notebook(cells=[text("# Title\n\nWhy?"), *cells, filler]))[1:]


def shown(slide):
    """Return the kinds of what is on a slide; what waits for a key has a +."""
    return [block.kind + "+" * block.fragment for block in slide.blocks]


LINES = "\n".join(f"print({i})" for i in range(12))
POLL = "> **Predict.** It will be (a) below 1, (b) above 1, or (c) exactly 1."


def test_a_heading_behind_other_text_begins_a_slide():
    cells = text("## First\n\nOne.\n\n## Second\n\nTwo."), text("The end.\n### Third\nThree.")
    found = slides(*cells)
    assert [slide.title for slide in found] == ["First", "Second", "Third"]
    assert [slide.blocks[0].source for slide in found] == ["One.", "Two.", "Three."]
    assert found[1].notes == ["Two.", "The end."]


def test_a_poll_shows_its_choices_first():
    answer = text("<details><summary>The answer</summary>\n\nIt is (c).\n\n</details>\n\nBut why?")
    (slide,) = slides(text("## Part\n\n" + POLL), code("x = 1\nprint(x)", "1\n"), answer)
    assert shown(slide) == ["poll", "code", "result+", "text+"]
    assert slide.blocks[0].source.splitlines()[2:] == ["1. below 1", "2. above 1", "3. exactly 1"]
    assert slide.blocks[3].source == "It is (c)." and "But why?" in slide.notes


def test_what_stands_below_the_answer_of_a_poll_waits_too():
    more = code("print(2)", "2\n")
    (slide,) = slides(text("## Part\n\n" + POLL), code("x = 1\nprint(x)", "1\n"), more)
    assert shown(slide) == ["poll", "code", "result+", "code+", "result+"]


def test_an_answer_without_room_is_on_the_next_slide():
    first, second = slides(text("## Part\n\n" + POLL), code("long\n" * 13, "1\n" * 12))
    assert (shown(first), shown(second)) == (["poll"], ["result"])


@pytest.mark.parametrize(
    ("cell", "kinds"),
    [
        (code(LINES, "1\n"), ["text", "code", "result"]),
        (code(LINES + "\nprint(12)", "1\n2\n"), ["text", "result"]),
        (code("print(1)", "1\n" * 13), ["text"]),
        (code("def f():\n    return 1"), ["text"]),
        (code("def f():\n    return 1", tags=["D1.1"]), ["text", "code"]),
        (code("show(f())", folded=True, outputs=figure(9)), ["text", "picture"]),
        (code('x = 1\nclaim("It is.", x == 1)', "✓ It is.\n"), ["text", "result"]),
        (code('print(1)\nclaim("It is.", True)', "1\n✓ It is.\n"), ["text", "code", "result"]),
        (code("# exercise.hint()"), ["text"]),
    ],
    ids=["12", "13", "long result", "quiet", "recipe", "figure", "claim", "both", "hint"],
)
def test_code_is_short_and_has_a_result(cell, kinds):
    (slide,) = slides(text("## Part\n\nWhy?"), cell)
    assert shown(slide) == kinds
    assert not any("claim(" in block.source for block in slide.blocks)


def test_a_figure_has_a_slide_with_its_caption_and_words_for_the_speaker():
    run = code(LINES, "1\n")
    first, second = slides(text("## Part\n\nWhy?"), run, code("draw()", outputs=figure(9)))
    assert (shown(first), shown(second)) == (["text", "code", "result"], ["picture"])
    assert second.blocks[0].caption == "*It is gray.*"
    assert second.notes == ["**The picture.** A gray field."]


@pytest.mark.parametrize(("shade", "count"), [(9, 1), (200, 2)])
def test_a_widget_that_starts_with_its_figure_stands_for_it(shade, count):
    cells = code("show()", outputs=figure(9)), code("explore(f)", outputs=still(shade))
    found = slides(text("## Play\n\nDrag."), *cells)
    assert len(found) == count and shown(found[-1])[-1] == "widget"
    assert found[-1].blocks[-1].caption == "*It is gray.*" * (count == 1)


def test_an_exercise_is_shown_with_its_stub_and_nothing_is_checked():
    stub = code("from x import y\nanswer = ...\ny.check(answer)", "Not yet.\n")
    (slide,) = slides(text("### Exercise 1: count (3 min)\n\nHow many?"), stub)
    assert shown(slide) == ["text", "code"]


def test_a_long_first_paragraph_is_cut_at_a_sentence_and_said_whole():
    long = "One short sentence. " + "Many words that nobody reads in a room. " * 9
    (slide,) = slides(text(f"## Part\n\n{long}"), code(LINES, "1\n"))
    assert slide.blocks[0].source.startswith("One short sentence.")
    assert len(slide.blocks[0].source.split()) <= 40
    assert slide.notes == [long.strip()]


def test_a_talk_that_is_too_long_loses_what_counts_least():
    parts = [text("## Numbers"), code(LINES + "\nprint()", "1\n2\n"), text("## Claims")]
    parts += [code(LINES + "\nprint()", "✓ It is.\n"), text("## Poll\n\n" + POLL)]
    parts += [code("x\n" * 13, "1\n"), text("## Recap\n\n- It is.")]
    assert len(slides(*parts)) == 4
    found = slides(*parts, minutes=1)  # 5 by its title, and so 4 slides at most
    assert [slide.title for slide in found] == ["Claims", "Poll", "Recap"]


def test_the_guide_for_teachers_is_in_the_notes():
    exercise = text("### Exercise 1: pull (3 min)\n\nDo.")
    cells = [text("# Where?"), text(f"## Part\n\n{POLL}"), exercise]
    title, poll, _ = talk.slides_of(new_notebook(cells=cells), "00")
    assert any(note.startswith("**Goals.** Everything runs") for note in title.notes)
    assert poll.notes[-1].startswith("**Answer.** (b) Twice")
    title, *_, exercise = talk.slides_of(new_notebook(cells=cells), "01")
    assert exercise.notes[-1].startswith("**Wrong answers.** Exercise 1: `ops.mean(...)`")
