"""Figures of the training rows around the fit: spread, leverage, partial residuals, time."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from linreg.data.formula.design import Design
from linreg.evaluation.diagnostics.document import Diagnostics
from linreg.evaluation.diagnostics.passes.sample import RowSample
from linreg.evaluation.predictions import PredictedRow
from linreg.params.split import split_column
from linreg.plotting.axis import Axis
from linreg.plotting.plot import Plot
from linreg.report.figures.features import feature_figure
from linreg.report.figures.residuals import draw_residuals

COOKS_DISTANCES = (0.5, 1.0)
"""Of the contours in the figure of leverages, as in R."""
POINTS_OF_CONTOUR = 81


def diagnostic_figures(
    diagnostics: Diagnostics,
    design: Design,
    context: Mapping[str, Any],
    coefficients: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return drawings by name; `partial` is one for each column. Empty without residuals.

    coefficients  of inference.json
    """
    sample = diagnostics.sample
    if sample is None or not len(sample.actual):
        return {}
    by = context["parameters"]["split.by"]
    return {
        "spread": _spread_figure(sample, context["target"]),
        "leverage": _leverage_figure(sample, diagnostics.rank),
        "time": _time_figure(sample, design, split_column(by)),
        "partial": [
            _partial_figure(name, sample, coefficients[name]["estimate"]) for name in sample.columns
        ],
    }


def _spread_figure(sample: RowSample, target: str) -> Markup | None:
    """Draw √|studentized residual| against fitted values, with its local mean."""
    known = np.isfinite(sample.studentized)
    if not known.any():
        return None
    sizes = np.sqrt(np.abs(sample.studentized[known]))
    plot = Plot(
        Axis.around(f"fitted {target}", sample.fitted[known]),
        Axis.around("√|studentized residual|", [*sizes, 0.0]),
    )
    draw_residuals(plot, sample.fitted[known], sizes)
    return plot.svg("Scale and location of the residuals")


def _leverage_figure(sample: RowSample, rank: int) -> Markup | None:
    """Draw studentized residuals against leverages, with contours of Cook's distance."""
    known = np.isfinite(sample.studentized)
    if not known.any():
        return None
    leverages, studentized = sample.leverages[known], sample.studentized[known]
    x = Axis.around("leverage", [0.0, *leverages], margin=0.02)
    y = Axis.around("studentized residual", [*studentized, 0.0])
    plot = Plot(x, y)
    draw_residuals(plot, leverages, studentized)
    grid = np.linspace(max(x.low, 0.0), min(x.high, 1.0), POINTS_OF_CONTOUR)[1:-1]
    legend = "Cook's distance 0.5 and 1"
    for distance in COOKS_DISTANCES:
        contour = np.sqrt(distance * rank * (1 - grid) / grid)
        for side in (contour, -contour):
            inside = (side >= y.low) & (side <= y.high)
            if inside.any():
                plot.line(grid, np.where(inside, side, np.nan), "b", legend)
                legend = ""
    return plot.svg("Residuals against leverages")


def _partial_figure(name: str, sample: RowSample, coefficient: float) -> Markup | None:
    """Draw component and residual against a column: θⱼ(xⱼ − x̄ⱼ) + r, and the component alone."""
    x = sample.columns[name]
    component = coefficient * (x - x.mean())
    partial = component + sample.residuals
    if not np.isfinite(partial).all():
        return None
    plot = Plot(Axis.around(name, x), Axis.around("component + residual", [*partial, 0.0]))
    draw_residuals(plot, x, partial)
    ends = [int(np.argmin(x)), int(np.argmax(x))]
    plot.line(x[ends], component[ends], "b", "component")
    return plot.svg(f"Partial residuals of {name}")


def _time_figure(sample: RowSample, design: Design, column: str | None) -> Markup | None:
    """Draw residuals against the time by which the rows are split."""
    if not column or not sample.times:
        return None
    values = zip(sample.actual, sample.fitted, sample.residuals, sample.times, strict=True)
    rows = [
        PredictedRow((0, i), float(actual), float(fitted), float(residual), {column: time})
        for i, (actual, fitted, residual, time) in enumerate(values)
    ]
    return feature_figure(column, rows, design, is_time=True)
