"""`linreg compare` with revisions, experiments, and runs that are here or only in MLflow."""

import json
import shutil
from pathlib import Path

import pytest

from tests.project import Project, copy_of, made_once, small_run


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small pipeline, its outputs committed; in the workspace an experiment at a lower rate."""

    def make(folder: Path) -> None:
        project = copy_of(small_run(tmp_path_factory), folder)
        project.run("dvc", "exp", "run", "-q", "-n", "slow", "-S", "train.lr=0.001")

    made = made_once(tmp_path_factory, "compared", make)
    project = copy_of(made, tmp_path_factory.mktemp("project"))
    project.run("linreg", "sync")
    return project


def runs(project: Project) -> dict[str, tuple[str, str]]:
    """The newest run of each name: its id and its key."""
    lines = [
        line.split() for line in project.run("linreg", "runs", "--all").stdout.splitlines()[1:]
    ]
    return {line[2]: (line[0], line[1]) for line in reversed(lines)}


@pytest.mark.very_slow
def test_a_revision_is_compared_with_the_workspace(project: Project) -> None:
    printed = project.run("linreg", "compare", "HEAD").stdout
    before = json.loads(project.run("git", "show", "HEAD:models/evaluation/scores.json").stdout)
    after = project.json("models/evaluation/scores.json")
    lines = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line.split()}
    assert lines["train.lr"] == ["0.01", "0.001"]
    assert lines["test_rmse"][:2] == [f"{each['test']['rmse']:.6g}" for each in (before, after)]
    assert [name for name in lines if name.startswith(("train.", "split.", "generate."))] == [
        "train.lr"
    ]
    page = (project.folder / "comparison.html").read_text()
    for value in (before["test"]["rmse"], after["test"]["rmse"], before["gap"], after["gap"]):
        assert f"{value:.6g}" in page
    assert "on the same 300 rows: RMSE " in printed


@pytest.mark.slow
def test_a_run_by_its_name_id_or_key_gives_the_same_page(project: Project, tmp_path: Path) -> None:
    run_id, key = runs(project)["slow"]
    pages = []
    for name in ("slow", run_id, run_id[:12], key):
        project.run("linreg", "compare", "HEAD", name, "--output", str(tmp_path / "page.html"))
        pages.append((tmp_path / "page.html").read_bytes())
    assert len(set(pages)) == 1


@pytest.mark.slow
def test_a_run_whose_journal_is_gone_is_fetched_from_mlflow(
    project: Project, tmp_path: Path
) -> None:
    run_id, _ = runs(project)["slow"]
    with_journal = project.run("linreg", "compare", "HEAD", run_id).stdout
    copy = Project(tmp_path / "copy")
    shutil.copytree(project.folder, copy.folder, symlinks=True)
    shutil.rmtree(copy.folder / ".linreg")
    assert copy.run("linreg", "compare", "HEAD", run_id).stdout == with_journal


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nonsense", "0123456789abcdef"])
def test_an_unknown_name_is_an_error_of_one_line(project: Project, name: str) -> None:
    done = project.run("linreg", "compare", name, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: run or revision {name}")
    assert "linreg runs --all" in line


@pytest.mark.slow
def test_a_revision_without_outputs_is_an_error_of_one_line(project: Project) -> None:
    project.run("git", "checkout", "-q", "--orphan", "empty")
    project.run("git", "commit", "-q", "--allow-empty", "-m", "empty")
    project.run("git", "rm", "-rq", "--cached", ".")
    project.run("git", "commit", "-q", "-m", "nothing")
    project.run("git", "checkout", "-qf", "main")
    done = project.run("linreg", "compare", "empty", check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: revision empty: has no models/evaluation")
