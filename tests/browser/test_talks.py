"""The talks in a browser: every slide fits, every figure shows, the keyboard leads to the end."""

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import build_slides
import nbformat
import pytest
from accessibility import WCAG, texts_not_compared, violations
from offline import offline_page
from PIL import Image

ROOT = build_slides.NOTEBOOKS.parent
PATHS = sorted(build_slides.NOTEBOOKS.glob("*.ipynb"))

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


@pytest.fixture(scope="module")
def folder(web_packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the talks."""
    output = tmp_path_factory.mktemp("talks")
    build_slides.build(output, PATHS)
    return output


@pytest.fixture
def page(browser: object, folder: Path) -> Iterator[object]:
    """Return a page that fails the test when it asks for more than the one file of the talk."""
    with offline_page(browser, folder, viewport={"width": 1280, "height": 720}) as opened:
        yield opened


def open_talk(page: object, folder: Path, name: str) -> None:
    """Open the talk of a notebook and wait for its first slide."""
    page.goto((folder / f"{name}{build_slides.EXTENSION}").as_uri())
    page.wait_for_function(READY)


def test_the_talk_by_hand_is_the_same(folder: Path, tmp_path: Path) -> None:
    """README.md shows how to make one talk with nbconvert alone."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^jupyter (nbconvert --to slides .+)$", readme, flags=re.MULTILINE)
    words = line.replace("build/slides", str(tmp_path)).split()
    subprocess.run([sys.executable, "-m", *words], cwd=ROOT, check=True)
    (talk,) = tmp_path.iterdir()
    assert talk.read_text("utf-8") == (folder / talk.name).read_text("utf-8")


@pytest.mark.parametrize("name", [path.stem for path in PATHS])
def test_every_slide_fits_and_shows_its_figures(name: str, page: object, folder: Path) -> None:
    open_talk(page, folder, name)
    page.add_style_tag(content=STILL)
    assert page.evaluate(IN_SIGHT)
    assert page.evaluate(FAULTS) == []
    cells = nbformat.read(build_slides.NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
    figures = sum("image/png" in o.get("data", {}) for c in cells for o in c.get("outputs", []))
    assert page.locator("figure img").count() == figures > 0
    pictures = page.evaluate("() => [...document.images].filter(image => !image.alt.trim()).length")
    assert pictures == 0


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
    assert page.evaluate("() => Reveal.getIndices().h") > 0


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
