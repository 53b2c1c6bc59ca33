"""tools/hosted.py: what prints something else is found in its cell, and needs a reason."""

import xml.etree.ElementTree as xml

import hosted
import nbformat
import pytest
from hosted import ROOT, WHY
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

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


def test_a_failure_is_a_difference_of_its_cell(tmp_path, monkeypatch):
    report = xml.ElementTree(xml.fromstring(REPORT))
    (found,) = hosted.comparisons(report, [page(tmp_path)])
    assert (found.cells, found.differing, found.unexplained) == (2, ["second"], ["second"])
    monkeypatch.setitem(WHY, "01_page", {"second": "two is another number"})
    assert not found.unexplained
    assert found.row() == "| 01_page | 1 of 2 | `second`: two is another number |"


def test_the_exit_status_tells_a_difference_without_a_reason(tmp_path, monkeypatch, capsys):
    report = xml.ElementTree(xml.fromstring(REPORT))
    monkeypatch.setattr(hosted, "run", lambda notebooks, kernel: report)
    arguments = ["--kernel", "colab", str(page(tmp_path))]
    assert hosted.main(arguments) == 1
    monkeypatch.setitem(WHY, "01_page", {"second": "two is another number"})
    assert hosted.main(arguments) == 0
    assert capsys.readouterr().out.count("| 01_page | 1 of 2 |") == 2


def test_a_notebook_that_did_not_run_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(hosted, "run", lambda *_: xml.ElementTree(xml.fromstring("<testsuites/>")))
    assert hosted.main(["--kernel", "colab", str(page(tmp_path))]) == 1


@pytest.mark.slow
def test_a_copy_runs_in_the_kernel_that_is_named(monkeypatch):
    (template,) = (ROOT / "notebooks" / "template").glob("*.ipynb")
    (found,) = hosted.comparisons(hosted.run([template], "python3"), [template])
    assert found.cells > 5 and found.differing == []


def test_every_reason_is_about_a_cell_that_is_there():
    for name, reasons in WHY.items():
        cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
        assert reasons.keys() <= {cell.id for cell in cells if cell.cell_type == "code"}
