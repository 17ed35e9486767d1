"""A real MLflow server that is killed in the middle of a run, and comes back."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from linreg import cli
from linreg.tracking import events
from linreg.tracking.journal import start_run
from linreg.tracking.run_folder import RunFolder

pytestmark = pytest.mark.slow
SentRun = Callable[..., MlflowRun]


def until(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Server:
    """A process group that answers on a port, until it is killed."""

    def __init__(self, command: list[str], port: int, environment: dict[str, str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command, self._environment = command, environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            env={**os.environ, **self._environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 120
        while not self._answers():
            assert self._process.poll() is None, "the server has ended"
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def kill(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@pytest.fixture
def server(repository: Path, empty_database: Path, tmp_path: Path) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{tmp_path / 'server.db'}"]
    command += ["--artifacts-destination", str(tmp_path / "artifacts")]
    (tmp_path / "server.db").write_bytes(empty_database.read_bytes())
    server = Server(command, port, {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"})
    yield server
    server.kill()


def test_a_run_survives_the_death_of_the_server_without_a_lost_or_doubled_point(
    server: Server, sent_run: SentRun, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["linreg", "sync"])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    server.start()
    client = MlflowClient(server.url)
    Path("report.txt").write_text("good")
    with start_run("linreg", "outage", {"a": 1}, {}) as run:
        run.follow()
        for step in range(100):
            run.log({"m": step / 7}, step)
        assert run.wait_sent(60) == 0
        assert len(client.get_metric_history(sent_run(run.key, client=client).info.run_id, "m")) == 100

        server.kill()
        began = time.monotonic()
        for step in range(100, 1100):
            run.log({"m": step / 7}, step)
        assert time.monotonic() - began < 2, "an outage slows the writer down"
        run.log_artifact(Path("report.txt"))
        assert run.wait_sent(30) == 1001
        assert time.monotonic() - began < 20, "it is known by now that the server is down"

    began = time.monotonic()
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 1
    assert time.monotonic() - began < 20
    out, err = capfd.readouterr()
    assert out.count("\n") == 1
    assert err == ""

    server.start()
    assert until(RunFolder(run.key).is_complete), "the follower notices that the server is back"
    seen = sent_run(run.key, client=client)
    assert seen.info.status == "FINISHED"
    journaled = [
        (event.values["step"], event.time, event.values["values"]["m"])
        for event in events.read(RunFolder(run.key).journal)
        if event.kind == "metrics"
    ]
    history = client.get_metric_history(seen.info.run_id, "m")
    assert sorted((point.step, point.timestamp, point.value) for point in history) == journaled
    assert [file.path for file in client.list_artifacts(seen.info.run_id)] == ["report.txt"]

    # Sent once more from its beginning, over HTTP, nothing changes.
    monkeypatch.setattr("sys.argv", ["linreg", "sync", "--all"])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 0
    again = client.get_metric_history(seen.info.run_id, "m")
    assert sorted((point.step, point.timestamp, point.value) for point in again) == journaled


def test_the_ui_shows_a_fresh_repository_on_this_machine_only(
    repository: Path, sent_run: SentRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "params.yaml").write_text("tracking: {experiment: linreg}\n")
    port = free_port()
    source = {"PYTHONPATH": str(Path(__file__).parents[2])}
    server = Server([sys.executable, "-m", "linreg", "ui", "--port", str(port)], port, source)
    try:
        server.start()
        assert (repository / "mlflow.db").exists()
        assert not (repository / "mlruns").exists()
        with start_run("linreg", "seen", {}, {}) as run:
            run.log({"m": 1.0}, step=0)
        monkeypatch.setattr("sys.argv", ["linreg", "sync"])
        with pytest.raises(SystemExit):
            cli.main()
        assert sent_run(run.key, client=MlflowClient(server.url)).data.metrics == {"m": 1.0}
        monkeypatch.setattr("sys.argv", ["linreg", "ui", "--port", str(port)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        assert exit_.value.code == 2, "the port is taken"
    finally:
        server.kill()
