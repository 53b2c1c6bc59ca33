"""The squared Mahalanobis distance of a batch: by a triangular solve, and by the usual formula.

The usual formula multiplies (batch, d) by (d, batch) and keeps the diagonal, so it holds batch
times batch numbers. For the times both take turns. For the memory each has a process of its own,
which is looked at while it repeats its step.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import psutil
import tensorflow as tf
from measure import PeakMemory, Table, in_turn, median, ratio

from lossutils import mahalanobis_squared

DIMENSION = 64
BATCHES = (64, 256, 1024, 4096, 8192)
WATCHED_SECONDS = 0.6


@tf.function(reduce_retracing=True)
def by_solving(x: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Return the squared distances as lossutils computes them, from a Cholesky factor."""
    return mahalanobis_squared(x, tf.zeros(DIMENSION), factor)


@tf.function(reduce_retracing=True)
def by_product(x: tf.Tensor, precision: tf.Tensor) -> tf.Tensor:
    """Return them by the usual formula: the diagonal of a batch by batch product.

    It is spared the work to invert the covariance.
    """
    return tf.linalg.diag_part(tf.matmul(tf.matmul(x, precision), x, transpose_b=True))


def points(batch: int) -> tf.Tensor:
    """Return a batch."""
    return tf.random.stateless_normal((batch, DIMENSION), seed=(0, 0))


def megabytes(formula: str) -> list[float]:
    """Return for each batch size by how much the process grows while it computes."""
    compiled = globals()[formula]  # a compiled function itself cannot be sent to a process
    matrix = tf.eye(DIMENSION)

    def step(x: tf.Tensor) -> tf.Tensor:
        return compiled(x, matrix)

    for batch in BATCHES[:2]:
        step(points(batch))  # two sizes, so that it is compiled for any size
    return [growth(step, points(batch)) for batch in BATCHES]


def growth(step: Callable, x: Any) -> float:
    """Return by how many megabytes the process grows while a step is repeated."""
    before = psutil.Process().memory_info().rss / 1e6
    with PeakMemory() as memory:
        end = time.monotonic() + WATCHED_SECONDS
        while time.monotonic() < end:
            step(x)
    return max(0.0, memory.megabytes - before)


def in_own_process(formula: str) -> list[float]:
    """Return the megabytes of one formula, measured in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        return executor.submit(megabytes, formula).result()


def row(batch: int, ours: float, theirs: float) -> list[str]:
    """Return the row of a batch size: the times, their ratio, and the megabytes."""
    given = points(batch), tf.eye(DIMENSION)
    # Some calls in a row: the first after the other formula finds memory that this one gave back.
    calls = max(8, 8192 // batch)
    actions = {"solve": lambda: by_solving(*given), "product": lambda: by_product(*given)}
    times = in_turn(actions, calls=calls)
    solve, product = times["solve"], times["product"]
    both = [median(solve, "ms"), median(product, "ms"), ratio(product, solve)]
    return [str(batch), *both, f"{ours:.0f}", f"{theirs:.0f}"]


def tables() -> Iterator[Table]:
    """Yield the table of all batch sizes."""
    memory = zip(BATCHES, in_own_process("by_solving"), in_own_process("by_product"), strict=True)
    yield Table(
        "Mahalanobis distance",
        ["batch", "solve [ms]", "product [ms]", "product / solve", "solve [MB]", "product [MB]"],
        [row(*values) for values in memory],
        f"{DIMENSION} features. Solve: `mahalanobis_squared`. Product: the usual formula, the "
        "diagonal of a batch by batch matrix. MB: by how much the process grows at most.",
    )
