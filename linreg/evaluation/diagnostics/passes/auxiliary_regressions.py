"""Auxiliary regressions: least squares of one summed column on others, from their moments."""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import NamedTuple

import numpy as np

from linreg.fit.exact.moment_sums.gram import FRACTION_BITS
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.normal_equations.ldl import (
    PRECISION,
    ColumnRounding,
    factorize,
    times_power_of_two,
)

ROUNDOFF = 2.0**-47
"""The relative error of a column that is computed from a row, a product of coordinates for one: a
column that others explain to so many digits depends on them.
"""


class AuxiliaryFit(NamedTuple):
    """The fit of a column on others.

    rank  the number of columns that do not depend on those before them
    rss   the residual sum of squares, in a unit that is the same for all fits of the column
    """

    rank: int
    rss: Decimal


def no_moments(num_columns: int, expected_rows: int) -> Moments:
    """Return the moments of no rows, for so many columns beside that of ones and the last one."""
    return Moments.zero(num_columns, expected_rows, np.full(num_columns + 1, ROUNDOFF))


class AuxiliaryRegressions:
    """Regressions among columns of [1 A t], whose moments are given; column 0 is that of ones."""

    def __init__(self, moments: Moments) -> None:
        self.num_rows = moments.num_rows
        self.last = moments.num_features + 1
        self._gram = moments.gram()
        pairs = zip(self._gram.cells.tolist(), self._gram.norms.tolist(), strict=True)
        self._roundings = [ColumnRounding(*each) for each in pairs]

    def mean_product(self, i: int, j: int) -> Decimal:
        """Return the mean of the products of two columns, in their units."""
        entry = self._gram.entry(max(i, j), min(i, j)) / self.num_rows
        return PRECISION.divide(Decimal(entry.numerator), Decimal(entry.denominator))

    def scaled(self, sum_of_squares: Decimal, column: int) -> Decimal:
        """Return a sum of squares of a column in the unit of the fits of the column."""
        return sum_of_squares * times_power_of_two(1, -2 * int(self._gram.exponents[column]))

    def fit(self, target: int, columns: Sequence[int]) -> AuxiliaryFit:
        """Regress a column on others, which may depend on each other."""
        with localcontext(PRECISION):
            lower = [
                [self._entry(i, j) for j in columns[: position + 1]]
                for position, i in enumerate(columns)
            ]
            factors = factorize(lower, [self._roundings[j] for j in columns], self._gram.error)
            products = [self._entry(target, j) for j in columns]
            square = self._entry(target, target)
            _, rss = factors.combination(products, square)
            return AuxiliaryFit(len(factors.kept), max(rss, Decimal(0)))

    def _entry(self, i: int, j: int) -> Decimal:
        return Decimal(self._gram.rows[max(i, j)][min(i, j)]) / _UNIT


_UNIT = Decimal(2**FRACTION_BITS)
