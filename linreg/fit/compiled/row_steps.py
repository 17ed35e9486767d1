"""Steps of gradient descent straight from the rows, in strict kernels: the fastest way where one
shard has them all.

A batch is gathered into a tile that stays in the first caches, a large one piece by piece. With few
columns it is laid out by columns, and the compiler runs LANES rows side by side; with many by rows,
and it runs LANES columns side by side. Every sum has a fixed order, so the bits are the same on
every CPU.
"""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from linreg.fit.compiled.packed_rows import Order, Packed
from linreg.fit.compiled.update import update
from linreg.fit.kernels import ROWS_AHEAD, prefetch, strict

Floats = NDArray[np.float64]

LANES = 16
MOST_ROWS = 4096
"""Rows of a batch that are worked on at a time, so that a tile stays in a cache however large the
batch is.
"""
BY_COLUMNS = 24
"""The most columns of a tile laid out by columns; measured, see benchmarks."""


def empty_tile(
    batch_size: int, num_columns: int, dtype: type[np.float32] | type[np.float64]
) -> Packed:
    """Return room for a piece of a batch: (columns, rows) or (rows, columns), rounded up to whole
    lanes, all 0.

    Columns are a little longer than that, since columns that lie a power of two apart push each
    other out of the cache: 92 instead of 34 ns a row of 18 columns for batches of 2048.
    """
    by_columns = num_columns <= BY_COLUMNS
    num_rows = min(batch_size, MOST_ROWS)
    shape = (
        (num_columns, _whole(num_rows) + LANES) if by_columns else (num_rows, _whole(num_columns))
    )
    return cast("Packed", np.zeros(shape, dtype))


def _whole(number: int) -> int:
    return -(-number // LANES) * LANES


@strict
def take_steps(
    Z: Packed,
    order: Order,
    batch_size: int,
    last: bool,
    tile: Packed,
    begun: Floats,
    state: Floats,
    rates: Floats,
    momentum: float,
    penalty: Floats,
    num_averaged: int,
) -> tuple[int, bool]:
    """Go through rows of a window and take a step whenever a batch is complete; after the `last`
    rows, also if not.

    Z (n, M + 2), order (k,) and tile as above. begun (M + 2,) is what there is of the batch that
    has begun: the gradient (M + 1,) of the pieces that were in the tile before, then its number of
    rows, those in the tile among them. state, penalty and num_averaged as in `update`; rates (k,)
    of the steps to come. Returns the steps taken, and whether all of them were finite: it stops at
    one that is not.
    """
    num_columns = Z.shape[1]
    by_columns = num_columns <= BY_COLUMNS
    gradient = np.zeros(num_columns)
    residuals = np.zeros(tile.shape[1] if by_columns else 0)
    parameters = np.zeros(0 if by_columns else tile.shape[1])
    slopes = np.zeros(0 if by_columns else tile.shape[1])
    piece = min(batch_size, MOST_ROWS)
    num_rows = int(begun[num_columns - 1])
    filled = num_rows % piece
    at, steps = 0, 0
    while at < len(order) or (last and num_rows):
        count = min(piece - filled, batch_size - num_rows, len(order) - at)
        if by_columns:
            for i in range(at, at + count):
                if i + ROWS_AHEAD < len(order):
                    prefetch(Z, order[i + ROWS_AHEAD])
                row = order[i]
                for j in range(num_columns):
                    tile[j, filled] = Z[row, j]
                filled += 1
        else:
            for i in range(at, at + count):
                if i + ROWS_AHEAD < len(order):
                    prefetch(Z, order[i + ROWS_AHEAD])
                row = order[i]
                for j in range(num_columns):
                    tile[filled, j] = Z[row, j]
                filled += 1
        at += count
        num_rows += count
        complete = num_rows == batch_size or (last and at == len(order))
        if filled < piece and not complete:
            break
        if filled:
            if by_columns:
                _gradient_by_columns(tile, filled, state[0], residuals, gradient)
            else:
                _gradient_by_rows(tile, filled, state[0], parameters, slopes, gradient)
            for j in range(num_columns - 1):
                begun[j] += gradient[j]
            filled = 0
        if complete:
            for j in range(num_columns - 1):
                gradient[j] = begun[j] * 2.0 / num_rows
            begun[:] = 0.0
            num_rows = 0
            finite = update(state, gradient, rates[steps], momentum, penalty, num_averaged + steps)
            steps += 1
            if not finite:
                return steps, False
    begun[num_columns - 1] = num_rows
    return steps, True


@strict
def _gradient_by_columns(
    tile: Packed, num_rows: int, parameters: Floats, residuals: Floats, gradient: Floats
) -> None:
    """Σ r z over the rows z of a tile (columns, rows), r = z·(b, θ, −1)."""
    last = len(tile) - 1
    whole = -(-num_rows // LANES) * LANES
    for j in range(last + 1):
        for i in range(num_rows, whole):
            tile[j, i] = 0.0
    for i in range(whole):
        residuals[i] = -tile[last, i]
    for j in range(last):
        p = parameters[j]
        for i in range(whole):
            residuals[i] += p * tile[j, i]
    lanes = np.zeros(LANES)
    for j in range(last):
        lanes[:] = 0.0
        for first in range(0, whole, LANES):
            for lane in range(LANES):
                lanes[lane] += residuals[first + lane] * tile[j, first + lane]
        gradient[j] = _sum_of(lanes)


@strict
def _gradient_by_rows(
    tile: Packed, num_rows: int, state: Floats, parameters: Floats, slopes: Floats, gradient: Floats
) -> None:
    """The same of a tile (rows, columns)."""
    last = len(state)
    whole = tile.shape[1]
    parameters[:last] = state
    parameters[last] = -1.0
    slopes[:] = 0.0
    lanes = np.zeros(LANES)
    for i in range(num_rows):
        lanes[:] = 0.0
        for first in range(0, whole, LANES):
            for lane in range(LANES):
                lanes[lane] += parameters[first + lane] * tile[i, first + lane]
        residual = _sum_of(lanes)
        for j in range(whole):
            slopes[j] += residual * tile[i, j]
    for j in range(last):
        gradient[j] = slopes[j]


@strict
def _sum_of(lanes: Floats) -> float:
    """Add up LANES numbers as a tree."""
    half = LANES // 2
    while half:
        for lane in range(half):
            lanes[lane] += lanes[lane + half]
        half //= 2
    return float(lanes[0])
