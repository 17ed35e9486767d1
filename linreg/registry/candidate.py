"""A candidate for the registry: a model with the run that made it and its own evaluation."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linreg.code_lock.lock_file import current_code, differences
from linreg.dvc_command import dvc_error, run_dvc
from linreg.dvc_lock import recorded_code
from linreg.errors import UserError
from linreg.evaluation.gates import format_bounds
from linreg.files import content_hash
from linreg.fit.model import LinearModel, load
from linreg.git import is_in_repository
from linreg.lineage.evaluation_lookup import fetch_evaluation
from linreg.lineage.run_lookup import find_run_by_id, find_runs_by_hash
from linreg.registry.model_certificate import ModelCertificate, certificate_of_model
from linreg.results.documents import read_documents
from linreg.tracking.journal.sync_state import DELETED
from linreg.tracking.runs import DATA, MODEL, KnownRun

if TYPE_CHECKING:
    from linreg.tracking.mlflow.model_registry import Registry

SPLIT = DATA[0]
EVALUATION = Path("models/evaluation")
ALWAYS_CHANGED = "always changed"
"""What `dvc status` says of a stage that runs every time."""


@dataclass(frozen=True)
class Candidate:
    """A model that is to be registered.

    model_hash  its MD5, as in dvc.lock
    run         the run that made it
    metrics     metrics.json of its evaluation
    gates       gates.json
    objection   why it must not be registered, with what to do; empty if nothing speaks against it
    certificate that of the model, if there is one
    """

    model: LinearModel
    model_hash: str
    run: KnownRun
    metrics: Mapping[str, Any]
    gates: Mapping[str, Any]
    objection: str
    certificate: ModelCertificate | None = None


def candidate_of_workspace(certificate: Path | None = None) -> Candidate:
    """Return the model in models/model.

    Whether models/evaluation is its evaluation is for DVC to say: all outputs must be those of the
    present parameters, data and code. Raises UserError if there is no model, or no run of it,
    or the certificate is damaged or not to be trusted.
    """
    model, model_hash = load(MODEL), content_hash(Path(MODEL))
    metrics, gates = _read_evaluation(EVALUATION, model_hash)
    run = _run_of_model(model_hash)
    objection = _stale_evaluation() or describe_failed_gates(gates) or _no_commit(run)
    candidate = Candidate(model, model_hash, run, metrics, gates, objection)
    return _with_certificate(candidate, certificate, Path(MODEL))


def candidate_of_run(
    run_id: str, registry: "Registry", scratch: Path, certificate: Path | None = None
) -> Candidate:
    """Return the model of a run, from its local copy or from MLflow.

    A run has one model and one evaluation. Raises UserError if there is no such run, or if it has
    no model or no evaluation. The test rows in data/split must be those of the run.
    """
    run = find_run_by_id(run_id)
    model_hash = run.tags.get(MODEL, "")
    if not model_hash or "gates" not in run.tags:
        raise UserError(
            run.label,
            "was not evaluated" if model_hash else "has no model",
            found=f"a run that is {run.status}",
            todo="run `dvc repro` to complete it",
        )
    folder = run.model
    if folder is None or content_hash(folder) != model_hash:
        _, folder = registry.model_of_run(run.run_id, model_hash, scratch / "model")
    model = load(folder)
    metrics, gates = _read_evaluation(fetch_evaluation(run, scratch), model_hash)
    objection = describe_failed_gates(gates) or _other_test_rows(model) or _no_commit(run)
    candidate = Candidate(model, model_hash, run, metrics, gates, objection)
    return _with_certificate(candidate, certificate, folder)


def _with_certificate(candidate: Candidate, path: Path | None, model: Path) -> Candidate:
    """Return the candidate with its certificate, and an objection where it is another model's."""
    if path is None:
        return candidate
    certificate = certificate_of_model(path, model)
    objection = candidate.objection or certificate.mismatch
    return replace(candidate, certificate=certificate, objection=objection)


def describe_failed_gates(gates: Mapping[str, Any]) -> str:
    """Return the gates that failed, each with its value and bounds; empty if all passed."""
    return "; ".join(
        f"gate {name} {_value(gate)}, must be {format_bounds(gate)}"
        for name, gate in gates["gates"].items()
        if not gate["passed"]
    )


def describe_passed_gates(gates: Mapping[str, Any]) -> str:
    """Return the gates, all of which passed, each with its value and bounds."""
    passed = [
        f"{name} {_value(gate)} ({format_bounds(gate)})" for name, gate in gates["gates"].items()
    ]
    return f"gates passed: {', '.join(passed)}" if passed else "no gates are set"


def _read_evaluation(folder: Path, model_hash: str) -> list[dict[str, Any]]:
    """Return metrics.json and gates.json; raises UserError unless they are of this model."""
    return read_documents(folder, "metrics.json", "gates.json", model={MODEL: model_hash})


def _value(gate: Mapping[str, Any]) -> str:
    value = gate["value"]
    return "has no value" if value is None else f"is {value:.6g}"


def _run_of_model(model_hash: str) -> KnownRun:
    """Return the newest run of a model, preferably one that was evaluated.

    One that was deleted in MLflow does not count.
    """
    hashes = {MODEL: model_hash}
    runs = find_runs_by_hash(hashes) or find_runs_by_hash(hashes, ask_mlflow=True)
    runs = [run for run in runs if run.status != DELETED]
    if not runs:
        raise UserError(
            MODEL,
            "has no run",
            found=f"MD5 {model_hash}",
            todo="run `dvc repro --force --single-item evaluate`, which logs one",
        )
    return next((run for run in runs if "gates" in run.tags), runs[0])


def _stale_evaluation() -> str:
    """Return which stages DVC would run again, with the changed files; empty for none."""
    done = run_dvc("status", "--json")
    try:
        changes_by_stage: dict[str, list[Any]] = json.loads(done.stdout)
    except ValueError:
        raise UserError("dvc status", "failed", found=dvc_error(done)) from None
    stages = [
        f"{stage} ({', '.join(_changed_files(changes)) or 'changed'})"
        for stage, changes in changes_by_stage.items()
        # That a stage runs every time does not say that anything has changed.
        if changes != [ALWAYS_CHANGED]
    ]
    recorded = recorded_code()
    stages += [
        f"{stage} ({', '.join(changed)})"
        for stage, code in current_code().items()
        if stage in recorded and (changed := differences(recorded[stage], code))
    ]
    if not stages:
        return ""
    return (
        f"{EVALUATION} may be of another model: DVC would run {', '.join(stages)} again; "
        "run `dvc repro`"
    )


def _changed_files(changes: list[Any]) -> list[str]:
    """Return the paths in what `dvc status --json` lists for a stage."""
    paths: list[str] = []
    for change in changes:
        if isinstance(change, dict):
            for changed in change.values():
                paths += changed if isinstance(changed, dict) else [str(changed)]
    return paths


def _no_commit(run: KnownRun) -> str:
    """Return why a run in a repository has no commit; empty if it has, and outside of git."""
    if run.tags.get("git.commit") or not is_in_repository():
        return ""
    return (
        f"{run.label} has no commit, so that it cannot be repeated: git refused this folder, or"
        " there was no commit yet; see `git status`, commit, and run `dvc repro --force`"
    )


def _other_test_rows(model: LinearModel) -> str:
    """Return why test rows here may be training rows of the model; empty if they are its own."""
    expected, found = model.hashes[SPLIT], content_hash(Path(SPLIT))
    if expected == found:
        return ""
    return (
        f"{SPLIT} has MD5 {found} here, and {expected} in the run, so that test rows here may be "
        "training rows of the model; restore its state with `dvc exp apply`, or with "
        "`git checkout` and `dvc repro`"
    )
