"""After a merge `dvc repro` runs the stages that were named, and no other."""

import re
from pathlib import Path

import pytest

from tests.merging.test_git import to_run_again
from tests.project import NOTHING_CHANGED, ROOT, Project, copy_of, copy_of_the_project, made_once

pytestmark = pytest.mark.slow
# The driver runs outside of the project, and is this one.
DRIVER = {"PYTHONPATH": str(ROOT)}


def make_base(folder: Path) -> None:
    project = copy_of_the_project(folder, sends=False)
    project.run("linreg", "merge", "--install", env=DRIVER)
    project.set_params(rows=500, epochs=2)
    reproduce_and_commit(project)
    project.run("git", "checkout", "-q", "-b", "theirs")


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Project:
    """A project on a branch `theirs` that begins at `main`, which has run."""
    base = made_once(tmp_path_factory, "merge", make_base)
    return Project(copy_of(base, tmp_path / "project").folder, sends=False)


def reproduce_and_commit(project: Project) -> list[str]:
    """Run DVC; return the stages that it ran, without the one that runs every time."""
    output = project.run("dvc", "repro").stdout
    project.run("git", "add", "-A")
    project.run("git", "commit", "--allow-empty", "-qm", "run")
    return [stage for stage in re.findall(r"Running stage '(.+)'", output) if stage != "lock"]


def reproduced_as_named(project: Project, output: str) -> list[str]:
    """Run the pipeline after a merge; return the stages that ran, which are those it named."""
    named = to_run_again(output)
    assert reproduce_and_commit(project) == named
    assert project.run("dvc", "status").stdout == NOTHING_CHANGED
    assert project.run("git", "status", "--porcelain").stdout == ""
    return named


def append(project: Project, file: str, line: str) -> None:
    with (project.folder / file).open("a") as code:
        code.write(line)


@pytest.mark.very_slow
def test_another_training_there_and_other_intervals_here(project: Project) -> None:
    project.set_params(lr=0.02)
    assert reproduce_and_commit(project) == ["train", "evaluate"]
    trained = project.json("models/model/model.json")
    project.run("git", "checkout", "-q", "main")
    project.set_params(confidence=0.9)
    reproduce_and_commit(project)
    done = project.run("git", "merge", "--no-edit", "theirs", env=DRIVER)
    page = (ROOT / "docs/merging.md").read_text()
    assert f"Auto-merging dvc.lock\n{done.stderr}```" in page
    assert reproduced_as_named(project, done.stderr) == ["evaluate"]
    assert project.json("models/model/model.json") == trained
    assert "every byte is the same" in project.run("linreg", "verify").stdout


@pytest.mark.very_slow
def test_two_parameters_of_the_training_in_a_rebase(project: Project) -> None:
    project.set_params(lr=0.02)
    reproduce_and_commit(project)
    project.run("git", "checkout", "-q", "main")
    project.set_params(batch_size=16)
    reproduce_and_commit(project)
    project.run("git", "checkout", "-q", "theirs")
    done = project.run("git", "rebase", "main", env=DRIVER)
    assert reproduced_as_named(project, done.stderr) == ["train", "evaluate"]


@pytest.mark.very_slow
def test_code_without_an_effect_here_and_another_training_there(project: Project) -> None:
    append(project, "stages/split.py", "# theirs\n")
    project.set_params(lr=0.02)
    reproduce_and_commit(project)
    project.run("git", "checkout", "-q", "main")
    text = (project.folder / "stages/split.py").read_text()
    (project.folder / "stages/split.py").write_text("# ours\n" + text)
    reproduce_and_commit(project)
    done = project.run("git", "cherry-pick", "theirs", env=DRIVER)
    assert reproduced_as_named(project, done.stderr) == ["split"]


def test_stages_of_ones_own_in_both(project: Project) -> None:
    own = "  {0}:\n    cmd: echo {0} > {0}.txt\n    outs:\n      - {0}.txt\n\n"
    text = (project.folder / "dvc.yaml").read_text()
    (project.folder / "dvc.yaml").write_text(
        text.replace("\n  split:", f"\n{own.format('two')}  split:")
    )
    append(project, ".gitignore", "/*.txt\n")
    assert reproduce_and_commit(project) == ["two"]
    project.run("git", "checkout", "-q", "main")
    (project.folder / "dvc.yaml").write_text(
        text.replace("  ingest:", own.format("one") + "  ingest:")
    )
    append(project, ".gitignore", "/*.txt\n")
    assert reproduce_and_commit(project) == ["one"]
    done = project.run("git", "merge", "--no-edit", "theirs", env=DRIVER)
    assert "dvc.lock: merged; no stage has to run again" in done.stderr
    assert reproduced_as_named(project, done.stderr) == []


@pytest.mark.very_slow
def test_one_of_two_values_without_a_driver(project: Project) -> None:
    project.run("git", "config", "--remove-section", "merge.linreg")
    project.set_params(lr=0.02)
    reproduce_and_commit(project)
    project.run("git", "checkout", "-q", "main")
    project.set_params(lr=0.03)
    reproduce_and_commit(project)
    assert project.run("git", "merge", "theirs", check=False).returncode == 1
    assert project.run("dvc", "repro", check=False).returncode != 0
    project.run("git", "checkout", "--theirs", "params.yaml")
    done = project.run("linreg", "merge", env=DRIVER)
    project.run("git", "add", "-A")
    project.run("dvc", "checkout")
    assert reproduced_as_named(project, done.stdout) == []
