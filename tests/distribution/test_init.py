"""From an empty folder and the wheel to a verified model, with no source of linreg in it."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from linreg.plain_yaml import read_yaml
from tests.distribution.environment import Environment
from tests.project import ROOT

pytestmark = pytest.mark.slow
CARS = ROOT / "data/examples/auto-mpg.csv"


def outputs(folder: Path) -> dict[str, str]:
    stages = read_yaml((folder / "dvc.lock").read_text(), "dvc.lock")["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage["outs"]}


@pytest.fixture(scope="module")
def lesson(installed: Environment) -> Environment:
    installed.run("linreg", "init", "lesson")
    here = Environment(installed.folder, installed.work / "lesson")
    here.run("python", "-m", "dvc", "repro")
    return here


def ran(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the stages that DVC ran, without the one that runs every time."""
    return [name for name in re.findall(r"Running stage '(\w+)'", done.stdout) if name != "lock"]


@contextmanager
def changed(path: Path, before: str, after: str) -> Iterator[None]:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))
    try:
        yield
    finally:
        path.write_text(text)


def repro(here: Environment) -> list[str]:
    return ran(here.run("python", "-m", "dvc", "repro"))


def test_a_table_becomes_a_verified_model_before_the_first_commit(installed: Environment) -> None:
    folder = installed.work / "cars é"
    folder.mkdir()
    shutil.copy(CARS, folder / "cars.csv")
    here = Environment(installed.folder, folder)
    here.run("linreg", "init", "--data", "cars.csv", "--target", "mpg")
    here.run("python", "-m", "dvc", "repro")
    verified = here.run("linreg", "verify")
    assert "the files of the working tree, which are not committed" in verified.stdout
    assert "verify: every byte is the same" in verified.stdout
    assert not list(folder.rglob("linreg/cli.py"))
    here.run("python", "-m", "pytest", "-q", "tests")


@pytest.mark.very_slow
def test_the_lesson_has_the_hashes_that_are_committed_here(lesson: Environment) -> None:
    assert outputs(lesson.work) == outputs(ROOT)


@pytest.mark.very_slow
def test_once_committed_the_commit_is_verified(lesson: Environment) -> None:
    author = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    for command in (["add", "-A"], [*author, "commit", "-q", "-m", "the lesson"]):
        subprocess.run(["git", *command], cwd=lesson.work, check=True)
    status = subprocess.run(
        ["git", "status", "--porcelain"],
        cwd=lesson.work,
        capture_output=True,
        text=True,
        check=True,
    )
    assert status.stdout == ""
    verified = lesson.run("linreg", "verify").stdout
    assert re.search(r"^commit [0-9a-f]{10}: the lesson$", verified, re.MULTILINE)
    assert "verify: every byte is the same" in verified


@pytest.mark.very_slow
@pytest.mark.parametrize(
    ("module", "stages"),
    [
        ("commands/summary.py", []),
        ("verify/matrix.py", []),
        ("evaluation/metrics.py", ["evaluate"]),
        ("data/split/quotas.py", ["split", "train", "evaluate"]),
    ],
)
def test_an_upgrade_runs_the_stages_again_that_run_other_code(
    lesson: Environment, module: str, stages: list[str]
) -> None:
    assert repro(lesson) == []
    with changed(lesson.site_packages / "linreg" / module, '"""', '"""Of a later version. '):
        assert repro(lesson) == stages
    # What they wrote is the same, and what is behind them has nothing to do.
    assert (
        outputs(lesson.work).items()
        >= {path: md5 for path, md5 in outputs(ROOT).items() if path != "code.lock"}.items()
    )
    repro(lesson)


@pytest.mark.very_slow
def test_another_version_of_a_library_runs_those_stages_again_that_import_it(
    lesson: Environment,
) -> None:
    repro(lesson)
    metadata = lesson.site_packages / "tqdm-99.0.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: tqdm\nVersion: 99.0\n")
    try:
        done = lesson.run("python", "-m", "dvc", "repro")
        assert re.search(r"lock: train runs again: tqdm \S+ → 99\.0 changed", done.stdout)
        assert ran(done) == ["ingest", "train"]
    finally:
        shutil.rmtree(metadata.parent)


@pytest.mark.very_slow
def test_a_stage_that_dvc_runs_alone_refuses_other_code_than_the_lock_says(
    lesson: Environment,
) -> None:
    repro(lesson)
    with changed(lesson.site_packages / "linreg/evaluation/metrics.py", '"""', '"""Later. '):
        command = ["python", "-m", "dvc", "repro", "--force", "--single-item", "evaluate"]
        done = lesson.run(*command, check=False)
        assert done.returncode != 0
        message = "code.lock: evaluate: does not match what this stage runs; found a change of the"
        assert message in done.stdout + done.stderr
        lesson.run("linreg", "lock")
        lesson.run(*command)
    repro(lesson)


@pytest.mark.very_slow
def test_a_new_version_reaches_the_files_of_the_project(
    lesson: Environment, tmp_path: Path
) -> None:
    shutil.copytree(lesson.work, tmp_path / "project")
    here = Environment(lesson.folder, tmp_path / "project")
    script = here.work / "stages/train.py"
    script.write_text(script.read_text().replace('"""Fit', '"""Of my own: fit'))
    shipped = here.site_packages / "linreg/project/stages"
    with (
        changed(here.site_packages / "linreg/__init__.py", '"0.1.0"', '"0.2.0"'),
        changed(shipped / "train.py", "    main()\n", "    main()  # 0.2.0\n"),
        changed(shipped / "evaluate.py", "    main()\n", "    main()  # 0.2.0\n"),
    ):
        upgraded: Any = here.run("linreg", "upgrade").stdout
        assert "from 0.1.0 to 0.2.0" in upgraded
        assert "stages/train.py: merged with the changes made here" in upgraded
        assert "stages/evaluate.py: replaced" in upgraded
        assert repro(here) == ["train", "evaluate"]
    assert '"""Of my own: fit' in script.read_text()
