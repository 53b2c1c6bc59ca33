"""What all tests share: the marker `slow` and the browser."""

import os
import shutil

import pytest

ON_CI = os.environ.get("CI", "").lower() in ("1", "true")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --slow."""
    parser.addoption("--slow", action="store_true", help="run the slow tests too (as CI does)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the slow tests, unless --slow was given or CI=true."""
    if ON_CI or config.getoption("--slow"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of the browser ($CHROMIUM or one on the path).

    Without one the tests that need it are skipped, but on CI they fail: there, no test may be
    left out in silence.
    """
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        missing = "no Chromium found: install it or set the environment variable CHROMIUM"
        pytest.fail(missing) if ON_CI else pytest.skip(missing)
    return found
