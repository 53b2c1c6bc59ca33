"""tools/hosted.py: what prints something else is found in its cell, and needs a reason."""

import re
import subprocess
import sys
from pathlib import Path

import hosted
import nbformat
import pytest
from hosted import WHY
from kernel_runs import ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from status_sections import STATUS

REPORT = """<testsuites><testsuite>
<testcase classname="notebooks.01_page.ipynb" name="Cell 0"/>
<testcase classname="notebooks.01_page.ipynb" name="Cell 1"><failure>1 is not 2</failure></testcase>
</testsuite></testsuites>"""


def page(folder):
    """Write a notebook with two code cells; return its path."""
    cells = [new_code_cell(id="first"), new_markdown_cell(id="text"), new_code_cell(id="second")]
    path = folder / "01_page.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def compared(folder, text):
    """Return what is found in this report on the page."""
    (folder / "report.xml").write_text(text)
    return hosted.compared(folder / "report.xml", [str(page(folder))])


def test_a_failure_is_a_difference_of_its_cell_and_needs_a_reason(tmp_path, monkeypatch):
    found = compared(tmp_path, REPORT)
    assert found == {"01_page": {"first": True, "second": False}}
    assert not hosted.is_explained(found)
    monkeypatch.setitem(WHY, "01_page", {"second": "two is another number"})
    assert hosted.is_explained(found)
    said = hosted.section("colab", found)
    assert "## Colab\n" in said and said.endswith(
        "| 01_page | 1 of 2 | `second`: two is another number |\n"
    )


def test_a_notebook_that_did_not_run_is_a_failure(tmp_path):
    found = compared(tmp_path, "<testsuites/>")
    assert not hosted.is_explained(found) and "| 01_page | 0 of 2 |" in hosted.section("", found)


@pytest.mark.slow
def test_a_copy_is_run_and_its_report_is_read(tmp_path):
    path = Path("notebooks", "template", "NN_your_question.ipynb")
    here = ("-f", "tools/noxfile.py", "-s", "hosted(colab)", "--no-venv", "--no-install")
    command = [sys.executable, "-m", "nox", *here, "--envdir", str(tmp_path), "--", str(path)]
    before = STATUS.read_bytes()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (cells,) = re.findall(r"^\| NN_your_question \| (\d+) of \1 \|  \|$", done.stdout, re.MULTILINE)
    assert int(cells) > 5 and STATUS.read_bytes() == before
    assert (tmp_path / "hosted-colab" / "tmp" / "copy" / path).exists()


def test_every_reason_is_about_a_cell_that_is_there():
    for name, reasons in WHY.items():
        cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
        assert reasons.keys() <= {cell.id for cell in cells if cell.cell_type == "code"}
