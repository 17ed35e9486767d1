"""Target leakage and collinearity: features that determine the target, or one another."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from linreg.fit.coordinates.scaling import Scaling
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.normal_equations.collinearity import format_linear_combination
from linreg.fit.exact.solver import solve

UNEXPLAINED = Decimal("1e-12")
"""If at most this share of the target's variance is left unexplained, the features determine it.

Sums of cells with a few decimals leave 1e-30, sums that were rounded to six digits 1e-12.
"""
NEARLY_EQUAL = 0.9999
"""A column with a larger correlation is the target in other words, rather than a measurement."""
SMALLEST_CONTRIBUTION = 1e-9
"""Of a column to an exact relation, as a share of the target's standard deviation."""


@dataclass(frozen=True)
class Leakage:
    """What the features of a model with intercept reveal about the target and about one another.

    solution      of least squares, with collinear columns dropped
    relation      the target as a combination of columns, in words, if it is exactly one; else None
    columns       the columns of that relation
    correlations  with the target, by column, of those that are nearly equal to it
    collinear     the relation, in words, by column that is a combination of those before it
    """

    solution: LeastSquares
    relation: str | None
    columns: tuple[str, ...]
    correlations: Mapping[str, float]
    collinear: Mapping[str, str]

    @property
    def r2(self) -> float | None:
        """R² of the solution on its own rows; None for a constant target."""
        if self.solution.tss == 0:
            return None
        return float(1 - _unexplained(self.solution) / self.solution.tss)


def find_leakage(moments: AnyMoments, names: Sequence[str], z_scores: Scaling) -> Leakage:
    """Return the leakage that the moments of [1 X y] show; raises UserError like `solve`."""
    solution = solve(moments, names, intercept=True, collinear="drop")
    relation: str | None = None
    columns: tuple[str, ...] = ()
    is_exact = _unexplained(solution) <= UNEXPLAINED * solution.tss
    if solution.df > 0 and solution.tss > 0 and is_exact:
        terms = _exact_terms(solution, z_scores)
        relation = format_linear_combination(terms)
        columns = tuple(name for name in terms if name)
    nearly_equal = {
        name: correlation
        for name, correlation in zip(names, target_correlations(moments), strict=True)
        if abs(correlation) > NEARLY_EQUAL
    }
    return Leakage(solution, relation, columns, nearly_equal, dict(solution.dropped))


def _unexplained(solution: LeastSquares) -> Decimal:
    """Return the residual sum of squares, or what it is at most where it cannot be told."""
    return solution.rss_bound if solution.rss is None else solution.rss


def target_correlations(moments: AnyMoments) -> list[float]:
    """Return the correlation of each column with the target (M,).

    It is 0 for a constant column, and for the levels of a category that has many.

    It is computed in integers, as centering cancels nearly all digits of a column far from 0; the
    units of the columns do not matter.
    """
    gram = moments.totals().rows
    n = gram[0][0]
    y = len(gram) - 1
    variance_y = gram[y][y] * n - gram[y][0] ** 2
    correlations = []
    for j in range(1, y):
        covariance = gram[y][j] * n - gram[j][0] * gram[y][0]
        variances = (gram[j][j] * n - gram[j][0] ** 2) * variance_y
        # The variance of a constant column may be off 0 by the last digit of the moments.
        r2 = min(1.0, covariance**2 / variances) if variances > 0 else 0.0
        correlations.append(math.sqrt(r2) if covariance >= 0 else -math.sqrt(r2))
    if isinstance(moments, LevelMoments):
        layout = moments.layout
        of_levels = np.zeros(layout.num_features - len(correlations))
        return list(layout.merged(np.array(correlations), of_levels).tolist())
    return correlations


def _exact_terms(solution: LeastSquares, z_scores: Scaling) -> dict[str, float]:
    """Return the coefficients that contribute, the intercept's under ''."""
    smallest = SMALLEST_CONTRIBUTION * z_scores.y_scale
    coefficients = zip(
        solution.names, solution.theta.tolist(), z_scores.x_scale.tolist(), strict=True
    )
    terms = {name: theta for name, theta, scale in coefficients if abs(theta) * scale > smallest}
    size = z_scores.y_scale + sum(
        abs(theta) * abs(mean) for theta, mean in zip(solution.theta, z_scores.x_mean, strict=True)
    )
    has_intercept = abs(solution.b) > SMALLEST_CONTRIBUTION * float(size)
    return ({"": solution.b} if has_intercept else {}) | terms
