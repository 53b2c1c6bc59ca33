"""What TEACHING.md and TEACHING_ANSWERS.md say, for the notes of the slides it is about."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pages import NOTEBOOKS

if TYPE_CHECKING:
    from talk import Slide

ANSWERS = NOTEBOOKS / "TEACHING_ANSWERS.md"


def add_guide(slides: list[Slide], number: str) -> None:
    """Add, in place, what the guide for teachers says to the notes of the slides it is about."""
    guide = guide_section(NOTEBOOKS / "TEACHING.md", number)
    for name, text in re.findall(r"\*\*(\w[\w ]*)\.\*\* (.*?)(?=\n\*\*|\Z)", guide, re.DOTALL):
        for sentence in guide_sentences(name, text):
            about = slide_about(slides, name, sentence)
            about.notes.append(f"**{name}.** {sentence}")
    answers = re.findall(r"^\d+\. (.*)$", guide_section(ANSWERS, number), re.MULTILINE)
    polls = [slide for slide in slides if any(block.kind == "poll" for block in slide.blocks)]
    for slide, answer in zip(polls, answers, strict=False):
        slide.notes.append(f"**Answer.** {answer}")


def guide_section(path: Path, number: str) -> str:
    """Return what a guide says about a notebook, empty if nothing."""
    text = path.read_text(encoding="utf-8")
    found = re.search(rf"^### {number}: .*?\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
    return found[1].strip() if number and found else ""


def guide_sentences(name: str, text: str) -> list[str]:
    """Return a paragraph of the guide; what is said about each exercise stands apart."""
    apart = r"(?=Exercise \d:)" if name == "Wrong answers" else r"(?!)"
    return [" ".join(part.split()) for part in re.split(apart, text) if part.strip()]


def slide_about(slides: list[Slide], name: str, sentence: str) -> Slide:
    """Return the slide of the exercise, or of the heading, that a sentence names."""
    if exercise := re.match(r"Exercise \d:", sentence):
        found = (slide for slide in slides if slide.title.startswith(exercise[0]))
        return next(found, slides[0])
    quoted = re.findall(r'"([^"]+?)[,.]?"', sentence) if name == "Skip" else []
    found = (s for s in slides for q in quoted if s.title.lower().startswith(q.lower()))
    return next(found, slides[0])
