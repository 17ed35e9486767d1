"""What this project starts, or tells to start, listens on this machine only."""

import contextlib
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.servers.mlflow_server import Server, free_port
from tests.project import Project, committed_run, copy_of, small_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of(small_run(tmp_path_factory), tmp_path_factory.mktemp("small"))


@pytest.fixture
def started(small: Project, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that was started by its command, in the project."""
    port = free_port()
    words = [word.format(port=port, folder=small.folder) for word in request.param]
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


def in_docs() -> list[str]:
    """The words of MLflow's command that serves the champion, with a port of one's own."""
    lines = (Path(__file__).parents[3] / "docs/predicting.md").read_text().splitlines()
    (line,) = [line for line in lines if " mlflow models serve " in line]
    return [word if word != "5001" else "{port}" for word in shlex.split(line)[1:]]


@pytest.mark.very_slow
@pytest.mark.parametrize(
    "started",
    [
        ["linreg", "ui", "--port", "{port}"],
        ["linreg", "serve", "{folder}/models/model", "--port", "{port}"],
        in_docs(),
    ],
    indirect=True,
)
def test_a_server_listens_on_127_0_0_1_alone(started: Server) -> None:
    listening, talking = sockets_of(started.pid)
    assert ("127.0.0.1", started.port) in listening
    assert {ip for ip, _ in listening} == {"127.0.0.1"}
    assert {ip for ip, _ in talking} <= {"127.0.0.1"}, "and talks to nobody elsewhere"


def sockets_of(pid: int) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
    """The addresses on which a process and its children listen, and those from which they talk."""
    listening, talking = set(), set()
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):  # one of them has ended meanwhile
            for socket in process.net_connections("inet"):
                if socket.status == psutil.CONN_LISTEN:
                    listening.add((socket.laddr.ip, socket.laddr.port))
                elif socket.raddr:
                    talking.add((socket.laddr.ip, socket.laddr.port))
    return listening, talking


@pytest.mark.very_slow
@pytest.mark.parametrize("engine", ["autograd", "compiled"])
def test_worker_processes_are_reached_from_this_machine_alone(tmp_path: Path, engine: str) -> None:
    project = committed_run(tmp_path, rows=2000, epochs=2, shards=2)
    project.set_params(epochs=40 if engine == "autograd" else 4000, engine=engine)
    environment = project.environment() | {"WORKERS": "2"}
    train = subprocess.Popen(
        [sys.executable, "-m", "stages.train"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    num_workers, listening, talking = 0, set(), set()
    while train.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            num_workers = max(num_workers, len(psutil.Process(train.pid).children()))
            found = sockets_of(train.pid)
            listening |= found[0]
            talking |= found[1]
        time.sleep(0.02)
    assert train.returncode == 0
    assert num_workers >= 2
    assert talking, "they talk to each other"
    assert {ip for ip, _ in listening | talking} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
