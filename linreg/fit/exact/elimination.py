"""Symmetric elimination S = Uᵀ·D·U at 60 decimal digits, column by column, leaving out columns that
add nothing.

The standard library's decimal rounds every operation correctly, so the digits are the same on every
machine. The work grows with the cube of the number of columns; from MANY on it is done at 32 digits
by compiled code.
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from fractions import Fraction

import numpy as np

DIGITS = Context(prec=60, Emin=-999_999, Emax=999_999)
"""Moments carry 32 digits, and elimination loses as many as a condition number has: at most 26 (see
SMALLEST_PIVOT).
"""

SMALLEST_PIVOT = Decimal("1e-26")
"""A column of which no larger part (of its sum of squares) is left by the columns before it is
collinear with them.

Columns that are collinear but for the rounding of their cells leave 1e-32, the hardest set of NIST
(Filip) 2e-15.
"""

MANY = 128
"""Columns from which on 32 digits are used. Solving took 0.8 s at 60 digits there against 0.5 s,
for 300 columns 7.6 s against 2.7 s.

The moments themselves need no such switch, to a QR of the columns say: in strict float64 code
(Householder in tiles, one thread, no BLAS) that took twice their time at 16 as at 512 columns, for
half the digits.
"""

Vector = list[Decimal]


def as_pair(value: Decimal) -> tuple[float, float]:
    """Return a number as the sum of two float64, to 32 digits."""
    high = float(value)
    return high, float(value - Decimal(high))


def from_pair(pair: Sequence[float]) -> Decimal:
    """Return the sum of two float64."""
    return Decimal(pair[0]) + Decimal(pair[1])


@dataclass(frozen=True)
class Relation:
    """A column that is a linear combination of columns before it: index, and factor by index of
    those.
    """

    column: int
    factors: dict[int, Decimal]


@dataclass(frozen=True)
class Elimination:
    """S = Uᵀ·D·U of a Gram matrix, without the columns that depend on others.

    kept       the indices of the columns of U, in order; p = len(kept)
    unit       the columns of the unit upper triangular U, the i-th with i entries above the 1
    pivots     the diagonal of D
    relations  of the columns that were left out
    """

    kept: list[int]
    unit: list[Vector]
    pivots: Vector
    relations: list[Relation]

    def solve(self, column: Sequence[Decimal]) -> tuple[Vector, Decimal]:
        """Return β with S·β = s for s given by its entries in the kept columns, and sᵀ·S⁻¹·s."""
        with localcontext(DIGITS):
            above, products = self._eliminate(column)
            return self._back(above), _dot(above, products)

    def inverse_root(self) -> list[Vector]:
        """Return the columns of the upper triangular W with W·Wᵀ = S⁻¹, the j-th with j + 1
        entries.
        """
        p = len(self.kept)
        with localcontext(DIGITS):
            if p < MANY:
                inverse = [self._back([Decimal(0)] * j + [Decimal(1)]) for j in range(p)]
            else:
                from linreg.fit.exact.large_elimination import lower_inverse

                L = np.zeros((p, p, 2))
                for j, column in enumerate(self.unit):
                    L[j, :j] = [as_pair(entry) for entry in column] if j else 0.0
                inverse = [
                    [from_pair(pair) for pair in row[: j + 1]]
                    for j, row in enumerate(lower_inverse(L).tolist())
                ]
            roots = [1 / pivot.sqrt() for pivot in self.pivots]
            return [
                [entry * root for entry in column]
                for column, root in zip(inverse, roots, strict=True)
            ]

    def _add(
        self, column: int, above: Vector, pivot: Decimal, diagonal: Decimal = Decimal(1)
    ) -> None:
        """Add a column of U, or its relation to the others if its pivot is next to nothing of the
        diagonal entry.
        """
        if pivot <= SMALLEST_PIVOT * diagonal:
            self.relations.append(
                Relation(column, dict(zip(self.kept, self._back(above), strict=True)))
            )
        else:
            self.kept.append(column)
            self.unit.append(above)
            self.pivots.append(pivot)

    def _eliminate(self, column: Sequence[Decimal]) -> tuple[Vector, Vector]:
        """Return the entries u of a further column of U, and D·u."""
        above: Vector = []
        products: Vector = []
        for i, pivot in enumerate(self.pivots):
            product = column[i] - _dot(self.unit[i], products)
            products.append(product)
            above.append(product / pivot)
        return above, products

    def _back(self, right: Sequence[Decimal]) -> Vector:
        """Return x with U·x = right, for the first len(right) columns."""
        x = list(right)
        for j in range(len(x) - 1, 0, -1):
            if x[j]:
                for i, entry in enumerate(self.unit[j]):
                    x[i] -= entry * x[j]
        return x


def eliminate(gram: Sequence[Sequence[Decimal]]) -> Elimination:
    """Factorise the lower triangle of a positive semidefinite matrix."""
    if len(gram) >= MANY:
        return _eliminate_many(gram)
    result = Elimination([], [], [], [])
    with localcontext(DIGITS):
        for j, row in enumerate(gram):
            above, products = result._eliminate([row[i] for i in result.kept])
            result._add(j, above, row[j] - _dot(above, products), row[j])
    return result


def _eliminate_many(gram: Sequence[Sequence[Decimal]]) -> Elimination:
    from linreg.fit.exact.large_elimination import lower_factor

    S = np.zeros((len(gram), len(gram), 2))
    for j, row in enumerate(gram):
        S[j, : j + 1] = [as_pair(value) for value in row]
    L, kept = lower_factor(S, float(SMALLEST_PIVOT))
    result = Elimination([], [], [], [])
    with localcontext(DIGITS):
        for j, row in enumerate(L.tolist()):
            above = [from_pair(row[i]) for i in result.kept]
            result._add(j, above, from_pair(row[j]) if kept[j] else Decimal(0))
    return result


def shifted(value: Fraction, exponent: int) -> Decimal:
    """Return value · 2^exponent, rounded to 60 digits once."""
    return DIGITS.divide(
        Decimal(value.numerator << max(exponent, 0)),
        Decimal(value.denominator << max(-exponent, 0)),
    )


def _dot(a: Sequence[Decimal], b: Sequence[Decimal]) -> Decimal:
    return sum(map(operator.mul, a, b), Decimal(0))
