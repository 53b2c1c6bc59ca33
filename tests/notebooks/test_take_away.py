"""What each notebook gives its readers to take along runs alone, in a fresh process."""

import subprocess
import sys
from pathlib import Path

import pytest
from reading import notebook_paths, read, tags, text_outputs


@pytest.mark.slow
@pytest.mark.parametrize("path", notebook_paths()[1:], ids=lambda path: path.stem)
def test_it_prints_alone_what_it_prints_in_the_notebook(path: Path, tmp_path: Path) -> None:
    (cell,) = (cell for _, cell in read(path).code() if "take-away" in tags(cell))
    (tmp_path / "alone.py").write_text(cell.source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "alone.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == text_outputs(cell)
