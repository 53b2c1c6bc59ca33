"""What only the notebooks need: figures, widgets, data sets, exercises.

Every notebook imports this package first. TensorFlow writes its start-up messages straight to
file descriptor 2, past Python, and no setting silences all of them. So the descriptor is closed
off while TensorFlow is imported and asked for its devices.
"""

import contextlib
import gc
import os
import sys
from collections.abc import Iterator

from lossutils.installation import require_tensorflow

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
require_tensorflow()


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Send what is written to file descriptor 2 nowhere while the block runs."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Look for no garbage while the block runs, nor later among what it made.

    What an import makes is there to stay. To look through it again and again, during this import
    and the ones that follow, takes a third of the time that the package needs to start.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


with _quiet_stderr():
    with _no_garbage_collection():
        import tensorflow

    # The notebooks make many small models, one after another. TensorFlow takes them for one model
    # that is traced again and again, and warns of it in the midst of the page; and each strategy
    # of several devices announces itself there.
    tensorflow.get_logger().setLevel("WARNING")
    tensorflow.get_logger().addFilter(lambda record: "retracing" not in record.getMessage())
    # To ask for the devices wakes their drivers, which log as well. It is no operation yet: before
    # the first one a notebook may still make two logical devices of a CPU.
    tensorflow.config.list_physical_devices()

from lossutils.teaching.batches import batches  # noqa: E402
from lossutils.teaching.claims import claim  # noqa: E402
from lossutils.teaching.datasets import (  # noqa: E402
    Dataset,
    breast_cancer,
    diabetes,
    diabetes_with_outliers,
    digits,
    noisy_line,
    wine,
)
from lossutils.teaching.errors import shows_error  # noqa: E402
from lossutils.teaching.exercises import Exercise, require  # noqa: E402
from lossutils.teaching.panel import TrainingPanel  # noqa: E402
from lossutils.teaching.plots import (  # noqa: E402
    COLORS,
    add_legend,
    new_figure,
    plot_curves,
    plot_loss_shapes,
    plot_variables,
    show,
    use_log_scale,
)
from lossutils.teaching.tracking import VariableHistory  # noqa: E402
from lossutils.teaching.trainer import CompiledTrainer  # noqa: E402
from lossutils.teaching.widgets import (  # noqa: E402
    Explorer,
    build_explorer,
    choice,
    explore,
    log_slider,
    slider,
    switch,
)

__all__ = [
    "COLORS",
    "CompiledTrainer",
    "Dataset",
    "Exercise",
    "Explorer",
    "TrainingPanel",
    "VariableHistory",
    "add_legend",
    "batches",
    "breast_cancer",
    "build_explorer",
    "choice",
    "claim",
    "diabetes",
    "diabetes_with_outliers",
    "digits",
    "explore",
    "log_slider",
    "new_figure",
    "noisy_line",
    "plot_curves",
    "plot_loss_shapes",
    "plot_variables",
    "require",
    "show",
    "shows_error",
    "slider",
    "switch",
    "use_log_scale",
    "wine",
]
