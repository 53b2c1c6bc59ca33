"""A private JupyterLab, a Chromium to look at it, and one notebook open in a page.

Nothing here knows what a widget should do: that is `widget_checks.py`. The pieces:

- `find_chromium()` gives the browser of this machine, or None.
- `jupyterlab(folder)` serves a folder on a free port of 127.0.0.1, with its own settings and token.
- `lab_page(browser, lab)` opens Lab in a page of the browser, which takes longer than a notebook.
- `open_notebook(page, name)` gives a `NotebookPage`, and closes it and its kernel afterwards, so
  one kernel lives at a time.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

COMMANDS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
MAC_PROGRAMS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
WINDOWS_PROGRAMS = (
    r"Google\Chrome\Application\chrome.exe",
    r"Chromium\Application\chrome.exe",
    r"Microsoft\Edge\Application\msedge.exe",
)
WINDOWS_FOLDERS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")

CHROMIUM_FLAGS = (
    "--no-sandbox",  # the sandbox refuses to start as root, as in most containers
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers give /dev/shm 64 MB, less than a Lab page wants
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

LAB_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    # Otherwise cells outside the window are not in the page.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}

# What is complained about although nothing is wrong with a notebook.
HARMLESS = (
    # Lab asks each new kernel for widgets; one that has not imported ipywidgets yet says this. A
    # widget that is really lost shows in the check: its picture does not change.
    r"^stderr: No such comm target registered: jupyter\.widget\.control\s*$",
    r"^stderr: No such comm: [0-9a-f-]{36}\s*$",
)

READY = """name => {
    const panel = jupyterapp.shell.currentWidget;
    const kernel = panel?.sessionContext?.session?.kernel;
    return !!(panel?.context?.isReady && panel.context.path === name && kernel
        && kernel.connectionStatus === 'connected' && kernel.status === 'idle');
}"""

# A traceback of a widget's callback belongs to no cell, so Lab does not show it: listen for it.
# A click that is on its way leaves the kernel idle still: note which messages are not handled yet.
LISTEN = """() => {
    window.kernelComplaints = [];
    window.unhandled = new Set();
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    kernel.iopubMessage.connect((_, message) => {
        const {header, content} = message;
        if (header.msg_type === 'error') {
            window.kernelComplaints.push(content.ename + ': ' + content.evalue);
        } else if (header.msg_type === 'stream' && content.name === 'stderr') {
            window.kernelComplaints.push('stderr: ' + content.text);
        }
    });
    kernel.anyMessage.connect((_, {msg, direction}) => {
        const type = msg.header.msg_type;
        if (direction === 'send' && type === 'comm_msg') {
            window.unhandled.add(msg.header.msg_id);
        } else if (type === 'status' && msg.content.execution_state === 'idle') {
            window.unhandled.delete(msg.parent_header.msg_id);
        }
    });
}"""

RUN_ALL = """milliseconds => Promise.race([
    jupyterapp.commands.execute('notebook:run-all-cells').then(() => 'finished'),
    new Promise(resolve => setTimeout(() => resolve('timeout'), milliseconds)),
])"""

EXECUTE = """async code => {
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const {content} = await kernel.requestExecute({code, store_history: false}).done;
    return content.status === 'ok' ? null : content.evalue;
}"""
CELLS = "() => jupyterapp.shell.currentWidget.content.model.toJSON().cells"
KERNEL_IDLE = """() => window.unhandled.size === 0
    && jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"""
OPEN = "path => { jupyterapp.commands.execute('docmanager:open', {path}); }"
CLOSE = """async () => {
    const panel = jupyterapp.shell.currentWidget;
    await panel.sessionContext.shutdown();
    panel.context.model.dirty = false;  // or Lab would ask whether to store it
    panel.close();
}"""
VIEWPORT = {"width": 1280, "height": 1000}


def find_chromium() -> str | None:
    """Return the path of a Chromium, Chrome or Edge, or None when there is none.

    The environment variable CHROMIUM comes first; a path in it that does not exist raises
    FileNotFoundError instead of quietly choosing another browser.
    """
    chosen = os.environ.get("CHROMIUM")
    if chosen:
        if not Path(chosen).is_file():
            raise FileNotFoundError(f"CHROMIUM names {chosen}, which does not exist")
        return chosen
    for command in COMMANDS:
        if path := shutil.which(command):
            return path
    return next((str(path) for path in _usual_programs() if path.is_file()), None)


def _usual_programs() -> Iterator[Path]:
    """Yield where browsers are installed on macOS and Windows, which do not put them on PATH."""
    yield from map(Path, MAC_PROGRAMS)
    for variable in WINDOWS_FOLDERS:
        if folder := os.environ.get(variable):
            yield from (Path(folder) / program for program in WINDOWS_PROGRAMS)


def until(condition: Callable[[], bool], seconds: float, what: str, pause: float = 0.03) -> None:
    """Poll `condition` until it is true; AssertionError naming `what` after `seconds`.

    Polling from Python, because `page.wait_for_function` takes the promise of an async function
    for an answer and returns at once. A page that is busy is better asked with longer pauses.
    """
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds:g} s"
        time.sleep(pause)


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address, its token, and the folder that it shows."""

    url: str
    token: str
    root: Path

    def get(self, path: str) -> object:
        """Return the JSON answer of the server to a GET of `path`."""
        request = urllib.request.Request(
            self.url + path, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)


@contextmanager
def jupyterlab(root: Path, private: Path) -> Iterator[Lab]:
    """Serve the notebooks of `root`; settings, logs and runtime files go to `private`."""
    config = private / "config"
    (config / "labconfig").mkdir(parents=True)
    overrides = config / "labconfig" / "default_setting_overrides.json"
    overrides.write_text(json.dumps(LAB_SETTINGS), encoding="utf-8")
    lab = Lab(f"http://127.0.0.1:{_free_port()}", secrets.token_hex(16), root)
    log_path = private / "lab.log"
    with log_path.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            _lab_command(lab), env=_lab_environment(private, config, lab), stdout=log, stderr=log
        )
        try:
            _wait_for_server(lab, process, log_path)
            yield lab
        finally:
            process.terminate()
            process.wait(30)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _lab_command(lab: Lab) -> list[str]:
    port = lab.url.rsplit(":", 1)[1]
    return [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={lab.root}",
        "--LabApp.expose_app_in_browser=True",
    ]


def _lab_environment(private: Path, config: Path, lab: Lab) -> dict[str, str]:
    """Keep the reader's own Jupyter settings out, and the token out of the list of processes."""
    return os.environ | {
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_DATA_DIR": str(private / "data"),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
        "IPYTHONDIR": str(private / "ipython"),
        "JUPYTER_TOKEN": lab.token,
    }


def _wait_for_server(lab: Lab, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            lab.get("/api/status")
            return
        except (urllib.error.URLError, OSError):
            alive = process.poll() is None and time.monotonic() < end
            assert alive, "JupyterLab did not start:\n" + log.read_text(encoding="utf-8")
            time.sleep(0.1)


@dataclass
class NotebookPage:
    """One notebook open in JupyterLab, with everything that the page complained about."""

    page: object
    name: str
    browser_complaints: list[str] = field(default_factory=list)

    def hear_console(self, message: object) -> None:
        """Note an error that is written to the console."""
        if message.type == "error":
            source = message.location.get("url", "")
            self.browser_complaints.append(f"console: {message.text} ({source})")

    def hear_error(self, error: object) -> None:
        """Note an error that nobody caught."""
        self.browser_complaints.append(f"page: {error}")

    def run_all(self, seconds: float = 240) -> None:
        """Run every cell; AssertionError for an error output, a cell not run, or no end in time."""
        outcome = self.page.evaluate(RUN_ALL, seconds * 1000)
        assert outcome == "finished", f"{self.name}: Run All took longer than {seconds:g} s"
        for number, cell in enumerate(self.cells(), start=1):
            if cell["cell_type"] != "code" or not "".join(cell["source"]).strip():
                continue
            errors = [o for o in cell["outputs"] if o["output_type"] == "error"]
            assert not errors, f"{self.where(number)}: {errors[0]['ename']}: {errors[0]['evalue']}"
            assert cell["execution_count"], f"{self.where(number)}: was not run"

    def execute(self, code: str) -> None:
        """Run code in the kernel beside the cells; AssertionError for what it raises."""
        error = self.page.evaluate(EXECUTE, code)
        assert error is None, f"{self.name}: {error}"

    def cells(self) -> list[dict]:
        """Return the cells as the page holds them now, outputs included."""
        return self.page.evaluate(CELLS)

    def where(self, number: int) -> str:
        """Return the words that name a cell, counted from 1 over cells of every type."""
        return f"{self.name}, cell {number}"

    def idle(self) -> bool:
        """Return whether the kernel has nothing to do and has handled every key and click."""
        return self.page.evaluate(KERNEL_IDLE)

    def complaints(self) -> list[str]:
        """Return what kernel, console and page complained about since the notebook was opened."""
        heard = self.browser_complaints + self.page.evaluate("() => window.kernelComplaints")
        return [text for text in heard if not any(re.search(p, text) for p in HARMLESS)]

    def forget_complaints(self) -> None:
        """Begin anew, for a page on which one widget after the other is checked."""
        self.browser_complaints.clear()
        self.page.evaluate("() => { window.kernelComplaints.length = 0; }")

    def assert_no_complaints(self) -> None:
        """AssertionError when anything was written to stderr, to the console, or raised."""
        complaints = self.complaints()
        assert not complaints, f"{self.name}: " + "\n".join(complaints)


def lab_page(browser: object, lab: Lab) -> object:
    """Return a page of the browser with Lab in it, where notebooks are opened one by one."""
    page = browser.new_context(viewport=VIEWPORT).new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{lab.url}/doc?token={lab.token}")
    page.wait_for_function("() => window.jupyterapp?.restored", timeout=60_000)
    return page


@contextmanager
def open_notebook(page: object, name: str) -> Iterator[NotebookPage]:
    """Open `name` in Lab; at the end shut its kernel down and close it."""
    notebook = NotebookPage(page, name)
    page.set_viewport_size(VIEWPORT)
    page.on("console", notebook.hear_console)
    page.on("pageerror", notebook.hear_error)
    try:
        page.evaluate(OPEN, name)
        page.wait_for_function(READY, arg=name, timeout=60_000)
        page.evaluate(LISTEN)
        yield notebook
    finally:
        page.remove_listener("console", notebook.hear_console)
        page.remove_listener("pageerror", notebook.hear_error)
        page.evaluate(CLOSE)
