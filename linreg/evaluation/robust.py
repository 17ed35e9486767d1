"""Heteroscedasticity-robust standard errors, from one more pass over the rows."""

from collections.abc import Sequence
from types import ModuleType

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import DesignMatrix, as_array
from linreg.data.rows import Rows
from linreg.fit.exact.double_double.sum_numpy import add_double_doubles, numpy_is_faster
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.moments import FLOAT64_ROUNDOFF
from linreg.fit.exact.projection import Projection, slices, sum_of_squares
from linreg.process.workers import ALONE, Workers

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

    def add(self, X: DesignMatrix, y: Floats, w: Floats | None = None) -> None:
        """Add rows, in the order of the fit: X (n, M), y (n,), w (n,) or None for weight 1."""
        X = as_array(X)
        self._num_rows += len(y)
        num_rows = max(self._num_rows, self._expected_rows)
        projection = Projection(self._solution, num_rows)
        kernels = _kernels_for(num_rows, self._solution)
        for rows in slices(len(y), X.shape[1]):
            q, a = projection.project(X[rows])
            residuals = projection.residuals(X[rows], y[rows])
            weights = np.ones(len(residuals)) if w is None else w[rows]
            leverage = weights * sum_of_squares(q)
            self._largest_leverage = max(self._largest_leverage, float(leverage.max()))
            kernels.add_squares(hc_errors(weights * residuals, leverage), a, self._sums)

    @property
    def relative_error(self) -> float:
        """A bound of the relative error of the standard errors.

        It is that of 1 − h, for the largest leverage h, a sum of squares that is rounded; HC1 does
        without.
        """
        rounding = FLOAT64_ROUNDOFF * (len(self._solution.kept) + 2)
        return rounding if self._has_exact_row else rounding / (1 - self._largest_leverage)

    @property
    def _has_exact_row(self) -> bool:
        return self._largest_leverage >= 1 - LEVERAGE_TOLERANCE

    def standard_errors(self) -> tuple[str, Floats]:
        """Return "HC3" or "HC1" and the standard errors (M + 1,); NaN where there are none."""
        solution = self._solution
        kind = "HC1" if self._has_exact_row else "HC3"
        if solution.df <= 0 or solution.is_penalized or solution.rss is None:
            return kind, np.full(len(solution.kept), np.nan)
        sums = self._sums[HC1 if self._has_exact_row else HC3].sum(axis=1)
        if self._has_exact_row:
            sums *= (solution.df + solution.rank) / solution.df
        errors = np.ldexp(np.sqrt(sums), solution.exponents[-1] - solution.exponents[:-1])
        if solution.rss == 0:
            # The residuals are rounding errors.
            errors[:] = 0.0
        errors[~solution.kept] = np.nan
        return kind, errors


def hc_errors(errors: Floats, leverage: Floats) -> Floats:
    """Return the errors w r (n,) of rows as HC3 and HC1 take them: (2, n)."""
    return np.stack([errors / np.maximum(1 - leverage, LEVERAGE_TOLERANCE), errors])


def _kernels_for(num_rows: int, solution: LeastSquares) -> ModuleType:
    """Return the module that is faster for so many rows, with its import; the bits are the same."""
    if numpy_is_faster(num_rows, len(solution.kept) + 1):
        from linreg.evaluation import robust_numpy

        return robust_numpy
    from linreg.evaluation import robust_kernels

    return robust_kernels
