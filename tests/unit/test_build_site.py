"""tools/build_site.py: every notebook a page, linked, found, and read aloud in order."""

import base64
import io
import json
import re
from urllib.parse import unquote

import build_site
import nbformat
import pages
import pytest
from bs4 import BeautifulSoup
from ipywidgets import Label
from nbformat.v4 import new_code_cell, new_output
from PIL import Image

from lossutils.teaching.widgets import bundle

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAYAAAD0In+KAAAAEUlEQVR42mP8z8BQz0AEYBxVSF8A"
    "kfQH/d0Vb4EAAAAASUVORK5CYII="
)


pytestmark = pytest.mark.slow
NOTEBOOKS = sorted((build_site.ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """What npm would have installed, without a network."""
    folder = tmp_path_factory.mktemp("minisearch")
    (folder / "dist" / "umd").mkdir(parents=True)
    (folder / "dist" / "umd" / "index.js").write_text("library()\n//# sourceMappingURL=index.map\n")
    (folder / "LICENSE.txt").write_text("Use it.\n")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory, library):
    """The folder of the site."""
    output = tmp_path_factory.mktemp("web") / "site"
    build_site.build(output, library=library)
    return output


@pytest.fixture(scope="module")
def site(folder):
    """The pages of the collection, by file name."""
    pages = folder.glob("*.html")
    return {path.name: BeautifulSoup(path.read_text("utf-8"), "html.parser") for path in pages}


@pytest.fixture(scope="module")
def texts(folder):
    """What the search knows."""
    script = (folder / "texts.js").read_text("utf-8")
    return json.loads(script.removeprefix("const TEXTS = ").removesuffix(";\n"))


def as_html(markdown, folder=build_site.ROOT):
    """Return Markdown as a page holds it."""
    return pages.markdown_filter(folder, ".html")(markdown)


def test_there_is_a_page_for_each_notebook(site):
    assert {f"{path.stem}.html" for path in NOTEBOOKS} < set(site)


def test_every_page_lists_all_pages_and_marks_its_own(site):
    for name, page in site.items():
        listed = page.select("#pages > ul > li > a")
        assert {link["href"] for link in listed} == set(site)
        assert [link["href"] for link in page.select("#pages [aria-current=page]")] == [name]


def test_the_index_leads_to_every_notebook(site):
    reached = {link["href"] for link in site["index.html"].select("main a")}
    assert {name for name in site if name[0].isdigit()} <= reached


def test_an_answer_stands_inside_what_is_folded():
    markdown = "<details><summary>The answer</summary>\n\nIt is *4*.\n\n</details>\n\nGo on."
    page = BeautifulSoup(as_html(markdown), "html.parser")
    assert page.details.get_text(" ", strip=True) == "The answer It is 4 ."
    assert "Go on." in page.get_text() and "Go on." not in page.details.get_text()


def test_every_link_leads_somewhere(site):
    broken = []
    for name, page in site.items():
        for link in page.select("a"):
            target, _, anchor = unquote(link["href"]).partition("#")
            if re.match(r"https?:|mailto:|data:", target):
                continue
            aim = site.get(target or name)
            if aim is None or (anchor and aim.find(id=anchor) is None):
                broken.append(f"{name}: {link['href']}")
    assert broken == []


def test_nothing_is_fetched_from_elsewhere(site, folder):
    """Whatever a browser would load by itself is part of the page, or lies beside it."""
    loaded = [
        element.get("src") or element.get("href")
        for page in site.values()
        for element in page.select("[src], link[href]")
    ]
    there = {path.name for path in folder.iterdir()}
    assert {address for address in loaded if not address.startswith("data:")} <= there


def test_every_page_has_one_title_and_headings_in_order(site):
    for name, page in site.items():
        levels = [int(heading.name[1]) for heading in page.select("h1, h2, h3, h4, h5, h6")]
        assert levels[0] == 1 and levels.count(1) == 1, name
        assert all(below <= above + 1 for above, below in zip(levels, levels[1:], strict=False)), (
            name
        )


def test_every_picture_speaks(site):
    for name, page in site.items():
        silent = [
            str(image)[-80:] for image in page.select("img") if not image.get("alt", "").strip()
        ]
        assert not silent, name


def test_ids_are_unique(site):
    for name, page in site.items():
        ids = [element["id"] for element in page.select("[id]")]
        assert len(ids) == len(set(ids)), name


def test_neighbours_are_linked_in_order(site):
    names = sorted(name for name in site if name[0].isdigit())
    after = [site[name].select_one("a[rel=next]") for name in names]
    assert [link and link["href"] for link in after] == [*names[1:], None]
    before = [site[name].select_one("a[rel=prev]") for name in names]
    assert [link and link["href"] for link in before] == [None, *names[:-1]]


def test_a_figure_holds_its_caption_and_says_each_thing_once():
    about = {"alt": 'A "line" rises.', "image/png": {"width": 2, "height": 1}}
    figure = new_output("display_data", {"image/png": PNG}, metadata=about)
    caption = new_output("display_data", {"text/markdown": "*It rises.*", "text/plain": "<x>"})
    printed = new_output("stream", name="stdout", text="1 < 2\n")
    notebook = build_site.as_notebook("# Title")
    notebook.cells.append(new_code_cell("show()", outputs=[figure, caption, printed]))
    page = build_site.make_page("x.html", notebook, build_site.ROOT)
    found = BeautifulSoup(page.body, "html.parser")
    image = found.select_one("figure img")
    assert (image["alt"], image["width"], image["height"]) == ('A "line" rises.', "2", "1")
    assert found.select_one("figure figcaption").get_text(strip=True) == "It rises."
    assert found.select_one(".result > pre").get_text() == "1 < 2\n"
    assert page.body.count("It rises.") == 1


def png(shade, compress_level):
    """Return a picture in one shade of gray, in base64."""
    buffer = io.BytesIO()
    Image.new("L", (9, 9), shade).save(buffer, "png", compress_level=compress_level)
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(("shade", "pictures"), [(200, 1), (201, 2)])
def test_a_widget_does_not_repeat_the_figure_above_it(shade, pictures):
    figure = new_output("display_data", {"image/png": png(200, 9)}, metadata={"alt": "Gray."})
    seen = bundle(Label(), base64.b64decode(png(shade, 1)), "Gray.", "Run it.")
    widget = new_output("display_data", {"text/html": seen["text/html"]})
    notebook = build_site.as_notebook("# Title")
    notebook.cells += [new_code_cell("x", outputs=[output]) for output in (figure, widget)]
    page = build_site.make_page("x.html", notebook, build_site.ROOT)
    assert page.body.count("<img") == pictures
    assert page.body.count("Run it.") == 1


def test_every_figure_is_on_its_page(site):
    for path in NOTEBOOKS:
        outputs = [o for c in nbformat.read(path, 4).cells for o in c.get("outputs", [])]
        figures = sum("image/png" in output.get("data", {}) for output in outputs)
        page = site[f"{path.stem}.html"]
        assert len(page.select("figure img")) == figures > 0
        widgets = sum("data:image/png" in o.get("data", {}).get("text/html", "") for o in outputs)
        assert len(page.select(".still p")) == widgets > 0
        # In 02, 04 and 06 every widget starts elsewhere than its figure.
        kept = len(page.select(".still img"))
        assert kept <= widgets and (kept < widgets or path.name[:2] in ("02", "04", "06"))


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("05_weights.ipynb", "05_weights.html"),
        ("notebooks/05_weights.ipynb#Why?-One-line", "05_weights.html#why-one-line"),
        ("#Why%3F-One-line", "#why-one-line"),
        ("../README.md", "index.html"),
        ("TEACHING.md", "TEACHING.html"),
        ("https://doi.org/10.1000/1", "https://doi.org/10.1000/1"),
        ("../lossutils/closures.py", None),
    ],
)
def test_addresses_of_pages(link, address):
    assert pages.page_address(link, ".html") == address


def test_a_link_to_a_file_that_is_not_exported_is_plain_text():
    assert as_html("See [the licence](LICENSE).") == "<p>See the licence.</p>\n"


def test_badges_with_pictures_of_other_servers_are_left_out():
    badge = "![b](https://example.org/b.svg)"
    assert "img" not in as_html(f"<!-- badges:start -->\n{badge}\n<!-- badges:end -->\n\nText")


def test_an_empty_corner_of_a_table_is_no_heading():
    html = as_html("| | a |\n|---|--:|\n| b | 1 |\n")
    assert html.count("<th") == 2 and '<th style="text-align: right">a</th>' in html
    assert '<td style="text-align: right">1</td>' in html


def test_a_formula_is_drawn_by_the_browser():
    html = as_html(r"So $w = \mathrm{softmax}(a)$ and" "\n\n" r"$$\frac{a}{b}$$")
    assert (
        "$" not in html
        and '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"' in html
    )
    assert "<mo>softmax</mo>" in html


def test_a_heading_has_the_same_anchor_for_jupyterlab_and_github():
    assert as_html("## What does `fit` do?") == (
        '<h2 id="what-does-fit-do">What does <code>fit</code> do?</h2>\n'
    )
    assert pages.slug("What-does-fit-do?") == pages.slug("what-does-fit-do") == "what-does-fit-do"


def test_a_heading_is_a_link_to_itself(site):
    for page in site.values():
        headings = page.select("main :is(h1, h2, h3, h4)")
        assert [h.a["href"] for h in headings] == [f"#{h['id']}" for h in headings]


def test_the_start_page_needs_its_sections(tmp_path):
    (tmp_path / "README.md").write_text("# Title\n\n## Two commands\n\nRun.\n")
    with pytest.raises(ValueError, match="no section 'The notebooks'"):
        build_site.start_page(tmp_path, {"examples": [], "count": 0})


def test_the_start_page_is_a_front_door(site):
    page = site["index.html"]
    assert "jupyterlab notebooks/00_start_here.ipynb" in page.main.get_text()
    reached = {link["href"] for link in page.select("main a")}
    assert {"doctor.html", "TEACHING.html"} < reached


def test_the_doctor_knows_the_symptoms_of_all_notebooks(site):
    tables = [build_site.symptoms_of(path) for path in NOTEBOOKS]
    shown = site["doctor.html"].select("tbody tr")
    assert len(shown) == sum(len(build_site.rows_of(table)) for table in tables) > 100
    assert f"all {len(shown)}." in site["index.html"].main.get_text()


def test_the_start_page_has_a_symptom_from_each_notebook(site):
    rows = site["index.html"].select_one("#the-doctor").find_all_next("tr")[1 : len(NOTEBOOKS) + 1]
    assert [row.a["href"] for row in rows] == [
        f"{path.stem}.html#when-it-goes-wrong" for path in NOTEBOOKS
    ]
    assert len({row.td.get_text() for row in rows}) == len(rows)


def test_the_search_knows_every_part_once(site, texts):
    addresses = [text["address"] for text in texts]
    assert len(addresses) == len(set(addresses))
    for name, page in site.items():
        parts = [f"{name}#{h['id']}" for h in page.select("main :is(h1, h2, h3)")]
        assert [address for address in addresses if address.partition("#")[0] == name] == parts


def test_the_search_knows_code_but_not_what_only_draws(texts):
    known = " ".join(text["text"] for text in texts)
    assert "def huber(y_true, y_pred, delta):" in known and "def shapes(delta):" not in known


def test_the_library_of_the_search_has_its_licence_and_asks_for_no_map(folder):
    script = (folder / "minisearch.js").read_text("utf-8")
    assert script.startswith("/*\nUse it.\n*/\nlibrary()") and "sourceMapping" not in script


def test_the_notebook_can_be_taken_along_without_its_results(site):
    path = NOTEBOOKS[0]
    link = site[f"{path.stem}.html"].select_one("a[download]")
    assert link["download"] == path.name
    taken = nbformat.reads(base64.b64decode(link["href"].partition(",")[2]).decode(), 4)
    assert [c.source for c in taken.cells] == [c.source for c in nbformat.read(path, 4).cells]
    assert not any(cell.get("outputs") for cell in taken.cells)


@pytest.mark.parametrize(
    ("places", "words"),
    [({}, []), ({"repository": "a/b", "tag": "v1"}, ["Run on Binder", "Open in Colab"])],
)
def test_a_published_notebook_says_where_it_runs(places, words):
    page = build_site.notebook_page(NOTEBOOKS[0], places)
    assert [run[0] for run in page.runs] == words
    assert all("a/b" in run[1] and NOTEBOOKS[0].name in run[1] for run in page.runs)


def test_lines_of_code_may_break_and_rows_of_numbers_may_not():
    notebook = build_site.as_notebook("# Title")
    printed = new_output("stream", name="stdout", text="a sentence\nloss   1 < 2\n")
    notebook.cells.append(new_code_cell("if a < b:\n    go()", outputs=[printed]))
    page = build_site.make_page("x.html", notebook, build_site.ROOT)
    code, result = BeautifulSoup(page.body, "html.parser").select("pre")
    indents = [line["style"] for line in code.select(".line")]
    assert indents == ["--indent: 0ch", "--indent: 4ch"]
    assert [spaces.get_text() for spaces in code.select(".indent")] == [" " * 4]
    assert code.get_text() == "if a < b:\n    go()\n"
    assert [line.get_text() for line in result.select(".line")] == ["a sentence\n"]
    assert result.get_text() == "a sentence\nloss   1 < 2\n"


def test_a_table_of_sentences_says_its_columns_in_each_cell():
    table = "| a | b | |\n|---|---|---|\n| {0} | {0} | {0} |\n"
    assert "sentences" not in as_html(table.format("1"))
    page = BeautifulSoup(as_html(table.format("so many words in it")), "html.parser")
    cells = page.select(".table.sentences tbody td")
    assert [cell.get("data-column") for cell in cells] == ["a", "b", None]


def test_the_site_keeps_its_budget(folder):
    sizes = build_site.sizes(folder)
    assert sizes.pop("site") <= build_site.SITE_BUDGET
    assert max(sizes.values()) <= build_site.PAGE_BUDGET


@pytest.mark.parametrize(("budget", "code"), [(10**9, 0), (10**4, 1)])
def test_a_page_that_is_too_large_is_a_failure(budget, code, folder, monkeypatch, capsys):
    monkeypatch.setattr(build_site, "build", lambda output, **_: None)
    monkeypatch.setattr(build_site, "PAGE_BUDGET", budget)
    assert build_site.main(["--output", str(folder)]) == code
    assert ("TOO LARGE" in capsys.readouterr().out) == bool(code)


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert build_site.main(["--output", str(tmp_path)]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def luminance(color):
    """Return the relative luminance of #rgb or #rrggbb, as WCAG defines it."""
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    parts = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """Return the contrast of two colours, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_wcag():
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize(("scheme", "style"), [("light", "site.css"), ("dark", "dark.css")])
def test_the_colours_of_code_can_be_read(scheme, style):
    text = (build_site.FRAMES / style).read_text("utf-8")
    (shade,) = re.findall(r"--shade: (#\w+)", text)
    css = pages.code_colors(scheme)
    colors = set(re.findall(r"^\.highlight [^\n]*[{;] color: (#\w+)", css, re.MULTILINE))
    assert len(colors) > 4
    assert {
        color: round(contrast(color, shade), 1) for color in colors if contrast(color, shade) < 4.5
    } == {}
