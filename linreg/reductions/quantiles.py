"""Quantiles of more numbers than fit into memory, exact, in a few passes.

The bits of float64, taken as an integer with negative numbers reversed, are in the order of the
numbers. So a histogram of their leading bits tells in which of its bins a rank lies, and the next
pass collects the numbers of that bin, or divides it again where it still holds too many. This is a
radix selection: what it finds depends on nothing but the numbers, and memory on nothing but the
number of quantiles and the two sizes below.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.process.workers import Workers
from linreg.reductions.exact_sum import nearest_float

Keys = NDArray[np.uint64]

BITS_AT_A_TIME = 20
"""A histogram takes 8 MiB. A bin that is 2^-8 wide, relative to its numbers, holds less than 0.1 %
of a distribution around its quartiles.
"""
MOST_COLLECTED = 1 << 19
"""Numbers of a range that are in memory at once; with more of them it takes a second pass."""
_SIGN = np.uint64(1 << 63)


class Quantiles:
    """Finds quantiles by linear interpolation between order statistics.

    In a pass, every process adds its own numbers; then all of them merge what they have found.

    probabilities  between 0 and 1

    Type 7 of R. Hyndman and Y. Fan, The American Statistician 50, 1996, the default of R and numpy.
    """

    def __init__(self, probabilities: Sequence[Fraction]) -> None:
        self._probabilities = probabilities
        self._count: int | None = None
        self._ranges = [_Range(0, 64, 0)]
        # The order statistics by their ranks, from 0.
        self._found: dict[int, float] = {}

    def update(self, values: Floats, counts: Floats | None = None) -> None:
        """Add numbers (n,), none of them NaN.

        counts  (n,) at least 1, how often each counts; None for once
        """
        # −0 becomes 0: which of equal numbers is found may not show.
        values = values + 0.0
        keys = _keys(values)
        for each in self._ranges:
            is_in = each.holds(keys)
            own = np.ones(int(is_in.sum())) if counts is None else counts[is_in]
            each.add(values[is_in], own)

    def merge(self, workers: Workers) -> bool:
        """End a pass in all processes; return whether there is another one."""
        narrower: dict[int, _Range] = {}
        for each in self._ranges:
            bins = each.bins(workers)
            ends = each.before + np.cumsum(bins.counts)
            if self._count is None:
                self._count = int(ends[-1]) if len(ends) else 0
                each.ranks = self._all_ranks()
            for rank in each.ranks:
                index = int(np.searchsorted(ends, rank, side="right"))
                first = int(bins.firsts[index])
                if bins.bits:
                    before = int(ends[index] - bins.counts[index])
                    part = narrower.setdefault(first, _Range(first, bins.bits, before))
                    part.ranks.append(rank)
                else:
                    self._found[rank] = _number(first)
        self._ranges = list(narrower.values())
        return bool(narrower)

    @property
    def values(self) -> list[float]:
        """The quantiles after the last pass, rounded once; none if there was no number.

        One between an infinite number and another one is NaN.
        """
        return [self._quantile(p) for p in self._probabilities] if self._count else []

    def _quantile(self, probability: Fraction) -> float:
        low, high = (self._found[rank] for rank in self._ranks(probability))
        part = self._position(probability) % 1
        if not part or low == high:
            return low
        if math.isinf(low) or math.isinf(high):
            return math.nan
        return nearest_float(Fraction(low) + part * (Fraction(high) - Fraction(low)))

    def _position(self, probability: Fraction) -> Fraction:
        return ((self._count or 0) - 1) * probability

    def _ranks(self, probability: Fraction) -> tuple[int, int]:
        position = self._position(probability)
        return math.floor(position), math.ceil(position)

    def _all_ranks(self) -> list[int]:
        if not self._count:
            return []
        return sorted({rank for p in self._probabilities for rank in self._ranks(p)})


class _Bins(NamedTuple):
    """The parts of a range in which there may be numbers, in their order.

    firsts  (k,) the first key of each
    counts  (k,) how many numbers it holds
    bits    it has 2^bits keys
    """

    firsts: Keys
    counts: NDArray[np.int64]
    bits: int


class _Range:
    """The numbers whose keys are in first … first + 2^bits − 1; `before` others are smaller.

    They are collected as long as there are few; more are counted in the bins of a histogram.
    """

    def __init__(self, first: int, bits: int, before: int) -> None:
        self.before = before
        self.ranks: list[int] = []
        self._first, self._bits = first, bits
        self._bits_of_bin = max(bits - BITS_AT_A_TIME, 0)
        self._values: list[Floats] = [np.empty(0)]
        self._counts: list[Floats] = [np.empty(0)]
        self._num_collected = 0
        self._histogram: NDArray[np.int64] | None = None

    def holds(self, keys: Keys) -> NDArray[np.bool_]:
        """Return which keys (n,) are in the range."""
        last = np.uint64(self._first + (1 << self._bits) - 1)
        inside: NDArray[np.bool_] = (keys >= np.uint64(self._first)) & (keys <= last)
        return inside

    def add(self, values: Floats, counts: Floats) -> None:
        """Add numbers (n,) of the range."""
        self._values.append(values)
        self._counts.append(counts)
        self._num_collected += len(values)
        if self._num_collected > MOST_COLLECTED:
            self._count_collected()

    def bins(self, workers: Workers) -> _Bins:
        """Return what all processes have found."""
        if sum(workers.gather(self._num_collected)) > MOST_COLLECTED:
            gathered = workers.gather_array(self._count_collected().astype(np.float64))
            totals = np.sum([each.astype(np.int64) for each in gathered], axis=0)
            places = np.arange(len(totals), dtype=np.uint64) << np.uint64(self._bits_of_bin)
            return _Bins(np.uint64(self._first) + places, totals, self._bits_of_bin)
        values = np.concatenate(workers.gather_array(np.concatenate(self._values)))
        counts = np.concatenate(workers.gather_array(np.concatenate(self._counts)))
        order = np.argsort(values, kind="stable")
        return _Bins(_keys(values[order]), counts[order].astype(np.int64), 0)

    def _count_collected(self) -> NDArray[np.int64]:
        """Move the collected numbers into the histogram."""
        if self._histogram is None:
            self._histogram = np.zeros(1 << (self._bits - self._bits_of_bin), np.int64)
        offsets = _keys(np.concatenate(self._values)) - np.uint64(self._first)
        places = (offsets >> np.uint64(self._bits_of_bin)).astype(np.int64)
        weights = np.concatenate(self._counts)
        self._histogram += np.bincount(places, weights, len(self._histogram)).astype(np.int64)
        self._values, self._counts = [np.empty(0)], [np.empty(0)]
        return self._histogram


def _keys(values: Floats) -> Keys:
    """Return integers (n,) in the order of the numbers."""
    bits = np.ascontiguousarray(values, np.float64).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _number(key: int) -> float:
    """Return the number with a key."""
    bits = np.uint64(key)
    restored = bits ^ _SIGN if bits & _SIGN else ~bits
    return float(np.array([restored], np.uint64).view(np.float64)[0])
