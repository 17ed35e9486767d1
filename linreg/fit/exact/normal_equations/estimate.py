"""The solution of the normal equations with bounds of its error, and its second pass.

All is in units of the scaled columns. Entries of the Gram matrix S are known to ε‖zᵢ‖‖zⱼ‖ (ε is
`LDL.error`), and what the solution amplifies of that follows from S⁻¹ by perturbation theory (N.
Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapters 7 and 20). For columns with
the condition number κ that is εκ² of the result.

The second pass reads the rows again in the coordinates q = Wᵀz, with W·Wᵀ = S⁻¹ of the first one,
and the residual r = y − ỹ. The columns of q are orthonormal but for the first pass's errors, so
that the second solution is as good as q and r themselves: 2^-104·κ before they are rounded. For QR
factorizations the method is known as CholeskyQR2 (Y. Yamamoto, Y. Nakatsukasa, Y. Yanagisawa, T.
Fukaya, Electron. Trans. Numer. Anal. 44, 2015).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.double_double.sum_numpy import axpy, two_sum
from linreg.fit.exact.moment_sums.gram import Gram
from linreg.fit.exact.moment_sums.moments import FLOAT64_ROUNDOFF, Moments
from linreg.fit.exact.normal_equations.equations import NormalEquations
from linreg.fit.exact.normal_equations.ldl import (
    MIN_COMPILED,
    Factors,
    Vector,
    from_double_double,
    times_power_of_two,
    to_double_double,
)

PRODUCT_ERROR = 2.0**-103
"""The relative error of a term of q and r before they are rounded, in double-double."""


class SecondMoments(NamedTuple):
    """What the second pass has summed up.

    moments       of [1 q r], for the p coordinates q of a row and its residual r
    is_explained  whether rounding explains every residual: the fit is perfect
    """

    moments: Moments
    is_explained: bool


@dataclass(frozen=True)
class Estimate:
    """Coefficients β of p columns of [1 X], the inverse of their Gram matrix, and the residuals.

    columns          of [1 X y]
    beta             (p,)
    W                (2, p, p) the upper triangular W with W·Wᵀ = S⁻¹, in double-double
    rss              Σ w(y − ỹ)²
    beta_errors      (p,) bounds of |error of β|
    variance_errors  (p,) bounds of the relative errors of the diagonal of S⁻¹
    rss_error        bound of |error of rss|
    """

    columns: list[int]
    beta: Vector
    W: Floats
    rss: Decimal
    beta_errors: Floats
    variance_errors: Floats
    rss_error: float


def first_estimate(equations: NormalEquations, factors: Factors) -> Estimate:
    """Solve the normal equations; to be called in the decimal context `ldl.PRECISION`."""
    columns = [equations.first + i for i in factors.kept]
    beta, explained = factors.solve(equations.right_side(columns))
    W = factors.inverse_cholesky()
    terms = equations.terms(columns, beta).norm
    norms = np.array([equations.roundings[j].norm for j in columns])
    inverse = times_transposed(W[0])
    with np.errstate(over="ignore", invalid="ignore"):
        amplification = (np.abs(inverse) * norms).sum(axis=1)
        beta_errors = factors.error * amplification * terms
        variances = ratio(amplification * amplification, np.diag(inverse))
    return Estimate(
        columns,
        beta,
        W,
        equations.residual_sum_of_squares(columns, beta, explained),
        beta_errors=beta_errors,
        variance_errors=factors.error * variances,
        rss_error=factors.error * terms * terms,
    )


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


def relative_errors_of(estimate: Estimate, noise: float, rss_error: float) -> Floats:
    """Return bounds of the relative errors of coefficients and standard errors, the larger ones.

    The error of a coefficient counts as a part of the coefficient or its standard error, whichever
    is larger.

    rss_error  the relative error of rss; 0 where there are no standard errors
    """
    beta = np.array([abs(float(value)) for value in estimate.beta])
    with np.errstate(over="ignore"):
        lengths = np.sqrt(np.square(estimate.W[0]).sum(axis=1))
    of_coefficients = ratio(estimate.beta_errors, np.maximum(beta, lengths * noise))
    errors: Floats = np.maximum(of_coefficients, (estimate.variance_errors + rss_error) / 2)
    return errors


def condition_number(gram: Gram, first: Estimate, equations: NormalEquations) -> float | None:
    """Return ‖S‖₁·‖S⁻¹‖₁ in float64, as it is its order of magnitude that matters."""
    columns = first.columns
    kept_gram = gram.double_doubles[0][np.ix_(columns, columns)]
    kept_gram += np.diag([float(equations.penalties[j]) for j in columns])
    norms = np.sqrt(np.diag(kept_gram))
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = kept_gram / (norms[:, None] * norms)
        inverse = times_transposed(first.W[0] * norms[:, None])
        condition = float(_one_norm(scaled) * _one_norm(inverse))
    return condition if np.isfinite(condition) else None


def _one_norm(S: Floats) -> float:
    return float(np.abs(S).sum(axis=1).max(initial=0.0))


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


def ratio(errors: Floats, sizes: Floats) -> Floats:
    """Return errors / sizes (n,): 0 for no error, infinite for one of nothing or beyond float64."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found = errors / sizes
    return np.where(errors == 0, 0.0, np.where(np.isnan(found), np.inf, found))


def times_transposed(W: Floats) -> Floats:
    """Return W·Wᵀ of an upper triangular W (p, p) without BLAS, as it is the same on every CPU."""
    if len(W) < MIN_COMPILED:
        return np.array([(W * row).sum(axis=1) for row in W]).reshape(W.shape)
    from linreg.fit.exact.double_double import ldl_kernels

    product: Floats = ldl_kernels.times_transposed(W)
    return product
