"""The Gram matrix of [1 X y], with columns divided by powers of two: as integers, or float64 pairs.

Integers are exact where fractions would be, at a tenth of their time: sums and differences of
products of entries cancel most of their digits where a column is far from 0.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.fit.exact.double_double.sum_numpy import two_sum
from linreg.fit.exact.moment_sums.rounding import nearest_float

FRACTION_BITS = 200
"""Bits after the point of an entry, of which the moments have 102."""
MOMENT_ERROR = 2.0**-102
"""The largest error of an entry of the moments, as a part of the norms of its two columns."""


@dataclass(frozen=True)
class Gram:
    """Zᵀ diag(w) Z of Z = [1 X y], (M + 2, M + 2), for columns divided by 2^exponents.

    num_rows   n, the rows of Z, weight 0 included
    exponents  (M + 2,) int, such that the diagonal is between 1 and 4, or 0
    parts      (pairs, 3) entries as the sum of three float64, for (0, 0), (0, 1), …, (1, 1), …;
               the first part is the entry rounded, the second the remainder rounded
    cells      (M + 2,) the norm of the rounding errors of a column's cells, at most
    norms      (M + 2,) the norms ‖z‖ of the columns, between 1 and 2, or 0
    error      the largest error of an entry, as a part of the norms of its two columns
    """

    num_rows: int
    exponents: NDArray[np.int64]
    parts: Floats
    cells: Floats
    norms: Floats
    error: float = MOMENT_ERROR

    @classmethod
    def from_lower(
        cls,
        num_rows: int,
        exponents: NDArray[np.int64],
        lower: Floats,
        cells: Floats,
        norms: Floats,
        error: float = MOMENT_ERROR,
    ) -> Self:
        """Return the matrix whose lower triangle (2, M + 2, M + 2) is given in double-double."""
        high, low = two_sum(lower[0], lower[1])
        j, i = np.triu_indices(len(exponents))
        parts = np.stack([high[i, j], low[i, j], np.zeros(len(i))], axis=1)
        return cls(num_rows, exponents, parts, cells, norms, error)

    @cached_property
    def rows(self) -> list[list[int]]:
        """The lower triangle, row i with i + 1 entries, as integers in units of 2^-FRACTION_BITS.

        They are exact but for what is below their unit.
        """
        entries = [
            int(high) + int(middle) + int(low)
            for high, middle, low in np.ldexp(self.parts, FRACTION_BITS).tolist()
        ]
        return [[entries[k] for k in pairs.tolist()] for pairs in self._pairs_of_rows()]

    @cached_property
    def double_doubles(self) -> Floats:
        """The whole matrix in double-double, high and low: (2, M + 2, M + 2)."""
        size = len(self.exponents)
        matrix = np.empty((2, size, size))
        for i, pairs in enumerate(self._pairs_of_rows()):
            matrix[:, i, : i + 1] = matrix[:, : i + 1, i] = self.parts[pairs, :2].T
        return matrix

    def entry(self, i: int, j: int) -> Fraction:
        """Return an entry of the lower triangle in the units of the data."""
        exponent = int(self.exponents[i] + self.exponents[j]) - FRACTION_BITS
        return self.rows[i][j] * Fraction(2) ** exponent

    def mean(self, i: int) -> Fraction:
        """Return the mean of a column, weighted if rows are, in the units of the data.

        It is 0 where the column of ones is eliminated.
        """
        if not self.rows[0][0]:
            return Fraction(0)
        return self.entry(i, 0) / self.entry(0, 0)

    def _pairs_of_rows(self) -> list[NDArray[np.int64]]:
        """Return for each row of the lower triangle where its entries are in `parts`."""
        size = len(self.exponents)
        i = np.arange(size)
        first = i * size - i * (i + 1) // 2
        return [first[: j + 1] + j for j in range(size)]


def square_root_exponents(squares: Floats, remainders: Floats) -> NDArray[np.int64]:
    """Return e (n,) such that squares + remainders is between 4^e and 4^(e + 1); 0 for 0."""
    mantissas, exponents = np.frexp(squares)
    # The sum of a power of two and a negative remainder is below it.
    logarithms = exponents - 1 - ((mantissas == 0.5) & (remainders < 0))
    return np.where(squares > 0, logarithms // 2, 0).astype(np.int64)


def centered_products(gram: Gram, l2: float) -> Floats:
    """Return Xᵀ diag(w) X / n around the means of the columns of X, plus l2·I: (M, M).

    Each entry is rounded once, as centering cancels nearly all digits of a column far from 0.
    """
    rows = [row[1:] for row in gram.rows[1:-1]]
    sums = [row[0] for row in gram.rows[1:-1]]
    exponents = gram.exponents[1:-1]
    # Where the column of ones is eliminated, so are the means.
    weight = gram.rows[0][0] or 2**FRACTION_BITS
    denominator = (weight * gram.num_rows) << FRACTION_BITS
    products = np.zeros((len(rows), len(rows)))
    for i, row in enumerate(rows):
        numerators = [
            entry * weight - sums[i] * of_j for entry, of_j in zip(row, sums, strict=False)
        ]
        with np.errstate(over="ignore"):
            products[i, : i + 1] = products[: i + 1, i] = np.ldexp(
                [numerator / denominator for numerator in numerators],
                exponents[i] + exponents[: i + 1],
            )
        if l2:
            square = Fraction(numerators[i], denominator) * Fraction(4) ** int(exponents[i])
            products[i, i] = nearest_float(square + Fraction(l2))
    return products


def standardized_products(
    gram: Gram, means: Floats, scales: Floats, l2: float
) -> tuple[Floats, int]:
    """Return Zᵀ diag(w) Z / n of Z = [1 (X − means) / scales], with the penalty l2 / scales².

    means, scales (M,)  columns with an infinite scale are 0

    Returns the matrix (M + 1, M + 1) divided by 4^e, which may be beyond float64 otherwise, and e.
    Each entry is rounded once.
    """
    sums = [row[0] for row in gram.rows[:-1]]
    units = (gram.exponents[0] - gram.exponents[1:-1]).tolist()
    centers = [0, *map(_in_units, means.tolist(), units)]
    significands, of_scales = np.frexp(np.concatenate([[1.0], scales]))
    is_finite = np.isfinite(significands)
    divisors = [int(each) for each in np.ldexp(np.where(is_finite, significands, 1), 53).tolist()]
    exponents = gram.exponents[:-1] - of_scales
    largest = int(exponents[is_finite].max())
    products = np.zeros((len(sums), len(sums)))
    for i in np.flatnonzero(is_finite).tolist():
        numerators = [
            (entry << 2 * FRACTION_BITS)
            - ((centers[i] * sums[j] + centers[j] * sums[i]) << FRACTION_BITS)
            + centers[i] * centers[j] * sums[0]
            for j, entry in enumerate(gram.rows[i])
        ]
        # 2^53 twice, of the significands.
        divisor = (divisors[i] * gram.num_rows) << 3 * FRACTION_BITS - 106
        products[i, : i + 1] = products[: i + 1, i] = np.ldexp(
            [each / (divisor * of_j) for each, of_j in zip(numerators, divisors, strict=False)],
            exponents[i] + exponents[: i + 1] - 2 * largest,
        )
        if l2 and i:
            square = Fraction(numerators[i], divisor * divisors[i])
            square *= Fraction(4) ** int(exponents[i])
            penalty = Fraction(l2) / Fraction(float(scales[i - 1])) ** 2
            products[i, i] = nearest_float((square + penalty) / Fraction(4) ** largest)
    products[~is_finite] = products[:, ~is_finite] = 0.0
    return products, largest


def _in_units(value: float, exponent: int) -> int:
    """Return value · 2^exponent in units of 2^-FRACTION_BITS."""
    return int(Fraction(value) * Fraction(2) ** (exponent + FRACTION_BITS))
