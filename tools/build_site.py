"""Export the collection as a web site that is read without running anything.

    python tools/build_site.py [--output build/site]

A page for each notebook and for each Markdown file beside them, and the index: the opening and the
table of README.md. The site needs no server and no network: open index.html, or copy the folder
to any web server.
"""

import argparse
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from pages import ROOT, TEMPLATES, FiguresWithCaptions, PicturesOnce, code_colors, markdown_filter

OUTPUT = ROOT / "build" / "site"
# What README.md says beyond this is for those who run or change the collection.
INDEX_SECTIONS = ("The notebooks", "Licence")
STYLE = "site.css"


@dataclass(frozen=True)
class Page:
    """One page: file name, title, its cells as HTML, and (anchor, text) of its main headings."""

    address: str
    title: str
    body: str
    headings: list[tuple[str, str]]


def index_text(readme: str) -> str:
    """Return the Markdown of the index: the opening of README.md and INDEX_SECTIONS.

    Raises ValueError for a section that is not there.
    """
    opening, *sections = re.split(r"^(?=## )", readme, flags=re.MULTILINE)
    titles = {section.partition("\n")[0][3:].strip(): section for section in sections}
    for title in INDEX_SECTIONS:
        if title not in titles:
            raise ValueError(f"README.md has no section {title!r}; it has {list(titles)}")
    return opening + "".join(titles[title] for title in INDEX_SECTIONS)


def as_notebook(markdown: str) -> NotebookNode:
    """Return a notebook of one Markdown cell."""
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(markdown)])


def make_page(address: str, notebook: NotebookNode, folder: Path) -> Page:
    """Return the page of a notebook; `folder` is where its pictures lie."""
    exporter = HTMLExporter(
        template_name="cells",
        extra_template_basedirs=[str(TEMPLATES)],
        filters={"markdown2html": markdown_filter(folder, ".html")},
        preprocessors=[FiguresWithCaptions, PicturesOnce],
    )
    body, _ = exporter.from_notebook_node(notebook)
    (_, title), *_ = headings_of(body, 1)
    return Page(address, title, body, headings_of(body, 2))


def headings_of(body: str, level: int) -> list[tuple[str, str]]:
    """Return (anchor, text) of the headings of one level."""
    found = re.findall(rf'<h{level} id="([^"]*)">(.*?)</h{level}>', body)
    return [(anchor, re.sub(r"<[^>]+>", "", text)) for anchor, text in found]


def read_pages(root: Path) -> tuple[Page, list[Page], list[Page]]:
    """Return the index, the pages of the notebooks in order, and those of Markdown files."""
    folder = root / "notebooks"
    readme = (root / "README.md").read_text(encoding="utf-8")
    index = make_page("index.html", as_notebook(index_text(readme)), root)
    notebooks = [
        make_page(f"{path.stem}.html", nbformat.read(path, as_version=4), folder)
        for path in sorted(folder.glob("*.ipynb"))
    ]
    texts = [
        make_page(f"{path.stem}.html", as_notebook(path.read_text(encoding="utf-8")), folder)
        for path in sorted(folder.glob("*.md"))
    ]
    return index, notebooks, texts


def neighbours(notebooks: list[Page]) -> list[tuple[Page, Page | None, Page | None]]:
    """Return each page with the one before and the one after it."""
    before = [None, *notebooks[:-1]]
    after = [*notebooks[1:], None]
    return list(zip(notebooks, before, after, strict=True))


def code_style() -> str:
    """Return the CSS that colours code, in light and in dark."""
    dark = f"@media (prefers-color-scheme: dark) {{\n{code_colors('dark')}\n}}\n"
    return f"{code_colors('light')}\n{dark}"


def make_room(output: Path) -> None:
    """Make an empty folder; a site that is there already goes.

    Raises ValueError for a folder that holds anything else.
    """
    if output.exists():
        if any(output.iterdir()) and not (output / STYLE).is_file():
            raise ValueError(f"{output} is not empty, and not a site of this program")
        shutil.rmtree(output)
    output.mkdir(parents=True)


def build(output: Path, root: Path = ROOT) -> list[Path]:
    """Write the site into a folder; return the pages."""
    make_room(output)
    index, notebooks, texts = read_pages(root)
    frames = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined)
    frame = frames.get_template("page.html.j2")
    style = (TEMPLATES / STYLE).read_text(encoding="utf-8") + code_style()
    (output / STYLE).write_text(style, encoding="utf-8", newline="\n")
    rows = neighbours(notebooks) + [(page, None, None) for page in (index, *texts)]
    for page, before, after in rows:
        text = frame.render(vars(page), collection=index.title, before=before, after=after)
        (output / page.address).write_text(text, encoding="utf-8", newline="\n")
    return [output / page.address for page, _, _ in rows]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when all is well, 2 for a mistake."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder, made anew")
    options = parser.parse_args(arguments)
    try:
        pages = build(options.output)
    except ValueError as mistake:
        print(mistake, file=sys.stderr)
        return 2
    print(f"{len(pages)} pages in {options.output}; open index.html there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
