"""Starts a run, or reopens one that an earlier stage or a stopped process has started."""

import json
import os
import sys
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from linreg.tracking.journal.events import read_events
from linreg.tracking.journal.legal_names import with_legal_names
from linreg.tracking.journal.run import Run, null_run, warn_not_tracked
from linreg.tracking.journal.run_folder import RunFolder, run_folders


@dataclass(frozen=True)
class Dataset:
    """A table that a run reads, as MLflow's Datasets column shows it."""

    name: str
    source: str
    """Its path or URI."""
    digest: str
    """The hash of its content, at most 36 characters, such as the MD5 in dvc.lock."""
    num_rows: int
    context: str = "training"
    """What it is used for: training, validation, test."""
    schema: Mapping[str, str] = field(default_factory=dict)
    """Type of each column, by name; may be empty."""


def start_run(
    experiment: str,
    name: str,
    parameters: Mapping[str, object],
    tags: Mapping[str, str],
    inputs: Iterable[Dataset] = (),
) -> Run:
    """Start a run and its journal; where none can be written, a message says so, and nothing is."""
    _warn_of_ignored_variables(experiment)
    folder = RunFolder(uuid.uuid4().hex)
    try:
        folder.path.mkdir(parents=True)
        run = Run(folder)
    except OSError as error:
        warn_not_tracked(folder, error)
        return null_run()
    start = {
        "experiment": experiment,
        "name": name,
        "parameters": with_legal_names(parameters),
        "tags": with_legal_names(tags),
        "inputs": [asdict(dataset) for dataset in inputs],
    }
    run.append("start", start)
    return run


def reopen_run(tag: str, value: str, *, last: bool = True) -> Run | None:
    """Reopen the newest run whose `tag` has that value; None where there is none.

    So evaluate finds the run of its model by the model's hash, also when DVC took the model from
    its cache; and a stage that was killed finds the run it has started. Points and models that the
    journal has already are not added again. A run that was deleted in MLflow stays closed.

    last  whether no later stage will add to the run
    """
    try:
        found = [
            (time, folder.key)
            for folder in run_folders()
            if (time := _start_of_tagged(folder, tag, value)) is not None
            and not folder.is_deleted()
        ]
        return Run(RunFolder(max(found)[1]), reopened=True, last=last) if found else None
    except OSError:
        # A journal that cannot be read or written; a new one may be, or its failure is reported.
        return None


def _warn_of_ignored_variables(experiment: str) -> None:
    """Say which variables of MLflow name another experiment or run than params.yaml does.

    params.yaml is what a run is repeated from, and names the experiment as a program does with
    `mlflow.set_experiment`, which has priority over the variables in MLflow too.
    """
    runs_go = f"runs go to the experiment {experiment}, by tracking.experiment in params.yaml"
    reasons = {
        "MLFLOW_EXPERIMENT_NAME": runs_go,
        "MLFLOW_EXPERIMENT_ID": runs_go,
        "MLFLOW_RUN_ID": "each training is a run of its own",
    }
    for variable, why in reasons.items():
        if os.environ.get(variable, "") not in ("", experiment):
            print(f"tracking: {variable} is not used: {why}", file=sys.stderr)


def _start_of_tagged(folder: RunFolder, tag: str, value: str) -> int | None:
    """Return when the run started if its tag has that value, else None."""
    # Most journals do not hold the value; searching is a hundred times faster than parsing them.
    if json.dumps(value, ensure_ascii=False).encode() not in folder.journal.read_bytes():
        return None
    start = 0
    found = None
    for event in read_events(folder.journal):
        if event.kind == "start":
            start = event.time
        found = event.values.get("tags", {}).get(tag, found)
    return start if found == value else None
