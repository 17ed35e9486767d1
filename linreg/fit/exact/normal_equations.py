"""The normal equations of ordinary and ridge regression, from the moments of the rows.

Their columns are those of Z = [1 X y], divided by powers of two, so that the diagonal of the Gram
matrix is between 1 and 4 (or 0). All numbers have 60 decimal digits.
"""

from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from linreg.fit.exact.ldl import LDL, MOMENT_ERROR, ColumnRounding, Vector, times_power_of_two
from linreg.fit.exact.moments import Moments

CELL_ROUNDINGS = 4
"""A residual is rounding alone up to so many times the rounding of the cells that it is made of.

Whoever computed the target has rounded its terms and their sums too.
"""


class NormalEquations:
    """(Zᵀ diag(w) Z + n·l2) β = Zᵀ diag(w) y, for Z = [1 X] or, without an intercept, X.

    gram       the lower triangle of the left-hand side, penalty included
    penalties  what the diagonal has of it, by column of [1 X y]
    roundings  of the columns of [1 X y]
    first      the column of [1 X y] that gram begins with: 0, or 1 without an intercept
    target     the column of [1 X y] that y is in

    All methods are to be called in the decimal context `ldl.PRECISION`.
    """

    def __init__(self, moments: Moments, intercept: bool, l2: float) -> None:
        self.first = 0 if intercept else 1
        self.target = moments.num_features + 1
        gram = moments.gram()
        self._exponents = [_square_root_exponent(row[-1]) for row in gram]
        self._rows = [
            [
                times_power_of_two(value, -self._exponents[i] - self._exponents[j])
                for j, value in enumerate(row)
            ]
            for i, row in enumerate(gram)
        ]
        self.roundings = [
            ColumnRounding(
                float(times_power_of_two(errors, -2 * exponent).sqrt()), float(row[-1].sqrt())
            )
            for errors, exponent, row in zip(
                moments.cell_errors(gram), self._exponents, self._rows, strict=True
            )
        ]
        penalty = moments.num_rows * Fraction(l2)
        # The intercept, column 0, has no penalty.
        self.penalties = [Decimal(0)] + [
            times_power_of_two(penalty, -2 * exponent) for exponent in self._exponents[1:-1]
        ]
        self.gram: list[Vector] = []
        for j in range(self.first, self.target):
            row = self._rows[j]
            self.gram.append([*row[self.first : j], row[j] + self.penalties[j]])

    @property
    def exponents(self) -> NDArray[np.int64]:
        """The powers of two that the columns of [1 X y] (M + 2,) are divided by."""
        return np.array(self._exponents)

    def right_side(self, columns: list[int]) -> Vector:
        """Return Zᵀ diag(w) y for some columns of [1 X y]."""
        return [self._rows[self.target][j] for j in columns]

    def in_units(self, value: Decimal, of: int | None, per: int | None = None) -> Decimal:
        """Return a value of the scaled columns in the units of the data: of one column per another.

        None stands for no unit.
        """
        exponent = 0
        if of is not None:
            exponent += self._exponents[of]
        if per is not None:
            exponent -= self._exponents[per]
        return value * times_power_of_two(Fraction(1), exponent)

    def residual_sum_of_squares(
        self, columns: list[int], beta: Vector, explained: Decimal
    ) -> Decimal:
        """Return Σ w(y − ỹ)², scaled.

        explained  yᵀ·Z·(ZᵀZ + n·l2)⁻¹·Zᵀ·y
        """
        if columns == [0]:
            # With b alone they are the same, and would differ in the last of the 60 digits.
            return self.total_sum_of_squares(around_mean=True)
        penalty = Decimal(0)
        for j, coefficient in zip(columns, beta, strict=True):
            penalty += self.penalties[j] * coefficient * coefficient
        return self._rows[self.target][-1] - (explained + penalty)

    def terms(self, columns: list[int], beta: Vector) -> ColumnRounding:
        """Return the sum of |βⱼ|·‖zⱼ‖ and ‖y‖, and likewise of the roundings of their cells."""
        cells, norm = self.roundings[self.target]
        for j, coefficient in zip(columns, beta, strict=True):
            size = abs(float(coefficient))
            cells += size * self.roundings[j].cells
            norm += size * self.roundings[j].norm
        return ColumnRounding(cells, norm)

    def has_constant(self, factors: LDL) -> bool:
        """Tell whether the columns span a constant, as a category with all its levels does."""
        if self.first == 0:
            return True
        ones = [row[0] for row in self._rows[self.first : self.target]]
        combination, unexplained = factors.combination(ones, self._rows[0][0])
        roundings = self.roundings[self.first : self.target]
        return unexplained <= Decimal(factors.rounding(self.roundings[0], combination, roundings))

    def total_sum_of_squares(self, *, around_mean: bool) -> Decimal:
        """Return Σ w(y − ȳ)², or Σ w y²; scaled, and 0 if it may be rounding."""
        products = self._rows[self.target]
        tss = products[-1]
        if around_mean:
            tss -= products[0] * products[0] / self._rows[0][0]
        # y and its mean: two terms of the length of y.
        rounding = 4 * (CELL_ROUNDINGS * self.roundings[self.target].cells) ** 2
        rounding += 4 * MOMENT_ERROR * float(products[-1])
        return tss if tss > Decimal(rounding) else Decimal(0)


def _square_root_exponent(square: Fraction) -> int:
    """Return e such that square / 4^e is about between 1 and 4."""
    return (square.numerator.bit_length() - square.denominator.bit_length()) // 2 if square else 0
