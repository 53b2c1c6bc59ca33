"""Check binder/ without Docker: render its Dockerfile, or run its steps in a fresh environment.

    python tools/check_binder.py              print the Dockerfile that repo2docker would build
    python tools/check_binder.py ENVIRONMENT  run the install steps in a new virtual environment

The second form starts, like Binder, from the versions that repo2docker installs before it looks at
our files. It needs the Python named in binder/runtime.txt, and ends with a real training step.
"""

import argparse
import os
import re
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from typing import Any

import repo2docker
from repo2docker.app import Repo2Docker

ROOT = Path(__file__).resolve().parents[1]
USER = {"NB_USER": "jovyan", "NB_UID": "1000"}
BASE_PACKAGES = (
    "ipykernel",
    "ipywidgets",
    "jupyter-offlinenotebook",
    "jupyter-resource-usage",
    "jupyter_server",
    "jupyterhub-base",
    "jupyterlab",
    "notebook",
)
TRAIN_ONE_STEP = """
import keras, numpy
from lossutils import huber
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", loss=huber(1.0))
before = model.get_weights()[0]
model.fit(numpy.ones((8, 2)), numpy.full((8, 1), 5.0), verbose=0)
assert (model.get_weights()[0] > before).all()
print("trained one step on", keras.backend.backend())
"""


def find_buildpack(root: Path = ROOT) -> Any:
    """Return the repo2docker buildpack that takes the repository (it looks at the current folder).

    Raises RuntimeError when it would not be built from binder/.
    """
    with chdir(root):
        application = Repo2Docker()
        packs = (pack(base_image=application.base_image) for pack in application.buildpacks)
        pack = next(pack for pack in packs if pack.detect())
        if pack.binder_dir != "binder":
            raise RuntimeError(f"{type(pack).__name__} would build from {pack.binder_dir!r}")
        pack.platform = "linux/amd64"
        return pack


def render_dockerfile(root: Path = ROOT) -> str:
    """Return the Dockerfile that Binder would build."""
    pack = find_buildpack(root)
    with chdir(root):
        return pack.render({"REPO_DIR": "/home/jovyan", **USER})


def base_pins(python: str) -> list[str]:
    """Return `name==version` of what repo2docker installs before our files, for one Python."""
    folder = Path(repo2docker.__file__).parent / "buildpacks" / "conda"
    lock = (folder / f"environment.py-{python}-linux-64.lock").read_text(encoding="utf-8")
    names = "|".join(BASE_PACKAGES)
    found = re.findall(rf"/({names})-(\d[^-]*)-", lock)
    return [f"{name.removesuffix('-base')}=={version}" for name, version in found]


def install_commands(pack: Any) -> list[str]:
    """Return the shell commands of the build that install our packages."""
    scripts = pack.get_preassemble_scripts() + pack.get_assemble_scripts()
    return [command for _, command in scripts if "pip install" in command]


def run(command: list[str], **options: Any) -> None:
    """Show a command, run it, and stop when it fails."""
    print("+", *command, flush=True)
    subprocess.run(command, check=True, **options)


def build(environment: Path, root: Path = ROOT) -> None:
    """Run all steps of the build in a new environment, then one training step.

    Raises RuntimeError for another Python than Binder's, CalledProcessError for a step that fails.
    """
    with chdir(root):
        pack = find_buildpack(root)
        running = f"{sys.version_info.major}.{sys.version_info.minor}"
        if pack.python_version != running:
            raise RuntimeError(f"run this with Python {pack.python_version}, not {running}")
        run([sys.executable, "-m", "venv", "--clear", str(environment)])
        python = str(environment / "bin" / "python")
        prefix = str(environment)
        variables = os.environ | {
            "PATH": f"{environment / 'bin'}:{os.environ['PATH']}",
            "KERNEL_PYTHON_PREFIX": prefix,
            "NB_PYTHON_PREFIX": prefix,
            "REPO_DIR": str(root),
        }
        run([python, "-m", "pip", "install", "-q", *base_pins(running)])
        for command in install_commands(pack):
            run(["bash", "-ec", command], env=variables)
        run([python, "-m", "pip", "check"])
        for script in pack.get_post_build_scripts():
            run([f"./{script}"], env=variables)
        start = [pack.get_start_script().replace("${REPO_DIR}", str(root)), python]
        run([*start, "-m", "lossutils"], env=variables)
        run([*start, "-c", TRAIN_ONE_STEP], env=variables)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environment", nargs="?", type=Path, help="folder to be made or replaced")
    options = parser.parse_args(arguments)
    if options.environment is None:
        print(render_dockerfile())
    else:
        build(options.environment.resolve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
