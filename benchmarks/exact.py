"""How fast the exact answer is, beside scikit-learn's LinearRegression on the same rows: one
thread, rows in memory.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression
from threadpoolctl import threadpool_limits

from benchmarks.compare import Ratio, in_turns, ratio_of, seconds
from linreg.fit.exact.least_squares import LeastSquares, solve
from linreg.fit.exact.moments import Moments

Floats = NDArray[np.float64]

SIZES = ((2, 10_000_000, 2.0), (16, 2_000_000, 1.0))
"""M, n, and the ratio to reach."""
PIECE = 131_072


def compare(turns: int, *, quick: bool) -> Iterator[Ratio]:
    """Compare for M = 2 and 16, on a tenth of the rows where it has to be quick."""
    for num_features, num_rows, bar in SIZES:
        num_rows = num_rows // 10 if quick else num_rows
        X, y = rows(num_features, num_rows)
        with threadpool_limits(1):
            times = in_turns(
                lambda: seconds(lambda: fit(X, y)),  # noqa: B023
                lambda: seconds(lambda: LinearRegression().fit(X, y)),  # noqa: B023
                turns,
            )
        yield ratio_of("exact", num_features, "sklearn", times, num_rows, bar=bar)


def rows(num_features: int, num_rows: int) -> tuple[Floats, Floats]:
    """Draw X (n, M), column-major as the pipeline has it, and y (n,)."""
    random = np.random.default_rng(1)
    X = random.standard_normal((num_features, num_rows)).T
    y = random.standard_normal(num_rows)
    for start in range(
        0, num_rows, PIECE
    ):  # whole columns would raise the peak that ours is measured from
        for j in range(num_features):
            y[start : start + PIECE] += X[start : start + PIECE, j] * (j + 1)
    return X, y


def fit(X: Floats, y: Floats) -> LeastSquares:
    """Go from rows to θ; a window may have any length."""
    moments = Moments.zero(X.shape[1])
    moments.add(X, y)
    return solve(moments, [f"x{j}" for j in range(1, X.shape[1] + 1)], intercept=True)
