"""The sums of `linreg.evaluation.covariance.robust`, in a kernel."""

import numpy as np

from linreg.arrays import Floats
from linreg.fit.kernels import strict

ROWS_PER_BLOCK = 64
"""Rows whose scores stay in a cache while they are multiplied."""


@strict
def add_products(factors: Floats, a: Floats, sums: Floats) -> None:
    """Add Σ (f·aᵢ)(f·aⱼ), j ≤ i, to sums (kinds, 2, M + 1, M + 1) in double-double, high and low.

    factors  (kinds, n) the f of each row
    a        (M + 1, n)

    To each sum the rows are added one by one, so that the end of a chunk does not show in it.
    """
    size, num_rows = a.shape
    scores = np.empty((ROWS_PER_BLOCK, size))
    for start in range(0, num_rows, ROWS_PER_BLOCK):
        count = min(ROWS_PER_BLOCK, num_rows - start)
        for kind in range(len(factors)):
            for j in range(size):
                for r in range(count):
                    scores[r, j] = factors[kind, start + r] * a[j, start + r]
            for i in range(size):
                hi, lo = sums[kind, 0, i], sums[kind, 1, i]
                for r in range(count):
                    left = scores[r, i]
                    if left == 0.0:
                        continue
                    for j in range(i + 1):
                        value = left * scores[r, j]
                        s = hi[j] + value
                        z = s - hi[j]
                        lo[j] += (hi[j] - (s - z)) + (value - z)
                        hi[j] = s
