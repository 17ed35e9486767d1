"""Moments of rows: all that least squares needs of them, in one pass and bounded memory."""

import math
from fractions import Fraction
from typing import Self

import numpy as np

from linreg.arrays import Floats, read_only
from linreg.errors import UserError
from linreg.fit.exact.double_double import sum_numpy
from linreg.fit.exact.double_double.sum_numpy import (
    LANES,
    add_to_total,
    flush_lanes,
    numpy_is_faster,
)

FLOAT64_ROUNDOFF = 2.0**-53
"""The largest relative error of a number that is rounded to float64."""
UNSCALED = 256
"""Columns with values up to 2^256 are not scaled: their squares are within float64."""


class Moments:
    """The Gram matrix Zᵀ diag(w) Z of Z = [1 X y], (M + 2, M + 2), in double-double.

    num_features   M
    num_rows       n, the rows added, weight 0 included
    num_weighted   how many of them have a weight above 0; n without weights

    **Accuracy.** Products and sums carry their rounding errors along (`double_double.sum_kernels`).
    Measured against exact fractions, over 200 random tables of up to 20,000 rows, with and without
    weights, half of them with a mean far from 0: the error of an entry Σ w zᵢ zⱼ is
    2^-109 Σ |w zᵢ zⱼ| in the median and 2^-102 at most, which is 30 digits.

    **Chunks.** The position of a row since the first one decides what it is added to, never the end
    of a chunk: the same rows in chunks of any lengths give the same bits. `merged` starts a new
    count. It adds two parts to 2^-159, so that parts which were cut differently differ by no more
    than the errors above, which a result that is rounded to float64 does not show unless its
    columns are nearly collinear.

    **Range.** Columns are scaled by powers of two, exactly, once they hold values beyond 2^±256. So
    values near 1e300 do not overflow when squared; what underflows is less than 2^-500 of the
    columns' length.

    **Cells.** A cell is known to the unit roundoff u of its column's type: of a z that was rounded,
    up to u·|z| is unknown. An integer up to 1/u is exact. So Σ w(u·z)² over the other cells, at
    most, is what rounding may have moved a column by: `cell_errors`.
    """

    def __init__(
        self, num_features: int, expected_rows: int = 0, roundoffs: Floats | None = None
    ) -> None:
        num_columns = num_features + 2
        pairs = [(i, j) for i in range(num_columns) for j in range(i, num_columns)]
        self.num_features = num_features
        self.num_rows = 0
        self.num_weighted = 0
        self._expected_rows = expected_rows
        self._position = 0
        self._pairs = np.array(pairs)
        self._lanes = np.zeros((len(pairs), 2, LANES))
        self._total = np.zeros((len(pairs), 3))
        # For 1, the columns of X, y and w: the largest |value|, and the power of two that the
        # column is divided by.
        self._largest = np.zeros(num_columns + 1)
        self._exponents = np.zeros(num_columns + 1, np.int64)
        # For the columns of X and y: the unit roundoff, and the largest |value| that was rounded.
        self._roundoffs = (
            np.full(num_features + 1, FLOAT64_ROUNDOFF) if roundoffs is None else roundoffs
        )
        self._largest_rounded = np.zeros(num_features + 1)

    @classmethod
    def zero(
        cls, num_features: int, expected_rows: int = 0, roundoffs: Floats | None = None
    ) -> Self:
        """Return the moments of no rows.

        expected_rows  the rows to come, here and in moments to be merged; it affects speed only
        roundoffs      (M + 1,) the unit roundoffs of X and y; None for 2^-53, that of float64
        """
        return cls(num_features, expected_rows, roundoffs)

    def add(self, X: Floats, y: Floats, w: Floats | None = None) -> None:
        """Add rows: X (n, M), y (n,), weights w (n,) or None for weight 1; all finite.

        Raises UserError for a negative weight.
        """
        assert X.shape == (len(y), self.num_features), f"X is {X.shape}, y has {len(y)} rows"
        if not len(y):
            return
        X = np.asfortranarray(X, np.float64)
        y = np.ascontiguousarray(y, np.float64)
        if w is not None:
            w = np.ascontiguousarray(w, np.float64)
            if w.min() < 0:
                raise UserError("the weights", "must not be negative", found=w.min())
        largest = [1.0, *(_largest(X[:, j]) for j in range(self.num_features)), _largest(y)]
        largest.append(1.0 if w is None else _largest(w))
        assert np.isfinite(largest).all(), "a design matrix holds finite values only"
        self._rescale(np.maximum(self._largest, largest))
        self._add_products(X, y, w)
        self._find_rounded(X, y, largest[1:-1])
        self.num_rows += len(y)
        self.num_weighted += len(y) if w is None else int(np.count_nonzero(w))
        self._position += len(y)

    def _add_products(self, X: Floats, y: Floats, w: Floats | None) -> None:
        """Add the products of the columns to lanes and totals."""
        if w is None and self._exponents[-1]:
            # Other rows have weights so large or small that they are scaled.
            w = np.ones(len(y))
        weights = np.empty(0) if w is None else w
        factors = np.ldexp(1.0, -self._exponents)
        sums = (factors, self._position, self._lanes, self._total)
        num_rows = max(self.num_rows + len(y), self._expected_rows)
        if numpy_is_faster(num_rows, self.num_features + 2):
            sum_numpy.add_rows(X, y, weights, *sums)
        else:
            from linreg.fit.exact.double_double import sum_kernels

            sum_kernels.add_rows(read_only(X), read_only(y), read_only(weights), *sums)
        if w is None:
            add_to_total(self._total[:1], np.array([float(len(y))]))

    def _find_rounded(self, X: Floats, y: Floats, largest: list[float]) -> None:
        """Find the largest cells that are no exact integers, in columns with larger ones so far."""
        for j in np.flatnonzero(np.array(largest) > self._largest_rounded).tolist():
            most_exact = 1 / self._roundoffs[j]
            if largest[j] > most_exact or not largest[j].is_integer():
                self._largest_rounded[j] = largest[j]
                continue
            column = y if j == self.num_features else X[:, j]
            is_exact = np.rint(column) == column
            if not is_exact.all():
                rounded = _largest(column[~is_exact])
                self._largest_rounded[j] = max(self._largest_rounded[j], rounded)

    def merged(self, other: "Moments") -> "Moments":
        """Return the moments of the rows of both."""
        assert self.num_features == other.num_features
        assert (self._roundoffs == other._roundoffs).all()
        result, added = self._flushed(), other._flushed()
        largest = np.maximum(result._largest, added._largest)
        result._rescale(largest)
        added._rescale(largest)
        np.maximum(result._largest_rounded, added._largest_rounded, out=result._largest_rounded)
        for values in added._total.T:
            add_to_total(result._total, values)
        result.num_rows += added.num_rows
        result.num_weighted += added.num_weighted
        return result

    def gram(self) -> list[list[Fraction]]:
        """Return the lower triangle of Zᵀ diag(w) Z, row i with i + 1 entries, without rounding."""
        rows: list[list[Fraction]] = [[] for _ in range(self.num_features + 2)]
        flushed = self._flushed()
        for (i, j), parts in zip(self._pairs.tolist(), flushed._total.tolist(), strict=True):
            rows[j].append(_exact_sum(parts, flushed._exponent(i, j)))
        return rows

    @property
    def inexact_roundoffs(self) -> Floats:
        """The unit roundoffs (M + 1,) of X and y; 0 for a column whose cells are all exact."""
        return np.where(self._largest_rounded > 0, self._roundoffs, 0.0)

    def cell_errors(self, gram: list[list[Fraction]]) -> list[Fraction]:
        """Return for 1, X and y (M + 2,) the most that Σ w·e² can be, with e the rounding of z.

        gram  what `gram` returns, which takes long for many columns
        """
        errors = [Fraction(0)]
        for row, roundoff, largest in zip(
            gram[1:], self._roundoffs.tolist(), self._largest_rounded.tolist(), strict=True
        ):
            of_rounded = min(row[-1], gram[0][0] * Fraction(largest) ** 2)
            errors.append(Fraction(roundoff) ** 2 * of_rounded)
        return errors

    def rounded(self) -> Floats:
        """Return Zᵀ diag(w) Z (M + 2, M + 2) as float64; infinite beyond its range."""
        num_columns = self.num_features + 2
        gram = np.empty((num_columns, num_columns))
        flushed = self._flushed()
        for (i, j), parts in zip(self._pairs.tolist(), flushed._total.tolist(), strict=True):
            with np.errstate(over="ignore"):
                gram[i, j] = gram[j, i] = np.ldexp(parts[0], flushed._exponent(i, j))
        return gram

    def as_array(self) -> Floats:
        """Return everything as one float64 array of fixed length, to be sent to other processes."""
        flushed = self._flushed()
        counts = [float(self.num_rows), float(self.num_weighted)]
        return np.concatenate(
            [
                counts,
                flushed._roundoffs,
                flushed._largest_rounded,
                flushed._largest,
                flushed._exponents,
                flushed._total.ravel(),
            ]
        )

    @classmethod
    def from_array(cls, num_features: int, values: Floats) -> Self:
        """Return the moments that `as_array` was called on; further rows start a new count."""
        lengths = [2, *[num_features + 1] * 2, *[num_features + 3] * 2]
        num_pairs = (num_features + 2) * (num_features + 3) // 2
        if len(values) == 2 + sum(lengths[3:]) + 3 * num_pairs:
            # Of a model from before cells had a rounding: any of them may have been rounded.
            largest = values[3 : num_features + 4]
            unknown = [np.full(num_features + 1, FLOAT64_ROUNDOFF), largest]
            values = np.concatenate([values[:2], *unknown, values[2:]])
        counts, roundoffs, rounded, largest, exponents, total = np.split(values, np.cumsum(lengths))
        moments = cls(num_features, roundoffs=roundoffs.copy())
        moments.num_rows, moments.num_weighted = map(int, counts)
        moments._largest_rounded = rounded.copy()
        moments._largest = largest.copy()
        moments._exponents = exponents.astype(np.int64)
        moments._total = total.reshape(-1, 3).copy()
        return moments

    def _flushed(self) -> "Moments":
        """Return a copy with empty lanes.

        The first part of a total is then the total rounded, the second the remainder rounded.
        """
        copy = Moments(self.num_features, roundoffs=self._roundoffs)
        copy._largest_rounded = self._largest_rounded.copy()
        copy.num_rows = self.num_rows
        copy.num_weighted = self.num_weighted
        copy._largest = self._largest.copy()
        copy._exponents = self._exponents.copy()
        copy._lanes = self._lanes.copy()
        copy._total = self._total.copy()
        flush_lanes(copy._lanes, copy._total)
        for i, parts in enumerate(copy._total.tolist()):
            first = math.fsum(parts)
            second = math.fsum([*parts, -first])
            copy._total[i] = first, second, math.fsum([*parts, -first, -second])
        return copy

    def _exponent(self, i: int, j: int) -> int:
        """Return the power of two that the total of a pair of columns is to be multiplied by."""
        return int(self._exponents[i] + self._exponents[j] + self._exponents[-1])

    def _rescale(self, largest: Floats) -> None:
        """Scale the sums so far for columns whose largest |value| is now `largest`."""
        self._largest = largest
        exponents = np.array([_scale_exponent(value) for value in largest.tolist()])
        shift = self._exponents - exponents
        if shift.any():
            shifts = shift[self._pairs].sum(axis=1) + shift[-1]
            self._lanes = np.ldexp(self._lanes, shifts[:, None, None])
            self._total = np.ldexp(self._total, shifts[:, None])
            self._exponents = exponents


def _largest(values: Floats) -> float:
    """Return max |value|; NaN if there is one."""
    return float(max(values.max(), -values.min()))


def _scale_exponent(largest: float) -> int:
    """Return e for a column that is to be divided by 2^e, from its largest |value|.

    The scaled values are below 2^256, and the largest of them above 2^-256.
    """
    exponent = math.frexp(largest)[1] if largest else 0
    if abs(exponent) <= UNSCALED:
        return 0
    return int(math.copysign(512 if abs(exponent) <= 768 else 1000, exponent))


def _exact_sum(parts: list[float], exponent: int) -> Fraction:
    """Return Σ parts · 2^exponent.

    All denominators are powers of two, of which the sum of Fraction makes no use.
    """
    ratios = [part.as_integer_ratio() for part in parts]
    denominator = max(below for _, below in ratios)
    numerator = sum(above * (denominator // below) for above, below in ratios)
    return Fraction(numerator << max(exponent, 0), denominator << max(-exponent, 0))
