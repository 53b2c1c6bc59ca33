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
    (tmp_path / "requirements.txt").write_text("tensorflow\nkeras>=3.15\n")
    title = new_markdown_cell(f"# Start\n\n{MARKERS}", id="a")
    hosted = new_code_cell(publish.hosted_cell({}, "keras>=3.15"), id="hosted")
    cells = [title, hosted, new_code_cell("1", id="b")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "notebooks" / NAME)
    address(tmp_path, "")
    return tmp_path


def address(root, text):
    """Write the address into pyproject.toml."""
    project = f'[project]\nversion = "0.1.0"\n[tool.collection]\nrepository = "{text}"\n'
    (root / "pyproject.toml").write_text(project)


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
    assert f"](https://mybinder.org/v2/gh/someone/losses/v0.1.0?{lab})" in readme
    assert "](https://nbviewer.org/github/someone/losses/tree/v0.1.0/notebooks)" in readme
    assert readme.startswith("# Title\n\n<!--") and readme.endswith("-->\n\nText.\n")
    assert f"/github/someone/losses/blob/v0.1.0/notebooks/{NAME})" in readme
    title = nbformat.read(collection / "notebooks" / NAME, as_version=4).cells[0].source
    assert f"(https://mybinder.org/v2/gh/someone/losses/v0.1.0?{lab})" in title
    assert f"(https://nbviewer.org/github/someone/losses/blob/v0.1.0/notebooks/{NAME})" in title


def packages(root):
    """Return the lines of the first cell that ask for packages."""
    cell = nbformat.read(root / "notebooks" / NAME, as_version=4).cells[1].source
    return [line.strip() for line in cell.splitlines() if line.startswith(" " * 8 + '"')]


def test_the_first_cell_installs_from_the_tag_with_the_keras_that_was_tried(collection):
    assert packages(collection) == ['"..",', '"keras>=3.15",']
    address(collection, "github.com/someone/losses")
    (collection / "requirements.txt").write_text("tensorflow\nkeras>=3.16\n")
    assert publish.main([], collection) == 0
    archive = "https://github.com/someone/losses/archive/refs/tags/v0.1.0.zip"
    assert packages(collection) == [f'"lossutils @ {archive}",', '"keras>=3.16",']


def test_a_first_cell_that_cannot_install_says_why(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.chdir(tmp_path)  # above it there is nothing to install
    with pytest.raises(RuntimeError, match="not installable|pyproject.toml"):
        exec(publish.hosted_cell({}, "keras"), {})
    assert capfd.readouterr() == ("", "")


def test_the_first_cell_does_nothing_where_the_module_is_installed(monkeypatch, capfd):
    monkeypatch.setattr("subprocess.run", None)
    exec(publish.hosted_cell({}, "keras"), {})
    assert capfd.readouterr() == ("", "")


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
    assert publish.read_places(collection) == {"repository": "a/b.c", "tag": "v0.1.0"}


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


CHANGES = "# Changes\n\n## Unreleased\n\n- Two notebooks.\n\n## 0.1.0 (2026-01-02)\n\n- All.\n"


@pytest.fixture
def released(collection):
    """A collection that is published, with what a release has to change."""
    address(collection, "github.com/someone/losses")
    (collection / "CHANGELOG.md").write_text(CHANGES)
    citation = "title: x\nversion: 0.1.0\ndate-released: 2026-01-02\n"
    (collection / "CITATION.cff").write_text(citation)
    return collection


def test_a_release_moves_the_version_everywhere_and_tells_the_tag(released, capsys):
    assert publish.main(["--release", "0.2.0"], released) == 0
    said = capsys.readouterr().out
    assert said.startswith("Version 0.2.0\n\n- Two notebooks.\n") and "- All." not in said
    today = str(publish.datetime.date.today())
    changes = (released / "CHANGELOG.md").read_text()
    assert f"## Unreleased\n\n## 0.2.0 ({today})\n\n- Two notebooks.\n\n## 0.1.0" in changes
    citation = (released / "CITATION.cff").read_text()
    assert citation == f"title: x\nversion: 0.2.0\ndate-released: {today}\n"
    assert publish.read_places(released)["tag"] == "v0.2.0"
    assert "losses/v0.2.0?" in (released / "README.md").read_text()


@pytest.mark.parametrize(
    ("version", "changes", "words"),
    [("2", CHANGES, "three numbers"), ("0.2.0", "## Unreleased\n\n## 0.1.0\n", "says nothing")],
)
def test_what_is_no_release_changes_nothing(released, capsys, version, changes, words):
    (released / "CHANGELOG.md").write_text(changes)
    before = contents(released)
    assert publish.main(["--release", version], released) == 2
    assert words in capsys.readouterr().err
    assert contents(released) == before


def test_the_version_is_the_same_wherever_it_stands():
    project = publish.tomllib.loads((publish.ROOT / "pyproject.toml").read_text())["project"]
    assert f"\nversion: {project['version']}\n" in (publish.ROOT / "CITATION.cff").read_text()
    assert (publish.ROOT / "CHANGELOG.md").read_text().count("## Unreleased\n") == 1


def test_the_collection_itself_is_up_to_date():
    assert publish.main(["--check"]) == 0
