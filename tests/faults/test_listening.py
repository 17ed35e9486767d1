"""What this project starts, or tells to start, listens on this machine only."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.mlflow_server import Server, free_port
from tests.pipeline.conftest import Project, committed_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return committed_run(tmp_path_factory.mktemp("small"), rows=2000, epochs=2)


@pytest.fixture
def started(small: Project, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that was started by its command, in the project."""
    port = free_port()
    words = [word.format(port=port) for word in request.param]
    environment = {"PYTHONPATH": str(small.folder), "DVC_ROOT": str(small.folder)}
    if "models" in words:
        small.run("linreg", "register")
        environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{small.folder}/mlflow.db"
    server = Server([sys.executable, "-m", *words], port, environment)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def in_readme() -> list[str]:
    """The words of the command in README.md that serves the champion, with a port of one's own."""
    lines = (Path(__file__).parents[2] / "README.md").read_text().splitlines()
    (line,) = [line for line in lines if " mlflow models serve " in line]
    return [word if word != "5001" else "{port}" for word in shlex.split(line)[1:]]


@pytest.mark.parametrize("started", [["linreg", "ui", "--port", "{port}"], in_readme()], indirect=True)
def test_a_server_listens_on_127_0_0_1_alone(started: Server) -> None:
    root = psutil.Process(started.pid)
    sockets = [socket for each in [root, *root.children(recursive=True)] for socket in each.net_connections("all")]
    listening = {socket.laddr for socket in sockets if socket.status == psutil.CONN_LISTEN}
    assert (("127.0.0.1", started.port)) in listening
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert {socket.laddr.ip for socket in sockets if socket.raddr} <= {"127.0.0.1"}, "and talks to nobody elsewhere"
