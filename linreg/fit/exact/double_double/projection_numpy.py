"""Projections and residuals of the rows of small tables: the bits of the kernels.

Why there are two is explained in `linreg.fit.exact.double_double.sum_numpy`. Arguments are those of
`linreg.fit.exact.double_double.projection_kernels`.
"""

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask
from linreg.fit.exact.double_double.sum_numpy import axpy


def project(
    X: Floats, exponents: NDArray[np.int64], W: Floats, kept: Mask, q: Floats, a: Floats
) -> None:
    """Set q = Wᵀx and add W·q to a, both (M + 1, n)."""
    x = _scaled_columns(X, exponents)
    q[:] = 0.0
    columns = np.flatnonzero(kept).tolist()
    for position, j in enumerate(columns):
        hi = np.zeros(len(X))
        lo = np.zeros(len(X))
        for i in columns[: position + 1]:
            axpy(hi, lo, x[i], W[0, i, j], W[1, i, j])
        q[j] = hi + lo
        for i in columns[: position + 1]:
            a[i] += W[0, i, j] * q[j]


def residuals(
    X: Floats, y: Floats, exponents: NDArray[np.int64], coefficients: Floats, out: Floats
) -> None:
    """Set out (n,) to y − ỹ after scaling."""
    hi = _scaled(y, int(exponents[-1]))
    lo = np.zeros(len(y))
    for j, x in enumerate(_scaled_columns(X, exponents[:-1])):
        axpy(hi, lo, x, -coefficients[0, j], -coefficients[1, j])
    out[:] = hi + lo


def _scaled_columns(X: Floats, exponents: NDArray[np.int64]) -> list[Floats]:
    """Return the columns of [1 X], each divided by its power of two."""
    ones = np.full(len(X), np.ldexp(1.0, -int(exponents[0])))
    return [ones, *(_scaled(X[:, j], int(exponents[j + 1])) for j in range(X.shape[1]))]


def _scaled(column: Floats, exponent: int) -> Floats:
    """Return column / 2^exponent, in two steps, since 2^-exponent may be out of range."""
    half = exponent // 2
    scaled: Floats = column * np.ldexp(1.0, -half) * np.ldexp(1.0, -(exponent - half))
    return scaled
