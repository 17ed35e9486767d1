"""The factorization of `normal_equations.ldl` for many columns: 32 digits in place of 60, compiled.

The moments have no more than 32 digits either. Of them the condition number κ² of the Gram matrix
is lost, so that the error is (κ·1e-16)². That is less than the κ·1e-16 of a QR in float64, as long
as that finds a digit at all. All matrices are in double-double, high and low: (2, rows, columns).
"""

import numpy as np

from linreg.arrays import Floats, Mask
from linreg.fit.exact.double_double.sum_kernels import axpy, product_error
from linreg.fit.kernels import strict


@strict
def factorize_lower(S: Floats, roundings: Floats, error: float) -> tuple[Floats, Floats, Mask]:
    """Factorize the lower triangle of S = L·D·Lᵀ (2, k, k), which is overwritten.

    roundings  (k, 2) of each column the rounding of its cells and its norm, as in `ldl`
    error      of an entry of S, as a part of the norms of its two columns

    Returns L with D in place of its diagonal, and L⁻¹, both (2, k, k) and lower triangles, and the
    mask of the columns that were kept. A column whose residual may be nothing but rounding is left
    out of the factorization; its own row of L and L⁻¹ remains.
    """
    k = S.shape[1]
    hi, lo = S[0], S[1]
    kept = np.zeros(k, np.bool_)
    L, inverse = np.zeros((2, k, k)), np.zeros((2, k, k))
    column = np.empty((2, k))
    for j in range(k):
        L[0, j, j], L[1, j, j] = _normalized(hi[j, j], lo[j, j])
        _invert_row(L, kept, j, inverse[0], inverse[1])
        kept[j] = L[0, j, j] > _rounding(inverse[0, j, : j + 1], roundings, error)
        if not kept[j]:
            continue
        for i in range(j + 1, k):
            column[0, i], column[1, i] = _normalized(hi[i, j], lo[i, j])
            L[0, i, j], L[1, i, j] = _quotient(column[0, i], column[1, i], L[0, j, j], L[1, j, j])
        for i in range(j + 1, k):
            rest = slice(j + 1, i + 1)
            axpy(
                hi[i, rest], lo[i, rest], column[0, rest], column[1, rest], -L[0, i, j], -L[1, i, j]
            )
    return L, inverse, kept


@strict
def _invert_row(L: Floats, kept: Mask, j: int, hi: Floats, lo: Floats) -> None:
    """Set row j of the inverse of a unit lower triangular matrix."""
    hi[j, j] = 1.0
    for i in range(j):
        if kept[i]:
            row = slice(0, i + 1)
            axpy(hi[j, row], lo[j, row], hi[i, row], lo[i, row], -L[0, j, i], -L[1, j, i])
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
def substitute(L: Floats, products: Floats, beta: Floats) -> None:
    """Solve L·D·Lᵀ·β = s, of which products and beta (p, 2) hold s; products becomes L⁻¹·s."""
    p = len(products)
    for i in range(p):
        hi, lo = products[i, 0], products[i, 1]
        for j in range(i):
            hi, lo = _minus_product(hi, lo, L[:, i, j], products[j])
        products[i, 0], products[i, 1] = _normalized(hi, lo)
        beta[i, 0], beta[i, 1] = _quotient(products[i, 0], products[i, 1], L[0, i, i], L[1, i, i])
    for i in range(p - 1, -1, -1):
        hi, lo = beta[i, 0], beta[i, 1]
        for j in range(i + 1, p):
            hi, lo = _minus_product(hi, lo, L[:, j, i], beta[j])
        beta[i, 0], beta[i, 1] = _normalized(hi, lo)


@strict
def scaled(x: Floats, factor: Floats) -> tuple[Floats, Floats]:
    """Return a vector (2, n) times a number (2,), high and low."""
    hi, lo = np.empty(x.shape[1]), np.empty(x.shape[1])
    for i in range(x.shape[1]):
        a, b = _minus_product(0.0, 0.0, x[:, i], -factor)
        hi[i], lo[i] = _normalized(a, b)
    return hi, lo


@strict
def multiply_upper(A: Floats, B: Floats) -> Floats:
    """Return A·B for upper triangular matrices, all (2, p, p)."""
    p = A.shape[1]
    product = np.zeros((2, p, p))
    for i in range(p):
        for k in range(i, p):
            row = slice(k, p)
            hi, lo = product[0, i, row], product[1, i, row]
            axpy(hi, lo, B[0, k, row], B[1, k, row], A[0, i, k], A[1, i, k])
        for j in range(i, p):
            product[0, i, j], product[1, i, j] = _normalized(product[0, i, j], product[1, i, j])
    return product


@strict
def times_transposed(W: Floats) -> Floats:
    """Return W·Wᵀ (p, p) for an upper triangular W (p, p), all float64."""
    p = len(W)
    product = np.empty((p, p))
    for i in range(p):
        for j in range(i + 1):
            total = 0.0
            for k in range(i, p):
                total += W[i, k] * W[j, k]
            product[i, j] = product[j, i] = total
    return product


@strict
def _minus_product(hi: float, lo: float, a: Floats, b: Floats) -> tuple[float, float]:
    """Return hi + lo − a·b in double-double, unnormalized, for a and b (2,)."""
    p = -a[0] * b[0]
    e = product_error(-a[0], b[0], p) - (a[0] * b[1] + a[1] * b[0])
    s = hi + p
    z = s - hi
    return s, lo + ((hi - (s - z)) + (p - z)) + e


@strict
def _normalized(hi: float, lo: float) -> tuple[float, float]:
    """Return hi + lo as a double-double whose first part is the sum rounded."""
    s = hi + lo
    z = s - hi
    return s, (hi - (s - z)) + (lo - z)


@strict
def _quotient(a: float, a_lo: float, b: float, b_lo: float) -> tuple[float, float]:
    """Return (a + a_lo) / (b + b_lo) to 104 bits: a float64, and the quotient of the remainder."""
    first = a / b
    p = first * b
    remainder = ((a - p) - product_error(first, b, p)) + (a_lo - first * b_lo)
    return _normalized(first, remainder / b)
