"""What the rows of a table do to gradient descent in small batches, in whitened coordinates."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from linreg.data.rows import Chunk
from linreg.fit.coordinates.whitening import Whitening
from linreg.fit.exact.least_squares import LeastSquares

MOST_PRODUCTS = 10**10
"""Products of two cells that are summed, which takes some seconds: the first rows stand for all."""


class RowMoments(NamedTuple):
    """Moments of rows u = [1 U] (p,) with weights w of mean 1 and scaled residuals e.

    num_coefficients  p
    gradient_noise    the mean of w²‖u‖²e²: the variance of the gradient of one row, summed over
                      coordinates, where (b, θ) is the least squares solution
    mean_kurtosis     the mean of w²‖u‖⁴ / p: by how much the gradient of one row varies, per square
                      of the distance from there
    largest_kurtosis  the same in the direction v in which it is largest: E[w²‖u‖²(vᵀu)²]
    """

    num_coefficients: int
    gradient_noise: float
    mean_kurtosis: float
    largest_kurtosis: float


def row_moments(
    chunks: Iterable[Chunk], whitening: Whitening, solution: LeastSquares
) -> RowMoments | None:
    """Read the rows once more; None where something is beyond float64."""
    size = len(solution.kept)
    optimum = whitening.scale(solution.theta, solution.b)
    noise, num_rows = 0.0, 0
    fourth = np.zeros((size, size))
    with np.errstate(over="ignore", invalid="ignore"):
        for chunk in chunks:
            X, y, w = whitening.apply(chunk)
            U = np.column_stack([np.full(len(y), float(solution.intercept)), np.asarray(X)])
            weighted = np.square(U).sum(axis=1) * (1.0 if w is None else np.square(w))
            noise += float((weighted * np.square(y - U @ optimum)).sum())
            fourth += (U * weighted[:, None]).T @ U
            num_rows += len(y)
            if num_rows * size * size > MOST_PRODUCTS:
                break
    if not (np.isfinite(noise) and np.isfinite(fourth).all() and num_rows):
        return None
    rank = int(solution.kept.sum())
    return RowMoments(
        rank,
        noise / num_rows,
        float(np.trace(fourth)) / num_rows / max(1, rank),
        float(np.linalg.eigvalsh(fourth / num_rows)[-1]),
    )
