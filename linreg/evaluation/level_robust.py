"""Heteroscedasticity-robust standard errors for compact design matrices."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import CompactMatrix, DesignMatrix, Layout
from linreg.data.rows import Rows
from linreg.evaluation.robust import HC1, HC3, RobustStandardErrors, hc_errors
from linreg.fit.exact.double_double.sum_numpy import axpy
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.level_projection import LevelProjection
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.normal_equations.coordinates import coordinate_layout, product
from linreg.process.workers import ALONE, Workers


class LevelRobustStandardErrors(RobustStandardErrors):
    """The same standard errors where a category was eliminated.

    A coefficient's variance is Σ u²aⱼ², with u = w r / (1 − h) or w r. With the coordinates
    q = Wᵀ(z − z̄) of a row's other columns, a = W·q for them, and 1/D − P·q or −P·q for a level, of
    the row or not, with P = R̄·W (`EliminatedLevels`). So all variances follow from the sums of
    u²·z·zᵀ over the rows, and by level: the moments of rows with weights u². After a second pass
    they are those of the rows in its coordinates, in which they keep their digits.
    """

    def __init__(self, solution: LeastSquares, layout: Layout, expected_rows: int = 0) -> None:
        super().__init__(solution, expected_rows)
        assert solution.levels is not None
        self._refinement = solution.levels.refinement
        self._projection = LevelProjection(solution, layout)
        summed = coordinate_layout(layout) if self._refinement else layout
        self._moments = {kind: LevelMoments(summed, expected_rows) for kind in (HC3, HC1)}

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
        residuals, leverages = self._projection.residuals_and_leverages(X, y)
        weights = np.ones(len(y)) if w is None else w
        leverages *= weights
        self._largest_leverage = max(self._largest_leverage, float(leverages.max(initial=0.0)))
        if self._refinement:
            X = self._projection.in_coordinates(X, self._refinement.coordinates)
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
    basis, means, columns, units = W, levels.means, levels.rest, solution.exponents[rest]
    if levels.refinement:
        # Coordinates and indicators, in units of their own, beside the column of ones.
        basis, means = levels.refinement.inverse_cholesky, levels.refinement.means
        columns, units = rest, 0 * rest
    products, own_products, own_weights = _in_units(moments, columns, units)
    # Around the means of the levels: Σ u²(z − z̄)(z − z̄)ᵀ, and Σ u²(z − z̄) by level.
    level_kernels.subtract_products(products, means, own_products)
    high, low = own_products
    weights, weights_low = own_weights[:, :, None]
    axpy(high, low, -means[0], weights, weights_low, -means[1])
    level_kernels.subtract_products(products, own_products, means)
    products = np.stack([_symmetric(each) for each in products])
    transposed = np.ascontiguousarray(basis.transpose(0, 2, 1))
    N = product(product(transposed, products), basis)
    of_levels = product(own_products, basis)[0]

    variances = np.zeros(len(solution.kept))
    variances[rest] = (_times(W[0], N[0]) * W[0]).sum(axis=1)
    P = levels.projections[0]
    own = levels.own_variances
    # The square of the first one may be beyond float64.
    of_category = own * (own * (own_weights[0] + own_weights[1]))
    of_category += (P * (_times(P, N[0]) - 2 * own[:, None] * of_levels)).sum(axis=1)
    variances[1:][levels.category.columns] = np.maximum(of_category, 0.0)
    return variances


def _in_units(
    moments: LevelMoments, columns: NDArray[np.int64], units: NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    """Return the products of columns with one another, and those of the levels, and their weights.

    columns  of X, all but those of the eliminated category
    units    (p,) the powers of two of the columns of [1 X] that count, which are the last of them

    They are in double-double: (2, p, p), a lower triangle, (2, L, p) and (2, L).
    """
    products, exponents, _ = moments.products_of(columns)
    own_products, own_weights = moments.products_with_levels(
        moments.layout.eliminated, columns, exponents
    )
    last = slice(len(exponents) - 1 - len(units), -1)
    shift = exponents[last] - units
    products = np.ldexp(products[:, last, last], shift[:, None] + shift)
    return products, np.ldexp(own_products[:, :, last], shift), own_weights


def _times(A: Floats, B: Floats) -> Floats:
    """Return A·B without BLAS, which rounds differently from CPU to CPU."""
    product = np.zeros((len(A), B.shape[1]))
    for k in range(len(B)):
        product += A[:, k, None] * B[k]
    return product


def _symmetric(lower: Floats) -> Floats:
    """Return a symmetric matrix, given by its lower triangle."""
    return np.tril(lower) + np.tril(lower, -1).T
