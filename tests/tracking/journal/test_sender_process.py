"""The process that sends a run while a stage writes it."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from subprocess import Popen

import psutil
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from linreg.tracking.journal import sender_process
from linreg.tracking.journal.open_run import reopen_run, start_run
from linreg.tracking.journal.run_folder import RunFolder, run_folders
from linreg.tracking.journal.sender_process import wait, wait_for_run_id
from linreg.tracking.mlflow.store import open_store
from tests.fork_server import ROOT
from tests.tracking.virtual_clock import Clock

SentRun = Callable[..., MlflowRun]
Python = Callable[[str], "Popen[str]"]
SECONDS = 60.0
"""Far more than is needed, for machines that are busy with other tests."""


def until(condition: Callable[[], bool], seconds: float = SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.very_slow
def test_a_run_is_shown_while_it_is_written_and_one_sender_serves_two_stages(
    store: MlflowClient, sent_run: SentRun
) -> None:
    with start_run("linreg", "live", {"a": 1}, {"model": "h"}) as run:
        run.start_sender()
        run.log({"m": 1.0}, step=0)
        assert wait(RunFolder(run.key), SECONDS) == 0
        shown = sent_run(run.key)
        assert (shown.info.status, shown.data.metrics) == ("RUNNING", {"m": 1.0})
        run.log({"m": 0.5}, step=1)
    assert until(RunFolder(run.key).is_synced)
    assert sent_run(run.key).info.status == "FINISHED"
    assert RunFolder(run.key).has_sender()

    evaluation = reopen_run("model", "h")
    assert evaluation is not None
    with evaluation:
        evaluation.start_sender()
        evaluation.log({"test_m": 0.25}, step=1)
    assert wait(RunFolder(run.key), SECONDS) == 0
    assert sent_run(run.key).data.metrics == {"m": 0.5, "test_m": 0.25}
    assert until(lambda: not RunFolder(run.key).has_sender(), 12), (
        "the last stage has ended, so it has no reason to stay"
    )
    assert RunFolder(run.key).log.read_text().count("imports") == 0


@pytest.mark.slow
def test_a_sender_that_was_killed_is_replaced(
    store: MlflowClient, sent_run: SentRun, python: Python
) -> None:
    with start_run("linreg", "live", {}, {}) as run:
        sender = python(f"""
            import time
            from linreg.tracking.journal.run_folder import RunFolder
            with RunFolder("{run.key}").sender_lock() as acquired:
                print(acquired, flush=True)
                time.sleep(60)
        """)
        assert sender.stdout is not None
        assert sender.stdout.readline() == "True\n"
        run.start_sender()
        run.log({"m": 1.0}, step=0)
        assert wait(RunFolder(run.key), 0.2) == 2
        sender.kill()
        sender.wait()
        run.end("FINISHED", final=True)
        assert wait(RunFolder(run.key), SECONDS) == 0
    assert sent_run(run.key).data.metrics == {"m": 1.0}


@pytest.mark.slow
def test_when_the_writer_is_killed_the_sender_reports_it_and_ends(
    store: MlflowClient, sent_run: SentRun, python: Python
) -> None:
    writer = python("""
        import time
        from linreg.tracking.journal.open_run import start_run
        from linreg.tracking.journal.run_folder import RunFolder
        from linreg.tracking.journal.sender_process import wait
        with start_run("linreg", "doomed", {}, {}) as run:
            run.start_sender()
            run.log({"m": 1.0}, step=0)
            wait(RunFolder(run.key), 60)
            print(run.key, flush=True)
            time.sleep(60)
    """)
    assert writer.stdout is not None
    folder = RunFolder(writer.stdout.readline().strip())
    assert sent_run(folder.key).info.status == "RUNNING"
    writer.kill()
    writer.wait()
    assert until(folder.is_synced)
    assert sent_run(folder.key).info.status == "KILLED"
    assert until(lambda: not folder.has_sender())


def test_a_run_is_waited_for_no_longer_than_the_timeout(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No sender can be started that would send the event.
    monkeypatch.setattr("sys.executable", str(repository / "no python"))
    with start_run("linreg", "alone", {}, {}) as run:
        began = time.monotonic()
        assert wait(RunFolder(run.key), 0.3) == 1
        assert 0.3 <= time.monotonic() - began < 2


@pytest.mark.slow
def test_a_sender_that_died_while_the_stage_worked_is_replaced_at_the_end_of_the_stage(
    store: MlflowClient, sent_run: SentRun
) -> None:
    with start_run("linreg", "live", {}, {}) as run:
        run.start_sender()
        (sender,) = [each for each in psutil.Process().children() if run.key in each.cmdline()]
        sender.kill()
        assert until(lambda: not sender.is_running())
        run.log({"m": 1.0}, step=0)
        run.end("FINISHED", final=True)
    assert until(RunFolder(run.key).is_synced)
    assert sent_run(run.key).data.metrics == {"m": 1.0}


STAGE = """
    from linreg.tracking.journal.open_run import start_run
    run = start_run("linreg", "short", {}, {})
    run.start_sender()
    run.log({"m": 1.0}, step=0)
    run.end("FINISHED", final=True)
    print(run.key)
"""


@pytest.mark.slow
def test_a_sender_outlives_its_stage_holds_none_of_its_files_and_ignores_signals_to_its_group(
    store: MlflowClient, sent_run: SentRun, tmp_path: Path
) -> None:
    """The stage runs as DVC runs it: its output is a pipe that DVC reads to its end, and Ctrl-C in
    a terminal goes to the whole process group.
    """
    program = [sys.executable, "-c", textwrap.dedent(STAGE)]
    stage = subprocess.Popen(
        program,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    # communicate() returns when nobody holds an end of the pipes any more.
    out, err = stage.communicate(timeout=SECONDS)
    folder = RunFolder(out.strip())
    assert err == ""
    (sender,) = [each for each in psutil.process_iter() if folder.key in _command(each)]
    assert not folder.is_synced(), "it has ended before the process has imported MLflow"
    with pytest.raises(ProcessLookupError):
        os.killpg(stage.pid, signal.SIGINT)
    assert sender.cwd() == str(folder.path.parents[2])
    assert {Path(f"/proc/{sender.pid}/fd/{number}").resolve() for number in (1, 2)} == {folder.log}
    assert until(folder.is_synced)
    assert sent_run(folder.key).data.metrics == {"m": 1.0}
    assert until(lambda: not folder.has_sender(), 12), "it ends by itself"


def _command(process: psutil.Process) -> list[str]:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return list(process.cmdline())
    return []


@pytest.mark.slow
def test_the_id_of_a_run_is_waited_for_only_while_a_process_is_sending_it(
    store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_process, "time", clock := Clock())
    with start_run("linreg", "live", {}, {}) as run:
        folder = RunFolder(run.key)
    assert (wait_for_run_id(folder, 10), clock.now) == ("", 0)
    state = replace(folder.sync_state(), run_id="5d")
    with folder.sender_lock() as acquired:
        assert acquired
        assert (wait_for_run_id(folder, 10), clock.now) == ("", 10)
        clock.at(13, lambda: folder.write_sync_state(state))
        assert (wait_for_run_id(folder, 10), clock.now) == ("5d", 13)
    assert (wait_for_run_id(folder, 10), clock.now) == ("5d", 13)


def test_where_no_process_can_be_started_the_run_is_still_written(
    repository: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.executable", str(repository / "no python"))
    with start_run("linreg", "alone", {}, {}) as run:
        run.start_sender()
    assert "linreg sync" in caplog.text
    assert RunFolder(run.key).num_pending() == 2


WRITER = """
    from linreg.tracking.journal.open_run import start_run
    from linreg.tracking.journal.run_folder import RunFolder
    from linreg.tracking.journal.sender_process import wait
    with start_run("linreg", "name", {"a": 1}, {}) as run:
        run.start_sender()
        for step in range(200):
            run.log({"m": step, "n": -step}, step)
        run.end("FINISHED", final=True)
        raise SystemExit(min(1, wait(RunFolder(run.key), 200)))
"""


@pytest.mark.very_slow
def test_eight_writers_and_senders_on_a_new_store_lose_no_point(
    repository: Path, python: Python
) -> None:
    writers = [python(WRITER) for _ in range(8)]
    assert [writer.wait(250) for writer in writers] == [0] * 8
    client = open_store()
    experiment = client.get_experiment_by_name("linreg")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert sorted(run.data.tags["linreg.run"] for run in runs) == [
        folder.key for folder in run_folders()
    ]
    for run in runs:
        assert run.info.status == "FINISHED"
        for name, sign in (("m", 1), ("n", -1)):
            history = client.get_metric_history(run.info.run_id, name)
            assert [(point.step, point.value) for point in history] == [
                (step, sign * step) for step in range(200)
            ]
    assert all(folder.is_synced() for folder in run_folders())


@pytest.mark.very_slow
def test_a_sender_killed_at_any_moment_leaves_one_run_with_every_point_once(
    store: MlflowClient, sent_run: SentRun, python: Python
) -> None:
    with start_run("linreg", "name", {"a": 1}, {}) as run:
        for step in range(3000):
            run.log({"m": step}, step)
    follow = f"""
        from contextlib import ExitStack
        from linreg.tracking.journal.run_folder import RunFolder
        from linreg.tracking.mlflow.sync import follow
        print("ready", flush=True)
        folder = RunFolder("{run.key}")
        with ExitStack() as lock:
            assert lock.enter_context(folder.sender_lock())
            follow(folder, lock)
    """

    def kill_after(seconds: float) -> None:
        process = python(follow)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(seconds)
        process.kill()
        process.wait()

    for i in range(8):
        kill_after(0.1 * i)
    sender_process.start(RunFolder(run.key))
    assert wait(RunFolder(run.key), SECONDS) == 0
    shown = sent_run(run.key)
    assert shown.info.status == "FINISHED"
    history = store.get_metric_history(shown.info.run_id, "m")
    assert [(point.step, point.value) for point in history] == [
        (step, step) for step in range(3000)
    ]


@pytest.mark.slow
def test_stores_opened_at_once_in_one_process_are_one_store(repository: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        clients = list(pool.map(lambda _: open_store(), range(4)))
    assert {
        experiment.name for client in clients for experiment in client.search_experiments()
    } == {"Default"}


@pytest.mark.slow
def test_a_sender_that_is_starting_is_not_started_again(store: MlflowClient) -> None:
    with start_run("linreg", "short", {}, {}) as run:
        run.start_sender()
        run.start_sender()
        run.log({"m": 1.0}, step=0)
        assert wait(RunFolder(run.key), 0.1) == 2
        senders = [each for each in psutil.Process().children() if run.key in each.cmdline()]
        assert len(senders) == 1
        run.end("FINISHED", final=True)
    assert wait(RunFolder(run.key), SECONDS) == 0


@pytest.mark.parametrize(("seconds_ago", "num_senders"), [(10, 0), (30, 1)])
def test_a_sender_that_failed_lately_tries_again_by_itself(
    store: MlflowClient, seconds_ago: float, num_senders: int
) -> None:
    with start_run("linreg", "down", {}, {}) as run:
        folder = RunFolder(run.key)
        failed = time.time() - seconds_ago
        state = replace(folder.sync_state(), last_error="is down", last_error_time=failed)
        folder.write_sync_state(state)
        assert wait(folder, 0.1) == 1
        senders = [each for each in psutil.Process().children() if run.key in each.cmdline()]
        assert len(senders) == num_senders
        run.end("FINISHED", final=True)


def test_with_linreg_sync_later_no_process_starts_and_nothing_is_waited_for(
    store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINREG_SYNC", "later")
    with start_run("linreg", "later", {"a": 1}, {}) as run:
        run.start_sender()
        run.log({"m": 1.0}, step=0)
    assert wait(RunFolder(run.key), SECONDS) == 0
    assert not RunFolder(run.key).log.exists()
    assert not RunFolder(run.key).is_synced()
