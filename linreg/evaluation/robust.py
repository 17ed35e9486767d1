"""Leverages and heteroscedasticity-robust standard errors, from one more pass over the rows."""

from collections.abc import Iterator, Sequence
from types import ModuleType

import numpy as np

from linreg.arrays import Floats, read_only
from linreg.data.rows import Rows
from linreg.fit.exact.double_double_numpy import add_double_doubles, numpy_is_faster
from linreg.fit.exact.least_squares import LeastSquares
from linreg.process.workers import ALONE, Workers

ROWS_AT_A_TIME = 8192
"""Rows whose q and a are in memory at once, which take more space than the rows themselves."""
LEVERAGE_TOLERANCE = 1e-10
"""A row whose leverage is this near to 1 is fitted exactly: its residual says nothing of noise."""
HC3, HC1 = 0, 1
"""The kinds of robust standard errors, as indices of sums."""


class RobustStandardErrors:
    """Heteroscedasticity-robust standard errors of (b, θ), from one pass over the rows of the fit.

    HC3: √ Σ (w r aⱼ / (1 − h))², with the residual r, the leverage h and a = A⁻¹x of each row (J.
    MacKinnon and H. White, J. Econometrics 29, 1985). If a leverage is 1, HC1 takes its place:
    √ (n/(n − p) Σ (w r aⱼ)²).

    The same rows in chunks of any lengths give the same bits.
    """

    def __init__(self, solution: LeastSquares, expected_rows: int = 0) -> None:
        self._solution = solution
        self._expected_rows = expected_rows
        self._num_rows = 0
        self._largest_leverage = 0.0
        # Σ (…)² by kind and coefficient, in double-double.
        self._sums = np.zeros((2, len(solution.kept), 2))

    @classmethod
    def compute(
        cls, solution: LeastSquares, shards: Sequence[Rows], workers: Workers = ALONE
    ) -> "RobustStandardErrors":
        """Read the rows of the fit, each process its own shards.

        The sums of the shards are added in the order of the shards.
        """
        own = []
        num_rows = sum(rows.num_rows for rows in shards)
        for index in workers.own_range(len(shards)):
            shard = cls(solution, expected_rows=num_rows)
            for chunk in shards[index]:
                shard.add(*chunk)
            own.append([shard._largest_leverage, shard._sums.ravel().tolist()])
        result = cls(solution)
        for leverage, sums in workers.concatenate(own):
            result._largest_leverage = max(result._largest_leverage, leverage)
            add_double_doubles(result._sums, np.reshape(sums, result._sums.shape))
        return result

    def add(self, X: Floats, y: Floats, w: Floats | None = None) -> None:
        """Add rows, in the order of the fit: X (n, M), y (n,), w (n,) or None for weight 1."""
        solution = self._solution
        coefficients = _scaled_coefficients(solution)
        X = read_only(np.asfortranarray(X, np.float64))
        y = read_only(np.ascontiguousarray(y, np.float64))
        self._num_rows += len(y)
        kernels = _kernels_for(max(self._num_rows, self._expected_rows), solution)
        for rows in _slices(len(y)):
            q, a = _project(solution, X[rows], kernels)
            residuals = np.empty(q.shape[1])
            kernels.residuals(X[rows], y[rows], solution.exponents, coefficients, residuals)
            weights = np.ones(len(residuals)) if w is None else w[rows]
            leverage = weights * _sum_of_squares(q)
            self._largest_leverage = max(self._largest_leverage, float(leverage.max()))
            errors = weights * residuals
            hc3_errors = errors / np.maximum(1 - leverage, LEVERAGE_TOLERANCE)
            kernels.add_squares(np.stack([hc3_errors, errors]), a, self._sums)

    def standard_errors(self) -> tuple[str, Floats]:
        """Return "HC3" or "HC1" and the standard errors (M + 1,); NaN where there are none."""
        solution = self._solution
        exact_row = self._largest_leverage >= 1 - LEVERAGE_TOLERANCE
        kind = "HC1" if exact_row else "HC3"
        if solution.df <= 0 or solution.l2:
            return kind, np.full(len(solution.kept), np.nan)
        sums = self._sums[HC1 if exact_row else HC3].sum(axis=1)
        if exact_row:
            sums *= (solution.df + solution.rank) / solution.df
        errors = np.ldexp(np.sqrt(sums), solution.exponents[-1] - solution.exponents[:-1])
        if solution.rss == 0:
            # The residuals are rounding errors.
            errors[:] = 0.0
        errors[~solution.kept] = np.nan
        return kind, errors


def leverages(solution: LeastSquares, X: Floats) -> Floats:
    """Return xᵀ·A⁻¹·x of each row (n,), for rows of the fit or new ones; x = [1 X] or [X]."""
    X = read_only(np.asfortranarray(X, np.float64))
    kernels = _kernels_for(len(X), solution)
    result = np.empty(len(X))
    for rows in _slices(len(X)):
        q, _ = _project(solution, X[rows], kernels)
        result[rows] = _sum_of_squares(q)
    return result


def _kernels_for(num_rows: int, solution: LeastSquares) -> ModuleType:
    """Return the module that is faster for so many rows, with its import; the bits are the same."""
    if numpy_is_faster(num_rows, len(solution.kept) + 1):
        from linreg.evaluation import robust_numpy

        return robust_numpy
    from linreg.evaluation import robust_kernels

    return robust_kernels


def _slices(num_rows: int) -> Iterator[slice]:
    return (slice(start, start + ROWS_AT_A_TIME) for start in range(0, num_rows, ROWS_AT_A_TIME))


def _project(solution: LeastSquares, X: Floats, kernels: ModuleType) -> tuple[Floats, Floats]:
    """Return q = Wᵀx and a = W·q = A⁻¹x of each row, both (M + 1, n), for scaled columns."""
    q = np.empty((len(solution.kept), len(X)))
    a = np.zeros((len(solution.kept), len(X)))
    kernels.project(X, solution.exponents, solution.inverse_cholesky, solution.kept, q, a)
    return q, a


def _scaled_coefficients(solution: LeastSquares) -> Floats:
    """Return (b, θ) for scaled columns and target in double-double, (2, M + 1), high and low."""
    rounded = np.concatenate([[solution.b], solution.theta])
    units = solution.exponents[:-1] - solution.exponents[-1]
    scaled: Floats = np.ldexp(np.stack([rounded, solution.remainders]), units)
    return scaled


def _sum_of_squares(q: Floats) -> Floats:
    """Return Σ qⱼ² of each row (n,) for q (M + 1, n); infinite for a row far beyond the fit."""
    total = np.zeros(q.shape[1])
    with np.errstate(over="ignore"):
        for row in q:
            total += row * row
    return total
