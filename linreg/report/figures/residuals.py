"""Figures of predictions and residuals."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from markupsafe import Markup

from linreg.arrays import Floats
from linreg.evaluation.distributions import normal_quantile
from linreg.plotting.axis import Axis
from linreg.plotting.plot import RUN_CLASSES, Plot
from linreg.results.run_results import NamedResults, RunResults

MAX_QUANTILES = 150
"""Points of a run in the normal quantile plot."""
MANY_ROWS = 300
"""More dots than this are drawn smaller, so that they do not hide each other."""
ROWS_PER_MEAN = 10
MAX_MEANS = 15


def prediction_figure(results: RunResults, css_class: str = RUN_CLASSES[0]) -> Markup | None:
    """Draw predicted against actual values, with the diagonal of perfect predictions."""
    if not len(results.actual):
        return None
    target = results.context["target"]
    axis = Axis.around("", [*results.actual, *results.predicted])
    plot = Plot(replace(axis, label=f"actual {target}"), replace(axis, label=f"predicted {target}"))
    plot.dots(results.actual, results.predicted, f"{css_class} {_dot_size(len(results.actual))}")
    plot.line([axis.low, axis.high], [axis.low, axis.high], "zero")
    return plot.svg("Predicted against actual values")


def residual_figure(results: RunResults, css_class: str = RUN_CLASSES[0]) -> Markup | None:
    """Draw residuals against predictions, with their local mean."""
    if not len(results.actual):
        return None
    predicted, residuals = results.predicted, results.residuals
    plot = Plot(
        Axis.around(f"predicted {results.context['target']}", predicted),
        Axis.around("residual (actual − predicted)", [*residuals, 0.0]),
    )
    draw_residuals(plot, predicted, residuals, css_class)
    return plot.svg("Residuals against predictions")


def draw_residuals(
    plot: Plot, x: Floats, residuals: Floats, css_class: str = RUN_CLASSES[0]
) -> None:
    """Draw residuals (n,) as dots over x (n,), with their local mean."""
    plot.dots(x, residuals, f"{css_class} {_dot_size(len(x))}")
    plot.horizontal_line(0.0, "zero")
    distinct = np.unique(x)
    if len(distinct) <= MAX_MEANS and len(x) >= ROWS_PER_MEAN * len(distinct):
        groups = [np.flatnonzero(x == value) for value in distinct]
    else:
        order = np.argsort(x, kind="stable")
        groups = np.array_split(order, min(MAX_MEANS, max(1, len(order) // ROWS_PER_MEAN)))
    if len(groups) > 2:
        x_means = [float(x[group].mean()) for group in groups]
        y_means = [float(residuals[group].mean()) for group in groups]
        plot.line(x_means, y_means, "trend", "local mean")


def quantile_figure(runs: Sequence[NamedResults]) -> Markup | None:
    """Draw the quantiles of the standardized residuals against those of the normal distribution."""
    drawn = []
    for run, css_class in zip(runs, RUN_CLASSES, strict=False):
        quantiles = _quantiles(run.results.residuals)
        if quantiles is not None:
            drawn.append((run.name, css_class, *quantiles))
    if not drawn:
        return None
    plot = Plot(
        Axis.around("normal quantile", [value for *_, normal, _ in drawn for value in normal]),
        Axis.around("standardized residual", [value for *_, own in drawn for value in own]),
    )
    plot.line([-9, 9], [-9, 9], "zero")
    for name, css_class, normal, own in drawn:
        plot.dots(normal, own, f"{css_class} small", name)
    return plot.svg("Normal quantile plot of the residuals")


def _quantiles(residuals: Floats) -> tuple[list[float], list[float]] | None:
    """Return normal quantiles and standardized residuals of evenly spaced ranks.

    None where there are fewer than three residuals or no finite standard deviation above 0.
    """
    ordered = np.sort(residuals)
    sd = float(ordered.std()) if len(ordered) > 2 else 0.0
    if not 0 < sd < np.inf:
        return None
    ranks = np.unique(np.linspace(0, len(ordered) - 1, MAX_QUANTILES).round().astype(int))
    normal = [normal_quantile((2 * rank + 1) / (2 * len(ordered))) for rank in ranks.tolist()]
    return normal, ((ordered - ordered.mean()) / sd)[ranks].tolist()


def _dot_size(num_rows: int) -> str:
    return "many" if num_rows > MANY_ROWS else "small"
