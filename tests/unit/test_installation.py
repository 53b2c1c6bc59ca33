"""The installation check: every finding, good and bad, on injected installations."""

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from lossutils import installation
from lossutils.installation import Finding


def versions(**installed):
    """Return a stand-in for importlib.metadata.version ("_" in a name stands for "-")."""

    def version_of(name):
        try:
            return installed[name.replace("-", "_")]
        except KeyError:
            raise PackageNotFoundError(name) from None

    return version_of


def test_a_version_in_its_range_is_healthy():
    finding = installation.check_package(Requirement("keras>=3.15,<3.16"), versions(keras="3.15.1"))
    assert finding == Finding("keras", "3.15.1")


@pytest.mark.parametrize(
    ("name", "version", "level"),
    [
        ("keras", "3.14.9", "note"),
        ("keras", "3.1.0", "note"),
        ("keras", "2.15.0", "BAD "),
        ("keras", "4.0.0", "BAD "),
        ("ipywidgets", "2.0.0", "note"),
    ],
)
def test_an_untested_version_is_a_warning_and_another_major_one_a_fault(name, version, level):
    wanted = Requirement(f"{name}>=3.15,<4")
    line = installation.check_package(wanted, versions(**{name: version})).line()
    assert line.startswith(f"{level} {name} {version} is not in the tested range <4,>=3.15: ")
    assert line.endswith(f': python -m pip install "{name}<4,>=3.15"')


def test_a_missing_package_is_named():
    finding = installation.check_package(Requirement("keras>=3.15"), versions())
    assert finding.line() == f"BAD  keras is not installed: repair: {installation.INSTALL_ALL}"


def test_the_cpu_build_of_tensorflow_counts_as_tensorflow():
    wanted = Requirement("tensorflow>=2.21,<2.22")
    good = installation.check_package(wanted, versions(tensorflow_cpu="2.21.0"))
    assert good == Finding("tensorflow", "2.21.0 (tensorflow-cpu)")
    assert good.line(details=False) == "ok   tensorflow"
    bad = installation.check_package(wanted, versions(tensorflow_cpu="2.19.0"))
    assert bad.repair == 'python -m pip install "tensorflow-cpu<2.22,>=2.21"'


def test_ranges_are_read_without_comments_and_options(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("# a comment\nkeras>=3.15,<3.16  # why\n\n-r other.txt\n-e .\nnumpy>=2\n")
    assert [str(r) for r in installation.read_ranges(path)] == ["keras<3.16,>=3.15", "numpy>=2"]


def test_a_package_without_its_collection_needs_no_more_than_its_losses(tmp_path, monkeypatch):
    monkeypatch.setattr(installation, "REQUIREMENTS", tmp_path / "requirements.txt")
    findings = installation.check_packages(installation.REQUIREMENTS)
    assert [f.subject for f in findings] == ["tensorflow", "keras", "numpy"]
    assert all(finding.healthy for finding in findings)
    assert installation.check_widgets not in installation.all_checks()
    assert installation.check_backend in installation.all_checks()
    missing = installation.check_package(Requirement("keras"), versions())
    assert missing.repair == "python -m pip install keras"


def test_every_line_of_a_requirements_file_is_checked(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("pytest>=1\nno-such-package-for-sure>=1\n-e .\n")
    healthy = {finding.subject: finding.healthy for finding in installation.check_packages(path)}
    assert healthy == {"pytest": True, "no-such-package-for-sure": False}


def test_python_is_compared_with_the_range_of_the_package():
    assert installation.check_python("3.12.1", ">=3.11,<3.14") == Finding("python", "3.12.1")
    bad = installation.check_python("3.10.4", ">=3.11,<3.14")
    assert not bad.healthy and "3.10.4" in bad.line() and ">=3.11,<3.14" in bad.repair


def test_tensorflow_that_is_in_use_is_not_started_again():
    def refuse(*arguments, **options):
        raise AssertionError("started a process")

    assert installation.check_tensorflow_starts({"tensorflow": None}, refuse).healthy


def test_a_start_of_tensorflow_is_tried_in_this_python():
    commands = []

    def run(command, **options):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, "", "some log")

    assert installation.check_tensorflow_starts({}, run).healthy
    assert commands == [[sys.executable, "-c", "import tensorflow"]]


@pytest.mark.parametrize(
    ("status", "stderr", "reason"),
    [
        (1, "Traceback\nImportError: DLL load failed\n", "ImportError: DLL load failed"),
        (-4, "", "exit status -4"),
    ],
)
def test_a_tensorflow_that_does_not_start_gives_its_reason(status, stderr, reason):
    def run(command, **options):
        return subprocess.CompletedProcess(command, status, "", stderr)

    finding = installation.check_tensorflow_starts({}, run)
    assert finding.found == f"does not start ({reason})" and not finding.healthy


def test_the_widgets_extension_is_found_in_any_folder(tmp_path):
    folder = tmp_path / "second" / "@jupyter-widgets" / "jupyterlab-manager"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"version": "5.0.16"}))
    finding = installation.check_widgets([tmp_path / "first", tmp_path / "second"])
    assert finding == Finding("widgets in JupyterLab", "5.0.16")


def test_a_missing_widgets_extension_is_reported(tmp_path):
    finding = installation.check_widgets([tmp_path])
    assert not finding.healthy and "jupyterlab_widgets" in finding.repair


def test_memory_is_enough_from_the_limit_on():
    assert installation.check_memory(installation.NEEDED_BYTES) == Finding("memory", "1.5 GB")
    bad = installation.check_memory(installation.NEEDED_BYTES - 100_000_000)
    assert bad.line().startswith("BAD  memory 1.4 GB is less than 1.5 GB: repair: shut down")


def test_memory_of_this_process_counts_as_usable(tmp_path):
    assert installation.usable_memory(1000, 600, tmp_path) == 1600


@pytest.mark.parametrize(("limit", "usable"), [("900", 500 + 600), ("max", 1000 + 600)])
def test_the_limit_of_a_container_counts(tmp_path, limit, usable):
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text("400\n")
    assert installation.usable_memory(1000, 600, tmp_path) == usable


def test_write_access_leaves_nothing_behind(tmp_path):
    assert installation.check_writing(tmp_path).healthy
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_reported(tmp_path):
    finding = installation.check_writing(tmp_path / "missing")
    assert not finding.healthy and "No such file" in finding.found


def keras_with(backend):
    """Return a stand-in for an imported Keras."""
    return {"keras": SimpleNamespace(config=SimpleNamespace(backend=lambda: backend))}


def test_the_backend_of_an_imported_keras_wins(tmp_path):
    environment = {"KERAS_BACKEND": "torch", "KERAS_HOME": str(tmp_path)}
    assert installation.configured_backend(environment, keras_with("jax")) == "jax"


@pytest.mark.parametrize(
    ("variable", "file", "backend"),
    [
        ("torch", '{"backend": "jax"}', "torch"),
        ("", '{"backend": "jax"}', "jax"),
        ("", "{broken", "tensorflow"),
        ("", "{}", "tensorflow"),
        ("", None, "tensorflow"),
    ],
)
def test_the_backend_comes_from_the_variable_then_the_file(tmp_path, variable, file, backend):
    if file is not None:
        (tmp_path / "keras.json").write_text(file)
    environment = {"KERAS_BACKEND": variable, "KERAS_HOME": str(tmp_path)}
    assert installation.configured_backend(environment, {}) == backend


def test_another_backend_is_reported():
    assert installation.check_backend("tensorflow").healthy
    bad = installation.check_backend("torch")
    assert bad.line().startswith("BAD  keras backend is torch, not tensorflow: repair: set ")


def test_a_package_that_the_check_itself_lacks_is_one_finding():
    def lacks_packaging():
        raise ModuleNotFoundError("No module named 'packaging'", name="packaging")

    findings = installation.inspect_installation([lacks_packaging, lacks_packaging])
    assert findings == [Finding("packaging", "is not installed", installation.INSTALL_ALL)]


def test_a_package_that_was_never_installed_is_a_finding():
    def never_installed():
        raise PackageNotFoundError("lossutils")

    (finding,) = installation.inspect_installation([never_installed])
    assert finding.subject == "lossutils" and not finding.healthy


GOOD = Finding("keras", "3.15.1")
WARNING = Finding("keras", "3.13 is not in the tested range", "get 3.15", fault=False)
BAD = Finding("memory", "0.2 GB is less than 1.5 GB", "close something")


def test_a_healthy_report_without_details_names_no_number():
    assert installation.report([GOOD], details=False) == "ok   keras\nThis installation is ready."
    assert installation.report([GOOD], details=True).startswith("ok   keras 3.15.1\n")


def test_a_bad_finding_is_told_in_full_without_details():
    assert installation.report([GOOD, BAD], details=False) == (
        "ok   keras\nBAD  memory 0.2 GB is less than 1.5 GB: repair: close something\nTo repair: 1."
    )


def test_a_warning_is_told_and_does_not_spoil_the_installation():
    assert installation.report([WARNING], details=False) == (
        "note keras 3.13 is not in the tested range: if something fails: get 3.15\n"
        "This installation is ready."
    )


STATUS = [([GOOD], 0), ([WARNING], 0), ([GOOD, BAD], 1), ([BAD], 1)]


@pytest.mark.parametrize(("findings", "status"), STATUS)
def test_the_exit_status_says_whether_something_is_wrong(monkeypatch, capsys, findings, status):
    monkeypatch.setattr(installation, "inspect_installation", lambda: findings)
    assert installation.main() == status
    assert capsys.readouterr().out == installation.report(findings, details=True) + "\n"


def test_the_notebook_form_prints_and_returns_nothing(monkeypatch, capsys):
    monkeypatch.setattr(installation, "inspect_installation", lambda: [GOOD])
    assert installation.check_installation() is None
    assert capsys.readouterr().out == "ok   keras\nThis installation is ready.\n"


def test_this_very_installation_is_healthy_apart_from_the_machine():
    findings = installation.inspect_installation()
    bad = [one.line() for one in findings if not one.healthy and one.subject != "memory"]
    assert bad == []
    assert {"python", "tensorflow", "keras", "ipywidgets"} <= {f.subject for f in findings}


@pytest.mark.slow
def test_the_check_runs_where_nothing_is_installed(tmp_path):
    """A Python without any package gets a report, not a traceback."""
    command = [sys.executable, "-I", "-S", "-c", START_WITHOUT_PACKAGES]
    root = Path(installation.__file__).resolve().parents[1]
    result = subprocess.run(
        [*command, str(root)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert "BAD  packaging is not installed" in result.stdout
    assert "BAD  psutil is not installed" in result.stdout


START_WITHOUT_PACKAGES = """
import runpy, sys
sys.path.insert(0, sys.argv[1])
runpy.run_module("lossutils", run_name="__main__")
"""
