"""The runs that are known here, from their journals; the link between a run and its outputs is
their content.

A run carries the MD5s that dvc.lock names, so that it is found also when DVC took the outputs from
its cache. This needs neither MLflow nor its store; for runs that only MLflow knows there is
linreg.tracking.mlflow.search.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linreg.tracking.journal.events import KILLED, RUNNING, Ending, read
from linreg.tracking.journal.run_folder import RunFolder, run_folders

MODEL = "models/model"
DATA = ("data/split", "data/ingested/schema.json")
OUTPUTS = (MODEL, *DATA)
"""The paths whose MD5s a run carries as tags of the same names."""
EVALUATION = "evaluation"
"""The artifact of a run that holds its metrics and gates."""


@dataclass(frozen=True)
class KnownRun:
    """A run as its journal, or MLflow, tells it.

    key         its name in .linreg/runs and, as the tag `linreg.run`, in MLflow; empty for a run of
                another origin
    run_id      its id in MLflow; empty while MLflow does not have it
    started     when, in milliseconds since 1970
    parameters  all of params.yaml by dotted names; from MLflow they are text
    model       the copy of its model that is kept here, if there is one
    evaluation  the same of the folder that evaluate wrote
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
        """Say which of the outputs with these MD5s are the run's: the model, only the data, or
        nothing (empty).
        """
        if self._has(hashes, MODEL):
            return "the model"
        return "only the data" if all(self._has(hashes, path) for path in DATA) else ""

    def _has(self, hashes: Mapping[str, str], path: str) -> bool:
        return path in hashes and self.tags.get(path) == hashes[path]


def journal_runs(hashes: Iterable[str] | None = None) -> list[KnownRun]:
    """Return the runs with a journal, the newest first; with `hashes` only those in which one of
    them appears.
    """
    wanted = None if hashes is None else [json.dumps(each).encode() for each in hashes]
    folders = [
        folder for folder in run_folders() if wanted is None or _mentions(folder.journal, wanted)
    ]
    return newest_first(map(_known, folders))


def newest_first(runs: Iterable[KnownRun]) -> list[KnownRun]:
    """Return the runs in the order in which a person looks for them."""
    return sorted(runs, key=lambda run: (-run.started, run.key, run.run_id))


def journal_curves(key: str) -> list[tuple[int, dict[str, float]]]:
    """Return what a run's journal logged by step, in the order of the steps."""
    curves: dict[int, dict[str, float]] = {}
    for event in read(RunFolder(key).journal):
        if event.kind == "metrics":
            values = {name: float(value) for name, value in event.values["values"].items()}
            curves.setdefault(event.values["step"], {}).update(values)
    return sorted(curves.items())


def _mentions(journal: Path, wanted: list[bytes]) -> bool:
    content = (
        journal.read_bytes()
        # most journals are not the ones; this is far faster than parsing them
    )
    return any(each in content for each in wanted)


def _known(folder: RunFolder) -> KnownRun:
    # asked first: what it writes before it dies is then read below
    is_alive = folder.has_writer()
    ending, start = Ending(), None
    kept: dict[str, Path] = {}
    tags: dict[str, str] = {}
    for event in read(folder.journal):
        ending.see(event)
        if event.kind == "start":
            start = start or event
        tags |= event.values.get("tags", {})
        if event.kind in ("model", "artifact"):
            copy = folder.path / event.values["path"]
            kept["model" if event.kind == "model" else copy.name] = copy
    # run_folders lists runs that have begun
    assert start is not None
    status = KILLED if ending.status == RUNNING and not is_alive else ending.status
    values = start.values
    return KnownRun(
        folder.key,
        folder.sent().run_id,
        values["name"],
        start.time,
        status,
        tags,
        values["parameters"],
        **{
            name: copy
            for name, copy in kept.items()
            if name in ("model", EVALUATION) and copy.is_dir()
        },
    )
