"""tools/drift.py: a changed digit is seen, settings and bounds are what they should be.

One execution at the end: a notebook whose output is not what is stored is reported.
"""

import argparse
import subprocess
import sys
from importlib.metadata import version

import drift
import environments
import nbformat
import pytest
import text_outputs
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from packaging.requirements import Requirement

PICTURE = '<img src="data:image/png;base64,{}">'
NOT_CHOSEN = dict.fromkeys(("python", "ends", "threads", "onednn", "processor"))
EVERYTHING = argparse.Namespace(**NOT_CHOSEN)


def notebook(*outputs):
    """Return a notebook with a heading and one code cell that has these outputs."""
    return new_notebook(cells=[new_markdown_cell("# A"), new_code_cell("1", outputs=list(outputs))])


def printed(text):
    """Return what a cell printed."""
    return new_output("stream", name="stdout", text=text)


def shown(**data):
    """Return what a cell showed, such as html="..."."""
    kinds = {"plain": "text/plain", "html": "text/html", "png": "image/png"}
    return new_output("display_data", {kinds[name]: text for name, text in data.items()})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (printed("loss 0.123\n"), printed("loss 0.124\n")),
        (printed("True\n"), printed("True \n")),
        (shown(plain="1.0"), shown(plain="1.1")),
        (shown(html="<b>1</b>"), shown(html="<b>2</b>")),
        (printed("1"), new_output("stream", name="stderr", text="1")),
        (printed("1"), new_output("error", ename="ValueError", evalue="no")),
        (shown(plain="a"), shown(plain="a", html="a")),
        (shown(png="aaaa"), shown()),
    ],
)
def test_a_changed_letter_is_a_difference(old, new):
    (found,) = text_outputs.differences(notebook(old), notebook(new))
    assert found.startswith("cell 2: ")
    assert text_outputs.differences(notebook(old), notebook(old)) == []


def test_another_number_of_outputs_is_a_difference():
    assert text_outputs.differences(notebook(printed("1")), notebook()) != []


def test_of_a_picture_only_its_presence_is_compared():
    old, new = (notebook(shown(png=p, html=PICTURE.format(p))) for p in ("aaaa", "bbbb"))
    assert text_outputs.differences(old, new) == []
    changed = notebook(shown(png="aaaa", html=PICTURE.format("aaaa") + "more"))
    assert text_outputs.differences(old, changed) != []


def test_a_diff_shows_what_changed_and_stays_short():
    old, new = "same\na 1\n", "same\na 2\n"
    assert text_outputs.short_diff([old], [new]).split() == ["-a", "1", "+a", "2"]
    many = text_outputs.short_diff([""], ["x\n" * 100])
    assert len(many.splitlines()) <= text_outputs.MOST_LINES + 2 and "lines more" in many


def test_all_settings_are_tried_and_the_first_twenty_have_every_value():
    settings = drift.chosen_settings(EVERYTHING)
    assert len(set(settings)) == 24
    for name, values in (
        ("python", drift.PYTHONS),
        ("ends", environments.ENDS),
        ("threads", drift.THREADS),
        ("onednn", drift.ONEDNN),
    ):
        assert {getattr(setting, name) for setting in settings[:20]} == set(values)


def test_settings_can_be_chosen():
    options = drift.parse(["--python", "3.12", "--threads", "1", "--threads", "2"])
    assert len(drift.chosen_settings(options)) == 8


def test_a_setting_is_environment_variables():
    variables = drift.Setting("3.11", "newest", 1, 0).variables()
    assert variables["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert variables["TF_NUM_INTRAOP_THREADS"] == "1"
    assert "XLA_FLAGS" not in variables
    for processor, name in (("avx2", "AVX2"), ("sse4", "SSE4_2")):
        pretending = drift.Setting("3.11", "newest", 1, 0, processor).variables()
        assert pretending["XLA_FLAGS"].endswith(name) and "OPENBLAS_CORETYPE" in pretending


def test_runs_are_dealt_to_the_settings_in_turn(tmp_path):
    one, two = (drift.Setting("3.11", "newest", threads, 0) for threads in (1, 2))
    tasks = drift.dealt([one, two], 3, [tmp_path / "a", tmp_path / "b"])
    assert [(t.setting, t.run) for t in tasks[::2]] == [(one, 0), (two, 0), (one, 1)]
    assert [t.notebook.name for t in tasks] == ["a", "b"] * 3


def test_results_are_kept_until_the_notebook_changes(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text("first")
    setting = drift.Setting("3.11", "newest", 1, 0)
    drift.Results(tmp_path / "kept").add(drift.Task(setting, 0, path).key, ["cell 1: other"])
    again = drift.Results(tmp_path / "kept")
    assert again.of(drift.Task(setting, 0, path).key) == ["cell 1: other"]
    assert again.of(drift.Task(setting, 1, path).key) is None
    path.write_text("second")
    assert again.of(drift.Task(setting, 0, path).key) is None
    assert drift.Results(tmp_path / "kept", anew=True).values == {}


def test_the_table_names_what_differed_and_what_was_not_tried(tmp_path):
    path = tmp_path / "04_x.ipynb"
    path.write_text("")
    one, two = (drift.Setting("3.11", "newest", threads, 1) for threads in (1, 2))
    good, bad, waiting = (
        drift.Task(one, 0, path),
        drift.Task(two, 0, path),
        drift.Task(one, 1, path),
    )
    results = drift.Results(tmp_path / "kept")
    results.add(good.key, [])
    results.add(bad.key, ["cell 7: a", "cell 9: b"])
    lines = drift.table([good, bad], results).splitlines()
    assert lines[1].endswith("identical") and lines[2].endswith("04: cell 7, cell 9")
    assert "not tried" in drift.table([waiting], results)


def test_the_lower_bounds_become_pins():
    ranges = [Requirement("numpy>=2.1,<3"), Requirement("keras>=3.15,<3.16")]
    assert environments.lower_bounds(ranges) == ["numpy==2.1", "keras==3.15"]
    with pytest.raises(ValueError, match="numpy<3: wanted one lower bound"):
        environments.lower_bounds([Requirement("numpy<3")])


def test_every_range_of_a_reader_has_a_lower_bound():
    assert len(environments.lower_bounds(environments.read_ranges())) >= 8


def test_this_python_is_found_and_one_that_is_not_there_is_not():
    here = "{}.{}".format(*sys.version_info)
    assert environments.find_python(here) == sys.executable
    assert environments.find_python("2.0") is None


def test_a_python_that_is_missing_is_a_failure(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(environments, "find_python", lambda version: None)
    monkeypatch.setattr(drift, "KEPT", tmp_path)
    assert drift.main(["--python", "3.12"]) == 1
    assert "Python 3.12 is not on this machine" in capsys.readouterr().out


def test_packages_that_cannot_be_installed_are_a_failure(monkeypatch, tmp_path, capsys):
    def refuse(*_arguments):
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(environments, "make", refuse)
    monkeypatch.setattr(drift, "KEPT", tmp_path)
    here = "{}.{}".format(*sys.version_info)
    assert drift.main(["--python", here, "--ends", "oldest"]) == 1
    assert f"{here}-oldest could not be installed" in capsys.readouterr().out


def test_the_versions_of_an_environment_are_told():
    assert f"keras {version('keras')}" in environments.versions(sys.executable)


def test_a_notebook_that_says_something_else_is_reported(monkeypatch, tmp_path, capsys):
    path = tmp_path / "00_book.ipynb"
    book = new_notebook(cells=[new_code_cell("print(1 + 1)", outputs=[printed("3\n")])])
    nbformat.write(book, path)
    monkeypatch.setattr(drift, "KEPT", tmp_path)
    monkeypatch.setattr(drift, "prepare", lambda settings: settings)
    monkeypatch.setattr(environments, "interpreter", lambda environment: sys.executable)
    before = path.read_bytes()
    assert drift.main(["--runs", "1", str(path)]) == 1
    assert "-3" in (said := capsys.readouterr().out) and "+2" in said and "00: cell 1" in said
    assert path.read_bytes() == before
