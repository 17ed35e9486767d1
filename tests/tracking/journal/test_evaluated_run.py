from pathlib import Path
from typing import Any

import pytest

from linreg.tracking.journal.description import DESCRIPTION
from linreg.tracking.journal.evaluated_run import record_evaluation
from linreg.tracking.journal.events import read_events
from linreg.tracking.journal.open_run import start_run
from linreg.tracking.journal.run_folder import RunFolder

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
