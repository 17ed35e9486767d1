"""The factorization of `linreg.fit.exact.ldl` for many columns: 32 digits in place of 60, compiled.

The moments have no more than 32 digits either. Of them the condition number κ² of the Gram matrix
is lost, so that the error is (κ·1e-16)². That is less than the κ·1e-16 of a QR in float64, as long
as that finds a digit at all.
"""

import numpy as np

from linreg.arrays import Floats, Mask
from linreg.fit.exact.double_double_kernels import axpy, product_error
from linreg.fit.kernels import strict


@strict
def factorize_lower(S: Floats, tolerance: float) -> tuple[Floats, Mask]:
    """Factorize S = L·D·Lᵀ, S (k, k, 2) a lower triangle in double-double.

    Returns L with D in place of its diagonal, (k, k, 2), and the mask of the columns that were
    kept. A column whose pivot is not above `tolerance` times its diagonal entry is left out of the
    factorization; its own row of L remains.
    """
    k = len(S)
    hi, lo = S[:, :, 0].copy(), S[:, :, 1].copy()
    diagonal = np.array([hi[j, j] for j in range(k)])
    kept = np.zeros(k, np.bool_)
    L = np.zeros((k, k, 2))
    column = np.empty((2, k))
    for j in range(k):
        L[j, j] = _normalized(hi[j, j], lo[j, j])
        kept[j] = L[j, j, 0] > tolerance * diagonal[j]
        if not kept[j]:
            continue
        for i in range(j + 1, k):
            value = _normalized(hi[i, j], lo[i, j])
            column[:, i] = value
            L[i, j] = _quotient(value, L[j, j])
        for i in range(j + 1, k):
            rest = slice(j + 1, i + 1)
            axpy(
                hi[i, rest], lo[i, rest], column[0, rest], column[1, rest], -L[i, j, 0], -L[i, j, 1]
            )
    return L, kept


@strict
def invert_unit_lower(L: Floats) -> Floats:
    """Return the inverse of a unit lower triangular matrix, both (p, p, 2) in double-double."""
    p = len(L)
    hi, lo = np.zeros((p, p)), np.zeros((p, p))
    for i in range(p):
        hi[i, i] = 1.0
        for j in range(i):
            row = slice(0, j + 1)
            axpy(hi[i, row], lo[i, row], hi[j, row], lo[j, row], -L[i, j, 0], -L[i, j, 1])
        for j in range(i):
            hi[i, j], lo[i, j] = _normalized(hi[i, j], lo[i, j])
    inverse = np.empty((p, p, 2))
    inverse[:, :, 0] = hi
    inverse[:, :, 1] = lo
    return inverse


@strict
def _normalized(hi: float, lo: float) -> Floats:
    """Return hi + lo as a double-double whose first part is the sum rounded."""
    s = hi + lo
    z = s - hi
    return np.array([s, (hi - (s - z)) + (lo - z)])


@strict
def _quotient(a: Floats, b: Floats) -> Floats:
    """Return a / b to 104 bits: a float64, and the quotient of the remainder."""
    first = a[0] / b[0]
    p = first * b[0]
    remainder = ((a[0] - p) - product_error(first, b[0], p)) + (a[1] - first * b[1])
    return _normalized(first, remainder / b[0])
