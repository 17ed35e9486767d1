"""The second pass where a category was eliminated.

Coordinates take the place of numeric columns, and indicators stay what they are (`coordinates`). So
the second solution is that of another compact design, in which a category is eliminated again. Its
digits are those of the indicators without any other column: 14, but where rows of tiny weight alone
connect the levels of two categories. Measured: 12 for weights of 1e-16 beside 1, 8 for 1e-20, 4 for
1e-24, where coordinates for the indicators too would leave 14, at n·p²/2 products.
"""

import math
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.double_double.sum_numpy import two_sum
from linreg.fit.exact.moment_sums.elimination import eliminate
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.moment_sums.moments import FLOAT64_ROUNDOFF
from linreg.fit.exact.normal_equations.coordinates import (
    LevelCoordinates,
    Refinement,
    level_coordinates,
    product,
)
from linreg.fit.exact.normal_equations.eliminated_levels import EliminatedLevels, eliminated_levels
from linreg.fit.exact.normal_equations.equations import NormalEquations
from linreg.fit.exact.normal_equations.estimate import Estimate, first_estimate
from linreg.fit.exact.normal_equations.ldl import (
    from_double_double,
    times_power_of_two,
    to_double_double,
)
from linreg.fit.exact.normal_equations.refinement import PRODUCT_ERROR


@dataclass(frozen=True)
class _Step:
    """What the rows in coordinates have of the residuals of a first solution.

    All is in units of a coordinate, of an indicator, and of the first solution's target; arrays are
    by column of [1 R], with coordinates in place of the columns that are no indicators.

    beta          (2, K + 1, 1) the change of the coefficients, in double-double
    beta_errors   (K + 1,) bounds of its errors, but for those of the coordinates and residuals
    level_beta    (2, L), level_errors (L,) likewise
    projections   (2, L, K + 1) of the levels
    sizes         (K + 1,) the norms of the columns, by the square roots of the diagonal of S⁻¹
    rss           the residual sum of squares, with rss_error
    error         the largest error of an entry of S, as a part of the norms of its two columns
    """

    coordinates: LevelCoordinates
    inverse_cholesky: Floats
    means: Floats
    beta: Floats
    beta_errors: Floats
    level_beta: Floats
    level_errors: Floats
    projections: Floats
    sizes: Floats
    rss: Decimal
    rss_error: float
    error: float


def refined_within_levels(
    first: Estimate, levels: EliminatedLevels, second: LevelMoments, equations: NormalEquations
) -> tuple[Estimate, EliminatedLevels]:
    """Return the solution and its eliminated levels, from those of the first pass.

    second  of the rows in coordinates and indicators, and of their residuals

    To be called in the decimal context `ldl.PRECISION`. There is no ridge penalty.
    """
    step = _solve_in_coordinates(first, levels, second)
    if step is None:
        # The first pass has not found its directions, and its error bounds say so.
        return first, levels
    is_dense, of_dense = step.coordinates.is_dense, step.coordinates.of_levels
    columns = first.columns
    changes = _in_columns(step.beta, step, equations)[:, columns, 0].T.tolist()
    beta = [
        value + from_double_double(change)
        for value, change in zip(first.beta, changes, strict=True)
    ]
    W = _in_columns(step.inverse_cholesky, step, equations)[:, columns][:, :, columns]

    # R had a part of the levels in its coordinates.
    high, low = two_sum(levels.beta[0], step.level_beta[0])
    sums = np.stack([high, low + (levels.beta[1] + step.level_beta[1])])[:, :, None]
    level_beta = product(of_dense, -step.beta[:, is_dense], sums)[:, :, 0]
    projections = product(of_dense, step.inverse_cholesky[:, is_dense], step.projections)
    own = levels.own_variances
    refined_levels = replace(
        levels,
        projections=projections,
        beta=level_beta,
        variances=own + np.square(projections[0]).sum(axis=1),
        refinement=Refinement(step.coordinates, step.inverse_cholesky, step.means),
    )
    return _with_errors(
        replace(first, beta=beta, W=W, rss=step.rss), refined_levels, step, equations
    )


def _solve_in_coordinates(
    first: Estimate, levels: EliminatedLevels, second: LevelMoments
) -> _Step | None:
    """Return the solution of the second pass; None if it has fewer columns than the first."""
    elimination = eliminate(second, l2=0.0)
    equations = NormalEquations(elimination.gram, second.totals(), intercept=False, l2=0.0)
    factors = equations.factorize()
    columns = first.columns
    if factors.kept != columns:
        return None
    found = first_estimate(equations, factors)
    of_levels = eliminated_levels(elimination, found, factors.error)

    exponents, exponent = equations.exponents[1:-1], int(equations.exponents[-1])
    size = len(exponents)
    beta, beta_errors, W = np.zeros((2, size, 1)), np.zeros(size), np.zeros((2, size, size))
    beta[:, columns, 0] = np.transpose([to_double_double(value) for value in found.beta])
    beta_errors[columns] = found.beta_errors
    W[np.ix_([0, 1], columns, columns)] = found.W
    is_dense = second.layout.is_dense[elimination.rest]
    return _Step(
        level_coordinates(columns, first.W, is_dense, levels.means),
        np.ldexp(W, -exponents[:, None]),
        np.ldexp(of_levels.means[:, :, 1:], exponents),
        np.ldexp(beta, exponent - exponents[:, None]),
        np.ldexp(beta_errors, exponent - exponents),
        np.ldexp(of_levels.beta, exponent),
        np.ldexp(of_levels.beta_errors, exponent),
        of_levels.projections[:, :, 1:],
        elimination.gram.norms[1:-1] * np.sqrt(np.square(W[0]).sum(axis=1)),
        found.rss * times_power_of_two(1, 2 * exponent),
        math.ldexp(found.rss_error, 2 * exponent),
        factors.error,
    )


def _in_columns(values: Floats, step: _Step, equations: NormalEquations) -> Floats:
    """Return numbers (2, K + 1, …) of coordinates and indicators as those of the scaled columns."""
    is_dense = step.coordinates.is_dense
    of_indicators = np.where(is_dense[:, None], 0.0, values)
    scaled = np.ldexp(of_indicators, equations.exponents[:-1, None])
    return product(step.coordinates.of_rest, values[:, is_dense], scaled)


def _with_errors(
    estimate: Estimate, levels: EliminatedLevels, step: _Step, equations: NormalEquations
) -> tuple[Estimate, EliminatedLevels]:
    """Return the solution with bounds of its errors, as `refinement` has them."""
    is_dense, of_dense = step.coordinates.is_dense, np.abs(step.coordinates.of_levels[0])
    V, W = np.abs(step.coordinates.of_rest[0]), step.inverse_cholesky[0]
    # Of a coordinate of norm 1, to which the levels contribute as much; and of the residuals.
    norms = levels.elimination.gram.norms[:-1, None]
    longest = 2 * float((V * norms).sum(axis=0).max(initial=0.0))
    of_q = FLOAT64_ROUNDOFF + PRODUCT_ERROR * longest
    residual = float(max(step.rss, Decimal(0)).sqrt())
    terms = equations.terms(estimate.columns, estimate.beta).norm
    terms += float(np.sqrt((levels.weights * np.square(levels.beta[0])).sum()))
    of_r = FLOAT64_ROUNDOFF * residual + PRODUCT_ERROR * terms

    of_step = of_q * float(np.abs(step.beta[0, is_dense]).sum()) + of_r
    errors = step.beta_errors + np.sqrt(np.square(W).sum(axis=1)) * of_step
    for row in W[is_dense]:
        errors += np.abs((W * row).sum(axis=1)) * (of_q * residual)
    beta_errors = (V * errors[is_dense]).sum(axis=1)
    beta_errors += np.where(is_dense, 0.0, np.ldexp(errors, equations.exponents[:-1]))
    level_errors = step.level_errors + np.sqrt(levels.own_variances) * of_step
    level_errors += (np.abs(step.means[0]) * errors).sum(axis=1)
    level_errors += (of_dense * errors[is_dense]).sum(axis=1)
    sizes = step.sizes
    of_variances = step.error * float(sizes.sum()) ** 2 + 2 * of_q * float(sizes[is_dense].sum())
    return (
        replace(
            estimate,
            beta_errors=beta_errors[estimate.columns],
            variance_errors=np.full(len(estimate.beta), of_variances),
            rss_error=2 * residual * of_r + of_r * of_r + step.rss_error,
        ),
        replace(
            levels,
            beta_errors=level_errors,
            variance_errors=np.full(len(level_errors), of_variances),
        ),
    )
