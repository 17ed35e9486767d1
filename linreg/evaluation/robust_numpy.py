"""The passes over rows of `linreg.evaluation.robust` for small tables: the same bits as the
kernels, in numpy.

Why there are two is told in `linreg.fit.exact.double_double_numpy`. Arguments are those of
`linreg.evaluation.robust_kernels`.
"""

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.fit.exact.double_double_numpy import axpy


def project(
    X: Floats,
    exponents: NDArray[np.int64],
    root: Floats,
    kept: NDArray[np.bool_],
    q: Floats,
    a: Floats,
) -> None:
    """Set q = Wᵀx and add W·q to a, both (M + 1, n)."""
    x = _scaled(X, exponents)
    found = np.flatnonzero(kept).tolist()
    q[:] = 0.0
    for j in found:
        hi, lo = np.zeros(len(X)), np.zeros(len(X))
        for i in found[: found.index(j) + 1]:
            axpy(hi, lo, x[i], root[0, i, j], root[1, i, j])
        q[j] = hi + lo
        for i in found[: found.index(j) + 1]:
            a[i] += root[0, i, j] * q[j]


def residuals(
    X: Floats, y: Floats, exponents: NDArray[np.int64], theta: Floats, out: Floats
) -> None:
    """Set out (n,) to y − ỹ in the units of the scaled target."""
    hi, lo = _halved(y, int(exponents[-1])), np.zeros(len(y))
    for j, x in enumerate(_scaled(X, exponents[:-1])):
        axpy(hi, lo, x, -theta[0, j], -theta[1, j])
    out[:] = hi + lo


def add_squares(factors: Floats, a: Floats, sums: Floats) -> None:
    """Add Σ (factor·aⱼ)² to sums (2, M + 1, 2), row after row."""
    values = np.square(factors[:, None, :] * a)
    hi, lo = sums[:, :, 0].copy(), sums[:, :, 1].copy()
    for value in np.ascontiguousarray(np.moveaxis(values, 2, 0)):
        s = hi + value
        z = s - hi
        lo += (hi - (s - z)) + (value - z)
        hi = s
    sums[:, :, 0], sums[:, :, 1] = hi, lo


def _scaled(X: Floats, exponents: NDArray[np.int64]) -> list[Floats]:
    """Return the columns of [1 X], each divided by its power of two."""
    ones = np.full(len(X), np.ldexp(1.0, -int(exponents[0])))
    return [ones, *(_halved(X[:, j], int(exponents[j + 1])) for j in range(X.shape[1]))]


def _halved(column: Floats, exponent: int) -> Floats:
    """Return column / 2^exponent, in two steps, since 2^-exponent may be out of range."""
    factor, again = np.ldexp(1.0, -(exponent // 2)), np.ldexp(1.0, -(exponent - exponent // 2))
    result: Floats = column * factor * again
    return result
