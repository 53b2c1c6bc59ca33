"""Claims: the comparisons that a page makes, each checked where it is made.

A claim stands below the numbers that carry it. `python tools/replicate.py` runs the notebooks with
other seeds and counts how often each claim holds.
"""

from typing import Any

import numpy as np

HOLDS, FAILS = "✓", "✗"
# False while tools/replicate.py counts: a claim that fails is then printed, and the page goes on.
stop_at_failure = True


def claim(sentence: str, truth: Any, *, this_run: str = "") -> None:
    """Print the sentence with a tick; raise AssertionError if it is not true.

    `truth` is one truth value, of Python, NumPy or TensorFlow. `this_run` marks a claim about the
    run that the page shows, not about others, and says why: other seeds need not bear it out.

    Raises TypeError if `truth` is not one truth value: a number, text or array is no answer.

    >>> claim("Three samples weigh more than two.", 3 > 2)
    ✓ Three samples weigh more than two.
    """
    value = np.asarray(truth)
    if value.shape != () or value.dtype != bool:
        raise TypeError(f"truth must be one truth value, but is {truth!r}")
    mark = HOLDS if value else FAILS
    line = f"{mark} {sentence}" + (f" (This run: {this_run})" if this_run else "")
    if stop_at_failure and not value:
        raise AssertionError(line)
    print(line)
