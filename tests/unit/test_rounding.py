"""tools/rounding.py: every rounded number is seen, and those near a rounding edge are listed."""

from pathlib import Path

import nbformat
import pytest
import rounding

PAGE = """import numpy as np
print(f"{0.123456:.2f} {0.25:7.1%} {'text':>8} {7:3d}", round(0.987654, 3))
print(np.round([1.55555, 2.0], 1), np.array([3.14159]).round(2))"""


def test_every_rounded_number_is_written_down(tmp_path: Path) -> None:
    path = tmp_path / "page.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(PAGE)]), path)
    assert rounding.numbers(path, "native") == [
        (1, 0.123456, 2),
        (1, 0.25, 3),
        (1, 0.987654, 3),
        (1, 1.55555, 1),
        (1, 2.0, 1),
        (1, 3.14159, 2),
    ]


def test_a_page_that_raises_elsewhere_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding, "executed", lambda *_: (None, ["cell 1 raised"]))
    with pytest.raises(RuntimeError, match="page.ipynb on avx2: .'cell 1 raised"):
        rounding.numbers(Path("page.ipynb"), "avx2")


def run(value: float) -> list[rounding.Number]:
    return [(1, value, 2), (1, 0.375, 2)]


def test_a_number_that_could_tip_over_is_listed() -> None:
    (line,) = rounding.at_the_edge([run(0.12499), run(0.124995)], margin=3)
    assert line.startswith("cell 1: 0.12499, 2 digits")
    assert rounding.at_the_edge([run(0.1249), run(0.124901)], margin=3) == []
    with pytest.raises(ValueError, match="shorter"):
        rounding.at_the_edge([run(0.1), run(0.1)[:1]], margin=3)
    with pytest.raises(ValueError, match="too many values"):
        rounding.at_the_edge([run(0.1), [(2, 0.1, 2), *run(0.1)[1:]]], margin=3)
