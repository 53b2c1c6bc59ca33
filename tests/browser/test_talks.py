"""The talks in a browser: every slide can be read from the back of a room, by key to the end."""

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import live_widgets
import nbformat
import pytest
import reading_time
from accessibility import WCAG, pale_texts, violations
from execute import PREDICT
from kernel_runs import NOTEBOOKS, ROOT
from offline import RECORDED, offline_page
from PIL import Image

pytestmark = pytest.mark.slow
PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))

READY = "() => window.Reveal?.isReady()"
SHOW = "number => Reveal.slide(number, 0, 99)"  # with all that appears one after the other
# One line for each thing on a slide that somebody in the room would miss.
FAULTS = """() => [...document.querySelectorAll('.slides > section')].flatMap((slide, number) => {
    Reveal.slide(number, 0, 99);
    const name = `slide ${number + 1} (${slide.innerText.trim().slice(0, 40)})`;
    const faults = [];
    if (slide.scrollHeight > slide.clientHeight) faults.push(`${slide.scrollHeight} pixels tall`);
    if (slide.scrollWidth > slide.clientWidth) faults.push(`${slide.scrollWidth} pixels wide`);
    for (const image of slide.querySelectorAll('img')) {
        const wide = image.offsetHeight * image.naturalWidth / image.naturalHeight;
        const seen = Math.min(wide, image.offsetWidth);
        if (!(seen > 1000 || image.offsetHeight > 350)) faults.push(`a picture ${seen} wide`);
        if (!image.alt.trim()) faults.push('a picture without words');
    }
    const things = [...slide.querySelectorAll('img, p, li, pre, h1, h2, th, td')]
        .filter(thing => !thing.closest('.notes, .live-note, .live-error:empty'));
    for (const thing of things) {
        if (!thing.checkVisibility({opacityProperty: true, visibilityProperty: true})) {
            faults.push(`invisible: ${thing.outerHTML.slice(0, 60)}`);
        }
        const size = parseFloat(getComputedStyle(thing).fontSize);
        if (size < (thing.matches('pre') ? 18 : 24)) faults.push(`letters of ${size} pixels`);
        if (thing.scrollWidth > thing.clientWidth + 1 && thing.matches('pre, p, td')) {
            faults.push(`goes beyond its box: ${thing.innerText.slice(0, 40)}`);
        }
    }
    for (const code of slide.querySelectorAll('.source pre')) {
        const lines = code.innerText.trimEnd().split('\\n').length;
        if (lines > 12) faults.push(`${lines} lines of code`);
    }
    if (things.length < 2) return [`${name}: nothing below its title`];
    if (!slide.querySelector('.notes')?.textContent.trim()) faults.push('no notes');
    const {left, top, width, height} = things[0].getBoundingClientRect();
    const there = document.elementFromPoint(left + width / 2, top + height / 2);
    if (!slide.contains(there)) faults.push('covered, or beside the screen');
    return faults.map(fault => `${name}: ${fault}`);
})"""
# What is on the screen when a poll begins: on its slide below it, or nothing on the next one.
SPOILT = """() => [...document.querySelectorAll('.slides > section')].flatMap((slide, number) => {
    const poll = slide.querySelector('.poll');
    if (!poll) return [];
    Reveal.slide(number, 0, -1);
    const seen = [...slide.children].filter(box => box.checkVisibility({
        opacityProperty: true, visibilityProperty: true}));
    const below = seen.slice(seen.indexOf(poll) + 1).filter(box => !box.matches('.source'));
    const title = slide.querySelector('h2').innerText;
    const next = slide.nextElementSibling?.querySelector('h2')?.innerText;
    if (!slide.querySelector('.fragment') && next !== title) return [`${title}: no answer`];
    return below.map(box => `${title}: shows ${box.innerText}`);
})"""
# Sizes inside a slide say nothing of where it is on the screen, and reveal.js shrinks all to fit.
IN_SIGHT = """() => {
    const {left, top, right, bottom} = document.querySelector('.slides').getBoundingClientRect();
    return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight
        && right - left > 0.9 * innerWidth;
}"""
PRESENT = ".slides section.present"
OTHER_PICTURE = "([image, before]) => image.src !== before && image.complete"
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
    live_widgets.recordings(PATHS, RECORDED)
    output = tmp_path_factory.mktemp("talks")
    make_talks(output)
    return output


@pytest.fixture
def page(browser: object, folder: Path) -> Iterator[object]:
    """Return a page that fails the test when it asks for anything but the talks."""
    with offline_page(browser, folder, viewport={"width": 1280, "height": 720}) as opened:
        yield opened


def open_talk(page: object, folder: Path, name: str) -> None:
    """Open the talk of a notebook and wait for its first slide."""
    page.goto((folder / f"{name}.slides.html").as_uri())
    page.wait_for_function(READY)


@pytest.mark.parametrize("name", [path.stem for path in PATHS])
def test_a_talk_is_made_for_a_room(name: str, page: object, folder: Path) -> None:
    open_talk(page, folder, name)
    page.add_style_tag(content=STILL)
    assert page.evaluate(IN_SIGHT)
    assert page.evaluate(FAULTS) == []
    assert page.evaluate(SPOILT) == []
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    # 30 slides for a notebook of 45 minutes.
    shown = page.evaluate("() => Reveal.getTotalSlides()")
    assert shown - 1 < reading_time.minutes(notebook) * 30 / 45
    polls = sum(bool(PREDICT.search(cell.source)) for cell in notebook.cells)
    assert page.locator(".poll").count() == polls > 0
    assert page.locator(".live-widget img").count() > 0


@pytest.mark.parametrize(
    ("style", "fault"),
    [
        (".fragment { opacity: 0 !important }", "invisible: <"),
        (".slides > section { display: none !important }", "invisible: <"),
        (".slides > section { transform: translateX(4000px) !important }", "beside"),
        ("main { position: relative; z-index: -1 }", "covered"),
        (".reveal li { font-size: 20px }", "letters of 20 pixels"),
        (".reveal h2 { margin-bottom: 400px }", "pixels tall"),
        (".reveal figure { height: 200px; flex: none }", "a picture"),
    ],
)
def test_a_slide_that_nobody_sees_is_noticed(
    style: str, fault: str, page: object, folder: Path
) -> None:
    open_talk(page, folder, "03_parameters_that_do_not_train")
    page.add_style_tag(content=STILL + style)
    assert fault in "\n".join(page.evaluate(FAULTS))


def test_the_title_is_on_the_screen(page: object, folder: Path) -> None:
    open_talk(page, folder, PATHS[0].stem)
    with Image.open(io.BytesIO(page.screenshot())) as screen:
        upper = screen.convert("L").crop((0, 0, screen.width, screen.height // 2))
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


def test_a_poll_that_gives_itself_away_is_noticed(page: object, folder: Path) -> None:
    open_talk(page, folder, "03_parameters_that_do_not_train")
    page.add_style_tag(content=STILL + ".fragment { all: unset !important }")
    assert "shows loss:" in "\n".join(page.evaluate(SPOILT))


def test_who_speaks_sees_notes_and_goes_to_a_slide_by_its_number(
    page: object, folder: Path
) -> None:
    open_talk(page, folder, "03_parameters_that_do_not_train")
    page.keyboard.press("g")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    notes = opened.value.locator(".speaker-controls-notes")
    notes.get_by_text("alpha, a trainable variable that the loss owns").wait_for()
    notes.get_by_text("Exactly 1: nobody asks for its gradient.").wait_for()  # TEACHING_ANSWERS.md
    page.keyboard.press("Space")
    page.keyboard.press("Space")
    page.keyboard.press("Space")
    notes.get_by_text("where it was made does not matter").wait_for()
    assert page.evaluate("() => Reveal.getIndices().h") == 3


def test_a_widget_moves_by_key_and_lets_go_of_the_keys(page: object, folder: Path) -> None:
    open_talk(page, folder, "07_switching_by_epoch")  # its first widget has sliders and a list
    place = page.evaluate("""() => [...document.querySelectorAll('.slides > section')].findIndex(
        slide => slide.querySelector('.live-widget'))""")
    page.evaluate(SHOW, place)
    assert not page.evaluate("() => 'LIVE_PICTURES' in window")  # nothing is loaded before a touch
    image = page.locator(f"{PRESENT} .live-widget img")
    for control in page.locator(f"{PRESENT} .live-control :is(input, select)").all():
        before = image.get_attribute("src")
        control.focus()
        is_slider = control.get_attribute("type") == "range"
        page.keyboard.press("ArrowRight" if is_slider else "ArrowDown")
        page.wait_for_function(OTHER_PICTURE, arg=[image.element_handle(), before])
        assert image.get_attribute("src").startswith("data:image/svg+xml,")
        assert page.evaluate("() => Reveal.getIndices().h") == place
    page.keyboard.press("PageDown")  # from a remote control
    assert page.evaluate("() => Reveal.getIndices().h") == place + 1


def test_escape_shows_all_slides_and_a_click_leads_to_one(page: object, folder: Path) -> None:
    open_talk(page, folder, PATHS[0].stem)
    page.keyboard.press("Escape")
    assert page.evaluate("() => Reveal.isOverview()")
    open_ones = page.locator(".slides > section:not([inert])").count()
    assert open_ones == page.evaluate("() => Reveal.getTotalSlides()")
    page.locator(".slides > section:nth-child(2)").click()
    assert not page.evaluate("() => Reveal.isOverview()")
    assert page.evaluate("() => Reveal.getIndices().h") == 1


# The first one is short and has all but formulas.
@pytest.mark.parametrize("name", [PATHS[0].stem, "10_adaptive_robust_loss"])
def test_the_slides_are_accessible(name: str, page: object, folder: Path, axe: Path) -> None:
    open_talk(page, folder, name)
    page.add_style_tag(content=STILL)
    for place in range(page.evaluate("() => Reveal.getTotalSlides()")):
        page.evaluate(SHOW, place)
        # Not what axe-core recommends beyond WCAG: reveal.js makes its own landmarks.
        assert violations(page, axe, WCAG) == [], f"slide {place}"
        assert pale_texts(page, axe, include=(PRESENT,)) == [], f"slide {place}"


def test_pale_text_on_a_slide_is_noticed(page: object, folder: Path, axe: Path) -> None:
    open_talk(page, folder, PATHS[0].stem)
    page.add_style_tag(content=STILL + ".reveal p { color: #ddd }")
    assert "color-contrast" in "\n".join(pale_texts(page, axe, (PRESENT,)))
