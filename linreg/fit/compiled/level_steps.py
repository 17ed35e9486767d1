"""Steps of gradient descent from the rows of a compact design matrix.

In scaled units the indicator of a level is `high` in its own rows and `low` in all others. So of a
category a prediction is Σ low·θ over all levels, which is the same for all rows of a batch, plus
(high − low)·θ of the row's level; the gradient likewise.
"""

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import Codes
from linreg.fit.compiled.augmented_rows import Augmented, RowIndices
from linreg.fit.compiled.update import update
from linreg.fit.kernels import strict


@strict
def take_steps(
    Z: Augmented,
    codes: Codes,
    roots: Augmented,
    indices: RowIndices,
    batch_size: int,
    last: bool,
    dense: NDArray[np.int64],
    low: Floats,
    contrast: Floats,
    partial_batch: Floats,
    state: Floats,
    rates: Floats,
    momentum: float,
    penalty: Floats,
    num_averaged: int,
) -> tuple[int, bool]:
    """Read rows of a chunk and take a step after each complete batch.

    Z              (n, K + 2) [c X y] of the columns that are no indicators, times √w
    codes          (n, categories) where the indicator of a row's level is among (b, θ), or −1
    roots          (n,) √w
    indices        (k,) the rows to read; `last`: whether the last batch ends with them
    dense          (K + 1,) where the columns of [c X] are among (b, θ)
    low, contrast  (M + 1,) low and high − low of the indicators; 0 and 1 for other columns
    partial_batch  (M + 3,) of the incomplete batch: Σ r z by column, where for an indicator z is √w
                   in the rows of its level; then Σ r √w, and the number of rows
    rates          the learning rates of the next steps; state, penalty, num_averaged as in `update`

    Returns the steps taken and whether all of them were finite; it stops at one that is not.
    """
    size = state.shape[1]
    num_dense, num_categories = len(dense), codes.shape[1]
    gradient = np.zeros(size)
    of_all_levels = _products(low, state[0])
    steps = 0
    for at in range(len(indices)):
        i = indices[at]
        residual = -np.float64(Z[i, num_dense])
        for j in range(num_dense):
            residual += state[0, dense[j]] * Z[i, j]
        of_levels = of_all_levels
        for category in range(num_categories):
            level = codes[i, category]
            if level >= 0:
                of_levels += contrast[level] * state[0, level]
        residual += of_levels * roots[i]
        for j in range(num_dense):
            partial_batch[dense[j]] += residual * Z[i, j]
        weighted = residual * roots[i]
        for category in range(num_categories):
            if codes[i, category] >= 0:
                partial_batch[codes[i, category]] += weighted
        partial_batch[size] += weighted
        partial_batch[size + 1] += 1.0
        num_rows = partial_batch[size + 1]
        if num_rows == batch_size or (last and at == len(indices) - 1):
            for j in range(size):
                total = low[j] * partial_batch[size] + contrast[j] * partial_batch[j]
                gradient[j] = total * 2.0 / num_rows
            partial_batch[:] = 0.0
            finite = update(state, gradient, rates[steps], momentum, penalty, num_averaged + steps)
            of_all_levels = _products(low, state[0])
            steps += 1
            if not finite:
                return steps, False
    return steps, True


@strict
def _products(a: Floats, b: Floats) -> float:
    total = 0.0
    for j in range(len(a)):
        total += a[j] * b[j]
    return total
