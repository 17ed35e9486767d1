"""LDLᵀ factorization of a Gram matrix at 60 decimal digits, with collinear columns left out.

S = Uᵀ·D·U with a unit upper triangular U is computed column by column, in the order of the columns
and without pivoting, so that it is a later column that counts as collinear with earlier ones.

A pivot is ‖r‖² for the residual r = z − Σ βₖzₖ of a column on those before it. The column is
collinear if its residual may be nothing but rounding: of its own cells and of those of the columns
that it is compared with, which weigh |βₖ|, and of the entries of S.

The standard library's decimal rounds every operation correctly, so the digits are the same on every
machine. The work grows with the cube of the number of columns; from MIN_COMPILED on `compiled_ldl`
does it at 32 digits.
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple, Protocol

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.moment_sums.gram import MOMENT_ERROR

PRECISION = Context(prec=60, Emin=-999_999, Emax=999_999)
"""Moments have 32 digits, and the factorization loses as many as a condition number has.

Those are at most 31 (see MOMENT_ERROR).
"""

MIN_COMPILED = 128
"""Columns from which on compiled code with 32 digits is used.

There solving took 0.5 s in place of 0.8 s, for 300 columns 2.7 s in place of 7.6 s. The moments
themselves need no such switch, to a QR of the columns for one: in strict float64 code (Householder
in tiles, one thread, no BLAS) that took twice their time at 16 as at 512 columns, for half the
digits.
"""

Vector = list[Decimal]


def to_double_double(value: Decimal) -> tuple[float, float]:
    """Return a number as the sum of two float64, to 32 digits."""
    high = float(value)
    return high, float(value - Decimal(high))


def from_double_double(parts: Sequence[float]) -> Decimal:
    """Return the sum of two float64."""
    return Decimal(parts[0]) + Decimal(parts[1])


class ColumnRounding(NamedTuple):
    """What is known of the rounding of a column z of the Gram matrix.

    cells  the norm ‖e‖ of the rounding errors of its cells, at most
    norm   ‖z‖
    """

    cells: float
    norm: float


@dataclass(frozen=True)
class LinearDependency:
    """A column that is a linear combination of columns before it, with their coefficients."""

    column: int
    coefficients: dict[int, Decimal]


class Factors(Protocol):
    """A factorization of a Gram matrix S, without the columns that depend on others.

    kept          the indices of the columns that were kept, in order; p = len(kept)
    dependencies  of the columns that were left out
    error         the largest error of an entry of S, with what this factorization adds to it, as a
                  part of the norms of its two columns
    """

    @property
    def kept(self) -> list[int]: ...  # noqa: D102

    @property
    def dependencies(self) -> "list[LinearDependency]": ...  # noqa: D102

    @property
    def error(self) -> float: ...  # noqa: D102

    def solve(self, right: Sequence[Decimal]) -> tuple[Vector, Decimal]:
        """Return β with S·β = s, and sᵀ·S⁻¹·s, for s given by its entries in the kept columns."""

    def inverse_cholesky(self) -> Floats:
        """Return the upper triangular W with W·Wᵀ = S⁻¹: (2, p, p) in double-double, high, low."""

    def combination(self, products: Sequence[Decimal], square: Decimal) -> tuple[Vector, Decimal]:
        """Return −β and ‖r‖² of another column on those kept.

        It is given by its products with all columns and its sum of squares.
        """

    def rounding(
        self, column: ColumnRounding, inverse: Vector, roundings: Sequence[ColumnRounding]
    ) -> float:
        """Return the ‖r‖² that rounding explains, of a column with its entries of U⁻¹."""


@dataclass(frozen=True)
class LDL:
    """S = Uᵀ·D·U of a Gram matrix, without the columns that depend on others.

    kept          the indices of the columns of U, in order; p = len(kept)
    upper         the columns of the unit upper triangular U, the i-th with i entries above the 1
    inverse       the columns of U⁻¹ likewise: −β of each column on those before it
    pivots        the diagonal of D
    dependencies  of the columns that were left out
    error         the largest error of an entry of S, with what this factorization adds to it, as a
                  part of the norms of its two columns
    """

    error: float = MOMENT_ERROR
    kept: list[int] = field(default_factory=list)
    upper: list[Vector] = field(default_factory=list)
    inverse: list[Vector] = field(default_factory=list)
    pivots: Vector = field(default_factory=list)
    dependencies: list[LinearDependency] = field(default_factory=list)

    def solve(self, right: Sequence[Decimal]) -> tuple[Vector, Decimal]:
        """Return β with S·β = s, and sᵀ·S⁻¹·s, for s given by its entries in the kept columns."""
        with localcontext(PRECISION):
            above, products = self._forward_substitute(right)
            return self._back_substitute(above), _dot(above, products)

    def inverse_cholesky(self) -> Floats:
        """Return W = U⁻¹·D^(−1/2), so that W·Wᵀ = S⁻¹, as in `Factors`."""
        W = np.zeros((2, len(self.kept), len(self.kept)))
        with localcontext(PRECISION):
            for j, (above, pivot) in enumerate(zip(self.inverse, self.pivots, strict=True)):
                scale = 1 / pivot.sqrt()
                column = [to_double_double(entry * scale) for entry in [*above, Decimal(1)]]
                W[:, : j + 1, j] = np.transpose(column)
        return W

    def keep(self, column: int, above: Vector, inverse: Vector, pivot: Decimal) -> None:
        """Add a column with its pivot, and its entries of U and U⁻¹ for the columns kept so far."""
        self.kept.append(column)
        self.upper.append(above)
        self.inverse.append(inverse)
        self.pivots.append(pivot)

    def leave_out(self, column: int, inverse: Vector) -> None:
        """Note a column without a pivot as a linear combination of the columns kept so far."""
        coefficients = {k: -entry for k, entry in zip(self.kept, inverse, strict=True)}
        self.dependencies.append(LinearDependency(column, coefficients))

    def combination(self, products: Sequence[Decimal], square: Decimal) -> tuple[Vector, Decimal]:
        """Return −β and ‖r‖² of another column on those kept.

        It is given by its products with all columns and its sum of squares.
        """
        with localcontext(PRECISION):
            above, scaled = self._forward_substitute([products[i] for i in self.kept])
            return (
                [-entry for entry in self._back_substitute(above)],
                square - _dot(above, scaled),
            )

    def rounding(
        self, column: ColumnRounding, inverse: Vector, roundings: Sequence[ColumnRounding]
    ) -> float:
        """Return the ‖r‖² that rounding explains, of a column with its entries of U⁻¹."""
        return explained_by_rounding(column, inverse, [roundings[k] for k in self.kept], self.error)

    def _forward_substitute(self, right: Sequence[Decimal]) -> tuple[Vector, Vector]:
        """Return x with Uᵀ·D·x = right, and D·x."""
        x: Vector = []
        products: Vector = []
        for i, pivot in enumerate(self.pivots):
            product = right[i] - _dot(self.upper[i], products)
            products.append(product)
            x.append(product / pivot)
        return x, products

    def _back_substitute(self, right: Sequence[Decimal]) -> Vector:
        """Return x with U·x = right, for the first len(right) columns."""
        x = list(right)
        for j in range(len(x) - 1, 0, -1):
            if x[j]:
                for i, entry in enumerate(self.upper[j]):
                    x[i] -= entry * x[j]
        return x


def factorize(
    gram: Sequence[Sequence[Decimal]],
    roundings: Sequence[ColumnRounding],
    error: float = MOMENT_ERROR,
) -> LDL:
    """Factorize a positive semidefinite matrix, given by its lower triangle and its error."""
    result = LDL(error)
    with localcontext(PRECISION):
        for j, row in enumerate(gram):
            above, products = result._forward_substitute([row[i] for i in result.kept])
            pivot = row[j] - _dot(above, products)
            inverse = [-entry for entry in result._back_substitute(above)]
            if pivot > Decimal(result.rounding(roundings[j], inverse, roundings)):
                result.keep(j, above, inverse, pivot)
            else:
                result.leave_out(j, inverse)
    return result


def explained_by_rounding(
    column: ColumnRounding,
    combination: Sequence[Decimal],
    roundings: Sequence[ColumnRounding],
    error: float,
) -> float:
    """Return the ‖r‖² that rounding explains, of a column and a linear combination of others.

    roundings  of the others
    error      of an entry of S, as a part of the norms of its two columns
    """
    cells, norm = column
    for of_column, factor in zip(roundings, combination, strict=True):
        cells += abs(float(factor)) * of_column.cells
        norm += abs(float(factor)) * of_column.norm
    return cells * cells + error * norm * norm


def times_power_of_two(value: Fraction | int, exponent: int) -> Decimal:
    """Return value · 2^exponent, rounded to 60 digits once."""
    return PRECISION.divide(
        Decimal(value.numerator << max(exponent, 0)),
        Decimal(value.denominator << max(-exponent, 0)),
    )


def _dot(a: Sequence[Decimal], b: Sequence[Decimal]) -> Decimal:
    return sum(map(operator.mul, a, b), Decimal(0))
