from dataclasses import replace
from pathlib import Path

import pytest

from linreg.tracking.journal.evaluated_run import warn_of_failed_sync
from linreg.tracking.journal.failed_sync import describe_failed_sync
from linreg.tracking.journal.open_run import start_run
from linreg.tracking.journal.run_folder import RunFolder


@pytest.fixture(autouse=True)
def _server(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")


def a_run(error: str = "", seconds: float = 0.0, *, sent: bool = False) -> None:
    """Write a run of three events; sending it has failed at that time, or has not been tried."""
    with start_run("linreg", "name", {}, {}) as run:
        run.log({"m": 1.0}, step=0)
    folder = RunFolder(run.key)
    state = replace(folder.sync_state(), last_error=error, last_error_time=seconds)
    if sent:
        state = replace(state, offset=folder.journal.stat().st_size, status="FINISHED")
    folder.write_sync_state(state)


def test_where_no_try_has_failed_there_is_nothing_to_say() -> None:
    assert describe_failed_sync() == ""
    a_run()
    assert describe_failed_sync() == ""


def test_what_was_sent_after_a_failure_is_no_failure() -> None:
    a_run("it does not answer", sent=True)
    assert describe_failed_sync() == ""


def test_one_line_has_the_events_of_all_runs_the_latest_reason_and_what_to_do() -> None:
    a_run("it does not answer", 2.0)
    assert describe_failed_sync() == (
        "MLflow has not received 3 events of 1 run: it does not answer; `linreg sync` sends them"
    )
    a_run("it answers with status 500", 3.0)
    a_run("it refuses", 1.0)
    a_run()
    assert describe_failed_sync() == (
        "MLflow has not received 9 events of 3 runs: it answers with status 500;"
        " `linreg sync` sends them"
    )


def test_the_evaluation_prints_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    warn_of_failed_sync()
    a_run("it does not answer")
    warn_of_failed_sync()
    assert capsys.readouterr() == (
        "",
        "evaluate: MLflow has not received 3 events of 1 run: it does not answer;"
        " `linreg sync` sends them\n",
    )


def test_a_failure_at_another_store_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    a_run("it does not answer")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:10")
    assert describe_failed_sync() == ""
