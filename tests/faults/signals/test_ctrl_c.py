"""Ctrl-C as a terminal sends it, to DVC, its stage and all workers: nothing is lost, nothing
half-written is left.
"""

import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil
import pytest

from linreg.process.launcher import SECONDS_TO_STOP
from linreg.tracking.journal.events import read_events
from tests.pipeline.test_kills import (
    assert_one_complete_run,
    forget_everything,
    stages_to_do,
    uninterrupted,
    wait_for,
)
from tests.project import Project, copy_of, copy_of_the_project

pytestmark = pytest.mark.slow

SECONDS_TO_END = 4 * SECONDS_TO_STOP
"""For machines that are busy with other tests; on a quiet one it is less than one.

The launcher kills workers after SECONDS_TO_STOP, once it has imported what it needs for that.
"""


def start(project: Project, *command: str, workers: int = 1) -> "subprocess.Popen[str]":
    """Start a command as a terminal does, in a process group of its own."""
    return subprocess.Popen(
        command,
        cwd=project.folder,
        env=project.environment() | {"WORKERS": str(workers)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def interrupt(process: "subprocess.Popen[str]", number: int = signal.SIGINT) -> tuple[str, str]:
    """Send a signal to the process group and return what its processes have said; none of them is
    left.
    """
    with contextlib.suppress(
        ProcessLookupError
    ):  # what it has said of its own end is then more of a help
        os.killpg(process.pid, number)
    began = time.monotonic()
    output, errors = process.communicate(timeout=SECONDS_TO_END)
    print(f"ended after {time.monotonic() - began:.1f} s")
    ours = [
        line for line in errors.splitlines() if re.search(r'^ *File "[^"]*/(linreg|stages)/', line)
    ]
    assert not ours, errors
    return output, errors


def left_in(folder: Path) -> list[str]:
    """What works in a folder: the stages and DVC, but not the sender that outlives them on
    purpose.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if (
                Path(process.cwd()) == folder
                and "--follow" not in process.cmdline()
                and process.status() != "zombie"
            ):
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def half_written(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*/.*") if path.suffix in (".partial", ".scratch")]


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(
        file for name in ("model", "training") for file in (folder / "models" / name).iterdir()
    )
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def checkpoint(folder: Path) -> Mapping[str, Any]:
    files = list((folder / ".linreg/checkpoints").glob("*.json"))
    return json.loads(files[0].read_text()) if files else MappingProxyType({})


def until_it_trains(process: "subprocess.Popen[str]", folder: Path) -> None:
    deadline = time.monotonic() + 120
    while not checkpoint(folder):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


def until_sent(project: Project) -> None:
    """Wait until MLflow has everything, from `linreg sync` or from the sender that the stages have
    started.
    """
    deadline = time.monotonic() + 60
    while project.run("linreg", "sync", check=False).returncode != 0:
        assert time.monotonic() < deadline


@pytest.mark.very_slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("engine", "epochs", "workers", "number"),
    [
        ("autograd", 60, 1, signal.SIGINT),
        ("compiled", 4000, 1, signal.SIGTERM),
        ("compiled", 4000, 2, signal.SIGINT),
        ("autograd", 15, 2, signal.SIGTERM),
    ],
)
def test_a_training_ends_after_its_step_and_goes_on_from_there_in_the_same_run(
    tmp_path: Path, engine: str, epochs: int, workers: int, number: signal.Signals
) -> None:
    project = copy_of_the_project(tmp_path)
    project.set_params(engine=engine, epochs=epochs, shards=2)
    for stage in ("generate", "ingest", "split"):
        project.run(sys.executable, "-m", f"stages.{stage}")
    train = (sys.executable, "-m", "stages.train")
    process = start(project, *train, workers=workers)
    until_it_trains(process, tmp_path)
    _, errors = interrupt(process, number)
    assert process.returncode == 128 + number
    found = re.fullmatch(
        r"error: train: interrupted; step (\d+) is saved, run it again to resume from there\n",
        errors,
    )
    assert found, errors
    assert checkpoint(tmp_path)["state"]["step"] == int(found[1])
    assert not left_in(tmp_path)
    assert not list(tmp_path.glob("models/model")) + half_written(tmp_path)
    (journal,) = (tmp_path / ".linreg/runs").glob("*/journal.jsonl")
    assert [each.values["status"] for each in read_events(journal) if each.kind == "end"] == [
        "KILLED"
    ]

    assert f"resuming from step {found[1]}" in project.run(*train).stdout
    project.run(sys.executable, "-m", "stages.evaluate")
    until_sent(project)
    (run,) = project.mlflow_runs()
    assert run["status"] == "FINISHED"
    every = -(-epochs // 1000)
    shown = sorted({1, *range(every, epochs + 1, every)})
    for name in ("loss/train", "model/b", "rows_per_second"):
        assert [step for step, _ in run["curves"][name]] == shown

    after = hashes(tmp_path)
    shutil.rmtree(tmp_path / ".linreg")
    project.run(*train)
    assert hashes(tmp_path) == after


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Project:
    """A project with two shards, run once without any Ctrl-C."""
    return copy_of(uninterrupted(tmp_path_factory), tmp_path / "interrupted")


SECONDS_OF = {"generate": 0.8, "ingest": 0.9, "split": 0.9, "train": 3.5, "evaluate": 2.0}
WEIGHTS = (1, 1, 1, 4, 2)
AT_A_TIME = 5


@pytest.mark.very_slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("times", "workers"), [(15, 1), (5, 2)])
def test_after_any_ctrl_c_the_next_repro_ends_with_the_same_hashes_and_one_run(
    project: Project, times: int, workers: int
) -> None:
    """At seeded random moments of all stages, their imports among them."""
    chance = random.Random(10 + workers)
    expected = (project.folder / "dvc.lock").read_text()
    for _ in range(times // AT_A_TIME):
        forget_everything(project.folder)
        stages = sorted(
            chance.choices(list(SECONDS_OF), WEIGHTS, k=AT_A_TIME), key=list(SECONDS_OF).index
        )
        said = [
            repro_until_interrupted(project, stage, chance, workers)
            for stage in stages
            if stage in stages_to_do(project)
        ]
        project.run("dvc", "repro", env={"WORKERS": str(workers)})
        assert (project.folder / "dvc.lock").read_text() == expected, said
        assert_one_complete_run(project, said)
        assert not list((project.folder / ".linreg/checkpoints").glob("*")), said
        assert not half_written(project.folder), said


def repro_until_interrupted(
    project: Project, stage: str, chance: random.Random, workers: int
) -> str:
    delay = chance.uniform(0.05, SECONDS_OF[stage] * (1 if workers == 1 else 2))
    dvc = start(project, "dvc", "repro", workers=workers)
    wait_for(dvc, stage, delay)
    output, errors = interrupt(dvc)
    assert not left_in(project.folder), errors
    assert not half_written(project.folder), errors
    # DVC's own files are its own affair, and what it leaves of them is mended as a user mends it.
    print(project.run("linreg", "repair", check=False).stdout, end="")
    lines = [line for line in errors.splitlines() if line.startswith("error: ")]
    if "exited with 130" in errors:
        assert len(lines) == 1, errors
        assert "interrupted" in lines[0], errors
    print(f"{delay:.2f} s into {stage}: {lines or output[-60:]}")
    return f"{delay:.2f} s into {stage}: {lines}"
