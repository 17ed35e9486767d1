"""What MLflow has of a project's runs, against what their journals say; and the processes that
bring it there.
"""

import contextlib
import importlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
from mlflow import MlflowClient
from mlflow.entities import Run

from linreg.tracking.journal.chart_names import chart_name
from linreg.tracking.journal.events import read_events
from tests import import_mlflow  # noqa: F401 - for what is imported below
from tests.project import Project

# For what is forked from here.
for name in ("fetch_model", "logged_model", "model_registry", "search", "sync"):
    importlib.import_module(f"linreg.tracking.mlflow.{name}")


def assert_every_point_once(project: Path, uri: str, num_runs: int = 1) -> list[Run]:
    """Compare every run of the store with its journal: name, step, time and value of each point,
    and how it ended.

    Returns the runs, of which there are `num_runs`.
    """
    client = MlflowClient(uri, uri)
    experiments = [each.experiment_id for each in client.search_experiments()]
    journals = {
        path.parent.name: path for path in (project / ".linreg/runs").glob("*/journal.jsonl")
    }
    runs = [
        run
        for run in client.search_runs(experiments)
        if run.data.tags.get("linreg.run") in journals
    ]
    assert len(journals) == num_runs
    assert sorted(run.data.tags["linreg.run"] for run in runs) == sorted(journals)
    for run in runs:
        journal = list(read_events(journals[run.data.tags["linreg.run"]]))
        expected = sorted(
            (chart_name(name), event.values["step"], event.time, float(value))
            for event in journal
            if event.kind == "metrics"
            for name, value in event.values["values"].items()
        )
        assert expected
        found = sorted(
            (name, point.step, point.timestamp, point.value)
            for name in run.data.metrics
            for point in client.get_metric_history(run.info.run_id, name)
        )
        assert found == expected
        assert run.info.status == "FINISHED"
        ends = [event.time for event in journal if event.kind == "end"]
        assert run.info.end_time == ends[0]
        num_models = sum(event.kind == "model" for event in journal)
        assert len(run.outputs.model_outputs if run.outputs else []) == num_models
        found_models = client.search_logged_models(
            experiments, f"source_run_id = '{run.info.run_id}'"
        )
        assert [str(model.status) for model in found_models] == ["READY"] * num_models
    return runs


@contextlib.contextmanager
def no_sender_left(project: Path) -> Iterator[None]:
    """End the followers of a project's runs at the end of the block."""
    try:
        yield
    finally:
        for process in senders(project):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
                process.wait(10)


def senders(project: Path) -> list[Any]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if "--follow" in process.cmdline() and Path(process.cwd()) == project:
                found.append(process)
    return found


def failure_told(project: Project, env: Mapping[str, str], seconds: float = 60.0) -> str:
    """Return what `linreg summary` says of what MLflow lacks, as soon as sending it has failed."""
    deadline = time.monotonic() + seconds
    while True:
        last = project.run("linreg", "summary", env=env).stdout.splitlines()[-1]
        if last.startswith("MLflow has not received "):
            return last
        assert time.monotonic() < deadline, "nothing is said"
        time.sleep(0.2)


def wait_for_senders(project: Path, seconds: float = 60.0) -> None:
    """Wait until nobody sends any more."""
    deadline = time.monotonic() + seconds
    while senders(project):
        assert time.monotonic() < deadline, "a follower does not end"
        time.sleep(0.1)
