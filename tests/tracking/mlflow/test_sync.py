"""When a sender sends, tries again and ends, against a real store and on a virtual clock."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from linreg.process import lock as locks
from linreg.tracking.journal.open_run import reopen_run, start_run
from linreg.tracking.journal.run import Run
from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.mlflow import sync
from linreg.tracking.mlflow.sync import SyncResult, follow, send_all
from tests.tracking.virtual_clock import Clock

SentRun = Callable[..., MlflowRun]
DOWN = "http://127.0.0.1:9"


@dataclass
class Followed:
    """What was seen of a sender: when it ended, when it sent something, and when it failed to."""

    ended: float = 0.0
    sent: list[float] = field(default_factory=list)
    failed: list[float] = field(default_factory=list)
    has_sender: dict[float, bool] = field(default_factory=dict)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(sync, "time", clock)
    # Whether a lock is held is asked at every look, which would take hundredths of a second each.
    monkeypatch.setattr(locks, "time", Clock())
    return clock


@pytest.fixture
def followed(clock: Clock, caplog: pytest.LogCaptureFixture) -> Callable[..., Followed]:
    """Follows a run until the sender ends; `look` are times at which the lock is looked at."""

    def followed(run: Run, *, look: tuple[float, ...] = ()) -> Followed:
        folder, seen = RunFolder(run.key), Followed()

        class Watch(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if record.getMessage().startswith("sent "):
                    seen.sent.append(clock.now)
                elif record.getMessage().startswith("not sent: "):
                    seen.failed.append(clock.now)

        def look_at(seconds: float) -> None:
            seen.has_sender[seconds] = folder.has_sender()

        for seconds in look:
            clock.at(seconds, partial(look_at, seconds))
        logger, watch = logging.getLogger(sync.__name__), Watch()
        logger.addHandler(watch)
        try:
            with caplog.at_level(logging.INFO, sync.__name__), ExitStack() as lock:
                assert lock.enter_context(folder.sender_lock())
                follow(folder, lock)
        finally:
            logger.removeHandler(watch)
            run.close()
        seen.ended = clock.now
        return seen

    return followed


@pytest.fixture
def run(store: MlflowClient) -> Iterator[Run]:
    """A run that is being written."""
    run = start_run("linreg", "live", {}, {"model": "h"})
    yield run
    run.close()


def log(run: Run, step: int) -> None:
    run.log({"m": 1 / (step + 1)}, step)


def end(run: Run, status: str = "FINISHED", *, final: bool = True) -> None:
    run.end(status, final=final)
    run.close()


def test_points_are_sent_a_second_after_the_last_batch_and_an_end_at_once(
    run: Run, clock: Clock, followed: Callable[..., Followed], sent_run: SentRun
) -> None:
    clock.at(0.3, lambda: log(run, 0))
    clock.at(0.5, lambda: log(run, 1))
    clock.at(4.2, lambda: log(run, 2))
    clock.at(4.4, lambda: end(run))
    seen = followed(run)
    # The first batch is the start.
    assert (seen.sent, seen.failed, seen.ended) == ([0.0, 1.0, 4.2, 4.4], [], 4.4)
    assert sent_run(run.key).info.status == "FINISHED"
    assert RunFolder(run.key).is_synced()


def test_the_log_says_how_many_points_were_sent_and_what_mlflow_shows(
    run: Run, followed: Callable[..., Followed], caplog: pytest.LogCaptureFixture
) -> None:
    log(run, 0)
    end(run)
    followed(run)
    assert caplog.messages == ["sent 1 points; MLflow shows the run as FINISHED"]


def test_the_sender_of_a_finished_run_waits_20_seconds_for_the_next_stage(
    run: Run, clock: Clock, followed: Callable[..., Followed]
) -> None:
    clock.at(3, lambda: end(run, final=False))
    seen = followed(run, look=(2, 12))
    assert (seen.sent, seen.ended) == ([0.0, 3.0], 23.0)
    assert seen.has_sender == {2: True, 12: True}


def test_a_next_stage_within_that_time_has_the_same_sender(
    run: Run, clock: Clock, followed: Callable[..., Followed], sent_run: SentRun
) -> None:
    def evaluate() -> None:
        again = reopen_run("model", "h")
        assert again is not None
        again.log({"test": 0.5}, step=0)
        clock.at(19, lambda: end(again, final=False))

    clock.at(1, lambda: end(run, final=False))
    clock.at(18, evaluate)
    # Its end begins the waiting anew.
    seen = followed(run)
    assert (seen.sent, seen.ended) == ([0.0, 1.0, 18.0, 19.0], 39.0)
    assert sent_run(run.key).data.metrics == {"test": 0.5}


def test_a_stage_that_resumes_and_has_not_written_yet_keeps_the_sender(
    run: Run, clock: Clock, followed: Callable[..., Followed]
) -> None:
    def evaluate() -> None:
        again = reopen_run("model", "h")
        assert again is not None
        clock.at(50, lambda: end(again))

    clock.at(1, lambda: end(run, final=False))
    clock.at(10, evaluate)
    assert followed(run).ended == 50.0


def test_a_run_whose_writer_dies_is_shown_as_killed_at_once(
    run: Run, clock: Clock, followed: Callable[..., Followed], sent_run: SentRun
) -> None:
    clock.at(0.2, lambda: log(run, 0))
    clock.at(0.4, run.close)
    seen = followed(run)
    assert (seen.sent, seen.ended) == ([0.0, 0.4], 0.4)
    shown = sent_run(run.key)
    assert (shown.info.status, shown.data.metrics) == ("KILLED", {"m": 1.0})


def test_a_store_that_is_down_is_tried_after_1_2_4_8_and_then_every_15_seconds(
    run: Run, clock: Clock, followed: Callable[..., Followed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", DOWN)
    # Points are no reason to try sooner.
    clock.at(4, lambda: log(run, 0))
    clock.at(50, run.close)
    seen = followed(run)
    assert seen.failed == [0.0, 1.0, 3.0, 7.0, 15.0, 30.0, 45.0, 60.0, 75.0]
    # The writer was there until just before 50.
    assert seen.ended == 79.9
    state = RunFolder(run.key).sync_state()
    assert (state.last_error, state.last_error_time) == (f"{DOWN} does not answer", 75.0)


def test_a_stage_that_ends_is_tried_at_once_and_once_where_the_store_is_down(
    run: Run, clock: Clock, followed: Callable[..., Followed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", DOWN)
    clock.at(9, lambda: end(run))
    seen = followed(run)
    assert (seen.failed, seen.ended) == ([0.0, 1.0, 3.0, 7.0, 9.0, 24.0], 38.9)


def test_sending_goes_on_as_before_when_the_store_is_back(
    run: Run,
    clock: Clock,
    followed: Callable[..., Followed],
    sent_run: SentRun,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", DOWN)
    clock.at(2, lambda: log(run, 0))
    clock.at(5, lambda: monkeypatch.delenv("MLFLOW_TRACKING_URI"))
    clock.at(9, lambda: log(run, 1))
    clock.at(10, lambda: end(run))
    seen = followed(run, look=(4, 8))
    assert (seen.failed, seen.sent, seen.ended) == ([0.0, 1.0, 3.0], [7.0, 9.0, 10.0], 10.0)
    # Between two tries another process may send.
    assert seen.has_sender == {4: False, 8: True}
    assert sent_run(run.key).data.metrics == {"m": 0.5}
    assert RunFolder(run.key).sync_state().last_error == ""


def test_a_sender_ends_when_another_process_has_taken_over(
    run: Run, clock: Clock, followed: Callable[..., Followed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", DOWN)
    with ExitStack() as other:
        clock.at(2, lambda: other.enter_context(RunFolder(run.key).sender_lock()))
        seen = followed(run)
    assert (seen.failed, seen.ended) == ([0.0, 1.0], 3.0)


def test_what_another_process_sent_between_two_tries_is_not_sent_again(
    run: Run,
    clock: Clock,
    followed: Callable[..., Followed],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    log(run, 0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", DOWN)

    def send_from_another_process() -> None:
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        assert send_all([RunFolder(run.key)]) == SyncResult(num_points=1)

    clock.at(2, send_from_another_process)
    clock.at(5, lambda: end(run))
    followed(run)
    assert [text for text in caplog.messages if text.startswith("sent ")] == [
        "sent 0 points; MLflow shows the run as RUNNING",
        "sent 0 points; MLflow shows the run as FINISHED",
    ]


def a_run(num_points: int = 1) -> RunFolder:
    with start_run("linreg", "ended", {}, {}) as run:
        for step in range(num_points):
            log(run, step)
    return RunFolder(run.key)


def test_all_points_of_all_runs_are_counted_and_counted_again_from_the_start(
    store: MlflowClient,
) -> None:
    folders = [a_run(2), a_run(3)]
    assert send_all(folders) == SyncResult(num_points=5)
    assert send_all(folders) == SyncResult()
    assert send_all(folders, from_start=True) == SyncResult(num_points=5)


def test_a_store_that_is_down_is_the_one_error_of_all_runs(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", DOWN)
    assert send_all([a_run(), a_run()]) == SyncResult(error=f"{DOWN} does not answer")


class DamagesTheStore(RunFolder):
    """A run before whose sending the database is damaged."""

    def has_writer(self) -> bool:
        Path("mlflow.db").write_bytes(b"damaged " * 4096)
        return super().has_writer()


class NeverTried(RunFolder):
    """A run that is not to be looked at."""

    def has_writer(self) -> bool:
        raise AssertionError("the store has failed for good")


def test_no_further_run_is_tried_when_the_store_has_failed_for_good(
    store: MlflowClient, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = a_run(), a_run()
    with caplog.at_level(logging.INFO, sync.__name__):
        result = send_all([DamagesTheStore(first.key), NeverTried(second.key)])
    assert "database" in result.error
    assert (first.sync_state().last_error, second.sync_state().last_error) == (result.error, "")
    assert [text for text in caplog.messages if text.startswith("the store does not answer: ")]


@pytest.mark.slow
def test_the_first_of_several_failures_is_the_result_and_the_others_are_sent(
    store: MlflowClient,
) -> None:
    def forged() -> RunFolder:
        with start_run("linreg", "forged", {}, {}) as run:
            run.append("artifact", {"path": "../../../mlflow.db", "folder": ""})
        return RunFolder(run.key)

    first, second, good = forged(), forged(), a_run(2)
    result = send_all([first, second, good])
    assert result == SyncResult(2, first.sync_state().last_error)
    for run in (first, second):
        error = f"{run.journal}: names a file outside of the run's folder"
        assert run.sync_state().last_error.startswith(error)
    assert good.is_synced()


@pytest.mark.parametrize(
    ("is_written", "released_after", "is_sent"),
    [(False, 59.9, True), (False, 60.5, False), (True, 0.4, True), (True, 0.7, False)],
)
def test_another_sender_is_waited_for_a_minute_and_half_a_second_while_the_run_is_written(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    is_written: bool,
    released_after: float,
    is_sent: bool,
) -> None:
    if not is_written:
        end(run)
    clock = Clock()
    with ExitStack() as other:
        assert other.enter_context(RunFolder(run.key).sender_lock())
        clock.at(released_after, other.close)
        monkeypatch.setattr(locks, "time", clock)
        result = send_all([RunFolder(run.key)])
    assert result.error == ("" if is_sent else "another process is sending it")
    assert (RunFolder(run.key).num_pending() == 0) == is_sent


def test_a_run_that_another_process_is_sending_does_not_hold_up_the_next(run: Run) -> None:
    other = a_run(2)
    with RunFolder(run.key).sender_lock() as acquired:
        assert acquired
        result = send_all([RunFolder(run.key), other])
    assert result == SyncResult(2, "another process is sending it")
