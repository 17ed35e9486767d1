"""The exact answer: θ and b that minimise (1/n) Σ w(y − ỹ)² + l2·‖θ‖², from the moments of the rows
alone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.errors import UserError
from linreg.fit.exact.elimination import DIGITS, Relation, as_pair, eliminate, shifted
from linreg.fit.exact.moments import Moments

WHERE = "the training rows"
ROUNDING = Decimal(2) ** -102
"""The part of (Σ |θⱼ|·‖xⱼ‖ + ‖y‖)² that Σ(y − ỹ)² can be when there is nothing but the rounding of
cells and moments: rounding moves a cell by 2^-53 of it at most, which is 2^-106 squared, and a
moment by up to 2^-102.
"""


@dataclass(frozen=True)
class LeastSquares:
    """The minimum and what is known about it. Vectors over (b, θ) have M + 1 entries, with or
    without intercept.

    theta         θ (M,) float64, each the float64 nearest to the solution of the normal equations;
                  0 for a column
                  that was dropped
    b             the intercept, 0 without
    names         of θ (M,)
    intercept     whether there is one
    l2            the ridge penalty
    num_rows      n, weight 0 included
    rank          the coefficients that were found: those of (b, θ) but for dropped columns
    df            degrees of freedom of the residuals: rows with a weight above 0, less rank
    rss           Σ w(y − ỹ)², to 60 digits; exactly 0 where it is less than rounding the cells to
                  float64 explains
    tss           Σ w(y − ȳ)² with intercept, Σ w y² without
    sigma         √(rss / df), the residual standard deviation; None when df is 0
    condition     ‖S‖₁·‖S⁻¹‖₁ of the Gram matrix S scaled to a diagonal of 1; None where S is beyond
                  float64
    dropped       the relation (`2·x1`) by the name of the column that was dropped for it
    kept          (M + 1,) which of (b, θ) were found
    root          (2, M + 1, M + 1) a matrix W with W·Wᵀ = A⁻¹, A = Zᵀ diag(w) Z + n·l2 of the
                  columns [1 X] divided
                  by 2^exponents, in double-double (high, low); rows and columns of what was not
                  kept are 0
    exponents     (M + 2,) int, of [1 X y]
    theta_low     (M + 1,) what (b, theta) rounded off
    errors        (M + 1,) standard errors of (b, θ); NaN where there is none (dropped, df = 0,
                  ridge)
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
    kept: NDArray[np.bool_]
    root: Floats
    exponents: NDArray[np.int64]
    theta_low: Floats
    errors: Floats

    @property
    def inverse(self) -> Floats:
        """A⁻¹ (M + 1, M + 1), which times σ² is the covariance of (b, θ); infinite where too large
        for float64.
        """
        scaled = _times_transposed(self.root[0])
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
    UserError for fewer rows than coefficients, for columns that are collinear (unless they are to
    be dropped), and for results that are too large for float64.
    """
    _refuse_too_few(moments, len(names) + intercept, l2)
    with localcontext(DIGITS):
        scaled = _Scaled(moments.gram())
        first = 0 if intercept else 1
        last = len(names) + 1
        penalties = [scaled.penalty(j, moments.num_rows * Fraction(l2)) for j in range(last)]
        gram = [
            [*scaled.rows[j][first:j], scaled.rows[j][j] + penalties[j]] for j in range(first, last)
        ]
        found = eliminate(gram)
        # of Z = [1 X y]
        columns = [first + i for i in found.kept]
        dropped = {
            names[first + each.column - 1]: _written(each, first, names, scaled)
            for each in found.relations
        }
        if dropped and collinear == "error":
            raise UserError(
                f"{WHERE}: column {', '.join(dropped)}",
                "is collinear with columns before it",
                found=", ".join(f"{name} = {relation}" for name, relation in dropped.items()),
                todo="leave it out of model.formula, or set train.collinear: drop",
            )

        beta, explained = found.solve([scaled.rows[last][j] for j in columns])
        df = max(moments.num_weighted - len(columns), 0)
        penalty = sum(
            (penalties[j] * x * x for j, x in zip(columns, beta, strict=True)), Decimal(0)
        )
        rss, tss = _sums_of_squares(scaled.rows, columns, beta, explained + penalty, intercept)
        if df == 0 and not l2:
            rss = Decimal(0)

        root = found.inverse_root()
        variances = [
            sum((column[i] ** 2 for column in root[i:]), Decimal(0)) for i in range(len(columns))
        ]
        exact = {j: scaled.times(x, last, j) for j, x in zip(columns, beta, strict=True)}
        theta = [
            _rounded(exact.get(j, Decimal(0)), f"the coefficient of {name}")
            for j, name in enumerate(["b", *names])
        ]
        sigma = None if df <= 0 else (scaled.times(scaled.times((rss / df), last), last)).sqrt()
        errors = np.full(last, np.nan)
        if sigma is not None and l2 == 0:
            for j, variance in zip(columns, variances, strict=True):
                errors[j] = _rounded(
                    sigma * scaled.times(variance.sqrt(), None, j), "a standard error"
                )
        kept = np.zeros(last, bool)
        kept[columns] = True
        all_roots = np.zeros((2, last, last))
        at = np.array(columns, np.int64)
        all_roots[:, at[:, None], at] = (of_kept := _in_two(root))
        return LeastSquares(
            theta=np.array(theta[1:]),
            b=theta[0],
            names=tuple(names),
            intercept=intercept,
            l2=l2,
            num_rows=moments.num_rows,
            rank=len(columns),
            df=df,
            rss=scaled.times(scaled.times(rss, last), last),
            tss=scaled.times(scaled.times(tss, last), last),
            sigma=None if sigma is None else _rounded(sigma, "the residual standard deviation"),
            condition=_condition(gram, found.kept, of_kept[0]),
            dropped=dropped,
            kept=kept,
            root=all_roots,
            exponents=np.array(scaled.exponents),
            theta_low=np.array(
                [float(exact[j] - Decimal(theta[j])) if j in exact else 0.0 for j in range(last)]
            ),
            errors=errors,
        )


def _sums_of_squares(
    gram: list[list[Decimal]],
    columns: list[int],
    beta: list[Decimal],
    explained: Decimal,
    intercept: bool,
) -> tuple[Decimal, Decimal]:
    """Return rss and tss, 0 where they are no more than rounding leaves (see ROUNDING)."""
    target = gram[-1]
    terms = sum(
        (abs(x) * gram[j][j].sqrt() for j, x in zip(columns, beta, strict=True)), target[-1].sqrt()
    )
    rss = target[-1] - explained
    tss = target[-1] - (target[0] * target[0] / gram[0][0] if intercept else 0)
    rss = rss if rss > ROUNDING * terms * terms else Decimal(0)
    tss = tss if tss > ROUNDING * 4 * target[-1] else Decimal(0)
    return (
        tss if columns == [0] else rss
        # with nothing but b they differ in the last of 60 digits
    ), tss


class _Scaled:
    """The Gram matrix with columns divided by powers of two, so that its diagonal is between 1 and
    4 (or 0).
    """

    def __init__(self, gram: list[list[Fraction]]) -> None:
        self.exponents = [_half_exponent(row[-1]) for row in gram]
        self.rows = [
            [shifted(value, -self.exponents[i] - self.exponents[j]) for j, value in enumerate(row)]
            for i, row in enumerate(gram)
        ]

    def penalty(self, j: int, penalty: Fraction) -> Decimal:
        """What the ridge adds to the diagonal for column j; nothing for the intercept, column 0."""
        return shifted(penalty, -2 * self.exponents[j]) if j else Decimal(0)

    def times(self, value: Decimal, up: int | None, down: int | None = None) -> Decimal:
        """Return value times the unit of column `up` and over the unit of column `down`, to 60
        digits.
        """
        exponent = (0 if up is None else self.exponents[up]) - (
            0 if down is None else self.exponents[down]
        )
        return value * shifted(Fraction(1), exponent)


def _refuse_too_few(moments: Moments, num_coefficients: int, l2: float) -> None:
    if moments.num_rows and not moments.num_weighted:
        raise UserError(
            f"{WHERE}: model.weights", "are all zero", todo="name a column with weights above 0"
        )
    if moments.num_weighted == 0 or (moments.num_weighted < num_coefficients and l2 == 0):
        weighted = " with a weight above 0" if moments.num_weighted < moments.num_rows else ""
        raise UserError(
            WHERE,
            "must be at least as many as the coefficients",
            found=f"{moments.num_weighted} rows{weighted} for {num_coefficients} coefficients",
            todo="bring more rows, name fewer columns in model.formula, or set train.l2",
        )


def _written(relation: Relation, first: int, names: Sequence[str], scaled: _Scaled) -> str:
    """Write the right-hand side of a relation in the units of the data: `2·x1`, `1 − x1`, `5`."""
    column = first + relation.column
    length = scaled.rows[column][column].sqrt()
    terms = {}
    for index, factor in relation.factors.items():
        j = first + index
        if abs(factor) * scaled.rows[j][j].sqrt() > Decimal("1e-8") * length:
            terms[names[j - 1] if j else ""] = float(scaled.times(factor, column, j))
    return combination(terms)


def combination(terms: Mapping[str, float]) -> str:
    """Write a linear combination of columns, with the constant under the name '': `3 + 2·x1 −
    x2`.
    """
    text = ""
    for name, value in terms.items():
        size = f"{abs(value):.6g}"
        term = size if not name else name if size == "1" else f"{size}·{name}"
        sign = ("−" if value < 0 else "") if not text else (" − " if value < 0 else " + ")
        text += sign + term
    return text or "0"


def _rounded(value: Decimal, what: str) -> float:
    result = float(value)
    if math.isinf(result):
        raise UserError(
            WHERE,
            f"{what} is too large for float64",
            found=f"{value:.6e}",
            todo="change the units of the columns",
        )
    return result


def _in_two(columns: list[list[Decimal]]) -> Floats:
    """Return an upper triangle (2, p, p) in double-double, high and low."""
    result = np.zeros((2, len(columns), len(columns)))
    for j, column in enumerate(columns):
        result[:, : j + 1, j] = np.transpose([as_pair(value) for value in column])
    return result


def _condition(gram: list[list[Decimal]], kept: list[int], root: Floats) -> float | None:
    """In float64: it is the order of magnitude that matters."""
    sizes = np.sqrt(np.array([float(gram[j][j]) for j in kept]))
    p = len(sizes)
    scaled = np.array([[float(gram[max(i, j)][min(i, j)]) for j in kept] for i in kept]).reshape(
        p, p
    )
    with np.errstate(over="ignore", invalid="ignore"):
        scaled /= sizes[:, None] * sizes
        inverse = _times_transposed(root * sizes[:, None])
        condition = float(
            np.abs(scaled).sum(axis=1).max(initial=0.0)
            * np.abs(inverse).sum(axis=1).max(initial=0.0)
        )
    return condition if np.isfinite(condition) else None


def _times_transposed(W: Floats) -> Floats:
    """W·Wᵀ without BLAS, which rounds differently from CPU to CPU."""
    return np.array([(W * row).sum(axis=1) for row in W]).reshape(W.shape)


def _half_exponent(square: Fraction) -> int:
    """Return e such that square / 4^e is between 1 and 4, or thereabouts."""
    return (square.numerator.bit_length() - square.denominator.bit_length()) // 2 if square else 0
