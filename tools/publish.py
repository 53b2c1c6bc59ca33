"""Fill the badges of README.md and of every notebook, and its first cell; prepare a release.

    python tools/publish.py [--check | --release 0.2.0]

The published address stands in one place, `repository` under [tool.collection] in pyproject.toml.
While it is empty the badges are empty too. They lead to the tag of the version that stands in
pyproject.toml: what a reader starts is what was tested. The first cell of a notebook installs the
module from there, on Colab and Kaggle, where it is missing; without an address, from the folder
above. --check writes nothing and fails where something is out of date. --release moves the version,
in pyproject.toml and CITATION.cff, heads what is new in CHANGELOG.md with it, fills the badges, and
prints the text of the tag.
(`nox -f tools/noxfile.py -s release -- 0.2.0` renews the pins of Binder too.)
"""

import argparse
import datetime
import re
import sys
import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- badges:start -->", "<!-- badges:end -->"
ADDRESS = re.compile(r"(?:https://)?github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?")
VERSION = re.compile(r"\d+\.\d+\.\d+")
BINDER = "https://mybinder.org/v2/gh/{repository}/{tag}?urlpath=lab/tree/notebooks/{name}"
COLAB = "https://colab.research.google.com/github/{repository}/blob/{tag}/notebooks/{name}"
NBVIEWER = "https://nbviewer.org/github/{repository}/blob/{tag}/notebooks/{name}"
ALL_ON_NBVIEWER = "https://nbviewer.org/github/{repository}/tree/{tag}/notebooks"
PICTURES = (
    "https://mybinder.org/badge_logo.svg",
    "https://colab.research.google.com/assets/colab-badge.svg",
    "https://raw.githubusercontent.com/jupyter/design/main/logos/Badges/nbviewer_badge.svg",
)
ARCHIVE = "lossutils @ https://github.com/{repository}/archive/refs/tags/{tag}.zip"
# No magic: the cell has to stay Python, for whatever reads the notebooks as files.
HOSTED, HOSTED_ID = """\
# On Colab and Kaggle this installs the module of the collection, and the Keras that it was tried
# with; TensorFlow stays. Elsewhere it does nothing.
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("lossutils") is None:
    wanted = [
{wanted}
    ]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", *wanted]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    importlib.invalidate_caches()""", "hosted"
WORDS = ("Run on Binder", "Open in Colab", "Read on nbviewer")
FRONT = "00_start_here.ipynb"


def read_places(root: Path) -> dict[str, str]:
    """Return "OWNER/REPO" and the tag of the version from pyproject.toml, {} without an address.

    Raises ValueError for an address of another form.
    """
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    address = settings["tool"]["collection"]["repository"].strip()
    match = ADDRESS.fullmatch(address)
    if address and match is None:
        raise ValueError(
            f"repository in pyproject.toml is {address!r}; wanted: github.com/OWNER/REPO"
        )
    if match is None:
        return {}
    return {"repository": "/".join(match.groups()), "tag": f"v{settings['project']['version']}"}


def readme_badges(places: dict[str, str]) -> str:
    """Return the pictures with links that stand in README.md."""
    links = [link.format(name=FRONT, **places) for link in (BINDER, COLAB, ALL_ON_NBVIEWER)]
    badges = zip(WORDS, PICTURES, links, strict=True)
    return "\n".join(f"[![{words}]({picture})]({link})" for words, picture, link in badges)


def notebook_badges(places: dict[str, str], name: str) -> str:
    """Return the links of one notebook: words, since a notebook is also opened offline."""
    links = [link.format(name=name, **places) for link in (BINDER, COLAB, NBVIEWER)]
    return " · ".join(f"[{words}]({link})" for words, link in zip(WORDS, links, strict=True))


def fill(text: str, badges: str, where: str) -> str:
    """Return `text` with `badges` between the two markers.

    Raises ValueError unless each marker is there once, in order.
    """
    if text.count(START) != 1 or text.count(END) != 1 or text.index(START) > text.index(END):
        raise ValueError(f"{where}: wanted {START} and {END}, once each and in this order")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    inside = f"\n{badges}\n" if badges else "\n"
    return f"{before}{START}{inside}{END}{after}"


def hosted_cell(places: dict[str, str], keras: str) -> str:
    """Return the code that installs the module where it is missing, and Keras in its range.

    Keras can be renewed without a restart of the kernel. What hosts have is older, and some pages
    would print something else with it.
    """
    wanted = ARCHIVE.format(**places) if places else "..", keras
    return HOSTED.format(wanted="\n".join(f'        "{package}",' for package in wanted))


def keras_range(root: Path) -> str:
    """Return the line of requirements.txt that asks for Keras."""
    lines = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("keras"))


def filled(path: Path, places: dict[str, str], keras: str) -> str:
    """Return the text of README.md, or of a notebook, with its badges and its first cell."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return fill(text, readme_badges(places) if places else "", path.name)
    notebook = nbformat.reads(text, as_version=4)
    title, *others = notebook.cells
    badges = notebook_badges(places, path.name) if places else ""
    title.source = fill(title.source, badges, path.name)
    for cell in others:
        if cell.get("id") == HOSTED_ID:
            cell.source = hosted_cell(places, keras)
    same = notebook == nbformat.reads(text, as_version=4)
    return text if same else nbformat.writes(notebook, version=4) + "\n"


def release(root: Path, version: str, day: datetime.date) -> str:
    """Write a version into all files that name it; return the text of its tag.

    Raises ValueError for a version that is not like 1.2.3, and where nothing is new.
    """
    if not VERSION.fullmatch(version):
        raise ValueError(f"the version is {version!r}; wanted: three numbers, such as 0.2.0")
    changes = root / "CHANGELOG.md"
    before, unreleased, rest = changes.read_text(encoding="utf-8").partition("## Unreleased\n")
    news = rest.partition("\n## ")[0].strip()
    if not news:
        raise ValueError("CHANGELOG.md says nothing below '## Unreleased'")
    head = f"{before}{unreleased}\n## {version} ({day})\n"
    changes.write_text(head + rest, encoding="utf-8", newline="\n")
    replace_line(root / "pyproject.toml", "version = ", f'version = "{version}"')
    replace_line(root / "CITATION.cff", "version: ", f"version: {version}")
    replace_line(root / "CITATION.cff", "date-released: ", f"date-released: {day}")
    return f"Version {version}\n\n{news}"


def replace_line(path: Path, beginning: str, line: str) -> None:
    """Replace the one line of a file that begins like this; raise ValueError without one."""
    pattern = re.compile(rf"^{re.escape(beginning)}.*$", re.MULTILINE)
    text, count = pattern.subn(line, path.read_text(encoding="utf-8"))
    if count != 1:
        raise ValueError(f"{path.name} has {count} lines that begin with {beginning!r}, not one")
    path.write_text(text, encoding="utf-8", newline="\n")


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Run the command line; return 0 when all is well, 1 when not, 2 for a mistake in a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="write nothing, fail when outdated")
    mode.add_argument("--release", metavar="VERSION", help="prepare this release")
    options = parser.parse_args(arguments)
    try:
        if options.release:
            print(release(root, options.release, datetime.date.today()))
        return fill_all(root, options.check)
    except ValueError as mistake:
        print(mistake, file=sys.stderr)
        return 2


def fill_all(root: Path, check: bool) -> int:
    """Fill the badges of all files, or with `check` return 1 if one is out of date."""
    notebooks = root / "notebooks"
    templates = (notebooks / "template").glob("*.ipynb")
    paths = [root / "README.md", *sorted(notebooks.glob("*.ipynb")), *templates]
    places, keras = read_places(root), keras_range(root)
    texts = {path: filled(path, places, keras) for path in paths}
    changes = {path: new for path, new in texts.items() if new != path.read_text(encoding="utf-8")}
    for path, text in changes.items():
        print("out of date:" if check else "written:", path.relative_to(root))
        if not check:
            path.write_text(text, encoding="utf-8", newline="\n")
    return int(bool(changes) and check)


if __name__ == "__main__":
    sys.exit(main())
