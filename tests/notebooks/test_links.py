"""Links inside the collection lead somewhere; references are written as DOI or arXiv id should be.

No network: that a reference exists is for the author to verify, its form is checked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from reading import FOLDER, HEADING, ROOT, notebook_paths, read, without_code

LINK = re.compile(r"!?\[(?:[^\]\\]|\\.)*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
HTML_LINK = re.compile(r"<(?:img|a)\b[^>]*?\b(?:src|href)\s*=\s*[\"']([^\"']+)[\"']", re.IGNORECASE)
SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
# The suffix has no white space; a bracket or a full stop at the end belongs to the sentence.
DOI = re.compile(r"10\.\d{4,9}/[^\s<>\"]*[^\s<>\".,;:]")
ARXIV = re.compile(r"(?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?")
SAYS_DOI = re.compile(r"(?:\bdoi:\s*|https?://(?:dx\.)?doi\.org/)(\S+?)(?=[)\]\s>]|$)", re.I)
SAYS_ARXIV = re.compile(
    r"(?:\barXiv:\s*|arxiv\.org/(?:abs|pdf)/)(\S+?)(?=[)\]\s>,;]|\.?$|\.\s)", re.I
)


def documents() -> Iterator[tuple[Path, str]]:
    """Yield (file, Markdown) of everything that a reader may follow a link in."""
    guides = sorted((ROOT / "notebooks").glob("*.md"))
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *guides):
        yield path, path.read_text(encoding="utf-8")
    for path in notebook_paths():
        yield path, markdown_of(path)


def markdown_of(path: Path) -> str:
    """Return the Markdown of a notebook or of a Markdown file."""
    if path.suffix == ".ipynb":
        return "\n\n".join(cell.source for _, cell in read(path).markdown())
    return path.read_text(encoding="utf-8")


def links(markdown: str) -> list[str]:
    """Return the targets of all links and pictures."""
    text = without_code(markdown)
    return LINK.findall(text) + HTML_LINK.findall(text)


def anchors(path: Path) -> set[str]:
    """Return the anchors of a file, as GitHub writes them and as JupyterLab does, in lower case."""
    found = set()
    for _, title in HEADING.findall(without_code(markdown_of(path))):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", title).strip()
        found.add(re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-"))
        found.add(plain.lower().replace(" ", "-"))
    return found


def broken_links(path: Path, markdown: str) -> list[str]:
    """Return the relative links of a file whose target or anchor does not exist."""
    broken = []
    for link in links(markdown):
        if SCHEME.match(link) or link.startswith("//"):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (path.parent / name) if name else path
        known = target.exists() and ROOT in [target.resolve(), *target.resolve().parents]
        readable = target.suffix in (".md", ".ipynb")
        if not known or (anchor and readable and anchor.lower() not in anchors(target)):
            broken.append(link)
    return broken


def malformed_references(markdown: str) -> list[str]:
    """Return the DOIs and arXiv ids that are not written as such."""
    dois = [text for text in SAYS_DOI.findall(markdown) if not DOI.fullmatch(text.rstrip(".,;"))]
    arxiv = [text for text in SAYS_ARXIV.findall(markdown) if not ARXIV.fullmatch(text)]
    return dois + arxiv


PAGES = dict(documents())


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_relative_links_lead_somewhere(path: Path) -> None:
    assert broken_links(path, PAGES[path]) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_references_are_well_formed(path: Path) -> None:
    assert malformed_references(PAGES[path]) == []


@pytest.mark.parametrize(
    ("markdown", "broken"),
    [
        ("[a](README.md) and ![b](README.md#no-such-heading)", ["README.md#no-such-heading"]),
        ("[a](#no-such-heading)", ["#no-such-heading"]),
        ("![a](no_such_picture.png)", ["no_such_picture.png"]),
        ('<img src="no_such_picture.png" alt="x">', ["no_such_picture.png"]),
        ("[a](../outside.md)", ["../outside.md"]),
        ("[a](no%20such%20file.md)", ["no%20such%20file.md"]),
        ("```\n[a](no_such_file.md)\n```", []),
        ("[a](https://keras.io/api/losses/) <a href='mailto:x@example.org'>b</a>", []),
    ],
)
def test_a_broken_link_is_noticed(markdown: str, broken: list[str]) -> None:
    assert broken_links(ROOT / "README.md", markdown) == broken


def test_an_anchor_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# What does `fit` do?\n\n```\n# no heading\n```\n", encoding="utf-8")
    assert anchors(page) == {"what-does-fit-do", "what-does-fit-do?"}


@pytest.mark.parametrize(
    ("markdown", "malformed"),
    [
        ("[doi:10.1214/aoms/1177703732](https://doi.org/10.1214/aoms/1177703732).", []),
        ("doi:10.1111/j.2517-6161.1996.tb02080.x, and more", []),
        ("[arXiv:1701.03077](https://arxiv.org/abs/1701.03077), arXiv:cs/0112017.", []),
        ("doi:1214/aoms/1177703732", ["1214/aoms/1177703732"]),
        ("[x](https://doi.org/10.12/aoms)", ["10.12/aoms"]),
        ("arXiv:1701.3077x and arXiv:17010.3077", ["1701.3077x", "17010.3077"]),
        ("[x](https://arxiv.org/abs/17013077)", ["17013077"]),
    ],
)
def test_a_malformed_reference_is_noticed(markdown: str, malformed: list[str]) -> None:
    assert malformed_references(markdown) == malformed


# What people ask most, in public threads, about losses of their own: a word of each question.
ASKED = """
inputs, or a number|printed metric|loss_weights|pixels|Dice|differ in shape|Contrastive|Keras 2|JAX
WGAN-GP|add_loss|derivative with|quantiles cross|no labels|for each output|GradNorm|Perceptual
must a loss return|hand delta|load_model|stands still|class is rare|epoch 20|`if` on a tensor|is NaN
"""


def test_the_start_page_knows_the_section_for_each_question() -> None:
    (start,) = FOLDER.glob("00_*.ipynb")
    table = markdown_of(start).partition("## Which section answers your question?")[2]
    table = table.partition("\n## ")[0]
    rows = [line for line in table.splitlines() if "ipynb" in line]
    assert all(LINK.findall(row) and "#" in LINK.findall(row)[0] for row in rows)
    asked = [words for line in ASKED.strip().splitlines() for words in line.split("|")]
    assert [words for words in asked if not any(words in row for row in rows)] == []
    assert len(asked) == 25
