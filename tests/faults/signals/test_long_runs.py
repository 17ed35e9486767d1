"""Hours of training in a minute: a million steps, of which neither memory nor disk notices
anything.
"""

import csv
import json
import sys
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.project import Project, copy_of_the_project

pytestmark = pytest.mark.slow

MOST_MEGABYTES = 24
"""By which the resident memory of a process may be higher in the second half of the steps than in
the first.

Measured: 17, for what the sender imports when a model comes; 103 before points were thinned.
"""


@pytest.mark.very_slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("engine", "rows", "batch_size", "epochs", "steps"),
    [
        ("compiled", 1000, 70, 100_000, 1_000_000),
        ("compiled", 1_000_000, 2, 20, 7_000_000),
        ("autograd", 1000, 70, 10_000, 100_000),
        ("autograd", 150_000, 2, 2, 105_000),
    ],
)
def test_a_million_steps_take_no_more_memory_or_disk_than_a_thousand_epochs(
    tmp_path: Path, engine: str, rows: int, batch_size: int, epochs: int, steps: int
) -> None:
    project = copy_of_the_project(tmp_path)
    project.set_params(engine=engine, rows=rows, batch_size=batch_size, epochs=epochs, lr=0.001)
    for stage in ("generate", "ingest", "split"):
        project.run(sys.executable, "-m", f"stages.{stage}")
    memory, largest = watched_training(project)

    assert set(memory) == {"stages.train", "--follow"}
    for name, megabytes in memory.items():
        half = len(megabytes) // 2
        grown = max(megabytes[half:]) - max(megabytes[:half])
        assert grown < MOST_MEGABYTES, (name, megabytes)
    assert largest["checkpoints/*.json"] < 500_000
    assert largest["runs/*/journal.jsonl"] < 600_000

    expected = (
        list(range(1, epochs + 1))
        if epochs <= 1000
        else [1, *range(epochs // 1000, epochs + 1, epochs // 1000)]
    )
    with (tmp_path / "models/training/history.csv").open() as file:
        history = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in history] == expected
    assert int(history[-1]["step"]) == steps
    project.run("linreg", "sync")
    (run,) = project.mlflow_runs()
    assert {tuple(step for step, _ in curve) for curve in run["curves"].values()} == {
        tuple(expected)
    }
    assert (tmp_path / "mlflow.db").stat().st_size < 8_000_000


def watched_training(project: Project) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Train and return the memory of the processes in MB and how large files became in bytes.

    Memory is looked at five times a second, that of the training from its first checkpoint on, that
    of the sender from when MLflow has its first points until it has all: all is imported and read
    by then.
    """
    first = {"stages.train": "checkpoints/*.json", "--follow": "runs/*/sent.json"}
    memory, largest = defaultdict[str, list[float]](list), defaultdict[str, int](int)
    stage = psutil.Popen(
        [sys.executable, "-m", "stages.train"], cwd=project.folder, env=project.environment()
    )
    processes = {stage.pid: stage}
    while stage.poll() is None or not is_sent(project.folder):
        with suppress(psutil.NoSuchProcess):
            processes |= {each.pid: each for each in stage.children(recursive=True)}
        for process in processes.values():
            with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                name = next((word for word in process.cmdline() if word in first), None)
                if name and largest[first[name]]:
                    memory[name].append(process.memory_info().rss / 2**20)
        for pattern in (*first.values(), "runs/*/journal.jsonl"):
            for file in (project.folder / ".linreg").glob(pattern):
                largest[pattern] = max(largest[pattern], file.stat().st_size)
        time.sleep(0.2)
    assert stage.returncode == 0
    print(
        json.dumps({name: [round(each) for each in values] for name, values in memory.items()}),
        dict(largest),
    )
    return memory, largest


def is_sent(folder: Path) -> bool:
    """Tell whether MLflow has the whole journal of the one run."""
    (journal,) = folder.glob(".linreg/runs/*/journal.jsonl")
    sent = journal.with_name("sent.json")
    return sent.exists() and json.loads(sent.read_text())["offset"] == journal.stat().st_size
