"""tools/publish.py: badges from one address, the same after a second run, nothing without one."""

import nbformat
import publish
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

MARKERS = f"{publish.START}\n{publish.END}"
NAME = "00_start_here.ipynb"


@pytest.fixture
def collection(tmp_path):
    """A small collection without an address."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "README.md").write_text(f"# Title\n\n{MARKERS}\n\nText.\n")
    cells = [new_markdown_cell(f"# Start\n\n{MARKERS}", id="a"), new_code_cell("1", id="b")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "notebooks" / NAME)
    address(tmp_path, "")
    return tmp_path


def address(root, text):
    """Write the address into pyproject.toml."""
    (root / "pyproject.toml").write_text(f'[tool.collection]\nrepository = "{text}"\n')


def contents(root):
    """Return every file of a collection."""
    return {path.name: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_without_an_address_nothing_is_to_do(collection):
    before = contents(collection)
    assert publish.main(["--check"], collection) == 0
    assert publish.main([], collection) == 0
    assert contents(collection) == before


def test_an_address_fills_every_file(collection):
    address(collection, "github.com/someone/losses")
    assert publish.main([], collection) == 0
    readme = (collection / "README.md").read_text()
    lab = f"urlpath=lab/tree/notebooks/{NAME}"
    assert f"](https://mybinder.org/v2/gh/someone/losses/HEAD?{lab})" in readme
    assert "](https://nbviewer.org/github/someone/losses/tree/HEAD/notebooks)" in readme
    assert readme.startswith("# Title\n\n<!--") and readme.endswith("-->\n\nText.\n")
    title = nbformat.read(collection / "notebooks" / NAME, as_version=4).cells[0].source
    assert f"(https://mybinder.org/v2/gh/someone/losses/HEAD?{lab})" in title
    assert f"(https://nbviewer.org/github/someone/losses/blob/HEAD/notebooks/{NAME})" in title


def test_a_second_run_changes_nothing_and_another_address_replaces(collection):
    address(collection, "github.com/someone/losses")
    publish.main([], collection)
    before = contents(collection)
    assert publish.main([], collection) == 0
    assert contents(collection) == before
    address(collection, "github.com/other/copy")
    publish.main([], collection)
    assert not any(b"someone" in text for text in contents(collection).values())


def test_an_address_that_was_removed_leaves_the_first_state(collection):
    before = contents(collection)
    address(collection, "github.com/someone/losses")
    publish.main([], collection)
    address(collection, "")
    publish.main([], collection)
    assert contents(collection) == before


def test_check_reports_and_writes_nothing(collection, capsys):
    address(collection, "github.com/someone/losses")
    before = contents(collection)
    assert publish.main(["--check"], collection) == 1
    assert contents(collection) == before
    assert capsys.readouterr().out.count("out of date: ") == 2


@pytest.mark.parametrize(
    "text",
    ["github.com/a/b.c", "https://github.com/a/b.c", "github.com/a/b.c.git", "github.com/a/b.c/"],
)
def test_the_forms_of_an_address(collection, text):
    address(collection, text)
    assert publish.read_repository(collection) == "a/b.c"


@pytest.mark.parametrize("text", ["a/b", "github.com/a", "gitlab.com/a/b", "github.com/a/b/c"])
def test_another_address_is_refused(collection, capsys, text):
    address(collection, text)
    assert publish.main([], collection) == 2
    assert f"'{text}'; wanted: github.com/OWNER/REPO" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        publish.START,
        publish.END,
        publish.END + publish.START,
        MARKERS + publish.START,
        MARKERS + publish.END,
    ],
)
def test_markers_that_are_missing_or_doubled_are_a_mistake(text):
    with pytest.raises(ValueError, match="somewhere: wanted .* once each and in this order"):
        publish.fill(text, "badges", "somewhere")


def test_the_collection_itself_is_up_to_date():
    assert publish.main(["--check"]) == 0
