"""What follows from an estimate, in the units of the data and rounded to float64.

All functions are to be called in the decimal context `ldl.PRECISION`.
"""

import math
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from linreg.arrays import Floats
from linreg.errors import UserError
from linreg.fit.exact.double_double.sum_numpy import sums_of_squares
from linreg.fit.exact.moment_sums.moments import FLOAT64_ROUNDOFF
from linreg.fit.exact.normal_equations.collinearity import TRAINING_ROWS
from linreg.fit.exact.normal_equations.equations import CELL_ROUNDINGS, NormalEquations
from linreg.fit.exact.normal_equations.estimate import Estimate
from linreg.fit.exact.normal_equations.ldl import Vector, from_double_double


def rounding_of_rss(equations: NormalEquations, estimate: Estimate) -> Decimal:
    """Return the largest Σ w(y − ỹ)², scaled, that rounding explains."""
    cells = CELL_ROUNDINGS * equations.terms(estimate.columns, estimate.beta).cells
    return Decimal(cells * cells + estimate.rss_error)


def noise_of(equations: NormalEquations, estimate: Estimate, df: int) -> float:
    """Return √(rss / df), scaled, but not less than what rounding the target does to it."""
    terms = equations.terms(estimate.columns, estimate.beta).norm
    rss = max(float(estimate.rss), 0.0)
    return max(math.sqrt(rss / df) if df else 0.0, FLOAT64_ROUNDOFF * terms)


def square_unit(equations: NormalEquations, value: Decimal) -> Decimal:
    """Return a scaled sum of squares of y in the units of the data."""
    half = equations.in_units(value, of=equations.target)
    return equations.in_units(half, of=equations.target)


def coefficients_of(
    equations: NormalEquations, columns: list[int], beta: Vector, names: Sequence[str]
) -> tuple[Floats, Floats]:
    """Return (b, θ) (M + 1,) rounded to float64, and what that rounded off; 0 for other columns."""
    coefficients = np.zeros(len(names) + 1)
    remainders = np.zeros(len(names) + 1)
    for j, value in zip(columns, beta, strict=True):
        exact = equations.in_units(value, of=equations.target, per=j)
        rounded = to_float(exact, f"the coefficient of {names[j - 1] if j else 'b'}")
        coefficients[j] = rounded
        remainders[j] = float(exact - Decimal(rounded))
    return coefficients, remainders


def standard_errors_of(
    equations: NormalEquations, columns: list[int], W: Floats, sigma: Decimal
) -> list[float]:
    """Return σ·√(A⁻¹)ⱼⱼ of the given columns."""
    errors = []
    for j, parts in zip(columns, sums_of_squares(W).T.tolist(), strict=True):
        root = from_double_double(parts).sqrt()
        errors.append(
            to_float(sigma * equations.in_units(root, of=None, per=j), "a standard error")
        )
    return errors


def to_float(value: Decimal, what: str) -> float:
    """Return a value rounded; raises UserError, with what it is, beyond float64."""
    result = float(value)
    if math.isinf(result):
        raise too_large(what, value)
    return result


def too_large(what: str, value: Decimal | float) -> UserError:
    """Return the error for a result that is beyond float64."""
    return UserError(
        TRAINING_ROWS,
        f"{what} is too large for float64",
        found=f"{value:.6e}",
        todo="change the units of the columns",
    )


def embedded(W: Floats, columns: list[int], size: int) -> Floats:
    """Return W (2, size, size) with the given rows and columns, all others 0."""
    result = np.zeros((2, size, size))
    result[np.ix_([0, 1], columns, columns)] = W
    return result
