"""Every example of the five documents is run, tested and rebuilt in a notebook.

A code cell that runs a document's recipe carries the tag of its row (`D2.1`), one that builds the
right version `D2.1-built`, and one that tests a claim of the document `D2-claim`. ROWS says where
each row belongs.
"""

from __future__ import annotations

import re

import nbformat
import pytest
from reading import Notebook, notebook_paths, read, tags

ROWS = {
    "D1.1": "01_anatomy_of_a_loss.ipynb",
    "D1.2": "01_anatomy_of_a_loss.ipynb",
    "D1.3": "01_anatomy_of_a_loss.ipynb",
    "D2.1": "02_closures.ipynb",
    "D2.2": "02_closures.ipynb",
    "D2.3": "02_closures.ipynb",
    "D3.1": "03_parameters_that_do_not_train.ipynb",
    "D3.2": "03_parameters_that_do_not_train.ipynb",
    "D3.3": "03_parameters_that_do_not_train.ipynb",
    "D4.1": "04_trainable_threshold.ipynb",
    "D4.2": "05_trainable_weights.ipynb",
    "D4.3": "06_mahalanobis_metric.ipynb",
    "D5.1": "07_switching_by_epoch.ipynb",
    "D5.2": "08_switching_by_validation.ipynb",
    "D5.3": "09_switching_by_state.ipynb",
}
NOTEBOOKS = {path.name: read(path) for path in notebook_paths()}


def wanted_tags(row: str) -> set[str]:
    """Return the tags that the notebook of a row must have."""
    return {row, f"{row}-built", f"{row.split('.')[0]}-claim"}


def code_tags(notebook: Notebook) -> set[str]:
    """Return the tags of all code cells that do something."""
    return {tag for _, cell in notebook.code() if cell.source.strip() for tag in tags(cell)}


def missing_tags(row: str, notebooks: dict[str, Notebook]) -> set[str]:
    """Return the tags of a row that its notebook lacks."""
    return wanted_tags(row) - code_tags(notebooks[ROWS[row]])


def strangers(name: str, notebook: Notebook) -> set[str]:
    """Return the document tags that belong into another notebook, or nowhere."""
    rows = {row for row, home in ROWS.items() if home == name}
    allowed = set().union(*(wanted_tags(row) for row in rows)) if rows else set()
    return {tag for tag in code_tags(notebook) if re.match(r"[dD]\d", tag)} - allowed


@pytest.mark.parametrize("row", ROWS)
def test_row_is_covered(row: str) -> None:
    assert missing_tags(row, NOTEBOOKS) == set(), ROWS[row]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_tag_of_another_document(name: str) -> None:
    assert strangers(name, NOTEBOOKS[name]) == set()


def test_the_fifteen_rows() -> None:
    assert list(ROWS) == [f"D{document}.{row}" for document in range(1, 6) for row in range(1, 4)]


def tagged(*names: str, source: str = "1") -> dict[str, Notebook]:
    """Return a notebook 02 with one code cell for each tag."""
    v4 = nbformat.v4
    cells = [v4.new_code_cell(source, metadata={"tags": [name]}) for name in names]
    return {ROWS["D2.1"]: Notebook(ROWS["D2.1"], v4.new_notebook(cells=cells))}


@pytest.mark.parametrize("left_out", ["D2.1", "D2.1-built", "D2-claim"])
def test_a_missing_tag_is_noticed(left_out: str) -> None:
    others = wanted_tags("D2.1") - {left_out}
    assert missing_tags("D2.1", tagged(*others)) == {left_out}
    assert missing_tags("D2.1", tagged(*others, left_out)) == set()


def test_an_empty_cell_covers_nothing() -> None:
    assert missing_tags("D2.1", tagged("D2.1", source="\n")) == wanted_tags("D2.1")


@pytest.mark.parametrize("tag", ["D1.1", "D2.4", "D2.1-build", "d2.1", "D9-claim"])
def test_an_unknown_tag_is_noticed(tag: str) -> None:
    (name, notebook), *_ = tagged("D2.1", tag).items()
    assert strangers(name, notebook) == {tag}
