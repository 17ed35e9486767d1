"""Steps of gradient descent from the moments of batches: the s-step form.

The gradient of a batch's squared error is 2(A·p − v)/n with p = (b, θ), and A = Σ x xᵀ and
v = Σ x y over its rows [c X]. A and v do not depend on p. So the process that owns the rows reduces
many batches to A and v before the first of their steps; the steps are then a short recurrence on
small matrices.
"""

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.fit.compiled.augmented_rows import Augmented, RowIndices
from linreg.fit.compiled.update import update
from linreg.fit.kernels import PREFETCH_DISTANCE, prefetch, strict

LANES = 136
"""Segments that are summed at a time: enough for long vectors, and an odd number of cache lines,
since columns at a distance of a power of two evict each other from the cache."""
SEGMENT_ROWS = 16
"""Rows of a batch in one segment, at most, so that LANES segments fit into a cache."""


def num_moments(num_features: int) -> int:
    """Return the number of entries in the upper triangle of A and in v."""
    return (num_features + 2) * (num_features + 3) // 2 - 1


def empty_tile(share: int, num_features: int) -> Floats:
    """Return a tile of zeros for LANES segments: (rows of a segment, columns, LANES).

    share  the rows of a batch, which are divided into segments of equal length
    """
    num_segments = -(-share // SEGMENT_ROWS)
    return np.zeros((-(-share // num_segments), num_features + 2, LANES))


@strict
def add_moments(
    Z: Augmented, indices: RowIndices, share: int, position: int, tile: Floats, moments: Floats
) -> None:
    """Add rows to the moments (batches, pairs) of their batches, each of `share` rows.

    Z         (n, M + 2) the rows of a chunk, and indices (k,) those to read
    position  the number of rows that were read before, since the first of the batches
    moments   pairs of columns are (0, 0), (0, 1), … (0, M + 1), (1, 1), …, without the last, y·y

    Consecutive segments fill the lanes in turn; `add_rest` adds those that the tile holds at the
    end.
    """
    length = len(tile)
    num_segments = -(-share // length)
    within = position % share
    segment = position // share * num_segments + within // length
    row = within % length
    for i in range(len(indices)):
        if row == 0 and segment % LANES == 0 and segment:
            _empty(tile, segment - LANES, num_segments, moments)
        lane = segment % LANES
        if i + PREFETCH_DISTANCE < len(indices):
            prefetch(Z, indices[i + PREFETCH_DISTANCE])
        source = indices[i]
        for j in range(Z.shape[1]):
            tile[row, j, lane] = Z[source, j]
        row += 1
        within += 1
        if within == share:
            within = 0
        if row == length or within == 0:
            row = 0
            segment += 1


@strict
def add_rest(share: int, num_rows: int, tile: Floats, moments: Floats) -> None:
    """Add the segments left in the tile after `num_rows` rows since the first batch."""
    if num_rows:
        num_segments = -(-share // len(tile))
        segment = (num_rows - 1) // share * num_segments + (num_rows - 1) % share // len(tile)
        _empty(tile, segment // LANES * LANES, num_segments, moments)


@strict
def _empty(tile: Floats, first: int, num_segments: int, moments: Floats) -> None:
    """Add the sums of LANES segments, from number `first` on, to their batches; clear the tile."""
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
                batch = (first + lane) // num_segments
                if batch < len(moments):
                    moments[batch, pair] += lanes[lane]
            pair += 1
    tile[:] = 0.0


@strict
def _add_products(a: Floats, b: Floats, lanes: Floats) -> None:
    """Add a·b to the lanes.

    A function of its own, because the compiler vectorises the loop only if its length is no
    constant.
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
    """Take the steps of batches with given moments (batches, pairs).

    lengths  (batches,) their numbers of rows
    rates    (batches,) their learning rates; state, penalty, num_averaged as in `update`

    Returns the steps taken and whether all of them were finite; it stops at one that is not.
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
