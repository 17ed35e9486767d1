"""The run that train begins and evaluate completes, linked by hashes to its data, code and model.

Its tags say how far it is, so that a stage that was stopped finds its run again and adds what is
missing:

    linreg.training             identifies the training, until the model has been evaluated
    linreg.awaits_evaluation    the MD5 of the model that is still to be evaluated
    linreg.evaluation           identifies the evaluation
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linreg.code_lock.lock_file import code_hash, code_now, libraries_in
from linreg.files import content_hash, read_document
from linreg.fit.history import Curves, read_columns
from linreg.process.workers import Workers
from linreg.tracking.journal.chart_names import COLOR, color
from linreg.tracking.journal.open_run import Dataset, reopen_run, start_run
from linreg.tracking.journal.run import Run, null_run
from linreg.tracking.journal.run_folder import run_folders
from linreg.tracking.journal.source_tags import run_name, source_tags

_TRAINING = "linreg.training"
_AWAITS_EVALUATION = "linreg.awaits_evaluation"
_EVALUATION = "linreg.evaluation"


def training_run(
    workers: Workers,
    parameters: Mapping[str, Any],
    hashes: Mapping[str, str],
    split: Path,
    schema: Path,
) -> Run:
    """Begin the run of a training, or resume the one that was stopped before its evaluation.

    parameters  all of params.yaml, by dotted names
    hashes      of the training's inputs by path, as in dvc.lock: the folder `split` and the file
                `schema`

    The run is sent to MLflow while it is written. Of several processes only the first has a run.
    """
    if not workers.is_first:
        return null_run()
    tags = dict(hashes) | _code_tags()
    identity = _identity(tags, parameters)
    run = reopen_run(_TRAINING, identity, last=False)
    if run is not None:
        run.set_tags(source_tags())
    else:
        num_rows = read_document(split / "split.json")["rows"]["train"]
        source = _source(parameters)
        run = start_run(
            parameters["tracking.experiment"],
            run_name(read_document(schema), source),
            parameters,
            tags | source_tags() | _appearance("train") | {_TRAINING: identity},
            [Dataset(Path(source).name, source, hashes[str(split)], num_rows)],
        )
    run.start_sender()
    return run


def run_of_model(
    workers: Workers, parameters: Mapping[str, Any], model: Path, training: Path
) -> Run:
    """Return the run of a model that is still to be evaluated, or a new one with the same curves.

    parameters  all of params.yaml, by dotted names
    model       the folder of the model
    training    the folder with the curves of its training

    A new one is needed when DVC took the model from its cache instead of training it. An evaluation
    that was stopped, or is repeated with nothing changed, resumes its run. The run is sent to
    MLflow while it is written. Of several processes only the first has a run.
    """
    if not workers.is_first:
        return null_run()
    hashes = {str(path): content_hash(path) for path in (model, training)} | _code_tags()
    identity = _identity(hashes, parameters)
    run = reopen_run(_AWAITS_EVALUATION, _model_of_experiment(hashes[str(model)]))
    if run is not None:
        run.set_tags({_EVALUATION: identity})
    else:
        run = reopen_run(_EVALUATION, identity) or start_run(
            parameters["tracking.experiment"],
            run_name(read_document(model / "model.json"), _source(parameters)),
            parameters,
            source_tags() | _appearance("evaluate") | hashes | {_EVALUATION: identity},
        )
        # These add only what a run that was stopped does not have yet.
        run.log_model(model)
        run.log_curves(read_curves(training))
    run.start_sender()
    return run


def _source(parameters: Mapping[str, Any]) -> str:
    """Return the path of the table, which is only shown: no output depends on it."""
    return str(parameters.get("ingest.source", ""))


def record_model(run: Run, folder: Path) -> None:
    """Log the trained model, and that it is still to be evaluated."""
    model_hash = content_hash(folder)
    run.log_model(folder)
    run.set_tags({str(folder): model_hash, _AWAITS_EVALUATION: _model_of_experiment(model_hash)})


def record_gates(run: Run, *, passed: bool) -> None:
    """Log the outcome of the evaluation; the same training, done again, is then another run."""
    outcome = "passed" if passed else "failed"
    run.set_tags({"gates": outcome, _AWAITS_EVALUATION: "no", _TRAINING: "done"})


def read_curves(training: Path) -> Curves:
    """Return the values that a training logs by epoch, from the files that it writes."""
    history = read_columns(training / "history.csv")
    theta = read_columns(training / "theta.csv")
    metrics = [name for name in history if name not in ("epoch", "step")]
    curves = {
        int(epoch): {name: history[name][i] for name in metrics if history[name][i] is not None}
        for i, epoch in enumerate(history["epoch"])
    }
    for epoch, coefficient, value in zip(
        theta["epoch"], theta["coefficient"], theta["value"], strict=True
    ):
        curves[int(epoch)]["b" if coefficient == "b" else f"theta.{coefficient}"] = value
    return list(curves.items())


def _code_tags() -> dict[str, str]:
    """Return which code and which libraries the stages run; nothing outside of a project."""
    codes = code_now()
    if not codes:
        return {}
    return {"code": code_hash(codes), "libraries": ", ".join(libraries_in(codes))}


def _appearance(stage: str) -> dict[str, str]:
    """Return what MLflow shows as the run's source, and the colour of its curves."""
    return {"mlflow.source.name": f"stages/{stage}.py", COLOR: color(len(run_folders()))}


def _model_of_experiment(model_hash: str) -> str:
    """Return the value of the tag by which evaluate finds the run of its model."""
    return f"{model_hash} {os.environ.get('DVC_EXP_NAME', '')}".strip()


def _identity(hashes: Mapping[str, str], parameters: Mapping[str, Any]) -> str:
    """Return what identifies a training or evaluation; two DVC experiments always differ."""
    document = [dict(hashes), dict(parameters), os.environ.get("DVC_EXP_NAME", ""), str(Path.cwd())]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
