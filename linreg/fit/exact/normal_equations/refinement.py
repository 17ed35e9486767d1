"""The second pass: the solution again, from the rows in coordinates of the first one.

The second pass reads the rows again in the coordinates q = Wᵀz, with W·Wᵀ = S⁻¹ of the first one,
and the residual r = y − ỹ. The columns of q are orthonormal but for the first pass's errors, so
that the second solution is as good as q and r themselves: 2^-104·κ before they are rounded. For QR
factorizations the method is known as CholeskyQR2 (Y. Yamamoto, Y. Nakatsukasa, Y. Yanagisawa, T.
Fukaya, Electron. Trans. Numer. Anal. 44, 2015).
"""

from decimal import Decimal
from typing import NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.double_double.sum_numpy import axpy, two_sum
from linreg.fit.exact.moment_sums.any_moments import AnyMoments
from linreg.fit.exact.moment_sums.moments import FLOAT64_ROUNDOFF, Moments
from linreg.fit.exact.normal_equations.equations import NormalEquations
from linreg.fit.exact.normal_equations.estimate import Estimate
from linreg.fit.exact.normal_equations.ldl import (
    MIN_COMPILED,
    Vector,
    from_double_double,
    times_power_of_two,
    to_double_double,
)

PRODUCT_ERROR = 2.0**-103
"""The relative error of a term of q and r before they are rounded, in double-double."""


class SecondMoments(NamedTuple):
    """What the second pass has summed up.

    moments       of [1 q r], for the p coordinates q of a row and its residual r; of a design in
                  coordinates and indicators (`level_refinement`) where a category was eliminated
    is_explained  whether rounding explains every residual: the fit is perfect
    """

    moments: AnyMoments
    is_explained: bool


def refined(first: Estimate, second: Moments, equations: NormalEquations) -> Estimate:
    """Return the solution in the coordinates of a first one; to be called in the same context.

    There is no ridge penalty here, which would have to be transformed too.
    """
    projected = NormalEquations(second.gram(), second.totals(), intercept=False, l2=0.0)
    factors = projected.factorize()
    if len(factors.kept) < len(first.columns):
        # The first pass has not found its directions, and its error bounds say so.
        return first
    columns = [1 + i for i in factors.kept]
    gamma, explained = factors.solve(projected.right_side(columns))
    rss = projected.residual_sum_of_squares(columns, gamma, explained)
    # Back from the units of the scaled q and r.
    exponents = projected.exponents
    step = [Decimal(0)] * len(first.beta)
    for j, value in zip(columns, gamma, strict=True):
        step[j - 1] = projected.in_units(value, of=projected.target, per=j)
    rss *= times_power_of_two(1, 2 * int(exponents[-1]))
    correction = np.ldexp(factors.inverse_cholesky(), -exponents[1:-1, None])
    W = _product(first.W, correction)
    changes = _times_vector(first.W, step)
    beta = [value + change for value, change in zip(first.beta, changes, strict=True)]
    return _with_errors_of_the_second_pass(first, beta, W, rss, step, equations)


def _with_errors_of_the_second_pass(
    first: Estimate, beta: Vector, W: Floats, rss: Decimal, step: Vector, equations: NormalEquations
) -> Estimate:
    norms = np.array([equations.roundings[j].norm for j in first.columns])
    upper = np.abs(W[0])
    terms = equations.terms(first.columns, beta).norm
    # Of a coordinate of norm 1, and of the residuals.
    longest = float((upper * norms[:, None]).sum(axis=0).max(initial=0.0))
    of_q = FLOAT64_ROUNDOFF + PRODUCT_ERROR * longest
    residual = float(max(rss, Decimal(0)).sqrt())
    of_r = FLOAT64_ROUNDOFF * residual + PRODUCT_ERROR * terms
    of_step = of_q * (residual + sum(abs(float(value)) for value in step)) + of_r
    return Estimate(
        first.columns,
        beta,
        W,
        rss,
        beta_errors=upper.sum(axis=1) * of_step,
        variance_errors=np.full(len(beta), 2 * len(beta) * of_q),
        rss_error=2 * residual * of_r + of_r * of_r,
    )


def _product(A: Floats, B: Floats) -> Floats:
    """Return A·B for upper triangular matrices, all (2, p, p) in double-double."""
    if A.shape[1] >= MIN_COMPILED:
        from linreg.fit.exact.double_double.ldl_kernels import multiply_upper

        product: Floats = multiply_upper(A, B)
        return product
    hi, lo = np.zeros(B.shape[1:]), np.zeros(B.shape[1:])
    for i in range(len(hi)):
        for k in range(i, len(hi)):
            axpy(hi[i], lo[i], B[0, k], A[0, i, k], A[1, i, k], B[1, k])
    return np.stack(two_sum(hi, lo))


def _times_vector(A: Floats, x: Vector) -> Vector:
    """Return A·x of a matrix (2, p, p) in double-double."""
    hi, lo = np.zeros(len(x)), np.zeros(len(x))
    for k, value in enumerate(x):
        high, low = to_double_double(value)
        axpy(hi, lo, A[0, :, k], high, low, A[1, :, k])
    return [from_double_double(parts) for parts in zip(hi.tolist(), lo.tolist(), strict=True)]
