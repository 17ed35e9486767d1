import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from linreg.tracking.journal import sender_process
from linreg.tracking.journal.run_folder import RunFolder, run_folders
from linreg.tracking.mlflow.store import open_store
from linreg.tracking.mlflow.sync import SyncResult, send_all
from tests import import_mlflow  # noqa: F401 - for what is imported later

ISOLATED = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_RUN_ID",
    "DVC_EXP_NAME",
    "DVC_EXP_BASELINE_REV",
)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project with nothing tracked yet."""
    # With a space in its name, as folders may have.
    top = tmp_path / "a repository"
    top.mkdir()
    monkeypatch.setenv("DVC_ROOT", str(top))
    for variable in ISOLATED:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(top)
    return top


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store, created once, because its tables take seconds."""
    top = tmp_path_factory.mktemp("empty")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(top))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        open_store()
    return top / "mlflow.db"


@pytest.fixture
def store(repository: Path, empty_database: Path) -> MlflowClient:
    """The project's own store, a real SQLite file."""
    shutil.copyfile(empty_database, repository / "mlflow.db")
    return open_store()


@pytest.fixture
def no_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are written to their journals, and no process sends them."""
    monkeypatch.setenv(sender_process.SYNC, "later")


@pytest.fixture
def send() -> Callable[[], SyncResult]:
    """Sends what MLflow does not have of all runs, as `linreg sync` does."""
    return lambda: send_all(run_folders())


@pytest.fixture
def sent_run(store: MlflowClient) -> Callable[..., MlflowRun]:
    """Returns the one run in MLflow that a journal was sent to."""

    def find(key: str, experiment: str = "linreg", client: MlflowClient = store) -> MlflowRun:
        found = client.get_experiment_by_name(experiment)
        assert found is not None
        (run,) = client.search_runs([found.experiment_id], f"tags.`linreg.run` = '{key}'")
        return run

    return find


@pytest.fixture
def python(repository: Path) -> Iterator[Callable[[str], "subprocess.Popen[str]"]]:
    """Starts a program as a process, which is killed at the end of the test."""
    processes = []

    def start(program: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def only_run() -> Callable[[], RunFolder]:
    def find() -> RunFolder:
        (folder,) = run_folders()
        return folder

    return find
