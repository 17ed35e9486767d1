"""Projections and residuals of rows, in kernels.

The arithmetic is explained in `sum_kernels`. All arguments are arrays in units of columns and
target that are divided by powers of two, 2^exponents (M + 2,) for [1 X y].
"""

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask
from linreg.fit.exact.double_double.sum_kernels import axpy
from linreg.fit.kernels import strict

TILE = 128
"""Rows processed at a time, so that they stay in a cache."""


@strict
def scale_column(column: Floats, exponent: int, out: Floats) -> None:
    """Set out (n,) to column / 2^exponent, in two steps, since 2^-exponent may be out of range."""
    half = exponent // 2
    factor = np.ldexp(1.0, -half)
    rest = np.ldexp(1.0, -(exponent - half))
    for r in range(len(column)):
        out[r] = column[r] * factor * rest


@strict
def project(
    X: Floats, exponents: NDArray[np.int64], W: Floats, kept: Mask, q: Floats, a: Floats
) -> None:
    """Set q = Wᵀx and add W·q to a, for each row x of [1 X] after scaling; q, a are (M + 1, n).

    W     (2, M + 1, M + 1) the inverse Cholesky factor in double-double, high and low
    kept  (M + 1,) the columns to take part
    """
    size = len(kept)
    x = np.empty((size, TILE))
    zeros = np.zeros(TILE)
    hi = np.empty(TILE)
    lo = np.empty(TILE)
    for start in range(0, len(X), TILE):
        rows = min(TILE, len(X) - start)
        x[0, :] = np.ldexp(1.0, -exponents[0])
        for j in range(1, size):
            scale_column(X[start : start + rows, j - 1], int(exponents[j]), x[j, :rows])
        for j in range(size):
            hi[:] = 0.0
            lo[:] = 0.0
            if kept[j]:
                for i in range(j + 1):
                    if kept[i]:
                        axpy(
                            hi[:rows], lo[:rows], x[i, :rows], zeros[:rows], W[0, i, j], W[1, i, j]
                        )
            for r in range(rows):
                q[j, start + r] = hi[r] + lo[r]
            for i in range(j + 1):
                if kept[i] and kept[j]:
                    for r in range(rows):
                        a[i, start + r] += W[0, i, j] * q[j, start + r]


@strict
def residuals(
    X: Floats, y: Floats, exponents: NDArray[np.int64], coefficients: Floats, out: Floats
) -> None:
    """Set out (n,) to y − ỹ after scaling.

    coefficients  (2, M + 1) of scaled columns in double-double, high and low
    """
    size = coefficients.shape[1]
    x = np.empty(TILE)
    zeros = np.zeros(TILE)
    hi = np.empty(TILE)
    lo = np.empty(TILE)
    for start in range(0, len(X), TILE):
        rows = min(TILE, len(X) - start)
        scale_column(y[start : start + rows], int(exponents[size]), hi[:rows])
        lo[:] = 0.0
        for j in range(size):
            if j == 0:
                x[:] = np.ldexp(1.0, -exponents[0])
            else:
                scale_column(X[start : start + rows, j - 1], int(exponents[j]), x[:rows])
            high, low = -coefficients[0, j], -coefficients[1, j]
            axpy(hi[:rows], lo[:rows], x[:rows], zeros[:rows], high, low)
        for r in range(rows):
            out[start + r] = hi[r] + lo[r]


@strict
def leverages(X: Floats, exponents: NDArray[np.int64], W: Floats, out: Floats) -> None:
    """Set out (n,) to ‖Wᵀx‖² for each row x of [1 X] after scaling, all in float64.

    W  (M + 1, M + 1) the transpose of the inverse Cholesky factor, a lower triangle

    Four coordinates are taken at a time, so that a column of the tile is read once for them: 13
    GFlop/s for 1000 columns.
    """
    size = len(W)
    x = np.empty((size, TILE))
    q = np.empty((4, TILE))
    for start in range(0, len(X), TILE):
        rows = min(TILE, len(X) - start)
        x[:, rows:] = 0.0
        x[0, :rows] = np.ldexp(1.0, -exponents[0])
        for j in range(1, size):
            scale_column(X[start : start + rows, j - 1], int(exponents[j]), x[j, :rows])
        out[start : start + rows] = 0.0
        for first in range(0, size, 4):
            q[:] = 0.0
            q0, q1, q2, q3 = q[0], q[1], q[2], q[3]
            # Beyond the last one, the last one again.
            last = min(first + 4, size) - 1
            a, b, c = min(first + 1, last), min(first + 2, last), min(first + 3, last)
            for i in range(last + 1):
                w0, w1, w2, w3 = W[first, i], W[a, i], W[b, i], W[c, i]
                column = x[i]
                for r in range(TILE):
                    value = column[r]
                    q0[r] += w0 * value
                    q1[r] += w1 * value
                    q2[r] += w2 * value
                    q3[r] += w3 * value
            for k in range(last + 1 - first):
                for r in range(rows):
                    out[start + r] += q[k, r] * q[k, r]
