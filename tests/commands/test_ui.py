import socket
from pathlib import Path

import pytest

from linreg import cli


def test_a_port_in_use_is_an_error(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "dvc.yaml").touch()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setattr("sys.argv", ["linreg", "ui", "--port", str(port)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
    assert exit_.value.code == 2
    assert capsys.readouterr().err.startswith(f"error: --port: cannot be listened on; found {port}")


def test_for_runs_on_a_remote_server_its_address_is_printed(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "dvc.yaml").touch()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://user:secret@example.org/mlflow")
    monkeypatch.setattr("sys.argv", ["linreg", "ui"])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 0
    assert (
        capsys.readouterr().out
        == "the runs are on the MLflow server at https://example.org/mlflow\n"
    )


def test_a_store_that_cannot_be_opened_is_an_error_without_its_password(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "params.yaml").write_text("{}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://user:secret@example.org/mlflow")
    monkeypatch.setattr("sys.argv", ["linreg", "ui", "--port", "0"])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    error = capsys.readouterr().err
    assert exit_.value.code == 2
    assert error.startswith("error: nonsense://example.org/mlflow: cannot be opened; found ")
    assert error.count("\n") == 1
    assert "secret" not in error
