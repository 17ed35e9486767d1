"""A checkout that nobody can write to, not even root: a command works, or one line says why not."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.disks.disks import needs_mount
from tests.project import Project, copy_of, small_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), needs_mount]
WORKS = (
    "summary",
    "runs",
    "compare HEAD --output {}/page.html",
    "report {}/report.html",
    "predict models/model data/raw/generated.parquet {}/predictions.csv",
    "verify",
)
REFUSED = (
    "set train.lr=0.1",
    "use data/examples/auto-mpg.csv --target mpg",
    "report",
    "register",
    "repair",
    "repeat 2",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of(small_run(tmp_path_factory), tmp_path_factory.mktemp("read-only"))


def run(project: Project, command: str) -> "subprocess.CompletedProcess[str]":
    folder, python = shlex.quote(str(project.folder)), shlex.quote(sys.executable)
    script = f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder} && cd {folder} "
    script += f"&& exec {python} -m linreg {command}"
    return subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.very_slow
@pytest.mark.parametrize("command", WORKS)
def test_what_writes_elsewhere_works(project: Project, tmp_path: Path, command: str) -> None:
    done = run(project, command.format(tmp_path))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", REFUSED)
def test_what_would_write_is_one_line(project: Project, command: str) -> None:
    done = run(project, command)
    assert done.returncode in (1, 2)
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ")
    assert "Read-only file system" in done.stderr or "cannot be written" in done.stderr
