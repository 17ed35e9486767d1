"""How fast the exact answer is, beside scikit-learn's LinearRegression on the same rows.

    python -m benchmarks.exact

One process, one thread, rows in memory; the two take turns, so that both see the same noise of the machine.
Prints the ratio of times (scikit-learn's over ours: above 1, ours is faster) as min–median–max over the turns, rows
per second at the median, and the memory that ours needs beside the rows.
"""

import os

os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})  # before numpy

import resource
import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression

from linreg.fit.least_squares import LeastSquares, solve
from linreg.fit.moments import Moments

Floats = NDArray[np.float64]

SIZES = ((2, 10_000_000, 2.0), (16, 2_000_000, 1.0))
"""M, n, and the ratio to reach."""
TURNS = 5
PIECE = 131_072


def main() -> None:
    """Measure memory first: the peak that the system reports never falls."""
    fit(*rows(2, 1000))  # compiles, or reads what was compiled before
    for num_features, num_rows, bar in SIZES:
        X, y = rows(num_features, num_rows)
        before = peak_memory()
        ours = fit(X, y)
        extra = peak_memory() - before
        theirs = LinearRegression().fit(X, y)
        gap = max(abs(ours.theta - theirs.coef_).max(), abs(ours.b - theirs.intercept_))

        times = [(seconds(lambda: fit(X, y)), seconds(lambda: LinearRegression().fit(X, y))) for _ in range(TURNS)]  # noqa: B023
        ratios = sorted(sklearn / linreg for linreg, sklearn in times)
        median = [statistics.median(column) for column in zip(*times, strict=True)]
        print(
            f"M={num_features} n={num_rows:.0e}: {ratios[0]:.2f}–{statistics.median(ratios):.2f}–{ratios[-1]:.2f} times"
            f" (bar {bar}), {num_rows / median[0]:.2e} rows/s against {num_rows / median[1]:.2e},"
            f" {extra / 1e6:.0f} MB extra, largest difference {gap:.0e}"
        )


def rows(num_features: int, num_rows: int) -> tuple[Floats, Floats]:
    """Draw X (n, M), column-major as the pipeline has it, and y (n,)."""
    random = np.random.default_rng(1)
    X = random.standard_normal((num_features, num_rows)).T
    y = random.standard_normal(num_rows)
    for start in range(0, num_rows, PIECE):  # whole columns would raise the peak that ours is measured from
        for j in range(num_features):
            y[start : start + PIECE] += X[start : start + PIECE, j] * (j + 1)
    return X, y


def fit(X: Floats, y: Floats) -> LeastSquares:
    """Go from rows to θ; a window may have any length."""
    moments = Moments.zero(X.shape[1])
    moments.add(X, y)
    return solve(moments, [f"x{j}" for j in range(1, X.shape[1] + 1)], intercept=True)


def seconds(run: Callable[[], object]) -> float:
    """Return the wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def peak_memory() -> int:
    """Return the largest resident memory of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
