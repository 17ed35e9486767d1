"""A project in a subfolder of a larger repository, with DVC set up there or at the top."""

import re
import shutil

import pytest

from tests.project import Project, copy_of_the_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", params=["in the subfolder", "at the top"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in ml/ that has run once, on 600 rows in 6 epochs, and is committed."""
    top = tmp_path_factory.mktemp("larger")
    project = copy_of_the_project(top / "ml", sends=False)
    shutil.rmtree(project.folder / ".git")
    if request.param == "at the top":
        for name in (".dvc", ".dvcignore"):
            (project.folder / name).rename(top / name)
    project.set_params(rows=600, epochs=6)
    project.run("git", "init", "-q", "-b", "main", str(top))
    project.run("git", "add", "-A", ":/")
    project.run("git", "commit", "-q", "-m", "before the pipeline has run")
    project.run("dvc", "repro")
    project.run("git", "commit", "-qam", "after it has run")
    return project


def state(project: Project) -> list[str]:
    """Return branch, every movement of HEAD, changed files and settings of git and DVC."""
    commands = ["branch --show-current", "reflog", "status --porcelain", "config --local --list"]
    top = project.folder.parent
    local = [str(path.read_text()) for path in top.glob("**/.dvc/config.local")]
    return [project.run("git", *each.split()).stdout for each in commands] + local


@pytest.mark.very_slow
def test_revisions_are_compared_and_the_commit_is_verified(project: Project) -> None:
    compared = project.run("linreg", "compare", "HEAD")
    assert "The predictions are identical on all 90 rows." in compared.stdout
    assert "verify: every byte is the same" in project.run("linreg", "verify").stdout
    key = project.run("linreg", "runs", "--all").stdout.splitlines()[1].split()[3]
    repeated = project.run("linreg", "rerun", key)
    assert "rerun: θ and b are the same, bit for bit" in repeated.stdout


@pytest.mark.very_slow
def test_experiments_leave_the_repository_as_it_is_but_for_their_results(project: Project) -> None:
    """One with a table that git does not know, which exists only in the workspace."""
    cars = (project.folder / "data/examples/auto-mpg.csv").read_bytes()
    (project.folder / "data/own").mkdir()
    (project.folder / "data/own/cars.csv").write_bytes(cars)
    before = state(project)
    lines = project.run("linreg", "repeat", "2").stdout.splitlines()
    rmses = [re.findall(r"test RMSE ([\d.]+)", line) for line in lines[:2]]
    assert rmses[0] != rmses[1]
    project.run("linreg", "use", "data/own/cars.csv", "--target", "mpg")
    lines = project.run("linreg", "repeat", "2", "--name", "cars").stdout.splitlines()
    assert "test RMSE" in lines[1]
    project.run("git", "restore", "params.yaml")
    assert state(project) == before
    shutil.rmtree(project.folder / "data/own")
    kept = project.run("git", "for-each-ref", "--format=%(refname:lstrip=4)", "refs/exps").stdout
    names = {"repeat-train-1", "repeat-train-2", "repeat-cars-1", "repeat-cars-2"}
    assert names <= set(kept.split())
    # Their runs are where those of the project are.
    assert "repeat-cars-2" in project.run("linreg", "runs", "--all").stdout
    assert not (project.folder.parent / ".linreg").exists()


@pytest.mark.very_slow
def test_the_report_of_a_branch_leaves_the_repository_as_it_is(project: Project) -> None:
    project.run("git", "checkout", "-q", "-b", "faster")
    project.set_params(lr=0.02)
    project.run("dvc", "repro")
    project.run("git", "commit", "-qam", "faster")
    shutil.rmtree(next(project.folder.parent.glob("**/.dvc/cache/runs")))
    before = state(project)
    # As git tells a hook which repository it is in.
    hook = {"GIT_DIR": str(project.folder.parent / ".git"), "GIT_PREFIX": "ml/"}
    project.run(".ci/report", "main", env=hook)
    assert state(project) == before
    report = (project.folder / "report/report.md").read_text()
    assert report.startswith("### faster compared with main (")
    assert re.search(r"\| train.lr *\| 0.01 *\| 0.02 *\|", report)
    assert "could not be reproduced" not in report
