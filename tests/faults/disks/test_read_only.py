"""Folders that nobody can write to, not even root: one line that says so, or the result without
what is lost.
"""

import importlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from linreg import cli
from tests.faults.disks.disks import (
    STAGES,
    WARNINGS,
    be_alone,
    contents,
    make_project,
    make_read_only,
    needs_mount,
    refusal,
)
from tests.faults.forked import Outcome, run, run_stage

pytestmark = [pytest.mark.slow, needs_mount]
PARENTS = {
    "generate": "data/raw",
    "ingest": "data",
    "split": "data",
    "train": "models",
    "evaluate": "models",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project in which every stage has run."""
    with pytest.MonkeyPatch.context() as patch:
        importlib.import_module("linreg.fit.sgd.autograd")  # torch, once and not in every fork
        patch.setenv("LINREG_SYNC", "later")
        folder = make_project(tmp_path_factory.mktemp("read-only"), rows=2000)
        for stage in STAGES:
            outcome = run_stage(stage, folder)
            assert outcome.is_right, outcome.stderr
        yield folder


def run_with_read_only(stage: str, project: Path, place: str) -> Outcome:
    def alone() -> None:
        be_alone()
        make_read_only(project / place)
        importlib.import_module(f"stages.{stage}").main()

    return run(alone, [f"stages/{stage}.py"], project)


@pytest.mark.parametrize("stage", STAGES)
def test_outputs_that_cannot_be_written_are_one_line(
    project: Path, tmp_path: Path, stage: str
) -> None:
    shutil.copytree(project, tmp_path / "project")
    outcome = run_with_read_only(stage, tmp_path / "project", PARENTS[stage])
    message = refusal(outcome)
    assert message.startswith(PARENTS[stage]), message
    assert message.endswith(
        ": Read-only file system; make it writable, or run it in a folder that is"
    ), message
    assert outcome.code == 1
    assert contents(tmp_path / "project") == contents(project)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("there", [True, False])
def test_stages_do_their_work_where_the_folder_of_the_journals_cannot_be_written(
    project: Path, tmp_path: Path, stage: str, there: bool
) -> None:
    shutil.copytree(project, tmp_path / "project")
    if not there:
        shutil.rmtree(tmp_path / "project/.linreg")
        (tmp_path / "project/.linreg").mkdir()
    outcome = run_with_read_only(stage, tmp_path / "project", ".linreg")
    assert outcome.code == 0, outcome.stderr
    message = outcome.stderr.splitlines()
    assert len(message) == {"train": 2, "evaluate": 1}.get(stage, 0)
    assert all(line.startswith(WARNINGS) and "Read-only file system" in line for line in message), (
        message
    )
    assert contents(tmp_path / "project") == contents(project)


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "models/model", "data/raw/generated.parquet", "out/new.csv"),
        ("compare", "workspace", "workspace", "--output", "out/new.html"),
    ],
)
def test_a_file_that_a_command_cannot_write_is_one_line(
    project: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    shutil.copytree(project, tmp_path / "project")
    (tmp_path / "project/out").mkdir()

    def alone() -> None:
        be_alone()
        make_read_only(tmp_path / "project/out")
        cli.main()

    outcome = run(alone, ["linreg", *arguments], tmp_path / "project")
    assert refusal(outcome).startswith("out/")
    assert refusal(outcome).endswith(
        ": Read-only file system; make it writable, or run it in a folder that is"
    )
    assert not list((tmp_path / "project/out").iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write wherever it likes")
@pytest.mark.parametrize("stage", STAGES)
def test_outputs_that_permissions_forbid_are_one_line(
    project: Path, tmp_path: Path, stage: str
) -> None:
    shutil.copytree(project, tmp_path / "project")
    (tmp_path / "project" / PARENTS[stage]).chmod(0o500)
    outcome = run_stage(stage, tmp_path / "project")
    assert refusal(outcome).endswith(
        ": Permission denied; make it writable, or run it in a folder that is"
    )
    (tmp_path / "project" / PARENTS[stage]).chmod(0o700)
    assert contents(tmp_path / "project") == contents(project)
