"""LDLᵀ factorization of a Gram matrix at 60 decimal digits, with collinear columns left out.

S = Uᵀ·D·U with a unit upper triangular U is computed column by column, in the order of the columns
and without pivoting, so that it is a later column that counts as collinear with earlier ones.

The standard library's decimal rounds every operation correctly, so the digits are the same on every
machine. The work grows with the cube of the number of columns; from MIN_COMPILED on compiled code
does it at 32 digits.
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from fractions import Fraction

import numpy as np

PRECISION = Context(prec=60, Emin=-999_999, Emax=999_999)
"""Moments have 32 digits, and the factorization loses as many as a condition number has.

Those are at most 26 (see PIVOT_TOLERANCE).
"""

PIVOT_TOLERANCE = Decimal("1e-26")
"""A column is collinear if its pivot is at most this part of its sum of squares.

The pivot is the sum of squares of what the columns before it do not explain. Columns that are
collinear but for the rounding of their cells have 1e-32 of it left, the hardest data set of NIST
(Filip) 2e-15.
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


@dataclass(frozen=True)
class LinearDependency:
    """A column that is a linear combination of columns before it, with their coefficients."""

    column: int
    coefficients: dict[int, Decimal]


@dataclass(frozen=True)
class LDL:
    """S = Uᵀ·D·U of a Gram matrix, without the columns that depend on others.

    kept          the indices of the columns of U, in order; p = len(kept)
    upper         the columns of the unit upper triangular U, the i-th with i entries above the 1
    pivots        the diagonal of D
    dependencies  of the columns that were left out
    """

    kept: list[int] = field(default_factory=list)
    upper: list[Vector] = field(default_factory=list)
    pivots: Vector = field(default_factory=list)
    dependencies: list[LinearDependency] = field(default_factory=list)

    def solve(self, right: Sequence[Decimal]) -> tuple[Vector, Decimal]:
        """Return β with S·β = s, and sᵀ·S⁻¹·s, for s given by its entries in the kept columns."""
        with localcontext(PRECISION):
            above, products = self._forward_substitute(right)
            return self._back_substitute(above), _dot(above, products)

    def inverse_cholesky(self) -> list[Vector]:
        """Return W = U⁻¹·D^(−1/2), so that W·Wᵀ = S⁻¹.

        It is upper triangular: its columns are returned, the j-th with j + 1 entries.
        """
        with localcontext(PRECISION):
            inverse = self._inverse_upper()
            scales = [1 / pivot.sqrt() for pivot in self.pivots]
            return [
                [entry * scale for entry in column]
                for column, scale in zip(inverse, scales, strict=True)
            ]

    def _inverse_upper(self) -> list[Vector]:
        p = len(self.kept)
        if p < MIN_COMPILED:
            units = ([Decimal(0)] * j + [Decimal(1)] for j in range(p))
            return [self._back_substitute(unit) for unit in units]
        from linreg.fit.exact.ldl_kernels import invert_unit_lower

        lower = np.zeros((p, p, 2))
        for j, column in enumerate(self.upper):
            for i, entry in enumerate(column):
                lower[j, i] = to_double_double(entry)
        return [
            [from_double_double(parts) for parts in row[: j + 1]]
            for j, row in enumerate(invert_unit_lower(lower).tolist())
        ]

    def keep(self, column: int, above: Vector, pivot: Decimal) -> None:
        """Add a column of U with its pivot; `above` are its entries for the columns kept so far."""
        self.kept.append(column)
        self.upper.append(above)
        self.pivots.append(pivot)

    def leave_out(self, column: int, above: Vector) -> None:
        """Note a column without a pivot as a linear combination of the columns kept so far."""
        coefficients = zip(self.kept, self._back_substitute(above), strict=True)
        self.dependencies.append(LinearDependency(column, dict(coefficients)))

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


def factorize(gram: Sequence[Sequence[Decimal]]) -> LDL:
    """Factorize a positive semidefinite matrix, given by its lower triangle."""
    if len(gram) >= MIN_COMPILED:
        return _factorize_compiled(gram)
    result = LDL()
    with localcontext(PRECISION):
        for j, row in enumerate(gram):
            above, products = result._forward_substitute([row[i] for i in result.kept])
            pivot = row[j] - _dot(above, products)
            if pivot > PIVOT_TOLERANCE * row[j]:
                result.keep(j, above, pivot)
            else:
                result.leave_out(j, above)
    return result


def _factorize_compiled(gram: Sequence[Sequence[Decimal]]) -> LDL:
    from linreg.fit.exact.ldl_kernels import factorize_lower

    S = np.zeros((len(gram), len(gram), 2))
    for j, row in enumerate(gram):
        S[j, : j + 1] = [to_double_double(value) for value in row]
    lower, kept = factorize_lower(S, float(PIVOT_TOLERANCE))
    result = LDL()
    with localcontext(PRECISION):
        for j, row in enumerate(lower.tolist()):
            above = [from_double_double(row[i]) for i in result.kept]
            if kept[j]:
                result.keep(j, above, from_double_double(row[j]))
            else:
                result.leave_out(j, above)
    return result


def times_power_of_two(value: Fraction, exponent: int) -> Decimal:
    """Return value · 2^exponent, rounded to 60 digits once."""
    return PRECISION.divide(
        Decimal(value.numerator << max(exponent, 0)),
        Decimal(value.denominator << max(-exponent, 0)),
    )


def _dot(a: Sequence[Decimal], b: Sequence[Decimal]) -> Decimal:
    return sum(map(operator.mul, a, b), Decimal(0))
