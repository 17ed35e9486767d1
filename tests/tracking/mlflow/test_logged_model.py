import json
import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import uvicorn
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.scoring_server import init

import linreg
from linreg.data.formula.design import Design
from linreg.data.formula.design_spec import design_spec
from linreg.data.formula.formula import parse_formula
from linreg.data.formula.schema import Column, Schema
from linreg.fit.model import LinearModel, load
from linreg.tracking.journal.open_run import reopen_run, start_run
from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.mlflow import logged_model
from linreg.tracking.mlflow.sync import SyncResult

# MLflow compares an example's columns with a range, which pandas 4 will not do.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Operation with range is deprecated", "ignore:overflow encountered"
)

ROWS = pd.DataFrame(
    {"area": [50.5, 80.0, 120.25], "rooms": [2, 3, 5], "zone": ["a", "b", "b"], "floor": [1, 2, 1]}
    | {"garden": [True, False, True]}
)


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of numbers, whole numbers, and categories of three types."""
    table = pa.Table.from_pandas(ROWS.assign(y=1.0))
    types = {
        name: str(table.schema.field(name).type).removeprefix("large_")
        for name in table.column_names
    }
    kinds = {"zone": "category", "garden": "category"}
    columns = {name: Column(type_, kinds.get(name, "number")) for name, type_ in types.items()}  # type: ignore[arg-type]
    parsed = parse_formula(
        "y ~ area + rooms + zone + C(floor) + garden", list(types), frozenset(kinds)
    )
    schema = Schema(formula=str(parsed), columns=columns, fill_missing=False, **design_spec(parsed))
    design = Design.fit(schema, [table])
    folder = tmp_path_factory.mktemp("models") / "model"
    folder.mkdir()
    LinearModel(design, np.linspace(0.5, 2.5, len(design.names)), -1.5, {"data/split": "h"}).save(
        folder
    )
    return folder


@pytest.fixture(scope="session")
def mlflow_model(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model as MLflow stores it."""
    folder = tmp_path_factory.mktemp("mlflow") / "model"
    logged_model.save(artifact, folder)
    return folder


@pytest.fixture(scope="module")
def server(mlflow_model: Path) -> Iterator[str]:
    """The URL of MLflow's own scoring server with that model."""
    app = init(mlflow.pyfunc.load_model(str(mlflow_model)))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/invocations"
    server.should_exit = True
    thread.join()


def post(server: str, rows: list[dict[str, object]]) -> tuple[int, dict[str, object]]:
    body = json.dumps({"dataframe_records": rows}).encode()
    request = urllib.request.Request(server, body, {"Content-Type": "application/json"})  # noqa: S310 - our own
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def records() -> list[dict[str, object]]:
    return json.loads(ROWS.to_json(orient="records"))  # type: ignore[no-any-return]


def test_the_served_model_predicts_what_the_artifact_predicts(artifact: Path, server: str) -> None:
    expected = load(artifact).predict(ROWS)
    assert post(server, records()) == (200, {"predictions": expected.tolist()})


def test_mlflow_converts_no_cell_and_the_metadata_describe_each_column(mlflow_model: Path) -> None:
    metadata = mlflow.pyfunc.load_model(str(mlflow_model)).metadata
    assert metadata.get_input_schema() is None
    assert str(metadata.get_output_schema().input_types()) == "[double]"
    assert metadata.metadata["columns"] == {
        "area": "number, from 50.5 to 120.25 in training",
        "rooms": "number, from 2 to 5 in training",
        "zone": "category of string: a, b",
        "floor": "category of int64: 1, 2",
        "garden": "category of bool: False, True",
    }


def test_columns_of_integers_accept_integers_and_fractions(
    artifact: Path, mlflow_model: Path, server: str
) -> None:
    served = mlflow.pyfunc.load_model(str(mlflow_model))
    assert served.predict(ROWS).tolist() == load(artifact).predict(ROWS).tolist()
    floats = ROWS.astype({"rooms": float, "floor": float})
    assert served.predict(floats).tolist() == load(artifact).predict(ROWS).tolist()
    row = records()[0] | {"rooms": 3.5}
    expected = load(artifact).predict(pd.DataFrame([row]))
    assert post(server, [row]) == (200, {"predictions": expected.tolist()})


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"area": None}, "area"),
        ({"zone": None}, "zone"),
        ({"zone": "never seen"}, "zone"),
        ({"area": "large"}, "area"),
        ({"floor": 1.5}, "floor"),
        ({"area": 1.7e308, "rooms": 1.7e308}, "row 1"),
    ],
)
def test_an_invalid_row_is_refused_with_its_place(
    server: str, changes: dict[str, object], word: str
) -> None:
    code, answer = post(server, [records()[0] | changes])
    assert code == 400
    assert word in str(answer)


def test_a_missing_column_is_refused(server: str) -> None:
    row = records()[0]
    del row["area"]
    code, answer = post(server, [row])
    assert code == 400
    assert "area" in str(answer)


def test_the_input_example_can_be_predicted(mlflow_model: Path, artifact: Path) -> None:
    model = mlflow.pyfunc.load_model(str(mlflow_model))
    example = logged_model.example(load(artifact))
    assert np.isfinite(model.predict(example)).all()
    assert json.loads((mlflow_model / "input_example.json").read_text())["columns"] == list(
        example.columns
    )


def test_the_logged_model_holds_data_only(mlflow_model: Path) -> None:
    files = {
        file.relative_to(mlflow_model).as_posix()
        for file in mlflow_model.rglob("*")
        if file.is_file()
    }
    ours = {"data/model/model.json", "data/model/model.safetensors"}
    mlflows = {"MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"}
    assert files == ours | mlflows | {"input_example.json", "serving_input_example.json"}


@pytest.mark.slow
def test_the_model_needs_only_the_packages_that_it_names(mlflow_model: Path) -> None:
    """It loads where torch, DVC and formulaic cannot be imported."""
    names = [
        line.partition("==")[0] for line in (mlflow_model / "requirements.txt").read_text().split()
    ]
    assert names == ["mlflow", "numpy", "pandas", "pyarrow", "safetensors"]
    program = f"""if True:
        import sys
        for absent in ("torch", "dvc", "formulaic", "tqdm", "ruamel", "numba", "optuna", "mpmath"):
            sys.modules[absent] = None
        import mlflow.pyfunc, pandas
        model = mlflow.pyfunc.load_model({str(mlflow_model)!r})
        row = {{"area": 50.5, "rooms": 2.0, "zone": "a", "floor": 1, "garden": True}}
        print(model.predict(pandas.DataFrame([row])).shape, sys.modules["linreg"].__file__)
    """
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=mlflow_model.parent,
        env={**os.environ},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["(1,)", str(Path(linreg.__file__))]


@pytest.mark.slow
def test_a_run_has_its_model_once_with_the_metrics_logged_after_it(
    artifact: Path,
    store: MlflowClient,
    send: Callable[[], SyncResult],
    sent_run: Callable[..., MlflowRun],
) -> None:
    with start_run("linreg", "name", {"train.lr": 0.1}, {"model": "h"}) as run:
        for step in range(3):
            run.log({"train_mse": 1.0 / (step + 1)}, step)
        run.log_model(artifact)
        run.log({"train_mse": 0.25}, step=3)
    assert send() == SyncResult(num_points=4)
    evaluation = reopen_run("model", "h")
    assert evaluation is not None
    with evaluation:
        evaluation.log({"test_mse": 0.5}, step=3)
        evaluation.set_tags({"mlflow.note.content": "what it was"})
    assert send() == SyncResult(num_points=1)
    RunFolder(run.key).reset_sync_state()
    assert send() == SyncResult(num_points=5)

    seen = sent_run(run.key)
    assert seen.outputs is not None
    (output,) = seen.outputs.model_outputs
    (model,) = store.search_logged_models([seen.info.experiment_id])
    assert model.model_id == output.model_id
    assert (model.status, model.source_run_id) == ("READY", seen.info.run_id)
    assert model.params == {"train.lr": "0.1"}
    assert seen.data.tags["mlflow.note.content"] == "what it was"
    assert model.tags["mlflow.note.content"].splitlines() == [
        "what it was",
        "",
        "`y ~ area + rooms + zone + C(floor) + garden`",
        "",
        "- `area`: number, from 50.5 to 120.25 in training",
        "- `rooms`: number, from 2 to 5 in training",
        "- `zone`: category of string: a, b",
        "- `floor`: category of int64: 1, 2",
        "- `garden`: category of bool: False, True",
    ]
    shown = {(metric.key, metric.step): metric.value for metric in model.metrics or []}
    assert shown[("test_mse", 3)] == 0.5
    assert shown[("loss/train", 3)] == 0.25
    assert [point.step for point in store.get_metric_history(seen.info.run_id, "loss/train")] == [
        0,
        1,
        2,
        3,
    ]
    assert mlflow.pyfunc.load_model(model.artifact_location).predict(
        logged_model.example(load(artifact))
    ).shape == (1,)


def test_a_sender_killed_while_it_logs_the_model_leaves_one_model(
    artifact: Path,
    store: MlflowClient,
    send: Callable[[], SyncResult],
    sent_run: Callable[..., MlflowRun],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with start_run("linreg", "name", {}, {}) as run:
        run.log_model(artifact)

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    for call in ("log_model_artifacts", "log_outputs", "finalize_logged_model"):
        with monkeypatch.context() as patch:
            patch.setattr(MlflowClient, call, die)
            with pytest.raises(Killed):
                send()
    assert send() == SyncResult()
    (model,) = store.search_logged_models([sent_run(run.key).info.experiment_id])
    assert model.status == "READY"
    assert [file.path for file in store.list_artifacts(sent_run(run.key).info.run_id)] == []


def test_a_damaged_artifact_is_reported_and_nothing_else_is_lost(
    artifact: Path,
    store: MlflowClient,
    send: Callable[[], SyncResult],
    sent_run: Callable[..., MlflowRun],
    tmp_path: Path,
) -> None:
    damaged = tmp_path / "model"
    damaged.mkdir()
    (damaged / "model.json").write_text("{")
    with start_run("linreg", "name", {}, {}) as run:
        run.log({"m": 1.0}, step=0)
        run.log_model(damaged)
    assert "is damaged" in send().error
    assert sent_run(run.key).data.metrics == {"m": 1.0}
    assert not RunFolder(run.key).is_synced()
    with pytest.raises(MlflowException):
        mlflow.pyfunc.load_model(str(damaged))
