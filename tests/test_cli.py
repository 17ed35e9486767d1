"""The command line itself: where commands work, and what a shell completes."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from linreg import __version__
from linreg.cli import ANYWHERE, COMMANDS
from tests.faults.forked import run_command
from tests.project import ROOT, Project, copy_of, small_run

ARGUMENTS = {
    "certify": ["nothing"],
    "compare": ["HEAD"],
    "completion": ["bash"],
    "init": ["--data", "none.csv"],
    "predict": ["models/model", "table.csv", "predictions.csv"],
    "repeat": ["2"],
    "rerun": ["1234abcd"],
    "search": ["train.lr=0.1,0.2"],
    "set": ["train.lr=0.1"],
    "use": ["table.csv"],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of(small_run(tmp_path_factory), tmp_path_factory.mktemp("project"))


def test_without_a_command_it_lists_them(tmp_path: Path) -> None:
    done = run_command([], tmp_path)
    assert done.code == 0
    assert all(re.search(rf"^    {name}\b", done.stdout, re.MULTILINE) for name in COMMANDS)


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    assert run_command(["--version"], tmp_path).stdout == f"linreg {__version__}\n"


def test_what_a_command_starts_finds_its_python_without_activation(tmp_path: Path) -> None:
    """DVC runs stages as `python -m stages.NAME`."""
    program = "import atexit, linreg.cli, os, shutil, sys; sys.argv = ['linreg', '--version']; "
    program += "atexit.register(lambda: print(shutil.which('python'))); linreg.cli.main()"
    for path in ("/usr/bin:/bin", f"/usr/bin:{Path(sys.executable).parent}", None):
        environment = {name: value for name, value in os.environ.items() if name != "PATH"}
        if path is not None:
            environment["PATH"] = path
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        found = Path(done.stdout.splitlines()[-1])
        assert found == Path(sys.executable).with_name("python")


def test_a_misspelt_command_is_one_line_with_the_nearest(tmp_path: Path) -> None:
    done = run_command(["sumary", "--all"], tmp_path)
    assert done.code == 2
    line = "error: linreg: has no such command; found sumary; did you mean summary?\n"
    assert done.stderr == line


@pytest.mark.parametrize("command", COMMANDS)
def test_outside_of_a_project_nothing_is_written(command: str, tmp_path: Path) -> None:
    done = run_command([command, *ARGUMENTS.get(command, [])], tmp_path)
    assert list(tmp_path.iterdir()) == []
    if command not in ANYWHERE:
        assert done.code == 2
        assert done.stderr.startswith(f"error: linreg {command}: works in a project")
        assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_in_a_subfolder_a_command_does_what_it_does_at_the_top(project: Project) -> None:
    below = Project(project.folder / "data/examples")
    assert below.run("linreg", "summary").stdout == project.run("linreg", "summary").stdout
    below.run("linreg", "use", "auto-mpg.csv", "--target", "mpg")
    assert "source: data/examples/auto-mpg.csv" in (project.folder / "params.yaml").read_text()
    below.run("linreg", "compare", "HEAD", "--output", "page.html")
    assert (below.folder / "page.html").is_file()
    project.run("git", "restore", "params.yaml")


def test_a_formula_is_set_without_quotes_of_its_own(project: Project) -> None:
    before = (project.folder / "params.yaml").read_text()
    formula = "y ~ x1 + C(x2) # no comment"
    printed = project.run("linreg", "set", f"model.formula={formula}", "train.lr=0.5").stdout
    assert printed == f"model.formula: y ~ x1 + x2 → {formula}\ntrain.lr: 0.01 → 0.5\n"
    after = (project.folder / "params.yaml").read_text()
    same = set(before.splitlines()) & set(after.splitlines())
    assert len(same) >= len(set(before.splitlines())) - 2
    refused = project.run("linreg", "set", "train.lr=1", "train.epochs=none", check=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: params.yaml: train.epochs: ")
    assert (project.folder / "params.yaml").read_text() == after
    project.run("git", "restore", "params.yaml")


def test_set_shows_the_section_that_was_there_before(project: Project) -> None:
    gates = "{test_rmse: {max: 4}}"
    printed = project.run("linreg", "set", f"evaluate.gates={gates}").stdout
    assert printed == f"evaluate.gates: {{test_r2: {{min: 0.9}}}} → {gates}\n"
    printed = project.run("linreg", "set", f"evaluate.gates={gates}", "ingest.where=null").stdout
    assert printed == f"evaluate.gates: {gates}, as before\ningest.where: null, as before\n"


def test_a_mapping_is_set_and_taken_back(project: Project) -> None:
    weights = "{column: x2, kind: sampling}"
    setting = "model.weights={column: x2, kind: sampling}"
    for value, printed in (
        (setting, f"model.weights: null → {weights}"),
        (setting, f"model.weights: {weights}, as before"),
        ("model.weights=null", f"model.weights: {weights} → null"),
    ):
        assert project.run("linreg", "set", value).stdout == f"{printed}\n"
    project.run("git", "restore", "params.yaml")


def test_the_report_opens_in_the_browser_of_the_user(project: Project, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    printed = project.run("linreg", "open", env={"BROWSER": str(browser)}).stdout
    address = (project.folder / "models/evaluation/report.html").as_uri()
    assert printed == f"report: {address}\n"
    assert (tmp_path / "opened").read_text() == f"{address}\n"


def test_a_shell_completes_commands_options_and_files(tmp_path: Path) -> None:
    """Bash in a terminal, with the tab key."""
    script = subprocess.run(
        [sys.executable, "-m", "linreg", "completion", "bash"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (tmp_path / "script").write_text(script)
    (tmp_path / "a_table.csv").touch()
    shell, terminal = pty.openpty()
    with subprocess.Popen(
        ["bash", "--norc", "--noprofile"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PS1": "$ ", "TERM": "dumb"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as bash:
        try:
            os.write(shell, b"source ./script; echo rea''dy\n")
            assert "ready" in _shown(shell, "ready")
            for typed, completed in (
                ("linreg summ", "linreg summary "),
                ("linreg register --dr", "linreg register --dry-run "),
                ("linreg use a_t", "linreg use a_table.csv "),
            ):
                os.write(shell, f"{typed}\t".encode())
                assert completed in _shown(shell, completed)
                os.write(shell, b"\x15")
        finally:
            bash.kill()
            os.close(shell)
            os.close(terminal)


def _shown(shell: int, wanted: str, seconds: float = 20) -> str:
    """Return what a terminal shows until a text is in it or the time is over."""
    shown = ""
    end = time.monotonic() + seconds
    while wanted not in shown and time.monotonic() < end:
        if select.select([shell], [], [], 0.1)[0]:
            shown += os.read(shell, 4096).decode(errors="replace")
    return shown
