"""A project that is moved or copied: its runs and models are found there, and only there."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from linreg.data.formula.design import Design
from linreg.fit.model import load
from linreg.tracking.journal.open_run import start_run
from linreg.tracking.journal.run_folder import run_folders
from linreg.tracking.mlflow.fetch_model import fetch_model
from linreg.tracking.mlflow.moved_store import local_folder
from linreg.tracking.mlflow.store import open_store
from linreg.tracking.mlflow.sync import SyncResult
from tests.prediction.fitted import save_model

pytestmark = pytest.mark.filterwarnings("ignore:Operation with range is deprecated")
Send = Callable[[], SyncResult]
CHAMPION = "models:/linreg@champion"


@pytest.fixture
def champion(
    repository: Path, tmp_path: Path, learn: Callable[..., Design], store: MlflowClient, send: Send
) -> Path:
    """A project with a run that has been sent, whose model is the champion; returns the model."""
    save_model(tmp_path / "trained", learn, "y ~ x + z")
    with start_run("linreg", "name", {}, {}) as run:
        run.log_model(tmp_path / "trained")
    assert send() == SyncResult()
    (experiment,) = store.search_experiments(filter_string="name = 'linreg'")
    (model,) = store.search_logged_models([experiment.experiment_id])
    store.create_registered_model("linreg")
    version = store.create_model_version(
        "linreg", f"models:/{model.model_id}", model_id=model.model_id
    )
    store.set_registered_model_alias("linreg", "champion", version.version)
    return tmp_path / "trained"


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Goes on in another place, as a new process would."""

    def enter(project: Path) -> None:
        monkeypatch.setenv("DVC_ROOT", str(project))
        monkeypatch.chdir(project)

    return enter


def files(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def texts(database: Path) -> Iterator[str]:
    """Everything that a database holds, a line for each row."""
    with closing(sqlite3.connect(database)) as connection:
        yield from connection.iterdump()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["moved", "copied", "moved, with another folder in the old place"])
def test_all_that_is_in_mlflow_is_found_in_the_new_place_and_the_old_one_stays_as_it_is(
    how: str,
    champion: Path,
    repository: Path,
    tmp_path: Path,
    enter: Callable[[Path], None],
    send: Send,
) -> None:
    new = tmp_path / "100 % Größe_x"
    if how == "copied":
        shutil.copytree(repository, new)
    else:
        repository.rename(new)
    if how.endswith("old place"):
        (repository / "mlartifacts").mkdir(parents=True)
    before = files(repository)
    enter(new)
    # Nothing is to be sent again.
    assert all(folder.is_synced() for folder in run_folders())
    trained = load(champion)
    assert (
        load(fetch_model(CHAMPION, tmp_path / "fetched")).theta.tolist() == trained.theta.tolist()
    )
    with start_run("linreg", "another", {}, {}) as run:
        run.log_artifact(champion)
        run.log_model(champion)
    assert send() == SyncResult()
    assert files(repository) == before
    assert not [line for line in texts(new / "mlflow.db") if repository.as_uri() + "/" in line]
    client = open_store()
    (experiment,) = client.search_experiments(filter_string="name = 'linreg'")
    found = client.search_runs([experiment.experiment_id])
    assert len(found) == 2
    for run_id in (each.info.run_id for each in found if each.info.run_name == "another"):
        assert [each.path for each in client.list_artifacts(run_id)] == ["trained"]


def test_an_experiment_whose_artifacts_were_put_elsewhere_stays_there(
    store: MlflowClient, repository: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "disk" / "mlartifacts"
    elsewhere.mkdir(parents=True)
    places = {
        "disk": elsewhere.as_uri(),
        "bucket": "s3://bucket/mlartifacts",
        "folder": (tmp_path / "own").as_uri(),
    }
    for name, place in places.items():
        store.create_experiment(name, artifact_location=place)
    found = {each.name: each.artifact_location for each in open_store().search_experiments()}
    assert {name: found[name] for name in places} == places


def test_a_database_outside_of_the_project_keeps_the_locations_of_other_projects(
    store: MlflowClient, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared.db"
    shutil.copyfile(repository / "mlflow.db", shared)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shared}")
    place = (tmp_path / "another project" / "mlartifacts").as_uri()
    number = open_store().create_experiment("theirs", artifact_location=place)
    assert open_store().get_experiment(number).artifact_location == place


@pytest.mark.parametrize(
    ("location", "folder"),
    [
        ("file:///a%20b/c", Path("/a b/c")),
        ("/a/b", Path("/a/b")),
        ("s3://bucket/a", None),
        ("mlflow-artifacts:/1", None),
    ],
)
def test_only_a_file_of_this_machine_has_a_local_folder(location: str, folder: Path | None) -> None:
    assert local_folder(location) == folder
