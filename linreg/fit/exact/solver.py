"""Least squares: θ and b that minimize (1/n) Σ w(y − ỹ)² + l2·‖θ‖², from the moments alone."""

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.errors import UserError
from linreg.fit.exact.float64_results import (
    coefficients_of,
    embedded,
    noise_of,
    rounding_of_rss,
    square_unit,
    standard_errors_of,
    to_float,
    too_large,
)
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.moment_sums.elimination import eliminate
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.normal_equations.collinearity import (
    TRAINING_ROWS,
    ZERO,
    collinear_error,
    describe_dependencies,
    describe_levels,
    weightless_error,
    without_absorbed,
)
from linreg.fit.exact.normal_equations.eliminated_levels import EliminatedLevels, eliminated_levels
from linreg.fit.exact.normal_equations.equations import NormalEquations
from linreg.fit.exact.normal_equations.estimate import (
    Estimate,
    condition_number,
    first_estimate,
    relative_errors_of,
)
from linreg.fit.exact.normal_equations.ldl import PRECISION, from_double_double
from linreg.fit.exact.normal_equations.level_refinement import refined_within_levels
from linreg.fit.exact.normal_equations.refinement import SecondMoments, refined


def solve(
    moments: AnyMoments,
    names: Sequence[str],
    intercept: bool,
    l2: float = 0.0,
    collinear: Literal["error", "drop"] = "error",
    second: SecondMoments | None = None,
) -> LeastSquares:
    """Return the least squares solution; `names` are those of θ.

    l2 has the meaning of `weight_decay = 2·l2` on θ in SGD on the mean squared error. `second` is
    what a second pass over the rows has found, for the solution without it. Raises UserError for
    fewer rows than coefficients, for collinear columns (unless they are to be dropped, or are those
    of absorbed factors), and for results that are too large for float64.
    """
    absorbed = moments.layout.absorbed
    factor_of = {name: factor.name for factor in absorbed for name in names[factor.columns]}
    num_coefficients = len(names) - len(factor_of) + intercept
    require_enough_rows(moments, num_coefficients, is_penalized=l2 > 0)
    elimination, of_rest = None, list(names)
    if isinstance(moments, LevelMoments):
        elimination = eliminate(moments, l2)
        of_rest = [names[j] for j in elimination.rest.tolist()]
        gram = elimination.gram
    else:
        gram = moments.gram()
    with localcontext(PRECISION):
        equations = NormalEquations(gram, moments.totals(), intercept, l2)
        factors = equations.factorize()
        dependencies = factors.dependencies
        dropped = describe_dependencies(dependencies, equations, of_rest, factor_of)
        if elimination:
            of_levels = (dropped, dependencies, equations, elimination, names, factor_of)
            dropped = without_absorbed(dropped | describe_levels(*of_levels), factor_of)
        if dropped and collinear == "error":
            weightless = [
                name
                for name, is_nonzero in zip(names, moments.is_nonzero.tolist(), strict=True)
                if is_nonzero and dropped.get(name) == ZERO
            ]
            if weightless:
                raise weightless_error(weightless)
            raise collinear_error(dropped, with_weight(moments))

        has_constant = equations.has_constant(factors)
        around_mean = equations.total_sum_of_squares(around_mean=True)
        estimate = first = first_estimate(equations, factors)
        levels = eliminated_levels(elimination, first, factors.error) if elimination else None
        if second and levels:
            assert isinstance(second.moments, LevelMoments)
            estimate, levels = refined_within_levels(first, levels, second.moments, equations)
        elif second:
            assert isinstance(second.moments, Moments)
            estimate = refined(first, second.moments, equations)
        columns = estimate.columns
        rank = len(columns)
        if levels:
            rank += int(levels.kept.sum())
            estimate = replace(estimate, rss=estimate.rss - levels.penalty(moments.num_rows, l2))
        df = max(moments.num_weighted - rank, 0)
        rss = _residual_sum_of_squares(equations, estimate, df, l2, second)
        sigma = square_unit(equations, rss / df).sqrt() if df and rss is not None else None
        coefficients, remainders = coefficients_of(equations, columns, estimate.beta, of_rest)
        size = len(of_rest) + 1
        tss = equations.total_sum_of_squares(around_mean=intercept or bool(absorbed))
        tss_within = None
        if absorbed:
            tss_within = _sum_of_squares_within(moments, equations, estimate, first)
        standard_errors = np.full(size, np.nan)
        if sigma is not None and l2 == 0:
            standard_errors[columns] = standard_errors_of(equations, columns, estimate.W, sigma)
        relative_errors = np.full(size, np.nan)
        noise = noise_of(equations, estimate, df)
        rss_error = estimate.rss_error / float(estimate.rss) if rss else 0.0
        relative_errors[columns] = relative_errors_of(estimate, noise, rss_error)
        solution = LeastSquares(
            theta=coefficients[1:],
            b=float(coefficients[0]),
            names=tuple(of_rest),
            intercept=intercept,
            l2=l2,
            num_rows=moments.num_rows,
            rank=rank,
            df=df,
            rss=None if rss is None else square_unit(equations, rss),
            rss_bound=square_unit(equations, rounding_of_rss(equations, estimate)),
            tss=square_unit(equations, tss),
            tss_around_mean=square_unit(equations, around_mean) if has_constant else None,
            sigma=None if sigma is None else to_float(sigma, "the residual standard deviation"),
            condition=condition_number(gram, first, equations),
            dropped=dropped,
            kept=np.isin(np.arange(size), columns),
            inverse_cholesky=embedded(estimate.W, columns, size),
            exponents=equations.exponents,
            remainders=remainders,
            standard_errors=standard_errors,
            relative_errors=relative_errors,
            absorbed=absorbed,
            tss_within=None if tss_within is None else square_unit(equations, tss_within),
            monomials=moments.layout.monomials,
        )
        if not levels:
            return solution
        return _with_levels(solution, levels, names, levels.relative_errors(noise, rss_error))


def _with_levels(
    solution: LeastSquares, levels: EliminatedLevels, names: Sequence[str], relative_errors: Floats
) -> LeastSquares:
    """Return the solution for all columns, from that for those that are no eliminated levels."""
    exponent = int(solution.exponents[-1])
    with np.errstate(over="ignore"):
        beta, remainders = np.ldexp(levels.beta, exponent)
    if not np.isfinite(beta).all():
        level = int(np.flatnonzero(~np.isfinite(beta))[0])
        name = names[int(levels.columns[level])]
        raise too_large(f"the coefficient of {name}", float(levels.beta[0, level]))
    has_errors = solution.sigma is not None and solution.l2 == 0
    sigma = solution.sigma if has_errors and not levels.is_joint else math.nan
    standard_errors = np.where(levels.kept, sigma * np.sqrt(levels.variances), math.nan)

    def merged(of_rest: NDArray[Any], of_levels: NDArray[Any] | int) -> NDArray[Any]:
        """Return the numbers of (b, θ), and of y if there is one, in the order of all columns."""
        result = np.empty(len(of_rest) + len(levels.columns), of_rest.dtype)
        is_level = np.zeros(len(result), np.bool_)
        is_level[1:][levels.columns] = True
        result[is_level], result[~is_level] = of_levels, of_rest
        return result

    coefficients = np.concatenate([[solution.b], solution.theta])
    return replace(
        solution,
        theta=merged(coefficients, np.where(levels.kept, beta, 0.0))[1:],
        names=tuple(names),
        kept=merged(solution.kept, levels.kept),
        exponents=merged(solution.exponents, 0),
        remainders=merged(solution.remainders, remainders),
        standard_errors=merged(solution.standard_errors, standard_errors),
        relative_errors=merged(solution.relative_errors, relative_errors),
        levels=levels,
    )


def _sum_of_squares_within(
    moments: AnyMoments, equations: NormalEquations, estimate: Estimate, first: Estimate
) -> Decimal:
    """Return the residual sum of squares of y on absorbed factors alone, scaled; 0 for rounding.

    It is Σ w(y − ỹ)² and what the other columns explain of y beyond the factors before them, which
    are the last entries of Wᵀ·Zᵀ diag(w) y, squared.
    """
    eliminated = len(moments.layout.eliminated_columns)
    # Column 0 is that of ones, which the factors span.
    num_before = sum(j <= moments.layout.num_absorbed - eliminated for j in first.columns)
    products = equations.right_side(first.columns)
    explained = Decimal(0)
    for j in range(num_before, len(first.columns)):
        column = map(from_double_double, first.W[:, : j + 1, j].T.tolist())
        entry = sum((w * s for w, s in zip(column, products, strict=False)), Decimal(0))
        explained += entry * entry
    total = max(estimate.rss, Decimal(0)) + explained
    return total if total > rounding_of_rss(equations, estimate) else Decimal(0)


def _residual_sum_of_squares(
    equations: NormalEquations, estimate: Estimate, df: int, l2: float, second: SecondMoments | None
) -> Decimal | None:
    """Return Σ w(y − ỹ)², scaled; 0 for a perfect fit, None where it cannot be told."""
    if df == 0 and not l2:
        return Decimal(0)
    if estimate.rss > rounding_of_rss(equations, estimate):
        return estimate.rss
    return Decimal(0) if second and second.is_explained else None


def require_enough_rows(moments: AnyMoments, num_coefficients: int, *, is_penalized: bool) -> None:
    """Raise UserError for no weighted row, or fewer than coefficients without a penalty."""
    if moments.num_rows and not moments.num_weighted:
        raise UserError(
            f"{TRAINING_ROWS}: model.weights",
            "are all zero",
            todo="name a column with weights above 0",
        )
    if moments.num_weighted == 0 or (moments.num_weighted < num_coefficients and not is_penalized):
        raise UserError(
            TRAINING_ROWS,
            "must be at least as many as the coefficients",
            found=f"{moments.num_weighted} rows{with_weight(moments)} for {num_coefficients} "
            "coefficients",
            todo="add rows, name fewer columns in model.formula, or set train.l2",
        )


def with_weight(moments: AnyMoments) -> str:
    """Return words for the rows that count, behind a noun; none where all rows do."""
    # Frequencies may add up to more than the rows, of which it is not known if some have weight 0.
    return " with a weight above 0" if moments.num_weighted < moments.num_rows else ""
