"""The mean squared error of any θ and b; float64, added up in a fixed order.

A window's sum is numpy's, the windows' sums are added exactly (math.fsum), so that no result
depends on threads, on which process had which window, or on how much memory there is.
"""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from linreg.arrays import Floats
from linreg.data.rows import Chunk, Rows
from linreg.fit.model import linear
from linreg.process.workers import ALONE, Workers


def mean_squared_error(
    parts: Sequence[Rows], theta: Floats, b: float, workers: Workers = ALONE
) -> float | None:
    """Return (1/n) Σ w (y − ỹ)² over all rows of some files, w = 1 without weights.

    None when they hold no row, or where it is beyond float64.
    """
    num_rows = sum(rows.num_rows for rows in parts)

    def squares(chunk: Chunk) -> Floats:
        squared = np.square(chunk.y - linear(chunk.X, theta, b))
        return squared if chunk.w is None else chunk.w * squared

    found = total(parts, squares, workers) / num_rows if num_rows else math.nan
    return found if math.isfinite(found) else None


def total(
    parts: Sequence[Rows], values: Callable[[Chunk], Floats], workers: Workers = ALONE
) -> float:
    """Return the sum of what `values` (n,) makes of each window, of all processes' windows; as in
    `exact_sum`.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        own = [float(values(chunk).sum()) for rows in parts for chunk in rows]
    return exact_sum(workers.concatenate(own))


def exact_sum(values: Iterable[float]) -> float:
    """Add up without rounding, but for the result; NaN where a number or the sum is beyond
    float64.
    """
    numbers = list(values)
    try:
        return math.fsum(numbers) if all(map(math.isfinite, numbers)) else math.nan
    except OverflowError:
        return math.nan
