"""The solution of the normal equations with bounds of its error.

All is in units of the scaled columns. Entries of the Gram matrix S are known to ε‖zᵢ‖‖zⱼ‖ (ε is
`LDL.error`), and what the solution amplifies of that follows from S⁻¹ by perturbation theory (N.
Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapters 7 and 20). For columns with
the condition number κ that is εκ² of the result.
"""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.moment_sums.gram import Gram
from linreg.fit.exact.normal_equations.equations import NormalEquations
from linreg.fit.exact.normal_equations.ldl import MIN_COMPILED, Factors, Vector


@dataclass(frozen=True)
class Estimate:
    """Coefficients β of p columns of [1 X], the inverse of their Gram matrix, and the residuals.

    columns          of [1 X y]
    beta             (p,)
    W                (2, p, p) with W·Wᵀ = S⁻¹, in double-double; upper triangular but for what
                     `level_refinement` returns
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
