import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from linreg.errors import UserError
from linreg.process import lock as locks
from linreg.tracking.journal.events import read_events
from linreg.tracking.journal.open_run import start_run
from linreg.tracking.journal.run import Run
from linreg.tracking.journal.run_folder import (
    RunFolder,
    open_journal,
    run_folders,
    unreadable_journals,
)
from tests.tracking.virtual_clock import Clock


@pytest.fixture
def run(repository: Path) -> Iterator[Run]:
    """A run with a start and a point, whose writer lives, and a store that has none of it."""
    (repository / "mlflow.db").touch()
    run = start_run("linreg", "name", {}, {})
    run.log({"m": 1.0}, step=0)
    yield run
    run.close()


def sent(folder: RunFolder, num_events: int, status: str = "RUNNING") -> RunFolder:
    """Record that MLflow has the first events."""
    offsets = [0, *(event.offset for event in read_events(folder.journal))]
    state = replace(folder.sync_state(), offset=offsets[num_events], status=status)
    folder.write_sync_state(state)
    return folder


def test_a_run_has_a_folder_of_its_own_in_the_project(repository: Path) -> None:
    folder = RunFolder("abc")
    assert folder.path == repository / ".linreg/runs/abc"
    assert folder.journal == folder.path / "journal.jsonl"
    assert folder.log == folder.path / "sync.log"
    assert list(repository.iterdir()) == []


def test_a_copy_is_within_the_folder_of_its_run(repository: Path) -> None:
    folder = RunFolder("abc")
    assert folder.resolve("files/1/model") == folder.path / "files/1/model"
    for path in ("../def/model", "/etc/passwd", "files/../../x"):
        with pytest.raises(UserError) as caught:
            folder.resolve(path)
        assert str(caught.value) == (
            f"{folder.journal}: names a file outside of the run's folder; found {path};"
            " delete the run"
        )


def test_events_are_pending_until_mlflow_has_them(run: Run) -> None:
    folder = RunFolder(run.key)
    assert folder.num_pending() == 2
    assert sent(folder, 1).num_pending() == 1
    assert sent(folder, 2).num_pending() == 0
    folder.reset_sync_state()
    folder.reset_sync_state()
    assert folder.num_pending() == 2


def test_an_incomplete_line_is_not_pending(run: Run) -> None:
    folder = sent(RunFolder(run.key), 2)
    with folder.journal.open("ab") as file:
        file.write(b'{"event": ')
    assert folder.num_pending() == 0


def test_a_run_is_synced_when_mlflow_has_every_event_and_its_end(run: Run) -> None:
    folder = sent(RunFolder(run.key), 2)
    # Its end is still to come.
    assert folder.is_synced()
    assert not sent(folder, 1).is_synced()
    run.close()
    assert not sent(folder, 2).is_synced()
    assert sent(folder, 2, "KILLED").is_synced()
    assert not sent(folder, 1, "KILLED").is_synced()
    for status in ("FINISHED", "FAILED"):
        assert sent(folder, 2, status).is_synced()


def test_a_writer_is_there_until_the_last_one_has_closed_the_journal(run: Run) -> None:
    folder = RunFolder(run.key)
    other = open_journal(folder.journal)
    assert folder.has_writer()
    run.close()
    assert folder.has_writer()
    os.close(other)
    assert not folder.has_writer()


def test_a_journal_is_created_for_appending_and_readable_by_all(repository: Path) -> None:
    journal = repository / "journal.jsonl"
    mask = os.umask(0)
    try:
        descriptor = open_journal(journal)
    finally:
        os.umask(mask)
    assert journal.stat().st_mode & 0o777 == 0o644
    os.write(descriptor, b"1")
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, b"2")
    assert os.pread(descriptor, 2, 0) == b"12"
    os.close(descriptor)


def test_one_process_at_a_time_is_the_sender(run: Run) -> None:
    folder = RunFolder(run.key)
    assert not folder.has_sender()
    with folder.sender_lock() as acquired:
        assert acquired
        assert folder.has_sender()
    assert not folder.has_sender()


def test_asking_for_a_sender_takes_no_time_and_its_lock_is_waited_for_half_a_second(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(run.key)
    with folder.sender_lock() as acquired:
        assert acquired
        monkeypatch.setattr(locks, "time", clock := Clock())
        assert folder.has_sender()
        assert clock.now == 0
        with folder.sender_lock() as again:
            assert not again
        assert clock.now == 0.5


def test_a_writer_is_asked_for_during_a_hundredth_of_a_second(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "time", clock := Clock())
    assert RunFolder(run.key).has_writer()
    assert clock.now == 0.01


def test_runs_that_have_started_are_listed_by_their_keys(run: Run, repository: Path) -> None:
    runs = repository / ".linreg/runs"
    keys = {run.key}
    for _ in range(3):
        with start_run("linreg", "name", {}, {}) as other:
            keys.add(other.key)
    line = RunFolder(run.key).journal.read_bytes().splitlines(keepends=True)[0]
    for key, content in {
        "empty": b"",
        "cut": line[:20],
        "damaged": b"?\n" + line,
        "later": RunFolder(run.key).journal.read_bytes()[len(line) :],
    }.items():
        (runs / key).mkdir()
        (runs / key / "journal.jsonl").write_bytes(content)
    (runs / "folder/journal.jsonl").mkdir(parents=True)
    (runs / "nothing").mkdir()
    assert [folder.key for folder in run_folders()] == sorted(keys)
    assert unreadable_journals() == [runs / "damaged/journal.jsonl", runs / "later/journal.jsonl"]
