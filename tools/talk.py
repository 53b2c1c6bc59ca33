"""What is shown in a talk and what is said: a notebook becomes slides for a room.

A part of the notebook, from one heading to the next, becomes one slide or a few: its first
sentences, a prediction as a poll, code with its result, a figure. Everything else, and what
TEACHING.md says about it, is for the speaker's notes. What a slide has room for is estimated, and
tests measure it in a browser. A talk has at most 30 slides for 45 minutes: what counts least goes
first.
"""

import html
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import live_widgets
import reading_time
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from pages import slug
from talk_notes import add_guide
from talk_parts import (
    AIMS,
    ALWAYS,
    EXERCISE_WORDS,
    LEAD_WORDS,
    ROOM,
    SENTENCE_WORDS,
    Block,
    Group,
    Part,
    first_words,
    groups_of,
    needed,
    parts_of,
    said,
    text_block,
)

SLIDES, MINUTES = 30, 45
TITLE_LETTERS, TITLE_LINE = 46, 52
# For readers, not for a room.
LEFT_OUT = (
    "Which section answers your question?",
    "Take this with you",
    "When it goes wrong",
    "Further reading",
)


@dataclass
class Slide:
    """A slide; `notes` are for whoever speaks, in Markdown."""

    title: str
    level: int
    blocks: list[Block] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    anchor: str = ""


def title_of(slide: Slide) -> str:
    """Return the heading of a slide as HTML; it has no marks but backquotes around code."""
    words = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(slide.title, quote=False))
    tag = "h1" if slide.level == 1 else "h2"
    return f"<{tag}>{words}</{tag}>"


class Talk(Preprocessor):
    """Gives the template the slides of a notebook, as `resources.slides`."""

    def preprocess(self, notebook: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Return the notebook as it is, with what live.js needs of each widget."""
        name, folder = (resources["metadata"][key] for key in ("name", "path"))
        scripts = bring_to_life(notebook, Path(folder, f"{name}.ipynb"))
        resources.setdefault("outputs", {}).update(scripts)  # nbconvert writes them
        resources["slides"] = slides_of(notebook, name[:2])
        return notebook, resources


def bring_to_life(notebook: NotebookNode, path: Path) -> dict[str, bytes]:
    """Tell the widgets that were recorded for the site; return the scripts with their pictures."""
    scripts = {}
    if records := live_widgets.recorded(path):
        for output, recording, source in live_widgets.matched(
            notebook, records, f"widgets/{path.stem}"
        ):
            output.metadata["live"] = live_widgets.attributes(recording, source)
            output.metadata["live-note"] = live_widgets.note(recording)
            scripts[source] = live_widgets.as_script(recording, source).encode()
    return scripts


def most_slides(notebook: NotebookNode) -> int:
    """Return how many slides a talk may have."""
    return math.ceil(SLIDES * reading_time.minutes(notebook) / MINUTES)


def slides_of(notebook: NotebookNode, number: str = "") -> list[Slide]:
    """Return the slides of a notebook; `number` is that of its section in TEACHING.md."""
    parts = [part for part in parts_of(notebook) if not part.title.startswith(LEFT_OUT)]
    shorten(parts, most_slides(notebook))
    slides = [slide for part in parts for slide in slides_of_part(part)]
    for before, slide in pairwise(slides):
        slide.notes += [f"**The picture.** {block.alt}" for block in slide.blocks if block.alt]
        # What leads to a slide stands at the end of the one before.
        slide.notes = slide.notes or before.notes[-1:]
    add_guide(slides, number)
    return slides


def shorten(parts: list[Part], most: int) -> None:
    """Leave out, in place, what counts least, until there are not too many slides."""
    leave_to_the_next(parts, most, lambda part: not groups_of(part))
    shorten_parts(parts, most, fewest=1)
    leave_to_the_next(parts, most, lambda part: part.title == AIMS)
    shorten_parts(parts, most, fewest=0)


def shorten_parts(parts: list[Part], most: int, fewest: int) -> None:
    """Leave out groups, in place, as long as `fewest` slides of their part are left."""
    for counts in range(ALWAYS):
        # From the end: what comes first is more often needed by the rest.
        for part in reversed(parts.copy()):
            for group in [group for group in groups_of(part) if group.counts == counts]:
                left = without(part, group)
                if count(parts) > most and fewest <= left < count([part]):
                    at = part.entries.index(group)
                    part.entries[at : at + 1] = [text for b in group.blocks if (text := said(b))]
                    leave_to_the_next(parts, most, lambda part: not groups_of(part))


def leave_to_the_next(parts: list[Part], most: int, is_said: Callable[[Part], bool]) -> None:
    """Let parts go, in place, while there are too many: they are said on the slide that follows."""
    for at in reversed(range(1, len(parts) - 1)):
        part, after = parts[at : at + 2]
        if count(parts) > most and is_said(part) and not part.is_exercise:
            texts = [text for group in groups_of(part) for b in group.blocks if (text := said(b))]
            texts += [entry for entry in part.entries if isinstance(entry, str)]
            after.entries[:0] = [f"**{part.title}** {part.lead}", *texts]
            del parts[at]


def count(parts: list[Part]) -> int:
    """Return how many slides some parts have."""
    return sum(len(slides_of_part(part)) for part in parts)


def without(part: Part, group: Group) -> int:
    """Return how many slides a part needs without a group; none if it was the only one."""
    if groups_of(part) == [group] and not part.is_exercise:
        return 0
    rest = [entry for entry in part.entries if entry is not group]
    return count([Part(part.title, part.level, part.lead, rest)])


def slides_of_part(part: Part) -> list[Slide]:
    """Return the slides of a part: as many groups on each as there is room for."""
    groups = groups_of(part)
    slides = [Slide(part.title, part.level, anchor=slug(part.title))]
    slides[0].blocks += lead_blocks(part, groups[0].blocks if groups else [], room_of(slides[0]))
    slides[0].notes += [part.lead] if part.lead else []
    for entry in part.entries:
        if isinstance(entry, str):
            slides[-1].notes.append(entry)
            continue
        for blocks in shares(entry.blocks):
            if is_full(slides[-1], blocks):
                slides.append(Slide(part.title, part.level))
            # Below the answer of a poll everything waits for the next key.
            waits = any(block.fragment for block in slides[-1].blocks)
            slides[-1].blocks += [replace(b, fragment=b.fragment or waits) for b in blocks]
    return slides


def room_of(slide: Slide) -> float:
    """Return the room below the title of a slide."""
    return ROOM - TITLE_LINE * math.floor(len(slide.title) / TITLE_LETTERS)


def is_full(slide: Slide, blocks: list[Block]) -> bool:
    """Return whether some blocks need the next slide: a figure shares its own with text alone."""
    both = [*slide.blocks, *blocks]
    has_picture = any(block.kind in ("picture", "widget") for block in both)
    is_shared = has_picture and any(block.kind != "text" for block in slide.blocks)
    return bool(slide.blocks) and (is_shared or needed(both) > room_of(slide))


def shares(blocks: list[Block]) -> list[list[Block]]:
    """Return the blocks of a group, in two shares if they are too tall for one slide."""
    at = next((i for i, block in enumerate(blocks) if block.fragment), 0)
    if needed(blocks) <= ROOM or not at:
        return [blocks]
    # They are not seen before the next key anyway.
    return [blocks[:at], [replace(block, fragment=False) for block in blocks[at:]]]


def lead_blocks(part: Part, below: list[Block], room: float) -> list[Block]:
    """Return the first sentences of a part, as many as there is room for."""
    most = EXERCISE_WORDS if part.is_exercise else LEAD_WORDS if below else SENTENCE_WORDS
    for words in (most, LEAD_WORDS, 1):
        text = first_words(part.lead, words) if part.lead else ""
        block = text_block(text)
        if text and needed([block, *below]) <= room:
            return [block]
    return []
