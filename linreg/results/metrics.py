"""How far predictions are from what was observed; float64, added up in a fixed order.

A window's sum is numpy's, the windows' sums are added exactly (math.fsum), so that no result depends on threads
or on how much memory there is.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linreg.data.rows import Rows, Window
from linreg.fit.loss import total
from linreg.fit.model import linear

Floats = NDArray[np.float64]


def mean_target(parts: Sequence[Rows]) -> float:
    """Return the mean of y, the prediction of somebody who knows nothing about X."""
    return total(parts, lambda window: window.y) / sum(rows.num_rows for rows in parts)


def metrics(parts: Sequence[Rows], theta: Floats, b: float) -> dict[str, Any]:
    """Return n, mse, rmse, mae, r2 and max_error over all rows of some files, which must hold at least one.

    r2 is 1 − Σ(y − ỹ)² / Σ(y − mean y)², with the mean of these rows; None when their y is constant.
    """
    num_rows = sum(rows.num_rows for rows in parts)
    center = mean_target(parts)

    def error(window: Window) -> Floats:
        return window.y - linear(window.X, theta, b)

    squares = total(parts, lambda window: np.square(error(window)))
    spread = total(parts, lambda window: np.square(window.y - center))
    bounds = [(window.y.min(), window.y.max()) for rows in parts for window in rows]
    is_constant = min(low for low, _ in bounds) == max(high for _, high in bounds)
    return {
        "n": num_rows,
        "mse": squares / num_rows,
        "rmse": math.sqrt(squares / num_rows),
        "mae": total(parts, lambda window: np.abs(error(window))) / num_rows,
        "r2": None if is_constant else 1 - squares / spread,
        "max_error": max(float(np.abs(error(window)).max(initial=0.0)) for rows in parts for window in rows),
    }


def final_values(found: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return the metrics by the names that gates use, such as test_r2, without those that are curves already."""
    values = {f"{part}_{name}": value for part, each in found.items() for name, value in each.items()}
    curves = ("train_mse", "validation_mse")
    return {name: value for name, value in values.items() if isinstance(value, float) and name not in curves}
