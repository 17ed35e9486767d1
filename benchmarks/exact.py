"""The exact solution compared with scikit-learn's LinearRegression: one thread, rows in memory."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression
from threadpoolctl import threadpool_limits

from benchmarks.compare import Ratio, in_turns, ratio_of, seconds
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.solver import solve

Floats = NDArray[np.float64]

SIZES = ((2, 10_000_000, 2.0), (16, 2_000_000, 1.0))
"""M, n, and the ratio aimed at."""
ROWS_AT_ONCE = 131_072


def compare(turns: int, *, quick: bool) -> Iterator[Ratio]:
    """Compare for M = 2 and 16; on a tenth of the rows if `quick`."""
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
    """Draw X (n, M), column-major as in the pipeline, and y (n,)."""
    random = np.random.default_rng(1)
    X = random.standard_normal((num_features, num_rows)).T
    y = random.standard_normal(num_rows)
    # A whole column at once would need memory of its own for the product.
    for start in range(0, num_rows, ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        for j in range(num_features):
            y[part] += X[part, j] * (j + 1)
    return X, y


def fit(X: Floats, y: Floats) -> LeastSquares:
    """Compute the moments of the rows, then θ and b."""
    moments = Moments.zero(X.shape[1])
    moments.add(X, y)
    return solve(moments, [f"x{j}" for j in range(1, X.shape[1] + 1)], intercept=True)
