"""The web site in a browser: accessible, readable at both widths, in light and dark, offline."""

from collections.abc import Iterator
from pathlib import Path

import build_site
import pytest
from accessibility import texts_not_compared, violations
from offline import offline_page

pytestmark = pytest.mark.slow
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
SOURCES = [*NOTEBOOKS.glob("*.ipynb"), *NOTEBOOKS.glob("*.md")]
NAMES = sorted(["index.html", *(f"{path.stem}.html" for path in SOURCES)])
PHONE, DESKTOP = {"width": 375, "height": 800}, {"width": 1280, "height": 900}

# axe-core compares each piece of code with its background, thousands on a page. Pieces of one
# colour in one cell are alike, so one of each stays.
THIN_OUT = """() => document.querySelectorAll('.highlight').forEach(code => {
    const seen = new Set();
    for (const piece of code.querySelectorAll('span')) {
        const color = getComputedStyle(piece).color;
        if (seen.has(color)) piece.replaceWith(...piece.childNodes);
        seen.add(color);
    }
})"""
OPEN_ALL = "() => document.querySelectorAll('details').forEach(details => { details.open = true; })"
WIDER_THAN_WINDOW = """() => [...document.querySelectorAll('main *')].filter(element =>
    element.getBoundingClientRect().right > innerWidth + 1
    && !element.closest('pre, .table, math')).map(element => element.outerHTML.slice(0, 100))"""
BROKEN_PICTURES = """() => [...document.images].filter(image => !image.naturalWidth).length"""
FOCUS = "() => document.activeElement.outerHTML.slice(0, 120)"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the exported pages."""
    folder = tmp_path_factory.mktemp("web") / "site"
    build_site.build(folder)
    return folder


@pytest.fixture
def page(browser: object, site: Path) -> Iterator[object]:
    """Return a page that fails the test when it asks for anything outside the site."""
    with offline_page(browser, site, viewport=PHONE, color_scheme="light") as opened:
        yield opened


@pytest.mark.parametrize("name", NAMES)
def test_page_can_be_read_by_everybody(name: str, page: object, site: Path, axe: Path) -> None:
    # No place depends on the colours. On a phone a wide table scrolls, and axe-core compares no
    # colours of what is out of sight.
    for scheme, size in (("light", PHONE), ("light", DESKTOP), ("dark", DESKTOP)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        page.goto((site / name).as_uri())
        page.evaluate(OPEN_ALL)
        assert page.evaluate(BROKEN_PICTURES) == 0
        assert page.evaluate(WIDER_THAN_WINDOW) == []
        page.evaluate(THIN_OUT)
        assert violations(page, axe) == [], f"{name}, {scheme}"
        if size == DESKTOP:
            assert texts_not_compared(page, axe) == [], f"{name}, {scheme}"


def test_the_keyboard_skips_to_the_text_and_scrolls_wide_code(page: object, site: Path) -> None:
    page.goto((site / "01_anatomy_of_a_loss.html").as_uri())
    page.keyboard.press("Tab")
    assert "Skip to the text" in page.evaluate(FOCUS)
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "content"
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUS).startswith("<pre"):
            break
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.activeElement.scrollLeft > 0")


def test_the_index_leads_to_a_page_and_back(page: object, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    page.locator("main a[href^='00_']").first.click()
    page.wait_for_url("**/00_start_here.html")
    page.get_by_role("link", name="Next").first.click()
    page.wait_for_url("**/01_*.html")
    page.get_by_role("link", name="All notebooks").first.click()
    page.wait_for_url("**/index.html")


@pytest.mark.parametrize(
    ("harm", "rule"),
    [
        ("document.querySelector('img').removeAttribute('alt')", "image-alt"),
        ("document.querySelector('p').style.color = '#999'", "color-contrast"),
        ("document.querySelector('h2').outerHTML = '<h4>Jump</h4>'", "heading-order"),
        ("document.documentElement.removeAttribute('lang')", "html-has-lang"),
        ("document.querySelector('main').outerHTML = '<div>no landmark</div>'", "landmark"),
    ],
)
def test_a_fault_is_noticed(harm: str, rule: str, page: object, site: Path, axe: Path) -> None:
    page.goto((site / "index.html").as_uri())
    page.evaluate(harm)
    assert any(rule in line for line in violations(page, axe))


def test_a_page_that_is_too_wide_is_noticed(page: object, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    page.evaluate("document.querySelector('p').style.width = '500px'")
    assert page.evaluate(WIDER_THAN_WINDOW) != []
