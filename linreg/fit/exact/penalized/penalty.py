"""The elastic net penalty l2·‖θ‖² + l1·‖θ‖₁, and what it is for each column."""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cached_property
from typing import Literal

from linreg.fit.exact.moment_sums.gram import FRACTION_BITS, Gram
from linreg.fit.exact.normal_equations.ldl import (
    PRECISION,
    ColumnRounding,
    explained_by_rounding,
    times_power_of_two,
)

PenaltyScale = Literal["units", "standardize"]


@dataclass(frozen=True)
class Penalty:
    """The penalty l2·Σ (sⱼθⱼ)² + l1·Σ sⱼ|θⱼ|, added to the mean squared error.

    scale  units: sⱼ = 1, θ in the units of the data; standardize: sⱼ is the standard deviation of
           column j, weighted and with the divisor Σ w, so that the penalty is that of a fit to
           standardized columns, as in glmnet
    """

    l1: float = 0.0
    l2: float = 0.0
    scale: PenaltyScale = "units"

    @property
    def is_ridge_in_units(self) -> bool:
        """Whether it is the plain ridge penalty, or none."""
        return self.l1 == 0 and (self.l2 == 0 or self.scale == "units")


class ColumnPenalties:
    """What the penalty is for each column x of X (M,), for columns and y divided by 2^exponents.

    thresholds  n·l1·s/2, at most the length of xᵀ diag(w) r for a θ of 0, r being the residuals
    squares     n·l2·s², which is added to xᵀ diag(w) x
    """

    def __init__(self, gram: Gram, penalty: Penalty) -> None:
        self._gram, self._penalty = gram, penalty

    @cached_property
    def thresholds(self) -> list[Decimal]:
        """See the class."""
        gram = self._gram
        half = gram.num_rows * Fraction(self._penalty.l1) / 2
        of_y = int(gram.exponents[-1])
        with localcontext(PRECISION):
            return [
                times_power_of_two(half, -exponent - of_y) * variance.sqrt()
                for exponent, variance in zip(self._exponents, self._variances, strict=True)
            ]

    @cached_property
    def squares(self) -> list[Decimal]:
        """See the class."""
        whole = self._gram.num_rows * Fraction(self._penalty.l2)
        with localcontext(PRECISION):
            return [
                times_power_of_two(whole, -2 * exponent) * variance
                for exponent, variance in zip(self._exponents, self._variances, strict=True)
            ]

    @property
    def of_theta(self) -> tuple[list[float], list[float]]:
        """The penalties l1·s and l2·s² of each θ in the units of the data."""
        l1, l2 = Decimal(self._penalty.l1), Decimal(self._penalty.l2)
        with localcontext(PRECISION):
            return (
                [float(l1 * variance.sqrt()) for variance in self._variances],
                [float(l2 * variance) for variance in self._variances],
            )

    @property
    def _exponents(self) -> list[int]:
        exponents: list[int] = self._gram.exponents[1:-1].tolist()
        return exponents

    @cached_property
    def _variances(self) -> list[Decimal]:
        """s² of each column, 0 for one that is constant but for rounding; 1 for `units`."""
        gram = self._gram
        if self._penalty.scale == "units":
            return [Decimal(1)] * len(self._exponents)
        of_ones = int(gram.exponents[0])
        return [
            times_power_of_two(centered_square(gram, j) / gram.rows[0][0], 2 * (exponent - of_ones))
            for j, exponent in enumerate(self._exponents, start=1)
        ]


def centered_square(gram: Gram, j: int) -> Fraction:
    """Return Σ w(z − z̄)² of a column of [1 X y], in units of `Gram.rows`; 0 if it is rounding."""
    weight, sum_ = gram.rows[0][0], gram.rows[j][0]
    square = Fraction(gram.rows[j][j] * weight - sum_ * sum_, weight)
    of_ones, own = (ColumnRounding(float(gram.cells[k]), float(gram.norms[k])) for k in (0, j))
    mean = [Decimal(sum_) / Decimal(weight)]
    rounding = Fraction(explained_by_rounding(own, mean, [of_ones], gram.error))
    return square if square > rounding * 2**FRACTION_BITS else Fraction(0)
