from pathlib import Path

import pytest

from linreg.tracking.journal.store_location import (
    is_local_store,
    is_server,
    local_artifacts,
    local_database,
    project_root,
    state_folder,
    tracking_uri,
)


def test_without_dvc_the_project_root_is_the_nearest_folder_with_a_dvc_yaml(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_ROOT")
    (repository / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(repository / "a" / "b")
    assert project_root() == repository / "a" / "b"
    (repository / "dvc.yaml").touch()
    assert project_root() == repository
    (repository / "a" / "dvc.yaml").touch()
    assert project_root() == repository / "a"


def test_under_dvc_the_project_root_is_the_one_that_dvc_names(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "dvc.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert project_root() == repository


def test_the_project_may_be_a_subfolder_of_where_dvc_was_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DVC then names its own top folder, also to a queued experiment in a copy of all below it."""
    top, copy = tmp_path / "top", tmp_path / "top/.dvc/tmp/exps/tmp1"
    for folder in (top, copy):
        (folder / ".dvc").mkdir(parents=True, exist_ok=True)
        (folder / "ml/stages").mkdir(parents=True)
        (folder / "ml/dvc.yaml").touch()
    monkeypatch.setenv("DVC_ROOT", str(top))
    for folder in (top / "ml", top / "ml/stages", copy / "ml", copy / "ml/stages"):
        monkeypatch.chdir(folder)
        assert project_root() == top / "ml"


def test_the_local_store_is_in_the_project_wherever_a_command_runs(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_local_store()
    assert tracking_uri() == f"sqlite:///{local_database()}" == f"sqlite:///{repository}/mlflow.db"
    assert local_artifacts() == repository / "mlartifacts"
    assert state_folder() == state_folder() == repository / ".linreg"
    assert state_folder().is_dir()


def test_another_store_is_the_one_that_mlflow_tracking_uri_names(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://example.org/mlflow")
    assert not is_local_store()
    assert tracking_uri() == "https://example.org/mlflow"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://127.0.0.1:5000", True),
        ("https://example.org", True),
        ("sqlite:///a.db", False),
        ("postgresql://http://x", False),
        ("databricks", False),
    ],
)
def test_a_server_is_a_store_with_a_web_address(uri: str, expected: bool) -> None:
    assert is_server(uri) is expected
