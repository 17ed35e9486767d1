"""A decision about a model version: one at a time, on a registry that may not answer."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from linreg.errors import UserError
from linreg.files import missing_output
from linreg.registry.manual_promotion import promote
from linreg.registry.registration import Outcome, register
from linreg.tracking.audit_log import registry_lock
from linreg.tracking.runs import MODEL

if TYPE_CHECKING:
    from linreg.tracking.mlflow.model_registry import Registry


def decide(
    name: str,
    run_id: str | None,
    version: int | None,
    reason: str,
    certificate: Path | None = None,
    *,
    dry_run: bool,
) -> Outcome:
    """Promote a version of the registered model `name`, or register a model if `version` is None.

    The model is that of a run, or the one in models/model if `run_id` is None; with a certificate,
    it has to be the one that is named there. First, decisions whose command was killed are
    completed. A registry that does not answer is an objection; other mistakes raise UserError.
    """
    if version is None and run_id is None and not (model := Path(MODEL, "model.json")).exists():
        raise missing_output(model)
    # They import MLflow, which takes seconds.
    from linreg.tracking.mlflow.model_registry import Registry
    from linreg.tracking.mlflow.store_errors import TRACKING_ERRORS, remedy
    from linreg.tracking.mlflow.store_errors import reason as reason_of

    try:
        with nullcontext() if dry_run else registry_lock():
            registry = Registry.open(name, create=not dry_run)
            completed = [] if dry_run else _complete_interrupted(registry)
            if version is not None:
                outcome = promote(registry, version, reason, dry_run=dry_run)
            else:
                outcome = register(registry, run_id, certificate, dry_run=dry_run)
    except UserError:
        raise
    except TRACKING_ERRORS as error:
        why = reason_of(error)
        objection = f"error: the model registry: {why}; {remedy(why)}"
        return Outcome([], is_champion=False, objection=objection)
    return outcome._replace(lines=[*completed, *outcome.lines])


def _complete_interrupted(registry: "Registry") -> list[str]:
    """Complete the decisions whose command was killed; return a line for each."""
    lines = []
    for version, decision in registry.unfinished():
        registry.complete(version, decision)
        lines.append(
            f"completed the interrupted registration of version {version.version} of "
            f"{registry.name}: {decision.decision}"
        )
    return lines
