"""The distances of all rows from the centre, counted so finely that their median can be told."""

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats

BITS = 12
"""Of the significand of a distance: rows in one interval differ by less than 1/4096 of it."""
LOWEST, HIGHEST = -64, 64
"""The powers of two between which distances are told apart."""
_SHIFT = 52 - BITS
_FIRST = (1023 + LOWEST) << BITS
NUM_INTERVALS = (HIGHEST - LOWEST) << BITS


def intervals_of(distances: Floats) -> NDArray[np.int64]:
    """Return the number of the interval of each distance (n,) ≥ 0: larger ones have larger ones."""
    leading = np.ascontiguousarray(distances, np.float64).view(np.int64) >> _SHIFT
    numbers: NDArray[np.int64] = np.clip(leading - _FIRST, 0, NUM_INTERVALS - 1)
    return numbers


def add_to_counts(counts: NDArray[np.int64], distances: Floats) -> None:
    """Count distances (n,) by interval, in counts (NUM_INTERVALS,)."""
    intervals = intervals_of(distances)
    # Only those that occur: all of them are 4 MB.
    first = int(intervals.min(initial=NUM_INTERVALS - 1))
    found = np.bincount(intervals - first)
    counts[first : first + len(found)] += found


def interval_of_median(counts: NDArray[np.int64]) -> int:
    """Return the interval up to which half of the rows lie, the ⌊n/2⌋-th among them."""
    half = int(counts.sum()) // 2
    return int(np.searchsorted(np.cumsum(counts), max(half, 1)))
