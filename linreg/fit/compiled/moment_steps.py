"""Steps of gradient descent from the moments of batches, which do not depend on θ: the s-step form.

The gradient of a batch's squared error is 2(A·p − v)/n with p = (b, θ), A = Σ x xᵀ and v = Σ x y of
its rows [c X]. So many batches can be reduced to A and v at once, by whoever has the rows, before
the first of their steps is taken; the steps themselves are then a short recurrence on small
matrices.
"""

import numpy as np
from numpy.typing import NDArray

from linreg.fit.compiled.packed_rows import Order, Packed
from linreg.fit.compiled.update import update
from linreg.fit.kernels import ROWS_AHEAD, prefetch, strict

Floats = NDArray[np.float64]

LANES = 136
"""Strips that are summed up side by side: enough for long vectors, and an odd number of cache
lines, since columns that lie a power of two apart push each other out of the cache."""
STRIP = 16
"""Rows of a batch that are summed up at a time, so that LANES times as many stay in a cache."""


def num_moments(num_features: int) -> int:
    """Return the number of entries of A's upper triangle and v."""
    return (num_features + 2) * (num_features + 3) // 2 - 1


def empty_tile(share: int, num_features: int) -> Floats:
    """Return room for LANES strips: (rows of a strip, columns, LANES), all 0."""
    strips = -(-share // STRIP)
    return np.zeros((-(-share // strips), num_features + 2, LANES))


@strict
def add_moments(
    Z: Packed, order: Order, share: int, position: int, tile: Floats, moments: Floats
) -> None:
    """Add rows to the moments (batches, pairs) of their batches, each of `share` rows.

    Z (n, M + 2), order (k,) the rows in it; position is the number of rows before these since the
    first of the batches. Pairs of columns are (0, 0), (0, 1), … (0, M + 1), (1, 1), … without the
    last, y·y. Strips go round the lanes; `add_rest` adds what is in the tile at the end.
    """
    length = len(tile)
    strips = -(-share // length)
    within = position % share
    unit = position // share * strips + within // length
    row = within % length
    for i in range(len(order)):
        if row == 0 and unit % LANES == 0 and unit:
            _empty(tile, unit - LANES, strips, moments)
        lane = unit % LANES
        if i + ROWS_AHEAD < len(order):
            prefetch(Z, order[i + ROWS_AHEAD])
        source = order[i]
        for j in range(Z.shape[1]):
            tile[row, j, lane] = Z[source, j]
        row += 1
        within += 1
        if within == share:
            within = 0
        if row == length or within == 0:
            row = 0
            unit += 1


@strict
def add_rest(share: int, num_rows: int, tile: Floats, moments: Floats) -> None:
    """Add what is left in the tile after `num_rows` rows since the first batch."""
    if num_rows:
        strips = -(-share // len(tile))
        unit = (num_rows - 1) // share * strips + (num_rows - 1) % share // len(tile)
        _empty(tile, unit // LANES * LANES, strips, moments)


@strict
def _empty(tile: Floats, first: int, strips: int, moments: Floats) -> None:
    """Add the sums of the LANES strips from number `first` on to their batches, and clear the
    tile.
    """
    lanes = np.empty(tile.shape[2])
    pair = 0
    for a in range(tile.shape[1]):
        for b in range(a, tile.shape[1]):
            if pair == moments.shape[1]:
                break
            lanes[:] = 0.0
            for row in range(len(tile)):
                _add_products(tile[row, a], tile[row, b], lanes)
            for lane in range(LANES):
                batch = (first + lane) // strips
                if batch < len(moments):
                    moments[batch, pair] += lanes[lane]
            pair += 1
    tile[:] = 0.0


@strict
def _add_products(a: Floats, b: Floats, lanes: Floats) -> None:
    """Add a·b to the lanes; the length is not a constant to the compiler, or it would not vectorise
    the loop.
    """
    for lane in range(len(lanes)):
        lanes[lane] += a[lane] * b[lane]


@strict
def take_steps(
    moments: Floats,
    lengths: NDArray[np.int64],
    state: Floats,
    rates: Floats,
    momentum: float,
    penalty: Floats,
    num_averaged: int,
) -> tuple[int, bool]:
    """Take the steps of batches with the given moments (batches, pairs) and numbers of rows
    `lengths` (batches,).

    Returns the steps taken and whether all of them were finite: it stops at one that is not. The
    rest is as in `update`, with rates (batches,).
    """
    size = state.shape[1]
    gradient = np.zeros(size)
    for step in range(len(moments)):
        gradient[:] = 0.0
        pair = 0
        for i in range(size):
            for j in range(i, size):
                gradient[i] += moments[step, pair] * state[0, j]
                if j > i:
                    gradient[j] += moments[step, pair] * state[0, i]
                pair += 1
            gradient[i] -= moments[step, pair]
            pair += 1
        for j in range(size):
            gradient[j] = gradient[j] * 2.0 / lengths[step]
        if not update(state, gradient, rates[step], momentum, penalty, num_averaged + step):
            return step + 1, False
    return len(moments), True
