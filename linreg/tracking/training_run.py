"""The run that train begins and evaluate completes, linked to its data and its model by their hashes."""

import csv
import os
from collections.abc import Mapping
from pathlib import Path

from linreg.files import content_hash
from linreg.tracking.git import default_run_name, source_tags
from linreg.tracking.journal import Dataset, Run, find_run, start_run

_AWAITS = "linreg.awaits_evaluation"


def start_training_run(
    experiment: str, parameters: Mapping[str, object], hashes: Mapping[str, str], data: Dataset
) -> Run:
    """Begin the run of a training; `hashes` are those of its dependencies by path, as in dvc.lock."""
    return start_run(experiment, default_run_name(), parameters, source_tags() | dict(hashes), [data])


def note_model(run: Run, folder: Path) -> None:
    """Log the trained model, and note that it has not been judged yet."""
    model_hash = content_hash(folder)
    run.log_model(folder)
    run.set_tags({str(folder): model_hash, _AWAITS: _waiting_for(model_hash)})


def run_of_model(model: Path, training: Path, experiment: str, parameters: Mapping[str, object]) -> Run:
    """Return the run whose model waits to be judged; if there is none, a new one with the same curves.

    There is none when DVC took the model from its cache instead of training it, or when it is judged once more.
    """
    model_hash = content_hash(model)
    run = find_run(_AWAITS, _waiting_for(model_hash))
    if run is None:
        hashes = {str(path): content_hash(path) for path in (model, training)}
        run = start_run(experiment, default_run_name(), parameters, source_tags() | hashes)
        run.log_model(model)
        for step, values in read_curves(training):
            run.log(values, step)
    run.set_tags({_AWAITS: "no"})
    return run


def read_curves(training: Path) -> list[tuple[int, dict[str, float]]]:
    """Return per epoch the values that a training logs, from the files it writes."""
    with (training / "history.csv").open(encoding="utf-8", newline="") as file:
        points = {int(row["epoch"]): dict(row) for row in csv.DictReader(file)}
    curves = {
        epoch: {name: float(row[name]) for name in row if name not in ("epoch", "step") and row[name]}
        for epoch, row in points.items()
    }
    with (training / "theta.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name = "b" if row["coefficient"] == "b" else f"theta.{row['coefficient']}"
            curves[int(row["epoch"])][name] = float(row["value"])
    return list(curves.items())


def _waiting_for(model_hash: str) -> str:
    return f"{model_hash} {os.environ.get('DVC_EXP_NAME', '')}".strip()
