"""The training loss with an elastic net penalty around its minimum, from the moments alone."""

import math

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.elastic_net import PenalizedFit
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.moment_sums.elimination import eliminate
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.quadratic_form import Difference, LevelForm, QuadraticForm
from linreg.reductions.exact_sum import exact_sum


class PenalizedLoss:
    """J(θ, b) = (1/n) Σ w(y − ỹ)² + Σ l2ⱼθⱼ² + Σ l1ⱼ|θⱼ| around its minimum J* at (θ*, b*).

    At the minimum 0 is a subgradient: 2·qⱼ = l1ⱼ·vⱼ for qⱼ = (1/n) xⱼᵀ diag(w) r − l2ⱼθ*ⱼ, with vⱼ
    the sign of θ*ⱼ, or from −1 to 1 where that is 0. So with d = (b, θ) − (b*, θ*) and H half the
    Hessian of the mean squared error

        J = J* + dᵀHd + Σ l2ⱼdⱼ² + Σ l1ⱼ(|θⱼ| − vⱼθⱼ),

    in which no term is negative.
    """

    def __init__(self, moments: AnyMoments, fit: PenalizedFit) -> None:
        self._fit, self._num_rows = fit, moments.num_rows
        self._form: QuadraticForm | LevelForm
        if isinstance(moments, LevelMoments):
            self._form = LevelForm(eliminate(moments, l2=0.0), l2=0.0)
        else:
            self._form = QuadraticForm(moments.gram(), l2=0.0)
        theta = fit.solution.theta
        # What overflows is infinite here, and None in every result.
        with np.errstate(over="ignore", invalid="ignore"):
            self._subgradient = np.where(
                theta, fit.l1 * np.sign(theta), 2 * (fit.scores - fit.l2 * theta)
            )
            penalty = exact_sum(fit.l2 * np.square(theta)) + exact_sum(fit.l1 * np.abs(theta))
        self._mse = float(fit.solution.rss or 0) / moments.num_rows
        self._minimum = self._mse + penalty

    def convergence(self, theta: Floats, b: float) -> dict[str, float | None]:
        """Return measures of how far (θ (M,), b) is from the minimum, as `QuadraticLoss` does.

        gap            J / J* − 1, the relative excess loss; None where J* is 0 or cannot be told
        distance       None: there are no standard errors
        gradient_norm  the length of the shortest subgradient

        Each is None where it is beyond float64.
        """
        fit = self._fit
        with np.errstate(over="ignore", invalid="ignore"):
            d, excess, half_gradient = self._from_minimum(theta, b)
            excess += exact_sum(fit.l2 * np.square(d[1:]))
            of_l1 = np.where(
                np.sign(theta) == np.sign(fit.solution.theta),
                0.0,
                fit.l1 * np.abs(theta) - self._subgradient * theta,
            )
            excess += exact_sum(np.maximum(of_l1, 0.0))
            smooth = 2 * half_gradient
            smooth[1:] += 2 * fit.l2 * d[1:] - self._subgradient
            at_zero = np.sign(smooth[1:]) * np.maximum(np.abs(smooth[1:]) - fit.l1, 0.0)
            smooth[1:] = np.where(theta, smooth[1:] + fit.l1 * np.sign(theta), at_zero)
            first = 0 if fit.solution.intercept else 1
            measures = {
                "gap": max(excess, 0.0) / self._minimum if self._minimum > 0 else math.nan,
                "distance": math.nan,
                "gradient_norm": math.sqrt(exact_sum(np.square(smooth[first:]))),
            }
        return {name: value if math.isfinite(value) else None for name, value in measures.items()}

    def mean_squared_error(self, theta: Floats, b: float) -> float | None:
        """Return (1/n) Σ w (y − ỹ)² over the rows of the moments; None beyond float64.

        Its gradient at the minimum is −2·(1/n) Xᵀ diag(w) r, as the penalty holds against it.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            d, excess, _ = self._from_minimum(theta, b)
            mse = self._mse + excess - 2 * exact_sum(self._fit.scores * d[1:])
        return max(mse, 0.0) if math.isfinite(mse) else None

    def _from_minimum(self, theta: Floats, b: float) -> tuple[Floats, float, Floats]:
        """Return d (M + 1,), dᵀHd and Hd (M + 1,)."""
        solution = self._fit.solution
        difference = Difference(
            np.concatenate([[b], theta]),
            np.concatenate([[solution.b], solution.theta]),
            solution.remainders,
        )
        return difference.rounded, *self._form.product(difference)
