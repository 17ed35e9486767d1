"""Figures of the coefficients of one run, or of two in the same figure.

Each function returns a drawing, or None where there is nothing to draw.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup

from linreg.evaluation.distributions import t_critical_value
from linreg.plotting.axis import Axis
from linreg.plotting.labels import shortened
from linreg.plotting.plot import RUN_CLASSES, Plot
from linreg.results.run_results import CoefficientRow, NamedResults, RunResults

LONG_NAME, LONG_CATEGORY = 50, 20
"""Letters."""
MAX_ROWS = 25
"""Coefficients in one figure: those with the largest effects."""
MAX_LONG_ROWS = 12
"""The same where names take several lines, so that the figure fits on a sheet of paper."""
LABEL_DISTANCE = 0.06
"""Of the height of a figure."""
LABEL_POINT, MARKED_POINTS = -17, 11
"""The point of a path above which its name stands, and how many points lie between degrees of
freedom.
"""


def effect_figure(runs: Sequence[NamedResults]) -> Markup | None:
    """Draw the effect of each column on y: coefficient times standard deviation, with interval."""
    names = largest_effects(runs)
    if not names:
        return None
    tables = [_by_name(run.results) for run in runs]
    ends = [0.0]
    for table in tables:
        for c in (table[name] for name in names if name in table):
            ends += [value * (c.column_sd or 0.0) for value in (*interval(c), c.trained)]
    target = runs[0].results.context["target"]
    label = f"change in {target} per standard deviation"
    plot = Plot(Axis.around(label, ends), Axis("", 0, 1), rows=[_label(name) for name in names])
    plot.vertical_line(0.0, "zero")
    for k, (run, table) in enumerate(zip(runs, tables, strict=True)):
        rows = {i + _offset(k, runs): table[name] for i, name in enumerate(names) if name in table}
        _draw_effects(plot, rows, RUN_CLASSES[k], run)
    return plot.svg("Effect of one standard deviation of each column on the target")


def _draw_effects(
    plot: Plot, rows: Mapping[float, CoefficientRow], css_class: str, run: NamedResults
) -> None:
    """Draw the coefficients of a run at their heights, with whiskers for the intervals."""
    heights = list(rows)
    for y, c in rows.items():
        ends = [end * (c.column_sd or 0.0) for end in interval(c)]
        plot.line(ends, [y, y], f"whisker {css_class}")
    if not run.name and not run.results.is_exact:
        trained = [c.trained * (c.column_sd or 0.0) for c in rows.values()]
        plot.dots(trained, heights, "trained", "trained")
    exact = [_center(c) * (c.column_sd or 0.0) for c in rows.values()]
    name = f"{run.name}: " if run.name else ""
    legend = f"{name}exact{', with interval' if run.results.has_errors else ''}"
    plot.dots(exact, heights, f"{css_class} small", legend)


def distance_figure(runs: Sequence[NamedResults]) -> Markup | None:
    """Draw the distance of each trained coefficient from the exact minimum, in standard errors."""
    tables = [_by_name(run.results) for run in runs]
    names = [
        name
        for name in largest_effects(runs, with_b=True)
        if any(name in table and table[name].distance is not None for table in tables)
    ]
    inference = runs[0].results.inference
    if not names or inference["df"] <= 0:
        return None
    half_width = t_critical_value(inference["confidence"], inference["df"])
    distances = [
        [table[name].distance if name in table else None for name in names] for table in tables
    ]
    truth = [tables[0][name].distance_of_truth if name in tables[0] else None for name in names]
    ends = [-half_width, half_width, *truth, *(value for row in distances for value in row)]
    kind = "classical " if runs[0].results.has_robust_headline else ""
    label = f"{kind}standard errors from the exact minimum"
    plot = Plot(Axis.around(label, ends), Axis("", 0, 1), rows=[_label(name) for name in names])
    plot.band(-half_width, half_width, "band", f"{kind}{runs[0].results.confidence} interval")
    plot.vertical_line(0.0, "zero")
    for k, (run, values) in enumerate(zip(runs, distances, strict=True)):
        y = [i + _offset(k, runs) for i in range(len(names))]
        plot.dots(values, y, RUN_CLASSES[k], run.name or "trained")
    if any(value is not None for value in truth):
        plot.dots(truth, range(len(names)), "true", "true")
    return plot.svg("Distance of the trained coefficients from the exact minimum")


def penalty_path_figure(results: RunResults) -> Markup | None:
    """Draw the effect of each column on y over the size of the penalty, with that of the model."""
    path = results.context.get("penalty_path")
    if path is None or not path["theta"]:
        return None
    varied = "l1" if path["l1"][0] else "l2"
    penalties, spread = path[varied], results.context["spread"]
    effects = {
        name: [value * (spread[name] or 0.0) for value in values]
        for name, values in path["theta"].items()
    }
    target = results.context["target"]
    ends = [0.0, *(end for values in effects.values() for end in (min(values), max(values)))]
    y = Axis.around(f"change in {target} per standard deviation", ends, margin=0.1)
    plot = Plot(Axis.around(f"train.{varied}", penalties, logarithmic=True), y)
    plot.horizontal_line(0.0, "zero")
    for k, values in enumerate(effects.values()):
        plot.line(penalties, values, RUN_CLASSES[k % len(RUN_CLASSES)])
    plot.vertical_line(path["model"][varied], "exact")
    labelled: list[float] = []
    for name in sorted(effects, key=lambda name: -abs(effects[name][-1])):
        height = effects[name][LABEL_POINT]
        # Names would cover each other where lines are close together.
        if all(abs(height - other) > LABEL_DISTANCE * (y.high - y.low) for other in labelled):
            labelled.append(height)
            plot.text(penalties[LABEL_POINT], height, shortened(name, 120))
    # Degrees of freedom, away from the edges of the plot, which would cut them off.
    for k in range(len(penalties) - 1 - MARKED_POINTS // 2, 0, -MARKED_POINTS):
        degrees = f"{path['df'][k]:.1f}".removesuffix(".0")
        plot.text(penalties[k], y.low + 0.02 * (y.high - y.low), degrees)
    return plot.svg("Coefficients over the size of the penalty")


def interval(c: CoefficientRow) -> tuple[float, float]:
    """Return the confidence interval; the coefficient itself where there is none."""
    low, high = c.headline.get("low"), c.headline.get("high")
    return (_center(c) if low is None else low), (_center(c) if high is None else high)


def _center(c: CoefficientRow) -> float:
    return c.trained if c.exact is None else c.exact


def largest_effects(runs: Sequence[NamedResults], *, with_b: bool = False) -> list[str]:
    """Return the names of the coefficients with the largest effects, in the order of the formula.

    b has no effect to compare; `with_b`, it comes before all others.
    """
    effects: dict[str, float] = {}
    for run in runs:
        for c in run.results.coefficients:
            # A column may be called b, too.
            if c.name != "b" or c.column_sd is not None:
                effect = abs(_center(c) * (c.column_sd or 0.0))
                effects[c.name] = max(effects.get(c.name, 0.0), effect)
            elif with_b:
                effects[c.name] = np.inf
    ranked = sorted(effects, key=lambda name: -effects[name])[:MAX_ROWS]
    if max(map(len, map(_label, ranked)), default=0) > LONG_NAME:
        ranked = ranked[:MAX_LONG_ROWS]
    largest = set(ranked)
    return [name for name in effects if name in largest]


def _label(name: str) -> str:
    """Return the name of a coefficient; of a level below a category of a long name the whole name
    of the level, after the beginning of that of the category.
    """
    category, bracket, level = name.partition("[")
    if not bracket or len(name) <= LONG_NAME or len(category) <= LONG_CATEGORY:
        return name
    return f"{category[: LONG_CATEGORY - 1]}…[{level}"


def _by_name(results: RunResults) -> dict[str, CoefficientRow]:
    return {c.name: c for c in results.coefficients}


def _offset(k: int, runs: Sequence[NamedResults]) -> float:
    """Return by how much the marks of the k-th run are below the middle of their row."""
    return 0.0 if len(runs) == 1 else 0.3 * k - 0.15
