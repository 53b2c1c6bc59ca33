"""The widgets of a notebook for a page without a kernel: recorded once, brought to life by live.js.

The site and the talks use it so, and a page of yours does the same:

1. `records = recordings_of(path, POSITIONS)`, one for each widget of a notebook, in its order;
2. `<div class="live-widget" {attributes(recording, address)}>` around its still picture, or
   `bring_to_life` for all widgets of a notebook; `address` is that of the widget's pictures, seen
   from the page; those for a phone, `as_narrow_script`, lie at `narrow_address(address)`, which
   `data-narrow` says;
3. in the page live.css, and live.js at its end (or with `defer`);
4. the pictures, `as_script(recording, address)`, as a file at that address: live.js loads it when
   the widget is touched for the first time. The files of a site that lies beside will do:
   ../site/widgets/NOTEBOOK-1.js. A page in one file holds them in a <script> instead.
"""

import base64
import gzip
import html
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from filelock import FileLock
from kernel_runs import ROOT, TOOLS, fingerprint, is_taken_away, run_cells
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

KEPT = ROOT / "build" / "widgets"
# What the pictures depend on, beside what a notebook imports.
DRAWS = (TOOLS / "recorder.py", ROOT / "lossutils" / "teaching" / "narrow.py")
POSITIONS = 60  # of a control that is alone
FIRST = f"import sys; sys.path.append({str(TOOLS)!r}); import recorder; recorder.watch()"
STILL_NOTE = "Run the notebook to "  # begins the note below a widget that is only a picture

Recording = dict[str, Any]


def recordings(paths: list[Path], most: int = POSITIONS) -> dict[str, list[Recording]]:
    """Return the records of the widgets of notebooks, by the stem of their files.

    What was recorded before, with the same code, is taken from build/widgets. RuntimeError for a
    notebook that fails.
    """
    return {path.stem: recordings_of(path, most) for path in paths}


def recordings_of(path: Path, most: int) -> list[Recording]:
    """Return the records of the widgets of one notebook."""
    return kept_of(path, most)["widgets"]


def narrow_figures(path: Path, most: int) -> dict[str, str]:
    """Return the figures of one notebook for a phone, by their alternative texts."""
    return kept_of(path, most)["narrow"]


def kept_of(path: Path, most: int) -> dict[str, Any]:
    """Return what recorder.py writes of one notebook, and keep it."""
    file = kept_file(path, most)
    with FileLock(KEPT / f"{path.stem}.lock"):  # two tests may want them at the same time
        if not file.exists():
            keep(file, record(path, most))
    return json.loads(gzip.decompress(file.read_bytes()))


def kept_file(path: Path, most: int) -> Path:
    """Return where the records of a notebook with its present code are kept."""
    KEPT.mkdir(parents=True, exist_ok=True)
    return KEPT / f"{path.stem}-{most}-{fingerprint(path, *DRAWS)}.json.gz"


def keep(file: Path, records: str) -> None:
    """Keep what recorder.py has written, instead of what was recorded with other code."""
    for older in file.parent.glob(f"{file.name.rpartition('-')[0]}-*"):
        older.unlink()
    fresh = file.with_suffix(".new")
    fresh.write_bytes(gzip.compress(records.encode()))
    fresh.replace(file)  # at once: another test may be looking for it


def recorded(path: Path) -> list[Recording]:
    """Return what was recorded with the present code, at the most positions; nothing if none was.

    It executes nothing.
    """
    files = KEPT.glob(f"{path.stem}-*-{fingerprint(path, *DRAWS)}.json.gz")
    most = {int(file.name.split("-")[-2]) for file in files}
    return recordings_of(path, max(most)) if most else []


def record(path: Path, most: int) -> str:
    """Execute a notebook, and return what recorder.py writes."""
    notebook = nbformat.read(path, as_version=4)
    if not widgets_of(notebook):
        return '{"widgets": [], "narrow": {}}'
    with TemporaryDirectory() as folder:
        file = Path(folder) / "records.json"
        cells = [cell for cell in notebook.cells if not is_taken_away(cell)]
        notebook.cells = [new_code_cell(FIRST), *cells]
        notebook.cells.append(new_code_cell(last(file, most)))
        try:
            run_cells(notebook, path.parent)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as failure:
            reason = getattr(failure, "ename", type(failure).__name__)
            raise RuntimeError(f"{path.name} cannot be recorded: {reason}: {failure}") from failure
        return file.read_text(encoding="utf-8")


def last(file: Path, most: int) -> str:
    """Return the code that comes after a notebook's own, as `FIRST` comes before it."""
    return f"recorder.record({str(file)!r}, {most})"


def widgets_of(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the outputs of a notebook that are the pictures of widgets."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [o for o in outputs if STILL_NOTE in o.get("data", {}).get("text/html", "")]


def bring_to_life(notebook: NotebookNode, records: list[Recording], folder: str) -> None:
    """Put the widgets into the outputs of a notebook, in place; `folder` is where scripts lie.

    Raises ValueError where the outputs are not those of the widgets that were recorded.
    """
    for output, recording, source in matched(notebook, records, folder):
        still = output.data["text/html"]  # is read where no script runs
        about = attributes(recording, source)
        if "narrow" in recording:
            about += f' data-narrow="{narrow_address(source)}"'
        output.data["text/html"] = f'<div class="live-widget" {about}>\n{still}\n</div>'


def matched(
    notebook: NotebookNode, records: list[Recording], folder: str
) -> Iterator[tuple[NotebookNode, Recording, str]]:
    """Give each output with a widget, its recording, and the address of its script.

    Raises ValueError where the outputs are not those of the widgets that were recorded.
    """
    outputs = widgets_of(notebook)
    stored = [output.data["text/plain"].partition(f" {STILL_NOTE}")[0] for output in outputs]
    if stored != [recording["alt"] for recording in records]:
        raise ValueError(f"{folder}: the stored widgets are not those that were recorded: {stored}")
    for number, (output, recording) in enumerate(zip(outputs, records, strict=True), start=1):
        yield output, recording, f"{folder}-{number}.js"


def attributes(recording: Recording, source: str) -> str:
    """Return what live.js reads of a widget: its controls, and the address of its script."""
    spec = {key: recording[key] for key in ("alt", "controls", "sliced")}
    spec |= {"plays": recording.get("plays", False), "note": note(recording)}
    data = html.escape(json.dumps(spec, ensure_ascii=False, separators=(",", ":")))
    return f'data-source="{source}" data-spec="{data}"'


def narrow_address(source: str) -> str:
    """Return the address of the pictures for a phone."""
    return source.replace(".js", "-narrow.js")


def note(recording: Recording) -> str:
    """Return the line that says where the pictures come from."""
    said = "These pictures were computed beforehand"
    if recording["sliced"]:
        return f"{said}: one slider moves, the others stand where they start. The notebook has all."
    return f"{said}." if recording["whole"] else f"{said}, for some settings. The notebook has all."


def as_script(recording: Recording, source: str) -> str:
    """Return the script that brings the pictures, under the address by which live.js asks."""
    pictures = {key: recording[key] for key in ("lines", "pictures", "titles")}
    return packed(pictures, source)


def as_narrow_script(recording: Recording, source: str) -> str:
    """Return the script that brings the pictures for a phone."""
    pictures = recording["narrow"] | {"titles": recording["titles"]}
    return packed(pictures, narrow_address(source))


def packed(pictures: dict[str, Any], source: str) -> str:
    """Return a script that puts pictures, packed, where live.js looks for them."""
    text = json.dumps(pictures, ensure_ascii=False, separators=(",", ":"))
    code = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    return f'(globalThis.LIVE_PICTURES ??= {{}})["{source}"] = "{code}";\n'
