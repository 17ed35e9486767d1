from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from linreg.data.formula.design import Design
from linreg.files import write_document
from linreg.fit.model import LinearModel
from linreg.process.workers import ALONE, Workers
from linreg.tracking.journal.events import read_events
from linreg.tracking.journal.open_run import reopen_run, start_run
from linreg.tracking.journal.run import Run
from linreg.tracking.journal.run_folder import RunFolder, run_folders
from linreg.tracking.journal.training_run import (
    record_gates,
    record_model,
    run_of_model,
    training_run,
)
from linreg.tracking.mlflow.sync import SyncResult

# MLflow compares an example's columns with a range, which pandas 4 will not do.
pytestmark = pytest.mark.filterwarnings("ignore:Operation with range is deprecated")

PARAMETERS: dict[str, Any] = {
    "tracking.experiment": "linreg",
    "train.lr": 0.1,
    "split.shards": 2,
    "ingest.source": "tables/rows.csv",
}
FORMULA = {"formula": "y ~ x1", "terms": [["x1"]]}
SCHEMA = Path("data/ingested/schema.json")
SPLIT, MODEL, TRAINING = Path("data/split"), Path("models/model"), Path("models/training")
HASHES = {str(SPLIT): "0123.dir", str(SCHEMA): "4567"}


@pytest.fixture(autouse=True)
def outputs(repository: Path, no_sender: None) -> None:
    """The outputs of split, and those that train is about to write."""
    write_document(
        SPLIT / "split.json",
        {"rows": {"train": 70, "validation": 15, "test": 15}, "shards": [35, 35]},
    )
    write_document(SCHEMA, FORMULA)
    write_model(1.0)


def write_model(theta: float) -> None:
    write_document(MODEL / "model.json", {**FORMULA, "theta": theta})
    TRAINING.mkdir(parents=True, exist_ok=True)
    (TRAINING / "history.csv").write_text(
        f"epoch,step,train_mse,gap\n1,10,{theta},\n2,20,{theta / 2},0.5\n"
    )
    (TRAINING / "theta.csv").write_text(
        f"epoch,coefficient,value\n1,b,0.5\n1,x1,{theta}\n2,b,0.25\n2,x1,{theta}\n"
    )


def start(**changed: Any) -> Run:
    return training_run(ALONE, PARAMETERS | changed, HASHES, SPLIT, SCHEMA)


def evaluated(**changed: Any) -> Run:
    return run_of_model(ALONE, PARAMETERS | changed, MODEL, TRAINING)


def die(run: Run) -> None:
    """Leave the run as SIGKILL does: without an end."""
    run.close()


def train(run: Run, *epochs: int) -> None:
    with run:
        for epoch in epochs:
            run.log({"train_mse": 1.0 / epoch, "b": 0.1 * epoch}, epoch)
        record_model(run, MODEL)


def evaluate(run: Run) -> None:
    with run:
        run.log({"test_r2": 0.9}, step=0)
        record_gates(run, passed=True)


def points(key: str) -> list[tuple[str, int, float]]:
    """All points of a run's journal in their order, duplicates included."""
    return [
        (name, event.values["step"], float(value))
        for event in read_events(RunFolder(key).journal)
        if event.kind == "metrics"
        for name, value in sorted(event.values["values"].items())
    ]


def num_models(key: str) -> int:
    return sum(event.kind == "model" for event in read_events(RunFolder(key).journal))


def keys() -> set[str]:
    return {folder.key for folder in run_folders()}


# a run that is reopened


def test_a_point_that_a_reopened_run_has_is_not_added_again(repository: Path) -> None:
    first = start_run("linreg", "name", {}, {"known by": "this"})
    first.log({"m": 1.0, "n": 5.0}, step=1)
    first.log({"m": 2.0}, step=2)
    die(first)
    again = reopen_run("known by", "this")
    assert again is not None
    with again:
        # The journal has the first point, half of the second, and nothing of the third.
        again.log({"m": 1.0, "n": 5.0}, step=1)
        again.log({"m": 2.0, "n": 6.0}, step=2)
        again.log({"m": 3.0}, step=3)
    assert again.key == first.key
    assert points(first.key) == [
        ("m", 1, 1.0),
        ("n", 1, 5.0),
        ("m", 2, 2.0),
        ("n", 2, 6.0),
        ("m", 3, 3.0),
    ]


def test_a_point_with_a_name_that_mlflow_does_not_allow_is_not_added_again(
    repository: Path,
) -> None:
    name = "theta.C(zone)[T.north@sea]"
    first = start_run("linreg", "name", {}, {"known by": "this"})
    first.log({name: 1.0}, step=1)
    die(first)
    again = reopen_run("known by", "this")
    assert again is not None
    with again:
        again.log({name: 1.0}, step=1)
    assert len(points(first.key)) == 1


def test_a_reopened_run_adds_another_model_but_not_the_same_again(repository: Path) -> None:
    first = start_run("linreg", "name", {}, {"known by": "this"})
    first.log_model(MODEL)
    die(first)
    for expected in (1, 2):
        again = reopen_run("known by", "this")
        assert again is not None
        with again:
            again.log_model(MODEL)
        assert num_models(first.key) == expected
        write_model(2.0)


# train


@pytest.mark.parametrize("signal", [False, True])
def test_a_training_that_was_stopped_resumes_its_run(repository: Path, signal: bool) -> None:
    stopped = start()
    if signal:
        with pytest.raises(KeyboardInterrupt):
            interrupt(stopped)
    else:
        stopped.log({"train_mse": 1.0, "b": 0.1}, 1)
        die(stopped)
    again = start()
    train(again, 1, 2)
    assert again.key == stopped.key
    assert keys() == {stopped.key}
    assert points(stopped.key) == [
        ("b", 1, 0.1),
        ("train_mse", 1, 1.0),
        ("b", 2, 0.2),
        ("train_mse", 2, 0.5),
    ]


def interrupt(run: Run) -> None:
    """Leave the run as Ctrl-C does."""
    with run:
        run.log({"train_mse": 1.0, "b": 0.1}, 1)
        raise KeyboardInterrupt


def test_a_training_stopped_after_its_model_was_logged_logs_no_second_one(repository: Path) -> None:
    stopped = start()
    stopped.log({"train_mse": 1.0, "b": 0.1}, 1)
    stopped.log_model(MODEL)
    die(stopped)
    train(start(), 1)
    evaluate(evaluated())
    assert keys() == {stopped.key}
    assert num_models(stopped.key) == 1


@pytest.mark.parametrize("change", ["parameter", "data", "code", "folder", "experiment"])
def test_another_training_is_another_run(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: str
) -> None:
    stopped = start()
    die(stopped)
    hashes, changed = HASHES, {}
    if change == "parameter":
        changed = {"train.lr": 0.2}
    elif change == "data":
        hashes = HASHES | {str(SPLIT): "9999.dir"}
    elif change == "code":
        Path("stages").mkdir()
        Path("stages/train.py").write_text("1\n")
        Path("dvc.yaml").write_text("stages: {train: {cmd: python -m stages.train}}\n")
    elif change == "folder":
        (tmp_path / "copy").mkdir()
        monkeypatch.chdir(tmp_path / "copy")
        write_document(SPLIT / "split.json", {"rows": {"train": 70}, "shards": [70]})
        write_document(SCHEMA, FORMULA)
    else:
        monkeypatch.setenv("DVC_EXP_NAME", "other-one")
    other = training_run(ALONE, PARAMETERS | changed, hashes, SPLIT, SCHEMA)
    die(other)
    assert other.key != stopped.key


def test_a_training_repeated_after_its_evaluation_is_a_new_run(repository: Path) -> None:
    first = start()
    train(first, 1, 2)
    assert_resumed_by_train(first)
    evaluate(evaluated())
    second = start()
    train(second, 1, 2)
    assert second.key != first.key
    assert points(second.key) == points(first.key)[:4]
    evaluate(evaluated())
    assert keys() == {first.key, second.key}
    assert [num_models(key) for key in (first.key, second.key)] == [1, 1]
    assert points(first.key) == points(second.key), "each has been evaluated"


def assert_resumed_by_train(run: Run) -> None:
    """A training repeated before its evaluation, as after a kill of DVC, is the same run."""
    again = start()
    assert again.key == run.key
    die(again)


@pytest.mark.parametrize("order", [("one", "two"), ("", "one"), ("one", "")])
def test_two_dvc_experiments_are_never_one_run(
    repository: Path, monkeypatch: pytest.MonkeyPatch, order: tuple[str, str]
) -> None:
    """Neither their trainings nor the evaluations of models that are equal to the last bit."""
    trained: list[str] = []
    evaluated_keys: list[str] = []
    for name in order:
        monkeypatch.setenv("DVC_EXP_NAME", name) if name else monkeypatch.delenv(
            "DVC_EXP_NAME", raising=False
        )
        run = start()
        train(run, 1)
        trained.append(run.key)
    for name in order:
        monkeypatch.setenv("DVC_EXP_NAME", name) if name else monkeypatch.delenv(
            "DVC_EXP_NAME", raising=False
        )
        run = evaluated()
        evaluate(run)
        evaluated_keys.append(run.key)
    assert trained == evaluated_keys
    assert len(set(trained)) == 2


# evaluate


def test_evaluate_finds_the_run_of_its_model(repository: Path) -> None:
    run = start()
    train(run, 1, 2)
    evaluate(evaluated())
    assert keys() == {run.key}
    assert points(run.key)[-1] == ("test_r2", 0, 0.9)
    assert num_models(run.key) == 1


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("where", ["at once", "after its points", "after its gates"])
def test_an_evaluation_that_was_stopped_resumes_its_run(
    repository: Path, where: str, cached: bool
) -> None:
    """Also the run that evaluate started itself, for a model that DVC took from its cache."""
    if not cached:
        train(start(), 1, 2)
    stopped = evaluated()
    if where != "at once":
        stopped.log({"test_r2": 0.9}, step=0)
    if where == "after its gates":
        record_gates(stopped, passed=True)
    die(stopped)
    again = evaluated()
    evaluate(again)
    assert keys() == {stopped.key} == {again.key}
    found = points(stopped.key)
    assert len(found) == len(set(found))
    assert found.count(("test_r2", 0, 0.9)) == num_models(stopped.key) == 1


def test_a_model_from_the_cache_has_a_run_with_its_curves(repository: Path) -> None:
    run = evaluated()
    evaluate(run)
    assert points(run.key) == [
        ("b", 1, 0.5),
        ("theta.x1", 1, 1.0),
        ("train_mse", 1, 1.0),
        ("b", 2, 0.25),
        ("gap", 2, 0.5),
        ("theta.x1", 2, 1.0),
        ("train_mse", 2, 0.5),
        ("test_r2", 0, 0.9),
    ]


def test_the_curves_of_a_model_from_the_cache_are_completed_after_a_stop(repository: Path) -> None:
    """A kill between two points of the curves that evaluate copies must not lose the others."""
    stopped = evaluated()
    die(stopped)
    journal = RunFolder(stopped.key).journal
    lines = journal.read_bytes().splitlines(keepends=True)
    first_point = next(i for i, line in enumerate(lines) if b'"metrics"' in line)
    journal.write_bytes(b"".join(lines[: first_point + 1]))
    again = evaluated()
    evaluate(again)
    assert again.key == stopped.key
    assert [(name, step) for name, step, _ in points(again.key)].count(("theta.x1", 2)) == 1


def test_another_model_is_evaluated_in_another_run(repository: Path) -> None:
    train(start(), 1)
    evaluate(evaluated())
    write_model(3.0)
    other = evaluated()
    evaluate(other)
    assert len(keys()) == 2
    assert num_models(other.key) == 1


def test_a_model_is_evaluated_by_other_gates_in_another_run(repository: Path) -> None:
    """The outcome of the first gates stays what it was."""
    train(start(), 1)
    evaluate(evaluated())
    other = evaluated(**{"evaluate.gates.test_r2.min": 0.95})
    with other:
        record_gates(other, passed=False)
    assert len(keys()) == 2


# several processes


def test_only_the_first_of_several_processes_has_a_run(repository: Path) -> None:
    for rank in (1, 2):
        for run in (
            training_run(Workers(rank, 3), PARAMETERS, HASHES, SPLIT, SCHEMA),
            run_of_model(Workers(rank, 3), PARAMETERS, MODEL, TRAINING),
        ):
            train(run, 1)
            evaluate(run)
    assert keys() == set()
    first = training_run(Workers(0, 3), PARAMETERS, HASHES, SPLIT, SCHEMA)
    die(first)
    assert keys() == {first.key}


@pytest.mark.slow
def test_mlflow_shows_one_complete_run_of_a_training_that_was_stopped_twice(
    store: MlflowClient,
    send: Callable[[], SyncResult],
    sent_run: Callable[..., MlflowRun],
    learn: Callable[..., Design],
) -> None:
    """It is sent to MLflow after each stop."""
    design = learn("y ~ x1", pa.table({"x1": [1.0, 2.0], "y": [0.0, 1.0]}))
    LinearModel(design, np.ones(1), 0.5, HASHES).save(MODEL)
    for epochs in ((1,), (1, 2), (1, 2, 3)):
        run = start()
        for epoch in epochs:
            run.log({"train_mse": 1.0 / epoch}, epoch)
        die(run)
        assert send().error == ""
    train(start(), 1, 2, 3)
    evaluate(evaluated())
    assert send().error == ""
    shown = sent_run(run.key)
    assert shown.info.status == "FINISHED"
    assert [point.step for point in store.get_metric_history(shown.info.run_id, "loss/train")] == [
        1,
        2,
        3,
    ]
    assert shown.outputs is not None
    assert len(shown.outputs.model_outputs) == 1
