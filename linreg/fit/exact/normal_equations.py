"""The normal equations of ordinary and ridge regression, from the moments of the rows.

Their columns are those of Z = [1 X y], divided by powers of two, so that the diagonal of the Gram
matrix is between 1 and 4 (or 0). All numbers have 60 decimal digits.
"""

from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from linreg.fit.exact.ldl import Vector, times_power_of_two
from linreg.fit.exact.moments import Moments

ROUNDING = Decimal(2) ** -102
"""Σ(y − ỹ)² may be rounding alone if it is at most this part of (Σ |θⱼ|·‖xⱼ‖ + ‖y‖)².

Rounding moves a cell by 2^-53 of it at most, which is 2^-106 squared, and a moment by up to 2^-102.
"""


class NormalEquations:
    """(Zᵀ diag(w) Z + n·l2) β = Zᵀ diag(w) y, for Z = [1 X] or, without an intercept, X.

    gram    the lower triangle of the left-hand side, penalty included
    first   the column of [1 X y] that gram begins with: 0, or 1 without an intercept
    target  the column of [1 X y] that y is in

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
        penalty = moments.num_rows * Fraction(l2)
        # The intercept, column 0, has no penalty.
        self._penalties = [Decimal(0)] + [
            times_power_of_two(penalty, -2 * exponent) for exponent in self._exponents[1:-1]
        ]
        self.gram: list[Vector] = []
        for j in range(self.first, self.target):
            row = self._rows[j]
            self.gram.append([*row[self.first : j], row[j] + self._penalties[j]])

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

    def norm(self, column: int) -> Decimal:
        """Return ‖z‖ = √ Σ w z² of a column of [1 X y], scaled."""
        return self._rows[column][column].sqrt()

    def residual_sum_of_squares(
        self, columns: list[int], beta: Vector, explained: Decimal
    ) -> Decimal:
        """Return Σ w(y − ỹ)², scaled; 0 if it is no more than rounding explains (see ROUNDING).

        explained  yᵀ·Z·(ZᵀZ + n·l2)⁻¹·Zᵀ·y
        """
        if columns == [0]:
            # With b alone they are the same, and would differ in the last of the 60 digits.
            return self.total_sum_of_squares()
        penalty = Decimal(0)
        terms = self.norm(self.target)
        for j, coefficient in zip(columns, beta, strict=True):
            penalty += self._penalties[j] * coefficient * coefficient
            terms += abs(coefficient) * self.norm(j)
        rss = self._rows[self.target][-1] - (explained + penalty)
        return rss if rss > ROUNDING * terms * terms else Decimal(0)

    def total_sum_of_squares(self) -> Decimal:
        """Return Σ w(y − ȳ)², without an intercept Σ w y²; scaled, and 0 if it may be rounding."""
        products = self._rows[self.target]
        tss = products[-1]
        if self.first == 0:
            tss -= products[0] * products[0] / self._rows[0][0]
        return tss if tss > ROUNDING * 4 * products[-1] else Decimal(0)


def _square_root_exponent(square: Fraction) -> int:
    """Return e such that square / 4^e is about between 1 and 4."""
    return (square.numerator.bit_length() - square.denominator.bit_length()) // 2 if square else 0
