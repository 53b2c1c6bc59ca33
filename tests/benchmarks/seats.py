"""What several people need who run a notebook at the same moment, as a class does on a hub.

Memory that the kernels share, such as TensorFlow's library, counts once: each kernel is given its
part of it. The server of a seat is not included.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import execute
import psutil
from kernel_runs import NOTEBOOKS
from measure import Table, progress

NOTEBOOK = NOTEBOOKS / "04_trainable_threshold.ipynb"
SEATS = (1, 2, 4, 8)


class TotalMemory:
    """The largest memory of all child processes together, while a `with` block runs."""

    def __enter__(self) -> "TotalMemory":
        self.megabytes = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.2):
            children = psutil.Process().children(recursive=True)
            self.megabytes = max(self.megabytes, sum(map(share, children)) / 1e6)


def share(process: psutil.Process) -> int:
    """Return the bytes that a process takes, 0 if it has just ended."""
    try:
        memory = process.memory_full_info()
    except psutil.Error:
        return 0
    return getattr(memory, "pss", memory.uss)  # only Linux knows the first one


def row(seats: int) -> list[str]:
    """Run the notebook for so many people at once and return the row of the table."""
    progress(f"{seats} at the same time")
    start = time.perf_counter()
    with TotalMemory() as memory, ThreadPoolExecutor(seats) as pool:
        runs = list(pool.map(execute.execute, [NOTEBOOK] * seats))
    wait = time.perf_counter() - start
    problems = [problem for _, found in runs for problem in found]
    if problems:
        raise RuntimeError(f"{NOTEBOOK.name}: {problems}")
    return [str(seats), f"{wait:.0f}", f"{memory.megabytes:.0f}", f"{memory.megabytes / seats:.0f}"]


def tables() -> Iterator[Table]:
    """Yield the table: how long everybody waits, and the memory of all kernels."""
    yield Table(
        "Seats",
        ["seats", "everybody done [s]", "all kernels [MB]", "each [MB]"],
        [row(seats) for seats in SEATS],
        f"{NOTEBOOK.stem}, executed by several kernels that start at the same moment, on the cores "
        "named above. What kernels share, such as the library of TensorFlow, counts once.",
    )
