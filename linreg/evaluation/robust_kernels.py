"""The passes over rows of `linreg.evaluation.robust`, in strict kernels (see
linreg.fit.exact.double_double_kernels).
"""

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.fit.exact.double_double_kernels import axpy
from linreg.fit.kernels import strict

TILE = 128


@strict
def scaled(column: Floats, exponent: int, out: Floats) -> None:
    """Set out (n,) to column / 2^exponent, in two steps, since 2^-exponent may be out of range."""
    factor, again = np.ldexp(1.0, -(exponent // 2)), np.ldexp(1.0, -(exponent - exponent // 2))
    for r in range(len(column)):
        out[r] = column[r] * factor * again


@strict
def project(
    X: Floats,
    exponents: NDArray[np.int64],
    root: Floats,
    kept: NDArray[np.bool_],
    q: Floats,
    a: Floats,
) -> None:
    """Set q = Wᵀx and add a = W·q for each row, both (M + 1, n); x = [1 X] / 2^exponents, W in
    double-double.
    """
    size = len(kept)
    x, zeros, hi, lo = np.empty((size, TILE)), np.zeros(TILE), np.empty(TILE), np.empty(TILE)
    for start in range(0, len(X), TILE):
        rows = min(TILE, len(X) - start)
        x[0, :] = np.ldexp(1.0, -exponents[0])
        for j in range(1, size):
            scaled(X[start : start + rows, j - 1], int(exponents[j]), x[j, :rows])
        for j in range(size):
            hi[:] = 0.0
            lo[:] = 0.0
            if kept[j]:
                for i in range(j + 1):
                    if kept[i]:
                        axpy(
                            hi[:rows],
                            lo[:rows],
                            x[i, :rows],
                            zeros[:rows],
                            root[0, i, j],
                            root[1, i, j],
                        )
            for r in range(rows):
                q[j, start + r] = hi[r] + lo[r]
            for i in range(j + 1):
                if kept[i] and kept[j]:
                    for r in range(rows):
                        a[i, start + r] += root[0, i, j] * q[j, start + r]


@strict
def residuals(
    X: Floats, y: Floats, exponents: NDArray[np.int64], theta: Floats, out: Floats
) -> None:
    """Set out (n,) to y − ỹ in units of the scaled target, for theta (2, M + 1), high and low."""
    size = theta.shape[1]
    x, zeros, hi, lo = np.empty(TILE), np.zeros(TILE), np.empty(TILE), np.empty(TILE)
    ones = np.full(TILE, np.ldexp(1.0, -exponents[0]))
    for start in range(0, len(X), TILE):
        rows = min(TILE, len(X) - start)
        scaled(y[start : start + rows], int(exponents[size]), hi[:rows])
        lo[:] = 0.0
        axpy(hi[:rows], lo[:rows], ones[:rows], zeros[:rows], -theta[0, 0], -theta[1, 0])
        for j in range(1, size):
            scaled(X[start : start + rows, j - 1], int(exponents[j]), x[:rows])
            axpy(hi[:rows], lo[:rows], x[:rows], zeros[:rows], -theta[0, j], -theta[1, j])
        for r in range(rows):
            out[start + r] = hi[r] + lo[r]


@strict
def add_squares(factors: Floats, a: Floats, sums: Floats) -> None:
    """Add Σ (factor·aⱼ)² row after row, so that no window's end shows in the sums."""
    for r in range(factors.shape[1]):
        for kind in range(2):
            for j in range(len(a)):
                value = factors[kind, r] * a[j, r]
                value *= value
                s = sums[kind, j, 0] + value
                z = s - sums[kind, j, 0]
                sums[kind, j, 1] += (sums[kind, j, 0] - (s - z)) + (value - z)
                sums[kind, j, 0] = s
