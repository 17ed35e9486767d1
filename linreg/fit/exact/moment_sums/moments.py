"""Moments of rows: all that least squares needs of them, in one pass and bounded memory."""

import math
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import DesignMatrix, Layout, Monomial, as_array
from linreg.errors import UserError
from linreg.fit.exact.double_double.remainders import summed_columns, with_remainders
from linreg.fit.exact.double_double.sum_numpy import normalized
from linreg.fit.exact.moment_sums.gram import Gram, square_root_exponents
from linreg.fit.exact.moment_sums.pair_sums import combined_pairs, pair_sums

FLOAT64_ROUNDOFF = 2.0**-53
"""The largest relative error of a number that is rounded to float64."""
UNSCALED = 256
"""Columns with values up to 2^256 are not scaled: their squares are within float64."""


class Moments:
    """The Gram matrix Zᵀ diag(w) Z of Z = [1 X y], (M + 2, M + 2), in double-double.

    num_features   M
    num_rows       n, the rows added, weight 0 included
    num_weighted   how many of them have a weight above 0; n without weights; Σ w once
                   `count_frequencies` was called
    exponents      (M + 3,) the powers of two that [1 X y] and weights are divided by for the sums
    columns        (K,) the column of [1 X y] that each column which is summed up is a part of

    **Accuracy.** Products and sums carry their rounding errors along (`double_double.sum_kernels`).
    Measured against exact fractions, over 200 random tables of up to 20,000 rows, with and without
    weights, half of them with a mean far from 0: the error of an entry Σ w zᵢ zⱼ is
    2^-109 Σ |w zᵢ zⱼ| in the median and 2^-102 at most, which is 30 digits.

    **Chunks.** The same rows in chunks of any lengths give the same bits (`pair_sums`). `merged`
    starts a new count. It adds two parts to 2^-159, so that parts which were cut differently differ
    by no more than the errors above, which a result that is rounded to float64 does not show unless
    its columns are nearly collinear.

    **Range.** Columns are scaled by powers of two, exactly, once they hold values beyond 2^±256. So
    values near 1e300 do not overflow when squared; what underflows is less than 2^-500 of the
    columns' length.

    **Cells.** A cell is known to the unit roundoff u of its column's type: of a z that was rounded,
    up to u·|z| is unknown. An integer up to 1/u is exact. So Σ w(u·z)² over the other cells, at
    most, is what rounding may have moved a column by: `cell_errors`.

    **Powers.** A column that is a power of another is summed up as the exact power: with its
    remainder as a column of its own, whose products are added to those of the column in `gram`.
    """

    def __init__(
        self,
        num_features: int,
        expected_rows: int = 0,
        roundoffs: Floats | None = None,
        monomials: tuple[Monomial, ...] = (),
    ) -> None:
        num_columns = num_features + 2
        self.layout = Layout(num_features, monomials=monomials)
        self.num_features = num_features
        self.num_rows = 0
        self.num_weighted = 0
        self.columns = np.append(summed_columns(num_features, monomials), num_features + 1)
        self._sums = pair_sums(len(self.columns), expected_rows)
        self._expected_rows = expected_rows
        # Of 1, the columns of X, y and w.
        self._largest = np.zeros(num_columns + 1)
        self.exponents = np.zeros(num_columns + 1, np.int64)
        # For the columns of X and y: the unit roundoff, and the largest |value| that was rounded.
        self._roundoffs = (
            np.full(num_features + 1, FLOAT64_ROUNDOFF) if roundoffs is None else roundoffs
        )
        self._largest_rounded = np.zeros(num_features + 1)
        self._gram: Gram | None = None

    @classmethod
    def zero(
        cls,
        num_features: int,
        expected_rows: int = 0,
        roundoffs: Floats | None = None,
        monomials: tuple[Monomial, ...] = (),
    ) -> Self:
        """Return the moments of no rows.

        expected_rows  the rows to come, here and in moments to be merged; it affects speed only
        roundoffs      (M + 1,) the unit roundoffs of X and y; None for 2^-53, that of float64
        monomials      the columns of X that are powers of others, and are summed up as such
        """
        return cls(num_features, expected_rows, roundoffs, monomials)

    def add(
        self, X: DesignMatrix, y: Floats, w: Floats | None = None, of_fold: "Moments | None" = None
    ) -> None:
        """Add rows: X (n, M), y (n,), weights w (n,) or None for weight 1; all finite.

        of_fold  moments that these rows are added to as well, at no cost; then all rows of each
                 block of `rows_per_block` must come with the same ones, and columns not be scaled

        Raises UserError for a negative weight.
        """
        assert X.shape == (len(y), self.num_features), f"X is {X.shape}, y has {len(y)} rows"
        if not len(y):
            return
        X = np.asfortranarray(as_array(X), np.float64)
        y = np.ascontiguousarray(y, np.float64)
        if w is not None:
            w = np.ascontiguousarray(w, np.float64)
            if w.min() < 0:
                raise UserError("the weights", "must not be negative", found=w.min())
        largest = [1.0, *(_largest(X[:, j]) for j in range(self.num_features)), _largest(y)]
        largest.append(1.0 if w is None else _largest(w))
        assert np.isfinite(largest).all(), "a design matrix holds finite values only"
        self._rescale(np.maximum(self._largest, largest))
        extended = with_remainders(X, self.layout.monomials, self._expected_rows)
        self._sums.add(extended, y, w, self.factors, of_fold._sums if of_fold else None)
        self._find_rounded(X, y, largest[1:-1])
        num_weighted = len(y) if w is None else int(np.count_nonzero(w))
        self._count(len(y), num_weighted)
        if of_fold:
            of_fold._rescale(np.maximum(of_fold._largest, largest))
            # At most, as for all rows so far.
            rounded = np.maximum(of_fold._largest_rounded, self._largest_rounded)
            of_fold._largest_rounded = rounded
            of_fold._count(len(y), num_weighted)

    @property
    def rows_per_block(self) -> int:
        """The rows, counted from the first, that are summed up by themselves before the next."""
        return self._sums.rows_per_block

    def _count(self, num_rows: int, num_weighted: int) -> None:
        self.num_rows += num_rows
        self.num_weighted += num_weighted
        self._gram = None

    def count_frequencies(self) -> None:
        """Let weights be frequencies, of which a row of weight w stands for w rows."""
        self.num_weighted = round(self.gram().entry(0, 0))

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
        assert self.layout == other.layout
        assert (self._roundoffs == other._roundoffs).all()
        result, added = (
            Moments.from_array(self.num_features, each.as_array(), self.layout.monomials)
            for each in (self, other)
        )
        largest = np.maximum(result._largest, added._largest)
        result._rescale(largest)
        added._rescale(largest)
        np.maximum(result._largest_rounded, added._largest_rounded, out=result._largest_rounded)
        result._sums.merge(added._total())
        result.num_rows += added.num_rows
        result.num_weighted += added.num_weighted
        return result

    def gram(self) -> Gram:
        """Return Zᵀ diag(w) Z with columns divided by powers of two."""
        if self._gram is None:
            total = self._combined_total()
            diagonal = total[np.equal(*np.triu_indices(self.num_features + 2))]
            # The exponents of columns and weights are even numbers.
            of_sums = self.exponents[:-1] + self.exponents[-1] // 2
            exponents = of_sums + square_root_exponents(diagonal[:, 0], diagonal[:, 1])
            parts = np.ldexp(total, _of_pairs(of_sums - exponents)[:, None])
            norms = np.ldexp(np.sqrt(diagonal[:, 0]), of_sums - exponents)
            with np.errstate(over="ignore"):
                largest = np.ldexp(norms[0] * self._largest_rounded, exponents[0] - exponents[1:])
            cells = np.concatenate([[0.0], self._roundoffs * np.minimum(norms[1:], largest)])
            self._gram = Gram(self.num_rows, exponents, parts, cells, norms)
        return self._gram

    def totals(self) -> Gram:
        """Return a Gram matrix that holds the products of 1 and y in its first and last rows."""
        return self.gram()

    @property
    def is_nonzero(self) -> NDArray[np.bool_]:
        """Which columns (M,) of X have a cell that is not 0, in a row of any weight."""
        return self._largest[1:-2] > 0

    @property
    def inexact_roundoffs(self) -> Floats:
        """The unit roundoffs (M + 1,) of X and y; 0 for a column whose cells are all exact."""
        return np.where(self._largest_rounded > 0, self._roundoffs, 0.0)

    def rounded(self) -> Floats:
        """Return Zᵀ diag(w) Z (M + 2, M + 2) as float64; infinite beyond its range."""
        num_columns = self.num_features + 2
        gram = np.empty((num_columns, num_columns))
        i, j = np.triu_indices(num_columns)
        with np.errstate(over="ignore"):
            of_sums = self.exponents[:-1] + self.exponents[-1] // 2
            gram[i, j] = gram[j, i] = np.ldexp(self._combined_total()[:, 0], _of_pairs(of_sums))
        return gram

    def as_array(self) -> Floats:
        """Return everything as one float64 array of fixed length, to be sent to other processes."""
        counts = [float(self.num_rows), float(self.num_weighted)]
        return np.concatenate(
            [
                counts,
                self._roundoffs,
                self._largest_rounded,
                self._largest,
                self.exponents,
                self._total().ravel(),
            ]
        )

    @classmethod
    def from_array(
        cls, num_features: int, values: Floats, monomials: tuple[Monomial, ...] = ()
    ) -> Self:
        """Return the moments that `as_array` was called on; further rows start a new count."""
        lengths = [2, *[num_features + 1] * 2, *[num_features + 3] * 2]
        num_summed = num_features + len(monomials) + 2
        num_pairs = num_summed * (num_summed + 1) // 2
        if len(values) == 2 + sum(lengths[3:]) + 3 * num_pairs:
            # Of a model from before cells had a rounding: any of them may have been rounded.
            largest = values[3 : num_features + 4]
            unknown = [np.full(num_features + 1, FLOAT64_ROUNDOFF), largest]
            values = np.concatenate([values[:2], *unknown, values[2:]])
        counts, roundoffs, rounded, largest, exponents, total = np.split(values, np.cumsum(lengths))
        moments = cls(num_features, roundoffs=roundoffs.copy(), monomials=monomials)
        moments.num_rows, moments.num_weighted = map(int, counts)
        moments._largest_rounded = rounded.copy()
        moments._largest = largest.copy()
        moments.exponents = exponents.astype(np.int64)
        moments._sums.merge(total.reshape(-1, 3))
        return moments

    @property
    def factors(self) -> Floats:
        """The powers of two (K + 1,) that what is summed up and the weights are multiplied by."""
        exponents = np.append(self.exponents[:-1][self.columns], self.exponents[-1])
        factors: Floats = np.ldexp(1.0, -exponents)
        return factors

    def _total(self) -> Floats:
        """Return the sums (pairs, 3): each rounded, the remainder rounded, and what is left."""
        return normalized(self._sums.total(self.factors))

    def _combined_total(self) -> Floats:
        """Return those of the columns of [1 X y], powers with their remainders."""
        if not self.layout.monomials:
            return self._total()
        return normalized(combined_pairs(self._total(), self.columns))

    def _rescale(self, largest: Floats) -> None:
        """Scale the sums so far for columns whose largest |value| is now `largest`."""
        self._largest = largest
        exponents = np.array([_scale_exponent(value) for value in largest.tolist()])
        shift = self.exponents - exponents
        if shift.any():
            self._sums.rescale(_of_pairs(shift[:-1][self.columns]) + shift[-1])
            self.exponents = exponents


def _of_pairs(exponents: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sums of the exponents of columns (K,) over all pairs (K(K + 1)/2,)."""
    i, j = np.triu_indices(len(exponents))
    return exponents[i] + exponents[j]


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
