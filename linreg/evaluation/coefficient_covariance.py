"""The covariance of the coefficients, whatever is assumed of the noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.fit.exact.least_squares import LeastSquares

Exponents = NDArray[np.int64]


class CovarianceMatrix(Protocol):
    """The covariance (k, k) of k of (b, θ), given by their indices; NaN where there is none.

    With exponents e (k,), each coefficient is taken in units of 2^e, in which squares of very large
    and very small ones are within float64.
    """

    def __call__(self, coefficients: Sequence[int], exponents: Exponents | None = None) -> Floats:
        """Return the matrix."""


@dataclass(frozen=True)
class CoefficientCovariance:
    """The covariance of (b, θ) of a least squares solution.

    kind             "classical", "HC3", "cluster:school" or "HAC:4", as `evaluate.errors` has it
    df               degrees of freedom of t and F
    standard_errors  (M + 1,) of (b, θ); NaN where there is none
    matrix           the covariance of some of (b, θ)
    relative_error   a bound of the relative error of the standard errors
    correction       of small samples, as a formula; None without
    factors          its values, by what it belongs to: each clustering has its own
    num_clusters     by column, the clusters or times with a row whose weight is above 0; of two
                     columns, also those of both at once
    problem          why there are no standard errors of some coefficients; None if there are
    """

    kind: str
    df: int
    standard_errors: Floats
    matrix: CovarianceMatrix
    relative_error: float = 0.0
    correction: str | None = None
    factors: Mapping[str, float] = field(default_factory=dict)
    num_clusters: Mapping[str, int] = field(default_factory=dict)
    problem: str | None = None


def classical_covariance(solution: LeastSquares) -> CoefficientCovariance:
    """Return σ²·A⁻¹, that of noise of equal variance, divided by the weight."""

    def matrix(coefficients: Sequence[int], exponents: Exponents | None = None) -> Floats:
        if solution.no_errors:
            return np.full((len(coefficients), len(coefficients)), np.nan)
        assert solution.sigma is not None
        inverse = solution.unscaled_covariance(coefficients)
        # Beyond float64 there is no covariance, which is not finite then.
        with np.errstate(over="ignore", invalid="ignore"):
            covariance = solution.sigma * solution.sigma * inverse
        if exponents is None:
            return covariance
        result: Floats = np.ldexp(covariance, -(exponents[:, None] + exponents))
        return result

    return CoefficientCovariance("classical", solution.df, solution.standard_errors, matrix)
