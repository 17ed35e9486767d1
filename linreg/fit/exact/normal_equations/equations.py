"""The normal equations of ordinary and ridge regression, from the Gram matrix of [1 X y].

Columns are divided by powers of two, as in `Gram`. Single entries are decimals of 60 digits.
"""

from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from linreg.fit.exact.moment_sums.gram import FRACTION_BITS, MOMENT_ERROR, Gram
from linreg.fit.exact.normal_equations.ldl import (
    MIN_COMPILED,
    PRECISION,
    ColumnRounding,
    Factors,
    Vector,
    factorize,
    times_power_of_two,
)

CELL_ROUNDINGS = 4
"""A residual is rounding alone up to so many times the rounding of the cells that it is made of.

Whoever computed the target has rounded its terms and their sums too.
"""


class NormalEquations:
    """(Zᵀ diag(w) Z + n·l2) β = Zᵀ diag(w) y, for Z = [1 X] or, without an intercept, X.

    penalties  what the diagonal of the left-hand side has of n·l2, by column of [1 X y]
    roundings  of the columns of [1 X y]
    first      the column of [1 X y] that the left-hand side begins with: 0, or 1 without intercept
    target     the column of [1 X y] that y is in

    Where the levels of a category were eliminated, X has the other columns only, and `totals` are
    the products of 1 and y with nothing eliminated.

    All methods are to be called in the decimal context `ldl.PRECISION`.
    """

    def __init__(self, gram: Gram, totals: Gram, intercept: bool, l2: float) -> None:
        self._gram, self._totals = gram, totals
        self.first = 0 if intercept else 1
        self.target = len(gram.exponents) - 1
        self.roundings = [
            ColumnRounding(*of_column)
            for of_column in zip(gram.cells.tolist(), gram.norms.tolist(), strict=True)
        ]
        penalty = gram.num_rows * Fraction(l2)
        # The intercept, column 0, has no penalty.
        self.penalties = [Decimal(0)] + [
            times_power_of_two(penalty, -2 * exponent) for exponent in gram.exponents[1:-1].tolist()
        ]

    @property
    def gram(self) -> Gram:
        """The Gram matrix of [1 X y], without penalties."""
        return self._gram

    @property
    def exponents(self) -> NDArray[np.int64]:
        """The powers of two that the columns of [1 X y] (M + 2,) are divided by."""
        return self._gram.exponents

    def factorize(self) -> Factors:
        """Factorize the left-hand side, in compiled code if it has many columns."""
        of_columns = slice(self.first, self.target)
        roundings = self.roundings[of_columns]
        if len(roundings) < MIN_COMPILED:
            columns = range(self.first, self.target)
            gram = [[self._entry(j, i) for i in range(self.first, j + 1)] for j in columns]
            for j, row in zip(columns, gram, strict=True):
                row[-1] += self.penalties[j]
            return factorize(gram, roundings, self._gram.error)
        from linreg.fit.exact.normal_equations.compiled_ldl import factorize_compiled

        return factorize_compiled(
            self._gram.double_doubles[:, of_columns, of_columns],
            self.penalties[of_columns],
            roundings,
            self._gram.error,
        )

    def right_side(self, columns: list[int]) -> Vector:
        """Return Zᵀ diag(w) y for some columns of [1 X y]."""
        return [self._entry(self.target, j) for j in columns]

    def in_units(self, value: Decimal, of: int | None, per: int | None = None) -> Decimal:
        """Return a value of the scaled columns in the units of the data: of one column per another.

        None stands for no unit.
        """
        exponent = 0
        if of is not None:
            exponent += int(self.exponents[of])
        if per is not None:
            exponent -= int(self.exponents[per])
        return value * times_power_of_two(1, exponent) if exponent else value

    def residual_sum_of_squares(
        self, columns: list[int], beta: Vector, explained: Decimal
    ) -> Decimal:
        """Return Σ w(y − ỹ)², scaled.

        explained  yᵀ·Z·(ZᵀZ + n·l2)⁻¹·Zᵀ·y
        """
        if columns == [0] and self._totals is self._gram:
            # With b alone they are the same, and would differ in the last of the 60 digits.
            return self.total_sum_of_squares(around_mean=True)
        penalty = Decimal(0)
        for j, coefficient in zip(columns, beta, strict=True):
            penalty += self.penalties[j] * coefficient * coefficient
        return self._entry(self.target, self.target) - (explained + penalty)

    def terms(self, columns: list[int], beta: Vector) -> ColumnRounding:
        """Return the sum of |βⱼ|·‖zⱼ‖ and ‖y‖, and likewise of the roundings of their cells."""
        cells, norm = self.roundings[self.target]
        for j, coefficient in zip(columns, beta, strict=True):
            size = abs(float(coefficient))
            cells += size * self.roundings[j].cells
            norm += size * self.roundings[j].norm
        return ColumnRounding(cells, norm)

    def has_constant(self, factors: Factors) -> bool:
        """Tell whether the columns span a constant, as a category with all its levels does."""
        if self.first == 0:
            return True
        ones = [self._entry(j, 0) for j in range(self.first, self.target)]
        combination, unexplained = factors.combination(ones, self._entry(0, 0))
        roundings = self.roundings[self.first : self.target]
        return unexplained <= Decimal(factors.rounding(self.roundings[0], combination, roundings))

    def total_sum_of_squares(self, *, around_mean: bool) -> Decimal:
        """Return Σ w(y − ȳ)², or Σ w y²; scaled, and 0 if it may be rounding."""
        gram = self._totals
        square = _decimal(gram.rows[-1][-1])
        tss = square
        if around_mean:
            sum_ = _decimal(gram.rows[-1][0])
            tss -= sum_ * sum_ / _decimal(gram.rows[0][0])
        # y and its mean: two terms of the length of y.
        rounding = 4 * (CELL_ROUNDINGS * self.roundings[self.target].cells) ** 2
        rounding += 4 * MOMENT_ERROR * float(square)
        return tss if tss > Decimal(rounding) else Decimal(0)

    def _entry(self, row: int, column: int) -> Decimal:
        """Return an entry of the lower triangle of the Gram matrix, without penalty."""
        return _decimal(self._gram.rows[row][column])


def _decimal(entry: int) -> Decimal:
    """Return an entry of `Gram.rows`."""
    return PRECISION.divide(Decimal(entry), _UNIT)


_UNIT = Decimal(2**FRACTION_BITS)
