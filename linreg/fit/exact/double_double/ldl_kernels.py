"""The factorization of `linreg.fit.exact.ldl` for many columns: 32 digits in place of 60, compiled.

The moments have no more than 32 digits either. Of them the condition number κ² of the Gram matrix
is lost, so that the error is (κ·1e-16)². That is less than the κ·1e-16 of a QR in float64, as long
as that finds a digit at all.
"""

import numpy as np

from linreg.arrays import Floats, Mask
from linreg.fit.exact.double_double.sum_kernels import axpy, product_error
from linreg.fit.kernels import strict


@strict
def factorize_lower(S: Floats, roundings: Floats, error: float) -> tuple[Floats, Floats, Mask]:
    """Factorize S = L·D·Lᵀ, S (k, k, 2) a lower triangle in double-double.

    roundings  (k, 2) of each column the rounding of its cells and its norm, as in `ldl`
    error      of an entry of S, as a part of the norms of its two columns

    Returns L with D in place of its diagonal, (k, k, 2), L⁻¹ likewise, and the mask of the columns
    that were kept. A column whose residual may be nothing but rounding is left out of the
    factorization; its own row of L and L⁻¹ remains.
    """
    k = len(S)
    hi, lo = S[:, :, 0].copy(), S[:, :, 1].copy()
    kept = np.zeros(k, np.bool_)
    L, inverse = np.zeros((k, k, 2)), np.zeros((k, k, 2))
    inverse_hi, inverse_lo = np.zeros((k, k)), np.zeros((k, k))
    column = np.empty((2, k))
    for j in range(k):
        L[j, j] = _normalized(hi[j, j], lo[j, j])
        _invert_row(L, kept, j, inverse_hi, inverse_lo)
        inverse[j, :, 0] = inverse_hi[j]
        inverse[j, :, 1] = inverse_lo[j]
        kept[j] = L[j, j, 0] > _rounding(inverse_hi[j, : j + 1], roundings, error)
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
    return L, inverse, kept


@strict
def _invert_row(L: Floats, kept: Mask, j: int, hi: Floats, lo: Floats) -> None:
    """Set row j of the inverse of a unit lower triangular matrix, (k, k) in double-double."""
    hi[j, j] = 1.0
    for i in range(j):
        if kept[i]:
            row = slice(0, i + 1)
            axpy(hi[j, row], lo[j, row], hi[i, row], lo[i, row], -L[j, i, 0], -L[j, i, 1])
    for i in range(j):
        hi[j, i], lo[j, i] = _normalized(hi[j, i], lo[j, i])


@strict
def _rounding(combination: Floats, roundings: Floats, error: float) -> float:
    """Return the ‖r‖² that rounding explains, for r a linear combination of columns."""
    cells = 0.0
    norm = 0.0
    for i in range(len(combination)):
        cells += abs(combination[i]) * roundings[i, 0]
        norm += abs(combination[i]) * roundings[i, 1]
    return cells * cells + error * norm * norm


@strict
def multiply_lower(A: Floats, B: Floats) -> Floats:
    """Return A·B for lower triangular matrices, all (p, p, 2) in double-double."""
    p = len(A)
    hi, lo = np.zeros((p, p)), np.zeros((p, p))
    B_hi, B_lo = B[:, :, 0].copy(), B[:, :, 1].copy()
    product = np.empty((p, p, 2))
    for i in range(p):
        for k in range(i + 1):
            row = slice(0, k + 1)
            axpy(hi[i, row], lo[i, row], B_hi[k, row], B_lo[k, row], A[i, k, 0], A[i, k, 1])
        for j in range(p):
            product[i, j] = _normalized(hi[i, j], lo[i, j])
    return product


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
