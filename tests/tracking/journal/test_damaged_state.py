"""Damaged files in .linreg: intact records reach MLflow, damaged ones are reported."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from mlflow import MlflowClient

from linreg import cli
from linreg.tracking.journal.open_run import start_run
from linreg.tracking.journal.run_folder import RunFolder
from tests.faults.disks.damage import WAYS, damaged

STEPS = 40


@pytest.fixture
def sync(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[[], tuple[int, str]]:
    """Runs `linreg sync`; returns its exit code and its standard error."""

    def run() -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["linreg", "sync"])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        captured = capfd.readouterr()
        assert captured.out.count("\n") == 1
        assert isinstance(exit_.value.code, int)
        return exit_.value.code, captured.err

    return run


Sync = Callable[[], tuple[int, str]]


def a_run() -> RunFolder:
    with start_run("linreg", "name", {"a": 1}, {"b": "c"}) as run:
        for step in range(STEPS):
            run.log({"m": step / 7}, step)
    return RunFolder(run.key)


def points(store: MlflowClient, folder: RunFolder) -> list[tuple[int, float]]:
    found = store.search_runs([each.experiment_id for each in store.search_experiments()])
    runs = [run for run in found if run.data.tags.get("linreg.run") == folder.key]
    assert len(runs) <= 1
    return [
        (p.step, p.value) for run in runs for p in store.get_metric_history(run.info.run_id, "m")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(3))
def test_the_intact_records_of_a_damaged_journal_are_sent(
    store: MlflowClient, sync: Sync, caplog: pytest.LogCaptureFixture, way: str, seed: int
) -> None:
    folder = a_run()
    before = folder.journal.read_bytes()
    after = damaged(before, way, random.Random(f"{way} {seed}"))  # noqa: S311
    folder.journal.write_bytes(after)
    whole = set(before.splitlines(keepends=True)) & set(after.splitlines(keepends=True))
    # A changed last digit may be read as the same float64, which is no damage.
    read = [each for line in after.splitlines(keepends=True) if (each := _record(line)) is not None]
    lines = before.splitlines(keepends=True)[1:-1]
    ours = [line for line in lines if line in whole or _record(line) in read]
    code, err = sync()
    sent = points(store, folder)
    if before.splitlines()[0] + b"\n" not in whole:
        assert sent == []
        assert (code, "its first line is damaged" in err) == (
            (1, True) if b"\n" in after else (0, False)
        )
        return
    assert code == 0
    assert sorted(sent) == [
        (step, step / 7) for step in range(STEPS) if any(_is_of(line, step) for line in ours)
    ]
    if set(after.splitlines(keepends=True)[:-1]) - set(before.splitlines(keepends=True)):
        assert "is damaged" in caplog.text


def _record(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _is_of(line: bytes, step: int) -> bool:
    return f'"step": {step},'.encode() in line


@pytest.mark.parametrize("way", WAYS)
def test_a_damaged_sync_state_loses_no_point_and_duplicates_none(
    store: MlflowClient, sync: Sync, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    folder = a_run()
    assert sync() == (0, "")
    file = folder.path / "sent.json"
    file.write_bytes(damaged(file.read_bytes(), way, random.Random(way)))  # noqa: S311
    assert sync()[0] == 0
    assert points(store, folder) == [(step, step / 7) for step in range(STEPS)]
    assert "sent.json" in caplog.text


def test_a_folder_in_place_of_a_journal_is_no_run(store: MlflowClient, sync: Sync) -> None:
    folder, other = a_run(), a_run()
    folder.journal.unlink()
    folder.journal.mkdir()
    assert sync() == (0, "")
    assert len(points(store, other)) == STEPS
