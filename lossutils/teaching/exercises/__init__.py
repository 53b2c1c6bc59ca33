"""The exercises of the notebooks: one file for each notebook, on a common engine."""

from lossutils.teaching.exercises.engine import Exercise, quiz
from lossutils.teaching.exercises.observing import (
    changed,
    columns,
    explains,
    in_a_graph,
    per_sample,
    require,
    returned,
    slopes,
    sound,
    trainable,
    values,
)

__all__ = [
    "Exercise", "changed", "columns", "explains", "in_a_graph", "per_sample", "quiz", "require",
    "returned", "slopes", "sound", "trainable", "values",
]
