"""Do the notebooks say the same everywhere? Run them under many settings and compare their texts.

    python tools/drift.py [--runs N] [--jobs J] [--python 3.12] [--ends oldest] [--threads 1]
                          [--onednn 0] [--processor avx2] [NOTEBOOK ...]

A setting is a Python, the oldest or the newest allowed packages, 1 or 2 threads, and oneDNN on or
off. Without options each of the 24 settings is run once; --runs N deals N runs to the settings in
turn. A run executes every notebook in a fresh kernel and compares what can be read below its cells,
to the letter, with what is stored. Pictures are not compared. --processor avx2 and sse4 make the
libraries pretend that this processor knows no AVX-512, or no AVX at all; results move more by that
than by anything else here.

Environments and results are kept in build/drift. What was run before is not run again, as long as
neither the notebook nor the module has changed; --anew forgets the results. The exit status is 1
if anything differed, did not run, or could not be tried.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product
from pathlib import Path

import environments
import nbformat
from environments import ROOT
from kernel_runs import Results, chosen
from text_outputs import differences

KEPT = ROOT / "build" / "drift"
PYTHONS, THREADS, ONEDNN = ("3.11", "3.12", "3.13"), (1, 2), (0, 1)
THREAD_VARIABLES = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)
# What XLA, oneDNN, OpenBLAS and NumPy may use of an Intel or AMD processor. NumPy names what it may
# not, and by other names before its version 2.4.
NO_AVX512 = "X86_V4 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
PROCESSORS = {
    "native": {},
    "avx2": {
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": NO_AVX512,
    },
    "sse4": {
        "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": f"{NO_AVX512} X86_V3 AVX F16C FMA3 AVX2",
    },
}
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@dataclass(frozen=True)
class Setting:
    """Where a notebook runs."""

    python: str
    ends: str
    threads: int
    onednn: int
    processor: str = "native"

    def __str__(self) -> str:
        switch = "on" if self.onednn else "off"
        columns = f"{self.python:6}  {self.ends:8}  {self.threads:7}  {switch:6}"
        return f"{columns}  {self.processor:9}"

    @property
    def environment(self) -> Path:
        """The folder of its virtual environment."""
        return KEPT / f"{self.python}-{self.ends}"

    def variables(self) -> dict[str, str]:
        """Return the environment variables of a process that runs in it."""
        threads = dict.fromkeys(THREAD_VARIABLES, str(self.threads))
        processor = PROCESSORS[self.processor]
        return threads | processor | {"TF_ENABLE_ONEDNN_OPTS": str(self.onednn)}


@dataclass(frozen=True)
class Task:
    """One notebook to be run in one setting; `run` tells the runs of that setting apart."""

    setting: Setting
    run: int
    notebook: Path

    @cached_property
    def key(self) -> str:
        """What its result is kept under; it changes with anything that is executed."""
        digest = hashlib.sha256()
        module = sorted(ROOT.glob("lossutils/**/*.py"))
        for path in [self.notebook, environments.REQUIREMENTS, *module]:
            digest.update(path.read_bytes())
        return f"{self.setting}  {self.run}  {self.notebook.name}  {digest.hexdigest()[:16]}"


def chosen_settings(options: argparse.Namespace) -> list[Setting]:
    """Return the settings asked for; Python changes from one to the next."""
    each = (
        options.processor or ["native"],
        options.onednn or ONEDNN,
        options.threads or THREADS,
        options.ends or environments.ENDS,
        options.python or PYTHONS,
    )
    return [Setting(*reversed(values)) for values in product(*each)]


def dealt(settings: list[Setting], runs: int, notebooks: list[Path]) -> list[Task]:
    """Return the tasks of `runs` runs, dealt to the settings in turn."""
    turns = [(settings[i % len(settings)], i // len(settings)) for i in range(runs)]
    return [Task(setting, run, notebook) for setting, run in turns for notebook in notebooks]


def execute(task: Task, position: int) -> list[str]:
    """Execute a notebook in the environment of its setting; return what differs."""
    if CORES:
        # Of this thread; the process that it starts inherits it. The variables alone would leave
        # a library that counts cores with all of them.
        mine = {CORES[(position + i) % len(CORES)] for i in range(task.setting.threads)}
        os.sched_setaffinity(0, mine)
    with tempfile.TemporaryDirectory() as folder:
        python = environments.interpreter(task.setting.environment)
        command = [python, ROOT / "tools" / "execute.py", "--to", folder, task.notebook]
        variables = os.environ | task.setting.variables()
        done = subprocess.run(command, env=variables, capture_output=True, text=True)
        result = Path(folder) / task.notebook.name
        if not result.exists():
            return [f"raised or warned: {done.stderr.strip()[-600:]}"]
        return differences(*(nbformat.read(path, as_version=4) for path in (task.notebook, result)))


def run_and_report(task: Task, position: int, results: Results) -> None:
    """Run one task, keep its result and print it."""
    problems = execute(task, position)
    results.add(task.key, problems)
    lines = [f"{task.setting}  {task.notebook.name:42}  {summary(problems)}", *problems]
    print("\n    ".join(lines), flush=True)


def summary(problems: list[str]) -> str:
    """Return "identical", or which cells are not.

    >>> summary(["cell 7: -1 +2", "cell 9: -3 +4"])
    'cell 7, cell 9'
    """
    return ", ".join(problem.split(":")[0] for problem in problems) or "identical"


def table(tasks: list[Task], results: Results) -> str:
    """Return one line for each setting: how many runs, and what differed in any of them."""
    lines = ["python  packages  threads  oneDNN  processor  runs  texts"]
    for setting in dict.fromkeys(task.setting for task in tasks):
        mine = [task for task in tasks if task.setting == setting]
        runs = len({task.run for task in mine})
        lines.append(f"{setting}  {runs:4}  {'; '.join(found(mine, results)) or 'identical'}")
    return "\n".join(lines)


def found(tasks: Iterable[Task], results: Results) -> list[str]:
    """Return for each notebook that differed its number and its cells."""
    by_notebook: dict[str, list[str]] = {}
    for task in tasks:
        problems = ["not tried"] if results.of(task.key) is None else results.of(task.key)
        by_notebook.setdefault(task.notebook.name[:2], []).extend(problems)
    return [
        f"{number}: {summary(list(dict.fromkeys(p.split(':')[0] for p in problems)))}"
        for number, problems in by_notebook.items()
        if problems
    ]


def prepare(settings: Iterable[Setting]) -> list[Setting]:
    """Make the environments; return the settings that have one, and say which have none."""
    ready = []
    for environment, setting in {s.environment: s for s in settings}.items():
        python = environments.find_python(setting.python)
        if python is None:
            print(f"Python {setting.python} is not on this machine")
            continue
        try:
            inside = environments.make(environment, python, setting.ends)
        except subprocess.CalledProcessError:
            print(f"{environment.name} could not be installed")
            continue
        print(f"{environment.name}: {environments.versions(inside)}", flush=True)
        ready.append(environment)
    return [setting for setting in settings if setting.environment in ready]


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, help="runs in all (default: one for each setting)")
    parser.add_argument("--jobs", type=int, default=1, help="notebooks at the same time")
    add = partial(parser.add_argument, action="append", help="only this; may be repeated")
    add("--python", choices=PYTHONS)
    add("--ends", choices=environments.ENDS)
    add("--threads", type=int, choices=THREADS)
    add("--onednn", type=int, choices=ONEDNN)
    add("--processor", choices=PROCESSORS)
    parser.add_argument("--anew", action="store_true", help="forget earlier results")
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when everything was tried and nothing differed."""
    options = parse(arguments)
    settings = chosen_settings(options)
    tasks = dealt(settings, options.runs or len(settings), chosen(options.notebooks))
    results = Results(KEPT / "results.jsonl", options.anew)
    ready = prepare(settings)
    waiting = [task for task in tasks if task.setting in ready and results.of(task.key) is None]
    print(f"{len(tasks)} executions, {len(waiting)} of them to do", flush=True)
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(lambda item: run_and_report(item[1], item[0], results), enumerate(waiting)))
    print("\n" + table(tasks, results))
    return int(any(results.of(task.key) != [] for task in tasks))


if __name__ == "__main__":
    sys.exit(main())
