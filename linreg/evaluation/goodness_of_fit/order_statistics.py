"""Order statistics of more numbers than fit into memory, exact, in a few passes.

The bits of float64, taken as an integer with negative numbers reversed, are in the order of the
numbers. So a histogram of their leading bits tells in which bucket a rank lies, and the next pass
collects that bucket, or divides it again where it still holds too many. This is a radix selection:
the result depends on nothing but the numbers, and memory on nothing but the two sizes below.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.process.workers import ALONE, Workers

Keys = NDArray[np.uint64]

BITS_AT_A_TIME = 20
"""The histogram of a pass takes 8 MiB a bucket. A bucket that is 2^-8 wide, relative to its values,
holds less than 0.1 % of a distribution around its quartiles.
"""
MOST_COLLECTED = 1 << 19
"""Numbers of a bucket that are in memory at once; of larger tables it takes a second pass."""
_SIGN = np.uint64(1 << 63)


class Counted(NamedTuple):
    """Numbers (n,), none of them NaN, and how often each counts, (n,) at least 1; None for once."""

    values: Floats
    counts: Floats | None = None


class _Bucket(NamedTuple):
    """The numbers whose keys are in low … low + 2^bits − 1; `before` others are smaller."""

    low: int
    bits: int
    before: int
    size: int


def order_statistics(
    ranks: Sequence[int],
    count: int,
    numbers: Callable[[], Iterable[Counted]],
    workers: Workers = ALONE,
) -> list[float]:
    """Return the numbers that have these ranks, from 0, in the order of their size.

    count    how many numbers all processes have, as often as they count, more than any rank
    numbers  called for every pass: the own numbers of this process, in pieces of any length
    """
    found: dict[int, float] = {}
    buckets = {_Bucket(0, 64, 0, count): list(dict.fromkeys(ranks))}
    while buckets:
        small = [bucket for bucket in buckets if bucket.size <= MOST_COLLECTED]
        large = [bucket for bucket in buckets if bucket.size > MOST_COLLECTED]
        collected: list[list[Counted]] = [[] for _ in small]
        histograms = [np.zeros(1 << min(each.bits, BITS_AT_A_TIME), np.int64) for each in large]
        for piece, counts in numbers():
            # −0 becomes 0: which of equal numbers is found may not show.
            values = piece + 0.0
            keys = _keys(values)
            for bucket, kept in zip(small, collected, strict=True):
                is_in = _is_in(keys, bucket)
                kept.append(Counted(values[is_in], None if counts is None else counts[is_in]))
            for bucket, histogram in zip(large, histograms, strict=True):
                is_in = _is_in(keys, bucket)
                shift = np.uint64(bucket.bits - min(bucket.bits, BITS_AT_A_TIME))
                places = ((keys[is_in] - np.uint64(bucket.low)) >> shift).astype(np.int64)
                weights = None if counts is None else counts[is_in]
                histogram += np.bincount(places, weights, len(histogram)).astype(np.int64)
        remaining: dict[_Bucket, list[int]] = {}
        for bucket, kept in zip(small, collected, strict=True):
            values, counts = _gathered(kept, workers)
            order = np.argsort(values, kind="stable")
            ends = bucket.before + np.cumsum(counts[order])
            for rank in buckets[bucket]:
                found[rank] = float(values[order[np.searchsorted(ends, rank, side="right")]])
        for bucket, histogram in zip(large, histograms, strict=True):
            gathered = workers.gather_array(histogram.astype(np.float64))
            totals = np.sum([each.astype(np.int64) for each in gathered], axis=0)
            for rank in buckets[bucket]:
                narrower = _containing(rank, bucket, totals)
                if narrower.bits:
                    remaining.setdefault(narrower, []).append(rank)
                else:
                    # All numbers of the bucket are the same.
                    found[rank] = _number(narrower.low)
        buckets = remaining
    return [found[rank] for rank in ranks]


def quantiles(
    probabilities: Sequence[tuple[int, int]],
    count: int,
    numbers: Callable[[], Iterable[Counted]],
    workers: Workers = ALONE,
) -> list[float]:
    """Return quantiles of `count` ≥ 1 numbers by linear interpolation between order statistics.

    probabilities  each as numerator and denominator

    Type 7 of R. Hyndman and Y. Fan, The American Statistician 50, 1996, the default of R and numpy.
    """
    places = [divmod((count - 1) * each, of) for each, of in probabilities]
    ranks = [min(rank + step, count - 1) for rank, _ in places for step in (0, 1)]
    values = order_statistics(ranks, count, numbers, workers)
    pairs: Iterator[tuple[float, float]] = zip(values[::2], values[1::2], strict=True)
    return [
        low + (high - low) * (rest / of)
        for (low, high), (_, rest), (_, of) in zip(pairs, places, probabilities, strict=True)
    ]


def _gathered(kept: Sequence[Counted], workers: Workers) -> tuple[Floats, Floats]:
    """Return the numbers of all processes, and how often each counts."""
    values, counts = [np.empty(0)], [np.empty(0)]
    for piece in kept:
        values.append(piece.values)
        counts.append(np.ones(len(piece.values)) if piece.counts is None else piece.counts)
    return (
        np.concatenate(workers.gather_array(np.concatenate(values))),
        np.concatenate(workers.gather_array(np.concatenate(counts))),
    )


def _containing(rank: int, bucket: _Bucket, histogram: NDArray[np.int64]) -> _Bucket:
    """Return the part of a bucket that a rank is in."""
    ends = bucket.before + np.cumsum(histogram)
    index = int(np.searchsorted(ends, rank, side="right"))
    count = int(histogram[index])
    bits = bucket.bits - (len(histogram) - 1).bit_length()
    return _Bucket(bucket.low + (index << bits), bits, int(ends[index]) - count, count)


def _is_in(keys: Keys, bucket: _Bucket) -> NDArray[np.bool_]:
    last = np.uint64(bucket.low + (1 << bucket.bits) - 1)
    inside: NDArray[np.bool_] = (keys >= np.uint64(bucket.low)) & (keys <= last)
    return inside


def _keys(values: Floats) -> Keys:
    """Return integers (n,) in the order of the numbers."""
    bits = np.ascontiguousarray(values, np.float64).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _number(key: int) -> float:
    """Return the number with a key."""
    bits = np.uint64(key)
    restored = bits ^ _SIGN if bits & _SIGN else ~bits
    return float(np.array([restored], np.uint64).view(np.float64)[0])
