r"""Try the notebooks in other environments, and the installation that Binder makes.

    nox -f tools/noxfile.py -s drift [-p 3.12] [-k oldest] \
        [-- --threads 1 --onednn 0 --processor avx2 NOTEBOOK]
    nox -f tools/noxfile.py -s hosted [-k colab] [-- NOTEBOOK]
    nox -f tools/noxfile.py -s binder
    nox -f tools/noxfile.py -s renew
    nox -f tools/noxfile.py -s release -- 0.2.0

drift: do the notebooks say the same everywhere? They are compared with their stored outputs as the
tests do it: to the letter, but for the bytes of pictures. A session is a Python with the oldest or
the newest allowed packages. In each, all notebooks run with 1 and 2 threads, and with oneDNN on and
off. --processor avx2 and sse4 make the libraries pretend that this processor knows no AVX-512, or
no AVX at all; results move more by that than by anything else here. The environments are kept in
build/nox. (pyenv shows its versions only when told: `pyenv shell 3.11 3.12 3.13`.)

hosted: the packages of Colab and of Kaggle, without the module. The first cell of a notebook
installs it, tools/hosted.py says what prints something else, in STATUS.md if no notebook is named,
and sliders are moved, by their unit tests.

binder: the steps of Binder's build, without Docker, in a fresh environment. It starts, like Binder,
from the versions that repo2docker installs before it looks at our files, and ends with a notebook
that trains.

renew: for new releases, after the ranges in requirements.txt were moved by hand. It pins anew what
Binder installs, installs that, and executes and stores all notebooks with it.

release: the pins, the version, and the text of the tag, ready to be committed.
"""

import argparse
import os
import re
import shutil
import sys
from functools import partial
from glob import glob
from itertools import product
from pathlib import Path

import nox
import repo2docker
from nox.command import CommandFailed

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from hosted import compared, is_explained, section  # noqa: E402
from kernel_runs import COMPARE, PROCESSORS, SHOW_FIGURES  # noqa: E402
from status_sections import write_section  # noqa: E402

# Those of TensorFlow, and one that NumPy, SciPy and scikit-learn heed.
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
PYTHON = (ROOT / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")
DOCKERFILE = (sys.executable, "-m", "repo2docker", "--no-build", "--debug", ".")
# What Colab listed in August 2026 (github.com/googlecolab/backend-info); Kaggle builds on the same.
HOSTS = {"colab": "ipywidgets==7.7.1", "kaggle": "ipywidgets==8.1.5"}
ON_EVERY_HOST = (
    *("tensorflow==2.20.0", "keras==3.13.2", "protobuf==5.29.6", "numpy==2.1.3", "scipy==1.16.3"),
    *("scikit-learn==1.6.1", "matplotlib==3.10.0", "ipython==7.34.0", "ipykernel==6.17.1"),
    *("packaging", "psutil", "pip"),
)
LEFT_OUT = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__")
nox.options.envdir = str(ROOT / "build" / "nox")
nox.options.sessions = ["drift"]
nox.options.error_on_missing_interpreters = True


def chosen(arguments: list[str]) -> tuple[list[tuple[int, int, str]], list[str]]:
    """Return what was asked for after the double dash: settings and notebooks.

    A setting is a number of threads, whether oneDNN is on, and a processor.
    """
    parser = argparse.ArgumentParser(prog="nox -s drift --")
    only = partial(parser.add_argument, action="append", help="only this; may be repeated")
    only("--threads", type=int, choices=(1, 2))
    only("--onednn", type=int, choices=(0, 1))
    only("--processor", choices=PROCESSORS)
    parser.add_argument("notebooks", nargs="*", default=["notebooks"], metavar="NOTEBOOK")
    options = parser.parse_args(arguments)
    wanted = options.threads or (1, 2), options.onednn or (0, 1), options.processor or ["native"]
    return list(product(*wanted)), options.notebooks


def variables(threads: int, onednn: int, processor: str) -> dict[str, str]:
    """Return the environment variables of a process that runs in a setting."""
    limits = dict.fromkeys(THREADS, str(threads))
    return limits | PROCESSORS[processor] | {"TF_ENABLE_ONEDNN_OPTS": str(onednn)}


@nox.session(python=["3.11", "3.12", "3.13"], venv_backend="uv", reuse_venv=True)
@nox.parametrize("ends", ["lowest-direct", "highest"], ids=["oldest", "newest"])
def drift(session: nox.Session, ends: str) -> None:
    """Compare every notebook with its stored outputs, in each setting."""
    settings, notebooks = chosen(session.posargs)
    session.chdir(ROOT)
    session.install("--upgrade", "--resolution", ends, "-r", "requirements.txt")
    session.install("pytest", "nbval")
    differing = []
    for setting in settings:
        session.log("threads %d, oneDNN %d, processor %s", *setting)
        command = [*cores(setting[0]), "python", *COMPARE, *notebooks]
        try:
            session.run(*command, env=variables(*setting), external=True)
        except CommandFailed:
            differing.append(setting)
    if differing:
        session.error(f"differs with (threads, oneDNN, processor) = {differing}")


@nox.session(python="3.13", venv_backend="uv")
@nox.parametrize("host", list(HOSTS), ids=list(HOSTS))
def hosted(session: nox.Session, host: str) -> None:
    """Run a copy of every notebook as a host would, compare, and move sliders."""
    session.install(*ON_EVERY_HOST, HOSTS[host], "pytest", "nbval")
    own = Path(session.create_tmp())
    shutil.copytree(ROOT, own / "copy", ignore=LEFT_OUT, dirs_exist_ok=True)
    session.chdir(own / "copy")
    # Matplotlib keeps a list of fonts; one from home may name fonts of an environment that is gone.
    session.env.update(SHOW_FIGURES | {"MPLCONFIGDIR": str(own)}, PYTHONPATH=None)
    report, notebooks = own / "report.xml", session.posargs or sorted(glob("notebooks/*.ipynb"))
    session.run("python", *COMPARE, f"--junitxml={report}", *notebooks, success_codes=[0, 1])
    found = compared(report, notebooks)
    print(section(host, found))
    if not session.posargs:
        write_section(host, section(host, found))
    session.run("python", *COMPARE, "--noconftest", "tests/unit/test_widgets.py")
    if not is_explained(found):
        session.error("a cell prints something else, and tools/hosted.py does not say why")


def cores(number: int) -> list[str]:
    """Return what goes before a command that is to have so many cores, where that is known.

    The variables alone would leave a library that counts cores with all of them.
    """
    if not shutil.which("taskset"):
        return []
    mine = sorted(os.sched_getaffinity(0))[:number]
    return ["taskset", "--cpu-list", ",".join(map(str, mine))]


@nox.session(python=PYTHON, venv_backend="uv", venv_params=["--seed"])
def binder(session: nox.Session) -> None:
    """Run all steps of Binder's build, then a notebook that trains."""
    session.chdir(ROOT)
    dockerfile = session.run(*DOCKERFILE, silent=True, external=True)
    prefix = session.virtualenv.location
    image = {"KERNEL_PYTHON_PREFIX": prefix, "NB_PYTHON_PREFIX": prefix, "REPO_DIR": str(ROOT)}
    session.install(*base_pins(PYTHON))
    for step in binder_steps(dockerfile):
        session.run("bash", "-ec", step, env=image, external=True)
    session.run("python", "-m", "pip", "check")
    trains = "notebooks/01_anatomy_of_a_loss.ipynb"
    for command in (["python", "-m", "lossutils"], ["jupyter", "execute", trains]):
        session.run("binder/start", *command, external=True)


@nox.session(python=PYTHON, venv_backend="uv")
def renew(session: nox.Session) -> None:
    """Pin the newest allowed versions for Binder, and execute the notebooks with them."""
    session.chdir(ROOT)
    pin(session)
    session.install("-r", "binder/requirements.txt")
    session.run("python", "tools/execute.py", *session.posargs)


@nox.session(venv_backend="none")
def release(session: nox.Session) -> None:
    """Pin the newest allowed versions for Binder, and prepare the version that is named."""
    session.chdir(ROOT)
    pin(session)
    session.run(sys.executable, "tools/publish.py", "--release", *session.posargs)


def pin(session: nox.Session) -> None:
    """Write what Binder installs: the newest allowed versions."""
    wanted = Path(session.create_tmp()) / "wanted.txt"
    wanted.write_text(wanted_by_binder((ROOT / "requirements.txt").read_text(encoding="utf-8")))
    newest = ("uv", "pip", "compile", "--upgrade", f"--python-version={PYTHON}", str(wanted))
    header = ("--no-annotate", "--custom-compile-command=nox -f tools/noxfile.py -s renew")
    session.run(*newest, *header, "--quiet", "--output-file=binder/requirements.txt", external=True)


def wanted_by_binder(requirements: str) -> str:
    """Return what a reader installs with TensorFlow's CPU build, and Binder's own `notebook`.

    That build is half the size. Binder runs on Linux, x86-64.
    """
    return requirements.replace("tensorflow>", "tensorflow-cpu>") + "notebook>=7\n"


def binder_steps(dockerfile: str) -> list[str]:
    """Return the commands of a Dockerfile that use the files in binder/.

    Raises ValueError if nothing is installed from there.
    """
    steps = re.findall(r"^RUN (.*binder/.*)$", dockerfile, flags=re.MULTILINE)
    if not any("pip install" in step for step in steps):
        raise ValueError("Binder would not install what stands in binder/")
    return steps


def base_pins(python: str) -> list[str]:
    """Return `name==version` of the Jupyter that repo2docker installs before our files."""
    folder = Path(repo2docker.__file__).parent / "buildpacks" / "conda"
    lock = (folder / f"environment.py-{python}-linux-64.lock").read_text(encoding="utf-8")
    # Conda divides some of them: jupyterhub-base and jupyterhub-singleuser are jupyterhub.
    name = r"((?:ipy|jupyter|nb|notebook)[\w-]*?)(?:-base|-core|-singleuser)?"
    return sorted({"==".join(pin) for pin in re.findall(rf"/{name}-(\d[^-]*)-", lock)})
