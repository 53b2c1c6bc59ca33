"""What the unit tests share: the folder on the path, and one process apart with two devices."""

import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# Helpers of the tests, imported by name; collecting them too would import them twice.
collect_ignore = ["contract.py", "small_losses.py"]


@pytest.fixture(scope="session")
def other_process() -> Iterator[ProcessPoolExecutor]:
    """A process apart that has two logical CPUs: devices cannot be split once TensorFlow runs.

    It is also fresh in that it knows nothing of the models that the tests build.
    """
    from contract import two_devices

    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=two_devices) as executor:
        yield executor
