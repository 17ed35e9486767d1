"""Steps of gradient descent directly from the rows of one shard, in strict kernels.

A batch is gathered into a tile that fits into the CPU's first caches; a large batch goes through it
in several fillings. With few columns the tile is stored by columns, and the compiler processes
LANES rows at a time; with many it is stored by rows, and the compiler processes LANES columns at a
time. Every sum has a fixed order, so the bits are the same on every CPU.
"""

from typing import cast

import numpy as np

from linreg.arrays import Floats
from linreg.fit.compiled.augmented_rows import Augmented, RowIndices
from linreg.fit.compiled.update import update
from linreg.fit.kernels import PREFETCH_DISTANCE, prefetch, strict

LANES = 16
"""Elements that the compiler can process at a time: independent partial sums."""
MOST_TILE_ROWS = 4096
"""Rows of a tile, so that it fits into a cache however large the batch is."""
MOST_COLUMN_MAJOR = 24
"""The most columns of a tile that is stored by columns; measured, see benchmarks."""


def empty_tile(
    batch_size: int, num_columns: int, dtype: type[np.float32] | type[np.float64]
) -> Augmented:
    """Return a tile of zeros, (columns, rows) or (rows, columns), padded to multiples of LANES.

    Columns are padded by LANES more: columns at a distance of a power of two evict each other from
    the cache (92 instead of 34 ns a row of 18 columns for batches of 2048).
    """
    num_rows = min(batch_size, MOST_TILE_ROWS)
    if num_columns <= MOST_COLUMN_MAJOR:
        shape = (num_columns, _padded(num_rows) + LANES)
    else:
        shape = (num_rows, _padded(num_columns))
    return cast("Augmented", np.zeros(shape, dtype))


def _padded(number: int) -> int:
    return -(-number // LANES) * LANES


@strict
def take_steps(
    Z: Augmented,
    indices: RowIndices,
    batch_size: int,
    last: bool,
    tile: Augmented,
    partial_batch: Floats,
    state: Floats,
    rates: Floats,
    momentum: float,
    penalty: Floats,
    num_averaged: int,
) -> tuple[int, bool]:
    """Read rows of a chunk and take a step after each complete batch.

    Z              (n, M + 2) the rows of the chunk, and indices (k,) those to read
    last           whether the last batch ends with these rows, complete or not
    tile           of `empty_tile`
    partial_batch  (M + 2,) the incomplete batch: the gradient (M + 1,) of the rows that the tile
                   held before, then its number of rows, including those in the tile
    rates          the learning rates of the next steps; state, penalty, num_averaged as in `update`

    Returns the steps taken and whether all of them were finite; it stops at one that is not.
    """
    num_columns = Z.shape[1]
    column_major = num_columns <= MOST_COLUMN_MAJOR
    gradient = np.zeros(num_columns)
    residuals = np.zeros(tile.shape[1] if column_major else 0)
    parameters = np.zeros(0 if column_major else tile.shape[1])
    sums = np.zeros(0 if column_major else tile.shape[1])
    capacity = min(batch_size, MOST_TILE_ROWS)
    num_rows = int(partial_batch[num_columns - 1])
    filled = num_rows % capacity
    at, steps = 0, 0
    while at < len(indices) or (last and num_rows):
        count = min(capacity - filled, batch_size - num_rows, len(indices) - at)
        if column_major:
            for i in range(at, at + count):
                if i + PREFETCH_DISTANCE < len(indices):
                    prefetch(Z, indices[i + PREFETCH_DISTANCE])
                row = indices[i]
                for j in range(num_columns):
                    tile[j, filled] = Z[row, j]
                filled += 1
        else:
            for i in range(at, at + count):
                if i + PREFETCH_DISTANCE < len(indices):
                    prefetch(Z, indices[i + PREFETCH_DISTANCE])
                row = indices[i]
                for j in range(num_columns):
                    tile[filled, j] = Z[row, j]
                filled += 1
        at += count
        num_rows += count
        complete = num_rows == batch_size or (last and at == len(indices))
        if filled < capacity and not complete:
            break
        if filled:
            if column_major:
                _column_major_gradient(tile, filled, state[0], residuals, gradient)
            else:
                _row_major_gradient(tile, filled, state[0], parameters, sums, gradient)
            for j in range(num_columns - 1):
                partial_batch[j] += gradient[j]
            filled = 0
        if complete:
            for j in range(num_columns - 1):
                gradient[j] = partial_batch[j] * 2.0 / num_rows
            partial_batch[:] = 0.0
            num_rows = 0
            finite = update(state, gradient, rates[steps], momentum, penalty, num_averaged + steps)
            steps += 1
            if not finite:
                return steps, False
    partial_batch[num_columns - 1] = num_rows
    return steps, True


@strict
def _column_major_gradient(
    tile: Augmented, num_rows: int, parameters: Floats, residuals: Floats, gradient: Floats
) -> None:
    """Set `gradient` to Σ r z over the rows z of a tile (columns, rows), r = z·(b, θ, −1)."""
    last = len(tile) - 1
    padded = -(-num_rows // LANES) * LANES
    for j in range(last + 1):
        for i in range(num_rows, padded):
            tile[j, i] = 0.0
    for i in range(padded):
        residuals[i] = -tile[last, i]
    for j in range(last):
        p = parameters[j]
        for i in range(padded):
            residuals[i] += p * tile[j, i]
    lanes = np.zeros(LANES)
    for j in range(last):
        lanes[:] = 0.0
        for first in range(0, padded, LANES):
            for lane in range(LANES):
                lanes[lane] += residuals[first + lane] * tile[j, first + lane]
        gradient[j] = _tree_sum(lanes)


@strict
def _row_major_gradient(
    tile: Augmented,
    num_rows: int,
    state: Floats,
    parameters: Floats,
    sums: Floats,
    gradient: Floats,
) -> None:
    """Set `gradient` to the same sum over a tile (rows, columns)."""
    last = len(state)
    padded = tile.shape[1]
    parameters[:last] = state
    parameters[last] = -1.0
    sums[:] = 0.0
    lanes = np.zeros(LANES)
    for i in range(num_rows):
        lanes[:] = 0.0
        for first in range(0, padded, LANES):
            for lane in range(LANES):
                lanes[lane] += parameters[first + lane] * tile[i, first + lane]
        residual = _tree_sum(lanes)
        for j in range(padded):
            sums[j] += residual * tile[i, j]
    for j in range(last):
        gradient[j] = sums[j]


@strict
def _tree_sum(lanes: Floats) -> float:
    """Return the sum of LANES numbers, added pairwise as a tree."""
    half = LANES // 2
    while half:
        for lane in range(half):
            lanes[lane] += lanes[lane + half]
        half //= 2
    return float(lanes[0])
