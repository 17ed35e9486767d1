"""A model that is to be registered, with the run that made it and the evaluation that is this very
model's.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linreg.errors import UserError
from linreg.evaluation.gates import format_bounds
from linreg.files import content_hash
from linreg.fit.model import LinearModel, load
from linreg.lineage.evaluations import evaluation_of_run
from linreg.lineage.lineage import run_named, runs_of
from linreg.report.results import read_documents
from linreg.tracking.runs import DATA, MODEL, KnownRun

if TYPE_CHECKING:
    from linreg.tracking.mlflow.model_registry import Registry

SPLIT = DATA[0]
EVALUATED = Path("models/evaluation")


@dataclass(frozen=True)
class Candidate:
    """A model, its MD5 as in dvc.lock, its run, and what evaluate found about it.

    objection  why it must not be registered, in words, with what was found and what to do; empty if
               nothing is wrong
    """

    model: LinearModel
    model_hash: str
    run: KnownRun
    metrics: Mapping[str, Any]
    gates: Mapping[str, Any]
    objection: str


def candidate_here() -> Candidate:
    """Return the model that the pipeline has left in this folder.

    DVC says whether the evaluation is that of this model: whether all outputs are what the present
    parameters, data and code make. Raises UserError when there is no model, or no run that made it.
    """
    model, model_hash = load(MODEL), content_hash(Path(MODEL))
    metrics, gates = read_documents(EVALUATED, "metrics.json", "gates.json", model={MODEL: model_hash})
    run = _run_of(model_hash)
    stale = _stale_stages()
    objection = (
        f"{EVALUATED} is not known to be of this model: {stale}; run `dvc repro`" if stale else ""
    )
    return Candidate(model, model_hash, run, metrics, gates, objection or failed_gates(gates))


def candidate_of(name: str, registry: "Registry", scratch: Path) -> Candidate:
    """Return the model of a run, from the copies that are kept here or else from MLflow.

    A run holds one model and the evaluation of it. Raises UserError when there is no such run, when
    it has no model or was not evaluated, and like `candidate_here` when this folder's test rows are
    not the run's.
    """
    run = run_named(name)
    model_hash = run.tags.get(MODEL, "")
    if not model_hash or "gates" not in run.tags:
        what = "has no model" if not model_hash else "was not evaluated"
        raise UserError(
            run.label,
            what,
            found=f"a run that is {run.status}",
            todo="run `dvc repro` to complete it",
        )
    folder, evaluation = run.model, evaluation_of_run(run, scratch)
    if folder is None or content_hash(folder) != model_hash:
        _, folder = registry.model_of_run(run.run_id, model_hash, scratch / "model")
    model = load(folder)
    metrics, gates = read_documents(evaluation, "metrics.json", "gates.json", model={MODEL: model_hash})
    return Candidate(
        model, model_hash, run, metrics, gates, failed_gates(gates) or _other_rows(model)
    )


def failed_gates(gates: Mapping[str, Any]) -> str:
    """Say which gates were not passed, each with its value and bounds; empty when all were."""
    if gates["passed"]:
        return ""
    failed = {name: gate for name, gate in gates["gates"].items() if not gate["passed"]}
    return "; ".join(
        f"gate {name} {_value(gate)}, must be {format_bounds(gate)}"
        for name, gate in failed.items()
    )


def passed_gates(gates: Mapping[str, Any]) -> str:
    """Name the gates that were passed, each with its value and bounds."""
    passed = [
        f"{name} {_value(gate)} ({format_bounds(gate)})" for name, gate in gates["gates"].items()
    ]
    return f"gates passed: {', '.join(passed)}" if passed else "no gates are set"


def _value(gate: Mapping[str, Any]) -> str:
    value = gate["value"]
    return "has no value" if value is None else f"is {value:.6g}"


def _run_of(model_hash: str) -> KnownRun:
    """Return the newest run that made this model, one whose model has been judged if there is
    one.
    """
    wanted = {MODEL: model_hash}
    runs = runs_of(wanted) or runs_of(wanted, ask_mlflow=True)
    if not runs:
        raise UserError(
            MODEL,
            "no run is known that made it",
            found=f"MD5 {model_hash}",
            todo="run `dvc repro --force --single-item evaluate`, which logs it as a run",
        )
    return next((run for run in runs if "gates" in run.tags), runs[0])


def _stale_stages() -> str:
    """Say which stages DVC would run again, and for which files; empty when everything is up to
    date.
    """
    command = [sys.executable, "-m", "dvc", "status", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    try:
        stages: dict[str, list[Any]] = json.loads(done.stdout)
    except ValueError:
        raise UserError(
            "dvc status", "failed", found=(done.stderr.strip().splitlines() or ["nothing"])[-1]
        ) from None
    changed = [
        f"{stage} ({', '.join(_files(changes)) or 'changed'})" for stage, changes in stages.items()
    ]
    return f"DVC would run {', '.join(changed)} again" if changed else ""


def _files(changes: list[Any]) -> list[str]:
    return [
        path
        for change in changes
        if isinstance(change, dict)
        for paths in change.values()
        for path in (paths if isinstance(paths, dict) else [str(paths)])
    ]


def _other_rows(model: LinearModel) -> str:
    """Say that the test rows here are not those that the model was kept away from; empty when they
    are.
    """
    wanted, found = model.hashes[SPLIT], content_hash(Path(SPLIT))
    if wanted == found:
        return ""
    return (
        f"{SPLIT} here has MD5 {found}, and the run's was {wanted}, so that the test rows here may be among those that"
        " it was fitted on; bring its state with `dvc exp apply` or `git checkout` and `dvc repro`"
    )
