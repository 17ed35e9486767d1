"""Weights of the pairs of levels of two categories that have rows, of which there may be many."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats, read_only
from linreg.data.formula.compact_matrix import Codes
from linreg.fit.exact.double_double.sum_numpy import normalized


class Links(NamedTuple):
    """The pairs of levels of two categories that have rows, in ascending order.

    first, second  (P,) the codes of both levels; −1 for a row that is 0 in all columns of one
    weights        (2, P) Σ w of their rows, in double-double
    """

    first: Codes
    second: Codes
    weights: Floats


class _Run(NamedTuple):
    """Sums (P, 3) by the numbers (P,) of pairs, which are in ascending order."""

    numbers: NDArray[np.int64]
    sums: Floats


class PairedLevels:
    """Σ w by pair of levels of two categories, of the pairs that have rows.

    They are kept in sorted runs, each at most half as long as the one before it, so that adding n
    rows takes O(n·log n) steps. Sums are kept to 2^-159 (`sum_kernels.add_to_total`), so that
    neither chunks nor the order of merging changes a bit of float64.

    sizes  the numbers of indicators of the two categories
    """

    def __init__(self, sizes: tuple[int, int]) -> None:
        self.sizes = sizes
        self._runs: list[_Run] = []

    def add(self, first: Codes, second: Codes, w: Floats, factor: float) -> None:
        """Add rows with the codes (n,) of their levels, and weights w·factor (n,), or none for 1.

        A code is −1 where a row is 0 in all columns of a category.
        """
        from linreg.fit.exact.double_double.level_kernels import add_rows_to_pairs

        pairs = (first.astype(np.int64) + 1) * (self.sizes[1] + 1) + second + 1
        numbers, places = np.unique(pairs, return_inverse=True)
        sums = np.zeros((len(numbers), 1, 3))
        none = read_only(np.zeros(len(pairs), np.int32))
        add_rows_to_pairs(read_only(places.astype(np.int32)), none, w, factor, sums)
        self._append(_Run(numbers, sums[:, 0]))

    def _append(self, run: _Run) -> None:
        self._runs.append(run)
        while len(self._runs) > 1 and 2 * len(self._runs[-1].numbers) > len(self._runs[-2].numbers):
            last = self._runs.pop()
            self._runs.append(_merged(self._runs.pop(), last))

    def merged(self, other: "PairedLevels") -> "PairedLevels":
        """Return the sums of the rows of both."""
        result = PairedLevels(self.sizes)
        result._runs = [_merged(self._total(), other._total())]
        return result

    def scaled(self, exponent: int) -> "PairedLevels":
        """Return the sums times 2^exponent."""
        result = PairedLevels(self.sizes)
        result._runs = [_Run(run.numbers, np.ldexp(run.sums, exponent)) for run in self._runs]
        return result

    def links(self, exponent: int) -> Links:
        """Return the pairs with their weights, the sums times 2^exponent."""
        numbers, sums = self._total()
        first, second = np.divmod(numbers, self.sizes[1] + 1)
        weights = np.ldexp(normalized(sums)[:, :2].T, exponent)
        codes = [(each - 1).astype(np.int32) for each in (first, second)]
        return Links(codes[0], codes[1], np.ascontiguousarray(weights))

    def as_array(self) -> Floats:
        """Return everything as one array, of a length that its last two numbers tell."""
        numbers, sums = self._total()
        parts = normalized(sums)
        # Counts of rows are one part, and most weights two.
        num_parts = 1 + max(np.flatnonzero(parts.any(axis=0)).tolist(), default=0)
        used = parts[:, :num_parts].ravel()
        # Numbers of pairs are below 2^53.
        return np.concatenate([numbers.astype(np.float64), used, [num_parts, len(numbers)]])

    def split_off(self, values: Floats) -> tuple["PairedLevels", Floats]:
        """Return the sums that an array ends with, as `as_array` has them, and what precedes."""
        num_parts, num_pairs = map(int, values[-2:])
        start = len(values) - 2 - (1 + num_parts) * num_pairs
        numbers = values[start : start + num_pairs].astype(np.int64)
        sums = np.zeros((num_pairs, 3))
        sums[:, :num_parts] = values[start + num_pairs : -2].reshape(num_pairs, num_parts)
        result = PairedLevels(self.sizes)
        result._runs = [_Run(numbers, sums)]
        return result, values[:start]

    def _total(self) -> _Run:
        while len(self._runs) > 1:
            last = self._runs.pop()
            self._runs.append(_merged(self._runs.pop(), last))
        return self._runs[0] if self._runs else _Run(np.empty(0, np.int64), np.empty((0, 3)))


def _merged(run: _Run, other: _Run) -> _Run:
    from linreg.fit.exact.double_double.link_kernels import merge_runs

    size = len(run.numbers) + len(other.numbers)
    numbers, sums = np.empty(size, np.int64), np.empty((size, 3))
    size = merge_runs(*run, *other, numbers, sums)
    return _Run(numbers[:size].copy(), sums[:size].copy())
