"""The runs that have a journal here, and which of them produced an output.

Run and output are linked by content: a run carries the MD5s that dvc.lock names, so that it is
found also when DVC took the outputs from its cache. This needs neither MLflow nor its store; runs
that only MLflow has are found by linreg.tracking.mlflow.search.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linreg.tracking.journal.events import KILLED, RUNNING, Event, RunState, read_events
from linreg.tracking.journal.run_folder import RunFolder, run_folders
from linreg.tracking.journal.sync_state import DELETED

MODEL = "models/model"
DATA = ("data/split", "data/ingested/schema.json")
OUTPUTS = (MODEL, *DATA)
"""The paths whose MD5s a run carries as tags of the same names."""
EVALUATION = "evaluation"
"""The artifact of a run that holds its metrics and gates."""


@dataclass(frozen=True)
class KnownRun:
    """A run that a journal here or MLflow has.

    key         its name in .linreg/runs and, as the tag `linreg.run`, in MLflow; empty for a run of
                another origin
    run_id      its id in MLflow; empty while MLflow does not have it
    started     when, in milliseconds since 1970
    status      how it ended, or RUNNING; DELETED if it was deleted in MLflow, as far as is known
    parameters  all of params.yaml by dotted names; from MLflow they are text
    model       the copy of its model in the run's folder, if there is one
    evaluation  the copy of the folder that evaluate wrote, likewise
    """

    key: str
    run_id: str
    name: str
    started: int
    status: str
    tags: Mapping[str, str]
    parameters: Mapping[str, Any]
    model: Path | None = None
    evaluation: Path | None = None

    @property
    def label(self) -> str:
        """What a message calls the run: its id in MLflow, or its key."""
        return f"run {self.run_id or self.key}"

    def produced(self, hashes: Mapping[str, str]) -> str:
        """Return which outputs with these MD5s are the run's.

        hashes  MD5s by path, as in dvc.lock

        That is `the model`, which implies its data, `only the data`, or empty for none.
        """
        if self._has(hashes, MODEL):
            return "the model"
        return "only the data" if all(self._has(hashes, path) for path in DATA) else ""

    def _has(self, hashes: Mapping[str, str], path: str) -> bool:
        return path in hashes and self.tags.get(path) == hashes[path]


def journal_runs(hashes: Iterable[str] | None = None) -> list[KnownRun]:
    """Return the runs with a journal, newest first; with `hashes`, those that have one of them."""
    wanted = None if hashes is None else [json.dumps(each).encode() for each in hashes]
    folders = [
        folder for folder in run_folders() if wanted is None or _mentions(folder.journal, wanted)
    ]
    return newest_first(map(_known_run, folders))


def newest_first(runs: Iterable[KnownRun]) -> list[KnownRun]:
    """Return the runs by the time of their start, newest first."""
    return sorted(runs, key=lambda run: (-run.started, run.key, run.run_id))


def journal_curves(key: str) -> list[tuple[int, dict[str, float]]]:
    """Return the metrics that a run's journal has by step, in the order of the steps."""
    curves: dict[int, dict[str, float]] = {}
    for event in read_events(RunFolder(key).journal):
        if event.kind == "metrics":
            values = {name: float(value) for name, value in event.values["values"].items()}
            curves.setdefault(event.values["step"], {}).update(values)
    return sorted(curves.items())


def _mentions(journal: Path, wanted: list[bytes]) -> bool:
    # Most journals hold none of them, and searching is far faster than parsing.
    content = journal.read_bytes()
    return any(each in content for each in wanted)


def _known_run(folder: RunFolder) -> KnownRun:
    # Asked before reading, so that what the writer appends before it dies is read below.
    is_alive = folder.has_writer()
    state = RunState()
    start: Event | None = None
    copies: dict[str, Path] = {}
    tags: dict[str, str] = {}
    for event in read_events(folder.journal):
        state.update(event)
        if event.kind == "start":
            start = start or event
        tags |= event.values.get("tags", {})
        if event.kind in ("model", "artifact"):
            copy = folder.path / event.values["path"]
            copies["model" if event.kind == "model" else copy.name] = copy
    assert start is not None, "run_folders lists runs that have started"
    sync_state = folder.sync_state()
    status = KILLED if state.status == RUNNING and not is_alive else state.status
    folders = {name: copy for name, copy in copies.items() if copy.is_dir()}
    return KnownRun(
        folder.key,
        sync_state.run_id,
        start.values["name"],
        start.time,
        DELETED if sync_state.status == DELETED else status,
        tags,
        start.values["parameters"],
        model=folders.get("model"),
        evaluation=folders.get(EVALUATION),
    )
