"""Least squares with an elastic net penalty, from the moments alone.

θ and b minimize (1/n) Σ w(y − ỹ)² + l2·Σ (sⱼθⱼ)² + l1·Σ sⱼ|θⱼ| (`Penalty`). Coordinate descent
finds which coefficients are not 0; an active set gives them as the solution of linear equations,
with all digits, and proves by the Karush–Kuhn–Tucker conditions that they are the minimum.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Literal

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.float64_results import (
    coefficients_of,
    embedded,
    noise_of,
    rounding_of_rss,
    square_unit,
    to_float,
)
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.moment_sums.gram import Gram
from linreg.fit.exact.normal_equations.collinearity import collinear_error, describe_dependencies
from linreg.fit.exact.normal_equations.estimate import (
    condition_number,
    first_estimate,
    relative_errors_of,
)
from linreg.fit.exact.normal_equations.ldl import PRECISION
from linreg.fit.exact.penalized.active_set import ActiveSet, Minimum
from linreg.fit.exact.penalized.penalty import ColumnPenalties, Penalty
from linreg.fit.exact.solver import require_enough_rows, with_weight

MOST_SWEEPS = 10_000
"""Of coordinate descent; where columns are nearly collinear, the active set ends sooner."""


@dataclass(frozen=True)
class PenalizedFit:
    """The solution, and what the loss around it needs.

    l1, l2  (M,) the penalties l1·s and l2·s² of each θ in the units of the data
    scores  (M,) (1/n) xᵀ diag(w) r of all columns of X and the residuals r
    """

    solution: LeastSquares
    l1: Floats
    l2: Floats
    scores: Floats


def solve_penalized(
    moments: AnyMoments,
    names: Sequence[str],
    intercept: bool,
    penalty: Penalty,
    collinear: Literal["error", "drop"] = "error",
    start: Floats | None = None,
) -> PenalizedFit:
    """Return the minimum; `names` are those of θ, and `collinear` as for least squares.

    start  θ (M,) near the minimum, in place of coordinate descent

    The columns that count as collinear are those that could have a coefficient at the minimum: it
    is not unique then. One that is dropped is left out as if the formula did not name it. Raises
    UserError like `solve`.
    """
    require_enough_rows(moments, len(names) + intercept, is_penalized=True)
    gram = moments.gram()
    penalties = ColumnPenalties(gram, penalty)
    if start is None:
        scaled = _near_minimum(gram, intercept, penalties)
    else:
        scaled = np.ldexp(start, gram.exponents[1:-1] - gram.exponents[-1])
    with localcontext(PRECISION):
        dropped: dict[str, str] = {}
        excluded: set[int] = set()
        while True:
            minimum = ActiveSet(gram, intercept, penalties, excluded).minimize(scaled.tolist())
            found = _dependencies(gram, intercept, penalties, minimum, names)
            if not found:
                break
            if collinear == "error":
                consequence = ", so that the minimum is not unique"
                remedy = "" if penalty.l2 else ", set train.l2 above 0"
                raise collinear_error(found, with_weight(moments), consequence, remedy)
            dropped |= found
            excluded |= {names.index(name) for name in found}
        solution = _solution(moments, gram, names, minimum, penalty, dropped)
        to_units = [
            _in_units(score, gram, j) / moments.num_rows
            for j, score in enumerate(minimum.scores, start=1)
        ]
    l1, l2 = (np.array(each) for each in penalties.of_theta)
    return PenalizedFit(solution, l1, l2, np.array([float(each) for each in to_units]))


def _near_minimum(gram: Gram, intercept: bool, penalties: ColumnPenalties) -> Floats:
    """Return coefficients (M,) of the scaled columns by coordinate descent."""
    if not any(penalties.thresholds):
        # All of them are in the active set.
        return np.zeros(len(gram.exponents) - 2)
    # numba takes a second to import.
    from linreg.fit.exact.penalized.coordinate_descent import descend
    from linreg.fit.exact.penalized.correlations import Correlations

    problem = Correlations.of(gram, intercept)
    beta = np.zeros(len(problem.r))
    descend(problem.R, problem.r, *problem.scaled(penalties), beta, MOST_SWEEPS)
    return beta * problem.units


def _dependencies(
    gram: Gram, intercept: bool, penalties: ColumnPenalties, minimum: Minimum, names: Sequence[str]
) -> dict[str, str]:
    """Return, by name, the linear dependencies of columns that leave the minimum undetermined."""
    candidates = minimum.equicorrelated
    factors, equations = minimum.factors, minimum.equations
    if [j + 1 for j in candidates] != [j for j in minimum.columns if j]:
        _, equations = ActiveSet(gram, intercept, penalties).equations(candidates, {})
        factors = equations.factorize()
    return describe_dependencies(factors.dependencies, equations, [names[j] for j in candidates])


def _solution(
    moments: AnyMoments,
    gram: Gram,
    names: Sequence[str],
    minimum: Minimum,
    penalty: Penalty,
    dropped: dict[str, str],
) -> LeastSquares:
    """Return the solution; to be called in the decimal context `ldl.PRECISION`."""
    equations, columns, size = minimum.equations, minimum.columns, len(names) + 1
    own_names = [names[j - 1] for j in columns if j]
    intercept = equations.first == 0
    estimate = first_estimate(equations, minimum.factors)
    places = estimate.columns
    df = max(moments.num_weighted - len(columns), 0)
    rounding = rounding_of_rss(equations, estimate)
    rss = estimate.rss if estimate.rss > rounding else None
    sigma = square_unit(equations, rss / df).sqrt() if df and rss is not None else None
    own, own_remainders = coefficients_of(equations, places, estimate.beta, own_names)
    coefficients, remainders = np.zeros(size), np.zeros(size)
    coefficients[columns], remainders[columns] = own[places], own_remainders[places]
    kept = np.array([intercept, *(name not in dropped for name in names)])
    relative_errors = np.where(kept, 0.0, np.nan)
    rss_error = estimate.rss_error / float(estimate.rss) if rss else 0.0
    noise = noise_of(equations, estimate, df)
    relative_errors[columns] = relative_errors_of(estimate, noise, rss_error)
    around_mean = square_unit(equations, equations.total_sum_of_squares(around_mean=True))
    tss = square_unit(equations, equations.total_sum_of_squares(around_mean=intercept))
    return LeastSquares(
        theta=coefficients[1:],
        b=float(coefficients[0]),
        names=tuple(names),
        intercept=intercept,
        l2=penalty.l2,
        num_rows=moments.num_rows,
        rank=len(columns),
        df=df,
        rss=None if rss is None else square_unit(equations, rss),
        rss_bound=square_unit(equations, rounding),
        tss=tss,
        tss_around_mean=around_mean if intercept else None,
        sigma=None if sigma is None else to_float(sigma, "the residual standard deviation"),
        condition=condition_number(equations.gram, estimate, equations),
        dropped=dropped,
        kept=kept,
        inverse_cholesky=embedded(estimate.W, columns, size),
        exponents=gram.exponents,
        remainders=remainders,
        standard_errors=np.full(size, np.nan),
        relative_errors=relative_errors,
        l1=penalty.l1,
        penalty_scale=penalty.scale,
        monomials=moments.layout.monomials,
    )


def _in_units(score: Decimal, gram: Gram, j: int) -> Decimal:
    """Return xᵀ diag(w) r of a scaled column of [1 X y] in the units of the data."""
    return score * Decimal(2) ** int(gram.exponents[j] + gram.exponents[-1])
