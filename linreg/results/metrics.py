"""How far predictions are from what was observed; float64, added up in a fixed order.

A window's sum is numpy's, the windows' sums are added exactly (math.fsum), so that no result depends on threads,
on which process had which window, or on how much memory there is.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linreg.data.rows import Rows, Window
from linreg.fit.loss import total
from linreg.fit.model import linear
from linreg.workers.one import ALONE, Workers

Floats = NDArray[np.float64]


def mean_target(parts: Sequence[Rows], workers: Workers = ALONE) -> float:
    """Return the mean of y, the prediction of somebody who knows nothing about X."""
    return total(parts, lambda window: window.y, workers) / sum(rows.num_rows for rows in parts)


def metrics(parts: Sequence[Rows], theta: Floats, b: float, workers: Workers = ALONE) -> dict[str, Any]:
    """Return n, mse, rmse, mae, r2 and max_error over all rows of some files, which must hold at least one.

    r2 is 1 − Σ(y − ỹ)² / Σ(y − mean y)², with the mean of these rows; None when their y is constant.
    """
    num_rows = sum(rows.num_rows for rows in parts)
    center = mean_target(parts, workers)

    def error(window: Window) -> Floats:
        return window.y - linear(window.X, theta, b)

    squares = total(parts, lambda window: np.square(error(window)), workers)
    spread = total(parts, lambda window: np.square(window.y - center), workers)
    extremes = [
        (float(window.y.min()), float(window.y.max()), float(np.abs(error(window)).max()))
        for rows in parts
        for window in rows
    ]
    lows, highs, errors = zip(*workers.gather_all(extremes), strict=True)
    return {
        "n": num_rows,
        "mse": squares / num_rows,
        "rmse": math.sqrt(squares / num_rows),
        "mae": total(parts, lambda window: np.abs(error(window)), workers) / num_rows,
        "r2": None if min(lows) == max(highs) else 1 - squares / spread,
        "max_error": max(errors),
    }


def final_values(found: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return the metrics by the names that gates use, such as test_r2, without those that are curves already."""
    values = {f"{part}_{name}": value for part, each in found.items() for name, value in each.items()}
    curves = ("train_mse", "validation_mse")
    return {name: value for name, value in values.items() if isinstance(value, float) and name not in curves}
