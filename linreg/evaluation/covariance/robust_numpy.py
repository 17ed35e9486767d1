"""The sums of `linreg.evaluation.covariance.robust` for small tables: the bits of the kernel."""

import numpy as np

from linreg.arrays import Floats

PRODUCTS_AT_A_TIME = 1 << 20


def add_products(factors: Floats, a: Floats, sums: Floats) -> None:
    """Add Σ (f·aᵢ)(f·aⱼ), j ≤ i, to sums (kinds, 2, M + 1, M + 1), row by row."""
    i, j = np.tril_indices(len(a))
    hi, lo = sums[:, 0, i, j], sums[:, 1, i, j]
    rows_at_a_time = max(1, PRODUCTS_AT_A_TIME // hi.size)
    for start in range(0, a.shape[1], rows_at_a_time):
        rows = slice(start, start + rows_at_a_time)
        scores = factors[:, None, rows] * a[:, rows]
        products = scores[:, i] * scores[:, j]
        for value in np.ascontiguousarray(np.moveaxis(products, 2, 0)):
            s = hi + value
            z = s - hi
            lo += (hi - (s - z)) + (value - z)
            hi = s
    sums[:, 0, i, j] = hi
    sums[:, 1, i, j] = lo
