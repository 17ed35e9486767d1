"""Two runs side by side: on one page like the report, and in a few lines for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from linreg.comparison.rmse_change import rmse_change
from linreg.evaluation.paired.paired_test import paired_test
from linreg.fit.cross_validation.cross_validation import MEASURES
from linreg.number_format import number
from linreg.params.metric_names import CV, own_metrics_in
from linreg.plotting.plot import RUN_CLASSES
from linreg.report.coefficient_figures import distance_figure, effect_figure
from linreg.report.cross_validation import with_error
from linreg.report.descent_figures import path_figure
from linreg.report.diagnostics import diagnostics
from linreg.report.loss_figures import gap_figure, loss_figure
from linreg.report.rendering import render
from linreg.report.residual_figures import prediction_figure, quantile_figure, residual_figure
from linreg.report.results import NamedResults, RunResults
from linreg.text import count_of, table

PARTS = ("train", "validation", "test")
METRICS = ("r2", "rmse", "mae", "max_error")
MIN_ROWS = 3
"""Rows that a paired test needs here."""
MAX_CELL = 40
MAX_ROWS = 200
"""Of the coefficient table."""


class MetricChange(NamedTuple):
    """A metric of both runs, such as test_rmse; comparable if its unit and rows are the same.

    errors  the standard errors of both, of a mean over folds; else None
    """

    name: str
    a: float | None
    b: float | None
    comparable: bool = True
    errors: tuple[float | None, float | None] | None = None

    @property
    def cells(self) -> list[str]:
        """Both values as text, with their standard errors."""
        if self.errors is None:
            return [number(self.a), number(self.b)]
        return list(map(with_error, (self.a, self.b), self.errors))

    @property
    def change(self) -> str:
        """By how much the second is larger, as text; empty where they cannot be compared."""
        if self.a is None or self.b is None or not self.comparable:
            return ""
        if self.a == self.b:
            return "the same"
        if self.name.endswith("r2") or self.a == 0:
            return f"{self.b - self.a:+.3g}"
        return f"{100 * (self.b / self.a - 1):+.3g} %"


class Conclusion(NamedTuple):
    """A sentence, and whether the second run predicts better (ok), worse (error) or neither."""

    kind: Literal["ok", "error", "none"]
    text: str


def comparison_page(first: NamedResults, second: NamedResults) -> str:
    """Return the page that compares two named runs."""
    runs, a, b = [first, second], first.results, second.results
    with_class = list(zip(runs, RUN_CLASSES, strict=True))
    return render(
        "comparison.html.jinja",
        {
            "names": [run.name for run in runs],
            "a": a,
            "b": b,
            "conclusion": conclusion(first, second),
            "metrics": list(metric_changes(a, b)),
            "gates": _paired(a.gates, b.gates),
            "diagnostics": [(run.name, diagnostics(run.results)) for run in runs],
            "parameters": differing_parameters(a, b),
            "data_differ": a.context["hashes"] != b.context["hashes"],
            "coefficients": _paired_coefficients(a, b),
            "hashes": _paired(a.context["hashes"], b.context["hashes"]),
            "effects": effect_figure(runs),
            "distances": distance_figure(runs),
            "loss": loss_figure(runs),
            "gap": gap_figure(runs),
            "paths": [(run.name, path_figure(run.results)) for run in runs],
            "predictions": [
                (run.name, prediction_figure(run.results, css_class))
                for run, css_class in with_class
            ],
            "residuals": [
                (run.name, residual_figure(run.results, css_class)) for run, css_class in with_class
            ],
            "quantiles": quantile_figure(runs),
        },
        package="linreg.comparison",
    )


def comparison_lines(first: NamedResults, second: NamedResults) -> list[str]:
    """Return the differing parameters, the metrics of both and the conclusion, for a terminal."""
    a, b = first.results, second.results
    rows: list[tuple[str, ...]] = [("", first.name, second.name, "change")]
    rows += [
        (name, _cell(old), _cell(new), "")
        for name, (old, new) in differing_parameters(a, b).items()
    ]
    rows += [(metric.name, *metric.cells, metric.change) for metric in metric_changes(a, b)]
    return [*table(rows, "<>"), "", conclusion(first, second).text]


def metric_changes(a: RunResults, b: RunResults) -> Iterator[MetricChange]:
    """Yield the metrics of all parts that one of the runs has, those over folds if both have them,
    then the gap.
    """
    comparable = not obstacle(a, b)
    for part in PARTS:
        if part in a.metrics or part in b.metrics:
            of_a, of_b = a.metrics.get(part, {}), b.metrics.get(part, {})
            for name in [*METRICS, *own_metrics_in([of_a, of_b])]:
                yield MetricChange(f"{part}_{name}", of_a.get(name), of_b.get(name), comparable)
    yield from _changes_over_folds(a, b, comparable)
    yield MetricChange("gap", a.metrics.get("gap"), b.metrics.get("gap"), comparable)


def _changes_over_folds(a: RunResults, b: RunResults, comparable: bool) -> Iterator[MetricChange]:
    of_a, of_b = a.cross_validation, b.cross_validation
    if of_a is None or of_b is None:
        return
    same_folds = comparable and _folds(of_a) == _folds(of_b)
    for name in MEASURES:
        errors = tuple(each[f"{name}_standard_error"] for each in (of_a, of_b))
        yield MetricChange(f"{CV}_{name}", of_a[name], of_b[name], same_folds, errors)


def _folds(of_run: Mapping[str, Any]) -> list[Any]:
    """Return how rows were assigned to folds, and how many each has."""
    return [of_run["by"], *((fold["rows"], fold["trained_rows"]) for fold in of_run["folds"])]


def differing_parameters(a: RunResults, b: RunResults) -> dict[str, tuple[Any, Any]]:
    """Return the parameters whose values differ, by name; None for one that a run does not have."""
    both = _paired(a.context["parameters"], b.context["parameters"])
    return {name: values for name, values in both.items() if values[0] != values[1]}


def conclusion(first: NamedResults, second: NamedResults) -> Conclusion:
    """Return which of the two runs predicts significantly better, if they can be compared.

    That takes a paired test on the same rows, at the confidence of the first run.
    """
    a, b = first.results, second.results
    if why := obstacle(a, b):
        return Conclusion("none", f"These runs cannot be compared: {why}.")
    if np.array_equal(a.predicted, b.predicted):
        return Conclusion("none", f"The predictions are identical on all {len(a.actual)} rows.")
    test = paired_test(a.residuals, b.residuals, a.inference["confidence"])
    change = rmse_change(a.residuals, b.residuals, a.inference["confidence"])
    numbers = f"on the same {test.num_rows} rows: {change.in_words()}."
    if test.is_improvement:
        return Conclusion("ok", f"{second.name} predicts significantly better {numbers}")
    if test.is_deterioration:
        return Conclusion("error", f"{first.name} predicts significantly better {numbers}")
    return Conclusion("none", f"No significant difference {numbers}")


def obstacle(a: RunResults, b: RunResults) -> str:
    """Return why two runs cannot be compared; empty if they can."""
    targets = [run.context["target"] for run in (a, b)]
    if targets[0] != targets[1]:
        return f"the one predicts {targets[0]}, the other {targets[1]}"
    if not np.array_equal(a.actual, b.actual):
        return (
            "they were evaluated on different rows, so that a difference may be one between the"
            " rows; run both on the same table with the same split"
        )
    if len(a.actual) < MIN_ROWS:
        return f"{count_of(len(a.actual), 'row')} to evaluate them on are too few"
    return ""


def _paired_coefficients(a: RunResults, b: RunResults) -> dict[str, tuple[Any, Any]]:
    pairs = _paired({c.name: c for c in a.coefficients}, {c.name: c for c in b.coefficients})
    return dict(list(pairs.items())[:MAX_ROWS])


def _paired(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the values of both by name, those of `a` first; None where one has none."""
    return {name: (a.get(name), b.get(name)) for name in dict.fromkeys([*a, *b])}


def _cell(value: Any) -> str:
    text = "–" if value is None else str(value)
    return text if len(text) <= MAX_CELL else f"{text[: MAX_CELL - 1]}…"
