"""A database as the store, without a server: artifacts stay in the project, whoever sends them."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from mlflow import MlflowClient

from linreg.tracking.journal.open_run import start_run
from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.mlflow.store import open_store
from linreg.tracking.mlflow.sync import SyncResult
from tests.data.fetch.servers import PASSWORD, postgresql
from tests.project import copy_of_the_project

pytest.importorskip("psycopg", reason="MLflow's driver for PostgreSQL is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A real PostgreSQL server; the URI of its database."""
    with postgresql() as server:
        yield f"postgresql://analyst:{quote(PASSWORD, safe='')}@127.0.0.1:{server.port}/postgres"


def a_run(experiment: str, *files: Path) -> RunFolder:
    with start_run(experiment, "name", {}, {}) as run:
        for file in files:
            run.log_artifact(file)
    return RunFolder(run.key)


def test_artifacts_go_to_the_project_from_wherever_they_are_sent(
    server: str,
    repository: Path,
    tmp_path: Path,
    send: Callable[[], SyncResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    copy = tmp_path / "copy that DVC deletes"
    copy.mkdir()
    (copy / "report.txt").write_text("good")
    monkeypatch.chdir(copy)
    folder = a_run("temporary", copy / "report.txt")
    assert send() == SyncResult()
    shutil.rmtree(copy)
    monkeypatch.chdir(repository)
    client: MlflowClient = open_store()
    artifact = client.download_artifacts(folder.sync_state().run_id, "report.txt")
    assert Path(artifact).read_text() == "good"
    assert {path.name for path in repository.iterdir()} == {".linreg", "mlartifacts"}
    assert PASSWORD not in folder.log.parent.joinpath("sent.json").read_text()


def test_a_second_project_is_told_that_the_artifacts_are_not_here(
    server: str,
    repository: Path,
    tmp_path: Path,
    send: Callable[[], SyncResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    a_run("shared", Path(__file__))
    assert send() == SyncResult()
    (repository / "mlartifacts").rename(repository / "elsewhere")
    other = tmp_path / "another project"
    other.mkdir()
    monkeypatch.setenv("DVC_ROOT", str(other))
    monkeypatch.chdir(other)
    folder = a_run("shared", Path(__file__))
    assert (
        "MLflow experiment shared: keeps its artifacts in a folder that is not here; found"
        f" {repository}/mlartifacts; have several machines share an MLflow server"
    ) in send().error
    # Nothing is lost, and nothing is half-made.
    assert not folder.is_synced()
    assert not (repository / "mlartifacts").exists()
    (repository / "elsewhere").rename(repository / "mlartifacts")
    assert send() == SyncResult()


@pytest.mark.very_slow
def test_a_queued_experiment_has_its_artifacts_in_the_project(server: str, tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "a project")
    environment = {"MLFLOW_TRACKING_URI": server, "LINREG_SYNC": "now"}
    project.run("dvc", "exp", "run", "--temp", "-S", "train.epochs=2", env=environment)
    project.run("python", "-m", "linreg", "sync", env=environment)
    client = MlflowClient(server)
    experiment = client.get_experiment_by_name("linreg")
    assert experiment
    (run,) = client.search_runs([experiment.experiment_id])
    (model,) = run.outputs.model_outputs if run.outputs else []
    assert run.info.status == "FINISHED"
    artifacts = project.folder / "mlartifacts"
    assert (artifacts / run.info.run_id / "artifacts/evaluation/report.html").is_file()
    assert (artifacts / "models" / model.model_id / "artifacts/MLmodel").is_file()
    assert not list((project.folder / ".dvc/tmp/exps").rglob("MLmodel"))
    assert not (project.folder / "mlruns").exists()
