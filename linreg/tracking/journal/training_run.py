"""The run that train begins and evaluate completes, linked to its data, its code and its model by
their hashes.

Its tags say how far it is, so that a stage that was stopped finds its run again and adds what is
missing:

    linreg.training             the training that it is of, until the model has been judged
    linreg.awaits_evaluation    the model that waits to be judged
    linreg.evaluation           the judgement that it holds
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linreg.files import content_hash, read_document
from linreg.fit.history import Curves, read_columns
from linreg.process.source_hash import code_hash
from linreg.process.workers import Workers
from linreg.tracking.journal.chart_names import COLOR, color
from linreg.tracking.journal.git import default_run_name, source_tags
from linreg.tracking.journal.journal import Dataset, Run, find_run, no_run, start_run
from linreg.tracking.journal.run_folder import run_folders

_TRAINING, _AWAITS, _EVALUATION = "linreg.training", "linreg.awaits_evaluation", "linreg.evaluation"


def begin_training_run(
    workers: Workers, parameters: Mapping[str, Any], hashes: Mapping[str, str], split: Path
) -> Run:
    """Begin the run of a training, or go on with the one that was stopped before its model was
    judged.

    Of several processes the first one speaks for all. `parameters` are all of params.yaml by their
    dotted names, `hashes` those of the dependencies by path, as in dvc.lock, the folder `split`
    among them.
    """
    if not workers.first:
        return no_run()
    experiment, tags = parameters["tracking.experiment"], dict(hashes) | {"code": code_hash()}
    identity = _identity(tags, parameters)
    if run := find_run(_TRAINING, identity, last=False):
        run.set_tags(source_tags())
        return run
    data = Dataset(
        "train",
        str(split),
        hashes[str(split)],
        read_document(split / "split.json")["rows"]["train"],
    )
    tags |= source_tags() | _appearance("train") | {_TRAINING: identity}
    return start_run(experiment, default_run_name(), parameters, tags, [data])


def note_model(run: Run, folder: Path) -> None:
    """Log the trained model, and note that it has not been judged yet."""
    model_hash = content_hash(folder)
    run.log_model(folder)
    run.set_tags({str(folder): model_hash, _AWAITS: _waiting_for(model_hash)})


def run_of_model(
    workers: Workers, parameters: Mapping[str, Any], model: Path, training: Path
) -> Run:
    """Return the run whose model waits to be judged; if there is none, a new one with the same
    curves.

    There is none when DVC took the model from its cache instead of training it. A judgement that
    was stopped, or is repeated with nothing changed, goes on in the run that has it.
    """
    if not workers.first:
        return no_run()
    hashes = {str(path): content_hash(path) for path in (model, training)} | {"code": code_hash()}
    identity = _identity(hashes, parameters)
    if run := find_run(_AWAITS, _waiting_for(hashes[str(model)])):
        run.set_tags({_EVALUATION: identity})
        return run
    tags = source_tags() | _appearance("evaluate") | hashes | {_EVALUATION: identity}
    run = find_run(_EVALUATION, identity) or start_run(
        parameters["tracking.experiment"], default_run_name(), parameters, tags
    )
    run.log_model(
        model
        # this and the curves add nothing to a run that has them, and complete one that was stopped
    )
    run.log_curves(read_curves(training))
    return run


def note_judgement(run: Run, verdict: str) -> None:
    """Note that the model has been judged; the same training, done again, is another run."""
    run.set_tags({"gates": verdict, _AWAITS: "no", _TRAINING: "done"})


def read_curves(training: Path) -> Curves:
    """Return per epoch the values that a training logs, from the files it writes."""
    history, theta = (read_columns(training / name) for name in ("history.csv", "theta.csv"))
    measured = [name for name in history if name not in ("epoch", "step")]
    curves = {
        int(epoch): {name: history[name][i] for name in measured if history[name][i] is not None}
        for i, epoch in enumerate(history["epoch"])
    }
    for epoch, coefficient, value in zip(
        theta["epoch"], theta["coefficient"], theta["value"], strict=True
    ):
        curves[int(epoch)]["b" if coefficient == "b" else f"theta.{coefficient}"] = value
    return list(curves.items())


def _appearance(stage: str) -> dict[str, str]:
    """Return what MLflow shows as the run's source, and the colour of its curves: another than
    those before it.
    """
    return {"mlflow.source.name": f"stages/{stage}.py", COLOR: color(len(run_folders()))}


def _waiting_for(model_hash: str) -> str:
    return f"{model_hash} {os.environ.get('DVC_EXP_NAME', '')}".strip()


def _identity(hashes: Mapping[str, str], parameters: Mapping[str, Any]) -> str:
    """Return what tells this piece of work from others; two experiments of DVC are never one
    run.
    """
    document = [dict(hashes), dict(parameters), os.environ.get("DVC_EXP_NAME", ""), str(Path.cwd())]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
