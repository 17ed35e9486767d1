"""Heteroscedasticity-robust standard errors for compact design matrices."""

from collections.abc import Sequence
from typing import cast

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import CompactMatrix, DesignMatrix, Layout
from linreg.data.rows import Rows
from linreg.evaluation.robust import HC1, HC3, RobustStandardErrors, hc_errors
from linreg.fit.exact.double_double.sum_numpy import axpy, two_sum
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.level_projection import LevelProjection
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.normal_equations.eliminated_levels import EliminatedLevels
from linreg.process.workers import ALONE, Workers


class LevelRobustStandardErrors(RobustStandardErrors):
    """The same standard errors where a category was eliminated.

    A coefficient's variance is Σ u²aⱼ², with u = w r / (1 − h) or w r. With the coordinates
    q = Wᵀ(z − z̄) of a row's other columns, a = W·q for them, and 1/D − P·q or −P·q for a level, of
    the row or not, with P = R̄·W (`EliminatedLevels`). So all variances follow from the sums of
    u²·z·zᵀ over the rows, and by level: the moments of rows with weights u².
    """

    def __init__(self, solution: LeastSquares, layout: Layout, expected_rows: int = 0) -> None:
        super().__init__(solution, expected_rows)
        self._moments = {kind: LevelMoments(layout, expected_rows) for kind in (HC3, HC1)}
        self._projection: LevelProjection | None = None

    @classmethod
    def compute(
        cls, solution: LeastSquares, shards: Sequence[Rows], workers: Workers = ALONE
    ) -> "LevelRobustStandardErrors":
        """Read the rows of the fit, each process its own shards, added in their order."""
        layout, num_rows = shards[0].layout, sum(rows.num_rows for rows in shards)
        own = [np.empty(0)]
        for index in workers.own_range(len(shards)):
            shard = cls(solution, layout, num_rows)
            for chunk in shards[index]:
                shard.add(*chunk)
            own.append(shard.as_array())
        gathered = np.concatenate(workers.gather_array(np.concatenate(own)))
        result = cls(solution, layout)
        for values in gathered.reshape(len(shards), -1):
            result.add_array(values)
        return result

    def add(self, X: DesignMatrix, y: Floats, w: Floats | None = None) -> None:
        """Add rows, in the order of the fit: X (n, M), y (n,), w (n,) or None for weight 1."""
        X = cast("CompactMatrix", X)
        self._projection = self._projection or LevelProjection(self._solution, X.layout)
        residuals, leverages = self._projection.residuals_and_leverages(X, y)
        weights = np.ones(len(y)) if w is None else w
        leverages *= weights
        self._largest_leverage = max(self._largest_leverage, float(leverages.max(initial=0.0)))
        for kind, errors in zip((HC3, HC1), hc_errors(weights * residuals, leverages), strict=True):
            self._moments[kind].add(X, np.zeros(len(y)), np.square(errors))

    def as_array(self) -> Floats:
        """Return everything as one array of fixed length, to be sent to other processes."""
        moments = [self._moments[kind].as_array() for kind in (HC3, HC1)]
        return np.concatenate([[self._largest_leverage], *moments])

    def add_array(self, values: Floats) -> None:
        """Add what another process has sent."""
        self._largest_leverage = max(self._largest_leverage, float(values[0]))
        layout = self._moments[HC3].layout
        for kind, of_kind in zip((HC3, HC1), np.split(values[1:], 2), strict=True):
            added = LevelMoments.from_array(layout, of_kind)
            self._moments[kind] = self._moments[kind].merged(added)

    def standard_errors(self) -> tuple[str, Floats]:
        """Return "HC3" or "HC1" and the standard errors (M + 1,); NaN where there are none."""
        for kind, moments in self._moments.items():
            self._sums[kind, :, 0] = _variances(self._solution, moments)
        return super().standard_errors()


def robust_standard_errors(
    solution: LeastSquares, shards: Sequence[Rows], workers: Workers = ALONE
) -> RobustStandardErrors:
    """Read the rows of the fit, each process its own shards, whether they are compact or not."""
    kind = LevelRobustStandardErrors if solution.levels else RobustStandardErrors
    return kind.compute(solution, shards, workers)


def _variances(solution: LeastSquares, moments: LevelMoments) -> Floats:
    """Return Σ u²aⱼ² (M + 1,) for the moments of rows with weights u²."""
    from linreg.fit.exact.double_double import level_kernels

    levels = solution.levels
    assert levels is not None
    rest = np.concatenate([[0], levels.rest + 1])
    W = solution.inverse_cholesky
    products, own_products, own_weights = _in_units_of(solution, levels, moments)
    # Around the means of the levels: Σ u²(z − z̄)(z − z̄)ᵀ, and Σ u²(z − z̄) by level.
    level_kernels.subtract_products(products, levels.means, own_products)
    high, low = own_products
    weights, weights_low = own_weights[:, :, None]
    axpy(high, low, -levels.means[0], weights, weights_low, -levels.means[1])
    level_kernels.subtract_products(products, own_products, levels.means)
    products = np.stack([_symmetric(each) for each in products])
    transposed = np.ascontiguousarray(W.transpose(0, 2, 1))
    N = _product(_product(transposed, products), W)
    of_levels = _product(own_products, W)[0]

    variances = np.zeros(len(solution.kept))
    variances[rest] = (_times(W[0], N[0]) * W[0]).sum(axis=1)
    P = levels.projections[0]
    own = np.where(levels.kept, 1 / np.where(levels.kept, levels.weights, 1.0), 0.0)
    # The square of the first one may be beyond float64.
    of_category = own * (own * (own_weights[0] + own_weights[1]))
    of_category += (P * (_times(P, N[0]) - 2 * own[:, None] * of_levels)).sum(axis=1)
    variances[1:][levels.category.columns] = np.maximum(of_category, 0.0)
    return variances


def _in_units_of(
    solution: LeastSquares, levels: EliminatedLevels, moments: LevelMoments
) -> tuple[Floats, Floats, Floats]:
    """Return the products of [1 R] with one another, and those of the levels, and their weights.

    They are in double-double: (2, K + 1, K + 1), a lower triangle, (2, L, K + 1) and (2, L), for
    columns in the units of the solution.
    """
    products, exponents, _ = moments.products_of(levels.rest)
    category = moments.layout.categories.index(levels.category)
    own_products, own_weights = moments.products_with_levels(category, levels.rest, exponents)
    units = solution.exponents[np.concatenate([[0], levels.rest + 1])]
    shift = exponents[:-1] - units
    products = np.ldexp(products[:, :-1, :-1], shift[:, None] + shift)
    return products, np.ldexp(own_products[:, :, :-1], shift), own_weights


def _product(A: Floats, B: Floats) -> Floats:
    """Return A·B in double-double."""
    from linreg.fit.exact.double_double import level_kernels

    product = np.zeros((2, A.shape[1], B.shape[2]))
    level_kernels.add_products(np.ascontiguousarray(A), np.ascontiguousarray(B), product)
    return np.stack(two_sum(product[0], product[1]))


def _times(A: Floats, B: Floats) -> Floats:
    """Return A·B without BLAS, which rounds differently from CPU to CPU."""
    product = np.zeros((len(A), B.shape[1]))
    for k in range(len(B)):
        product += A[:, k, None] * B[k]
    return product


def _symmetric(lower: Floats) -> Floats:
    """Return a symmetric matrix, given by its lower triangle."""
    return np.tril(lower) + np.tril(lower, -1).T
