"""The web site in a browser: accessible, readable at both widths, in light and dark, offline."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import build_site
import live_widgets
import nbformat
import pytest
from accessibility import pale_texts, violations
from offline import RECORDED, offline_page
from PIL import Image

pytestmark = pytest.mark.slow
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
SOURCES = [*NOTEBOOKS.glob("*.ipynb"), *NOTEBOOKS.glob("*.md")]
NAMES = sorted(["index.html", "doctor.html", *(f"{path.stem}.html" for path in SOURCES)])
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}

# axe-core compares each piece of code with its background, thousands on a page. Pieces of one
# class, inside of elements of the same classes, are alike, so one of each stays.
THIN_OUT = """() => {
    const classes = piece => piece ? `${piece.className} < ${classes(piece.parentElement)}` : '';
    const seen = new Set();
    for (const piece of document.querySelectorAll('.highlight span')) {
        const kind = classes(piece);
        if (seen.has(kind)) piece.replaceWith(...piece.childNodes);
        seen.add(kind);
    }
}"""
# A window that has another size says so to its page a little later.
NEXT_FRAME = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
OPEN_ALL = "() => document.querySelectorAll('details').forEach(details => { details.open = true; })"
# Printed tables may scroll in their box, and what is only read aloud has none; nothing else may.
SCROLLS_SIDEWAYS = """() => [...document.querySelectorAll('html, main *')].filter(element =>
    element.scrollWidth > element.clientWidth + 1 && element.clientWidth
    && !element.closest('.result > pre, mtable, mrow, .live-status')
    && getComputedStyle(element).display !== 'inline'
    && !element.matches('math *')).map(element => element.outerHTML.slice(0, 100))"""
BROKEN_PICTURES = """() => [...document.images].filter(image => !image.naturalWidth).length"""
SCHEME = """() => getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)'
    ? 'light' : 'dark'"""
PAPER = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
# Below the bar, which stays, and above the lower edge.
IN_SIGHT = """selector => {
    const {top, bottom} = document.querySelector(selector).getBoundingClientRect();
    return top >= document.querySelector('header').offsetHeight && bottom <= innerHeight; }"""
# The text of a page from one of its headings on, as far as the next one.
PART = """anchor => {
    const headings = [...document.querySelectorAll('main :is(h1, h2, h3)')];
    const at = headings.findIndex(heading => heading.id === anchor);
    const range = new Range();
    range.setStartBefore(headings[at]);
    range.setEndBefore(headings[at + 1]);
    return range.toString(); }"""
# axe-core compares nothing that lies partly below the bar.
FLAT = "header, #pages { position: static !important; height: auto !important }"
SHOWN = ("header", "#pages", "main")  # the dialogs are not
FOCUS = "() => document.activeElement.outerHTML.slice(0, 120)"
CONTROL = ".live-control :is(input, select)"
SHOWS = "([widget, picture]) => widget.querySelector('img').src === picture"
NATURAL_WIDTH = "widget => widget.querySelector('img').naturalWidth"
# Keys that move a control away from where it is; a slider from one end to the other.
KEYS = """control => {
    if (control.type === 'checkbox') return ['Space'];
    if (control.type === 'range') {
        return control.value === control.max ? ['Home', 'End'] : ['End', 'Home'];
    }
    return control.selectedIndex === control.length - 1 ? ['ArrowUp'] : ['ArrowDown']; }"""
# Waits until a widget shows another picture than one of before, drawn to the end.
CHANGED = """async ([widget, before]) => {
    const image = widget.querySelector('img');
    const end = performance.now() + 5000;
    while (image.src === before && !widget.querySelector('.live-error').textContent) {
        if (performance.now() > end) return 'no other picture';
        await new Promise(requestAnimationFrame);
    }
    await image.decode();
    return widget.querySelector('.live-error').textContent || image.src; }"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, web_packages: Path) -> Path:
    """Return the folder of the exported pages."""
    folder = tmp_path_factory.mktemp("web") / "site"
    build_site.build(folder, library=web_packages / "minisearch", positions=RECORDED)
    return folder


@pytest.fixture
def page(browser: object, site: Path) -> Iterator[object]:
    """Return a page that fails the test when it asks for anything outside the site."""
    with offline_page(browser, site, viewport=PHONE, color_scheme="light") as opened:
        yield opened


@pytest.mark.parametrize("name", NAMES)
def test_page_can_be_read_by_everybody(name: str, page: object, site: Path, axe: Path) -> None:
    page.goto((site / name).as_uri())
    page.evaluate(OPEN_ALL)
    assert page.evaluate(BROKEN_PICTURES) == 0
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        page.evaluate(NEXT_FRAME)
        assert page.evaluate(SCROLLS_SIDEWAYS) == []
        assert violations(page, axe) == [], f"{name}, {size}"
    # No place depends on the colours. On a phone a wide table scrolls, and axe-core compares no
    # colours of what is out of sight.
    page.evaluate(THIN_OUT)
    page.add_style_tag(content=FLAT)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert pale_texts(page, axe, SHOWN) == [], f"{name}, {scheme}"


def test_the_keyboard_skips_to_the_text_and_scrolls_wide_results(page: object, site: Path) -> None:
    page.goto((site / "04_trainable_threshold.html").as_uri())
    page.keyboard.press("Tab")
    assert "Skip to the text" in page.evaluate(FOCUS)
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "content"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUS).startswith("<pre"):
            break
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.activeElement.scrollLeft > 0")


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_index_leads_to_a_page_and_back(size: dict, page: object, site: Path) -> None:
    page.set_viewport_size(size)
    page.goto((site / "index.html").as_uri())
    page.locator("main a[href^='00_']").first.click()
    page.wait_for_url("**/00_start_here.html")
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**/01_*.html")
    if size == PHONE:
        assert not page.locator("#pages").is_visible()
        page.get_by_role("button", name="Pages").click()
    page.locator("#pages").get_by_role("link", name="Start", exact=True).click()
    page.wait_for_url("**/index.html")


def test_the_list_of_pages_goes_away_when_it_was_used(page: object, site: Path) -> None:
    page.goto((site / "01_anatomy_of_a_loss.html").as_uri())
    page.get_by_role("button", name="Pages").press("Enter")
    page.locator("#pages").get_by_role("link", name="Recap").press("Enter")
    assert not page.locator("#pages").is_visible()
    assert page.url.endswith("#recap")
    assert page.evaluate(IN_SIGHT, "#recap")


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_search_finds_a_word_and_leads_there(size: dict, page: object, site: Path) -> None:
    page.set_viewport_size(size)
    page.goto((site / "index.html").as_uri())
    assert not page.evaluate("() => 'MiniSearch' in window")  # comes when it is needed
    page.get_by_role("button", name="Search").click()
    page.keyboard.type("late bindnig")
    page.locator("#search mark", has_text="late").first.wait_for()
    page.keyboard.press("ArrowDown")
    assert "02_closures.html#" in page.evaluate(FOCUS)
    page.keyboard.press("Enter")
    page.wait_for_url("**/02_closures.html#*")
    anchor = page.url.partition("#")[2]
    assert page.evaluate(IN_SIGHT, f"#{anchor}")
    part = page.evaluate(PART, anchor)
    assert "late binding" in part


def test_the_search_works_by_key_alone_and_says_what_it_found(page: object, site: Path) -> None:
    page.goto((site / "02_closures.html").as_uri())
    page.keyboard.press("Control+k")
    page.keyboard.type("xyzzy")
    status = page.locator("#search [role=status]")
    status.filter(has_text="Places: 0").wait_for()
    page.keyboard.press("Control+a")
    page.keyboard.type("late binding")
    page.locator("#search li").first.wait_for()
    page.keyboard.press("Enter")  # the first place, on this page
    assert not page.locator("#search").is_visible()
    page.wait_for_url("**/02_closures.html#*")


def test_the_open_search_is_accessible(page: object, site: Path, axe: Path) -> None:
    for scheme, size in (("light", PHONE), ("dark", DESKTOP)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        page.goto((site / "index.html").as_uri())
        page.keyboard.press("Control+k")
        page.keyboard.type("float16")
        page.locator("#search li").first.wait_for()
        assert violations(page, axe) == []
        assert pale_texts(page, axe, ("header", "#search")) == []
        assert page.evaluate("() => search.scrollWidth <= search.clientWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_switch_changes_the_colours_and_is_remembered(
    scheme: str, page: object, site: Path
) -> None:
    other = {"light": "dark", "dark": "light"}[scheme]
    page.emulate_media(color_scheme=scheme)
    page.goto((site / "index.html").as_uri())
    assert page.evaluate(SCHEME) == scheme
    switch = page.get_by_role("button", name="Dark")
    switch.press("Enter")
    assert page.evaluate(SCHEME) == other
    assert switch.get_attribute("aria-pressed") == json.dumps(other == "dark")
    page.goto((site / "02_closures.html").as_uri())
    assert page.evaluate(SCHEME) == other
    switch.press("Enter")
    assert page.evaluate(SCHEME) == scheme
    page.emulate_media(color_scheme=other)  # back with the system, which changes
    assert page.evaluate(SCHEME) == other


def test_paper_is_white_and_has_no_buttons(page: object, site: Path) -> None:
    page.emulate_media(color_scheme="dark", media="print")
    page.goto((site / "02_closures.html").as_uri())
    assert page.evaluate(SCHEME) == "light"
    assert page.locator("button:visible, header:visible, #pages:visible").count() == 0
    assert page.locator("details[open]").count() == 0
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


def test_code_is_copied(page: object, site: Path) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto((site / "00_start_here.html").as_uri())
    page.locator(".source", has_text="def huber").get_by_role("button", name="Copy").press("Enter")
    page.get_by_role("button", name="Copied").wait_for()
    cells = nbformat.read(NOTEBOOKS / "00_start_here.ipynb", as_version=4).cells
    (huber,) = [cell.source for cell in cells if cell.source.startswith("def huber")]
    assert page.evaluate("() => navigator.clipboard.readText()").strip() == huber


def test_the_notebook_is_downloaded(page: object, site: Path, tmp_path: Path) -> None:
    page.goto((site / "00_start_here.html").as_uri())
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the notebook").click()
    assert download.value.suggested_filename == "00_start_here.ipynb"
    download.value.save_as(tmp_path / "taken.ipynb")
    original = nbformat.read(NOTEBOOKS / "00_start_here.ipynb", as_version=4)
    taken = nbformat.read(tmp_path / "taken.ipynb", as_version=4)
    assert [cell.source for cell in taken.cells] == [cell.source for cell in original.cells]


def ground(locator: object) -> tuple[int, ...]:
    """Return the colour of the upper left corner of what is seen."""
    png = Image.open(io.BytesIO(locator.screenshot()))
    return png.convert("RGB").getpixel((3, 3))


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_figures_have_the_ground_of_the_page(size: dict, page: object, site: Path) -> None:
    page.set_viewport_size(size)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto((site / "14_several_outputs_and_pixels.html").as_uri())
        paper = tuple(page.evaluate(PAPER))
        drawn = page.locator("figure img:not(.as-drawn *)")
        assert ground(drawn.first) == paper
        assert ground(page.locator(".as-drawn figure img").first) == (255, 255, 255)
        drawn.first.click()
        assert ground(page.locator("#zoom img")) == paper
        page.keyboard.press("Escape")
        widget = page.locator(".live-widget:not(.as-drawn *)").first
        before = picture(widget)
        widget.locator(CONTROL).first.press("ArrowRight")
        changed(widget, before)
        assert ground(widget.locator("img")) == paper


def test_a_figure_is_enlarged_and_put_back(page: object, site: Path, axe: Path) -> None:
    page.goto((site / "00_start_here.html").as_uri())
    figure = page.locator("figure").first
    small = figure.locator("img").bounding_box()["width"]
    figure.get_by_role("button", name="Enlarge").press("Enter")
    large = page.locator("#zoom img")
    assert large.bounding_box()["width"] > 2 * small
    assert large.get_attribute("alt") == figure.locator("img").get_attribute("alt")
    assert violations(page, axe) == []
    page.keyboard.press("Escape")
    assert not large.is_visible()
    assert page.evaluate(FOCUS).startswith("<button")


def test_without_a_script_all_can_be_read(browser: object, site: Path) -> None:
    settings = {"viewport": PHONE, "java_script_enabled": False}
    with offline_page(browser, site, **settings) as page:
        page.goto((site / "00_start_here.html").as_uri())
        shown = page.locator("button:visible").all_inner_texts()
        assert shown == ["Pages"]  # a popover needs no script
        page.get_by_role("button", name="Pages").click()
        page.locator("#pages").get_by_role("link", name="01").click()
        page.wait_for_url("**/01_*.html")
        page.locator("summary").first.click()
        assert page.locator("details[open]").count() == 1
        # Here a widget starts where no figure above it does.
        page.goto((site / "04_trainable_threshold.html").as_uri())
        widget = page.locator(".live-widget", has=page.locator("img"))
        assert widget.count() == 2 and page.locator(CONTROL).count() == 0
        assert page.evaluate(BROKEN_PICTURES) == 0
        assert "Run the notebook to change" in widget.first.inner_text()


def picture(widget: object) -> str:
    """Return the address of the picture of a widget, which holds the picture itself."""
    return widget.locator("img").get_attribute("src")


def changed(widget: object, before: str) -> str:
    """Wait for another picture than `before`, and return it."""
    after = widget.page.evaluate(CHANGED, [widget.element_handle(), before])
    assert after.startswith("data:image/svg+xml,"), after
    return after


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("name", sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")))
def test_every_widget_follows_its_controls(
    name: str, size: dict, page: object, site: Path, axe: Path
) -> None:
    page.set_viewport_size(size)
    page.goto((site / f"{name}.html").as_uri())
    stored = live_widgets.widgets_of(nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4))
    widgets = page.locator(".live-widget").all()
    assert len(widgets) == len(stored) > 0
    for widget in widgets:
        reset = widget.get_by_role("button", name="Reset")
        still = picture(widget)
        reset.press("Enter")
        start = changed(widget, still)
        is_narrow = size == PHONE and widget.get_attribute("data-narrow") is not None
        assert (widget.evaluate(NATURAL_WIDTH) < 400) == is_narrow
        for control in widget.locator(CONTROL).all():
            shown = start
            for key in control.evaluate(KEYS):
                control.press(key)
                shown = changed(widget, shown)
            if control.get_attribute("type") == "range":
                value = control.locator("xpath=..").locator(".live-value").inner_text()
                assert control.get_attribute("aria-valuetext") == value
                control.press("ArrowLeft" if key == "End" else "ArrowRight")
                assert control.get_attribute("aria-valuetext") != value
                control.press(key)
            reset.press("Enter")
            page.wait_for_function(SHOWS, arg=[widget.element_handle(), start])
    for found in (violations, pale_texts):
        assert found(page, axe, include=(".live-widget",)) == []
    assert page.evaluate(SCROLLS_SIDEWAYS) == []


def test_pictures_are_loaded_when_a_widget_is_touched(page: object, site: Path) -> None:
    page.goto((site / "00_start_here.html").as_uri())
    assert not page.evaluate("() => 'LIVE_PICTURES' in window")
    assert picture(page.locator(".live-widget")).startswith("data:image/png")
    page.locator(".live-widget input").focus()
    page.wait_for_function("() => Object.keys(window.LIVE_PICTURES ?? {}).length === 1")


def test_a_training_plays_stops_and_goes_on(page: object, site: Path) -> None:
    page.clock.install()  # it stands still, but for `run_for`
    page.goto((site / "07_switching_by_epoch.html").as_uri())
    widget = page.locator(".live-widget", has=page.get_by_role("button", name="Start"))
    epoch = widget.locator("input")
    widget.get_by_role("button", name="Start").press("Enter")
    while epoch.input_value() == "0":  # the pictures are being loaded
        page.clock.run_for(100)
    widget.get_by_role("button", name="Stop").press("Enter")
    stopped = epoch.input_value()
    assert stopped != epoch.get_attribute("max")
    page.clock.run_for(1000)
    assert epoch.input_value() == stopped
    widget.get_by_role("button", name="Start").press("Enter")
    page.wait_for_timeout(200)  # the timer is set in a turn of its own
    page.clock.run_for(1000)
    assert epoch.get_attribute("aria-valuetext") == "30 of 30"
    widget.get_by_role("status").filter(has_text="share of Huber").wait_for()


def test_a_widget_says_what_its_picture_says(page: object, site: Path) -> None:
    page.goto((site / "02_closures.html").as_uri())
    widget = page.locator(".live-widget").first
    slider = widget.get_by_role("slider", name="weight of grower 0")
    slider.press("End")
    widget.get_by_role("status").filter(has_text="of 45 wines right").wait_for()
    # Only one of three moves: the next one sends it back.
    widget.get_by_role("slider", name="weight of grower 1").press("End")
    assert slider.get_attribute("aria-valuetext") == "1"
    assert "computed beforehand" in widget.inner_text()


def test_pictures_that_do_not_come_are_told(page: object, site: Path) -> None:
    page.goto((site / "00_start_here.html").as_uri())
    widget = page.locator(".live-widget")
    source = widget.get_attribute("data-narrow")
    page.evaluate("source => { LIVE_PICTURES = {[source]: btoa('no gzip')}; }", source)
    before = picture(widget)
    widget.locator("input").press("End")
    widget.locator(".live-error", has_text="could not be loaded").wait_for()
    assert picture(widget) == before


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
    assert any(rule in line for line in violations(page, axe) + pale_texts(page, axe))


@pytest.mark.parametrize(
    "harm",
    [
        "document.querySelector('p').style.width = '500px'",
        "document.querySelectorAll('td').forEach(cell => { cell.style.whiteSpace = 'pre'; })",
        "document.querySelectorAll('.line').forEach(line => { line.style.whiteSpace = 'pre'; })",
    ],
    ids=["text", "table", "code"],
)
def test_what_is_too_wide_is_noticed(harm: str, page: object, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    assert page.evaluate(SCROLLS_SIDEWAYS) == []
    page.evaluate(harm)
    assert page.evaluate(SCROLLS_SIDEWAYS) != []
