"""The covariance of coefficients where a category was eliminated, from sums of scores."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.least_squares import LeastSquares


class Meat(NamedTuple):
    """Sums over rows of scores u·q in the coordinates q, and by level; K columns besides levels.

    products   (K + 1, K + 1) Σ u²·q·qᵀ
    of_levels  (L, K + 1) Σ u²·q of the rows of each level
    weights    (L,) Σ u² of the rows of each level
    """

    products: Floats
    of_levels: Floats
    weights: Floats


def variances_of(solution: LeastSquares, meat: Meat) -> Floats:
    """Return the variances (M + 1,) of scaled coefficients."""
    levels = solution.levels
    assert levels is not None
    W, N = solution.inverse_cholesky[0], meat.products
    variances = np.zeros(len(solution.kept))
    variances[np.concatenate([[0], levels.rest + 1])] = (times(W, N) * W).sum(axis=1)
    P, own = levels.projections[0], levels.own_variances
    # The square of the first one may be beyond float64.
    of_category = own * (own * meat.weights)
    of_category += (P * (times(P, N) - 2 * own[:, None] * meat.of_levels)).sum(axis=1)
    variances[1:][levels.category.columns] = of_category
    return variances


def covariance_of(solution: LeastSquares, meat: Meat, chosen: Sequence[int]) -> Floats:
    """Return the covariance (k, k) of k scaled coefficients."""
    levels = solution.levels
    assert levels is not None
    # Those of a coefficient are V·q, and own besides in the rows of its level.
    V, own = levels.inverse_cholesky_rows(solution.inverse_cholesky[0], chosen)
    sums, weights = np.zeros_like(V), np.zeros(len(V))
    for row, j in enumerate(chosen):
        if own[row]:
            level = j - 1 - levels.category.first
            sums[row] = own[row] * meat.of_levels[level]
            weights[row] = own[row] * (own[row] * meat.weights[level])
    crossed = times(sums, np.ascontiguousarray(V.T))
    own_part = crossed + crossed.T + np.diag(weights)
    return times(times(V, meat.products), np.ascontiguousarray(V.T)) + own_part


def times(A: Floats, B: Floats) -> Floats:
    """Return A·B without BLAS, which rounds differently from CPU to CPU."""
    product = np.zeros((len(A), B.shape[1]))
    for k in range(len(B)):
        product += A[:, k, None] * B[k]
    return product
