"""What several people need who run a notebook at the same moment, as a class does on a hub.

Memory that the kernels share, such as TensorFlow's library, counts once: each kernel is given its
part of it. The server of a seat is not included.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import execute
from kernel_runs import NOTEBOOKS
from measure import PeakMemory, Table, all_children, progress

NOTEBOOK = NOTEBOOKS / "04_trainable_threshold.ipynb"
SEATS = (1, 2, 4, 8)


def row(seats: int) -> list[str]:
    """Run the notebook for so many people at once and return the row of the table."""
    progress(f"{seats} at the same time")
    start = time.perf_counter()
    with PeakMemory(all_children, every=0.2) as memory, ThreadPoolExecutor(seats) as pool:
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
