"""Commands as CI, cron and editors run them: not activated, without a home, with another umask."""

import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.project import Project, copy_of, small_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
COMMANDS = [
    "-m dvc repro --force --single-item evaluate",
    "-m linreg sync",
    "-m linreg compare HEAD",
    "-m linreg repeat 2",
    "-m linreg verify",
]


@pytest.fixture
def project(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of(small_run(tmp_path_factory), tmp_path / "project")


def run_all(project: Project, environment: Mapping[str, str], umask: int = -1) -> None:
    """Run what most people run, by the Python of these tests and in processes of its own."""
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, *command.split()],
            cwd=project.folder,
            env=dict(environment),
            umask=umask,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.very_slow
def test_commands_work_where_nothing_is_activated(project: Project) -> None:
    """DVC itself has no Python to give to its stages; commands of linreg have."""
    environment = project.environment() | {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    for command in (["repeat", "2"], ["verify"]):
        done = subprocess.run(
            [sys.executable, "-m", "linreg", *command],
            cwd=project.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.very_slow
@pytest.mark.parametrize("home", [None, "/proc/nowhere"])
def test_commands_work_without_a_home_that_can_be_written(
    project: Project, home: str | None
) -> None:
    own = ("HOME", "XDG_")
    environment = {
        name: value for name, value in project.environment().items() if not name.startswith(own)
    }
    run_all(project, environment | ({"HOME": home} if home else {}))


@pytest.mark.very_slow
@pytest.mark.parametrize("umask", [0o077, 0o002])
def test_commands_work_with_another_umask_and_their_files_follow_it(
    project: Project, umask: int
) -> None:
    run_all(project, project.environment(), umask)
    # In the cache of DVC, from which the file here may be a link, nothing is writable.
    mode = stat.S_IMODE((project.folder / "comparison.html").stat().st_mode)
    assert mode == 0o666 & ~umask


def test_a_run_in_a_folder_that_git_refuses_is_told_so(project: Project) -> None:
    """As in a container whose user is not the owner; here git only assumes that."""
    refused = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    trained = project.run_stages("train", env=refused)
    line = f"git config --global --add safe.directory {project.folder}` if you trust it\n"
    assert trained.stderr.startswith("git refuses this folder, which belongs to another user, so")
    assert trained.stderr.endswith(line)
    assert trained.stderr.count("\n") == 1
    for command in ("verify", "repeat 2", "rerun 1234abcd"):
        done = project.run("linreg", *command.split(), env=refused, check=False)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: run 1234abcd: is unknown here and in MLflow")
