"""What all tests share: the marker `slow`, and what lets a process do without waiting."""

import gc
import os
from pathlib import Path

import pytest

# Two workers share two cores, and threads that wait for each other cost a sixth of the time. What
# is computed does not depend on it: `nox -s drift` compares the notebooks with one and two.
for threads in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

gc.set_threshold(100_000, 50, 50)

TESTS, LATE = Path(__file__).parent, ("test_site.py", "test_talks.py")
ON_CI = os.environ.get("CI", "").lower() in ("1", "true")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --slow."""
    parser.addoption("--slow", action="store_true", help="run the slow tests too (as CI does)")


def with_slow(config: pytest.Config) -> bool:
    """Return whether the slow tests run too."""
    return ON_CI or config.getoption("--slow")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many workers there are: on two cores three, where browsers often wait."""
    return 3 if with_slow(config) else 2


def pytest_collection_finish(session: pytest.Session) -> None:
    """Look for no garbage among what is imported by now: it stays.

    To look through TensorFlow again and again takes a tenth of the time of the tests.
    """
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the slow tests, unless --slow was given or CI=true; let some come late."""
    # These show widgets that the tests in JupyterLab have recorded. The notebooks come after them:
    # files that do not take long at the end let all workers end together.
    items.sort(key=lambda item: (TESTS not in item.path.parents, item.path.name in LATE))
    if with_slow(config):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]
