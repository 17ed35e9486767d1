"""Journals and logged models of linreg 0.1 are still read, loaded and served."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from linreg.data.formula.design import Design
from linreg.fit.model import load
from linreg.tracking.journal.events import encode_event, read_events
from linreg.tracking.journal.open_run import reopen_run
from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.mlflow import logged_model
from linreg.tracking.mlflow.sync import SyncResult
from linreg.tracking.runs import journal_curves, journal_runs
from tests.prediction.fitted import save_model

pytestmark = pytest.mark.filterwarnings("ignore:Operation with range is deprecated")

KEY = "0123456789abcdef0123456789abcdef"
START = (
    '"event": "start", "experiment": "linreg", "inputs": [{"context": "training", "digest":'
    ' "1234.dir", "name": "train", "num_rows": 7000, "schema": {}, "source": "data/split"}],'
    ' "name": "main-c0ffee1", "parameters": {"tracking.experiment": "linreg", "train.lr": 0.01},'
    ' "tags": {"code": "ab", "git.commit": "c0ffee", "linreg.training": "cd"},'
    ' "time": 1700000000000}'
)
JOURNALS = {
    # Its first weeks, before events had checksums and copies had hashes.
    "without checksums": (
        "{" + START,
        '{"event": "metrics", "step": 1, "time": 1700000001000,'
        ' "values": {"b": 4.2, "train_mse": "nan"}}',
        '{"event": "tags", "tags": {"models/model": "ef.dir"}, "time": 1700000002000}',
        '{"event": "artifact", "folder": "", "path": "files/1/report.txt", "time": 1700000003000}',
        '{"event": "end", "final": false, "status": "FINISHED", "time": 1700000004000}',
    ),
    "with checksums": (
        '{"checksum": "ed0e062c", ' + START,
        '{"checksum": "26afa9ed", "event": "metrics", "step": 1, "time": 1700000001000,'
        ' "values": {"b": 4.2, "train_mse": "nan"}}',
        '{"checksum": "78ded69b", "event": "tags", "tags": {"models/model": "ef.dir"},'
        ' "time": 1700000002000}',
        '{"checksum": "356ce7eb", "event": "artifact", "folder": "",'
        ' "hash": "755f85c2723bb39381c7379a604160d8", "path": "files/1/report.txt",'
        ' "time": 1700000003000}',
        '{"checksum": "39d98f4b", "event": "end", "final": false, "status": "FINISHED",'
        ' "time": 1700000004000}',
    ),
}


@pytest.fixture(params=JOURNALS)
def old_run(request: pytest.FixtureRequest, repository: Path) -> RunFolder:
    """A run that train has written and that waits for its evaluation."""
    folder = RunFolder(KEY)
    (folder.path / "files/1").mkdir(parents=True)
    (folder.path / "files/1/report.txt").write_text("good")
    folder.journal.write_text("".join(f"{line}\n" for line in JOURNALS[request.param]))
    return folder


def test_an_old_journal_is_read_without_loss(old_run: RunFolder) -> None:
    kinds = [event.kind for event in read_events(old_run.journal)]
    assert kinds == ["start", "metrics", "tags", "artifact", "end"]
    (run,) = journal_runs()
    assert (run.key, run.name, run.started) == (KEY, "main-c0ffee1", 1_700_000_000_000)
    assert run.status == "FINISHED"
    assert run.parameters == {"tracking.experiment": "linreg", "train.lr": 0.01}
    assert run.tags["models/model"] == "ef.dir"
    ((step, values),) = journal_curves(KEY)
    assert (step, values["b"], repr(values["train_mse"])) == (1, 4.2, "nan")


def test_an_old_journal_is_resumed_and_sent(
    old_run: RunFolder,
    store: MlflowClient,
    send: Callable[[], SyncResult],
    sent_run: Callable[..., MlflowRun],
) -> None:
    # A file of the first weeks has no checksum: the run is sent from its beginning, once.
    (old_run.path / "sent.json").write_text('{"offset": 10, "run_id": "x", "tracking_uri": ""}')
    run = reopen_run("models/model", "ef.dir")
    assert run is not None
    with run:
        # The journal has this point already.
        run.log({"b": 4.2}, step=1)
        run.log({"test_r2": 0.5}, step=0)
    assert send() == SyncResult(num_points=3)
    shown = sent_run(KEY)
    assert (shown.info.run_name, shown.info.status) == ("main-c0ffee1", "FINISHED")
    assert shown.info.start_time == 1_700_000_000_000
    assert (shown.data.metrics["model/b"], shown.data.metrics["test_r2"]) == (4.2, 0.5)
    assert [file.path for file in store.list_artifacts(shown.info.run_id)] == ["report.txt"]
    assert send() == SyncResult()


def test_events_are_still_written_in_the_format_of_0_1(monkeypatch: pytest.MonkeyPatch) -> None:
    for line in JOURNALS["with checksums"]:
        values = json.loads(line)
        seconds = values.pop("time") / 1000
        monkeypatch.setattr("time.time", lambda now=seconds: now)
        kind = values.pop("event")
        del values["checksum"]
        assert encode_event(kind, values) == f"{line}\n".encode()


MLMODEL = """\
flavors:
  python_function:
    data: data/model
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: linreg.tracking.served_model
    python_version: 3.11.7
"""


def test_a_model_that_names_the_loader_of_0_1_loads_and_predicts(
    tmp_path: Path, learn: Callable[..., Design]
) -> None:
    artifact = tmp_path / "model"
    save_model(artifact, learn, "y ~ x + z")
    logged = tmp_path / "logged"
    shutil.copytree(artifact, logged / "data/model")
    (logged / "MLmodel").write_text(MLMODEL)
    rows = pd.DataFrame({"x": [0.1, -1.0], "z": [2.0, 3.0]})
    predictions = mlflow.pyfunc.load_model(str(logged)).predict(rows)
    np.testing.assert_array_equal(predictions, load(artifact).predict(rows))


def test_a_new_model_names_the_loader_of_0_1(tmp_path: Path, learn: Callable[..., Design]) -> None:
    save_model(tmp_path / "model", learn, "y ~ x + z")
    logged_model.save(tmp_path / "model", tmp_path / "logged")
    assert "    loader_module: linreg.tracking.served_model\n" in (
        tmp_path / "logged/MLmodel"
    ).read_text().splitlines(keepends=True)
