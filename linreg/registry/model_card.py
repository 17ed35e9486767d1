"""What a version in the registry says about itself: a page for people, and tags to search by."""

from collections.abc import Iterator

from linreg.markdown import plain
from linreg.registry.candidate import Candidate
from linreg.tracking.journal.legal_names import with_legal_names
from linreg.tracking.mlflow.required_columns import required_columns_markdown

MOST_COEFFICIENTS = 30
"""How many coefficients a version shows; its model.json has them all."""


def description(candidate: Candidate, why: str) -> str:
    """Return the version's page in Markdown: formula, columns, θ and b, metrics, where it is from,
    what was decided.
    """
    model, run = candidate.model, candidate.run
    commit = run.tags.get("git.commit", "none") + (
        " (dirty)" if run.tags.get("git.dirty") == "true" else ""
    )
    rows = "\n".join(f"| {plain(name)} | {value!r} |" for name, value in _coefficients(candidate))
    more = len(model.coefficients) - MOST_COEFFICIENTS
    rest = f"\n\n{more} more coefficients are in model.json." if more > 0 else ""
    numbers = ", ".join(f"{name} {value:.6g}" for name, value in _metrics(candidate))
    experiment = run.tags.get("dvc.experiment")
    return (
        f"{required_columns_markdown(model)}\n\n| coefficient | value |\n|---|---|\n{rows}{rest}\n\n{numbers}\n\n"
        f"Run {plain(run.name)}, commit {plain(commit)}"
        f"{f', DVC experiment {plain(experiment)}' if experiment else ''}, "
        f"model {candidate.model_hash}.\n\nWhen it was registered: {why}."
    )


def tags(candidate: Candidate) -> dict[str, str]:
    """Return the version's tags: the model's MD5, its code, its experiment, its metrics, θ and
    b.
    """
    known = {
        name: candidate.run.tags[name]
        for name in ("git.commit", "git.dirty", "dvc.experiment", "data/split")
        if name in candidate.run.tags
    }
    numbers = {
        name: repr(value) for name, value in (*_metrics(candidate), *_coefficients(candidate))
    }
    formula = candidate.model.design.schema.formula
    return with_legal_names(
        {"linreg.model": candidate.model_hash, "formula": formula} | known | numbers
    )


def _coefficients(candidate: Candidate) -> Iterator[tuple[str, float]]:
    model = candidate.model
    if model.design.schema.intercept:
        yield "b", model.b
    for name, value in list(model.coefficients.items())[:MOST_COEFFICIENTS]:
        yield f"theta.{name}", value


def _metrics(candidate: Candidate) -> Iterator[tuple[str, float]]:
    for part in ("test", "validation", "train"):
        for name in ("rmse", "r2"):
            value = candidate.metrics.get(part, {}).get(name)
            if value is not None:
                yield f"{part}_{name}", value
    if candidate.metrics.get("gap") is not None:
        yield "gap", candidate.metrics["gap"]
