"""Least squares: θ and b that minimize (1/n) Σ w(y − ỹ)² + l2·‖θ‖², from the moments alone."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask
from linreg.errors import UserError
from linreg.fit.exact.collinearity import TRAINING_ROWS, collinear_error, describe_dependencies
from linreg.fit.exact.ldl import LDL, PRECISION, Vector, factorize, to_double_double
from linreg.fit.exact.moments import Moments
from linreg.fit.exact.normal_equations import NormalEquations


@dataclass(frozen=True)
class LeastSquares:
    """The least squares solution, and what inference needs of it.

    Vectors over (b, θ) have M + 1 entries, with or without an intercept.

    theta             θ (M,) float64, each the one nearest to the exact solution; 0 if dropped
    b                 the intercept, 0 without
    names             of θ (M,)
    intercept         whether there is one
    l2                the ridge penalty
    num_rows          n, weight 0 included
    rank              of the design matrix: the number of coefficients that are not dropped
    df                residual degrees of freedom: rows with a weight above 0, less the rank
    rss               residual sum of squares Σ w(y − ỹ)², to 60 digits; exactly 0 where it is less
                      than rounding the cells to float64 explains
    tss               total sum of squares: Σ w(y − ȳ)² with intercept, Σ w y² without
    sigma             √(rss / df), the residual standard deviation; None when df is 0
    condition         condition number ‖S‖₁·‖S⁻¹‖₁ of the Gram matrix S scaled to a diagonal of 1;
                      None beyond float64
    dropped           by the name of each dropped column its linear dependency (`2·x1`)
    kept              (M + 1,) which of (b, θ) were estimated: False if dropped, or no intercept
    inverse_cholesky  (2, M + 1, M + 1) W with W·Wᵀ = A⁻¹ in double-double (high, low), for
                      A = Zᵀ diag(w) Z + n·l2 of the columns [1 X] divided by 2^exponents; rows and
                      columns of what was not kept are 0
    exponents         (M + 2,) int, of [1 X y]
    remainders        (M + 1,) what is lacking from (b, theta): solution − float64
    standard_errors   (M + 1,) of (b, θ); NaN where there is none (dropped, df = 0, ridge)
    """

    theta: Floats
    b: float
    names: tuple[str, ...]
    intercept: bool
    l2: float
    num_rows: int
    rank: int
    df: int
    rss: Decimal
    tss: Decimal
    sigma: float | None
    condition: float | None
    dropped: Mapping[str, str]
    kept: Mask
    inverse_cholesky: Floats
    exponents: NDArray[np.int64]
    remainders: Floats
    standard_errors: Floats

    @property
    def unscaled_covariance(self) -> Floats:
        """A⁻¹ (M + 1, M + 1), which times σ² is the covariance of (b, θ); infinite if too large."""
        scaled = _times_transposed(self.inverse_cholesky[0])
        with np.errstate(over="ignore"):
            inverse: Floats = np.ldexp(scaled, -(self.exponents[:-1, None] + self.exponents[:-1]))
        return inverse


def solve(
    moments: Moments,
    names: Sequence[str],
    intercept: bool,
    l2: float = 0.0,
    collinear: Literal["error", "drop"] = "error",
) -> LeastSquares:
    """Return the least squares solution; `names` are those of θ.

    l2 has the meaning of `weight_decay = 2·l2` on θ in SGD on the mean squared error. Raises
    UserError for fewer rows than coefficients, for collinear columns (unless they are to be
    dropped), and for results that are too large for float64.
    """
    _require_enough_rows(moments, len(names) + intercept, l2)
    with localcontext(PRECISION):
        equations = NormalEquations(moments, intercept, l2)
        factors = factorize(equations.gram)
        dropped = describe_dependencies(factors.dependencies, equations, names)
        if dropped and collinear == "error":
            raise collinear_error(dropped)

        columns = [equations.first + i for i in factors.kept]
        beta, explained = factors.solve(equations.right_side(columns))
        df = max(moments.num_weighted - len(columns), 0)
        tss = equations.total_sum_of_squares()
        rss = equations.residual_sum_of_squares(columns, beta, explained)
        if df == 0 and not l2:
            rss = Decimal(0)
        sigma = _square_unit(equations, rss / df).sqrt() if df else None

        W = factors.inverse_cholesky()
        coefficients, remainders = _coefficients(equations, columns, beta, names)
        standard_errors = np.full(len(names) + 1, np.nan)
        if sigma is not None and l2 == 0:
            standard_errors[columns] = _standard_errors(equations, columns, W, sigma)
        return LeastSquares(
            theta=coefficients[1:],
            b=float(coefficients[0]),
            names=tuple(names),
            intercept=intercept,
            l2=l2,
            num_rows=moments.num_rows,
            rank=len(columns),
            df=df,
            rss=_square_unit(equations, rss),
            tss=_square_unit(equations, tss),
            sigma=None if sigma is None else _to_float(sigma, "the residual standard deviation"),
            condition=_condition_number(equations.gram, factors, W),
            dropped=dropped,
            kept=np.isin(np.arange(len(names) + 1), columns),
            inverse_cholesky=_embedded(W, columns, len(names) + 1),
            exponents=equations.exponents,
            remainders=remainders,
            standard_errors=standard_errors,
        )


def _require_enough_rows(moments: Moments, num_coefficients: int, l2: float) -> None:
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
    equations: NormalEquations, columns: list[int], W: list[Vector], sigma: Decimal
) -> list[float]:
    """Return σ·√(A⁻¹)ⱼⱼ of the given columns."""
    errors = []
    for i, j in enumerate(columns):
        variance = sum((column[i] ** 2 for column in W[i:]), Decimal(0))
        error = sigma * equations.in_units(variance.sqrt(), of=None, per=j)
        errors.append(_to_float(error, "a standard error"))
    return errors


def _to_float(value: Decimal, what: str) -> float:
    result = float(value)
    if math.isinf(result):
        raise UserError(
            TRAINING_ROWS,
            f"{what} is too large for float64",
            found=f"{value:.6e}",
            todo="change the units of the columns",
        )
    return result


def _embedded(W: list[Vector], columns: list[int], size: int) -> Floats:
    """Return W (2, size, size) in double-double, with the given rows and columns, all others 0."""
    result = np.zeros((2, size, size))
    for j, column in zip(columns, W, strict=True):
        for i, value in zip(columns, column, strict=False):
            result[:, i, j] = to_double_double(value)
    return result


def _condition_number(gram: list[Vector], factors: LDL, W: list[Vector]) -> float | None:
    """Return ‖S‖₁·‖S⁻¹‖₁ in float64, as it is its order of magnitude that matters."""
    p = len(factors.kept)
    kept_gram = np.zeros((p, p))
    root = np.zeros((p, p))
    for i, row in enumerate(factors.kept):
        for j, column in enumerate(factors.kept[: i + 1]):
            kept_gram[i, j] = kept_gram[j, i] = float(gram[row][column])
            root[j, i] = float(W[i][j])
    norms = np.sqrt(np.diag(kept_gram))
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = kept_gram / (norms[:, None] * norms)
        inverse = _times_transposed(root * norms[:, None])
        condition = float(_one_norm(scaled) * _one_norm(inverse))
    return condition if np.isfinite(condition) else None


def _one_norm(S: Floats) -> float:
    return float(np.abs(S).sum(axis=1).max(initial=0.0))


def _times_transposed(W: Floats) -> Floats:
    """Return W·Wᵀ without BLAS, which rounds differently from CPU to CPU."""
    return np.array([(W * row).sum(axis=1) for row in W]).reshape(W.shape)
