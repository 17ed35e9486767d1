"""The path of the coefficients over the size of a penalty, from the moments alone.

With l1 it runs over l1 while l2 stays (H. Zou and T. Hastie, Journal of the Royal Statistical
Society B 67, 2005), from where every coefficient is 0 down to where they hardly shrink; without it,
over l2. Each point starts from the one before it. Coefficients are float64, and
`gap` says how far above its minimum the loss of each point is at most.
"""

import math
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.moment_sums.gram import Gram
from linreg.fit.exact.moment_sums.rounding import nearest_float
from linreg.fit.exact.normal_equations.ldl import PRECISION
from linreg.fit.exact.penalized.correlations import Correlations
from linreg.fit.exact.penalized.penalty import ColumnPenalties, Penalty
from linreg.reductions.exact_sum import exact_sum

PATH_FILE = "path.json"
NUM_POINTS = 100
SHORTEST_LASSO, SHORTEST_WIDE_LASSO = 1e-4, 1e-2
"""The last factor as a part of the first one, as in glmnet; the latter for fewer rows than columns.
"""
RIDGE_RANGE = 1e3
"""By which the penalty of a column is above and below its variance at the ends of a ridge path."""
MOST_COLUMNS = 300
"""Of a design that a path is computed for: longer ones take minutes, and nobody can read them."""
MOST_ROUNDS, SWEEPS_OF_A_ROUND = 200, 50
"""Of coordinate descent, each of which ends with the solution of the equations of its signs."""
ROUNDING = 1e-14
"""Of a gradient, in correlations."""


@dataclass(frozen=True)
class PenaltyPath:
    """Points by falling penalty.

    names     of θ (M,)
    l1, l2    (points,)
    theta, b  (points, M) and (points,), in the units of the data
    df        (points,) effective degrees of freedom of θ, the trace of the map from y to ỹ: with l1
              alone the number of coefficients that are not 0 (R. Tibshirani and J. Taylor, Annals
              of Statistics 40, 2012)
    mse       (points,) (1/n) Σ w(y − ỹ)²
    gap       (points,) a bound of J / J* − 1: the duality gap, or with l2 alone Σ g² / (4·l2·J) of
              the gradient g
    """

    names: tuple[str, ...]
    l1: Floats
    l2: Floats
    theta: Floats
    b: Floats
    df: Floats
    mse: Floats
    gap: Floats

    def as_data(self) -> dict[str, Any]:
        """Return plain data; the coefficients by name, without those that are 0 everywhere.

        What is beyond float64 is None.
        """
        columns = zip(self.names, self.theta.T, strict=True)
        return {
            "theta": {name: values.tolist() for name, values in columns if values.any()},
            "num_columns": len(self.names),
            "num_nonzero": np.count_nonzero(self.theta, axis=1).tolist(),
            **{
                name: [
                    each if math.isfinite(each) else None for each in getattr(self, name).tolist()
                ]
                for name in ("l1", "l2", "b", "df", "mse", "gap")
            },
        }


def penalty_path(
    gram: Gram, names: tuple[str, ...], intercept: bool, penalty: Penalty
) -> PenaltyPath | None:
    """Return the path on which `penalty` lies.

    None without a penalty, for more than MOST_COLUMNS columns, and where no column explains y.
    """
    factors = path_factors(gram, intercept, penalty)
    return None if factors is None else path_of(gram, names, intercept, penalty, factors)


def path_factors(gram: Gram, intercept: bool, penalty: Penalty) -> Floats | None:
    """Return what l1, or else l2, is multiplied by at each point; None as in `penalty_path`."""
    if not (penalty.l1 or penalty.l2) or not 0 < len(gram.exponents) - 2 <= MOST_COLUMNS:
        return None
    problem = Correlations.of(gram, intercept)
    thresholds, squares = problem.scaled(ColumnPenalties(gram, penalty))
    largest, smallest = _ends(problem, thresholds, squares, gram.num_rows)
    if not 0 < smallest < largest < np.inf:
        return None
    return geometric(largest, smallest, NUM_POINTS)


def path_of(
    gram: Gram, names: tuple[str, ...], intercept: bool, penalty: Penalty, factors: Floats
) -> PenaltyPath:
    """Return the path of l1, or else l2, times falling factors (points,)."""
    from linreg.fit.exact.penalized.coordinate_descent import degrees_of_freedom

    problem = Correlations.of(gram, intercept)
    thresholds, squares = problem.scaled(ColumnPenalties(gram, penalty))
    beta = np.zeros(len(names))
    points = []
    for factor in factors.tolist():
        varied = (thresholds * factor, squares if penalty.l1 else squares * factor)
        beta = _point(problem, *varied, beta)
        gap, mse = _gap_and_mse(problem, *varied, beta)
        points.append((beta, gap, mse, degrees_of_freedom(problem.R, varied[1], beta)))
    betas, gaps, errors, df = map(np.array, zip(*points, strict=True))
    of_y = gram.exponents[-1]
    theta = np.ldexp(betas * problem.units, of_y - gram.exponents[1:-1])
    means = np.array([nearest_float(gram.mean(j)) for j in range(1, len(names) + 2)])
    b = np.zeros(len(factors))
    if intercept:
        b = np.array([means[-1] - exact_sum(each * means[:-1]) for each in theta])
    with np.errstate(over="ignore"):
        mse = np.ldexp(errors * problem.of_y * problem.of_y, 2 * of_y) / gram.num_rows
    return PenaltyPath(
        names,
        penalty.l1 * factors,
        penalty.l2 * (np.ones(len(factors)) if penalty.l1 else factors),
        theta,
        b,
        df,
        mse,
        gaps,
    )


def geometric(first: float, last: float, number: int) -> Floats:
    """Return numbers (number,) from first to last in a constant ratio."""
    with localcontext(PRECISION):
        logarithms = [Decimal(first).ln(), Decimal(last).ln()]
        step = (logarithms[1] - logarithms[0]) / (number - 1)
        inside = [float((logarithms[0] + k * step).exp()) for k in range(1, number - 1)]
    return np.array([first, *inside, last])


def _ends(
    problem: Correlations, thresholds: Floats, squares: Floats, num_rows: int
) -> tuple[float, float]:
    """Return the largest and the smallest factor; 1, the penalty itself, is between them."""
    is_known = problem.R.diagonal() > 0
    if not (is_known & (problem.r != 0)).any():
        return 0.0, 0.0
    penalized = is_known & (thresholds > 0)
    if penalized.any():
        # From here on, all coefficients are 0.
        largest = float((np.abs(problem.r[penalized]) / thresholds[penalized]).max())
        is_wide = num_rows < len(thresholds)
        smallest = largest * (SHORTEST_WIDE_LASSO if is_wide else SHORTEST_LASSO)
    else:
        penalized = is_known & (squares > 0)
        if not penalized.any():
            return 0.0, 0.0
        largest = RIDGE_RANGE / float(squares[penalized].min())
        smallest = 1 / (RIDGE_RANGE * float(squares[penalized].max()))
    return max(largest, 1.0), min(smallest, 1.0)


def _point(problem: Correlations, thresholds: Floats, squares: Floats, start: Floats) -> Floats:
    """Return the coefficients (M,) at the minimum, from those of a point nearby."""
    from linreg.fit.exact.penalized.coordinate_descent import descend, solve_support, violation

    R, r, beta = problem.R, problem.r, start.copy()
    if not thresholds.any():
        # All of them, whatever the start.
        solved = solve_support(R, r, thresholds, squares, (R.diagonal() > 0).astype(np.float64))
        return solved if R.any() else beta
    for _ in range(MOST_ROUNDS):
        descend(R, r, thresholds, squares, beta, SWEEPS_OF_A_ROUND)
        solved = solve_support(R, r, thresholds, squares, beta)
        crossing = np.flatnonzero((np.sign(solved) != np.sign(beta)) & (thresholds > 0))
        if len(crossing):
            # Towards the solution, up to the first coefficient that is 0.
            shares = beta[crossing] / (beta[crossing] - solved[crossing])
            beta += shares.min() * (solved - beta)
            beta[crossing[shares == shares.min()]] = 0.0
            continue
        beta = solved
        if violation(R, r, thresholds, squares, beta).max() <= ROUNDING:
            break
    return beta


def _gap_and_mse(
    problem: Correlations, thresholds: Floats, squares: Floats, beta: Floats
) -> tuple[float, float]:
    """Return a bound of the relative excess of the loss, and ‖y − ỹ‖² for a y of length 1."""
    products = np.zeros(len(beta))
    for j in np.flatnonzero(beta).tolist():
        products += problem.R[j] * beta[j]
    explained = exact_sum(problem.r * beta)
    residual = max(1.0 - 2 * explained + exact_sum(products * beta), 0.0)
    ridge = exact_sum(squares * beta * beta)
    loss = residual + ridge + 2 * exact_sum(thresholds * np.abs(beta))
    gradient = problem.r - products - squares * beta
    bounded = thresholds > 0
    excess = 0.0
    if bounded.any():
        # The residuals, shrunk until no column exceeds its threshold, are a point of the dual.
        with np.errstate(divide="ignore"):
            ratios = thresholds[bounded] / np.abs(gradient[bounded])
        shrinkage = min(1.0, float(ratios.min()))
        dual = 2 * shrinkage * (1 - explained) - shrinkage * shrinkage * (residual + ridge)
        excess = max(loss - dual, 0.0)
    free = ~bounded & (squares > 0)
    # What is beyond float64 is no bound, and written as none.
    with np.errstate(over="ignore"):
        excess += exact_sum(np.square(gradient[free]) / squares[free])
    return (excess / loss if loss > 0 else 0.0), residual
