"""A tracking server that is away, dies, hangs or answers nonsense: the training is as it was, and
no point is lost.
"""

import hashlib
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.servers.mlflow_server import Server, always, free_port, proxy_to
from tests.faults.servers.sent_runs import (
    assert_every_point_once,
    failure_told,
    no_sender_left,
    wait_for_senders,
)
from tests.project import Project, copy_of_the_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EXTRA_SECONDS = 15.0
"""How much longer a training may take for want of a tracking server than one without tracking at
the same time, on a busy machine: another process imports MLflow beside it.
"""
LACKS = r"MLflow has not received \d+ events of 1 run: .*; `linreg sync` sends them"
WARNING = rf"(evaluate: {LACKS}\n)?"
"""What evaluate prints if sending has failed by its end."""
NUM_EPOCHS = 600
SEND_UNTIL_SENT = """
from linreg.tracking.journal.run_folder import run_folders
from linreg.tracking.mlflow.sync import send_all
failures = 0
while send_all(run_folders()).error:
    failures += 1
print(failures)
"""


@dataclass(frozen=True)
class Trained:
    """A project that is ready to be trained, and what training it without tracking came to."""

    folder: Path
    outputs: Mapping[str, str]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    project = copy_of_the_project(tmp_path_factory.mktemp("project"))
    project.set_params(rows=2000, epochs=NUM_EPOCHS)
    for stage in ("generate", "ingest", "split"):
        project.run(sys.executable, "-m", f"stages.{stage}")
    seconds_without_tracking(project)
    outputs = hashes(project.folder)
    shutil.rmtree(project.folder / "models")
    shutil.rmtree(project.folder / ".linreg")
    return Trained(project.folder, outputs)


@pytest.fixture
def project(trained: Trained, tmp_path: Path) -> Iterator[Project]:
    """A copy of the project of one's own."""
    folder = tmp_path / "a project"  # with a space, as people have them
    shutil.copytree(trained.folder, folder)
    with no_sender_left(folder):
        yield Project(folder)


@pytest.fixture
def twin(trained: Trained, tmp_path: Path) -> Iterator["Future[float]"]:
    """The seconds that the two stages take without tracking, on a machine as busy as it is from now
    on.
    """
    folder = tmp_path / "twin"
    shutil.copytree(trained.folder, folder)
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(seconds_without_tracking, Project(folder))


def seconds_without_tracking(project: Project) -> float:
    began = time.monotonic()
    for stage in ("train", "evaluate"):
        project.run(sys.executable, "-m", f"stages.{stage}", env={"LINREG_SYNC": "later"})
    return time.monotonic() - began


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in (folder / "models").rglob("*") if path.is_file())
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


def run(project: Project, stage: str, uri: str) -> subprocess.CompletedProcess[str]:
    return project.run(sys.executable, "-m", f"stages.{stage}", env={"MLFLOW_TRACKING_URI": uri})


def train_and_evaluate(project: Project, uri: str, trained: Trained, twin: "Future[float]") -> None:
    """Run the two stages; nothing waits, and what MLflow lacks is told in one line."""
    began = time.monotonic()
    assert run(project, "train", uri).stderr == ""
    message = run(project, "evaluate", uri).stderr
    assert_timely(time.monotonic() - began, twin)
    assert_reported(project, uri, message, trained)


def assert_timely(seconds: float, twin: "Future[float]") -> None:
    print(f"{seconds - twin.result():.1f} s more than the {twin.result():.1f} s without tracking")
    assert seconds < twin.result() + EXTRA_SECONDS


def assert_reported(project: Project, uri: str, message: str, trained: Trained) -> None:
    assert re.fullmatch(WARNING, message), message
    told = failure_told(project, {"MLFLOW_TRACKING_URI": uri})
    assert re.fullmatch(LACKS, told), told
    assert hashes(project.folder) == trained.outputs


def sync(project: Project, uri: str) -> None:
    done = project.run("linreg", "sync", env={"MLFLOW_TRACKING_URI": uri})
    assert done.stdout.startswith("1 run complete, ")
    assert done.stderr == ""


@pytest.mark.very_slow
def test_a_server_that_comes_back_after_the_training_gets_every_point_once(
    project: Project, trained: Trained, twin: "Future[float]", server: Server
) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    train_and_evaluate(project, away, trained, twin)
    sync(project, server.url)
    assert_every_point_once(project.folder, server.url)


@pytest.mark.very_slow
def test_a_server_that_is_stopped_accepts_and_never_answers(
    project: Project, trained: Trained, twin: "Future[float]", server: Server
) -> None:
    server.send(signal.SIGSTOP)
    try:
        train_and_evaluate(project, server.url, trained, twin)
    finally:
        server.send(signal.SIGCONT)
    sync(project, server.url)
    assert_every_point_once(project.folder, server.url)


@pytest.mark.very_slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_server_that_goes_in_the_middle_of_a_training_gets_the_rest_of_it(
    project: Project, trained: Trained, twin: "Future[float]", server: Server, how: signal.Signals
) -> None:
    uri = server.url
    command = [sys.executable, "-m", "stages.train"]
    environment = project.environment() | {"MLFLOW_TRACKING_URI": uri}
    began = time.monotonic()
    train = subprocess.Popen(
        command, cwd=project.folder, env=environment, stdout=subprocess.DEVNULL
    )
    while not any(
        b"RUNNING" in file.read_bytes() for file in project.folder.glob(".linreg/runs/*/sent.json")
    ):
        assert train.poll() is None, "it has ended before the server had its first points"
        time.sleep(0.02)
    server.send(how)
    try:
        assert train.wait(60) == 0
        message = run(project, "evaluate", uri).stderr
        assert_timely(time.monotonic() - began, twin)
        assert_reported(project, uri, message, trained)
    finally:
        if how == signal.SIGKILL:
            server.kill()
            server.start()
        else:
            server.send(signal.SIGCONT)
    sync(project, uri)
    assert_every_point_once(project.folder, uri)


@pytest.mark.very_slow
def test_a_server_out_of_order_gets_everything_from_the_next_stage(
    project: Project, trained: Trained, server: Server
) -> None:
    with proxy_to(server.port) as proxy:
        proxy.fate = always("error")
        assert run(project, "train", proxy.url).stderr == ""
        assert {fate for *_, fate in proxy.asked} == {"error"}
        proxy.fate = always("through")
        message = run(project, "evaluate", proxy.url).stderr
        assert re.fullmatch(WARNING, message), message
        wait_for_senders(project.folder)
        assert hashes(project.folder) == trained.outputs
        assert_every_point_once(project.folder, proxy.url)


@pytest.mark.very_slow
def test_a_server_whose_answers_are_errors_throughout_is_reported_in_one_line(
    project: Project, trained: Trained, twin: "Future[float]", server: Server
) -> None:
    with proxy_to(server.port) as proxy:
        proxy.fate = always("error")
        train_and_evaluate(project, proxy.url, trained, twin)
        done = project.run("linreg", "sync", check=False, env={"MLFLOW_TRACKING_URI": proxy.url})
        assert (done.returncode, done.stderr) == (1, "")
        assert f": {proxy.url} answers with status 500; look into the server's log\n" in done.stdout
        proxy.fate = always("through")
        sync(project, proxy.url)
        assert_every_point_once(project.folder, proxy.url)


@pytest.mark.very_slow
def test_a_server_whose_answers_are_lost_on_their_way_makes_nothing_twice(
    project: Project, server: Server
) -> None:
    """What was asked for has been done, and nobody knows; each kind of request loses its first
    answer.
    """
    run(project, "train", f"http://127.0.0.1:{free_port()}")
    run(project, "evaluate", f"http://127.0.0.1:{free_port()}")
    with proxy_to(server.port) as proxy, no_sender_left(project.folder):
        lost: set[tuple[str, str]] = set()

        def fate(method: str, path: str) -> str:
            kind = (method, path.partition("/artifacts/")[0])
            if method == "GET" or kind in lost:
                return "through"
            lost.add(kind)
            return "lost"

        proxy.fate = fate
        done = project.run(
            sys.executable, "-c", SEND_UNTIL_SENT, env={"MLFLOW_TRACKING_URI": proxy.url}
        )
        assert len(lost) >= 6, lost
        assert int(done.stdout) == len(lost), "each was a failure that was noticed"
        assert_every_point_once(project.folder, proxy.url)
