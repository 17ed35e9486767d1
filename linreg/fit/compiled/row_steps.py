"""Steps of gradient descent directly from the rows of one shard."""

import numpy as np

from linreg.arrays import Floats
from linreg.fit.compiled.augmented_rows import Augmented, RowIndices
from linreg.fit.compiled.gradient_sums import add_rows, factors_of, move_sums
from linreg.fit.compiled.update import update
from linreg.fit.kernels import strict

MOST_ROWS_SUMMED = 4096
"""Rows of a batch that are summed before their sum is added to that of the batch: rounding errors
grow with the number of additions."""


@strict
def take_steps(
    Z: Augmented,
    indices: RowIndices,
    batch_size: int,
    last: bool,
    sums: Floats,
    tile: Floats,
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
    sums, tile     of `empty_sums`: the last rows of the incomplete batch
    partial_batch  (M + 2,) the incomplete batch: the gradient (M + 1,) of the rows before those,
                   then the number of all its rows
    rates          the learning rates of the next steps; state, penalty, num_averaged as in `update`

    Returns the steps taken and whether all of them were finite; it stops at one that is not.
    """
    num_columns = Z.shape[1]
    gradient = np.zeros(num_columns - 1)
    factors = factors_of(state[0])
    capacity = min(batch_size, MOST_ROWS_SUMMED)
    num_rows = int(partial_batch[num_columns - 1])
    summed = num_rows % capacity
    at, steps = 0, 0
    while at < len(indices) or (last and num_rows):
        count = min(capacity - summed, batch_size - num_rows, len(indices) - at)
        add_rows(Z, indices, at, at + count, summed, factors, sums, tile)
        at += count
        num_rows += count
        summed += count
        complete = num_rows == batch_size or (last and at == len(indices))
        if summed < capacity and not complete:
            break
        if summed:
            move_sums(summed, factors, sums, tile, partial_batch[:-1])
            summed = 0
        if complete:
            for j in range(num_columns - 1):
                gradient[j] = partial_batch[j] * 2.0 / num_rows
            partial_batch[:] = 0.0
            num_rows = 0
            finite = update(state, gradient, rates[steps], momentum, penalty, num_averaged + steps)
            factors[0, : num_columns - 1] = state[0]
            steps += 1
            if not finite:
                return steps, False
    partial_batch[num_columns - 1] = num_rows
    return steps, True
