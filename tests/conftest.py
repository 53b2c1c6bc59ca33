"""What all tests share: the marker `slow`, and one thread for each process."""

import os

import pytest

# Two workers share two cores, and threads that wait for each other cost a sixth of the time. What
# is computed does not depend on it: `nox -s drift` compares the notebooks with one and two.
for threads in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the slow tests, unless --slow was given or CI=true; put some at the end."""
    # They show widgets that the tests in JupyterLab have recorded.
    items.sort(key=lambda item: item.path.name in ("test_site.py", "test_talks.py"))
    if with_slow(config):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]
