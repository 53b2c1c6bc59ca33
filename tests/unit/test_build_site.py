"""tools/build_site.py: every notebook a page that stands alone, linked, and read aloud in order."""

import base64
import io
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


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages of the collection, by file name."""
    output = tmp_path_factory.mktemp("web") / "site"
    written = build_site.build(output)
    return {path.name: BeautifulSoup(path.read_text("utf-8"), "html.parser") for path in written}


def as_html(markdown, folder=build_site.ROOT):
    """Return Markdown as a page holds it."""
    return pages.markdown_filter(folder, ".html")(markdown)


def test_there_is_a_page_for_each_notebook(site):
    notebooks = (build_site.ROOT / "notebooks").glob("*.ipynb")
    assert {f"{path.stem}.html" for path in notebooks} < set(site)


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
            if re.match(r"https?:|mailto:", target):
                continue
            aim = site.get(target or name)
            if target != "site.css" and (aim is None or (anchor and aim.find(id=anchor) is None)):
                broken.append(f"{name}: {link['href']}")
    assert broken == []


def test_nothing_is_fetched_from_elsewhere(site):
    """Whatever a browser would load by itself is part of the page, or the style beside it."""
    loaded = [
        element.get("src") or element.get("href")
        for page in site.values()
        for element in page.select("[src], link[href]")
    ]
    strangers = [address for address in loaded if not address.startswith(("data:", "site.css"))]
    assert strangers == []


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
    figure = new_output("display_data", {"image/png": PNG}, metadata={"alt": 'A "line" rises.'})
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
    for path in (build_site.ROOT / "notebooks").glob("*.ipynb"):
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


def test_the_index_needs_its_sections():
    with pytest.raises(ValueError, match="no section 'The notebooks'"):
        build_site.index_text("# Title\n\n## Licence\n")


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


@pytest.mark.parametrize(("scheme", "part"), [("light", 0), ("dark", 1)])
def test_the_colours_of_code_can_be_read(scheme, part):
    style = (pages.TEMPLATES / "site.css").read_text("utf-8")
    shade = re.findall(r"--shade: (#\w+)", style)[part]
    css = pages.code_colors(scheme)
    colors = set(re.findall(r"^\.highlight [^\n]*[{;] color: (#\w+)", css, re.MULTILINE))
    assert len(colors) > 4
    assert {
        color: round(contrast(color, shade), 1) for color in colors if contrast(color, shade) < 4.5
    } == {}
