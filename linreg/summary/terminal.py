"""The results of a run on one screen."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from linreg.data.formula.design_info import DesignTerm
from linreg.evaluation.gates import format_bounds
from linreg.fit.history import gap_in_words
from linreg.number_format import DIGITS, alike, number
from linreg.params.metric_names import own_metrics_in
from linreg.report.coefficient_table import (
    coefficient_columns,
    left_out_in_words,
    reference_levels,
    rows_by_term,
)
from linreg.report.cross_validation import folds_in_words
from linreg.report.fit_in_words import (
    absorbed_in_words,
    fit_in_words,
    joint_tests_in_words,
    residuals_in_words,
    weights_in_words,
)
from linreg.results.run_results import RunResults
from linreg.text import table

METRICS = {"R²": "r2", "RMSE": "rmse", "MAE": "mae", "max error": "max_error"}
DIGITS_OF_METRICS = 5
WIDTH = 88


def summary_lines(
    results: RunResults, terms: Sequence[DesignTerm], digits: int = DIGITS
) -> Iterator[str]:
    """Yield formula, weights, coefficients, the fit, the gap, the metrics and the gates.

    digits  significant digits of a standard error, where coefficients end
    """
    yield results.context["formula"]
    if weights := weights_in_words(results):
        yield weights
    yield from _coefficients(results, terms, digits)
    for factor, level in reference_levels(terms):
        yield f"{factor}: compared with {level}"
    if absorbed := absorbed_in_words(results):
        yield absorbed
    yield from _filled(joint_tests_in_words(results))
    yield ""
    yield from _filled(fit_in_words(results))
    yield from residuals_in_words(results)
    if results.missing_errors:
        yield results.missing_errors
    yield from _problems(results)
    if results.metrics["gap"] is not None and not results.is_exact:
        yield f"gap: the training loss is {gap_in_words(results.metrics['gap'])}"
    profile = results.context["profile"]
    where = profile.get("where")
    left_out = f", {where['left_out']} left out by ingest.where" if where else ""
    dropped = sum(profile["dropped"].values())
    yield f"\nrows: {profile['rows_read']} read{left_out}, {dropped} dropped"
    yield from table(_metric_rows(results), "<>")
    if results.cross_validation:
        yield f"cross-validation, {folds_in_words(results.cross_validation)}"
    if results.improvement:
        yield results.improvement
    for name, gate in results.gates.items():
        yield f"gate {name} ({format_bounds(gate)}): {_gate_result(gate)}"


def _coefficients(results: RunResults, terms: Sequence[DesignTerm], digits: int) -> Iterator[str]:
    """Yield the lines of the table; below the rows of a term, what is left out of them."""
    groups = rows_by_term(results, terms)
    rows = [row for group in groups for row in group.rows]
    columns = coefficient_columns(results, rows, digits)
    names = [row.name for row in rows]
    lines = iter(table([["", *columns], *zip(names, *columns.values(), strict=True)], "<>"))
    yield next(lines)
    for group in groups:
        for _ in group.rows:
            yield next(lines)
        if group.left_out:
            start = f"{group.term.text}: " if group.term else ""
            yield f"… {start}{left_out_in_words(results, group.left_out)}"


def _problems(results: RunResults) -> Iterator[str]:
    """Yield what the diagnostics have found wrong, in a few words each; nothing if all is well."""
    titles = dict.fromkeys(problem["title"] for problem in results.problems)
    lines = _filled(f"diagnostics: {each}" if not i else each for i, each in enumerate(titles))
    yield from (line if not i else f"  {line}" for i, line in enumerate(lines))


def _filled(phrases: Iterable[str]) -> list[str]:
    """Return phrases on as few lines as they fit on, none of them broken."""
    lines: list[str] = []
    for phrase in phrases:
        if lines and len(lines[-1]) + len(phrase) + 2 <= WIDTH:
            lines[-1] += f"; {phrase}"
        else:
            lines.append(phrase)
    return lines


def _metric_rows(results: RunResults) -> list[list[str]]:
    metrics = [results.metrics[part] for part in results.parts]
    titles = METRICS | {name: name for name in own_metrics_in(metrics)}
    columns = {title: [each[key] for each in metrics] for title, key in titles.items()}
    columns["RMSE of the mean"] = [each["baseline"]["rmse"] for each in metrics]
    if baseline := results.metrics.get("baseline_file"):
        of_test = [baseline["rmse"] if part == "test" else None for part in results.parts]
        columns[f"RMSE of {Path(baseline['file']).name}"] = of_test
    cells = [alike(values, DIGITS_OF_METRICS) for values in columns.values()]
    num_rows = [str(each["n"]) for each in metrics]
    rows = zip(results.parts, num_rows, *cells, strict=True)
    return [["", "rows", *columns], *map(list, rows)]


def _gate_result(gate: Mapping[str, Any]) -> str:
    value = "no value" if gate["value"] is None else number(gate["value"])
    return f"{'passed' if gate['passed'] else 'FAILED'} with {value}"
