"""The sums of `linreg.evaluation.robust` for small tables: numpy, the bits of the kernel."""

import numpy as np

from linreg.arrays import Floats


def add_squares(factors: Floats, a: Floats, sums: Floats) -> None:
    """Add Σ (factor·aⱼ)² to sums (2, M + 1, 2), row by row."""
    squares = np.square(factors[:, None, :] * a)
    hi = sums[:, :, 0].copy()
    lo = sums[:, :, 1].copy()
    for value in np.ascontiguousarray(np.moveaxis(squares, 2, 0)):
        s = hi + value
        z = s - hi
        lo += (hi - (s - z)) + (value - z)
        hi = s
    sums[:, :, 0] = hi
    sums[:, :, 1] = lo
