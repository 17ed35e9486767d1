"""Print the results of the last run on one screen: coefficients, gap, metrics and gates."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from linreg.dvc_lock import changed_parameters
from linreg.files import content_hash
from linreg.fit.history import gap_in_words
from linreg.fit.model import load
from linreg.report.rendering import eight_digits, number
from linreg.report.results import RunResults
from linreg.text import table
from linreg.tracking.journal.failed_sync import describe_failed_sync

MODEL = Path("models/model")
EVALUATION = Path("models/evaluation")
MAX_CHANGES = 3
MAX_ROWS = 60
"""Of the coefficient table."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none: it reads what the last run left in this folder."""


def run(_: argparse.Namespace) -> int:
    """Print the summary."""
    model = load(MODEL)
    results = RunResults.read(EVALUATION, model={str(MODEL): content_hash(MODEL)})
    print("\n".join(summary_lines(results, model.design.names, changed_parameters())))
    if failed_sync := describe_failed_sync():
        print(f"\n{failed_sync}")
    return 0


def summary_lines(results: RunResults, names: Sequence[str], changed: list[str]) -> Iterator[str]:
    """Yield the lines.

    names    those of θ in the order of the formula
    changed  the parameters that have changed since the run
    """
    if changed:
        more = len(changed) - MAX_CHANGES
        some = ", ".join(changed[:MAX_CHANGES]) + (f" and {more} more" if more > 0 else "")
        yield f"\nOUT OF DATE: {some} changed in params.yaml since the last run."
        yield "Run `dvc repro` to update the results."
    yield f"\n{results.context['formula']}"
    yield from table(list(_coefficient_rows(results, names)), "<>")
    if (more := len(results.coefficients) - MAX_ROWS) > 0:
        yield f"… and {more} more, in {EVALUATION}/inference.json"
    if results.missing_errors:
        yield f"\n{results.missing_errors}"
    if results.metrics["gap"] is not None:
        yield f"\ngap: the training loss is {gap_in_words(results.metrics['gap'])}"
    profile = results.context["profile"]
    yield f"\nrows: {profile['rows_read']} read, {sum(profile['dropped'].values())} dropped"
    yield from table(list(_metric_rows(results)), "<>")
    for name, gate in results.gates.items():
        yield f"gate {name} ({_bounds(gate)}): {_gate_result(gate)}"
    yield f"\nmodel:  {MODEL}/model.json"
    yield f"report: {EVALUATION}/report.html"
    yield "runs:   make ui           (compare runs in the MLflow UI)"


def _coefficient_rows(results: RunResults, names: Sequence[str]) -> Iterator[list[str]]:
    true = ["true"] if results.context["truth"] else []
    confidence = results.confidence
    yield ["", "trained", *true, "exact", "std. error", f"{confidence} low", f"{confidence} high"]
    # report.json has its keys in the order of the alphabet.
    order = {name: position for position, name in enumerate(["b", *names])}
    for c in sorted(results.leading_coefficients(MAX_ROWS), key=lambda c: order[c.name]):
        values = [c.trained, *([c.true] if true else []), c.exact]
        values += [c.classical.get(key) for key in ("standard_error", "low", "high")]
        yield [c.name, *map(eight_digits, values)]


def _metric_rows(results: RunResults) -> Iterator[list[str]]:
    yield ["", "rows", "R²", "RMSE", "MAE", "max error", "RMSE of the mean"]
    for part in results.parts:
        metrics = results.metrics[part]
        values = [metrics[name] for name in ("r2", "rmse", "mae", "max_error")]
        yield [part, str(metrics["n"]), *map(number, [*values, metrics["baseline"]["rmse"]])]


def _bounds(gate: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {gate[key]:g}" for key in ("min", "max") if gate[key] is not None)


def _gate_result(gate: Mapping[str, Any]) -> str:
    value = "no value" if gate["value"] is None else number(gate["value"])
    return f"{'passed' if gate['passed'] else 'FAILED'} with {value}"
