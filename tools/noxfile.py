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
installs it, tools/hosted.py says in STATUS.md what prints something else, a slider is moved.

binder: the steps of Binder's build, without Docker, in a fresh environment. It starts, like Binder,
from the versions that repo2docker installs before it looks at our files, and ends with a real
training step.

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
from itertools import product
from pathlib import Path

import nox
import repo2docker
from nox.command import CommandFailed

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from kernel_runs import COMPARE, PROCESSORS  # noqa: E402

THREADS = (
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
)
RUNTIME = (ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8").strip()
DOCKERFILE = (sys.executable, "-m", "repo2docker", "--no-build", "--debug", ".")
BASE_PACKAGES = (
    *("ipykernel", "ipywidgets", "jupyter-offlinenotebook", "jupyter-resource-usage"),
    *("jupyter_server", "jupyterhub-base", "jupyterlab", "notebook"),
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
# What Colab listed in August 2026 (github.com/googlecolab/backend-info); Kaggle builds on the same.
HOSTS = {"colab": "ipywidgets==7.7.1", "kaggle": "ipywidgets==8.1.5"}
ON_EVERY_HOST = (
    *("tensorflow==2.20.0", "keras==3.13.2", "protobuf==5.29.6", "numpy==2.1.3", "scipy==1.16.3"),
    *("scikit-learn==1.6.1", "matplotlib==3.10.0", "ipython==7.34.0", "ipykernel==6.17.1"),
    *("packaging", "psutil", "pip"),
)
MOVE_A_SLIDER = """
from lossutils.teaching import new_figure, slider
from lossutils.teaching.widgets import build_explorer
explorer = build_explorer(lambda k: new_figure()[0], alt="Nothing.", k=slider("k", 0, 9, 1, 1))
explorer.controls["k"].value = 5
assert explorer.redraws == 1 and explorer.message.value.count("<b") == 0
shown = explorer.mimebundle()
view = shown["application/vnd.jupyter.widget-view+json"]
assert view["model_id"] == explorer.widget.model_id and "<img" in shown["text/html"]
print("moved a slider")
"""
nox.options.envdir = str(ROOT / "build" / "nox")
nox.options.sessions = ["drift"]
nox.options.error_on_missing_interpreters = True


def chosen(arguments: list[str]) -> argparse.Namespace:
    """Return what was asked for after the double dash."""
    parser = argparse.ArgumentParser(prog="nox -s drift --")
    only = partial(parser.add_argument, action="append", help="only this; may be repeated")
    only("--threads", type=int, choices=(1, 2))
    only("--onednn", type=int, choices=(0, 1))
    only("--processor", choices=PROCESSORS)
    parser.add_argument("notebooks", nargs="*", default=["notebooks"], metavar="NOTEBOOK")
    return parser.parse_args(arguments)


def settings(options: argparse.Namespace) -> list[tuple[int, int, str]]:
    """Return the settings asked for: threads, oneDNN and processor."""
    wanted = options.threads or (1, 2), options.onednn or (0, 1), options.processor or ["native"]
    return list(product(*wanted))


def variables(threads: int, onednn: int, processor: str) -> dict[str, str]:
    """Return the environment variables of a process that runs in a setting."""
    limits = dict.fromkeys(THREADS, str(threads))
    return limits | PROCESSORS[processor] | {"TF_ENABLE_ONEDNN_OPTS": str(onednn)}


@nox.session(python=["3.11", "3.12", "3.13"], venv_backend="uv", reuse_venv=True)
@nox.parametrize("ends", ["lowest-direct", "highest"], ids=["oldest", "newest"])
def drift(session: nox.Session, ends: str) -> None:
    """Compare every notebook with its stored outputs, in each setting."""
    options = chosen(session.posargs)
    session.chdir(ROOT)
    session.install("--upgrade", "--resolution", ends, "-r", "requirements.txt")
    session.install("pytest", "nbval")
    differing = []
    for setting in settings(options):
        session.log("threads %d, oneDNN %d, processor %s", *setting)
        command = [*cores(setting[0]), "python", *COMPARE, *options.notebooks]
        try:
            session.run(*command, env=variables(*setting), external=True)
        except CommandFailed:
            differing.append(setting)
    if differing:
        session.error(f"differs with (threads, oneDNN, processor) = {differing}")


@nox.session(python="3.13", venv_backend="uv")
@nox.parametrize("host", list(HOSTS), ids=list(HOSTS))
def hosted(session: nox.Session, host: str) -> None:
    """Run every notebook as a host would, and compare."""
    session.chdir(ROOT)
    session.install(*ON_EVERY_HOST, HOSTS[host])
    own = Path(session.create_tmp())
    install = ("-m", "ipykernel", "install", f"--prefix={own}", f"--name={host}")
    session.run("python", *install, silent=True)
    compare = (sys.executable, "tools/hosted.py", f"--kernel={host}", "--status", *session.posargs)
    # Matplotlib keeps a list of fonts; one from home may name fonts of an environment that is gone.
    places = {"JUPYTER_PATH": str(own / "share" / "jupyter"), "MPLCONFIGDIR": str(own)}
    session.run(*compare, env=places, external=True)
    session.run("python", "-c", MOVE_A_SLIDER)


def cores(number: int) -> list[str]:
    """Return what goes before a command that is to have so many cores, where that is known.

    The variables alone would leave a library that counts cores with all of them.
    """
    if not shutil.which("taskset"):
        return []
    mine = sorted(os.sched_getaffinity(0))[:number]
    return ["taskset", "--cpu-list", ",".join(map(str, mine))]


@nox.session(python=RUNTIME.removeprefix("python-"), venv_backend="venv")
def binder(session: nox.Session) -> None:
    """Run all steps of Binder's build, then one training step."""
    session.chdir(ROOT)
    dockerfile = session.run(*DOCKERFILE, silent=True, external=True)
    prefix = session.virtualenv.location
    image = {"KERNEL_PYTHON_PREFIX": prefix, "NB_PYTHON_PREFIX": prefix, "REPO_DIR": str(ROOT)}
    session.install(*base_pins(session.python))
    for step in binder_steps(dockerfile):
        session.run("bash", "-ec", step, env=image, external=True)
    session.run("python", "-m", "pip", "check")
    for code in (["-m", "lossutils"], ["-c", TRAIN_ONE_STEP]):
        session.run("binder/start", "python", *code, external=True)


@nox.session(python=RUNTIME.removeprefix("python-"), venv_backend="uv")
def renew(session: nox.Session) -> None:
    """Pin the newest allowed versions for Binder, and execute the notebooks with them."""
    session.chdir(ROOT)
    pin(session)
    session.install("-r", "binder/requirements.txt")
    session.run("python", "tools/execute.py", *session.posargs)


@nox.session(python=RUNTIME.removeprefix("python-"), venv_backend="uv")
def release(session: nox.Session) -> None:
    """Pin the newest allowed versions for Binder, and prepare the version that is named."""
    session.chdir(ROOT)
    session.install("nbformat")
    pin(session)
    session.run("python", "tools/publish.py", "--release", *session.posargs)


def pin(session: nox.Session) -> None:
    """Write what Binder installs: the newest allowed versions."""
    pins = ROOT / "binder" / "requirements.txt"
    wanted = Path(session.create_tmp()) / "wanted.txt"
    wanted.write_text(wanted_by_binder((ROOT / "requirements.txt").read_text(encoding="utf-8")))
    resolve = (*("uv", "pip", "compile", "--no-header", "--no-annotate", "--quiet"), str(wanted))
    of_python = ("--python-version", session.python, "pyproject.toml")
    found = session.run(*resolve, *of_python, silent=True, external=True)
    comment = re.match(r"(#.*\n)+", pins.read_text(encoding="utf-8"))[0]
    pins.write_text(f"{comment}{found.strip()}\n-e .\n", encoding="utf-8", newline="\n")


def wanted_by_binder(requirements: str) -> str:
    """Return the ranges of a reader with TensorFlow's CPU build, and Binder's own `notebook`."""
    lines = requirements.replace("tensorflow>", "tensorflow-cpu>").splitlines()
    return "\n".join([line for line in lines if not line.startswith("-e")] + ["notebook>=7", ""])


def binder_steps(dockerfile: str) -> list[str]:
    """Return the commands of a Dockerfile that use the files in binder/.

    Raises ValueError if nothing is installed from there.
    """
    steps = re.findall(r"^RUN (.*binder/.*)$", dockerfile, flags=re.MULTILINE)
    if not any("pip install" in step for step in steps):
        raise ValueError("Binder would not install what stands in binder/")
    return steps


def base_pins(python: str) -> list[str]:
    """Return `name==version` of what repo2docker installs before our files, for one Python."""
    folder = Path(repo2docker.__file__).parent / "buildpacks" / "conda"
    lock = (folder / f"environment.py-{python}-linux-64.lock").read_text(encoding="utf-8")
    found = re.findall(rf"/({'|'.join(BASE_PACKAGES)})-(\d[^-]*)-", lock)
    return [f"{name.removesuffix('-base')}=={version}" for name, version in found]
