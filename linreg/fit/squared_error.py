"""The mean squared error of any θ and b, in float64.

The sum over a chunk is numpy's, the sums of the chunks are added exactly (math.fsum), so that no
result depends on threads, on which process had which chunk, or on how much memory there is.
"""

import math
from collections.abc import Sequence

import numpy as np

from linreg.arrays import Floats
from linreg.data.rows import Chunk, Rows
from linreg.fit.model import linear
from linreg.process.workers import ALONE, Workers
from linreg.reductions.exact_sum import exact_sum


def mean_squared_error(
    parts: Sequence[Rows], theta: Floats, b: float, workers: Workers = ALONE
) -> float | None:
    """Return (1/n) Σ w (y − ỹ)² over all rows of some files, w = 1 without weights.

    None if there is no row, or if it is beyond float64.
    """
    num_rows = sum(rows.num_rows for rows in parts)
    if not num_rows:
        return None

    def squared_errors(chunk: Chunk) -> Floats:
        squares = np.square(chunk.y - linear(chunk.X, theta, b))
        return squares if chunk.w is None else chunk.w * squares

    with np.errstate(over="ignore", invalid="ignore"):
        own = [float(squared_errors(chunk).sum()) for rows in parts for chunk in rows]
    mse = exact_sum(workers.concatenate(own)) / num_rows
    return mse if math.isfinite(mse) else None
