"""The SQLite file of the runs locked, damaged, read-only or no file: one line, and the journals
make it again.
"""

import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.disks.disks import needs_mount
from tests.faults.forked import run_command, run_stage
from tests.faults.servers.sent_runs import assert_every_point_once, failure_told, no_sender_left
from tests.project import Project, copy_of, small_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]

TODO_DAMAGED = "move it away: `linreg sync --all` makes a new one from the journals in .linreg/runs"
READ_ONLY = """
mount --bind mlflow.db mlflow.db && mount -o remount,ro,bind mlflow.db && exec "$@"
"""


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Project]:
    """A project of one's own whose run has yet to be sent."""
    project = copy_of(small_run(tmp_path_factory), tmp_path / "project")
    for file in project.folder.glob(".linreg/runs/*/sent.json"):
        file.unlink()
    with no_sender_left(project.folder):
        yield project


def assert_reported(project: Project, why: str, todo: str) -> None:
    """`linreg sync` and a question both say why and what to do; neither takes long."""
    for command in ("sync", "runs --mlflow"):
        done = run_command(command.split(), project.folder)
        print(f"{command}: {done.seconds:.1f} s")
        assert done.seconds < 30, "MLflow itself would try for 100 seconds"
        message, other = (
            (done.stdout, done.stderr) if command == "sync" else (done.stderr, done.stdout)
        )
        assert (done.code, other) == (1 if command == "sync" else 2, "")
        assert len(message.splitlines()) == 1, message
        assert f"sqlite:///{project.folder}/mlflow.db: {why}; {todo}" in message


def send(project: Project, *options: str) -> None:
    done = run_command(["sync", *options], project.folder)
    assert (done.code, done.stderr) == (0, "")
    assert " complete, " in done.stdout
    assert "pending" not in done.stdout


@pytest.mark.very_slow
@pytest.mark.parametrize("damage", ["throughout", "from the second page on"])
def test_a_damaged_file_is_reported_of_and_made_again_from_the_journals(
    project: Project, damage: str
) -> None:
    store = project.folder / "mlflow.db"
    with store.open("r+b") as file:
        begin = 0 if damage == "throughout" else 4096
        file.seek(begin)
        file.write(os.urandom(store.stat().st_size - begin))
    why = "file is not a database" if damage == "throughout" else "database disk image is malformed"
    assert_reported(project, why, TODO_DAMAGED)
    assert run_stage("evaluate", project.folder).stderr.count("\n") <= 1
    assert why in failure_told(project, {})

    store.rename(project.folder / "damaged.db")
    send(project, "--all")
    assert_every_point_once(
        project.folder, f"sqlite:///{store}", num_runs=2
    )  # one is of evaluate in this copy


@pytest.mark.very_slow
def test_a_file_that_another_program_locks_for_20_seconds_gets_everything_afterwards(
    project: Project,
) -> None:
    store = project.folder / "mlflow.db"
    other = sqlite3.connect(store, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    threading.Timer(20.0, other.rollback).start()
    began = time.monotonic()
    assert_reported(
        project, "database is locked", "another program holds it: end that program, or wait"
    )
    assert run_stage("evaluate", project.folder).stderr.count("\n") <= 1
    time.sleep(max(0.0, 21 - (time.monotonic() - began)))
    other.close()
    send(project)
    assert_every_point_once(
        project.folder, f"sqlite:///{store}", num_runs=2
    )  # one is of evaluate in this copy


def test_what_is_no_file_is_reported_of_at_once(project: Project) -> None:
    (project.folder / "mlflow.db").unlink()
    (project.folder / "mlflow.db").mkdir()
    assert_reported(
        project, "unable to open database file", "make the file and its folder writable"
    )


@needs_mount
def test_a_file_that_cannot_be_written_is_reported_of(project: Project) -> None:
    mounted = ["unshare", "--map-root-user", "--mount", "sh", "-c", READ_ONLY, "sh"]
    done = project.run(*mounted, sys.executable, "-m", "linreg", "sync", check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.endswith(
        "/mlflow.db: attempt to write a readonly database; make the file and its folder writable\n"
    )
    send(project)
    assert_every_point_once(project.folder, f"sqlite:///{project.folder}/mlflow.db")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (
            "sqlite://",
            "MLFLOW_TRACKING_URI: must name a file: what is in memory is lost when a command ends;"
            " found sqlite://",
        ),
        ("mysql://user:secret@127.0.0.1:9/runs", "No module named 'MySQLdb"),
        ("postgresql://user:secret@127.0.0.1:9/runs", "Connection refused"),
        ("postgresql://user:secret@127.0.0.1:port/runs", "is not the address of a database"),
        ("foo://user:secret@127.0.0.1", "unsupported URI 'foo://127.0.0.1'"),
    ],
)
def test_a_store_of_no_use_is_one_line(project: Project, uri: str, message: str) -> None:
    done = run_command(["sync"], project.folder, env={"MLFLOW_TRACKING_URI": uri})
    assert (done.code, done.stderr) == (1, "")
    assert message in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert "secret" not in done.stdout
