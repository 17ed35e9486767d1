"""How far a training has come: the distance of θ and b from the exact minimum, known from the
moments alone.
"""

import math
from fractions import Fraction

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moments import Moments
from linreg.fit.exact.rounding import nearest_float
from linreg.fit.squared_error import exact_sum


class QuadraticLoss:
    """The loss J(θ, b) = (1/n) Σ w(y − ỹ)² + l2·‖θ‖² around its minimum J*, where it is an exact
    quadratic.

    With d = (b, θ) − (b*, θ*) and H half of J's second derivatives, J = J* + dᵀHd and the gradient
    is 2Hd. H is kept as the columns' means and their covariances around them: dᵀHd = W/n·(d_b +
    d_θ·mean)² + d_θᵀ·C·d_θ, with W = Σ w. As it stands, a column far from 0 would leave no digit of
    it.
    """

    def __init__(self, moments: Moments, exact: LeastSquares) -> None:
        self._exact, self._num_rows = exact, moments.num_rows
        gram = moments.gram()[:-1]
        total = gram[0][0]
        self._means = means = [row[0] / total for row in gram[1:]]
        self._total = float(total / moments.num_rows)
        self._C = np.zeros((len(means), len(means)))
        for i, row in enumerate(gram[1:]):
            for j, entry in enumerate(row[1:]):
                centred = (entry - total * means[i] * means[j]) / moments.num_rows
                self._C[i, j] = self._C[j, i] = nearest_float(
                    centred + Fraction(exact.l2) * (i == j)
                )
        with np.errstate(
            over="ignore"
            # what is beyond float64 is infinite here, and no number in the history
        ):
            penalty = exact.l2 * math.fsum((exact.theta**2).tolist()) if exact.l2 else 0.0
        self._least = float(exact.rss) / moments.num_rows + penalty

    def convergence(self, theta: Floats, b: float) -> dict[str, float | None]:
        """Return three measures of how far (θ (M,), b) is from the minimum.

        gap            J / J* − 1, the relative excess loss; None for a perfect fit, where J* is 0
        distance       √ Σ (d / standard error)², in standard errors; None where the minimum has
                       none
        gradient_norm  ‖2Hd‖

        All are None where they are beyond float64.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            d, excess, slope = self._from_minimum(theta, b)
            steepness = exact_sum(np.square(slope[0 if self._exact.intercept else 1 :]))
            errors = self._exact.errors
            known = np.isfinite(errors) & (errors > 0)
            distance = exact_sum(np.square(d[known] / errors[known])) if known.any() else math.nan
            measures = {
                "gap": max(excess, 0.0) / self._least if self._least > 0 else math.nan,
                "distance": math.sqrt(distance),
                "gradient_norm": 2 * math.sqrt(steepness),
            }
        return {name: value if math.isfinite(value) else None for name, value in measures.items()}

    def mean_squared_error(self, theta: Floats, b: float) -> float | None:
        """Return (1/n) Σ w (y − ỹ)² over the rows of the moments, without another look at them;
        None beyond float64.

        J without the penalty: J(θ, b) − l2·‖θ‖² = (J* − l2·‖θ*‖²) + dᵀHd − l2·(θ − θ*)·(θ + θ*).
        """
        with np.errstate(over="ignore", invalid="ignore"):
            d, excess, _ = self._from_minimum(theta, b)
            penalty = (
                self._exact.l2 * exact_sum(d[1:] * (theta + self._exact.theta))
                if self._exact.l2
                else 0.0
            )
            found = float(self._exact.rss) / self._num_rows + excess - penalty
        return max(found, 0.0) if math.isfinite(found) else None

    def _from_minimum(self, theta: Floats, b: float) -> tuple[Floats, float, Floats]:
        """Return d (M + 1,), dᵀHd and Hd (M + 1,)."""
        d = np.concatenate([[b - self._exact.b], theta - self._exact.theta]) - self._exact.theta_low
        at_mean = self._at_mean(theta, b)
        around = np.zeros(len(theta))
        # not a BLAS product, which rounds differently from CPU to CPU
        for j in range(len(theta)):
            around += self._C[:, j] * d[j + 1]
        slope = self._total * at_mean * np.array([1.0, *map(nearest_float, self._means)])
        slope[1:] += around
        return d, self._total * at_mean * at_mean + exact_sum(d[1:] * around), slope

    def _at_mean(self, theta: Floats, b: float) -> float:
        """Return d_b + d_θ·mean, the difference of the predictions at the mean of X: what cancels
        there is exact.
        """
        if not np.isfinite([b, *theta]).all():
            return math.nan
        exact = self._exact
        d = [
            Fraction(value) - Fraction(least) - Fraction(low)
            for value, least, low in zip(
                [b, *theta.tolist()],
                [exact.b, *exact.theta.tolist()],
                exact.theta_low.tolist(),
                strict=True,
            )
        ]
        return nearest_float(
            d[0] + sum((a * mean for a, mean in zip(d[1:], self._means, strict=True)), Fraction(0))
        )
