"""The training loss as an exact quadratic around its minimum, known from the moments alone.

From it follow how far any θ and b are from convergence, and their mean squared error, without
reading the rows again.
"""

import math

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.moment_sums.elimination import eliminate
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.quadratic_form import Difference, LevelForm, QuadraticForm
from linreg.reductions.exact_sum import exact_sum


class QuadraticLoss:
    """The loss J(θ, b) = (1/n) Σ w(y − ỹ)² + l2·‖θ‖² around its minimum J* at (θ*, b*).

    With d = (b, θ) − (b*, θ*) and H half the Hessian, J = J* + dᵀHd and the gradient is 2Hd.
    """

    def __init__(self, moments: AnyMoments, solution: LeastSquares) -> None:
        self._solution = solution
        self._num_rows = moments.num_rows
        self._form: QuadraticForm | LevelForm
        if isinstance(moments, LevelMoments):
            levels = solution.levels
            if levels and not solution.l2:
                elimination = levels.elimination
            else:
                # That of the solution has its penalty.
                elimination = eliminate(moments, l2=0.0)
            self._form = LevelForm(elimination, solution.l2)
        else:
            self._form = QuadraticForm(moments.gram(), solution.l2)
        penalty = 0.0
        if solution.l2:
            # What overflows is infinite here, and None in every result.
            with np.errstate(over="ignore"):
                penalty = solution.l2 * math.fsum((solution.theta**2).tolist())
        self._rss = float(solution.rss or 0)
        self._minimum = self._rss / moments.num_rows + penalty

    def convergence(self, theta: Floats, b: float) -> dict[str, float | None]:
        """Return three measures of how far (θ (M,), b) is from the minimum.

        gap            J / J* − 1, the relative excess loss; None where J* is 0 or cannot be told
        distance       √ Σ (d / standard error)²; None where there are no standard errors
        gradient_norm  ‖2Hd‖

        Each is None where it is beyond float64.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            d, excess, half_gradient = self._from_minimum(theta, b)
            first = 0 if self._solution.intercept else 1
            half_norm = math.sqrt(exact_sum(np.square(half_gradient[first:])))
            measures = {
                "gap": max(excess, 0.0) / self._minimum if self._minimum > 0 else math.nan,
                "distance": self._distance(d),
                "gradient_norm": 2 * half_norm,
            }
        return {name: value if math.isfinite(value) else None for name, value in measures.items()}

    def mean_squared_error(self, theta: Floats, b: float) -> float | None:
        """Return (1/n) Σ w (y − ỹ)² over the rows of the moments; None beyond float64.

        That is J less the penalty:
        J(θ, b) − l2·‖θ‖² = (J* − l2·‖θ*‖²) + dᵀHd − l2·(θ − θ*)·(θ + θ*).
        """
        solution = self._solution
        with np.errstate(over="ignore", invalid="ignore"):
            d, excess, _ = self._from_minimum(theta, b)
            penalty = (
                solution.l2 * exact_sum(d[1:] * (theta + solution.theta)) if solution.l2 else 0
            )
            mse = self._rss / self._num_rows + excess - penalty
        return max(mse, 0.0) if math.isfinite(mse) else None

    def _distance(self, d: Floats) -> float:
        errors = self._solution.standard_errors
        known = np.isfinite(errors) & (errors > 0)
        return (
            math.sqrt(exact_sum(np.square(d[known] / errors[known]))) if known.any() else math.nan
        )

    def _from_minimum(self, theta: Floats, b: float) -> tuple[Floats, float, Floats]:
        """Return d (M + 1,), dᵀHd and Hd (M + 1,)."""
        solution = self._solution
        difference = Difference(
            np.concatenate([[b], theta]),
            np.concatenate([[solution.b], solution.theta]),
            solution.remainders,
        )
        return difference.rounded, *self._form.product(difference)
