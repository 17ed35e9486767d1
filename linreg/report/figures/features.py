"""Figures of residuals against the columns of the rows, and of how values are spread."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from linreg.arrays import Floats
from linreg.data.formula.design import Design
from linreg.evaluation.predictions import PredictedRow
from linreg.fit.coordinates.scaling import z_score_scaling
from linreg.fit.exact.reference import ExactReference
from linreg.params.split import split_column
from linreg.plotting.axis import Axis, round_step
from linreg.plotting.plot import Plot
from linreg.plotting.time_axis import TimeAxis, seconds_of
from linreg.portable_math.exponentials import exp
from linreg.report.figures.residuals import draw_residuals

MAX_FEATURES = 12
"""Features that are drawn: those with the largest effects on y."""
MAX_LEVELS = 12
"""Levels of a category that are drawn: the most frequent ones."""
MAX_BARS = 40
FAR = 3.0
"""Bars end so many interquantile ranges (1 % to 99 %) beyond these quantiles."""
RESIDUAL = "residual (actual − predicted)"


class Histogram(NamedTuple):
    """Bars of equal width between edges (n + 1,), and how many values lie beyond them."""

    edges: list[float]
    counts: list[int]
    num_beyond: int


def report_columns(design: Design, exact: ExactReference, split_by: str) -> list[str]:
    """Return the columns whose cells the report shows: target, `split.by`, and leading features.

    split_by  the parameter `split.by`
    """
    effects = (
        exact.solution.theta * z_score_scaling(exact.moments, exact.solution.has_constant).x_scale
    )
    by = split_column(split_by)
    target = design.schema.target["columns"]
    return list(dict.fromkeys([*target, *([by] if by else []), *leading_features(design, effects)]))


def leading_features(design: Design, effects: Floats) -> list[str]:
    """Return at most MAX_FEATURES columns of the table, in the order of the formula.

    effects  (M,) by how much a standard deviation of each column of X changes y
    """
    largest: dict[str, float] = {}
    position = 0
    for term, factors in zip(design.terms, design.schema.terms, strict=True):
        of_term = np.abs(effects[position : position + len(term.names)]).max(initial=0.0)
        position += len(term.names)
        for column in (name for factor in factors for name in factor["columns"]):
            largest[column] = max(largest.get(column, 0.0), float(of_term))
    leading = sorted(largest, key=lambda name: -largest[name])[:MAX_FEATURES]
    return [name for name in largest if name in leading]


def feature_figure(
    name: str, rows: Sequence[PredictedRow], design: Design, *, is_time: bool = False
) -> Markup | None:
    """Draw residuals against a column: dots with their local mean, or the range of each level.

    None where the column has nothing that could be drawn.
    """
    values = [row.cells[name] for row in rows]
    residuals = np.array([row.residual for row in rows])
    if name in design.schema.category_columns:
        return _level_figure(name, values, residuals)
    x = seconds_of(values) if is_time and isinstance(values[0], str) else _as_floats(values)
    if x is None:
        return None
    known = np.isfinite(x) & np.isfinite(residuals)
    if not known.any():
        return None
    axis = Axis.around(name, x[known])
    if isinstance(values[0], str):
        axis = TimeAxis(name, axis.low, axis.high)
    plot = Plot(axis, Axis.around(RESIDUAL, [*residuals[known], 0.0]))
    draw_residuals(plot, x[known], residuals[known])
    return plot.svg(f"Residuals against {name}")


def _level_figure(name: str, values: Sequence[Any], residuals: Floats) -> Markup | None:
    """Draw the mean of the residuals of each level, and where the middle 80 % of them lie."""
    levels = [level for level, _ in Counter(values).most_common(MAX_LEVELS) if level is not None]
    if not levels:
        return None
    of_level = {
        level: residuals[[value == level for value in values]] for level in sorted(levels, key=str)
    }
    ends = {level: np.quantile(each, [0.1, 0.9]).tolist() for level, each in of_level.items()}
    x = Axis.around(f"residual, by {name}", [0.0, *(end for pair in ends.values() for end in pair)])
    plot = Plot(x, Axis("", 0, 1), rows=[str(level) for level in of_level])
    plot.vertical_line(0.0, "zero")
    for i, pair in enumerate(ends.values()):
        plot.line(pair, [i, i], "whisker a", "" if i else "middle 80 %")
    means = [float(each.mean()) for each in of_level.values()]
    plot.dots(means, range(len(means)), "a small", "mean")
    return plot.svg(f"Residuals by {name}")


def histogram_figure(values: Floats, label: str, title: str) -> Markup | None:
    """Draw how values (n,) are spread, with a normal distribution of their mean and deviation."""
    histogram = histogram_of(values)
    if histogram is None:
        return None
    edges, counts = histogram.edges, histogram.counts
    low, high = edges[0], edges[-1]
    mean, sd = float(values.mean()), float(values.std())
    grid = np.linspace(low, high, 121)
    normal = np.empty(0)
    if np.isfinite([mean, sd]).all() and sd > 0:
        density = exp(-0.5 * np.square((grid - mean) / sd)) / (sd * np.sqrt(2 * np.pi))
        normal = density * len(values) * (edges[1] - edges[0])
    top = max([*counts, *normal.tolist()])
    plot = Plot(Axis(label, low, high), Axis("rows", 0, 1.05 * top))
    plot.bars(edges, counts, "a")
    if len(normal):
        plot.line(grid, normal, "trend thin", "normal distribution")
    if histogram.num_beyond:
        plot.legend_text(f"{histogram.num_beyond} beyond the edges")
    return plot.svg(title)


def histogram_of(values: Floats) -> Histogram | None:
    """Return bars for values (n,); None where they are fewer than two or all the same.

    A few values far away do not squeeze all others into one bar: they lie beyond the edges. Whole
    numbers have bars of whole numbers.
    """
    values = values[np.isfinite(values)]
    if len(values) < 2 or values.min() == values.max():
        return None
    q1, q99 = np.quantile(values, [0.01, 0.99]).tolist()
    reach = FAR * (q99 - q1)
    is_far = (values < q1 - reach) | (values > q99 + reach)
    inside = values[~is_far] if q1 < q99 else values
    low, high = Decimal(float(inside.min())), Decimal(float(inside.max()))
    if not (low < high and np.isfinite(float(high - low))):
        return None
    # Three times the cube root of n, of which a round width leaves two fifths at least.
    number = next((k for k in range(8, MAX_BARS) if k**3 >= 27 * len(values)), MAX_BARS)
    width = round_step(high - low, number)
    start = (low / width).to_integral_value(rounding="ROUND_FLOOR") * width
    if (values == np.rint(values)).all():
        # Each bar in the middle of its whole numbers.
        width = max(width.to_integral_value(rounding="ROUND_CEILING"), Decimal(1))
        start = low - Decimal("0.5")
    count = int((high - start) / width) + 1
    edges = [float(start + i * width) for i in range(count + 1)]
    counts, _ = np.histogram(inside, edges)
    return Histogram(edges, counts.tolist(), len(values) - int(counts.sum()))


def _as_floats(values: Sequence[Any]) -> Floats | None:
    """Return cells (n,) as numbers, NaN for missing ones; None if they are none."""
    try:
        return np.array([np.nan if value is None else float(value) for value in values])
    except (TypeError, ValueError):
        return None
