"""One JupyterLab and one Chromium for all browser tests of a worker, one kernel at a time."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import lab as lab_module
import pytest
from widget_checks import Watcher

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
ON_CI = os.environ.get("CI", "").lower() in ("1", "true")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of the browser; without one skip, but fail on CI: nothing is left out."""
    found = lab_module.find_chromium()
    if found is None:
        missing = "no Chromium, Chrome or Edge found: install one, or name it in CHROMIUM"
        pytest.fail(missing) if ON_CI else pytest.skip(missing)
    return found


@pytest.fixture(scope="session")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab_module.Lab]:
    """Return a JupyterLab over a copy of the notebooks; tests may add notebooks of their own."""
    root = tmp_path_factory.mktemp("lab")
    for path in NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(path, root)
    with lab_module.jupyterlab(root, tmp_path_factory.mktemp("lab_private")) as running:
        yield running


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[object]:
    """Return a headless Chromium, for one file of tests.

    Playwright keeps an event loop running in this thread until it is closed, and other tests on the
    same worker want to run one of their own.
    """
    # Imported here: without a browser the tests are skipped, also where playwright is missing.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium, args=list(lab_module.CHROMIUM_FLAGS)
        )
        yield running
        running.close()


@pytest.fixture(scope="session")
def web_packages() -> Path:
    """Return the folder of axe-core and reveal.js; without them skip, but fail on CI."""
    from web_packages import web_packages as install

    try:
        return install()
    except RuntimeError as failure:
        pytest.fail(str(failure)) if ON_CI else pytest.skip(str(failure))


@pytest.fixture(scope="session")
def axe(web_packages: Path) -> Path:
    """Return the script of axe-core, which checks the accessibility of a page."""
    return web_packages / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def lab_page(lab: lab_module.Lab, browser: object) -> object:
    """Return a page with Lab in it, for one file of tests."""
    return lab_module.lab_page(browser, lab)


@pytest.fixture
def open_notebook(lab_page: object) -> Callable[[str], AbstractContextManager]:
    """Return `open_notebook(name)`: a notebook for a `with` block; its kernel ends with it."""
    return partial(lab_module.open_notebook, lab_page)


@pytest.fixture(scope="session")
def watcher() -> Watcher:
    """Return the patience of the checks; LOSSUTILS_SCREENSHOTS names a folder for pictures."""
    folder = os.environ.get("LOSSUTILS_SCREENSHOTS")
    if not folder:
        return Watcher()
    path = Path(folder).resolve()
    path.mkdir(parents=True, exist_ok=True)
    return Watcher(screenshots=path)
