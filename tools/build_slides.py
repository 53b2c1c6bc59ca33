"""Make a talk of every notebook: one HTML file each, which needs no network and nothing else.

    python tools/build_slides.py [--output build/slides] [NOTEBOOK ...]

Without names: every notebook in notebooks/. Which cell begins a slide stands in the notebooks
(slide_types.py), so plain `jupyter nbconvert --to slides` divides them alike.
"""

import argparse
import sys
from pathlib import Path

from nbconvert import SlidesExporter
from talks import EXTENSION, NOTEBOOKS, talk_settings

OUTPUT = NOTEBOOKS.parent / "build" / "slides"


def build(output: Path, notebooks: list[Path]) -> list[Path]:
    """Write the talks of the notebooks into a folder; return their paths."""
    exporter = SlidesExporter(config=talk_settings())
    output.mkdir(parents=True, exist_ok=True)
    talks = []
    for path in notebooks:
        text, _ = exporter.from_filename(str(path))
        talks.append(output / (path.stem + EXTENSION))
        talks[-1].write_text(text, encoding="utf-8", newline="\n")
    return talks


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder for the talks")
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    options = parser.parse_args(arguments)
    talks = build(options.output, options.notebooks or sorted(NOTEBOOKS.glob("*.ipynb")))
    print(f"{len(talks)} talks in {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
