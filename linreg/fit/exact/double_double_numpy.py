"""The sums of `linreg.fit.exact.double_double` for small tables: the same bits, in numpy.

Importing numba and loading its kernels takes a second, in which numpy has long added up a small
table, LANES rows at a time. Which of the two did it shows nowhere.
"""

import numpy as np

from linreg.arrays import Floats

LANES = 32
"""Independent sums that rows go round; the kernels' vectors: measured best of 8 to 64 with 256-bit
registers.
"""
TILE = 2048
"""Rows that are taken at a time, so that they stay in a cache; measured best of 256 to 2048."""
BLOCK = 8192
"""Rows after which the lanes are emptied into the total; a lane then holds 256 of them, and its
`lo` little error.
"""
FEW_PRODUCTS = 1_000_000
"""Up to so many products of two columns, over all rows, numpy is the faster, counting the
import.
"""


def are_few(num_rows: int, num_columns: int) -> bool:
    """Tell whether numpy should do it: with so many rows, over all parts that a process adds up,
    and columns of Z.
    """
    return num_rows * num_columns * (num_columns + 1) // 2 <= FEW_PRODUCTS


def product_error(a: Floats, b: Floats, p: Floats) -> Floats:
    """Return a·b − p for p = fl(a·b), exactly (Dekker), as the kernels do."""

    def halves(x: Floats) -> tuple[Floats, Floats]:
        c = x * (2.0**27 + 1)
        high = c - (c - x)
        return high, x - high

    (a1, a2), (b1, b2) = halves(a), halves(b)
    return ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2


def add_to_total(total: Floats, value: Floats) -> None:
    """Add values (pairs,) to totals (pairs, 3), as the kernel of the same name."""
    for i in range(2):
        s = total[:, i] + value
        z = s - total[:, i]
        value = (total[:, i] - (s - z)) + (value - z)
        total[:, i] = s
    total[:, 2] += value


def empty_lanes(lanes: Floats, total: Floats) -> None:
    """Move the lanes (pairs, 2, LANES) into the totals (pairs, 3)."""
    for part in range(2):
        for lane in range(LANES):
            add_to_total(total, lanes[:, part, lane])
    lanes[:] = 0.0


def add_rows(
    X: Floats, y: Floats, w: Floats, factors: Floats, position: int, lanes: Floats, total: Floats
) -> None:
    """Add the rows' Zᵀ diag(w) Z to lanes and totals, as the kernel of the same name."""
    start = 0
    while start < len(y):
        first = position % LANES
        count = min(TILE - first, len(y) - start, BLOCK - position % BLOCK)
        rows = slice(start, start + count)
        _add_tile(X[rows], y[rows], w[rows], factors, first, lanes)
        start += count
        position += count
        if position % BLOCK == 0:
            empty_lanes(lanes, total)


def _add_tile(X: Floats, y: Floats, w: Floats, factors: Floats, first: int, lanes: Floats) -> None:
    count, size = len(y), X.shape[1] + 2
    tile = np.zeros((size, -(-(first + count) // LANES) * LANES))
    filled = tile[:, first : first + count]
    filled[0], filled[1:-1], filled[-1] = 1.0, X.T * factors[1:-2, None], y * factors[-2]
    left, left_lo = tile, np.zeros_like(tile)
    if len(w):
        weights = np.zeros(tile.shape[1])
        weights[first : first + count] = w * factors[-1]
        left = tile * weights
        left_lo = product_error(tile, weights, left)
    i, j = np.triu_indices(size - 1)
    p = np.concatenate([left, left[i + 1] * tile[j + 1]])
    e = np.concatenate(
        [left_lo, product_error(left[i + 1], tile[j + 1], p[size:]) + left_lo[i + 1] * tile[j + 1]]
    )
    # Without weights the first pair, the number of rows, is left to the caller.
    begin = 0 if len(w) else 1
    _add(p[begin:], e[begin:], lanes[begin:, 0], lanes[begin:, 1])


def _add(p: Floats, e: Floats, hi: Floats, lo: Floats) -> None:
    """Add p + e (pairs, rows) to the lanes hi, lo (pairs, LANES)."""
    for step in range(0, p.shape[1], LANES):
        value = p[:, step : step + LANES]
        s = hi + value
        z = s - hi
        lo += ((hi - (s - z)) + (value - z)) + e[:, step : step + LANES]
        hi[:] = s


def add_multiple(hi: Floats, lo: Floats, x: Floats, high: float, low: float) -> None:
    """Add x·(high + low) to hi + lo, all (n,), as the kernel of the same name does for an x without
    low part.
    """
    p = x * high
    e = product_error(x, np.full_like(x, high), p) + (x * low + 0.0 * high)
    s = hi + p
    z = s - hi
    lo += ((hi - (s - z)) + (p - z)) + e
    hi[:] = s
