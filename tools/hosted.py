"""What do the notebooks print with the packages of Colab or Kaggle? Compare, and say why.

    python tools/hosted.py --kernel NAME [--status] [NOTEBOOK ...]

Runs copies of the notebooks in the kernel NAME, whose environment lacks the module: the first cell
installs it, as it does there. nbval compares every printed word with what is stored. A difference
without a reason in WHY is a failure. --status writes the table into STATUS.md.
`nox -f tools/noxfile.py -s hosted` makes the environments and calls this.
"""

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from kernel_runs import COMPARE, ROOT, SHOW_FIGURES, parser_for
from status_sections import write_section

# Why a cell prints something else there: by notebook and id of the cell.
WHY = {
    "00_start_here": {"c001": "the list of the collection's packages is not installed with it"},
    "11_capstone_anomaly_detection": {"c029": "scikit-learn 1.6 finds another covariance"},
}
LEFT_OUT = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__")


@dataclass
class Comparison:
    """A notebook, how many code cells it has, and the ids of those that print something else."""

    notebook: str
    cells: int = 0
    differing: list[str] = field(default_factory=list)

    @property
    def unexplained(self) -> list[str]:
        """The cells for which there is no reason."""
        return [cell for cell in self.differing if cell not in WHY.get(self.notebook, {})]

    def row(self) -> str:
        """Return the row of the table."""
        reasons = WHY.get(self.notebook, {})
        why = "; ".join(f"`{cell}`: {reasons.get(cell, '?')}" for cell in self.differing)
        return f"| {self.notebook} | {self.cells - len(self.differing)} of {self.cells} | {why} |"


def run(notebooks: list[Path], kernel: str) -> xml.ElementTree:
    """Return nbval's report on a copy of the collection, in which the notebooks are executed."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "collection"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        compare = [option for option in COMPARE if option != "--nbval-current-env"]
        report = copy / "report.xml"
        options = (f"--nbval-kernel-name={kernel}", f"--junitxml={report}")
        paths = [path.relative_to(ROOT) for path in notebooks]
        # What the kernel finds must be what is installed in its own environment.
        outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [sys.executable, *compare, *options, *paths]
        subprocess.run(command, cwd=copy, env=outside | SHOW_FIGURES)
        return xml.parse(report)


def comparisons(report: xml.ElementTree, notebooks: list[Path]) -> list[Comparison]:
    """Return what nbval's report says of each notebook."""
    found = {}
    for path in notebooks:
        cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
        found[path.stem] = Comparison(path.stem), [cell.id for cell in cells]
    for case in report.iter("testcase"):
        comparison, ids = found[case.get("classname").split(".")[-2]]
        comparison.cells += 1
        if len(case):  # it has a failure, or an error
            number = int(re.search(r"\d+$", case.get("name"))[0])
            comparison.differing.append(ids[number])
    return [comparison for comparison, _ in found.values()]


def section(found: list[Comparison], kernel: str) -> str:
    """Return the section of the status page."""
    head = f"""## {kernel.title()}

What the notebooks print with the packages of this host, after their first cell has installed the
module (`nox -f tools/noxfile.py -s hosted -k {kernel}`).

| notebook | cells that print the same | the others |
|----------|---------------------------|------------|
"""
    return head + "".join(f"{comparison.row()}\n" for comparison in found)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 1 where something differs without a reason, else 0."""
    parser = parser_for(__doc__)
    parser.add_argument("--kernel", required=True, help="its name, which is that of the host")
    parser.add_argument("--status", action="store_true", help="write the table into STATUS.md")
    options = parser.parse_args(arguments)
    found = comparisons(run(options.notebooks, options.kernel), options.notebooks)
    print(section(found, options.kernel))
    if options.status:
        write_section(options.kernel, section(found, options.kernel))
    return int(any(comparison.unexplained or not comparison.cells for comparison in found))


if __name__ == "__main__":
    sys.exit(main())
