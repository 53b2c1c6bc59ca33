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

import json
import re
import shutil
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import nbformat
from kernel_runs import ROOT, TOOLS, executed, fingerprint, outputs_of, parser_for
from nbformat import NotebookNode
from status_sections import table, write_section

KEPT = ROOT / "build" / "replicate"
STEP = 100  # between the shifts: more than any loop over seeds is long
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
        return self.is_judged and self.held < 0.9 * self.runs


def claims_of(notebook: NotebookNode) -> dict[str, bool]:
    """Return what the notebook claims, and whether it held wherever it was claimed."""
    found: dict[str, bool] = {}
    for _, output in outputs_of(notebook):
        for mark, sentence in LINE.findall(output.get("text", "")):
            found[sentence] = found.get(sentence, True) and mark == "✓"
    return found


def replicate(path: Path, shift: int) -> dict:
    """Run a notebook with shifted seeds; return its claims and what was wrong."""
    notebook, problems = executed(path, FIRST.format(shift=shift), allow_errors=True)
    return {"claims": claims_of(notebook), "errors": problems}


def runs_of(path: Path, seeds: int, jobs: int) -> list[dict]:
    """Return the results of a notebook for so many shifts, after the runs that are not kept yet."""
    code = fingerprint(path, TOOLS / "shifted_seeds.py")
    KEPT.mkdir(parents=True, exist_ok=True)

    def run(shift: int) -> dict:
        file = KEPT / f"{path.stem}-{shift}-{code}.json"
        if not file.exists():
            file.write_text(json.dumps(replicate(path, shift)), encoding="utf-8")
        return json.loads(file.read_text(encoding="utf-8"))

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(run, range(STEP, STEP * (seeds + 1), STEP)))


def counted(path: Path, runs: list[dict]) -> list[Count]:
    """Return how often each claim on the page of a notebook held, the weakest first."""
    stated = claims_of(nbformat.read(path, as_version=4))
    held = Counter(name for run in runs for name, truth in run["claims"].items() if truth)
    counts = [Count(path.stem, sentence, held[sentence], len(runs)) for sentence in stated]
    return sorted(counts, key=lambda count: count.held)


def report(path: Path, runs: list[dict]) -> list[Count]:
    """Print the counts of a notebook, and what was wrong; return the counts."""
    print(f"\n{path.stem}")
    counts = counted(path, runs)
    for count in counts:
        remark = "" if count.is_judged else "  not judged"
        print(f"  {count.held:3} of {count.runs}  {count.sentence}{remark}")
    for number, run in enumerate(runs, 1):
        for error in run["errors"]:
            print(f"  run {number}: {error.splitlines()[0][:160]}", flush=True)
    return counts


def status_table(counts: list[Count], runs: int) -> str:
    """Return the section of the status page: each notebook, then each claim that ever failed."""
    rows, judged = [], [count for count in counts if count.is_judged]
    for notebook, group in groupby(counts, lambda count: count.notebook):
        mine = list(group)
        held = [count.held for count in mine if count.is_judged]
        weakest = f"{min(held, default=runs)} of {runs}"
        rows.append((notebook, len(held), held.count(runs), weakest, len(mine) - len(held)))
    titles = "notebook", "claims", "held in every run", "weakest", "about the shown run only"
    section = f"""## Claims

Each notebook was run {runs} times with all seeds and splits shifted
(`python tools/replicate.py --seeds {runs}`). A claim is to hold in nine of ten runs.

{table(titles, rows)}"""
    weaker = sorted((c for c in judged if c.held < runs), key=lambda count: count.held)
    if weaker:
        section += "\nThose that did not hold in every run, the weakest first:\n\n"
        rows = [(count.notebook[:2], count.sentence, f"{count.held} of {runs}") for count in weaker]
        section += table(("notebook", "claim", "held"), rows)
    return section


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when every claim held often enough."""
    parser = parser_for(__doc__)
    parser.add_argument("--seeds", type=int, default=20, metavar="N", help="runs of each notebook")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="runs at the same time")
    parser.add_argument("--anew", action="store_true", help="forget earlier results")
    parser.add_argument("--status", action="store_true", help="write the table into STATUS.md")
    options = parser.parse_args(arguments)
    if options.anew:
        shutil.rmtree(KEPT, ignore_errors=True)
    counts = []
    for path in options.notebooks:
        counts += report(path, runs_of(path, options.seeds, options.jobs))
    weak = [count for count in counts if count.is_weak]
    print(f"\n{len(counts)} claims, {len(weak)} held in fewer than nine of ten runs")
    if options.status:
        write_section("claims", status_table(counts, options.seeds))
    return int(bool(weak) or not counts)


if __name__ == "__main__":
    sys.exit(main())
