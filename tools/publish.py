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
FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"
NBVIEWER_PICTURE = (
    "https://raw.githubusercontent.com/jupyter/design/main/logos/Badges/nbviewer_badge.svg"
)


def read_repository(root: Path) -> str:
    """Return "OWNER/REPO" from pyproject.toml, "" while there is none.

    Raises ValueError for an address of another form.
    """
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    address = settings["tool"]["collection"]["repository"].strip()
    if not address:
        return ""
    match = ADDRESS.fullmatch(address)
    if match is None:
        raise ValueError(
            f"repository in pyproject.toml is {address!r}; wanted: github.com/OWNER/REPO"
        )
    return "/".join(match.groups())


def binder_link(repository: str, notebook: str) -> str:
    """Return the link that opens one notebook in JupyterLab on Binder."""
    return f"https://mybinder.org/v2/gh/{repository}/HEAD?urlpath=lab/tree/{notebook}"


def nbviewer_link(repository: str, page: str) -> str:
    """Return the link that shows a notebook, or the folder of all, on nbviewer."""
    kind = "blob" if page.endswith(".ipynb") else "tree"
    return f"https://nbviewer.org/github/{repository}/{kind}/HEAD/{page}"


def readme_badges(repository: str) -> str:
    """Return the two pictures with links that stand in README.md."""
    binder = "[![Open in Binder](https://mybinder.org/badge_logo.svg)]"
    nbviewer = f"[![Read on nbviewer]({NBVIEWER_PICTURE})]"
    return (
        f"{binder}({binder_link(repository, FIRST_NOTEBOOK)})\n"
        f"{nbviewer}({nbviewer_link(repository, 'notebooks')})"
    )


def notebook_badges(repository: str, notebook: str) -> str:
    """Return the links of one notebook: words, since a notebook is also opened offline."""
    return (
        f"[Run on Binder]({binder_link(repository, notebook)})"
        f" · [Read on nbviewer]({nbviewer_link(repository, notebook)})"
    )


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


def filled_readme(path: Path, repository: str) -> str:
    """Return the text of README.md with its badges."""
    badges = readme_badges(repository) if repository else ""
    return fill(path.read_text(encoding="utf-8"), badges, path.name)


def filled_notebook(path: Path, repository: str) -> str:
    """Return the text of a notebook with the badges in its first cell."""
    notebook = nbformat.read(path, as_version=4)
    title = notebook.cells[0]
    badges = notebook_badges(repository, f"notebooks/{path.name}") if repository else ""
    filled = fill(title.source, badges, path.name)
    if filled == title.source:
        return path.read_text(encoding="utf-8")
    title.source = filled
    return nbformat.writes(notebook, version=4) + "\n"


def outdated(root: Path) -> dict[Path, str]:
    """Return the files whose badges are out of date, each with the text that it should have."""
    repository = read_repository(root)
    wanted = {root / "README.md": filled_readme(root / "README.md", repository)}
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        wanted[path] = filled_notebook(path, repository)
    return {path: text for path, text in wanted.items() if text != path.read_text(encoding="utf-8")}


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Run the command line; return 0 when all is well, 1 when not, 2 for a mistake in a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail when outdated")
    options = parser.parse_args(arguments)
    try:
        changes = outdated(root)
    except ValueError as mistake:
        print(mistake, file=sys.stderr)
        return 2
    for path, text in changes.items():
        print(("out of date: " if options.check else "written: ") + str(path.relative_to(root)))
        if not options.check:
            path.write_text(text, encoding="utf-8", newline="\n")
    return int(bool(changes) and options.check)


if __name__ == "__main__":
    sys.exit(main())
