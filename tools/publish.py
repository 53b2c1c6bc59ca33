"""Fill the badges of README.md and of every notebook from the published address.

    python tools/publish.py [--check]

The address stands in one place, `repository` under [tool.collection] in pyproject.toml. While it
is empty the badges are empty too. --check writes nothing and fails where something is out of date.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- badges:start -->", "<!-- badges:end -->"
ADDRESS = re.compile(r"(?:https://)?github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?")
BINDER = "https://mybinder.org/v2/gh/{}/HEAD?urlpath=lab/tree/{}"
NBVIEWER = "https://nbviewer.org/github/{}/{}/HEAD/{}"
PICTURES = (
    "https://mybinder.org/badge_logo.svg",
    "https://raw.githubusercontent.com/jupyter/design/main/logos/Badges/nbviewer_badge.svg",
)


def read_repository(root: Path) -> str:
    """Return "OWNER/REPO" from pyproject.toml, "" while there is none.

    Raises ValueError for an address of another form.
    """
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    address = settings["tool"]["collection"]["repository"].strip()
    match = ADDRESS.fullmatch(address)
    if address and match is None:
        raise ValueError(
            f"repository in pyproject.toml is {address!r}; wanted: github.com/OWNER/REPO"
        )
    return "/".join(match.groups()) if match else ""


def readme_badges(repository: str) -> str:
    """Return the two pictures with links that stand in README.md."""
    binder = BINDER.format(repository, "notebooks/00_start_here.ipynb")
    nbviewer = NBVIEWER.format(repository, "tree", "notebooks")
    return (
        f"[![Open in Binder]({PICTURES[0]})]({binder})\n"
        f"[![Read on nbviewer]({PICTURES[1]})]({nbviewer})"
    )


def notebook_badges(repository: str, name: str) -> str:
    """Return the links of one notebook: words, since a notebook is also opened offline."""
    binder = BINDER.format(repository, f"notebooks/{name}")
    nbviewer = NBVIEWER.format(repository, "blob", f"notebooks/{name}")
    return f"[Run on Binder]({binder}) · [Read on nbviewer]({nbviewer})"


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


def filled(path: Path, repository: str) -> str:
    """Return the text of README.md, or of a notebook, with its badges."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return fill(text, readme_badges(repository) if repository else "", path.name)
    notebook = nbformat.reads(text, as_version=4)
    title = notebook.cells[0]
    before = title.source
    badges = notebook_badges(repository, path.name) if repository else ""
    title.source = fill(before, badges, path.name)
    return text if title.source == before else nbformat.writes(notebook, version=4) + "\n"


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Run the command line; return 0 when all is well, 1 when not, 2 for a mistake in a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail when outdated")
    check = parser.parse_args(arguments).check
    paths = [root / "README.md", *sorted((root / "notebooks").glob("*.ipynb"))]
    try:
        repository = read_repository(root)
        texts = {path: filled(path, repository) for path in paths}
    except ValueError as mistake:
        print(mistake, file=sys.stderr)
        return 2
    changes = {path: new for path, new in texts.items() if new != path.read_text(encoding="utf-8")}
    for path, text in changes.items():
        print("out of date:" if check else "written:", path.relative_to(root))
        if not check:
            path.write_text(text, encoding="utf-8", newline="\n")
    return int(bool(changes) and check)


if __name__ == "__main__":
    sys.exit(main())
