"""Sums of the products of all pairs of columns of Z = [1 X y], over rows in chunks of any lengths.

Pairs are in the order (0, 0), (0, 1), … (0, M + 1), (1, 1), …. The position of a row since the
first one decides what it is added to, never the end of a chunk.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats, read_only
from linreg.fit.exact.double_double import sum_numpy
from linreg.fit.exact.double_double.sum_numpy import (
    LANES,
    ROWS_PER_FLUSH,
    TILE,
    add_to_total,
    flush_lanes,
    numpy_is_faster,
)

NO_FOLD = np.empty((0, 3))
"""The totals of no fold."""
WIDE = 128
"""Columns of Z from which on rows are collected in tiles, as lanes take 512 bytes a pair."""


class PairSums(Protocol):
    """Sums in units of the columns and the weights times `factors`, which are powers of two.

    rows_per_block  rows are summed up by themselves in blocks of so many, counted from the first
    """

    rows_per_block: int
    _total: Floats

    def add(
        self,
        X: Floats,
        y: Floats,
        w: Floats | None,
        factors: Floats,
        of_fold: "PairSums | None" = None,
    ) -> None:
        """Add rows: X (n, M), y (n,), w (n,) or None for weight 1; factors (M + 3,).

        of_fold  other sums, in the same units, that get the blocks of these rows too; all rows of
                 a block must be added with the same ones
        """

    def rescale(self, exponents: NDArray[np.int64]) -> None:
        """Multiply the sums so far by powers of two (pairs,)."""

    def merge(self, total: Floats) -> None:
        """Add the `total` of other sums, in the same units."""

    def total(self, factors: Floats) -> Floats:
        """Return the sums (pairs, 3) so far, each the sum of three float64."""


def pair_sums(num_columns: int, expected_rows: int) -> PairSums:
    """Return empty sums for the columns of Z; the number of rows to come affects speed only."""
    if num_columns >= WIDE:
        return TileSums(num_columns)
    return LaneSums(num_columns, expected_rows)


class LaneSums:
    """Rows are added to lanes in turn, and lanes to totals after every ROWS_PER_FLUSH rows."""

    rows_per_block = ROWS_PER_FLUSH

    def __init__(self, num_columns: int, expected_rows: int) -> None:
        num_pairs = num_columns * (num_columns + 1) // 2
        self._num_columns = num_columns
        self._expected_rows = expected_rows
        self._position = 0
        self._lanes = np.zeros((num_pairs, 2, LANES))
        self._total = np.zeros((num_pairs, 3))

    def add(
        self,
        X: Floats,
        y: Floats,
        w: Floats | None,
        factors: Floats,
        of_fold: PairSums | None = None,
    ) -> None:
        """Add rows, in numpy or in kernels, with the same bits."""
        if w is None and factors[-1] != 1.0:
            # Other rows have weights so large or small that they are scaled.
            w = np.ones(len(y))
        weights = np.empty(0) if w is None else w
        totals = (self._total, of_fold._total if of_fold else NO_FOLD)
        sums = (factors, self._position, self._lanes, totals[0], totals[1])
        num_rows = max(self._position + len(y), self._expected_rows)
        if numpy_is_faster(num_rows, self._num_columns):
            sum_numpy.add_rows(X, y, weights, *sums)
        else:
            from linreg.fit.exact.double_double import sum_kernels

            sum_kernels.add_rows(read_only(X), read_only(y), read_only(weights), *sums)
        if w is None:
            _add_count(totals, len(y))
        self._position += len(y)

    def rescale(self, exponents: NDArray[np.int64]) -> None:
        """Scale lanes and totals."""
        self._lanes = np.ldexp(self._lanes, exponents[:, None, None])
        self._total = np.ldexp(self._total, exponents[:, None])

    def merge(self, total: Floats) -> None:
        """Add other totals."""
        for values in total.T:
            add_to_total(self._total, values)

    def total(self, factors: Floats) -> Floats:  # noqa: ARG002 (lanes are scaled already)
        """Return the totals with the lanes added."""
        total = self._total.copy()
        flush_lanes(self._lanes.copy(), total, NO_FOLD)
        return total


class TileSums:
    """Rows are collected until there is a tile of them, whose products are added to totals."""

    rows_per_block = TILE

    def __init__(self, num_columns: int) -> None:
        self._total = np.zeros((num_columns * (num_columns + 1) // 2, 3))
        # X, y and weights as they came.
        self._tile = np.empty((TILE, num_columns), order="F")
        self._num_rows = 0
        self._weighted = False

    def add(
        self,
        X: Floats,
        y: Floats,
        w: Floats | None,
        factors: Floats,
        of_fold: PairSums | None = None,
    ) -> None:
        """Collect rows, and add every tile that they fill."""
        start = 0
        while start < len(y):
            count = min(TILE - self._num_rows, len(y) - start)
            source, into = (
                slice(start, start + count),
                slice(self._num_rows, self._num_rows + count),
            )
            self._tile[into, :-2] = X[source]
            self._tile[into, -2] = y[source]
            self._tile[into, -1] = 1.0 if w is None else w[source]
            self._weighted |= w is not None
            self._num_rows += count
            start += count
            if self._num_rows == TILE:
                self._add_tile(factors, self._total, of_fold._total if of_fold else NO_FOLD)
                self._num_rows, self._weighted = 0, False

    def rescale(self, exponents: NDArray[np.int64]) -> None:
        """Scale the totals; rows of the tile are not scaled yet."""
        self._total = np.ldexp(self._total, exponents[:, None])

    def merge(self, total: Floats) -> None:
        """Add other totals."""
        for values in total.T:
            add_to_total(self._total, values)

    def total(self, factors: Floats) -> Floats:
        """Return the totals with the rows of the tile added."""
        total = self._total.copy()
        if self._num_rows:
            self._add_tile(factors, total, NO_FOLD)
        return total

    def _add_tile(self, factors: Floats, *totals: Floats) -> None:
        from linreg.fit.exact.double_double.sum_kernels import add_tile_of_rows

        rows = self._tile[: self._num_rows]
        weighted = self._weighted or factors[-1] != 1.0
        # The kernel takes columns that are contiguous, of tiles of any length.
        X = read_only(np.asfortranarray(rows[:, :-2]))
        weights = rows[:, -1].copy() if weighted else np.empty(0)
        add_tile_of_rows(X, read_only(rows[:, -2].copy()), read_only(weights), factors, *totals)
        if not weighted:
            _add_count(totals, len(rows))


def combined_pairs(total: Floats, columns: NDArray[np.int64]) -> Floats:
    """Return the sums (pairs, 3) of columns that are sums of those that were summed up.

    total    (K(K + 1)/2, 3)
    columns  (K,) the index of the column that each one is a part of
    """
    i, j = np.triu_indices(len(columns))
    square = np.empty((len(columns), len(columns), 3))
    square[i, j] = square[j, i] = total
    sums = combined(combined(square, columns).transpose(1, 0, 2), columns)
    return sums[np.triu_indices(len(sums))]


def combined(sums: Floats, columns: NDArray[np.int64]) -> Floats:
    """Return sums (C, n, 3) of columns and n others, from those (K, n, 3) of their parts."""
    places = np.arange(len(columns))
    last = np.zeros(columns.max() + 1, np.int64)
    last[columns] = places
    total = sums[last]
    for k in np.setdiff1d(places, last).tolist():
        for part in range(3):
            add_to_total(total[columns[k]], sums[k, :, part])
    return total


def _add_count(totals: Sequence[Floats], num_rows: int) -> None:
    """Add the number of rows, all of weight 1, to totals (pairs, 3), of which one may be empty."""
    for total in totals:
        add_to_total(total[:1], np.full(len(total[:1]), float(num_rows)))
