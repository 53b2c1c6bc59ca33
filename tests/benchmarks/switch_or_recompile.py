"""What it costs to change the loss in the midst of training: a switch, or a new compile."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from loss_steps import FEATURES, FIT_BATCH, MAE, MSE, NUMBER, network
from measure import Table, median, ratio

from lossutils import ModelWithLoss, SwitchedLoss

ROUNDS = 9


def first_step(model: keras.Model, change: Callable[[], Any], x: Any, y: Any) -> float:
    """Return the seconds from a change of the loss to the end of the first step after it."""
    start = time.perf_counter()
    change()
    model.train_on_batch(x, y)
    return time.perf_counter() - start


def measure() -> tuple[list[float], list[float]]:
    """Return the seconds of each switch and of each recompilation, measured in turn."""
    tf.get_logger().setLevel("ERROR")  # it warns of compiling again, which is what is measured
    rng = np.random.default_rng(0)
    x = rng.normal(size=(FIT_BATCH, FEATURES)).astype("float32")
    y = NUMBER.labels(rng, FIT_BATCH)
    loss = SwitchedLoss([MSE, MAE])
    switched, plain = ModelWithLoss(network(NUMBER), loss), network(NUMBER)
    switched.compile("adam")
    plain.compile("adam", loss=MSE)
    switched.train_on_batch(x, y)
    plain.train_on_batch(x, y)
    switches, recompilations = [], []
    for turn in range(ROUNDS):
        name = (MAE, MSE)[turn % 2]
        switches.append(first_step(switched, lambda n=name: loss.activate(n), x, y))
        compile_anew = lambda n=name: plain.compile(plain.optimizer, loss=n)  # noqa: E731
        recompilations.append(first_step(plain, compile_anew, x, y))
    return switches, recompilations


def tables() -> Iterator[Table]:
    """Yield the table."""
    switches, recompilations = measure()
    yield Table(
        "Changing the loss",
        ["way", "first step [ms]"],
        [
            ["SwitchedLoss.activate", median(switches, "ms")],
            ["compile again", median(recompilations, "ms")],
            ["ratio", ratio(recompilations, switches)],
        ],
        "From the change of the loss to the end of the first training step after it. What a later "
        "step costs beside a plain one stands above, in the row of SwitchedLoss.",
    )
