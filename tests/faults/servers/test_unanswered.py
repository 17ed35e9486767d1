"""Every command that asks MLflow, when nobody answers: one line that says what to do, in
seconds.
"""

import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.forked import Outcome, run_command
from tests.faults.servers.mlflow_server import Server, always, free_port, proxy_to
from tests.faults.servers.sent_runs import (
    no_sender_left,  # imports MLflow, for all that is forked here
)
from tests.project import Project, copy_of, small_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]

SECONDS = 20.0
"""At most, the import of MLflow left out; the three that may change the registry wait for each
other.
"""
COMMANDS = (
    "sync",
    "runs --mlflow",
    "runs --all --mlflow",
    "rerun 0123456789",
    "compare 0123456789",
    "register",
    "register --dry-run",
    "register --run 0123456789",
    "register --promote 1 --why because",
    "predict models:/linreg@champion data/raw/generated.parquet predictions.csv",
    "predict runs:/0123456789/model data/raw/generated.parquet predictions.csv",
)
WITHOUT_MLFLOW = ("summary", "runs", "ui", "use data/examples/auto-mpg.csv --target mpg --dry-run")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose one run is pending, for MLflow has never been there."""
    project = copy_of(small_run(tmp_path_factory), tmp_path_factory.mktemp("small"))
    for file in project.folder.glob(".linreg/runs/*/sent.json"):
        file.unlink()
    with no_sender_left(project.folder):
        yield project


@pytest.fixture(params=["nobody listens", "stopped", "status 500"])
def unanswered(request: pytest.FixtureRequest, server: Server) -> Iterator[tuple[str, str]]:
    """The address of a server that is of no use, and what is said of it."""
    if request.param == "nobody listens":
        url = f"http://127.0.0.1:{free_port()}"
        yield url, f"{url} does not answer"
    elif request.param == "stopped":
        server.send(signal.SIGSTOP)
        yield server.url, f"{server.url} does not answer"
        server.send(signal.SIGCONT)
    else:
        with proxy_to(server.port) as proxy:
            proxy.fate = always("error")
            yield proxy.url, f"{proxy.url} answers with status 500"


@pytest.mark.very_slow
def test_every_command_says_so_in_one_line_within_seconds(
    small: Project, unanswered: tuple[str, str], tmp_path: Path
) -> None:
    uri, said = unanswered

    def run(command: str) -> Outcome:
        link = tmp_path / str(
            hash(command)
        )  # the output lies beside the folder, and all run at once
        link.symlink_to(small.folder)
        return run_command(shlex.split(command), link, env={"MLFLOW_TRACKING_URI": uri})

    with ThreadPoolExecutor(len(COMMANDS)) as pool:
        outcomes = dict(zip(COMMANDS, pool.map(run, COMMANDS), strict=True))
    for command, done in outcomes.items():
        print(f"{command}: {done.seconds:.1f} s")
        out, err = done.stdout.removeprefix("waiting for another `linreg register`\n"), done.stderr
        line, other = (out, err) if command == "sync" else (err, out)
        assert done.code in (1, 2), command
        assert other == "", command
        assert len(line.splitlines()) == 1, line
        assert f"{said}; " in line, f"what to do is not in {line}"
        assert done.seconds < SECONDS * (3 if command.startswith("register") else 1), command
    assert not (small.folder / "predictions.csv").exists()
    for command in WITHOUT_MLFLOW:
        done = run_command(shlex.split(command), small.folder, env={"MLFLOW_TRACKING_URI": uri})
        assert (done.code, done.stderr) == (0, ""), command


def test_a_store_that_another_stopped_process_is_opening_is_named(
    small: Project, tmp_path: Path
) -> None:
    """Its lock is not given back; nobody waits for ever."""
    copy = tmp_path / "copy"
    shutil.copytree(small.folder, copy)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(copy / ".linreg/store.lock")],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        done = Project(copy).run(sys.executable, "-c", IMPATIENT, check=False)
        assert (done.returncode, done.stderr) == (1, "")
        assert ".linreg/store.lock: has been held by another process for 1 s; " in done.stdout
        assert len(done.stdout.splitlines()) == 1
    finally:
        holder.kill()
        holder.communicate()


HOLD = """
import fcntl, time
file = open('{}', 'ab')
fcntl.flock(file, fcntl.LOCK_EX)
print('held', flush=True)
time.sleep(300)
"""
IMPATIENT = """
import sys
from linreg import cli
from linreg.tracking.mlflow import store
store.LOCK_TIMEOUT = 1.0
sys.argv = ["linreg", "sync"]
cli.main()
"""
