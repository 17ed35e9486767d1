"""Rows in the coordinates of a least squares solution: projections, leverages, residuals."""

from collections.abc import Iterator
from types import ModuleType

import numpy as np

from linreg.arrays import Floats, read_only
from linreg.data.formula.compact_matrix import CompactMatrix, DesignMatrix, as_array
from linreg.fit.exact.double_double.remainders import summed_columns, with_remainders
from linreg.fit.exact.double_double.sum_numpy import numpy_is_faster
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.normal_equations.ldl import MIN_COMPILED

ROWS_AT_A_TIME = 8192
"""Rows whose q and a are in memory at once, which take more space than the rows themselves."""
CELLS_AT_A_TIME = 1 << 20
"""Numbers of q that are in memory at once."""
WELL_CONDITIONED = 1e10
"""Up to this condition of the Gram matrix, leverages of many columns are computed in float64.

Of its 16 digits they lose up to half of those of the condition, and a few to the number of columns.
"""


class Projection:
    """What a solution says of rows X (n, M), y (n,), scaled by its exponents.

    expected_rows  the rows to come in all; it affects speed only
    """

    def __init__(self, solution: LeastSquares, expected_rows: int) -> None:
        # Remainders of powers are columns too, with the coefficients of the powers.
        self._monomials = solution.monomials
        columns = summed_columns(len(solution.theta), solution.monomials)
        self._exponents = solution.exponents[np.append(columns, -1)]
        self._kept = solution.kept[columns]
        W = solution.inverse_cholesky[:, columns[:, None], columns]
        self._inverse_cholesky = np.ascontiguousarray(W)
        self._remainders = slice(1, 1 + len(solution.monomials))
        self._inverse_cholesky[:, :, self._remainders] = 0.0
        self._coefficients = _scaled_coefficients(solution)[:, columns]
        self._expected_rows = expected_rows
        self._kernels = _kernels_for(expected_rows, solution)

    def project(self, X: Floats) -> tuple[Floats, Floats]:
        """Return q = Wᵀx and a = W·q = A⁻¹x of each row, both (M + 1, n)."""
        X = read_only(with_remainders(X, self._monomials, self._expected_rows))
        q = np.empty((len(self._kept), len(X)))
        a = np.zeros((len(self._kept), len(X)))
        self._kernels.project(X, self._exponents, self._inverse_cholesky, self._kept, q, a)
        if self._monomials:
            q, a = np.delete(q, self._remainders, axis=0), np.delete(a, self._remainders, axis=0)
        return q, a

    def residuals(self, X: Floats, y: Floats) -> Floats:
        """Return y − ỹ (n,), in double-double before it is rounded."""
        X = read_only(with_remainders(X, self._monomials, self._expected_rows))
        y = read_only(np.ascontiguousarray(y, np.float64))
        residuals = np.empty(len(y))
        self._kernels.residuals(X, y, self._exponents, self._coefficients, residuals)
        return residuals


def leverages(solution: LeastSquares, X: DesignMatrix) -> Floats:
    """Return xᵀ·A⁻¹·x of each row (n,), for rows of the fit or new ones; x = [1 X] or [X]."""
    if isinstance(X, CompactMatrix) and solution.levels:
        from linreg.fit.exact.level_projection import LevelProjection

        _, result = LevelProjection(solution, X.layout).residuals_and_leverages(X, np.zeros(len(X)))
        return result
    # A model from before categories were compact has moments of all columns.
    X = as_array(X)
    result = np.empty(len(X))
    if len(solution.kept) >= MIN_COMPILED and (solution.condition or np.inf) <= WELL_CONDITIONED:
        from linreg.fit.exact.double_double import projection_kernels

        W = np.ascontiguousarray(solution.inverse_cholesky[0].T)
        columns = read_only(np.asfortranarray(X, np.float64))
        projection_kernels.leverages(columns, solution.exponents, W, result)
        return result
    projection = Projection(solution, len(X))
    for rows in slices(len(X), X.shape[1]):
        q, _ = projection.project(X[rows])
        result[rows] = sum_of_squares(q)
    return result


def slices(num_rows: int, num_features: int) -> Iterator[slice]:
    """Yield slices of rows of which there are q and a at a time, of at least 128 rows."""
    size = min(ROWS_AT_A_TIME, max(128, CELLS_AT_A_TIME // (num_features + 1)))
    return (slice(start, start + size) for start in range(0, num_rows, size))


def sum_of_squares(q: Floats) -> Floats:
    """Return Σ qⱼ² of each row (n,) for q (M + 1, n); infinite for a row far beyond the fit."""
    total = np.zeros(q.shape[1])
    with np.errstate(over="ignore"):
        for row in q:
            total += row * row
    return total


def _kernels_for(num_rows: int, solution: LeastSquares) -> ModuleType:
    """Return the module that is faster for so many rows, with its import; the bits are the same."""
    if numpy_is_faster(num_rows, len(solution.kept) + 1):
        from linreg.fit.exact.double_double import projection_numpy

        return projection_numpy
    from linreg.fit.exact.double_double import projection_kernels

    return projection_kernels


def _scaled_coefficients(solution: LeastSquares) -> Floats:
    """Return (b, θ) for scaled columns and target in double-double, (2, M + 1), high and low."""
    rounded = np.concatenate([[solution.b], solution.theta])
    units = solution.exponents[:-1] - solution.exponents[-1]
    scaled: Floats = np.ldexp(np.stack([rounded, solution.remainders]), units)
    return scaled
