"""Quantiles of the training rows, exact and in bounded memory, by a radix selection."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.formula.functions.exact_sum import nearest_float

_DIGIT = 16
_NUM_PASSES = 64 // _DIGIT
_SIGN = np.uint64(1 << 63)


class OrderStatistics:
    """Finds the values at given quantiles, in four passes.

    A float64 is an integer of four digits of 16 bits, in the order of the numbers. Each pass counts
    one more digit of the values that agree with what is known of a wanted one, until all is known.

    quantiles  between 0 and 1, by R's type 7: between the values at the ranks around (n − 1)·p
               (Hyndman and Fan 1996)
    """

    def __init__(self, quantiles: Sequence[Fraction]) -> None:
        self._quantiles = quantiles
        self._num_known = 0
        self._num_values = 0
        # By the known digits of a wanted value: how many values have them and which next digit.
        self._counts: dict[int, NDArray[np.int64]] = {0: _no_counts()}
        # By rank, the known digits and the rank among the values that have these.
        self._places: dict[int, tuple[int, int]] = {}

    def update(self, values: Floats) -> None:
        """Count the next digit of the values (n,)."""
        bits = values.view(np.uint64)
        keys = np.where(bits & _SIGN, ~bits, bits | _SIGN)
        shift = 64 - _DIGIT * (self._num_known + 1)
        digits = ((keys >> np.uint64(shift)) & np.uint64((1 << _DIGIT) - 1)).astype(np.int64)
        if self._num_known == 0:
            self._counts[0] += np.bincount(digits, minlength=1 << _DIGIT)
            return
        known = keys >> np.uint64(shift + _DIGIT)
        for prefix, counts in self._counts.items():
            counts += np.bincount(digits[known == np.uint64(prefix)], minlength=1 << _DIGIT)

    def as_data(self) -> Any:
        """Return by known digits which next ones occur, and how often."""
        data = []
        for prefix, counts in self._counts.items():
            occur = np.flatnonzero(counts)
            data.append([prefix, occur.tolist(), counts[occur].tolist()])
        return data

    def merge(self, found: Sequence[Any]) -> bool:
        """Add a digit to what is known of each wanted value."""
        total = {prefix: _no_counts() for prefix in self._counts}
        for data in found:
            for prefix, occur, counts in data:
                total[prefix][occur] += np.array(counts, np.int64)
        if self._num_known == 0:
            self._num_values = int(total[0].sum())
            ranks = {rank for p in self._quantiles for rank in self._ranks(p)}
            self._places = {rank: (0, rank) for rank in ranks} if self._num_values else {}
        for rank, (prefix, within) in self._places.items():
            ends = np.cumsum(total[prefix])
            digit = int(np.searchsorted(ends, within, side="right"))
            above = within - (int(ends[digit - 1]) if digit else 0)
            self._places[rank] = ((prefix << _DIGIT) + digit, above)
        self._counts = {prefix: _no_counts() for prefix, _ in self._places.values()}
        self._num_known += 1
        return self._num_known < _NUM_PASSES and bool(self._places)

    @property
    def values(self) -> list[float]:
        """The values at the quantiles; none without a row."""
        return [self._value(p) for p in self._quantiles] if self._places else []

    def _value(self, quantile: Fraction) -> float:
        low, high = (_float_of(self._places[rank][0]) for rank in self._ranks(quantile))
        part = (self._num_values - 1) * quantile % 1
        return nearest_float(Fraction(low) + part * (Fraction(high) - Fraction(low)))

    def _ranks(self, quantile: Fraction) -> tuple[int, int]:
        position = (self._num_values - 1) * quantile
        low = position.numerator // position.denominator
        return low, min(low + 1, self._num_values - 1)


def _no_counts() -> NDArray[np.int64]:
    return np.zeros(1 << _DIGIT, np.int64)


def _float_of(key: int) -> float:
    bits = key ^ (1 << 63) if key >> 63 else key ^ ((1 << 64) - 1)
    return float(np.array([bits], np.uint64).view(np.float64)[0])
