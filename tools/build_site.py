"""Export the collection as a web site that is read without running anything.

    python tools/build_site.py [--output build/site] [--positions 60]

A page for each notebook and for each Markdown file beside them, a page with the symptoms of all
notebooks, and the start page, made of parts of README.md. The site needs no server and no network:
open index.html, or copy the folder to any web server. The first time it downloads MiniSearch.

The notebooks are executed once, and their widgets recorded: on the pages they live without a
kernel. A notebook whose code did not change since is not executed again; --positions 0 executes
none, and leaves the widgets as still pictures.
"""

import argparse
import base64
import copy
import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from live_widgets import (
    POSITIONS,
    Recording,
    as_narrow_script,
    as_script,
    bring_to_life,
    narrow_address,
    narrow_figures,
    recordings,
)
from nbconvert import HTMLExporter
from nbconvert.preprocessors import ClearOutputPreprocessor
from nbformat import NotebookNode
from pages import (
    ROOT,
    STILL,
    TEMPLATES,
    FiguresWithCaptions,
    PicturesOnce,
    code_colors,
    markdown_filter,
    picture,
)
from publish import BINDER, COLAB, read_places
from web_packages import web_packages

OUTPUT = ROOT / "build" / "site"
FRAMES = TEMPLATES / "site"
LIGHT, DARK, LIVE = "site.css", "dark.css", "live.css"
SCRIPTS = ("theme.js", "live.js", "page.js", "search.js")
WIDGETS = "widgets"  # the folder of their pictures
# What a phone has to load before anything is touched, and what fits everywhere, in bytes.
PAGE_BUDGET, SITE_BUDGET = 1_500_000, 20_000_000


@dataclass(frozen=True)
class Page:
    """One page: file name, title, its cells as HTML, and (anchor, text) of its main headings.

    `download` is its notebook as a data URL, `runs` are (words, address) of where it can be run,
    `live` says whether it has widgets that live.
    """

    address: str
    title: str
    body: str
    headings: list[tuple[str, str]]
    download: str = ""
    runs: tuple[tuple[str, str], ...] = ()
    live: bool = False

    @property
    def stem(self) -> str:
        return self.address.removesuffix(".html")

    @property
    def label(self) -> str:
        """What the list of pages says."""
        return "Start" if self.stem == "index" else f"{self.number} {self.title}".strip()

    @property
    def number(self) -> str:
        """The number of a notebook, which begins the name of its file."""
        return self.stem.partition("_")[0] if self.download else ""


def sections_of(readme: str) -> dict[str, str]:
    """Return the parts of README.md by their heading; the opening has none."""
    opening, *sections = re.split(r"^(?=## )", readme, flags=re.MULTILINE)
    return {"": opening} | {part.partition("\n")[0][3:].strip(): part for part in sections}


def as_notebook(markdown: str) -> NotebookNode:
    """Return a notebook of one Markdown cell."""
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(markdown)])


def make_page(
    address: str,
    notebook: NotebookNode,
    folder: Path,
    widgets: list[Recording] | None = None,
    narrow: dict[str, str] | None = None,
    **more: object,
) -> Page:
    """Return the page of a notebook; `folder` is where its pictures lie.

    `widgets` are the records of its widgets, without which they remain still pictures, `narrow` its
    figures for a phone, by their alternative texts.
    """

    def live(notebook: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        if widgets:
            bring_to_life(notebook, widgets, f"{WIDGETS}/{address.removesuffix('.html')}")
        for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
            if narrow and (png := narrow.get(alt_of(output))):
                offer_to_phones(output, png)
        return notebook, resources

    exporter = HTMLExporter(
        template_name="cells",
        extra_template_basedirs=[str(TEMPLATES)],
        filters={"markdown2html": markdown_filter(folder, ".html")},
        preprocessors=[FiguresWithCaptions, PicturesOnce, live],
    )
    body, _ = exporter.from_notebook_node(notebook)
    (_, title), *_ = headings_of(body, 1)
    finished = with_permalinks(with_lines(body))
    return Page(address, title, finished, headings_of(body, 2), live=bool(widgets), **more)


def alt_of(output: NotebookNode) -> str | None:
    """Return the alternative text of a figure or of the still picture of a widget."""
    if still := STILL.search(output.get("data", {}).get("text/html", "")):
        return BeautifulSoup(still[0], "html.parser").img["alt"]
    return output.get("metadata", {}).get("alt")


def offer_to_phones(output: NotebookNode, png: str) -> None:
    """Add a narrow picture to a figure or to the still picture of a widget, in place."""
    width, height = (size // 2 for size in picture(png).size)
    source = f'<source media="(max-width: 600px)" srcset="data:image/png;base64,{png}" '
    source += f'width="{width}" height="{height}">'
    if "text/html" in output.data:
        html = output.data["text/html"]
        output.data["text/html"] = STILL.sub(
            lambda still: f"<picture>\n{source}\n{still[0]}</picture>\n", html
        )
    else:
        output.metadata["narrow"] = source


def headings_of(body: str, level: int) -> list[tuple[str, str]]:
    """Return (anchor, text) of the headings of one level."""
    found = re.findall(rf'<h{level} id="([^"]*)">(.*?)</h{level}>', body)
    return [(anchor, re.sub(r"<[^>]+>", "", text)) for anchor, text in found]


def with_permalinks(body: str) -> str:
    """Make each heading a link to itself: its address can be copied."""
    return re.sub(
        r'<(h[1-4]) id="([^"]*)">(.*?)</\1>', r'<\1 id="\2"><a href="#\2">\3</a></\1>', body
    )


def with_lines(body: str) -> str:
    """Mark the lines of code and results that a narrow screen may break, each with its indent.

    A line with gaps in it is the row of a table and stays whole, unless it is very long.
    """

    def mark(box: re.Match) -> str:
        code = box[1].startswith("<span></span>")
        lines = box[1].splitlines(keepends=True)
        # pygments closes its spans at the end of a line; what colours a result may not.
        if not code and "<" in box[1]:
            return box[0]
        return f"<pre>{''.join(_mark_line(line, code) for line in lines)}</pre>"

    return re.sub(r"<pre>(?!<code)(.*?)</pre>", mark, body, flags=re.DOTALL)


def _mark_line(line: str, code: bool) -> str:
    text = re.sub(r"<[^>]+>", "", line)
    if not code and len(text) <= 100 and re.search(r"\S {2,}\S", text):
        return line
    indent = len(text) - len(text.lstrip(" "))
    # A line would break here rather than within a long word; site.css prevents it.
    kept = re.sub("^((?:<[^>]*>)*)( +)", r'\1<span class="indent">\2</span>', line)
    return f'<span class="line" style="--indent: {indent}ch">{kept}</span>'


def notebook_page(
    path: Path,
    places: dict[str, str],
    widgets: list[Recording] | None = None,
    narrow: dict[str, str] | None = None,
) -> Page:
    """Return the page of a notebook; with a published address it says where to run it."""
    links = (("Run on Binder", BINDER), ("Open in Colab", COLAB))
    runs = tuple((words, link.format(name=path.name, **places)) for words, link in links if places)
    notebook = nbformat.read(path, as_version=4)
    download = to_run(notebook)  # first, since exporting joins outputs
    more = {"download": download, "runs": runs}
    return make_page(f"{path.stem}.html", notebook, path.parent, widgets, narrow, **more)


def to_run(notebook: NotebookNode) -> str:
    """Return a notebook without its results as a data URL.

    A link to a file beside the page would show it, not save it, where there is no server.
    """
    empty, _ = ClearOutputPreprocessor().preprocess(copy.deepcopy(notebook), {})
    code = base64.b64encode(nbformat.writes(empty, version=4).encode()).decode()
    return f"data:application/x-ipynb+json;base64,{code}"


def symptoms_of(path: Path) -> str:
    """Return the table "When it goes wrong" of a notebook, in Markdown; empty without one."""
    text = "\n\n".join(
        cell.source
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
    )
    found = re.search(r"^## When it goes wrong\s+((?:\|.*(?:\n|$))+)", text, re.MULTILINE)
    return found[1].strip() if found else ""


def rows_of(table: str) -> list[list[str]]:
    """Return the cells of a Markdown table, row by row, without its head."""
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()[2:]]


def one_from_each(tables: list[tuple[Page, str]]) -> Iterator[tuple[str, str, Page]]:
    """Give for each notebook (symptom, cause, page) of the first symptom that is new."""
    seen = set()
    for page, table in tables:
        symptom, cause, *_ = next(row for row in rows_of(table) if row[0] not in seen)
        seen.add(symptom)
        yield symptom, cause, page


def read_pages(
    root: Path, widgets: dict[str, list[Recording]], narrow: dict[str, dict[str, str]]
) -> list[Page]:
    """Return all pages in the order in which they are listed.

    `widgets` are those of the notebooks, by the stem of the file, as are their figures for a phone,
    `narrow`. Raises ValueError where README.md
    lacks a section of the start page.
    """
    folder = root / "notebooks"
    paths = sorted(folder.glob("*.ipynb"))
    places = read_places(root)
    notebooks = [
        notebook_page(path, places, widgets.get(path.stem), narrow.get(path.stem)) for path in paths
    ]
    tables = [(page, symptoms_of(path)) for page, path in zip(notebooks, paths, strict=True)]
    tables = [(page, table) for page, table in tables if table]
    words = {
        "tables": tables,
        "examples": list(one_from_each(tables)),
        "count": sum(len(rows_of(table)) for _, table in tables),
    }
    texts = [
        make_page(f"{path.stem}.html", as_notebook(path.read_text(encoding="utf-8")), folder)
        for path in sorted(folder.glob("*.md"))
    ]
    doctor = make_page("doctor.html", as_notebook(fill("doctor.md.j2", **words)), folder)
    return [start_page(root, words), *notebooks, doctor, *texts]


def start_page(root: Path, words: dict[str, object]) -> Page:
    """Return the page that is read first, from parts of README.md."""
    sections = sections_of((root / "README.md").read_text(encoding="utf-8"))

    def section(title: str) -> str:
        if title not in sections:
            raise ValueError(f"README.md has no section {title!r}; it has {list(sections)}")
        return sections[title]

    text = fill("start.md.j2", section=section, **words)
    return make_page("index.html", as_notebook(text), root)


def fill(template: str, **words: object) -> str:
    """Return a filled template of the folder `site`."""
    frames = Environment(loader=FileSystemLoader(FRAMES), undefined=StrictUndefined)
    return frames.get_template(template).render(words)


def neighbours(page: Page, pages: list[Page]) -> dict[str, Page | None]:
    """Return the notebooks before and after a notebook, as far as there are any."""
    row = [None, *(other for other in pages if other.download), None]
    at = row.index(page) if page.download else 0
    return {"before": row[at - 1] if at else None, "after": row[at + 1] if at else None}


def texts_of(page: Page) -> Iterator[dict[str, str]]:
    """Give the text of each part of a page, as the search needs it."""
    for part in re.split(r"(?=<h[1-3] id=)", page.body)[1:]:
        soup = BeautifulSoup(part, "html.parser")
        heading = soup.find(re.compile("h[1-3]")).extract()
        for folded in soup.select("details > .source"):  # it draws, and would be found often
            folded.extract()
        text = " ".join(soup.get_text().split())
        yield {
            "address": f"{page.address}#{heading['id']}",
            "page": page.label,
            "heading": heading.get_text(),
            "text": text,
        }


def make_room(output: Path) -> None:
    """Make an empty folder; a site that is there already goes.

    Raises ValueError for a folder that holds anything else.
    """
    if output.exists():
        if any(output.iterdir()) and not (output / LIGHT).is_file():
            raise ValueError(f"{output} is not empty, and not a site of this program")
        shutil.rmtree(output)
    output.mkdir(parents=True)


def write_looks(output: Path) -> None:
    """Write the style sheets, with the colours of code, and the scripts."""
    for name, scheme in ((LIGHT, "light"), (DARK, "dark")):
        style = (FRAMES / name).read_text(encoding="utf-8") + code_colors(scheme)
        (output / name).write_text(style, encoding="utf-8", newline="\n")
    for name in (LIVE, *SCRIPTS):
        shutil.copy(FRAMES / name, output)


def write_widgets(output: Path, widgets: dict[str, list[Recording]]) -> None:
    """Write for each widget a script with its pictures."""
    (output / WIDGETS).mkdir()
    for stem, records in widgets.items():
        for number, recording in enumerate(records, start=1):
            source = f"{WIDGETS}/{stem}-{number}.js"
            script = as_script(recording, source)
            (output / source).write_text(script, encoding="utf-8", newline="\n")
            if "narrow" in recording:
                script = as_narrow_script(recording, source)
                file = output / narrow_address(source)
                file.write_text(script, encoding="utf-8", newline="\n")


def write_search(output: Path, pages: list[Page], library: Path) -> None:
    """Write what the search loads: MiniSearch with its licence, and the texts of all pages."""
    licence = (library / "LICENSE.txt").read_text(encoding="utf-8")
    code = (library / "dist" / "umd" / "index.js").read_text(encoding="utf-8")
    code = re.sub(r"^//# sourceMappingURL=.*$", "", code, flags=re.MULTILINE)
    texts = [text for page in pages for text in texts_of(page)]
    data = f"const TEXTS = {json.dumps(texts, ensure_ascii=False, indent=0)};\n"
    for name, script in (("minisearch.js", f"/*\n{licence}*/\n{code}"), ("texts.js", data)):
        (output / name).write_text(script, encoding="utf-8", newline="\n")


def build(
    output: Path, root: Path = ROOT, library: Path | None = None, positions: int = 0
) -> list[Path]:
    """Write the site into a folder; return the pages. `library` is MiniSearch, as npm installs it.

    Widgets live at so many `positions` of a control; with none they remain still pictures. Raises
    ValueError for a mistake in the files, RuntimeError where MiniSearch cannot be installed, or a
    notebook not be executed.
    """
    make_room(output)
    paths = sorted((root / "notebooks").glob("*.ipynb")) if positions else []
    widgets = recordings(paths, positions)
    narrow = {path.stem: narrow_figures(path, positions) for path in paths}
    pages = read_pages(root, widgets, narrow)
    write_looks(output)
    write_widgets(output, widgets)
    write_search(output, pages, library or web_packages() / "minisearch")
    for page in pages:
        text = fill(
            "page.html.j2",
            page=page,
            pages=pages,
            collection=pages[0].title,
            **neighbours(page, pages),
        )
        (output / page.address).write_text(text, encoding="utf-8", newline="\n")
    return [output / page.address for page in pages]


def sizes(output: Path) -> dict[str, int]:
    """Return how many bytes each page loads before anything is touched, and those of the site."""
    looks = sum((output / name).stat().st_size for name in (LIGHT, DARK, LIVE, *SCRIPTS))
    pages = {path.name: path.stat().st_size + looks for path in sorted(output.glob("*.html"))}
    return pages | {"site": sum(path.stat().st_size for path in output.rglob("*"))}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when all is well, 1 for a site too large, 2 for a mistake."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder, made anew")
    words = "most positions of a control of a widget; 0: still pictures"
    parser.add_argument("--positions", type=int, default=POSITIONS, help=words)
    options = parser.parse_args(arguments)
    try:
        build(options.output, positions=options.positions)
    except (ValueError, RuntimeError) as mistake:
        print(mistake, file=sys.stderr)
        return 2
    too_large = False
    for name, size in sizes(options.output).items():
        budget = SITE_BUDGET if name == "site" else PAGE_BUDGET
        too_large |= size > budget
        print(f"{size / 1e6:6.2f} of {budget / 1e6:g} MB  {name}{'  TOO LARGE' * (size > budget)}")
    pictures = [path.stat().st_size for path in options.output.glob(f"{WIDGETS}/*.js")]
    if pictures:
        print(f"{sum(pictures) / 1e6:6.2f} MB for {len(pictures)} widgets, ", end="")
        print(f"{max(pictures) / 1e6:.2f} MB at most, loaded when one is touched")
    print(f"Open {options.output / 'index.html'}")
    return int(too_large)


if __name__ == "__main__":
    sys.exit(main())
