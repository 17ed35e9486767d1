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
from linreg.fit.exact.double_double.sum_numpy import sums_of_squares
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.elimination import eliminate
from linreg.fit.exact.moment_sums.level_moments import AnyMoments, LevelMoments
from linreg.fit.exact.moment_sums.moments import FLOAT64_ROUNDOFF, Moments
from linreg.fit.exact.normal_equations.collinearity import (
    TRAINING_ROWS,
    collinear_error,
    describe_dependencies,
    describe_levels,
    without_absorbed,
)
from linreg.fit.exact.normal_equations.eliminated_levels import EliminatedLevels, eliminated_levels
from linreg.fit.exact.normal_equations.equations import CELL_ROUNDINGS, NormalEquations
from linreg.fit.exact.normal_equations.estimate import (
    Estimate,
    condition_number,
    first_estimate,
    relative_errors_of,
)
from linreg.fit.exact.normal_equations.ldl import PRECISION, Vector, from_double_double
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
    _require_enough_rows(moments, len(names) - len(factor_of) + intercept, l2)
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
            raise collinear_error(dropped)

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
        sigma = _square_unit(equations, rss / df).sqrt() if df and rss is not None else None
        coefficients, remainders = _coefficients(equations, columns, estimate.beta, of_rest)
        size = len(of_rest) + 1
        tss = equations.total_sum_of_squares(around_mean=intercept or bool(absorbed))
        tss_within = None
        if absorbed:
            tss_within = _sum_of_squares_within(moments, equations, estimate, first)
        standard_errors = np.full(size, np.nan)
        if sigma is not None and l2 == 0:
            standard_errors[columns] = _standard_errors(equations, columns, estimate.W, sigma)
        relative_errors = np.full(size, np.nan)
        noise = _noise(equations, estimate, df)
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
            rss=None if rss is None else _square_unit(equations, rss),
            rss_bound=_square_unit(equations, _rounding_of_rss(equations, estimate)),
            tss=_square_unit(equations, tss),
            tss_around_mean=_square_unit(equations, around_mean) if has_constant else None,
            sigma=None if sigma is None else _to_float(sigma, "the residual standard deviation"),
            condition=condition_number(gram, first, equations),
            dropped=dropped,
            kept=np.isin(np.arange(size), columns),
            inverse_cholesky=_embedded(estimate.W, columns, size),
            exponents=equations.exponents,
            remainders=remainders,
            standard_errors=standard_errors,
            relative_errors=relative_errors,
            absorbed=absorbed,
            tss_within=None if tss_within is None else _square_unit(equations, tss_within),
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
        j = levels.category.first + int(np.flatnonzero(~np.isfinite(beta))[0])
        raise _too_large(f"the coefficient of {names[j]}", float(levels.beta[0, j]))
    has_errors = solution.sigma is not None and solution.l2 == 0
    sigma = solution.sigma if has_errors else math.nan
    standard_errors = np.where(levels.kept, sigma * np.sqrt(levels.variances), math.nan)

    def merged(of_rest: NDArray[Any], of_levels: NDArray[Any] | int) -> NDArray[Any]:
        """Return the numbers of (b, θ), and of y if there is one, in the order of all columns."""
        result = np.empty(len(of_rest) + levels.category.size, of_rest.dtype)
        is_level = np.zeros(len(result), np.bool_)
        is_level[1:][levels.category.columns] = True
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
    eliminated = moments.layout.categories[moments.layout.eliminated].size
    # Column 0 is that of ones, which the factors span.
    num_before = sum(j <= moments.layout.num_absorbed - eliminated for j in first.columns)
    products = equations.right_side(first.columns)
    explained = Decimal(0)
    for j in range(num_before, len(first.columns)):
        column = map(from_double_double, first.W[:, : j + 1, j].T.tolist())
        entry = sum((w * s for w, s in zip(column, products, strict=False)), Decimal(0))
        explained += entry * entry
    total = max(estimate.rss, Decimal(0)) + explained
    return total if total > _rounding_of_rss(equations, estimate) else Decimal(0)


def _residual_sum_of_squares(
    equations: NormalEquations, estimate: Estimate, df: int, l2: float, second: SecondMoments | None
) -> Decimal | None:
    """Return Σ w(y − ỹ)², scaled; 0 for a perfect fit, None where it cannot be told."""
    if df == 0 and not l2:
        return Decimal(0)
    if estimate.rss > _rounding_of_rss(equations, estimate):
        return estimate.rss
    return Decimal(0) if second and second.is_explained else None


def _rounding_of_rss(equations: NormalEquations, estimate: Estimate) -> Decimal:
    """Return the largest Σ w(y − ỹ)², scaled, that rounding explains."""
    cells = CELL_ROUNDINGS * equations.terms(estimate.columns, estimate.beta).cells
    return Decimal(cells * cells + estimate.rss_error)


def _noise(equations: NormalEquations, estimate: Estimate, df: int) -> float:
    """Return √(rss / df), scaled, but not less than what rounding the target does to it."""
    terms = equations.terms(estimate.columns, estimate.beta).norm
    rss = max(float(estimate.rss), 0.0)
    return max(math.sqrt(rss / df) if df else 0.0, FLOAT64_ROUNDOFF * terms)


def _require_enough_rows(moments: AnyMoments, num_coefficients: int, l2: float) -> None:
    if moments.num_rows and not moments.num_weighted:
        raise UserError(
            f"{TRAINING_ROWS}: model.weights",
            "are all zero",
            todo="name a column with weights above 0",
        )
    if moments.num_weighted == 0 or (moments.num_weighted < num_coefficients and l2 == 0):
        weighted = " with a weight above 0" if moments.num_weighted < moments.num_rows else ""
        raise UserError(
            TRAINING_ROWS,
            "must be at least as many as the coefficients",
            found=f"{moments.num_weighted} rows{weighted} for {num_coefficients} coefficients",
            todo="add rows, name fewer columns in model.formula, or set train.l2",
        )


def _square_unit(equations: NormalEquations, value: Decimal) -> Decimal:
    """Return a scaled sum of squares of y in the units of the data."""
    half = equations.in_units(value, of=equations.target)
    return equations.in_units(half, of=equations.target)


def _coefficients(
    equations: NormalEquations, columns: list[int], beta: Vector, names: Sequence[str]
) -> tuple[Floats, Floats]:
    """Return (b, θ) (M + 1,) rounded to float64, and what that rounded off; 0 for other columns."""
    coefficients = np.zeros(len(names) + 1)
    remainders = np.zeros(len(names) + 1)
    for j, value in zip(columns, beta, strict=True):
        exact = equations.in_units(value, of=equations.target, per=j)
        rounded = _to_float(exact, f"the coefficient of {names[j - 1] if j else 'b'}")
        coefficients[j] = rounded
        remainders[j] = float(exact - Decimal(rounded))
    return coefficients, remainders


def _standard_errors(
    equations: NormalEquations, columns: list[int], W: Floats, sigma: Decimal
) -> list[float]:
    """Return σ·√(A⁻¹)ⱼⱼ of the given columns."""
    errors = []
    for j, parts in zip(columns, sums_of_squares(W).T.tolist(), strict=True):
        root = from_double_double(parts).sqrt()
        errors.append(
            _to_float(sigma * equations.in_units(root, of=None, per=j), "a standard error")
        )
    return errors


def _to_float(value: Decimal, what: str) -> float:
    result = float(value)
    if math.isinf(result):
        raise _too_large(what, value)
    return result


def _too_large(what: str, value: Decimal | float) -> UserError:
    return UserError(
        TRAINING_ROWS,
        f"{what} is too large for float64",
        found=f"{value:.6e}",
        todo="change the units of the columns",
    )


def _embedded(W: Floats, columns: list[int], size: int) -> Floats:
    """Return W (2, size, size) with the given rows and columns, all others 0."""
    result = np.zeros((2, size, size))
    result[np.ix_([0, 1], columns, columns)] = W
    return result
