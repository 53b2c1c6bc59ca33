"""Measure what the collection costs, and write the status page.

    python tests/benchmarks/run.py [--suite] [--only SUBJECT ...]

Prints a table for each subject: the notebooks, several of them at once as on a hub, the redraws of
their widgets, the losses against Keras, the Mahalanobis distance, changing a loss. All of it takes
about a quarter of an hour, and then STATUS.md is written anew. --suite adds how long the tests
take. With --only, the named subjects are printed and nothing is written. Nothing is asserted: times
depend on the machine.
"""

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools")]

from status_page import page  # noqa: E402
from status_sections import NAMES, STATUS, read_section  # noqa: E402

SUBJECTS = {
    "notebooks": "notebook_costs",
    "seats": "seats",
    "redraws": "redraws",
    "losses": "loss_steps",
    "mahalanobis": "mahalanobis_memory",
    "switching": "switch_or_recompile",
    "suite": "suite",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=SUBJECTS, metavar="SUBJECT")
    parser.add_argument("--suite", action="store_true", help="run the tests too")
    options = parser.parse_args(arguments)
    chosen = options.only or [name for name in SUBJECTS if name != "suite" or options.suite]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # A backend chosen for scripts would hide the figures.
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    sections = []
    for name in chosen:
        if name == "suite" and not options.only:
            write(sections)  # one of its tests reads the page
        for table in import_module(SUBJECTS[name]).tables():
            sections.append(table.markdown())
            print(sections[-1], end="\n\n", flush=True)
    if not options.only:
        write(sections)
    return 0


def write(sections: list[str]) -> None:
    """Write the status page, and keep the section of the claims as it is."""
    kept = "\n".join(map(read_section, NAMES))
    STATUS.write_text(page(sections, kept), encoding="utf-8", newline="\n")
    print("written: STATUS.md")


if __name__ == "__main__":
    sys.exit(main())
