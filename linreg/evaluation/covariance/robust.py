"""Heteroscedasticity-robust standard errors, from one more pass over the rows."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Literal

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import DesignMatrix, as_array
from linreg.evaluation.coefficient_covariance import CoefficientCovariance, Exponents
from linreg.fit.exact.double_double.sum_numpy import add_double_doubles, numpy_is_faster
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.moments import FLOAT64_ROUNDOFF
from linreg.fit.exact.projection import Projection, slices, sum_of_squares

LEVERAGE_TOLERANCE = 1e-10
"""A row whose leverage is this near to 1 is fitted exactly: its residual says nothing of noise."""
HCKind = Literal["HC0", "HC1", "HC2", "HC3"]
DIVIDES_BY_LEVERAGE = ("HC2", "HC3")


class RobustStandardErrors:
    """Heteroscedasticity-robust standard errors of (b, θ), from one pass over the rows of the fit.

    V = Σ u²·a·aᵀ over the rows, with a = A⁻¹x and u made of residual r, weight w and leverage h (J.
    MacKinnon and H. White, J. Econometrics 29, 1985):

    HC0   u² = (w r)²
    HC1   u² = (w r)² · n/(n − p)
    HC2   u² = (w r)² / (1 − h)
    HC3   u² = (w r / (1 − h))²

    A frequency weight w stands for w rows, so that u² is w times that of a row of weight 1. If a
    leverage is 1, HC1 takes the place of HC2 and HC3.

    The same rows in chunks of any lengths give the same bits.
    """

    def __init__(
        self,
        solution: LeastSquares,
        expected_rows: int = 0,
        kind: HCKind = "HC3",
        *,
        frequencies: bool = False,
    ) -> None:
        self._solution = solution
        self._expected_rows = expected_rows
        self._num_rows = 0
        self._largest_leverage = 0.0
        self._frequencies = frequencies
        self._kinds: list[HCKind] = [kind, "HC1"] if kind in DIVIDES_BY_LEVERAGE else [kind]
        # Σ u²·a·aᵀ by kind in double-double, lower triangles.
        size = 0 if solution.levels else len(solution.kept)
        self._sums = np.zeros((len(self._kinds), 2, size, size))

    def add(self, X: DesignMatrix, y: Floats, w: Floats | None = None) -> None:
        """Add rows, in the order of the fit: X (n, M), y (n,), w (n,) or None for weight 1."""
        X = as_array(X)
        self._num_rows += len(y)
        num_rows = max(self._num_rows, self._expected_rows)
        projection = Projection(self._solution, num_rows)
        kernels = kernels_for(num_rows, len(self._solution.kept))
        for rows in slices(len(y), X.shape[1]):
            q, a = projection.project(X[rows])
            residuals = projection.residuals(X[rows], y[rows])
            weights = np.ones(len(residuals)) if w is None else w[rows]
            factors = self._factors(residuals, sum_of_squares(q), weights)
            kernels.add_products(factors, a, self._sums)

    def as_array(self) -> Floats:
        """Return everything as one array of fixed length, to be sent to other processes."""
        return np.concatenate([[self._largest_leverage], self._sums.ravel()])

    def add_array(self, values: Floats) -> None:
        """Add what another process has sent."""
        self._largest_leverage = max(self._largest_leverage, float(values[0]))
        added = values[1:].reshape(self._sums.shape)
        add_double_doubles(np.moveaxis(self._sums, 1, -1), np.moveaxis(added, 1, -1))

    @property
    def kind(self) -> HCKind:
        """The kind of standard errors: HC1 where a leverage of 1 rules the one wanted out."""
        return self._kinds[-1] if self._has_exact_row else self._kinds[0]

    @property
    def relative_error(self) -> float:
        """A bound of the relative error of the standard errors.

        It is that of 1 − h, for the largest leverage h, a sum of squares that is rounded; HC0 and
        HC1 do without.
        """
        rounding = FLOAT64_ROUNDOFF * (len(self._solution.kept) + 2)
        if self.kind in DIVIDES_BY_LEVERAGE:
            rounding /= 1 - self._largest_leverage
        return rounding

    def standard_errors(self) -> tuple[HCKind, Floats]:
        """Return the kind and the standard errors (M + 1,); NaN where there are none."""
        solution = self._solution
        variances = self._variances() * self._small_sample_factor
        errors = np.ldexp(np.sqrt(variances), solution.exponents[-1] - solution.exponents[:-1])
        return self.kind, known_errors(solution, errors)

    def matrix(self, coefficients: Sequence[int], exponents: Exponents | None = None) -> Floats:
        """Return the covariance (k, k) of k of (b, θ), as a `CovarianceMatrix`."""

        def of_kept(chosen: Sequence[int]) -> Floats:
            return self._small_sample_factor * self._covariance(chosen)

        return known_covariance(self._solution, of_kept, coefficients, exponents)

    def covariance(self) -> CoefficientCovariance:
        """Return kind, standard errors and covariances."""
        kind, errors = self.standard_errors()
        found = CoefficientCovariance(
            kind, self._solution.df, errors, self.matrix, self.relative_error
        )
        if kind != "HC1":
            return found
        factors = {"HC1": self._small_sample_factor}
        return replace(found, correction="n/(n − p)", factors=factors)

    @property
    def _has_exact_row(self) -> bool:
        return self._largest_leverage >= 1 - LEVERAGE_TOLERANCE

    @property
    def _small_sample_factor(self) -> float:
        df = self._solution.df
        return (df + self._solution.rank) / df if self.kind == "HC1" and df else 1.0

    def _factors(self, residuals: Floats, leverages: Floats, w: Floats) -> Floats:
        """Return u (kinds, n) of rows, given xᵀA⁻¹x (n,); the largest leverage is noted."""
        if self._frequencies:
            errors, leverages = np.sqrt(w) * residuals, np.where(w > 0, leverages, 0.0)
        else:
            errors, leverages = w * residuals, w * leverages
        self._largest_leverage = max(self._largest_leverage, float(leverages.max(initial=0.0)))
        rest = np.maximum(1 - leverages, LEVERAGE_TOLERANCE)
        divisors = {"HC2": np.sqrt(rest), "HC3": rest}
        return np.stack([errors / divisors.get(kind, 1.0) for kind in self._kinds])

    def _variances(self) -> Floats:
        """Return Σ u²aⱼ² (M + 1,)."""
        return np.diagonal(self._lower()).copy()

    def _covariance(self, chosen: Sequence[int]) -> Floats:
        """Return Σ u²·a·aᵀ (k, k) of k of (b, θ)."""
        lower = self._lower()
        return (np.tril(lower) + np.tril(lower, -1).T)[np.ix_(chosen, chosen)]

    def _lower(self) -> Floats:
        lower: Floats = self._sums[self._kinds.index(self.kind)].sum(axis=0)
        return lower


def known_errors(solution: LeastSquares, errors: Floats) -> Floats:
    """Return the standard errors (M + 1,), NaN where there are none, 0 for a perfect fit."""
    if solution.no_errors:
        return np.full(len(solution.kept), np.nan)
    # The residuals of a perfect fit are rounding errors.
    return np.where(solution.kept, 0.0 if solution.rss == 0 else errors, np.nan)


def known_covariance(
    solution: LeastSquares,
    of_kept: Callable[[Sequence[int]], Floats],
    coefficients: Sequence[int],
    exponents: Exponents | None = None,
) -> Floats:
    """Return the covariance (k, k) of k of (b, θ), likewise, as a `CovarianceMatrix`.

    of_kept  returns that of coefficients which were kept, in the units of scaled columns and y
    """
    result = np.full((len(coefficients), len(coefficients)), np.nan)
    if solution.no_errors:
        return result
    places = np.flatnonzero(solution.kept[list(coefficients)])
    chosen = np.array(coefficients, np.int64)[places]
    units = solution.exponents[-1] - solution.exponents[chosen]
    if exponents is not None:
        units = units - exponents[places]
    scaled = of_kept(chosen.tolist())
    with np.errstate(over="ignore"):
        covariance = np.ldexp(scaled, units[:, None] + units)
    result[np.ix_(places, places)] = 0.0 if solution.rss == 0 else covariance
    return result


def kernels_for(num_rows: int, num_coefficients: int) -> ModuleType:
    """Return the module that is faster for so many rows, with its import; the bits are the same."""
    if numpy_is_faster(num_rows, num_coefficients + 1):
        from linreg.evaluation.covariance import robust_numpy

        return robust_numpy
    from linreg.evaluation.covariance import robust_kernels

    return robust_kernels
