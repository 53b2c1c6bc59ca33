"""tools/replicate.py: seeds are shifted wherever they are given, and claims are counted."""

import subprocess
import sys
from pathlib import Path

import kernel_runs
import nbformat
import pytest
import replicate
import status_sections

TOOLS = Path(replicate.__file__).parent
DRAWS = """
import keras, numpy as np, sklearn.model_selection
print(np.random.default_rng({seed}).integers(10**6))
print(np.random.RandomState({seed}).randint(10**6))
print(sklearn.model_selection.train_test_split(range(10**4), random_state={seed})[1][0])
print(keras.random.randint((), 0, 10**6, seed={seed}).numpy())
print(keras.initializers.RandomNormal(seed={seed})((1,)).numpy())
keras.utils.set_random_seed({seed})
print(np.random.randint(10**6), keras.random.randint((), 0, 10**6).numpy())
"""
PAGE = [
    "from lossutils.teaching import claim\nimport numpy as np\n"
    "draw = np.random.default_rng(3).integers(10**6)",
    'claim("One is less than two.", 1 < 2)\n'
    'claim("The draw is what it was.", draw == {draw})\n'
    'claim("The draw of the page is shown.", draw == {draw}, this_run="it is drawn above")',
    'assert draw == {draw}\nclaim("Reached with the seed of the page.", True)',
]


def printed(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=TOOLS)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_every_generator_gets_the_shifted_seed() -> None:
    install = "import shifted_seeds; shifted_seeds.install(100)\n"
    assert printed(install + DRAWS.format(seed=3)) == printed(DRAWS.format(seed=103))


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A notebook as it would be stored, whose claims hold with its own seed."""
    monkeypatch.setattr(replicate, "KEPT", tmp_path / "kept")
    draw = printed("import numpy as np; print(np.random.default_rng(3).integers(10**6))")[0]
    cells = [nbformat.v4.new_code_cell(source.replace("{draw}", draw)) for source in PAGE]
    notebook = nbformat.v4.new_notebook(cells=cells)
    path = tmp_path / "77_page.ipynb"
    nbformat.write(notebook, path)
    nbformat.write(replicate.executed(path)[0], path)
    return path


@pytest.mark.slow
def test_claims_are_counted_over_shifted_seeds(page: Path, capsys: pytest.CaptureFixture) -> None:
    assert replicate.main(["--seeds", "2", str(page)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "    2 of 2  One is less than two." in lines
    assert "    0 of 2  The draw is what it was." in lines
    assert "    0 of 2  Reached with the seed of the page." in lines
    assert any(line.startswith("  run 1: cell 3 raised AssertionError") for line in lines)
    assert any(line.endswith("(This run: it is drawn above)  not judged") for line in lines)
    assert lines[-1] == "4 claims, 2 held in fewer than nine of ten runs"
    kept = {file: file.stat().st_mtime_ns for file in replicate.KEPT.iterdir()}
    replicate.main(["--seeds", "3", str(page)])
    again = {file: file.stat().st_mtime_ns for file in replicate.KEPT.iterdir()}
    assert len(kept) == 2 and len(again) == 3
    assert kept.items() <= again.items(), "what was run before is not run again"


def count(held: int, sentence: str = "It wins.") -> replicate.Count:
    return replicate.Count("77_page", sentence, held, 20)


def test_nine_of_ten_runs_are_enough() -> None:
    assert not count(18).is_weak
    assert count(17).is_weak
    assert not count(0, "It wins. (This run: shown above)").is_weak


def test_the_table_stands_in_the_status_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = tmp_path / "STATUS.md"
    monkeypatch.setattr(status_sections, "STATUS", status)
    status.write_text("before\n<!-- claims:start -->\nthe last table\n<!-- claims:end -->\nafter\n")
    table = replicate.status_table([count(20, "A."), count(18, "|B|.")], runs=20)
    status_sections.write_section("claims", table)
    page = status.read_text()
    assert page.startswith("before\n") and page.endswith("after\n") and "the last table" not in page
    assert "| 77_page | 2 | 1 | 18 of 20 | 0 |" in page
    assert "| 77 | \\|B\\|. | 18 of 20 |" in page and "A." not in page
    status.write_text("no place for it")
    with pytest.raises(ValueError, match="claims:start"):
        status_sections.write_section("claims", "table")


def test_a_result_is_good_until_what_the_notebook_imports_changes(tmp_path: Path) -> None:
    code = "from lossutils import ModelWithLoss\nfrom lossutils.teaching import claim"
    names = {file.name for file in kernel_runs.imported_files(code)}
    assert {"__init__.py", "stateful.py", "claims.py", "datasets.py"} <= names
    assert "probes.py" not in names and "threshold.py" not in names
    path, other = tmp_path / "77_page.ipynb", tmp_path / "other.py"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]), path)
    other.write_text("1")
    before = kernel_runs.fingerprint(path, other)
    assert before == kernel_runs.fingerprint(path, other)
    other.write_text("2")
    assert before != kernel_runs.fingerprint(path, other) != kernel_runs.fingerprint(path)
