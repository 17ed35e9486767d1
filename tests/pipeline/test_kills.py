"""Killed anywhere, resumed, same bits: SIGKILL at seeded random moments of stages, workers and DVC
itself.
"""

import random
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.project import Project, committed_run, copy_of, made_once

STAGES = {"generate": 0.3, "ingest": 0.4, "split": 0.4, "train": 3.0, "evaluate": 2.0}
"""The stages and about how many seconds each runs; a kill falls anywhere in them."""
WEIGHTS = (1, 1, 1, 6, 3)
KILLS_AT_A_TIME = 8
NUM_EPOCHS = 12
CURVES = (
    "loss/train",
    "loss/validation",
    "loss/gap",
    "model/b",
    "model/theta.x1",
    "model/theta.x2",
    "rows_per_second",
)


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Project:
    """A project with two shards, run once without any kill."""
    return copy_of(uninterrupted(tmp_path_factory), tmp_path / "killed")


def uninterrupted(factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        committed_run(folder, sends=False, shards=2, epochs=NUM_EPOCHS)

    return made_once(factory, "uninterrupted", make)


@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    ("num_kills", "workers"),
    [
        pytest.param(3, 1, marks=pytest.mark.slow),
        pytest.param(24, 1, marks=pytest.mark.very_slow),
        pytest.param(16, 2, marks=pytest.mark.very_slow),
    ],
)
def test_after_any_kill_the_next_repro_ends_with_the_same_hashes_and_one_run(
    project: Project, num_kills: int, workers: int
) -> None:
    # With one worker MLflow gets the run as it is written, with several at the end.
    project = replace(project, sends=workers == 1)
    chance = random.Random(workers)  # noqa: S311 - a test that can be repeated
    expected = (project.folder / "dvc.lock").read_text()
    killed: list[str] = []
    while len(killed) < num_kills:
        forget_everything(project.folder)
        stages = chance.choices(
            list(STAGES), WEIGHTS, k=min(KILLS_AT_A_TIME, num_kills - len(killed))
        )
        these = []
        for stage in sorted(stages, key=list(STAGES).index):
            if stage in stages_to_do(project):
                these += repro_until_killed(project, stage, chance, workers)
        project.run("dvc", "repro", env={"WORKERS": str(workers)})
        assert (project.folder / "dvc.lock").read_text() == expected, these
        assert_one_complete_run(project, these)
        assert not list((project.folder / ".linreg/checkpoints").glob("*")), these
        assert not [
            path for path in project.folder.glob("*/.*") if path.suffix in (".partial", ".scratch")
        ], these
        killed += these
    assert len(killed) == num_kills


def assert_one_complete_run(project: Project, killed: list[str]) -> None:
    project.run("linreg", "sync")
    (run,) = project.mlflow_runs()
    assert run["status"] == "FINISHED", killed
    for name in CURVES:
        assert [step for step, _ in run["curves"][name]] == list(range(1, NUM_EPOCHS + 1)), (
            name,
            killed,
        )
    assert len(run["curves"]["test_r2"]) == run["models"] == 1, killed


def repro_until_killed(
    project: Project, stage: str, chance: random.Random, workers: int
) -> list[str]:
    """Start `dvc repro`, kill something in it at a random time of a stage, and return what and
    when.

    Nothing is killed, and nothing counted, when DVC has the stage in its cache (it had ended
    before, but for DVC's last words), or when the pipeline has ended before that time came.
    """
    delay = chance.uniform(0, STAGES[stage] * (1 if workers == 1 else 2.5))
    who = chance.choice(
        ["stage", "stage", "dvc"] if workers == 1 else ["worker", "worker", "launcher", "dvc"]
    )
    dvc = subprocess.Popen(
        ["dvc", "repro"],
        cwd=project.folder,
        env=project.environment() | {"WORKERS": str(workers)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        processes = wait_for(dvc, stage, delay)
        if dvc.poll() is not None:
            output, _ = dvc.communicate()
            assert dvc.returncode == 0, output
            assert f"Stage '{stage}' is cached" in output or f"Running stage '{stage}'" in output, (
                output
            )
            return []
        victim = {
            "dvc": lambda: psutil.Process(dvc.pid),
            "stage": lambda: processes[0],
            "launcher": lambda: processes[0],
            "worker": lambda: chance.choice(processes[1:] or processes),
        }[who]()
        victim.send_signal(signal.SIGKILL)
    except (psutil.NoSuchProcess, IndexError):
        dvc.send_signal(signal.SIGKILL)  # that stage was faster than the delay
        who = "dvc, later"
    output, _ = dvc.communicate(timeout=100)
    assert "Traceback" not in output, output
    if who.startswith("dvc"):  # it may have been writing a file of its own
        print(project.run("linreg", "repair", check=False).stdout, end="")
    print(f"{who}, {delay:.2f} s into {stage}")
    return [f"{who}, {delay:.2f} s into {stage}"]


def wait_for(dvc: subprocess.Popen[str], stage: str, delay: float) -> list[psutil.Process]:
    """Wait until a stage has run for `delay` seconds; return its processes, the one that DVC
    started first.
    """
    deadline = time.monotonic() + 120
    while not stage_processes(stage, dvc):
        assert time.monotonic() < deadline
        if dvc.poll() is not None:
            return []
        time.sleep(0.02)
    time.sleep(delay)
    return stage_processes(stage, dvc)


def stage_processes(stage: str, dvc: "subprocess.Popen[str]") -> list[psutil.Process]:
    """Return the processes of a stage below DVC's, the one that it started first."""
    found = []
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(dvc.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if process.cmdline()[-2:] == ["-m", f"stages.{stage}"]:
                    found.append(process)
    return sorted(found, key=lambda process: process.pid)


def stages_to_do(project: Project) -> set[str]:
    return set(re.findall(r"^(\w+):", project.run("dvc", "status").stdout, re.MULTILINE))


def forget_everything(folder: Path) -> None:
    """Leave no output, no lock file and no cache, so that all stages have to run."""
    for path in (
        ".dvc/cache",
        ".dvc/tmp",
        ".linreg",
        "mlartifacts",
        "data/raw",
        "data/ingested",
        "data/split",
        "models",
    ):
        shutil.rmtree(folder / path, ignore_errors=True)
    for name in ("dvc.lock", "mlflow.db"):
        (folder / name).unlink(missing_ok=True)
