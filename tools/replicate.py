"""Do the claims of the notebooks hold with other seeds? Run them again and count.

    python tools/replicate.py [--seeds N] [--jobs J] [--anew] [--status] [NOTEBOOK ...]

Each notebook is executed N times with every seed shifted, those of the splits of its data included.
Printed for each claim: in how many of the N runs it held. A claim that a run does not reach,
because a cell before it raised, did not hold there. A claim marked as one about the run on the page
is listed and not judged. --status writes the table into STATUS.md.

The exit status is 1 if a claim held in fewer than nine of ten runs. What was run before is not run
again, as long as neither the code of the notebook nor what it imports has changed; --anew forgets
the results.
"""

import re
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
from kernel_runs import ROOT, TOOLS, executed, fingerprint, kept, parser_for
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from status_sections import write_section

KEPT = ROOT / "build" / "replicate" / "results.jsonl"
STEP = 100  # between the shifts: more than any loop over seeds is long
LEAST = 0.9
FIRST = """
from lossutils.teaching import claims
import shifted_seeds
claims.stop_at_failure = False
shifted_seeds.install({shift})
"""
LINE = re.compile(r"^([✓✗]) (.+)$", re.MULTILINE)
ABOUT_THIS_RUN = " (This run: "


@dataclass(frozen=True)
class Count:
    """In how many of the runs a claim held."""

    notebook: str
    sentence: str
    held: int
    runs: int

    @property
    def is_judged(self) -> bool:
        """Whether other seeds have to bear it out."""
        return ABOUT_THIS_RUN not in self.sentence

    @property
    def is_weak(self) -> bool:
        """Whether it held in fewer than nine of ten runs."""
        return self.is_judged and self.held < LEAST * self.runs


def claims_of(notebook: NotebookNode) -> dict[str, bool]:
    """Return what the notebook claims, and whether it held wherever it was claimed."""
    found: dict[str, bool] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for mark, sentence in LINE.findall(output.get("text", "")):
                found[sentence] = found.get(sentence, True) and mark == "✓"
    return found


def errors_of(notebook: NotebookNode) -> list[str]:
    """Return one line for each cell that raised."""
    return [
        f"cell {number} raised {output.ename}: {output.evalue.strip()[:120]}"
        for number, cell in enumerate(notebook.cells, 1)
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]


def replicate(path: Path, shift: int) -> dict:
    """Run a notebook with shifted seeds; return its claims and the cells that raised."""
    try:
        notebook = executed(path, FIRST.format(shift=shift))
    except (CellTimeoutError, DeadKernelError) as failure:
        return {"claims": {}, "errors": [type(failure).__name__]}
    return {"claims": claims_of(notebook), "errors": errors_of(notebook)}


def runs_of(path: Path, seeds: int, jobs: int) -> list[dict]:
    """Return the results of a notebook for so many shifts, after the runs that are not kept yet."""
    code = fingerprint(path, TOOLS / "shifted_seeds.py")

    def run(shift: int) -> dict:
        return kept(KEPT, f"{path.name}  {shift}  {code}", lambda: replicate(path, shift))

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(run, range(STEP, STEP * (seeds + 1), STEP)))


def counted(path: Path, runs: list[dict]) -> list[Count]:
    """Return how often each claim on the page of a notebook held, the weakest first."""
    stated = claims_of(nbformat.read(path, as_version=4))
    held = Counter(name for run in runs for name, truth in run["claims"].items() if truth)
    counts = [Count(path.stem, sentence, held[sentence], len(runs)) for sentence in stated]
    return sorted(counts, key=lambda count: count.held)


def report(path: Path, runs: list[dict]) -> list[Count]:
    """Print the counts of a notebook, and what raised; return the counts."""
    print(f"\n{path.stem}")
    counts = counted(path, runs)
    for count in counts:
        remark = "" if count.is_judged else "  not judged"
        print(f"  {count.held:3} of {count.runs}  {count.sentence}{remark}")
    for number, run in enumerate(runs, 1):
        for error in run["errors"]:
            print(f"  run {number}: {error}", flush=True)
    return counts


def status_table(counts: list[Count], runs: int) -> str:
    """Return the section of the status page: each notebook, then each claim that ever failed."""
    lines = [
        "## Claims",
        "",
        f"Each notebook was run {runs} times with all seeds and splits shifted "
        f"(`python tools/replicate.py --seeds {runs}`). A claim is to hold in nine of ten runs.",
        "",
        "| notebook | claims | held in every run | weakest | about the shown run only |",
        "|----------|--------|-------------------|---------|--------------------------|",
    ]
    for name in dict.fromkeys(count.notebook for count in counts):
        mine = [count for count in counts if count.notebook == name]
        judged = [count for count in mine if count.is_judged]
        always = sum(count.held == runs for count in judged)
        weakest = min((count.held for count in judged), default=runs)
        cells = name, len(judged), always, f"{weakest} of {runs}", len(mine) - len(judged)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    weaker = [count for count in counts if count.is_judged and count.held < runs]
    if weaker:
        lines += ["", "Those that did not hold in every run, the weakest first:", ""]
        lines += ["| notebook | claim | held |", "|----------|-------|------|"]
    for count in sorted(weaker, key=lambda count: count.held):
        sentence = count.sentence.replace("|", r"\|")
        lines.append(f"| {count.notebook[:2]} | {sentence} | {count.held} of {runs} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when every claim held often enough."""
    parser = parser_for(__doc__)
    parser.add_argument("--seeds", type=int, default=20, metavar="N", help="runs of each notebook")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="runs at the same time")
    parser.add_argument("--anew", action="store_true", help="forget earlier results")
    parser.add_argument("--status", action="store_true", help="write the table into STATUS.md")
    options = parser.parse_args(arguments)
    if options.anew:
        KEPT.unlink(missing_ok=True)
    counts = []
    for path in options.notebooks:
        runs = runs_of(path, options.seeds, options.jobs)
        counts += report(path, runs)
    weak = [count for count in counts if count.is_weak]
    print(f"\n{len(counts)} claims, {len(weak)} held in fewer than nine of ten runs")
    if options.status:
        write_section("claims", status_table(counts, options.seeds))
    return int(bool(weak) or not counts)


if __name__ == "__main__":
    sys.exit(main())
