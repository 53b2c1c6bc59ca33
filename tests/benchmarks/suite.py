"""How long the whole test suite takes, with the slow tests."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from measure import Table, progress

ROOT = Path(__file__).resolve().parents[2]
SUMMARY = re.compile(r"=+ (.*\b(?:passed|failed).*) in [\d.]+s")


def tables() -> Iterator[Table]:
    """Yield the table: minutes and outcome."""
    progress("the test suite")
    start = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "--slow"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    minutes = (time.perf_counter() - start) / 60
    said = outcome(done.stdout) or f"exit status {done.returncode}"
    row = ["python -m pytest --slow", said, f"{minutes:.1f}"]
    yield Table("Test suite", ["command", "outcome", "minutes"], [row])


def outcome(printed: str) -> str:
    """Return what pytest counted, "" if it did not come so far.

    >>> outcome("==== 1 failed, 700 passed, 2 warnings in 312.45s (0:05:12) ====")
    '1 failed, 700 passed, 2 warnings'
    """
    match = SUMMARY.search(printed)
    return match[1] if match else ""
