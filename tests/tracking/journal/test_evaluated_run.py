from pathlib import Path
from typing import Any

import pytest

from linreg.tracking.journal import sender_process
from linreg.tracking.journal.description import DESCRIPTION
from linreg.tracking.journal.evaluated_run import record_evaluation, warn_if_pending
from linreg.tracking.journal.events import read_events
from linreg.tracking.journal.open_run import start_run
from linreg.tracking.journal.run import null_run
from linreg.tracking.journal.run_folder import RunFolder
from tests.tracking.virtual_clock import Clock

PARAMETERS = {"model.formula": "y ~ x", "train.solver": "exact"}
METRICS = {"train": {"n": 7, "r2": 0.5}, "gap": None}


@pytest.mark.parametrize(("passed", "outcome"), [(True, "passed"), (False, "failed")])
def test_an_evaluation_adds_its_numbers_files_description_and_gates(
    repository: Path, passed: bool, outcome: str
) -> None:
    folder = repository / "evaluation"
    folder.mkdir()
    (folder / "metrics.json").write_text("{}")
    gates: dict[str, Any] = {"passed": passed, "gates": {"r2": {"passed": passed}}}
    with start_run("linreg", "name", PARAMETERS, {}) as run:
        record_evaluation(run, folder, {"test_r2": 0.25}, METRICS, gates)
    events = list(read_events(RunFolder(run.key).journal))
    assert [event.kind for event in events] == [
        "start",
        "metrics",
        "artifact",
        "tags",
        "tags",
        "end",
    ]
    assert events[1].values == {"step": 0, "values": {"test_r2": 0.25}}
    copy = RunFolder(run.key).path / events[2].values["path"]
    assert (copy.name, (copy / "metrics.json").read_text()) == ("evaluation", "{}")
    assert f"gates {outcome}: r2" in events[3].values["tags"][DESCRIPTION]
    assert events[4].values["tags"]["gates"] == outcome


def test_what_mlflow_has_not_received_after_ten_seconds_is_a_warning_with_its_number(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sender_process, "time", clock := Clock())
    # No sender can be started.
    monkeypatch.setattr("sys.executable", str(repository / "no python"))
    with start_run("linreg", "name", {}, {}) as run:
        run.log({"m": 1.0}, step=0)
    warn_if_pending(run)
    assert clock.now == 10
    assert capsys.readouterr().err == (
        "evaluate: MLflow has not received 3 entries yet; `linreg sync` sends them\n"
    )


def test_when_mlflow_has_everything_there_is_no_warning(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warn_if_pending(null_run())
    assert capsys.readouterr().err == ""
