"""Figures of the path of gradient descent: two coefficients over contours of the loss."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
from markupsafe import Markup

from linreg.arrays import Floats
from linreg.plotting.axis import Axis
from linreg.plotting.plot import Plot
from linreg.report.figures.coefficients import interval
from linreg.results.run_results import CoefficientRow, RunResults

NUM_CONTOURS = 6


def path_figure(results: RunResults) -> Markup | None:
    """Draw the path of two coefficients from the start to the minimum."""
    path = results.context["path"]
    if path is None:
        return None
    expected, minimum, epochs = path["mean"], path["exact"], path["epochs"]
    axes = [
        Axis.around(name, [*expected[i], minimum[i], *epochs[i]], margin=0.12)
        for i, name in enumerate(path["names"])
    ]
    plot = Plot(*axes)
    factor = contour_factor(path)
    start_radius = _radius(factor, expected[0][0] - minimum[0], expected[1][0] - minimum[1])
    for k in range(1, NUM_CONTOURS + 1):
        plot.ellipse(minimum, factor * (start_radius * k / (NUM_CONTOURS - 1)), "contour")
    plot.line(expected[0], expected[1], "mean", "expected path")
    plot.dots(expected[0][:1], expected[1][:1], "start", "start")
    plot.dots(epochs[0], epochs[1], "a", "after each epoch")
    plot.dots(minimum[:1], minimum[1:], "exact", "minimum")
    return plot.svg("Path of the two leading coefficients to the minimum of the loss")


def path_end_figure(results: RunResults) -> Markup | None:
    """Draw the second half of the epochs, with the loss around the minimum and the intervals."""
    path = results.context["path"]
    if path is None:
        return None
    factor, minimum = contour_factor(path), path["exact"]
    late = [values[len(values) // 2 :] for values in path["epochs"]]
    table = {c.name: c for c in results.coefficients}
    rows = [table[name] for name in path["names"]]
    axes = [
        Axis.around(c.name, [*late[i], minimum[i], *interval(c)], margin=0.15)
        for i, c in enumerate(rows)
    ]
    plot = Plot(*axes)
    interval_radius = _interval_radius(rows[0], factor)
    if interval_radius is not None:
        kind = "classical " if results.has_robust_headline else ""
        label = f"{kind}{results.confidence} interval"
        plot.ellipse(minimum, factor * interval_radius, "region", label)
    radii = [_radius(factor, x - minimum[0], y - minimum[1]) for x, y in zip(*late, strict=True)]
    _draw_contours(plot, results, max([*radii, interval_radius or 0.0]))
    plot.line(late[0], late[1], "a thin")
    plot.dots(late[0], late[1], "a", "after each epoch")
    plot.dots(late[0][-1:], late[1][-1:], "trained", "last epoch")
    plot.dots(minimum[:1], minimum[1:], "exact", "minimum")
    return plot.svg("End of the path of the two leading coefficients")


def _interval_radius(c: CoefficientRow, factor: Floats) -> float | None:
    """Return the size of the ellipse whose projection on the first axis is the classical interval.

    Contours of the loss are those of classical confidence regions.
    """
    high = c.classical.get("high")
    if high is None or c.exact is None:
        return None
    return (high - c.exact) / _length(*factor[0])


def _draw_contours(plot: Plot, results: RunResults, radius: float) -> None:
    """Draw contours of the loss with their excess over the minimum, up to about this radius."""
    path, least = results.context["path"], results.context["least_loss"]
    if not least:
        return
    factor, minimum, total = contour_factor(path), path["exact"], least * path["num_rows"]
    for excess in _round_numbers(radius * radius / path["num_rows"] / least):
        contour_radius = float(np.sqrt(excess * total))
        plot.ellipse(minimum, factor * contour_radius, "contour")
        top = minimum[1] + _length(*factor[1]) * contour_radius
        plot.text(minimum[0], top, f"+{100 * excess:.6g} %")


def contour_factor(path: Mapping[str, Any]) -> Floats:
    """Return the lower triangular L (2, 2) with L·Lᵀ = the entries of A⁻¹ of the two coefficients.

    The loss is r² / n above the minimum on the ellipse minimum + L·u, |u| = r, with all other
    coefficients at their optimum.
    """
    first, both, second = path["inverse"]
    corner = np.sqrt(first)
    rest = max(second - (both / corner) * (both / corner), 0.0)
    return np.array([[corner, 0.0], [both / corner, np.sqrt(rest)]])


def _radius(factor: Floats, x: float, y: float) -> float:
    """Return |u| for factor·u = (x, y)."""
    first = x / factor[0, 0]
    second = (y - factor[1, 0] * first) / factor[1, 1] if factor[1, 1] else 0.0
    return _length(first, second)


def _length(x: float, y: float) -> float:
    """Return √(x² + y²), rounded the same everywhere, unlike the C library's hypot."""
    return float(np.sqrt(x * x + y * y))


def _round_numbers(largest: float) -> list[float]:
    """Return up to four round numbers, each at least twice the one before, up to 2·`largest`."""
    if not 0 < largest < np.inf:
        return []
    exponent = Decimal(largest).adjusted()
    candidates = [float(f"{k}e{e}") for e in range(exponent - 2, exponent + 2) for k in (1, 2, 5)]
    return [each for each in candidates if each <= 2 * largest][-4:]
