"""The covariance of coefficients where a category was eliminated, from sums of scores."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.fit.exact.least_squares import LeastSquares


class Meat(NamedTuple):
    """Sums over rows of scores u·q in the coordinates q, and by level; K columns besides levels.

    products   (K + 1, K + 1) Σ u²·q·qᵀ
    of_levels  (L, K + 1) Σ u²·q of the rows of each level
    weights    (L,) Σ u² of the rows of each level
    of_pairs   for sums that rows of several levels share, as those of a cluster: returns the
               products (k, k) of the Σ u of k levels; else those of two levels are 0
    """

    products: Floats
    of_levels: Floats
    weights: Floats
    of_pairs: Callable[[NDArray[np.int64]], Floats] | None = None


def variances_of(solution: LeastSquares, meat: Meat) -> Floats:
    """Return the variances (M + 1,) of scaled coefficients; NaN for the levels of two factors."""
    levels = solution.levels
    assert levels is not None
    W, N = solution.inverse_cholesky[0], meat.products
    variances = np.zeros(len(solution.kept))
    variances[np.concatenate([[0], levels.rest + 1])] = (times(W, N) * W).sum(axis=1)
    if levels.is_joint:
        variances[levels.columns + 1] = np.nan
        return variances
    P, own = levels.projections[0], levels.own_variances
    # The square of the first one may be beyond float64.
    of_category = own * (own * meat.weights)
    of_category += (P * (times(P, N) - 2 * own[:, None] * meat.of_levels)).sum(axis=1)
    variances[levels.columns + 1] = of_category
    return variances


def covariance_of(solution: LeastSquares, meat: Meat, chosen: Sequence[int]) -> Floats:
    """Return the covariance (k, k) of k scaled coefficients."""
    levels = solution.levels
    assert levels is not None
    # Those of a coefficient are V·q, and own besides in the rows of its level.
    V, own = levels.inverse_cholesky_rows(solution.inverse_cholesky[0], chosen)
    places = np.flatnonzero(own)
    of_category = np.searchsorted(levels.columns, np.array(chosen, np.int64)[places] - 1)
    sums, products = np.zeros_like(V), np.zeros((len(V), len(V)))
    sums[places] = own[places, None] * meat.of_levels[of_category]
    of_pairs = meat.of_pairs(of_category) if meat.of_pairs else np.diag(meat.weights[of_category])
    products[np.ix_(places, places)] = own[places, None] * (own[places] * of_pairs)
    crossed = times(sums, np.ascontiguousarray(V.T))
    return (
        times(times(V, meat.products), np.ascontiguousarray(V.T)) + crossed + crossed.T + products
    )


def times(A: Floats, B: Floats) -> Floats:
    """Return A·B without BLAS, which rounds differently from CPU to CPU."""
    product = np.zeros((len(A), B.shape[1]))
    for k in range(len(B)):
        product += A[:, k, None] * B[k]
    return product
