"""What do the notebooks print with the packages of Colab or Kaggle, and why?

`nox -f tools/noxfile.py -s hosted` makes the environment and runs a copy of the notebooks there:
nbval compares every printed word with what is stored. Its report is read here. A cell that printed
something else, or was not run, is a failure unless there is a reason in WHY.
"""

import re
import xml.etree.ElementTree as xml
from pathlib import Path

import nbformat
from status_sections import table

# Why a cell prints something else there: by notebook and id of the cell.
WHY = {
    "00_start_here": {"c001": "the list of the collection's packages is not installed with it"},
    "11_capstone_anomaly_detection": {"c029": "scikit-learn 1.6 finds another covariance"},
}


def compared(report: Path, notebooks: list[str]) -> dict[str, dict[str, bool]]:
    """Return, by notebook and id of each code cell, whether it printed the same."""
    found = {}
    for path in map(Path, notebooks):
        cells = nbformat.read(path, as_version=4).cells
        found[path.stem] = {cell.id: False for cell in cells if cell.cell_type == "code"}
    for case in xml.parse(report).iter("testcase"):
        same = found[case.get("classname").split(".")[-2]]
        number = int(re.search(r"\d+$", case.get("name"))[0])
        same[list(same)[number]] = len(case) == 0  # a failure, or an error, stands inside
    return found


def reasons(notebook: str, same: dict[str, bool]) -> dict[str, str]:
    """Return why each cell that did not print the same did not; "?" where there is no reason."""
    return {cell: WHY.get(notebook, {}).get(cell, "?") for cell in same if not same[cell]}


def is_explained(found: dict[str, dict[str, bool]]) -> bool:
    """Return whether there is a reason for each difference."""
    return not any("?" in reasons(*notebook).values() for notebook in found.items())


def section(host: str, found: dict[str, dict[str, bool]]) -> str:
    """Return the section of the status page."""
    rows = []
    for notebook, same in found.items():
        why = "; ".join(f"`{cell}`: {why}" for cell, why in reasons(notebook, same).items())
        rows.append((notebook, f"{sum(same.values())} of {len(same)}", why))
    return f"""## {host.title()}

What the notebooks print with the packages of this host, after their first cell has installed the
module (`nox -f tools/noxfile.py -s hosted -k {host}`).

{table(("notebook", "cells that print the same", "the others"), rows)}"""
