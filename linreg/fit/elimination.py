"""Symmetric elimination S = Uᵀ·D·U at 60 decimal digits, column by column, leaving out columns that add nothing.

The standard library's decimal rounds every operation correctly, so the digits are the same on every machine.
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from fractions import Fraction

DIGITS = Context(prec=60, Emin=-999_999, Emax=999_999)
"""Moments carry 32 digits, and elimination loses as many as a condition number has: at most 26 (see SMALLEST_PIVOT)."""

SMALLEST_PIVOT = Decimal("1e-26")
"""A column of which no larger part (of its sum of squares) is left by the columns before it is collinear with them.

Columns that are collinear but for the rounding of their cells leave 1e-32, the hardest set of NIST (Filip) 2e-15.
"""

Vector = list[Decimal]


@dataclass(frozen=True)
class Relation:
    """A column that is a linear combination of columns before it: index, and factor by index of those."""

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
        """Return the columns of the upper triangular W with W·Wᵀ = S⁻¹, the j-th with j + 1 entries."""
        with localcontext(DIGITS):
            columns = []
            for j, pivot in enumerate(self.pivots):
                inverse = self._back([Decimal(0)] * j + [Decimal(1)])
                root = 1 / pivot.sqrt()
                columns.append([entry * root for entry in inverse])
            return columns

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
    result = Elimination([], [], [], [])
    with localcontext(DIGITS):
        for j, row in enumerate(gram):
            above, products = result._eliminate([row[i] for i in result.kept])
            pivot = row[j] - _dot(above, products)
            if pivot <= SMALLEST_PIVOT * row[j]:
                result.relations.append(Relation(j, dict(zip(result.kept, result._back(above), strict=True))))
            else:
                result.kept.append(j)
                result.unit.append(above)
                result.pivots.append(pivot)
    return result


def as_decimal(value: Fraction) -> Decimal:
    """Round to 60 digits."""
    return DIGITS.divide(Decimal(value.numerator), Decimal(value.denominator))


def _dot(a: Sequence[Decimal], b: Sequence[Decimal]) -> Decimal:
    return sum(map(operator.mul, a, b), Decimal(0))
