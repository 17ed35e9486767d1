"""Heteroscedasticity-robust standard errors for compact design matrices."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import CompactMatrix, DesignMatrix, Layout
from linreg.data.rows import Rows
from linreg.evaluation.covariance.joint_robust import JointRobustStandardErrors
from linreg.evaluation.covariance.level_meat import Meat, covariance_of, variances_of
from linreg.evaluation.covariance.robust import HCKind, RobustStandardErrors
from linreg.fit.exact.double_double.sum_numpy import axpy
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.level_projection import LevelProjection
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.normal_equations.coordinates import coordinate_layout, product
from linreg.process.workers import ALONE, Workers


class LevelRobustStandardErrors(RobustStandardErrors):
    """The same standard errors where a category was eliminated.

    A coefficient's variance is Σ u²aⱼ². With the coordinates q = Wᵀ(z − z̄) of a row's other
    columns, a = W·q for them, and 1/D − P·q or −P·q for a level, of the row or not, with P = R̄·W
    (`EliminatedLevels`). So all covariances follow from the sums of u²·z·zᵀ over the rows, and by
    level: the moments of rows with weights u². After a second pass they are those of the rows in
    its coordinates, in which they keep their digits.
    """

    def __init__(
        self,
        solution: LeastSquares,
        layout: Layout,
        expected_rows: int = 0,
        kind: HCKind = "HC3",
        *,
        frequencies: bool = False,
    ) -> None:
        super().__init__(solution, expected_rows, kind, frequencies=frequencies)
        assert solution.levels is not None
        self._refinement = solution.levels.refinement
        self._projection = LevelProjection(solution, layout)
        summed = coordinate_layout(layout) if self._refinement else layout
        self._moments = [LevelMoments(summed, expected_rows) for _ in self._kinds]
        self._meat: tuple[HCKind, Meat] | None = None

    def add(self, X: DesignMatrix, y: Floats, w: Floats | None = None) -> None:
        """Add rows, in the order of the fit: X (n, M), y (n,), w (n,) or None for weight 1."""
        X = cast("CompactMatrix", X)
        residuals, leverages = self._projection.residuals_and_leverages(X, y)
        factors = self._factors(residuals, leverages, np.ones(len(y)) if w is None else w)
        if self._refinement:
            X = self._projection.in_coordinates(X, self._refinement.coordinates)
        for moments, u in zip(self._moments, factors, strict=True):
            moments.add(X, np.zeros(len(y)), np.square(u))
        self._meat = None

    def as_array(self) -> Floats:
        """Return everything as one array of fixed length, to be sent to other processes."""
        moments = [each.as_array() for each in self._moments]
        return np.concatenate([[self._largest_leverage], *moments])

    def add_array(self, values: Floats) -> None:
        """Add what another process has sent."""
        self._largest_leverage = max(self._largest_leverage, float(values[0]))
        layout = self._moments[0].layout
        parts = np.split(values[1:], len(self._moments))
        for index, part in enumerate(parts):
            added = LevelMoments.from_array(layout, part)
            self._moments[index] = self._moments[index].merged(added)
        self._meat = None

    def _variances(self) -> Floats:
        # The terms of a level's may cancel.
        return np.maximum(variances_of(self._solution, self._current_meat()), 0.0)

    def _covariance(self, chosen: Sequence[int]) -> Floats:
        return covariance_of(self._solution, self._current_meat(), chosen)

    def _current_meat(self) -> Meat:
        if self._meat is None or self._meat[0] != self.kind:
            moments = self._moments[self._kinds.index(self.kind)]
            self._meat = self.kind, _meat(self._solution, moments)
        return self._meat[1]


def robust_standard_errors(
    solution: LeastSquares,
    shards: Sequence[Rows],
    workers: Workers = ALONE,
    kind: HCKind = "HC3",
    *,
    frequencies: bool = False,
) -> RobustStandardErrors:
    """Read the rows of the fit, whether they are compact or not, each process its own shards.

    The sums of the shards are added in the order of the shards.
    """
    num_rows = sum(rows.num_rows for rows in shards)

    def new() -> RobustStandardErrors:
        if not solution.levels:
            return RobustStandardErrors(solution, num_rows, kind, frequencies=frequencies)
        of_levels = (
            JointRobustStandardErrors if solution.levels.is_joint else LevelRobustStandardErrors
        )
        layout = shards[0].layout
        return of_levels(solution, layout, num_rows, kind, frequencies=frequencies)

    own = [np.empty(0)]
    for index in workers.own_range(len(shards)):
        shard = new()
        for chunk in shards[index]:
            shard.add(*chunk)
        own.append(shard.as_array())
    gathered = np.concatenate(workers.gather_array(np.concatenate(own)))
    result = new()
    for values in gathered.reshape(len(shards), -1):
        result.add_array(values)
    return result


def _meat(solution: LeastSquares, moments: LevelMoments) -> Meat:
    """Return the sums over rows with weights u², from the moments of these rows."""
    from linreg.fit.exact.double_double import level_kernels

    levels = solution.levels
    assert levels is not None
    rest = np.concatenate([[0], levels.rest + 1])
    basis, means = solution.inverse_cholesky, levels.means
    columns, units = levels.rest, solution.exponents[rest]
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
    return Meat(N[0], product(own_products, basis)[0], own_weights[0] + own_weights[1])


def _in_units(
    moments: LevelMoments, columns: NDArray[np.int64], units: NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    """Return the products of columns with one another, and those of the levels, and their weights.

    columns  of X, all but those of the eliminated category
    units    (p,) the powers of two of the columns of [1 X] that count, which are the last of them

    They are in double-double: (2, p, p), a lower triangle, (2, L, p) and (2, L).
    """
    products, exponents, _ = moments.products_of(columns)
    own_products, own_weights = moments.products_with_levels(columns, exponents)
    last = slice(len(exponents) - 1 - len(units), -1)
    shift = exponents[last] - units
    products = np.ldexp(products[:, last, last], shift[:, None] + shift)
    return products, np.ldexp(own_products[:, :, last], shift), own_weights


def _symmetric(lower: Floats) -> Floats:
    """Return a symmetric matrix, given by its lower triangle."""
    return np.tril(lower) + np.tril(lower, -1).T
