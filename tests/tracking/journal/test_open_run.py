import itertools
from pathlib import Path

import pytest

from linreg.tracking.journal.events import read_events
from linreg.tracking.journal.open_run import Dataset, reopen_run, start_run
from linreg.tracking.journal.run_folder import RunFolder, run_folders


def test_the_first_event_is_all_that_is_known_at_the_start(repository: Path) -> None:
    datasets = [Dataset("train", "data/split", "ab.dir", 7), Dataset("t", "s", "d", 1, "test")]
    with start_run("linreg", "my run", {"a": [1, None]}, {"b*": "c"}, datasets) as run:
        pass
    assert run.is_recording is False
    start, _ = read_events(RunFolder(run.key).journal)
    assert start.kind == "start"
    assert start.values == {
        "experiment": "linreg",
        "name": "my run",
        "parameters": {"a": [1, None]},
        "tags": {"b_": "c"},
        "inputs": [
            {
                "name": "train",
                "source": "data/split",
                "digest": "ab.dir",
                "num_rows": 7,
                "context": "training",
                "schema": {},
            },
            {
                "name": "t",
                "source": "s",
                "digest": "d",
                "num_rows": 1,
                "context": "test",
                "schema": {},
            },
        ],
    }


def test_where_no_journal_can_be_written_a_message_says_so_and_nothing_is_recorded(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / ".linreg").write_text("a file")
    with start_run("linreg", "name", {}, {}) as run:
        run.log({"m": 1.0}, step=0)
    assert (run.key, run.is_recording) == ("", False)
    message = capsys.readouterr().err
    assert message.startswith(
        f"tracking: this run is no longer tracked: {repository}/.linreg/runs: Not a directory; "
    )


def test_two_runs_have_two_keys(repository: Path) -> None:
    for _ in range(2):
        start_run("linreg", "name", {}, {}).close()
    assert len(run_folders()) == 2


@pytest.mark.parametrize(("last", "final"), [(None, True), (True, True), (False, False)])
def test_a_reopened_run_is_completed_by_the_stage_that_is_the_last(
    repository: Path, last: bool | None, final: bool
) -> None:
    with start_run("linreg", "name", {}, {"model": "ö"}):
        pass
    run = reopen_run("model", "ö") if last is None else reopen_run("model", "ö", last=last)
    assert run is not None
    with run:
        assert run.is_recording
    _, first, second = read_events(RunFolder(run.key).journal)
    assert (first.values["final"], second.values["final"]) == (False, final)


def test_what_a_reopened_run_has_already_is_not_added_again(repository: Path) -> None:
    folder = repository / "trained"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    with start_run("linreg", "name", {}, {"model": "h"}) as run:
        run.log({"m": 1.0}, step=0)
        run.log_model(folder)
    again = reopen_run("model", "h")
    assert again is not None
    with again:
        again.log({"m": 1.0, "n": 2.0}, step=0)
        again.log_model(folder)
    events = list(read_events(RunFolder(run.key).journal))
    assert [event.kind for event in events] == [
        "start",
        "metrics",
        "model",
        "end",
        "metrics",
        "end",
    ]
    assert events[4].values["values"] == {"n": 2.0}


def test_a_value_under_another_tag_is_not_found(repository: Path) -> None:
    with start_run("linreg", "h", {"model": "h"}, {"data": "h"}):
        pass
    assert reopen_run("model", "h") is None
    assert reopen_run("data", "other") is None


def test_a_tag_that_was_set_later_keeps_its_value_when_others_are_set(repository: Path) -> None:
    with start_run("linreg", "name", {}, {}) as run:
        run.set_tags({"model": "h"})
        run.set_tags({"gates": "passed"})
        run.log({"m": 1.0}, step=0)
    found = reopen_run("model", "h")
    assert found is not None
    found.close()


def test_a_journal_that_cannot_be_read_is_no_error(repository: Path) -> None:
    with start_run("linreg", "name", {}, {"model": "h"}) as run:
        pass
    sender = RunFolder(run.key).path.parent
    sender.rename(sender.with_name("moved"))
    sender.write_text("a file")
    assert reopen_run("model", "h") is None


def test_the_newest_run_is_the_one_that_has_started_last(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count(1)
    monkeypatch.setattr("time.time", lambda: float(next(seconds)))
    first = start_run("linreg", "first", {}, {"model": "h"})
    with start_run("linreg", "second", {}, {"model": "h"}) as second:
        pass
    with first:
        first.set_tags({"gates": "passed"})
    found = reopen_run("model", "h")
    assert found is not None
    assert found.key == second.key
    found.close()


def test_variables_of_mlflow_that_are_not_used_are_named_in_a_line_each(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "linreg")
    with start_run("linreg", "name", {}, {}):
        pass
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "other")
    monkeypatch.setenv("MLFLOW_RUN_ID", "0123")
    with start_run("linreg", "name", {}, {}):
        pass
    assert capsys.readouterr().err.splitlines() == [
        "tracking: MLFLOW_EXPERIMENT_NAME is not used: runs go to the experiment linreg, by"
        " tracking.experiment in params.yaml",
        "tracking: MLFLOW_RUN_ID is not used: each training is a run of its own",
    ]
