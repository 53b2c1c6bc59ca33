"""The status page: what was measured, and on what."""

import os
import platform
from collections.abc import Sequence

import psutil

from lossutils.installation import installed_build, read_ranges

OPENING = """\
<!-- Written by tools/replicate.py, tools/noxfile.py and tests/benchmarks/run.py, not by hand. -->
# Status

What the collection claims, and how often it holds. What it prints on Colab and Kaggle. Then what
it costs, measured by `python tests/benchmarks/run.py`: times hold for one machine; ratios were
measured side by side in one run and hold better.
"""


def machine() -> str:
    """Return the machine in words: system, processor, cores and memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gigabytes = psutil.virtual_memory().total / 1e9
    return f"{platform.system()}, {platform.machine()}, {cores} cores, {gigabytes:.0f} GB"


def versions() -> str:
    """Return Python and the packages of requirements.txt, with the installed versions."""
    builds = [installed_build(wanted.name) for wanted in read_ranges()]
    packages = [" ".join(build) for build in builds if build]
    return ", ".join([f"Python {platform.python_version()}", *packages])


def page(sections: Sequence[str], kept: str) -> str:
    """Return the whole page; `kept` is what other tools wrote into it."""
    where = f"Machine: {machine()}.\n\nVersions: {versions()}.\n"
    return "\n".join([OPENING, kept, where, "\n\n".join(sections)]) + "\n"
