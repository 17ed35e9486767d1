"""Sums by the levels of categories, and the elimination of one category, in kernels.

The arithmetic is explained in `sum_kernels`. Numbers in double-double are arrays (2, …), high, low.
"""

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import Codes
from linreg.fit.exact.double_double.sum_kernels import add_to_total, axpy, product_error
from linreg.fit.kernels import strict

LEVELS_PER_BLOCK = 256
ROWS_PER_BLOCK = 16
"""Of a matrix from which the products of levels are subtracted."""


@strict
def add_rows_to_levels(
    codes: Codes, X: Floats, y: Floats, w: Floats, factors: Floats, sums: Floats
) -> None:
    """Add w·[1 X y] of each row to the sums (levels, K + 2, 3) of its level.

    codes    (n,) the levels; a row with −1 is left out
    w        (n,) or empty for rows without weights
    factors  (K + 3,) the powers of two that [1 X y] and w are multiplied by
    """
    last = X.shape[1] + 1
    weighted = len(w) > 0
    for i in range(len(codes)):
        if codes[i] < 0:
            continue
        of_level = sums[codes[i]]
        weight = w[i] * factors[last + 1] if weighted else 1.0
        add_to_total(of_level[0], weight)
        for j in range(1, last + 1):
            z = (y[i] if j == last else X[i, j - 1]) * factors[j]
            p = z * weight
            add_to_total(of_level[j], p)
            if weighted:
                add_to_total(of_level[j], product_error(z, weight, p))


@strict
def add_rows_to_pairs(a: Codes, b: Codes, w: Floats, factor: float, sums: Floats) -> None:
    """Add the weight of each row to the sums (levels of a, levels of b, 3) of its two levels."""
    for i in range(len(a)):
        if a[i] >= 0 and b[i] >= 0:
            add_to_total(sums[a[i], b[i]], w[i] * factor if len(w) else 1.0)


@strict
def divide_rows(A: Floats, d: Floats) -> Floats:
    """Return the rows of A (2, n, k) divided by d (2, n); 0 where d is 0."""
    result = np.zeros_like(A)
    for i in range(A.shape[1]):
        if d[0, i] == 0.0:
            continue
        for j in range(A.shape[2]):
            # A quotient in float64, and the quotient of the remainder.
            first = A[0, i, j] / d[0, i]
            p = first * d[0, i]
            remainder = (A[0, i, j] - p) - product_error(first, d[0, i], p)
            second = (remainder + (A[1, i, j] - first * d[1, i])) / d[0, i]
            result[0, i, j] = first + second
            result[1, i, j] = second - (result[0, i, j] - first)
    return result


@strict
def subtract_products(S: Floats, A: Floats, B: Floats) -> None:
    """Subtract Aᵀ·B from the lower triangle of S (2, k, k), for A and B (2, n, k).

    Products are summed by blocks of levels first: a remainder that collects the errors of all sums
    has those of its own, which grow with their number, and 100,000 levels took 8 bits. The rows of
    S are taken by blocks too, which stay in a cache.
    """
    num_levels, k = A.shape[1:]
    sums = np.empty((2, ROWS_PER_BLOCK, k))
    for first_row in range(0, k, ROWS_PER_BLOCK):
        end = min(first_row + ROWS_PER_BLOCK, k)
        for first_level in range(0, num_levels, LEVELS_PER_BLOCK):
            sums[:] = 0.0
            for level in range(first_level, min(first_level + LEVELS_PER_BLOCK, num_levels)):
                for i in range(first_row, end):
                    a, a_lo = A[0, level, i], A[1, level, i]
                    if a == 0.0:
                        continue
                    hi, lo = sums[0, i - first_row], sums[1, i - first_row]
                    for j in range(i + 1):
                        p = a * B[0, level, j]
                        e = product_error(a, B[0, level, j], p)
                        e += a * B[1, level, j] + a_lo * B[0, level, j]
                        s = hi[j] + p
                        z = s - hi[j]
                        lo[j] += ((hi[j] - (s - z)) + (p - z)) + e
                        hi[j] = s
            for i in range(first_row, end):
                for j in range(i + 1):
                    value = -sums[0, i - first_row, j]
                    s = S[0, i, j] + value
                    z = s - S[0, i, j]
                    e = (S[0, i, j] - (s - z)) + (value - z)
                    e += S[1, i, j] - sums[1, i - first_row, j]
                    S[0, i, j] = s + e
                    S[1, i, j] = e - (S[0, i, j] - s)


@strict
def add_products(A: Floats, B: Floats, product: Floats) -> None:
    """Add A·B to a product (2, n, k), for A (2, n, p) and B (2, p, k).

    The zeros that a row of B begins with, as those of an upper triangle do, take no time.
    """
    firsts = np.zeros(B.shape[1], np.int64)
    for m in range(B.shape[1]):
        while firsts[m] < B.shape[2] and B[0, m, firsts[m]] == 0.0 == B[1, m, firsts[m]]:
            firsts[m] += 1
    for i in range(A.shape[1]):
        for m in range(A.shape[2]):
            a, a_lo = A[0, i, m], A[1, i, m]
            if a == 0.0:
                continue
            for j in range(firsts[m], B.shape[2]):
                p = a * B[0, m, j]
                e = product_error(a, B[0, m, j], p)
                e += a * B[1, m, j] + a_lo * B[0, m, j]
                s = product[0, i, j] + p
                z = s - product[0, i, j]
                product[1, i, j] += ((product[0, i, j] - (s - z)) + (p - z)) + e
                product[0, i, j] = s


@strict
def add_absolute_products(A: Floats, B: Floats, norms: Floats, total: Floats) -> None:
    """Add Σ |A·B|·norms of each row to a total (n,), in float64: A (n, p), B (p, p), norms (p,)."""
    row = np.empty(len(norms))
    for i in range(len(A)):
        row[:] = 0.0
        for m in range(len(B)):
            a = A[i, m]
            for j in range(len(norms)):
                row[j] += a * B[m, j]
        for j in range(len(norms)):
            total[i] += abs(row[j]) * norms[j]


@strict
def residuals_and_leverages(
    X: Floats,
    codes: Codes,
    y: Floats,
    exponents: NDArray[np.int64],
    rows_of_dense: NDArray[np.int64],
    rows_of_categories: NDArray[np.int64],
    sizes: NDArray[np.int64],
    W: Floats,
    projections: Floats,
    own_leverages: Floats,
    coefficients: Floats,
    of_levels: Floats,
    out: Floats,
) -> None:
    """Set out (2, n) to the residuals, in units of y / 2^exponent, and the leverages of rows.

    sizes                (categories,) the numbers of their indicators
    own_leverages        (L,) 1 / D of the levels of one eliminated category, or NaN
    coefficients         (2, K + 1) of the scaled columns [1 X]
    of_levels            (2, all levels) of indicators, in the order of the categories

    All others, and the order of the categories, are as in `coordinates`.
    """
    num_categories, num_others = codes.shape[1], len(rows_of_categories)
    p, num_dense = W.shape[1], X.shape[1]
    factors, rests = _scales(exponents)
    hi, lo, zeros = np.empty(p), np.empty(p), np.zeros(1)
    r, r_lo, x = np.empty(1), np.empty(1), np.empty(1)
    for i in range(len(y)):
        r[0] = y[i] * factors[num_dense + 1] * rests[num_dense + 1]
        r_lo[0] = 0.0
        for j in range(num_dense + 1):
            x[0] = (1.0 if j == 0 else X[i, j - 1]) * factors[j] * rests[j]
            axpy(r, r_lo, x, zeros, -coefficients[0, j], -coefficients[1, j])
        first = 0
        leverage = 0.0
        for category in range(num_categories):
            code = codes[i, category]
            if code >= 0:
                x[0] = -1.0
                axpy(r, r_lo, x, zeros, of_levels[0, first + code], of_levels[1, first + code])
                if category >= num_others:
                    leverage = own_leverages[code]
            if category < num_others:
                first += sizes[category]
        out[0, i] = r[0] + r_lo[0]
        _project_row(
            X[i],
            codes[i],
            factors,
            rests,
            rows_of_dense,
            rows_of_categories,
            W,
            projections,
            hi,
            lo,
        )
        for j in range(p):
            leverage += (hi[j] + lo[j]) * (hi[j] + lo[j])
        out[1, i] = leverage


@strict
def coordinates(
    X: Floats,
    codes: Codes,
    exponents: NDArray[np.int64],
    rows_of_dense: NDArray[np.int64],
    rows_of_categories: NDArray[np.int64],
    W: Floats,
    projections: Floats,
    out: Floats,
) -> None:
    """Set out (n, p) to Wᵀz less the projections of the row's eliminated levels, for each row z.

    X                    (n, K) the columns that are no indicators
    codes                (n, categories); of those eliminated, which come last, levels among L
    exponents            (K + 2,) the powers of two that [1 X y] are divided by
    rows_of_dense        (K + 1,) the rows of W that belong to [1 X]
    rows_of_categories   (others,) the rows of W that the other categories begin with
    W                    (2, columns, p) of the columns not eliminated, for indicators of 1
    projections          (2, L, p) of the eliminated levels
    """
    factors, rests = _scales(exponents)
    hi, lo = np.empty(W.shape[2]), np.empty(W.shape[2])
    for i in range(len(X)):
        _project_row(
            X[i],
            codes[i],
            factors,
            rests,
            rows_of_dense,
            rows_of_categories,
            W,
            projections,
            hi,
            lo,
        )
        for j in range(len(hi)):
            out[i, j] = hi[j] + lo[j]


@strict
def _scales(exponents: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return 2^-exponents as two factors each, since they may be out of range."""
    halves = exponents // 2
    return np.ldexp(1.0, -halves), np.ldexp(1.0, halves - exponents)


@strict
def _project_row(
    x: Floats,
    codes: Codes,
    factors: Floats,
    rests: Floats,
    rows_of_dense: NDArray[np.int64],
    rows_of_categories: NDArray[np.int64],
    W: Floats,
    projections: Floats,
    hi: Floats,
    lo: Floats,
) -> None:
    """Set hi + lo (p,) to the coordinates of a row."""
    hi[:] = 0.0
    lo[:] = 0.0
    for j in range(len(rows_of_dense)):
        value = (1.0 if j == 0 else x[j - 1]) * factors[j] * rests[j]
        row = rows_of_dense[j]
        axpy(hi, lo, W[0, row], W[1, row], value, 0.0)
    num_others = len(rows_of_categories)
    for category in range(len(codes)):
        code = codes[category]
        if code >= 0 and category < num_others:
            row = rows_of_categories[category] + code
            axpy(hi, lo, W[0, row], W[1, row], 1.0, 0.0)
        elif code >= 0:
            axpy(hi, lo, projections[0, code], projections[1, code], -1.0, 0.0)
