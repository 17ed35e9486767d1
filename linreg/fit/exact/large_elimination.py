"""The same elimination for many columns, in compiled code at 32 digits instead of 60.

The moments have no more than 32 digits either. The condition number of the Gram matrix is lost from
them, κ², so that (κ·1e-16)² is the error: less than the κ·1e-16 of a QR in float64, as long as that
finds a digit at all.
"""

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.fit.exact.double_double import add_multiple, product_error
from linreg.fit.kernels import strict


@strict
def lower_factor(S: Floats, smallest: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Factorise S = L·D·Lᵀ; S (k, k, 2) is a lower triangle in double-double, and is destroyed.

    Returns L with D in the place of its diagonal, (k, k, 2), and which columns were kept. One whose
    pivot is not above `smallest` times its diagonal entry takes no part, but for its own row of L.
    """
    k = len(S)
    hi, lo = S[:, :, 0].copy(), S[:, :, 1].copy()
    diagonal = np.array([hi[j, j] for j in range(k)])
    kept = np.zeros(k, np.bool_)
    L = np.zeros((k, k, 2))
    column = np.empty((2, k))
    for j in range(k):
        L[j, j] = _renormalised(hi[j, j], lo[j, j])
        kept[j] = L[j, j, 0] > smallest * diagonal[j]
        if not kept[j]:
            continue
        for i in range(j + 1, k):
            value = _renormalised(hi[i, j], lo[i, j])
            column[:, i] = value
            L[i, j] = _quotient(value, L[j, j])
        for i in range(j + 1, k):
            rest = slice(j + 1, i + 1)
            add_multiple(
                hi[i, rest], lo[i, rest], column[0, rest], column[1, rest], -L[i, j, 0], -L[i, j, 1]
            )
    return L, kept


@strict
def lower_inverse(L: Floats) -> Floats:
    """Return the inverse (p, p, 2) of a unit lower triangle (p, p, 2)."""
    p = len(L)
    hi, lo = np.zeros((p, p)), np.zeros((p, p))
    for i in range(p):
        hi[i, i] = 1.0
        for j in range(i):
            add_multiple(
                hi[i, : j + 1],
                lo[i, : j + 1],
                hi[j, : j + 1],
                lo[j, : j + 1],
                -L[i, j, 0],
                -L[i, j, 1],
            )
        for j in range(i):
            hi[i, j], lo[i, j] = _renormalised(hi[i, j], lo[i, j])
    inverse = np.empty((p, p, 2))
    inverse[:, :, 0], inverse[:, :, 1] = hi, lo
    return inverse


@strict
def _renormalised(hi: float, lo: float) -> Floats:
    s = hi + lo
    z = s - hi
    return np.array([s, (hi - (s - z)) + (lo - z)])


@strict
def _quotient(a: Floats, b: Floats) -> Floats:
    """A quotient to 104 bits: a float64, and that of what it leaves."""
    first = a[0] / b[0]
    p = first * b[0]
    left = ((a[0] - p) - product_error(first, b[0], p)) + (a[1] - first * b[1])
    return _renormalised(first, left / b[0])
