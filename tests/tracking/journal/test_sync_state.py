import json
from pathlib import Path

import pytest

from linreg.tracking.journal.sync_state import SyncState

SERVER = "http://127.0.0.1:9"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is not the project's own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")


def a_state(uri: str = SERVER) -> SyncState:
    return SyncState(uri, "run", "model", "FAILED", 70, "was down", 1.5)


def test_a_state_is_read_as_it_was_written(server: None, tmp_path: Path) -> None:
    file = tmp_path / "sent.json"
    a_state().write(file)
    assert SyncState.read(file) == a_state()


def test_the_file_has_the_keys_of_linreg_0_1(server: None, tmp_path: Path) -> None:
    file = tmp_path / "sent.json"
    a_state().write(file)
    document = json.loads(file.read_text())
    del document["checksum"]
    assert document == {
        "tracking_uri": SERVER,
        "run_id": "run",
        "model_id": "model",
        "status": "FAILED",
        "offset": 70,
        "trouble": "was down",
        "trouble_time": 1.5,
    }


def test_without_a_file_the_store_has_nothing(server: None, tmp_path: Path) -> None:
    assert SyncState.read(tmp_path / "sent.json") == SyncState(tracking_uri=SERVER)
    assert SyncState() == SyncState("", "", "", "", 0, "", 0.0)


def test_what_another_store_has_does_not_count(server: None, tmp_path: Path) -> None:
    file = tmp_path / "sent.json"
    a_state("http://127.0.0.1:10").write(file)
    assert SyncState.read(file) == SyncState(tracking_uri=SERVER)


def test_a_local_store_that_was_deleted_has_nothing(repository: Path) -> None:
    file, database = repository / "sent.json", repository / "mlflow.db"
    state = a_state("sqlite:///mlflow.db")
    state.write(file)
    assert SyncState.read(file) == SyncState(tracking_uri=state.tracking_uri)
    database.touch()
    assert SyncState.read(file) == state


def test_a_damaged_file_counts_as_nothing_with_a_warning(
    server: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "sent.json"
    a_state().write(file)
    file.write_text(file.read_text().replace("70", "71"))
    assert SyncState.read(file) == SyncState(tracking_uri=SERVER)
    (message,) = caplog.messages
    assert message.startswith(f"{file}: ")
    assert message.endswith("; the run is sent from its beginning")


def test_a_store_in_the_project_is_the_same_one_where_the_project_is_moved(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = a_state("sqlite:///mlflow.db")
    (repository / "mlflow.db").touch()
    # As linreg 0.1 has written it.
    a_state(f"sqlite:///{repository}/mlflow.db").write(repository / "sent.json")
    assert SyncState.read(repository / "sent.json") == state
    state.write(repository / "sent.json")
    moved = repository.rename(repository.with_name("moved"))
    monkeypatch.setenv("DVC_ROOT", str(moved))
    assert SyncState.read(moved / "sent.json") == state
