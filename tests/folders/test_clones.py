"""Folders that are not the repository itself: a shallow clone, a worktree, a submodule."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.project import Project, copy_of, small_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def shallow(origin: Project, folder: Path) -> None:
    """As CI makes it: one commit, on no branch."""
    origin.run("git", "clone", "-q", "--depth", "1", f"file://{origin.folder}", str(folder))
    origin.run("git", "-C", str(folder), "checkout", "-q", "--detach")


def worktree(origin: Project, folder: Path) -> None:
    origin.run("git", "worktree", "add", "-q", str(folder), "-b", "other")


def submodule(origin: Project, folder: Path) -> None:
    origin.run("git", "init", "-q", "-b", "main", str(folder.parent))
    command = ["-c", "protocol.file.allow=always", "submodule", "add", "-q"]
    origin.run("git", "-C", str(folder.parent), *command, str(origin.folder), folder.name)


@pytest.mark.very_slow
@pytest.mark.parametrize("make", [shallow, worktree, submodule])
def test_everything_works_in(
    make: Callable[[Project, Path], None], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    origin = copy_of(small_run(tmp_path_factory), tmp_path / "origin")
    (tmp_path / "copy").mkdir()
    project = Project(tmp_path / "copy/project", sends=False)
    make(origin, project.folder)
    shutil.copytree(origin.folder / ".dvc/cache", project.folder / ".dvc/cache")
    project.run("dvc", "repro")
    reflog = project.run("git", "reflog").stdout
    assert project.run("git", "status", "--porcelain").stdout == ""
    with (project.folder / "params.yaml").open("a") as file:
        file.write("# not committed\n")
    lines = project.run("linreg", "repeat", "2").stdout.splitlines()
    ref = "refs/exps/*/*/repeat-train-2"
    commit = project.run("git", "for-each-ref", "--format=%(objectname)", ref).stdout.strip()
    assert "# not committed\n" in project.run("git", "show", f"{commit}:params.yaml").stdout
    project.run("git", "restore", "params.yaml")
    rmses = [re.findall(r"test RMSE ([\d.]+)", line) for line in lines[:2]]
    assert rmses[0] != rmses[1]
    assert "identical on all" in project.run("linreg", "compare", "HEAD").stdout
    assert "verify: every byte is the same" in project.run("linreg", "verify").stdout
    assert project.run("git", "reflog").stdout == reflog
    assert project.run("git", "status", "--porcelain").stdout == ""


@pytest.mark.very_slow
def test_a_folder_that_was_moved_works_as_before(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy_of(small_run(tmp_path_factory), tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "ä new place")
    project = Project(tmp_path / "ä new place", sends=False)
    printed = project.run("dvc", "repro").stdout
    assert re.findall(r"Running stage '(.*)'", printed) == ["lock"]
    (key,) = re.findall(r" ([0-9a-f]{8}) ", project.run("linreg", "runs").stdout)
    assert "the same, bit for bit" in project.run("linreg", "rerun", key).stdout
    assert project.run("linreg", "repeat", "2").stdout.count("test RMSE") == 2
