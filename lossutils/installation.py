"""Check an installation: one line for each thing that matters, with its repair.

The ranges come from requirements.txt and from nowhere else. Nothing here needs TensorFlow, so
that a missing TensorFlow is a finding and not a crash.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `packaging` may be missing when the check starts
    from packaging.requirements import Requirement

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements.txt"
INSTALL_ALL = "in the folder of the collection run: python -m pip install -r requirements.txt"
NEEDED_BY_LOSSES = ("tensorflow", "keras", "numpy")  # of the package alone, in somebody's project
NEEDED_BYTES = 1_500_000_000  # one kernel stays below 1 GB; the rest is for Lab and the browser

# The same library under another name: the CPU build is what a small server installs.
OTHER_BUILDS = {"tensorflow": ("tensorflow", "tensorflow-cpu")}


@dataclass(frozen=True)
class Finding:
    """What was looked at (`subject`), what was found, and the repair; no repair: all is well.

    A finding with a repair that is no `fault` is a warning: it may well work as it is.
    """

    subject: str
    found: str
    repair: str = ""
    fault: bool = True

    @property
    def healthy(self) -> bool:
        """Whether nothing has to be repaired."""
        return not (self.repair and self.fault)

    def line(self, details: bool = True) -> str:
        """Return one line of text.

        Without `details` the line of a healthy finding is the same on every machine.

        >>> Finding("keras", "3.15.1").line()
        'ok   keras 3.15.1'
        >>> Finding("keras", "3.15.1").line(details=False)
        'ok   keras'
        >>> Finding("keras", "is not installed", "install it").line(details=False)
        'BAD  keras is not installed: repair: install it'
        >>> Finding("keras", "3.16 is not in the tested range", "get 3.15", fault=False).line()
        'note keras 3.16 is not in the tested range: if something fails: get 3.15'
        """
        if not self.healthy:
            return f"BAD  {self.subject} {self.found}: repair: {self.repair}"
        if self.repair:
            return f"note {self.subject} {self.found}: if something fails: {self.repair}"
        return f"ok   {self.subject} {self.found}" if details else f"ok   {self.subject}"


def how_to_install(name: str) -> str:
    """Return the repair for a missing package: that of the collection, or of the package alone."""
    return INSTALL_ALL if REQUIREMENTS.exists() else f"python -m pip install {name}"


def read_ranges(path: Path = REQUIREMENTS) -> list[Requirement]:
    """Return the packages of a requirements file with their ranges, without options like `-e .`."""
    from packaging.requirements import Requirement

    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def installed_build(
    name: str, version_of: Callable[[str], str] = importlib.metadata.version
) -> tuple[str, str] | None:
    """Return (name, version) of the build of a package that is installed, None without one."""
    for build in OTHER_BUILDS.get(name, (name,)):
        try:
            return build, version_of(build)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def check_package(
    requirement: Requirement, version_of: Callable[[str], str] = importlib.metadata.version
) -> Finding:
    """Compare the installed version of one package with its range.

    A version that was not tried is a warning; of what the losses need, another major version than
    that from which the range starts is a fault.
    """
    build = installed_build(requirement.name, version_of)
    if build is None:
        return Finding(requirement.name, "is not installed", how_to_install(requirement.name))
    name, version = build
    if not requirement.specifier.contains(version, prereleases=True):
        wanted = f"{name}{requirement.specifier}"
        found = f"{version} is not in the tested range {requirement.specifier}"
        repair = f'python -m pip install "{wanted}"'
        fault = requirement.name in NEEDED_BY_LOSSES and _is_far(version, requirement)
        return Finding(requirement.name, found, repair, fault)
    return Finding(requirement.name, version if name == requirement.name else f"{version} ({name})")


def _is_far(version: str, requirement: Requirement) -> bool:
    """Return whether a version has another major number than the lower end of a range."""
    from packaging.version import Version

    lower = (Version(end.version) for end in requirement.specifier if end.operator == ">=")
    return any(Version(version).major != end.major for end in lower)


def check_packages(path: Path = REQUIREMENTS) -> list[Finding]:
    """Compare all installed versions with the ranges of requirements.txt.

    Installed without the collection the package has no such file: then any version will do.
    """
    from packaging.requirements import Requirement

    alone = map(Requirement, NEEDED_BY_LOSSES)
    return [check_package(wanted) for wanted in (read_ranges(path) if path.exists() else alone)]


def check_python(version: str | None = None, wanted: str | None = None) -> Finding:
    """Compare the version of Python with the range that the package declares."""
    from packaging.specifiers import SpecifierSet

    version = version or platform.python_version()
    wanted = wanted or importlib.metadata.metadata("lossutils")["Requires-Python"]
    if not SpecifierSet(wanted).contains(version, prereleases=True):
        repair = f"make an environment with a Python in {wanted}, then {INSTALL_ALL}"
        return Finding("python", f"{version} is not in the tested range {wanted}", repair)
    return Finding("python", version)


def check_tensorflow_starts(
    loaded: Mapping[str, object] = sys.modules,
    run: Callable[..., subprocess.CompletedProcess] = subprocess.run,
) -> Finding:
    """Import TensorFlow in a process of its own: a library that it lacks must not end this one."""
    subject = "tensorflow starts"
    if "tensorflow" in loaded:
        return Finding(subject, "(already in use)")
    command = [sys.executable, "-c", "import tensorflow"]
    result = run(command, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return Finding(subject, "(tried)")
    last = (result.stderr.strip().splitlines() or [f"exit status {result.returncode}"])[-1]
    return Finding("tensorflow", f"does not start ({last})", how_to_install("tensorflow"))


def check_widgets(folders: Iterable[str | Path] | None = None) -> Finding:
    """Look for the JupyterLab side of ipywidgets, without which sliders stay text."""
    if folders is None:
        from jupyter_core.paths import jupyter_path

        folders = jupyter_path("labextensions")
    for folder in folders:
        manifest = Path(folder) / "@jupyter-widgets" / "jupyterlab-manager" / "package.json"
        if manifest.exists():
            version = json.loads(manifest.read_text(encoding="utf-8"))["version"]
            return Finding("widgets in JupyterLab", version)
    repair = "python -m pip install --force-reinstall jupyterlab_widgets, then restart JupyterLab"
    return Finding("widgets in JupyterLab", "cannot be shown: its extension is missing", repair)


def usable_memory(free: int, own: int, group: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the bytes this process may use: what is free, plus what it already holds.

    A container (Binder, a JupyterHub) sees the memory of its host but may use less: its limit
    is in the files `memory.max` and `memory.current` of its control group.
    """
    try:
        limit = int((group / "memory.max").read_text())
        free = min(free, limit - int((group / "memory.current").read_text()))
    except (OSError, ValueError):  # no control group, or "max": no limit
        pass
    return free + own


def check_memory(usable: int | None = None) -> Finding:
    """Compare the memory that a notebook may use with what one needs, both in bytes."""
    if usable is None:
        import psutil

        own = psutil.Process(os.getpid()).memory_info().rss
        usable = usable_memory(psutil.virtual_memory().available, own)
    found = f"{usable / 1e9:.1f} GB"
    if usable < NEEDED_BYTES:
        repair = "shut down other notebooks (menu Kernel, Shut Down All Kernels) or other programs"
        return Finding("memory", f"{found} is less than {NEEDED_BYTES / 1e9:.1f} GB", repair)
    return Finding("memory", found)


def check_writing(folder: Path | None = None) -> Finding:
    """Write a temporary file where the notebooks save theirs: in the current folder."""
    folder = folder or Path.cwd()
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Finding("write access", f"in {folder}")
    except OSError as error:
        found = f"is missing in {folder} ({error.strerror})"
        return Finding("write access", found, "copy the collection to a folder of your own")


def configured_backend(
    environment: Mapping[str, str] = os.environ, loaded: Mapping[str, object] = sys.modules
) -> str:
    """Return the name of the backend that Keras uses, or would use if it were imported now."""
    if "keras" in loaded:
        return loaded["keras"].config.backend()
    if environment.get("KERAS_BACKEND"):
        return environment["KERAS_BACKEND"]
    home = Path(environment.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return json.loads((home / "keras.json").read_text(encoding="utf-8"))["backend"]
    except (OSError, ValueError, KeyError):  # Keras falls back to TensorFlow as well
        return "tensorflow"


def check_backend(backend: str | None = None) -> Finding:
    """The collection needs Keras on TensorFlow."""
    backend = backend or configured_backend()
    if backend != "tensorflow":
        repair = "set the environment variable KERAS_BACKEND=tensorflow and restart the kernel"
        return Finding("keras backend", f"is {backend}, not tensorflow", repair)
    return Finding("keras backend", backend)


def require_tensorflow() -> None:
    """Raise ImportError where the losses cannot work: another backend, or no TensorFlow."""
    backend = configured_backend()
    if backend != "tensorflow":
        raise ImportError(
            f"lossutils needs Keras on TensorFlow, but the backend of Keras is {backend!r}: set "
            "the environment variable KERAS_BACKEND=tensorflow before Python starts."
        )
    if importlib.util.find_spec("tensorflow") is None:
        repair = how_to_install("tensorflow")
        raise ImportError(f"lossutils needs TensorFlow, which is not installed: {repair}")


def all_checks() -> list[Callable[[], Finding | list[Finding]]]:
    """Return the checks in the order in which they are reported."""
    of_notebooks = [check_widgets, check_memory, check_writing] if REQUIREMENTS.exists() else []
    return [check_python, check_packages, check_tensorflow_starts, *of_notebooks, check_backend]


def inspect_installation(
    checks: Iterable[Callable[[], Finding | list[Finding]]] | None = None,
) -> list[Finding]:
    """Run the checks; a package that a check itself lacks becomes a finding too."""
    findings: list[Finding] = []
    for check in all_checks() if checks is None else checks:
        try:
            result = check()
        except ModuleNotFoundError as missing:
            name = str(missing.name)
            result = Finding(name, "is not installed", how_to_install(name))
        new = result if isinstance(result, list) else [result]
        findings += [finding for finding in new if finding not in findings]
    return findings


def report(findings: list[Finding], details: bool) -> str:
    """Return the lines of all findings and one that sums them up."""
    bad = sum(not finding.healthy for finding in findings)
    total = "This installation is ready." if not bad else f"To repair: {bad}."
    return "\n".join([finding.line(details) for finding in findings] + [total])


def check_installation(details: bool = False) -> None:
    """Print one line for each thing that matters, with a repair where something is wrong.

    Without `details` (versions, gigabytes) a healthy installation prints the same text
    everywhere, so that a notebook can store it.
    """
    print(report(inspect_installation(), details))


def main() -> int:
    """Print the report with details; return 1 when something is wrong, else 0."""
    findings = inspect_installation()
    print(report(findings, details=True))
    return int(not all(finding.healthy for finding in findings))
