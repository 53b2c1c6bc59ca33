"""Make virtual environments with a chosen Python and the oldest or the newest allowed packages.

The ranges stand in requirements.txt and nowhere else. "newest" is what pip chooses from them,
"oldest" holds each package named there at its lower bound; what those need in turn is left to pip.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement

from lossutils.installation import REQUIREMENTS, read_ranges

ROOT = REQUIREMENTS.parent
ENDS = ("oldest", "newest")
PRINT_VERSIONS = """
from lossutils.installation import installed_build, read_ranges
print(", ".join(" ".join(installed_build(wanted.name)) for wanted in read_ranges()))
"""


def lower_bounds(ranges: Iterable[Requirement]) -> list[str]:
    """Return `name==bound` for each range.

    Raises ValueError for a range without exactly one lower bound.

    >>> lower_bounds([Requirement("numpy>=2.1,<3")])
    ['numpy==2.1']
    """
    pins = []
    for wanted in ranges:
        bounds = [part.version for part in wanted.specifier if part.operator == ">="]
        if len(bounds) != 1:
            raise ValueError(f"{wanted}: wanted one lower bound (>=), found {len(bounds)}")
        pins.append(f"{wanted.name}=={bounds[0]}")
    return pins


def find_python(version: str) -> str | None:
    """Return the interpreter of a version such as "3.12", None where there is none."""
    for candidate in _candidates(version):
        script = "import sys; print('%d.%d' % sys.version_info[:2])"
        try:
            done = subprocess.run([candidate, "-c", script], capture_output=True, text=True)
        except OSError:
            continue
        # pyenv puts a command for each of its versions on the path, and most of them only fail.
        if done.stdout.strip() == version:
            return candidate
    return None


def _candidates(version: str) -> Iterator[str]:
    yield sys.executable
    if found := shutil.which(f"python{version}"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python")))


def interpreter(environment: Path) -> Path:
    """Return the Python of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make(environment: Path, python: str, ends: str) -> Path:
    """Make a virtual environment, unless it is there for these ranges, and return its Python.

    Raises subprocess.CalledProcessError when pip finds no such packages.
    """
    ranges = REQUIREMENTS.read_text(encoding="utf-8")
    finished = environment / "finished"  # written last: an installation may be broken off
    inside = interpreter(environment)
    if finished.exists() and finished.read_text(encoding="utf-8") == ranges:
        return inside
    subprocess.run([python, "-m", "venv", "--clear", environment], check=True)
    command = [inside, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS]
    if ends == "oldest":
        constraints = environment / "constraints.txt"
        constraints.write_text("\n".join(lower_bounds(read_ranges())) + "\n", encoding="utf-8")
        command += ["-c", constraints]
    subprocess.run(command, cwd=ROOT, check=True)
    finished.write_text(ranges, encoding="utf-8")
    return inside


def versions(python: Path) -> str:
    """Return what is installed of requirements.txt in the environment of an interpreter."""
    command = [python, "-c", PRINT_VERSIONS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
