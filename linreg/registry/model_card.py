"""The description of a version in the registry: a page for people, and tags to search by."""

from collections.abc import Iterator

from linreg.markdown import plain
from linreg.params.metric_names import CV, own_metrics_in
from linreg.registry.candidate import Candidate
from linreg.report.cross_validation import folds_in_words
from linreg.tracking.journal.legal_names import with_legal_names
from linreg.tracking.mlflow.required_columns import required_columns_markdown

MAX_COEFFICIENTS = 30
"""How many coefficients a version shows; model.json has them all."""
SOURCE_TAGS = ("git.commit", "git.dirty", "dvc.experiment", "data/split")


def model_card(candidate: Candidate, reason: str) -> str:
    """Return the page of a version in Markdown; `reason` is why it became champion or challenger.

    It has the formula, the columns, θ and b, the metrics, those over folds with their standard
    errors, the run, the commit and, if there is one, the certificate.
    """
    model, run = candidate.model, candidate.run
    rows = "\n".join(f"| {plain(name)} | {value!r} |" for name, value in _coefficients(candidate))
    num_hidden = len(model.coefficients) - MAX_COEFFICIENTS
    more = f"\n\n{num_hidden} more coefficients are in model.json." if num_hidden > 0 else ""
    if absorbed := [factor.name for factor in model.design.absorbed]:
        of_levels = ", ".join(map(plain, absorbed))
        more += f"\n\nThe effects of the levels of {of_levels} are in model.safetensors."
    metrics = ", ".join(f"{name} {value:.6g}" for name, value in _metrics(candidate))
    if over_folds := candidate.metrics.get(CV):
        metrics += f"\n\nCross-validation, {plain(folds_in_words(over_folds))}."
    dirty = " (dirty)" if run.tags.get("git.dirty") == "true" else ""
    commit = run.tags.get("git.commit", "none") + dirty
    experiment = run.tags.get("dvc.experiment")
    of_experiment = f", DVC experiment {plain(experiment)}" if experiment else ""
    certificate = f"\n\n{candidate.certificate.paragraph()}" if candidate.certificate else ""
    return (
        f"{required_columns_markdown(model)}\n\n"
        f"| coefficient | value |\n|---|---|\n{rows}{more}\n\n{metrics}\n\n"
        f"Run {plain(run.name)}, commit {plain(commit)}{of_experiment}, "
        f"model {candidate.model_hash}.\n\nWhen it was registered: {reason}."
        f"{certificate}"
    )


def version_tags(candidate: Candidate) -> dict[str, str]:
    """Return the tags of a version: the model's MD5 and formula, its source, metrics, θ and b."""
    run_tags = candidate.run.tags
    source = {name: run_tags[name] for name in SOURCE_TAGS if name in run_tags}
    values = (*_metrics(candidate), *_metrics_over_folds(candidate), *_coefficients(candidate))
    numbers = {name: repr(value) for name, value in values}
    formula = candidate.model.design.schema.formula
    model = {"linreg.model": candidate.model_hash, "formula": formula}
    certificate = candidate.certificate.tags() if candidate.certificate else {}
    return with_legal_names(model | source | numbers | certificate)


def _coefficients(candidate: Candidate) -> Iterator[tuple[str, float]]:
    model = candidate.model
    if model.design.schema.intercept:
        yield "b", model.b
    for name, value in list(model.coefficients.items())[:MAX_COEFFICIENTS]:
        yield f"theta.{name}", value


def _metrics(candidate: Candidate) -> Iterator[tuple[str, float]]:
    for part in ("test", "validation", "train"):
        of_part = candidate.metrics.get(part, {})
        for name in ("rmse", "r2", *own_metrics_in([of_part])):
            value = of_part.get(name)
            if value is not None:
                yield f"{part}_{name}", value
    if candidate.metrics.get("gap") is not None:
        yield "gap", candidate.metrics["gap"]


def _metrics_over_folds(candidate: Candidate) -> Iterator[tuple[str, float]]:
    over_folds = candidate.metrics.get(CV, {})
    for name in ("rmse", "r2"):
        if over_folds.get(name) is not None:
            yield f"{CV}_{name}", over_folds[name]
