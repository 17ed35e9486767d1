"""Real disks that become full, at many moments: one line and the outputs of before, or the right
result.
"""

import importlib
import os
import random
import re
import shutil
import sqlite3
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from linreg import cli
from linreg.fit.sgd.checkpoint import CHECKPOINTS
from linreg.tracking.journal.events import read_events
from tests.faults.disks.disks import (
    STAGES,
    be_alone,
    contents,
    fill,
    make_project,
    mount_disk,
    needs_mount,
    on_small_disk,
    refusal,
)
from tests.faults.forked import Outcome, run, run_stage

pytestmark = [pytest.mark.slow, needs_mount]
KILOBYTES = {"generate": 400, "ingest": 600, "split": 1200, "train": 120, "evaluate": 500}
"""What each stage needs, its scratch files included, and somewhat more."""
ROOM_FOR_JOURNAL = {"train": 60, "evaluate": 900}
"""So many kilobytes suffice; the next lower number in the tests does not."""
SILENT = "tracking: this run is no longer tracked: "


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project in which every stage has run; no test is about what MLflow gets while a stage
    runs.
    """
    with pytest.MonkeyPatch.context() as patch:
        importlib.import_module("linreg.fit.sgd.autograd")  # torch, once and not in every fork
        patch.setenv("LINREG_SYNC", "later")
        folder = make_project(tmp_path_factory.mktemp("full"))
        for stage in STAGES:
            outcome = run_stage(stage, folder)
            assert outcome.is_right, outcome.stderr
        shutil.rmtree(folder / ".linreg")
        yield folder


@pytest.mark.very_slow
@pytest.mark.parametrize("stage", STAGES)
def test_a_disk_that_becomes_full_is_one_line_and_the_outputs_of_before(
    project: Path, tmp_path: Path, stage: str
) -> None:
    chance, right = random.Random(stage), contents(project)
    main = importlib.import_module(f"stages.{stage}").main
    refused = 0
    for free in (0, 8, *(chance.randrange(KILOBYTES[stage]) for _ in range(8))):
        folder = tmp_path / f"free-{free}"
        (folder / "disk").mkdir(parents=True)
        outcome = run(
            on_small_disk(main, project, folder / "disk", free),
            [f"stages/{stage}.py"],
            folder / "disk",
        )
        assert contents(folder / "after") == right, free
        if outcome.code:
            assert "the disk is full; free some space and run it again" in refusal(outcome), free
            refused += 1
        shutil.rmtree(folder)
    assert refused >= 2


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of three row groups, in which the stages before training have run."""
    folder = make_project(tmp_path_factory.mktemp("large"), rows=300_000)
    for stage in STAGES[:3]:
        assert run_stage(stage, folder).is_right
    return folder


@pytest.mark.parametrize(
    ("stage", "free"),
    [("generate", 300), ("generate", 2500), ("ingest", 300), ("split", 300), ("split", 3000)],
)
def test_a_disk_that_becomes_full_among_many_row_groups(
    large: Path, tmp_path: Path, stage: str, free: int
) -> None:
    (tmp_path / "disk").mkdir()
    main = importlib.import_module(f"stages.{stage}").main
    outcome = run(
        on_small_disk(main, large, tmp_path / "disk", free),
        [f"stages/{stage}.py"],
        tmp_path / "disk",
    )
    assert "the disk is full; free some space and run it again" in refusal(outcome)
    assert contents(tmp_path / "after") == contents(large)


def with_small_disk(project: Path, place: Path, free: int, stage: str) -> Outcome:
    """Run a stage with a disk of its own mounted at `place`, which has so many kilobytes left."""

    def alone() -> None:
        be_alone()
        (project / place).mkdir(parents=True, exist_ok=True)
        mount_disk(project / place, 1)
        fill(project / place, free)
        importlib.import_module(f"stages.{stage}").main()

    return run(alone, [f"stages/{stage}.py"], project)


@pytest.mark.parametrize("stage", ["train", "evaluate"])
@pytest.mark.parametrize("free", [0, 4, 12, 60, 900])
def test_a_stage_whose_journal_has_no_room_succeeds_and_says_so_once(
    project: Path, tmp_path: Path, stage: str, free: int
) -> None:
    shutil.copytree(project, tmp_path / "project")
    outcome = with_small_disk(tmp_path / "project", Path(".linreg"), free, stage)
    assert outcome.code == 0, outcome.stderr
    message = outcome.stderr.splitlines()
    tracking = [line for line in message if line.startswith(SILENT)]
    assert len(tracking) == (free < ROOM_FOR_JOURNAL[stage]), message
    assert all("the disk is full" in line for line in message)
    assert len(message) <= 2
    assert contents(tmp_path / "project") == contents(project)


def test_a_run_that_had_no_room_is_reported_whole_by_evaluate(
    project: Path, tmp_path: Path
) -> None:
    shutil.copytree(project, tmp_path / "project")
    assert with_small_disk(tmp_path / "project", Path(".linreg"), 0, "train").code == 0
    outcome = run_stage("evaluate", tmp_path / "project")
    assert outcome.is_right, outcome.stderr
    (journal,) = (tmp_path / "project").glob(".linreg/runs/*/journal.jsonl")
    steps = [
        event.values["step"]
        for event in read_events(journal)
        if "train_mse" in event.values.get("values", {})
    ]
    assert steps == [1, 2]


def test_a_checkpoint_that_has_no_room_is_reported_once_and_training_goes_on(
    project: Path, tmp_path: Path
) -> None:
    shutil.copytree(project, tmp_path / "project")
    outcome = with_small_disk(tmp_path / "project", CHECKPOINTS, 0, "train")
    assert outcome.code == 0, outcome.stderr
    (message,) = outcome.stderr.splitlines()
    assert message.startswith(
        "train: no checkpoint can be written, so a kill loses all the work: .linreg/checkpoint"
    )
    assert "the disk is full" in message
    assert contents(tmp_path / "project") == contents(project)


@pytest.mark.parametrize("free", [0, 16, 300])
@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_predictions_that_find_no_room_leave_those_of_before(
    project: Path, tmp_path: Path, free: int, name: str
) -> None:
    def alone() -> None:
        be_alone()
        mount_disk(tmp_path / "disk", 1)
        (tmp_path / "disk" / name).write_text("before")
        fill(tmp_path / "disk", free)
        try:
            cli.main()
        finally:
            (tmp_path / "disk/filler").unlink()
            shutil.copytree(tmp_path / "disk", tmp_path / "after")

    (tmp_path / "disk").mkdir()
    arguments = [
        "linreg",
        "predict",
        "models/model",
        "data/raw/generated.parquet",
        str(tmp_path / "disk" / name),
    ]
    assert "the disk is full" in refusal(run(alone, arguments, project))
    assert [(file.name, file.read_text()) for file in (tmp_path / "after").iterdir()] == [
        (name, "before")
    ]


@pytest.mark.very_slow
@pytest.mark.parametrize("free", [200, 1000, 1100])
def test_a_store_on_a_full_disk_is_one_line_and_takes_everything_once_there_is_room(
    project: Path, tmp_path: Path, free: int
) -> None:
    shutil.copytree(project, tmp_path / "project")
    assert run_stage("evaluate", tmp_path / "project").is_right
    (tmp_path / "disk").mkdir()

    def sync_twice() -> None:
        warnings.simplefilter("ignore")  # MLflow's, which the tests' settings would make errors of
        for _ in range(2):
            try:
                cli.main()
            except SystemExit as end:
                print("exit code", end.code)
            os.truncate("filler", 0)
        print(
            len(list(Path(".linreg").glob("mlflow.db*"))), "files of a store that was not finished"
        )

    main = on_small_disk(sync_twice, tmp_path / "project", tmp_path / "disk", free)
    outcome = run(main, ["linreg", "sync"], tmp_path / "disk", timeout=120)
    assert outcome.code == 0, outcome.stderr
    full, first, done, second, left = [line for line in outcome.stdout.splitlines() if line]
    assert (first, second) == ("exit code 1", "exit code 0"), outcome.stdout
    assert re.match(
        r"0 runs complete, \d+ points? sent; 1 run with \d+ events? pending: .*(full|No space)",
        full,
    )
    assert done.startswith("1 run complete, ")
    assert left.startswith("0 files")
    assert "Traceback" not in outcome.stderr
    with sqlite3.connect(tmp_path / "after/mlflow.db") as store:
        assert store.execute("select count(*) from runs where status = 'FINISHED'").fetchone() == (
            1,
        )
        points = store.execute(
            "select step, count(*) from metrics where key = 'loss/train' group by step"
        ).fetchall()
        assert points == [(1, 1), (2, 1)]
