"""Sums of products in double-double arithmetic, twice the precision of float64, in kernels.

A product is p + e with p = fl(a·b) and e its rounding error; a sum is s + t likewise; both are
exact. So a sum of products is kept as a pair of float64, (hi, lo), with hi = Σ p as rounded and
lo = Σ (e + t): twice the 53 bits of float64 (T. Ogita, S. Rump, S. Oishi, Accurate sum and dot
product, SIAM J. Sci. Comput. 26, 2005: Dot2).

The bits are the same on every CPU: every operation is one that IEEE 754 rounds correctly, in an
order that the positions of the rows fix. Rows take turns in LANES independent sums, which lets the
compiler use vector registers without reordering anything.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import types
from numba.extending import intrinsic

from linreg.arrays import Floats
from linreg.fit.exact.double_double.sum_numpy import LANES, ROWS_PER_FLUSH, TILE
from linreg.fit.kernels import strict

COLUMNS_PER_BLOCK = 16
"""Of a tile, in two blocks of which all pairs are taken before the next: 512 KB."""


def _product_error(typing: Any, a: Any, b: Any, p: Any) -> Any:  # noqa: ARG001 (numba passes types)
    """Return a·b − p for p = fl(a·b), exactly.

    By a fused multiply-add where the CPU has one, else by Dekker's product. Both give the same bits
    unless a or b is above 2^996 or p is below 2^-960.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        a, b, p = arguments
        _, _, features = context.codegen().magic_tuple()
        if "+fma" in features.split(","):
            return builder.fma(a, b, builder.fneg(p))
        return _dekker(builder, a, b, p)

    return types.float64(types.float64, types.float64, types.float64), generate


def _dekker(builder: Any, a: Any, b: Any, p: Any) -> Any:
    """Return ((a₁b₁ − p) + a₁b₂ + a₂b₁) + a₂b₂ with a = a₁ + a₂ of 26 bits each, b likewise.

    T. Dekker, A floating-point technique for extending the available precision, Numer. Math. 18,
    1971.
    """

    def split(x: Any) -> tuple[Any, Any]:
        c = builder.fmul(x, x.type(2.0**27 + 1))
        high = builder.fsub(c, builder.fsub(c, x))
        return high, builder.fsub(x, high)

    a1, a2 = split(a)
    b1, b2 = split(b)
    error = builder.fsub(builder.fmul(a1, b1), p)
    error = builder.fadd(error, builder.fmul(a1, b2))
    error = builder.fadd(error, builder.fmul(a2, b1))
    return builder.fadd(error, builder.fmul(a2, b2))


product_error = cast("Callable[[float, float, float], float]", intrinsic(_product_error))


@strict
def add_products(a: Floats, b: Floats, hi: Floats, lo: Floats) -> None:
    """Add Σ aᵢbᵢ to the lanes hi + lo; a and b hold a multiple of LANES rows."""
    for first in range(0, len(a), LANES):
        for lane in range(LANES):
            p = a[first + lane] * b[first + lane]
            e = product_error(a[first + lane], b[first + lane], p)
            s = hi[lane] + p
            z = s - hi[lane]
            lo[lane] += ((hi[lane] - (s - z)) + (p - z)) + e
            hi[lane] = s


@strict
def add_weighted_products(a: Floats, a_lo: Floats, b: Floats, hi: Floats, lo: Floats) -> None:
    """Add Σ (aᵢ + a_loᵢ)bᵢ to the lanes, where a + a_lo is a weighted column in double-double."""
    for first in range(0, len(a), LANES):
        for lane in range(LANES):
            p = a[first + lane] * b[first + lane]
            e = (
                product_error(a[first + lane], b[first + lane], p)
                + a_lo[first + lane] * b[first + lane]
            )
            s = hi[lane] + p
            z = s - hi[lane]
            lo[lane] += ((hi[lane] - (s - z)) + (p - z)) + e
            hi[lane] = s


@strict
def add_values(a: Floats, a_lo: Floats, hi: Floats, lo: Floats) -> None:
    """Add Σ (aᵢ + a_loᵢ) to the lanes."""
    for first in range(0, len(a), LANES):
        for lane in range(LANES):
            s = hi[lane] + a[first + lane]
            z = s - hi[lane]
            lo[lane] += ((hi[lane] - (s - z)) + (a[first + lane] - z)) + a_lo[first + lane]
            hi[lane] = s


@strict
def axpy(hi: Floats, lo: Floats, x: Floats, x_lo: Floats, high: float, low: float) -> None:
    """Add (x + x_lo)·(high + low) to hi + lo: the axpy of BLAS in double-double.

    All arrays are (n,). hi + lo is left unnormalized, as in the lanes.
    """
    for i in range(len(x)):
        p = x[i] * high
        e = product_error(x[i], high, p) + (x[i] * low + x_lo[i] * high)
        s = hi[i] + p
        z = s - hi[i]
        lo[i] += ((hi[i] - (s - z)) + (p - z)) + e
        hi[i] = s


@strict
def add_to_total(total: Floats, value: float) -> None:
    """Add a value to a total, which is the exact sum of three float64.

    The rounding error of one goes into the next: SumK of Ogita, Rump and Oishi with K = 3. Its
    errors of 2^-159 are so small that the order of merging does not show.
    """
    for i in range(2):
        s = total[i] + value
        z = s - total[i]
        value = (total[i] - (s - z)) + (value - z)
        total[i] = s
    total[2] += value


@strict
def flush_lanes(lanes: Floats, total: Floats, of_fold: Floats) -> None:
    """Move the sums of the lanes (pairs, 2, LANES) into totals (pairs, 3), and those of a fold.

    of_fold  (pairs, 3), or (0, 3) for none
    """
    for pair in range(len(lanes)):
        for part in range(2):
            for lane in range(LANES):
                add_to_total(total[pair], lanes[pair, part, lane])
                if len(of_fold):
                    add_to_total(of_fold[pair], lanes[pair, part, lane])
                lanes[pair, part, lane] = 0.0


@strict
def add_rows(
    X: Floats,
    y: Floats,
    w: Floats,
    factors: Floats,
    position: int,
    lanes: Floats,
    total: Floats,
    of_fold: Floats,
) -> None:
    """Add the rows' Zᵀ diag(w) Z, Z = [1 X y], to lanes (pairs, 2, LANES) and totals (pairs, 3).

    w         (n,) or empty for rows without weights
    factors   (M + 3,) the powers of two that the columns of Z and w are multiplied by
    position  the number of rows before these, which decides the lane of each row, so that chunks
              may have any length
    of_fold   (pairs, 3) the totals of a fold, to which all rows of the lanes belong that are
              flushed here; (0, 3) for none

    Pairs of columns are in the order (0, 0), (0, 1), … (0, M + 1), (1, 1), …; without weights
    (0, 0), the number of rows, is left out.
    """
    num_columns = X.shape[1] + 2
    weighted = len(w) > 0
    tile = np.zeros((num_columns, TILE))
    left = np.zeros((num_columns, TILE)) if weighted else tile
    left_lo = np.zeros((num_columns if weighted else 1, TILE))
    start = 0
    while start < len(y):
        first = position % LANES
        until_flush = ROWS_PER_FLUSH - position % ROWS_PER_FLUSH
        count = min(TILE - first, len(y) - start, until_flush)
        # The tile has whole rounds of lanes: rows before the first and after the last are 0.
        whole = -(-(first + count) // LANES) * LANES
        rows = slice(start, start + count)
        _fill_tile(X[rows], y[rows], factors, first, whole, tile)
        if weighted:
            _weight_tile(w[rows], factors[num_columns], first, whole, tile, left, left_lo)
        _add_tile(tile, left, left_lo, whole, weighted, lanes)
        start += count
        position += count
        if position % ROWS_PER_FLUSH == 0:
            flush_lanes(lanes, total, of_fold)


@strict
def _fill_tile(X: Floats, y: Floats, factors: Floats, first: int, whole: int, tile: Floats) -> None:
    """Set rows first, first + 1, … of a tile (columns, TILE) to Z times its factors."""
    num_columns, last = len(tile), first + len(y)
    for j in range(num_columns):
        column = tile[j]
        column[:first] = 0.0
        column[last:whole] = 0.0
        if j == 0:
            column[first:last] = 1.0
        else:
            source = y if j == num_columns - 1 else X[:, j - 1]
            for i in range(len(y)):
                column[first + i] = source[i] * factors[j]


@strict
def _weight_tile(
    w: Floats, factor: float, first: int, whole: int, tile: Floats, left: Floats, left_lo: Floats
) -> None:
    """Set left + left_lo to the columns of a tile times the weights, in double-double."""
    last = first + len(w)
    for j in range(len(tile)):
        left[j, :first] = 0.0
        left[j, last:whole] = 0.0
        left_lo[j, :whole] = 0.0
        for i in range(len(w)):
            at = first + i
            weight = w[i] * factor
            left[j, at] = tile[j, at] * weight
            left_lo[j, at] = product_error(tile[j, at], weight, left[j, at])


@strict
def _add_tile(
    tile: Floats, left: Floats, left_lo: Floats, rows: int, weighted: bool, lanes: Floats
) -> None:
    """Add the products of all pairs of columns of a tile to the lanes."""
    num_columns = len(tile)
    if weighted:
        add_values(left[0, :rows], left_lo[0, :rows], lanes[0, 0], lanes[0, 1])
    for j in range(1, num_columns):
        add_values(left[j, :rows], left_lo[j if weighted else 0, :rows], lanes[j, 0], lanes[j, 1])
    pair = num_columns
    for i in range(1, num_columns):
        for j in range(i, num_columns):
            hi, lo = lanes[pair, 0], lanes[pair, 1]
            if weighted:
                add_weighted_products(left[i, :rows], left_lo[i, :rows], tile[j, :rows], hi, lo)
            else:
                add_products(tile[i, :rows], tile[j, :rows], hi, lo)
            pair += 1


@strict
def add_tile_of_rows(
    X: Floats, y: Floats, w: Floats, factors: Floats, total: Floats, of_fold: Floats
) -> None:
    """Add Zᵀ diag(w) Z of up to TILE rows to totals (pairs, 3), for many columns.

    The lanes of a pair are its own for a tile only, so that they take no memory; arguments and
    pairs are those of `add_rows`. Pairs are taken by blocks of columns, which stay in a cache.
    """
    num_columns = X.shape[1] + 2
    weighted = len(w) > 0
    whole = -(-len(y) // LANES) * LANES
    tile = np.empty((num_columns, whole))
    left = np.empty((num_columns, whole)) if weighted else tile
    left_lo = np.zeros((num_columns if weighted else 1, whole))
    _fill_tile(X, y, factors, 0, whole, tile)
    if weighted:
        _weight_tile(w, factors[num_columns], 0, whole, tile, left, left_lo)
    lanes = np.zeros((1, 2, LANES))
    for first_i in range(0, num_columns, COLUMNS_PER_BLOCK):
        for first_j in range(first_i, num_columns, COLUMNS_PER_BLOCK):
            for i in range(first_i, min(first_i + COLUMNS_PER_BLOCK, num_columns)):
                pair = i * num_columns - i * (i + 1) // 2
                for j in range(max(i, first_j), min(first_j + COLUMNS_PER_BLOCK, num_columns)):
                    hi, lo = lanes[0, 0], lanes[0, 1]
                    if i == 0:
                        if weighted or j > 0:
                            add_values(left[j], left_lo[j if weighted else 0], hi, lo)
                    elif weighted:
                        add_weighted_products(left[i], left_lo[i], tile[j], hi, lo)
                    else:
                        add_products(tile[i], tile[j], hi, lo)
                    at = slice(pair + j, pair + j + 1)
                    flush_lanes(lanes, total[at], of_fold[at])
