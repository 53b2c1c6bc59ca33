"""What the unit tests share: one process apart with two devices."""

import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

import pytest

# Helpers of the tests, imported by name; collecting them too would import them twice.
collect_ignore = ["contract.py", "small_losses.py"]


class OtherProcess:
    """A process apart that has two logical CPUs: devices cannot be split once TensorFlow runs.

    It is also fresh in that it knows nothing of the models that the tests build.
    """

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        from contract import two_devices

        spawn = get_context("spawn")
        self.executor = ProcessPoolExecutor(1, mp_context=spawn, initializer=two_devices)

    def submit(self, function: Callable, *arguments: Any) -> "Job":
        return Job(self, function, arguments)

    def restart(self) -> None:
        self.executor.shutdown(wait=False)
        self._start()


class Job:
    """A call in the other process.

    TensorFlow's replicas have been seen to end their process, once in many runs of all tests and
    not again with the same job. So a job whose process dies is given a second one. What always ends
    a process, ends that one too, and fails the test.
    """

    def __init__(self, process: OtherProcess, function: Callable, arguments: tuple) -> None:
        self.process, self.job = process, (function, *arguments)
        self.future: Future = process.executor.submit(*self.job)

    def result(self) -> Any:
        try:
            return self.future.result()
        except BrokenProcessPool:
            warnings.warn(f"the process apart died in {self.job[0].__name__}", stacklevel=2)
            self.process.restart()
            try:
                return self.process.executor.submit(*self.job).result()
            except BrokenProcessPool:
                self.process.restart()  # for the tests that follow
                raise


@pytest.fixture(scope="session")
def other_process() -> Iterator[OtherProcess]:
    """One for all tests of a worker."""
    process = OtherProcess()
    yield process
    process.executor.shutdown()
