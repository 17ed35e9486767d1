"""Sums of float64 that are rounded once or not at all: the same in every order.

`exact_sum` is for numbers that are in memory; an `ExactSum` adds up those of one chunk after the
other, and of all processes.
"""

import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from linreg.arrays import Floats

# A float64 is an integer below 2^53 times 2^(exponent − 53); the smallest exponent is −1073.
_LOWEST = -1073
_NUM_EXPONENTS = 1024 - _LOWEST + 1
_HALF = 26
_UNIT = 53 - _LOWEST


def exact_sum(values: Iterable[float]) -> float:
    """Return a sum that is rounded only once; NaN if a number or the sum is beyond float64."""
    numbers = list(values)
    try:
        return math.fsum(numbers) if all(map(math.isfinite, numbers)) else math.nan
    except OverflowError:
        return math.nan


class ExactSum:
    """Adds float64 numbers as integers, by their exponents.

    total  the sum, in units of 2^-1126
    """

    def __init__(self, total: int = 0) -> None:
        self.total = total

    def add(self, values: Floats) -> None:
        """Add finite values (n,), at most 2^26 of them."""
        mantissas, exponents = np.frexp(values)
        integers = np.ldexp(mantissas, 53).astype(np.int64)
        # Halves of 26 bits are added exactly as float64.
        high = integers >> _HALF
        low = integers - (high << _HALF)
        places = exponents.astype(np.int64) - _LOWEST
        highs = np.bincount(places, weights=high, minlength=_NUM_EXPONENTS)
        lows = np.bincount(places, weights=low, minlength=_NUM_EXPONENTS)
        for place in np.flatnonzero((highs != 0) | (lows != 0)).tolist():
            self.total += ((int(highs[place]) << _HALF) + int(lows[place])) << place

    @property
    def value(self) -> Fraction:
        """The sum."""
        return Fraction(self.total, 1 << _UNIT)


def nearest_float(value: Fraction) -> float:
    """Return the float64 nearest to a fraction; infinite beyond its range."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
