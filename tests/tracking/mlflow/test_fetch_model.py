import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from linreg.data.formula.design import Design
from linreg.errors import UserError
from linreg.fit.exact.reference import ExactReference
from linreg.fit.model import load
from linreg.lineage.model_lookup import find_model
from linreg.tracking.journal.open_run import start_run
from linreg.tracking.mlflow.fetch_model import fetch_model, plain_artifact
from linreg.tracking.mlflow.sync import SyncResult
from tests.planted_pickle import PICKLE
from tests.prediction.fitted import save_model

pytestmark = pytest.mark.filterwarnings("ignore:Operation with range is deprecated")
FRAME = pd.DataFrame({"x": [0.1, -1.0], "z": [2.0, 3.0]})


@pytest.fixture
def run(
    tmp_path: Path,
    learn: Callable[..., Design],
    store: MlflowClient,
    send: Callable[[], SyncResult],
    sent_run: Callable[..., MlflowRun],
) -> MlflowRun:
    """A run with a model that has been sent, as a pipeline sends it."""
    save_model(tmp_path / "trained", learn, "y ~ x + z")
    with start_run("linreg", "name", {}, {}) as run:
        run.log_model(tmp_path / "trained")
    assert send() == SyncResult()
    return sent_run(run.key)


def test_every_uri_of_a_model_leads_to_its_plain_artifact(
    run: MlflowRun, store: MlflowClient, tmp_path: Path
) -> None:
    (model,) = store.search_logged_models([run.info.experiment_id])
    store.create_registered_model("linreg")
    version = store.create_model_version(
        "linreg", f"models:/{model.model_id}", model_id=model.model_id
    )
    store.set_registered_model_alias("linreg", "champion", version.version)
    trained = load(tmp_path / "trained")
    names = [
        f"models:/{model.model_id}",
        "models:/linreg/1",
        "models:/linreg@champion",
        f"runs:/{run.info.run_id}/model",
    ]
    for i, name in enumerate(names):
        (tmp_path / str(i)).mkdir()
        folder = fetch_model(name, tmp_path / str(i))
        assert load(folder).predict(FRAME).tobytes() == trained.predict(FRAME).tobytes(), name
        np.testing.assert_array_equal(ExactReference.read(folder).solution.theta, trained.theta)


def test_a_fetched_model_is_deleted_after_its_use(run: MlflowRun, store: MlflowClient) -> None:
    (model,) = store.search_logged_models([run.info.experiment_id])
    with find_model(f"models:/{model.model_id}") as folder:
        assert (folder / "model.json").exists()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("models:/linreg@champion", "Registered Model with name=linreg not found"),
        ("models:/linreg/3", "Registered Model with name=linreg not found"),
        ("models:/m-0123", "Logged model with ID 'm-0123' not found"),
        ("runs:/0123/model", "Run with id=0123 not found"),
        ("models:/", "Not a proper models:/ URI"),
    ],
)
def test_a_uri_of_nothing_is_an_error_of_one_line(
    store: MlflowClient, tmp_path: Path, uri: str, found: str
) -> None:
    with pytest.raises(UserError) as caught:
        fetch_model(uri, tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{uri} in sqlite:///")
    assert f": cannot be fetched; found {found}" in message, message


def test_fetching_creates_no_store(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UserError,
        match=r"models:/linreg@champion: cannot be fetched, for there is no MLflow store here",
    ):
        fetch_model("models:/linreg@champion", tmp_path)
    assert list(repository.iterdir()) == []


def test_fetching_writes_nothing_where_it_runs_nor_a_store_that_was_named(
    run: MlflowRun,
    store: MlflowClient,
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (model,) = store.search_logged_models([run.info.experiment_id])
    anywhere = tmp_path / "anywhere"
    anywhere.mkdir()
    monkeypatch.chdir(anywhere)
    monkeypatch.delenv("DVC_ROOT")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{repository}/mlflow.db")
    load(fetch_model(f"models:/{model.model_id}", tmp_path / "fetched"))
    for named in ("sqlite:///none.db", f"sqlite:///{tmp_path}/none.db"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", named)
        with pytest.raises(UserError, match="no MLflow store here yet"):
            fetch_model("models:/linreg@champion", tmp_path / "fetched")
    assert not (tmp_path / "none.db").exists()
    assert list(anywhere.iterdir()) == []


def test_a_server_that_is_down_is_an_error_of_one_line(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    with pytest.raises(UserError) as caught:
        fetch_model("models:/linreg@champion", tmp_path)
    assert "found http://127.0.0.1:9 does not answer" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_model_that_is_not_of_linreg_is_an_error(store: MlflowClient, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "data").mkdir(parents=True)
    (other / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: other\n")
    store.create_registered_model("other")
    store.create_model_version("other", str(other))
    with pytest.raises(
        UserError, match=r"models:/other/1: is no model of linreg; found python_function"
    ):
        fetch_model("models:/other/1", tmp_path / "to")


FILES_OF_MLFLOW = (
    "conda.yaml",
    "python_env.yaml",
    "requirements.txt",
    "input_example.json",
    "serving_input_example.json",
)
"""Files next to the model that only tools of MLflow read."""


def loaded_from(folder: Path) -> Path:
    load(folder)
    return folder


def artifact_of(run: MlflowRun, store: MlflowClient) -> tuple[str, Path]:
    """The URI of the run's model, and its folder in the store."""
    (model,) = store.search_logged_models([run.info.experiment_id])
    return f"models:/{model.model_id}", Path(url2pathname(urlsplit(model.artifact_location).path))


@pytest.mark.slow
def test_a_pickle_in_place_of_any_file_of_a_logged_model_is_refused(
    run: MlflowRun, store: MlflowClient, tmp_path: Path
) -> None:
    name, stored = artifact_of(run, store)
    files = [file for file in stored.rglob("*") if file.is_file()]
    assert {"MLmodel", "model.json", "model.safetensors"} <= {file.name for file in files}
    for file in files:
        genuine = file.read_bytes()
        file.write_bytes(PICKLE)
        if file.name in FILES_OF_MLFLOW:
            load(fetch_model(name, tmp_path / file.name))
        else:
            with pytest.raises(UserError):
                ExactReference.read(loaded_from(fetch_model(name, tmp_path / file.name)))
        file.write_bytes(genuine)
    assert not list(tmp_path.rglob("marker"))
    assert not Path("marker").exists()


def test_links_and_pipes_in_a_model_are_refused(
    run: MlflowRun, store: MlflowClient, tmp_path: Path
) -> None:
    name, stored = artifact_of(run, store)
    mlflow_model = tmp_path / "mlflow_model"
    shutil.copytree(stored, mlflow_model)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (file,) = mlflow_model.rglob("model.json")
    within = plain_artifact(mlflow_model, name)
    assert file.parent == within
    for target in (secret, file.rename(file.with_name("other.json"))):
        file.symlink_to(target)
        with pytest.raises(
            UserError,
            match=r"names files outside of itself; found the link data/trained/model\.json",
        ):
            plain_artifact(mlflow_model, name)
        file.unlink()
    (stored_file,) = stored.rglob("model.json")
    stored_file.unlink()
    os.mkfifo(stored_file)
    with pytest.raises(UserError, match="cannot be fetched; found The following failures occurred"):
        fetch_model(name, tmp_path / "fetched")
    stored_file.unlink()
    stored_file.symlink_to(secret)
    with pytest.raises(UserError) as caught:
        load(fetch_model(name, tmp_path / "again"))
    assert "secret" not in str(caught.value).replace(str(tmp_path), "")


@pytest.mark.parametrize("path", ["/etc", "../..", "data/../../x"])
def test_a_flavour_with_a_path_out_of_the_model_is_refused(
    run: MlflowRun, store: MlflowClient, tmp_path: Path, path: str
) -> None:
    name, stored = artifact_of(run, store)
    mlflow_model = tmp_path / "mlflow_model"
    shutil.copytree(stored, mlflow_model)
    mlmodel = mlflow_model / "MLmodel"
    text, count = re.subn(r"(?m)^    data: .*$", f"    data: {path}", mlmodel.read_text())
    assert count == 1
    mlmodel.write_text(text)
    with pytest.raises(UserError, match="names files outside of itself; found"):
        plain_artifact(mlflow_model, name)
