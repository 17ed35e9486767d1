"""A command that is forked from the server does what it does by itself."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from linreg.tracking.journal.open_run import start_run
from linreg.tracking.journal.run_folder import RunFolder, run_folders
from tests.fork_server import ROOT, forking

Follow = Callable[..., "subprocess.Popen[str]"]


def environment() -> dict[str, str]:
    scripts = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": scripts, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize(
    "command",
    [
        "linreg --help",
        "linreg nonsense",
        "linreg summary",
        "python -m linreg sync",
        "python -m stages.train",
        "dvc status",
    ],
)
def test_output_and_exit_code_are_those_of_a_new_process(command: str, tmp_path: Path) -> None:
    forked, new = (
        subprocess.run(
            command.split(), cwd=tmp_path, env=each, capture_output=True, text=True, check=False
        )
        for each in (forking(environment()), environment())
    )
    assert (forked.returncode, forked.stdout, forked.stderr) == (
        new.returncode,
        new.stdout,
        new.stderr,
    )


@pytest.fixture
def follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Follow]:
    """Starts the sender of a run that is being written, and returns when it is at work."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    with start_run("linreg", "name", {}, {}) as run:

        def start(**variables: str) -> "subprocess.Popen[str]":
            command = ["linreg", "sync", "--follow", run.key]
            process = subprocess.Popen(
                command, env=forking(environment() | variables), stderr=subprocess.PIPE, text=True
            )
            until(RunFolder(run.key).has_sender)
            return process

        yield start
        until(lambda: not RunFolder(run.key).has_sender())
        run.end("FINISHED", final=True)


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_gets_the_signals_of_its_client(follow: Follow) -> None:
    process = follow()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "error: interrupted\n")


def test_it_dies_with_its_client(follow: Follow) -> None:
    process = follow()
    (folder,) = run_folders()
    assert folder.has_sender()
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    until(lambda: not folder.has_sender())
    assert not folder.has_sender()


@pytest.mark.parametrize("variable", ["OMP_NUM_THREADS", "WORKERS"])
def test_where_a_fork_would_differ_it_is_a_new_process(follow: Follow, variable: str) -> None:
    process = follow(**{variable: "3"})
    assert not any(
        word.endswith("fork_client.py") for word in psutil.Process(process.pid).cmdline()
    )
    process.kill()
    process.communicate(timeout=60)
