"""The talks in a browser: every slide fits, every figure shows, the keyboard leads to the end."""

import base64
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from accessibility import WCAG, texts_not_compared, violations
from kernel_runs import NOTEBOOKS, ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from offline import offline_page
from PIL import Image

pytestmark = pytest.mark.slow
PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))

READY = "() => window.Reveal?.isReady()"
SLIDES = """() => [...document.querySelectorAll('.slides section section')]
    .map(slide => Reveal.getIndices(slide)).map(({h, v}) => [h, v])"""
SHOW = "([h, v]) => Reveal.slide(h, v, 99)"  # with all that appears one after the other
# One line for each thing on a slide that somebody in the room would miss.
FAULTS = """() => [...document.querySelectorAll('.slides section section')].flatMap(slide => {
    const {h, v} = Reveal.getIndices(slide);
    Reveal.slide(h, v, 99);
    const name = `slide ${h}/${v} (${slide.innerText.trim().slice(0, 40)})`;
    const faults = [];
    if (slide.scrollHeight > slide.clientHeight) faults.push(`${slide.scrollHeight} pixels tall`);
    if (slide.scrollWidth > slide.clientWidth) faults.push(`${slide.scrollWidth} pixels wide`);
    for (const image of slide.querySelectorAll('img')) {
        if (!image.naturalWidth || image.offsetHeight < 200) faults.push('a picture is not seen');
    }
    const things = [...slide.querySelectorAll('img, p, li, pre, h1, h2, h3, th, td')];
    for (const thing of things) {
        if (!thing.checkVisibility({opacityProperty: true, visibilityProperty: true})) {
            faults.push(`invisible: ${thing.outerHTML.slice(0, 60)}`);
        }
    }
    if (!things.length) return [`${name}: empty`];
    const {left, top, width, height} = things[0].getBoundingClientRect();
    const there = document.elementFromPoint(left + width / 2, top + height / 2);
    if (!slide.contains(there)) faults.push('covered, or beside the screen');
    return faults.map(fault => `${name}: ${fault}`);
})"""
# Sizes inside a slide say nothing of where it is on the screen, and reveal.js shrinks all to fit.
IN_SIGHT = """() => {
    const {left, top, right, bottom} = document.querySelector('.slides').getBoundingClientRect();
    return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight
        && right - left > 0.9 * innerWidth;
}"""
PRESENT = ".slides section.present section.present"
# Backgrounds are empty here, but lie below the text, and axe-core would not see through them.
STILL = ".backgrounds { display: none } .fragment { transition: none !important }"


def make_talks(output: Path, *notebooks: Path) -> None:
    """Run the command of README.md."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^jupyter (nbconvert --config tools/slides.+)$", readme, re.MULTILINE)
    command = [*line.split(), "--output-dir", output, *notebooks]
    subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True, capture_output=True)


@pytest.fixture(scope="module")
def folder(web_packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the talks."""
    output = tmp_path_factory.mktemp("talks")
    make_talks(output)
    return output


@pytest.fixture
def page(browser: object, folder: Path) -> Iterator[object]:
    """Return a page that fails the test when it asks for more than the one file of the talk."""
    with offline_page(browser, folder, viewport={"width": 1280, "height": 720}) as opened:
        yield opened


def open_talk(page: object, folder: Path, name: str) -> None:
    """Open the talk of a notebook and wait for its first slide."""
    page.goto((folder / f"{name}.slides.html").as_uri())
    page.wait_for_function(READY)


@pytest.mark.parametrize("name", [path.stem for path in PATHS])
def test_every_slide_fits_and_shows_its_figures(name: str, page: object, folder: Path) -> None:
    open_talk(page, folder, name)
    page.add_style_tag(content=STILL)
    assert page.evaluate(IN_SIGHT)
    assert page.evaluate(FAULTS) == []
    cells = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
    figures = sum("image/png" in o.get("data", {}) for c in cells for o in c.get("outputs", []))
    assert page.locator("figure img").count() == figures > 0
    pictures = page.evaluate("() => [...document.images].filter(image => !image.alt.trim()).length")
    assert pictures == 0


# A part of each slide: its text, its tables with the number of rows, and how many figures.
CONTENTS = """() => [...document.querySelectorAll('.slides section section')].map(slide => [
    slide.querySelector('h1, h2, h3, p, pre')?.innerText.slice(0, 12).split('\\n')[0] ?? '',
    [...slide.querySelectorAll('table')].map(t => [!!t.tHead, t.tBodies[0].rows.length]),
    slide.querySelectorAll('figure').length])"""


def code(lines: int, figures: int = 0) -> object:
    """Return a code cell of so many lines that shows so many figures."""
    outputs = []
    for number in range(figures):
        picture = io.BytesIO()
        Image.new("L", (800, 320), 100 + number).save(picture, "png")
        data = {"image/png": base64.b64encode(picture.getvalue()).decode()}
        outputs.append(new_output("display_data", data, metadata={"alt": "Gray."}))
        outputs.append(new_output("display_data", {"text/markdown": "*It is gray.*"}))
    return new_code_cell("\n".join(f"x = {i}" for i in range(lines)), outputs=outputs)


PROSE = " ".join(["Some words that fill the line."] * 12)
ROW = f"| row | {'because of something that is long ' * 5} |\n"
TABLE = "| Symptom | Cause |\n|---|---|\n"


@pytest.mark.parametrize(
    ("cells", "contents"),
    [
        ([code(5), code(5)], [["Part", [], 0]]),
        ([code(15), code(15)], [["Part", [], 0], ["x = 0", [], 0]]),
        ([code(20, figures=1)], [["Part", [], 0], ["x = 0", [], 0], ["It is gray.", [], 1]]),
        (
            [code(20, figures=2)],
            [["Part", [], 0], ["x = 0", [], 0], *[["It is gray.", [], 1]] * 2],
        ),
        (
            [new_markdown_cell("\n\n".join([PROSE] * 6 + ["## Next", PROSE]))],
            [["Part", [], 0], ["Some words t", [], 0], ["Some words t", [], 0], ["Next", [], 0]],
        ),
        (
            [new_markdown_cell("### Wrong\n\n" + TABLE + ROW * 12)],
            [["Part", [], 0], ["Wrong", [[True, 7]], 0], ["", [[True, 5]], 0]],
        ),
    ],
    ids=["together", "not together", "a figure below", "two", "text", "table"],
)
def test_what_does_not_fit_goes_on_below(
    cells: list, contents: list, page: object, folder: Path, tmp_path: Path
) -> None:
    title = new_markdown_cell("# Title\n\n## Part")
    for cell in cells:
        cell.metadata["slideshow"] = {"slide_type": "fragment"}
    nbformat.write(new_notebook(cells=[title, *cells]), tmp_path / "small.ipynb")
    make_talks(folder, tmp_path / "small.ipynb")
    open_talk(page, folder, "small")
    assert page.evaluate("() => Reveal.getTotalSlides()") == len(contents) + 1
    shown = page.evaluate(CONTENTS)
    assert shown[0][0] == "Title"
    assert shown[1:] == contents
    assert page.locator(".slides section section > .fragment:first-child").count() == 0
    page.add_style_tag(content=STILL)
    assert page.evaluate(FAULTS) == []


@pytest.mark.parametrize(
    ("style", "fault"),
    [
        (".fragment { opacity: 0 !important }", "invisible: <"),
        (".slides section section { display: none !important }", "invisible: <"),
        (".slides section section { transform: translateX(4000px) !important }", "beside"),
        ("main { position: relative; z-index: -1 }", "covered"),
    ],
)
def test_a_slide_that_nobody_sees_is_noticed(
    style: str, fault: str, page: object, folder: Path
) -> None:
    open_talk(page, folder, PATHS[0].stem)
    page.add_style_tag(content=STILL + style)
    assert fault in "\n".join(page.evaluate(FAULTS))


def test_the_title_is_on_the_screen(page: object, folder: Path) -> None:
    open_talk(page, folder, PATHS[0].stem)
    with Image.open(io.BytesIO(page.screenshot())) as screen:
        upper = screen.convert("L").crop((0, 0, screen.width, screen.height // 4))
    assert sum(upper.histogram()[:64]) > 1000  # dark pixels


def test_the_space_key_leads_through_the_whole_talk(page: object, folder: Path) -> None:
    open_talk(page, folder, PATHS[0].stem)
    seen = set()
    for _ in range(200):
        seen.add(page.evaluate("() => JSON.stringify(Reveal.getIndices())"))
        if page.evaluate("() => Reveal.isLastSlide() && !Reveal.availableFragments().next"):
            break
        page.keyboard.press("Space")
    shown = page.evaluate("() => Reveal.getTotalSlides()")
    assert len({place.partition(',"f"')[0] for place in seen}) == shown


def test_a_slide_that_is_too_tall_scrolls_by_key_and_then_goes_on(
    page: object, folder: Path
) -> None:
    open_talk(page, folder, PATHS[0].stem)
    page.evaluate("() => { Reveal.getCurrentSlide().firstElementChild.style.height = '1100px'; }")
    assert any("pixels tall" in fault for fault in page.evaluate(FAULTS))
    page.evaluate("() => Reveal.slide(0, 0)")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("() => Reveal.getCurrentSlide().scrollTop") > 0
    for _ in range(10):
        page.keyboard.press("Space")
    assert page.evaluate("() => Reveal.getIndices().h + Reveal.getIndices().v") > 0


def test_escape_shows_all_slides_and_a_click_leads_to_one(page: object, folder: Path) -> None:
    open_talk(page, folder, PATHS[0].stem)
    page.keyboard.press("Escape")
    assert page.evaluate("() => Reveal.isOverview()")
    open_ones = page.locator(".slides section section:not([inert])").count()
    assert open_ones == page.evaluate("() => Reveal.getTotalSlides()")
    page.locator(".slides > section:nth-child(2) > section").first.click()
    assert not page.evaluate("() => Reveal.isOverview()")
    assert page.evaluate("() => Reveal.getIndices().h") == 1


# The first one is short and has all but formulas.
@pytest.mark.parametrize("name", [PATHS[0].stem, "10_adaptive_robust_loss"])
def test_the_slides_are_accessible(name: str, page: object, folder: Path, axe: Path) -> None:
    open_talk(page, folder, name)
    page.add_style_tag(content=STILL)
    slides = page.evaluate(SLIDES)
    assert len(slides) == page.evaluate("() => Reveal.getTotalSlides()")
    for place in slides:
        page.evaluate(SHOW, place)
        # Not what axe-core recommends beyond WCAG: reveal.js makes its own landmarks.
        assert violations(page, axe, WCAG) == [], f"slide {place}"
        assert texts_not_compared(page, axe, include=(PRESENT,)) == [], f"slide {place}"


def test_pale_text_on_a_slide_is_noticed(page: object, folder: Path, axe: Path) -> None:
    open_talk(page, folder, PATHS[0].stem)
    page.add_style_tag(content=STILL + ".reveal p { color: #ddd }")
    assert "color-contrast" in "\n".join(violations(page, axe, WCAG))
