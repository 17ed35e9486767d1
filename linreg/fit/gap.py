"""How far a training has come: the distance of θ and b from the exact minimum, known from the moments alone."""

import math

import numpy as np
from numpy.typing import NDArray

from linreg.fit.least_squares import LeastSquares
from linreg.fit.moments import Moments

Floats = NDArray[np.float64]


class Gap:
    """The loss J(θ, b) = (1/n) Σ w(y − ỹ)² + l2·‖θ‖² around its minimum J*, where it is an exact quadratic.

    With d = (b, θ) − (b*, θ*) and H half of J's second derivatives, J = J* + dᵀHd and the gradient is 2Hd.
    """

    def __init__(self, moments: Moments, exact: LeastSquares) -> None:
        self._exact, self._num_rows = exact, moments.num_rows
        self._H = moments.rounded()[:-1, :-1] / moments.num_rows
        self._H[np.diag_indices(len(self._H))] += exact.l2 * (np.arange(len(self._H)) > 0)
        penalty = exact.l2 * math.fsum((exact.theta**2).tolist()) if exact.l2 else 0.0
        self._least = float(exact.rss) / moments.num_rows + penalty

    def of(self, theta: Floats, b: float) -> dict[str, float | None]:
        """Return three measures of how far (θ (M,), b) is from the minimum.

        gap            J / J* − 1, the relative excess loss; None for a perfect fit, where J* is 0
        distance       √ Σ (d / standard error)², in standard errors; None where the minimum has none
        gradient_norm  ‖2Hd‖

        All are None where they are beyond float64.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            d, slope = self._from_minimum(theta, b)
            excess = _sum(d * slope)
            steepness = _sum(np.square(slope[0 if self._exact.intercept else 1 :]))
            errors = self._exact.errors
            known = np.isfinite(errors) & (errors > 0)
            distance = _sum(np.square(d[known] / errors[known])) if known.any() else math.nan
            measures = {
                "gap": max(excess, 0.0) / self._least if self._least > 0 else math.nan,
                "distance": math.sqrt(distance),
                "gradient_norm": 2 * math.sqrt(steepness),
            }
        return {name: value if math.isfinite(value) else None for name, value in measures.items()}

    def mean_squared_error(self, theta: Floats, b: float) -> float | None:
        """Return (1/n) Σ w (y − ỹ)² over the rows of the moments, without another look at them; None beyond float64.

        J without the penalty: J(θ, b) − l2·‖θ‖² = (J* − l2·‖θ*‖²) + dᵀHd − l2·(θ − θ*)·(θ + θ*).
        """
        with np.errstate(over="ignore", invalid="ignore"):
            d, slope = self._from_minimum(theta, b)
            penalty = self._exact.l2 * _sum(d[1:] * (theta + self._exact.theta)) if self._exact.l2 else 0.0
            found = float(self._exact.rss) / self._num_rows + _sum(d * slope) - penalty
        return max(found, 0.0) if math.isfinite(found) else None

    def _from_minimum(self, theta: Floats, b: float) -> tuple[Floats, Floats]:
        """Return d and Hd, both (M + 1,)."""
        d = np.concatenate([[b - self._exact.b], theta - self._exact.theta]) - self._exact.theta_low
        slope = np.zeros_like(d)
        for j in range(len(d)):  # not a BLAS product, which rounds differently from CPU to CPU
            slope += self._H[:, j] * d[j]
        return d, slope


def _sum(values: Floats) -> float:
    """Add up exactly; NaN where a number or the sum is beyond float64."""
    try:
        return math.fsum(values.tolist()) if np.isfinite(values).all() else math.nan
    except OverflowError:
        return math.nan
