"""Many at once: trainings, senders and pipelines; every run has every point once, and nobody
damages anybody's work.
"""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from linreg.tracking.journal.events import read_events
from tests.faults.forked import run_stage
from tests.faults.servers.mlflow_server import Server
from tests.faults.servers.sent_runs import assert_every_point_once, no_sender_left, wait_for_senders
from tests.project import NOTHING_CHANGED, Project, copy_of, small_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.filterwarnings("ignore")]

AT_ONCE = 8


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Project]:
    """A project of one's own that has outputs, and no runs."""
    project = copy_of(small_run(tmp_path_factory), tmp_path / "project")
    shutil.rmtree(project.folder / ".linreg/runs")
    with no_sender_left(project.folder):
        yield project


@pytest.mark.very_slow
def test_eight_experiments_of_dvc_at_once_on_a_fresh_store(project: Project) -> None:
    (project.folder / "mlflow.db").unlink()
    rates = ",".join(
        f"0.00{number}" for number in range(1, AT_ONCE + 1)
    )  # none is the rate that is in the cache
    project.run("dvc", "exp", "run", "--queue", "-S", f"train.lr={rates}")
    project.run("dvc", "queue", "start", "-j", str(AT_ONCE))
    deadline = time.monotonic() + 400
    while (states := project.run("dvc", "queue", "status").stdout).count("Success") < AT_ONCE:
        assert "Failed" not in states, states
        assert time.monotonic() < deadline, states
        time.sleep(1)
    project.run("linreg", "sync")
    runs = assert_every_point_once(
        project.folder, f"sqlite:///{project.folder}/mlflow.db", num_runs=AT_ONCE
    )
    assert {run.data.params["train.lr"] for run in runs} == set(rates.split(","))
    assert len({run.data.tags["dvc.experiment"] for run in runs}) == AT_ONCE


@pytest.mark.very_slow
@pytest.mark.parametrize("where", ["its own store, which is there", "a server"])
def test_eight_trainings_at_once_as_experiments_run_them(
    project: Project, server: Server, where: str
) -> None:
    """Each in a copy of its own, as DVC makes them, and all of them with one .linreg and one
    store.
    """
    uri = server.url if where == "a server" else f"sqlite:///{project.folder}/mlflow.db"
    names = [f"trial-{number}" for number in range(AT_ONCE)]

    def train_and_evaluate(name: str) -> None:
        folder = project.folder.parent / name
        shutil.copytree(
            project.folder, folder, ignore=shutil.ignore_patterns(".git", ".dvc", "mlflow.db")
        )
        environment = {"DVC_ROOT": str(project.folder), "DVC_EXP_NAME": name}
        if where == "a server":
            environment["MLFLOW_TRACKING_URI"] = uri
        for stage in ("train", "evaluate"):
            done = run_stage(stage, folder, env=environment)
            assert done.is_right, done.stderr

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(train_and_evaluate, names))
    wait_for_senders(project.folder)
    environment = {"MLFLOW_TRACKING_URI": uri} if where == "a server" else {}
    project.run("linreg", "sync", env=environment)
    runs = assert_every_point_once(project.folder, uri, num_runs=AT_ONCE)
    assert sorted(run.info.run_name for run in runs) == names


@pytest.mark.very_slow
def test_two_repros_at_once_in_one_folder_are_one_and_a_refusal(project: Project) -> None:
    expected = (project.folder / "dvc.lock").read_text()
    command = ["dvc", "repro", "--force"]
    both = [
        subprocess.Popen(
            command,
            cwd=project.folder,
            env=project.environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=200) for process in both]
    print(said)
    codes = [process.returncode for process in both]
    assert 0 in codes
    for (_, err), code in zip(said, codes, strict=True):
        if code != 0:
            assert re.search(r"Unable to acquire lock|is busy, it is being blocked by", err), err
            assert "Traceback" not in err
    assert (project.folder / "dvc.lock").read_text() == expected
    assert project.run("dvc", "status").stdout == NOTHING_CHANGED


@pytest.mark.very_slow
def test_syncs_beside_each_other_and_beside_a_follower_send_every_point_once(
    project: Project,
) -> None:
    uri = f"sqlite:///{project.folder}/mlflow.db"
    train = subprocess.Popen(
        [sys.executable, "-c", LONG_RUN],
        cwd=project.folder,
        env=project.environment(),
        text=True,
        stdout=subprocess.PIPE,
    )
    assert train.stdout is not None
    key = train.stdout.readline().strip()
    sync = [sys.executable, "-m", "linreg", "sync"]
    codes = []
    for _ in range(2):  # while it is written, two and two
        both = [
            subprocess.Popen(
                sync, cwd=project.folder, env=project.environment(), stdout=subprocess.DEVNULL
            )
            for _ in range(2)
        ]
        codes += [process.wait(120) for process in both]
    assert set(codes) <= {0, 1}
    assert train.wait(120) == 0
    train.stdout.close()
    wait_for_senders(project.folder)
    project.run("linreg", "sync")
    journal = read_events(project.folder / ".linreg/runs" / key / "journal.jsonl")
    assert sum(event.kind == "metrics" for event in journal) == 400
    assert_every_point_once(project.folder, uri)


LONG_RUN = """
import time
from linreg.tracking.journal.open_run import start_run
with start_run("linreg", "long", {"a": 1}, {}) as run:
    run.start_sender()
    print(run.key, flush=True)
    for step in range(400):
        run.log({"m": step / 7, "n": -step}, step)
        time.sleep(0.02)
    run.end("FINISHED", final=True)
"""
