"""The report's pictures of one run or two: each takes the runs and returns a drawing, or None where
it has no data.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from linreg.evaluation.distributions import normal_quantile, t_quantile
from linreg.report.results import Coefficient, RunResults
from linreg.report.svg import Axis, Plot

Floats = NDArray[np.float64]

MOST_ROWS = 25
"""Coefficients in one picture: those that move y the most."""
KINDS = ("a", "b")
"""The classes of the first and of the second run."""


class Run(NamedTuple):
    """A run with the name that the legend calls it; empty where it is the only one."""

    name: str
    findings: RunResults


def effects(runs: Sequence[Run]) -> Markup | None:
    """Draw, for each column of X, how much y moves when it moves by one standard deviation, with
    the interval.
    """
    names = _strongest(runs)
    if not names:
        return None
    found = [{each.name: each for each in run.findings.coefficients} for run in runs]
    shown = [
        (k, i, each[name])
        for k, each in enumerate(found)
        for i, name in enumerate(names)
        if name in each
    ]
    ends = [bound * (c.spread or 0.0) for _, _, c in shown for bound in (*_interval(c), c.found)]
    plot = Plot(Axis.around(_effect_label(runs[0]), [0.0, *ends]), Axis("", 0, 1), rows=names)
    plot.upright(0.0, "zero")
    for k, run in enumerate(runs):
        own = [(i + _shift(k, runs), c, c.spread or 0.0) for kk, i, c in shown if kk == k]
        for y, c, spread in own:
            plot.line([bound * spread for bound in _interval(c)], [y, y], f"whisker {KINDS[k]}")
        if not run.name:
            plot.dots(
                [c.found * spread for _, c, spread in own],
                [y for y, *_ in own],
                "found",
                "found by training",
            )
        what = f"{run.name}: " if run.name else ""
        exact = [_center(c) * spread for _, c, spread in own]
        plot.dots(exact, [y for y, *_ in own], f"{KINDS[k]} small", f"{what}exact, with interval")
    return plot.svg("How much the target moves when a column moves by one standard deviation")


def distances(runs: Sequence[Run]) -> Markup | None:
    """Draw how far each coefficient that training found is from the exact minimum, in standard
    errors.
    """
    names = [
        n
        for n in _strongest(runs, with_b=True)
        if any(_named(run, n).distance is not None for run in runs)
    ]
    certainty = runs[0].findings.certainty
    if not names or certainty["df"] <= 0:
        return None
    reach = t_quantile(certainty["confidence"], certainty["df"])
    truth = [_named(runs[0], name).distance_of_truth for name in names]
    found = [[_named(run, name).distance for name in names] for run in runs]
    ends = [-reach, reach, *truth, *(value for own in found for value in own)]
    plot = Plot(
        Axis.around("standard errors from the exact minimum", ends), Axis("", 0, 1), rows=names
    )
    plot.band(-reach, reach, "band", f"{certainty['confidence']:.12g} interval")
    plot.upright(0.0, "zero")
    for k, (run, own) in enumerate(zip(runs, found, strict=True)):
        y = [i + _shift(k, runs) for i in range(len(names))]
        plot.dots(own, y, KINDS[k], run.name or "found by training")
    if any(value is not None for value in truth):
        plot.dots(truth, range(len(names)), "true", "true")
    return plot.svg("Distance of what training found from the exact minimum, in standard errors")


def loss(runs: Sequence[Run]) -> Markup | None:
    """Draw the loss on the training and the validation rows after each epoch, and the least
    possible.
    """
    curves = [(run, name) for run in runs for name in ("train_mse", "validation_mse")]
    values = [value for run, name in curves for value in run.findings.background["history"][name]]
    least = [run.findings.background["least_loss"] for run in runs]
    known = [value for value in [*values, *least] if value is not None and value > 0]
    if not any(value is not None for value in values):
        return None
    epochs = [epoch for run in runs for epoch in run.findings.background["history"]["epoch"]]
    steep = bool(known) and max(known) > 10 * min(known)
    plot = Plot(
        _epochs(epochs), Axis.around("mean squared error", [*values, *least], logarithmic=steep)
    )
    for k, run in enumerate(runs):
        history, what = run.findings.background["history"], f"{run.name} " if run.name else ""
        # the exact solver takes no steps
        if history["epoch"] == [0]:
            plot.level(history["train_mse"][0], KINDS[k], f"{what}training")
            continue
        plot.line(history["epoch"], history["train_mse"], KINDS[k], f"{what}training")
        if any(value is not None for value in history["validation_mse"]):
            plot.line(
                history["epoch"],
                history["validation_mse"],
                f"{KINDS[k]} dashed",
                f"{what}validation",
            )
            plot.dots(history["epoch"], history["validation_mse"], KINDS[k])
        if least[k] is not None:
            plot.level(least[k], "exact", "" if k else "least possible")
        plot.dots(history["epoch"], history["train_mse"], KINDS[k])
    return plot.svg("Loss after each epoch")


def gap(runs: Sequence[Run]) -> Markup | None:
    """Draw how far the loss is above the least possible after each epoch, relative to it."""
    steps = {k: run.findings.background["history"] for k, run in enumerate(runs)}
    steps = {
        k: history
        for k, history in steps.items()
        if history["epoch"] != [0]
        # the exact solver takes none
    }
    values = [value for history in steps.values() for value in history["gap"]]
    if not any(value for value in values):
        return None
    plot = Plot(
        _epochs([epoch for history in steps.values() for epoch in history["epoch"]]),
        Axis.around("training loss above the least possible", values, logarithmic=True),
    )
    for k, history in steps.items():
        plot.line(history["epoch"], history["gap"], KINDS[k])
        plot.dots(history["epoch"], history["gap"], KINDS[k], runs[k].name)
    return plot.svg("Relative excess of the training loss after each epoch")


def whole_path(run: Run) -> Markup | None:
    """Draw the way of two coefficients from the start to the minimum, over contours of equal
    loss.
    """
    path = run.findings.background["path"]
    if path is None:
        return None
    (x, y), (center_x, center_y) = path["mean"], path["exact"]
    plot = Plot(
        Axis.around(path["names"][0], [*x, center_x, *path["epochs"][0]], margin=0.12),
        Axis.around(path["names"][1], [*y, center_y, *path["epochs"][1]], margin=0.12),
    )
    factor = _factor(path)
    farthest = _radius(factor, x[0] - center_x, y[0] - center_y)
    for ring in range(1, 7):
        plot.ellipse(path["exact"], factor * (farthest * ring / 5), "contour")
    plot.line(x, y, "mean", "mean way of gradient descent")
    plot.dots(x[:1], y[:1], "start", "start")
    plot.dots(path["epochs"][0], path["epochs"][1], "a", "after each epoch")
    plot.dots([center_x], [center_y], "exact", "minimum")
    return plot.svg("Way of the two leading coefficients to the minimum of the loss")


def end_of_path(run: Run) -> Markup | None:
    """Draw the end of that way: the last half of the epochs, and what the rows cannot tell from the
    minimum.
    """
    path, least = run.findings.background["path"], run.findings.background["least_loss"]
    if path is None:
        return None
    factor, center, epochs = _factor(path), path["exact"], path["epochs"]
    late = [values[len(values) // 2 :] for values in epochs]
    known = [_named(run, name) for name in path["names"]]
    axes = [
        Axis.around(
            name,
            [*values, middle, *(each for each in _interval(c) if c.exact is not None)],
            margin=0.15,
        )
        for name, values, middle, c in zip(path["names"], late, center, known, strict=True)
    ]
    plot = Plot(*axes)
    farthest = max(
        _radius(factor, x - center[0], y - center[1]) for x, y in zip(*late, strict=True)
    )
    first = known[0]
    high = first.usual.get("high")
    if high is not None and first.exact is not None:
        radius = (high - first.exact) / _length(*factor[0])
        farthest = max(farthest, radius)
        confidence = run.findings.certainty["confidence"]
        plot.ellipse(center, factor * radius, "region", f"{confidence:.12g} interval")
    if least:
        for excess in _round_numbers(farthest * farthest / path["num_rows"] / least):
            radius = float(np.sqrt(excess * least * path["num_rows"]))
            plot.ellipse(center, factor * radius, "contour")
            plot.text(
                center[0],
                center[1] + _length(*factor[1]) * radius,
                f"+{100 * excess:.6g} %",
                "middle",
            )
    plot.line(late[0], late[1], "a thin")
    plot.dots(late[0], late[1], "a", "after each epoch")
    plot.dots(epochs[0][-1:], epochs[1][-1:], "found", "the last one")
    plot.dots(center[:1], center[1:], "exact", "minimum")
    return plot.svg("End of the way of the two leading coefficients")


def predicted_against_actual(run: Run, kind: str = "a") -> Markup | None:
    """Draw a dot per row, on the diagonal where the prediction is right."""
    findings = run.findings
    if not len(findings.actual):
        return None
    target = str(findings.background["target"])
    axis = Axis.around("", [*findings.actual, *findings.predicted])
    plot = Plot(
        Axis(f"actual {target}", axis.low, axis.high),
        Axis(f"predicted {target}", axis.low, axis.high),
    )
    plot.dots(findings.actual, findings.predicted, f"{kind} {_size(findings)}")
    plot.line([axis.low, axis.high], [axis.low, axis.high], "zero")
    return plot.svg("Predicted against actual")


def residuals(run: Run, kind: str = "a") -> Markup | None:
    """Draw what is left of each row against its prediction, and the mean of what is left from left
    to right.
    """
    findings = run.findings
    if not len(findings.actual):
        return None
    plot = Plot(
        Axis.around(f"predicted {findings.background['target']}", findings.predicted),
        Axis.around("actual − predicted", [*findings.residuals, 0.0]),
    )
    plot.dots(findings.predicted, findings.residuals, f"{kind} {_size(findings)}")
    plot.level(0.0, "zero")
    order = np.argsort(findings.predicted, kind="stable")
    groups = np.array_split(order, min(15, max(1, len(order) // 10)))
    if len(groups) > 2:
        across = [float(findings.predicted[group].mean()) for group in groups]
        plot.line(
            across,
            [float(findings.residuals[group].mean()) for group in groups],
            "trend",
            "mean of neighbours",
        )
    return plot.svg("Residuals against predictions")


def normal_quantiles(runs: Sequence[Run]) -> Markup | None:
    """Draw the sorted residuals, in their own standard deviations, against those that normal noise
    would have.
    """
    drawn = []
    for k, run in enumerate(runs):
        found = np.sort(run.findings.residuals)
        spread = float(found.std()) if len(found) > 2 else 0.0
        if spread > 0 and np.isfinite(spread):
            places = np.unique(np.linspace(0, len(found) - 1, 150).round().astype(int))
            expected = [
                normal_quantile((2 * place + 1) / (2 * len(found))) for place in places.tolist()
            ]
            drawn.append(
                (KINDS[k], run.name, expected, ((found - found.mean()) / spread)[places].tolist())
            )
    if not drawn:
        return None
    expected_all = [value for _, _, expected, _ in drawn for value in expected]
    plot = Plot(
        Axis.around("quantile of the normal distribution", expected_all),
        Axis.around(
            "residual in standard deviations", [value for *_, own in drawn for value in own]
        ),
    )
    plot.line([-9, 9], [-9, 9], "zero")
    for kind, name, expected, own in drawn:
        plot.dots(expected, own, f"{kind} small", name)
    return plot.svg("Normal quantiles of the residuals")


def _size(findings: RunResults) -> str:
    """Many dots are small, so that they do not hide each other."""
    return "many" if len(findings.actual) > 300 else "small"


def _epochs(epochs: Sequence[float]) -> Axis:
    return (
        Axis("epoch", 0, 1.04 * max(epochs)) if max(epochs, default=0) > 0 else Axis("epoch", -1, 1)
    )


def _effect_label(run: Run) -> str:
    return f"change of {run.findings.background['target']} by one standard deviation"


def _strongest(runs: Sequence[Run], *, with_b: bool = False) -> list[str]:
    """Return the names of the coefficients that move y the most in any run, in the order of the
    formula.
    """
    size: dict[str, float] = {}
    for run in runs:
        for c in run.findings.coefficients:
            if c.name != "b" or c.spread is not None:
                size[c.name] = max(size.get(c.name, 0.0), abs(_center(c) * (c.spread or 0.0)))
            elif with_b:
                size[c.name] = np.inf
    chosen = set(sorted(size, key=lambda name: -size[name])[:MOST_ROWS])
    return [name for name in size if name in chosen]


def _named(run: Run, name: str) -> Coefficient:
    nothing = Coefficient(name, np.nan, None, None, None, {}, {})
    return next((each for each in run.findings.coefficients if each.name == name), nothing)


def _center(c: Coefficient) -> float:
    return c.found if c.exact is None else c.exact


def _interval(c: Coefficient) -> tuple[float, float]:
    low, high = c.usual.get("low"), c.usual.get("high")
    return (_center(c) if low is None else low), (_center(c) if high is None else high)


def _shift(k: int, runs: Sequence[Run]) -> float:
    return 0.0 if len(runs) == 1 else 0.3 * k - 0.15


def _factor(path: dict[str, list[float]]) -> Floats:
    """Return the lower triangular L (2, 2) with L·Lᵀ = the two coefficients' block of A⁻¹."""
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
    """√(x² + y²), rounded the same everywhere, unlike the C library's hypot."""
    return float(np.sqrt(x * x + y * y))


def _round_numbers(largest: float) -> list[float]:
    """Return up to four round numbers, each at least twice the one before, the last about as large
    as told.
    """
    if not 0 < largest < np.inf:
        return []
    exponent = Decimal(largest).adjusted()
    candidates = [float(f"{k}e{e}") for e in range(exponent - 2, exponent + 2) for k in (1, 2, 5)]
    return [each for each in candidates if each <= 2 * largest][-4:]
