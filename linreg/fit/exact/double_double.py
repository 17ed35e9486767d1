"""Sums of products at twice the precision of float64, the same bits on every CPU.

A product is p + e with p = fl(a·b) and e its rounding error, a sum is s + t likewise; both are
exact. So the sum of a lane of rows is a pair of float64, (hi, lo) with hi = Σ p as rounded and lo =
Σ (e + t): twice the 53 bits of float64 (T. Ogita, S. Rump, S. Oishi, Accurate sum and dot product,
SIAM J. Sci. Comput. 26, 2005: Dot2).

Every operation here is one that IEEE 754 rounds correctly, in an order that is fixed by the rows'
positions. Rows go round LANES independent sums, which lets the compiler use vector registers
without reordering anything.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import types
from numba.extending import intrinsic

from linreg.arrays import Floats
from linreg.fit.exact.double_double_numpy import BLOCK, LANES, TILE
from linreg.fit.kernels import strict


def frozen(array: Floats) -> Floats:
    """Return a read-only view: numba compiles one kernel for arrays that are read-only, another for
    the rest.
    """
    view = array.view()
    view.flags.writeable = False
    return view


def _product_error(typing: Any, a: Any, b: Any, p: Any) -> Any:  # noqa: ARG001 (numba passes types)
    """Return a·b − p for p = fl(a·b), exactly: by a fused multiply-add where the CPU has one, else
    Dekker's way.

    Both give the same bits unless a or b is above 2^996 or p is below 2^-960.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        a, b, p = arguments
        _, _, features = context.codegen().magic_tuple()
        if "+fma" in features.split(","):
            return builder.fma(a, b, builder.fneg(p))
        return _dekker(builder, a, b, p)

    return types.float64(types.float64, types.float64, types.float64), generate


def _dekker(builder: Any, a: Any, b: Any, p: Any) -> Any:
    """((a₁b₁ − p) + a₁b₂ + a₂b₁) + a₂b₂ with a = a₁ + a₂ of 26 bits each (T. Dekker, Numer. Math.
    18, 1971).
    """

    def halves(x: Any) -> tuple[Any, Any]:
        c = builder.fmul(x, x.type(2.0**27 + 1))
        high = builder.fsub(c, builder.fsub(c, x))
        return high, builder.fsub(x, high)

    (a1, a2), (b1, b2) = halves(a), halves(b)
    error = builder.fsub(builder.fmul(a1, b1), p)
    error = builder.fadd(error, builder.fmul(a1, b2))
    error = builder.fadd(error, builder.fmul(a2, b1))
    return builder.fadd(error, builder.fmul(a2, b2))


product_error = cast("Callable[[float, float, float], float]", intrinsic(_product_error))


@strict
def add_products(a: Floats, b: Floats, hi: Floats, lo: Floats) -> None:
    """Add Σ aᵢbᵢ to the lanes; a and b hold a multiple of LANES rows."""
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
    """Add Σ (aᵢ + a_loᵢ)bᵢ, where a + a_lo is a weighted column in double-double."""
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
    """Add Σ (aᵢ + a_loᵢ)."""
    for first in range(0, len(a), LANES):
        for lane in range(LANES):
            s = hi[lane] + a[first + lane]
            z = s - hi[lane]
            lo[lane] += ((hi[lane] - (s - z)) + (a[first + lane] - z)) + a_lo[first + lane]
            hi[lane] = s


@strict
def add_multiple(hi: Floats, lo: Floats, x: Floats, x_lo: Floats, high: float, low: float) -> None:
    """Add (x + x_lo)·(high + low) to hi + lo, element by element; hi + lo is left unrounded, as in
    the lanes.
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
    """Add a value to three float64 whose exact sum is the total: the error of a sum goes into the
    next one.

    With rounding errors of 2^-159 (SumK of Ogita, Rump and Oishi with K = 3) the order of merging
    does not show.
    """
    for i in range(2):
        s = total[i] + value
        z = s - total[i]
        value = (total[i] - (s - z)) + (value - z)
        total[i] = s
    total[2] += value


@strict
def empty_lanes(lanes: Floats, total: Floats) -> None:
    """Move the lanes (pairs, 2, LANES) into the totals (pairs, 3)."""
    for pair in range(len(lanes)):
        for part in range(2):
            for lane in range(LANES):
                add_to_total(total[pair], lanes[pair, part, lane])
                lanes[pair, part, lane] = 0.0


@strict
def add_rows(
    X: Floats, y: Floats, w: Floats, factors: Floats, position: int, lanes: Floats, total: Floats
) -> None:
    """Add the rows' Zᵀ diag(w) Z, Z = [1 X y], to lanes (pairs, 2, LANES) and totals (pairs, 3).

    w is empty for rows without weights. factors (M + 3,) are powers of two that the columns of Z
    and w are multiplied by. position is the number of rows before these: it decides the lane of a
    row, so that rows may come in windows of any length. Pairs are (0, 0), (0, 1), … (0, M + 1), (1,
    1), …; without weights (0, 0), the number of rows, is left out.
    """
    num_rows, num_columns = len(y), X.shape[1] + 2
    weighted = len(w) > 0
    tile = np.zeros((num_columns, TILE))
    left = np.zeros((num_columns, TILE)) if weighted else tile
    left_lo = np.zeros((num_columns if weighted else 1, TILE))
    start = 0
    while start < num_rows:
        first = position % LANES
        last = first + min(TILE - first, num_rows - start, BLOCK - position % BLOCK)
        whole = -(-last // LANES) * LANES
        for j in range(num_columns):
            column = tile[j]
            column[:first] = 0.0
            column[last:whole] = 0.0
            if j == 0:
                column[first:last] = 1.0
            else:
                source = y if j == num_columns - 1 else X[:, j - 1]
                for i in range(first, last):
                    column[i] = source[start + i - first] * factors[j]
            if weighted:
                left[j, :first] = 0.0
                left[j, last:whole] = 0.0
                left_lo[j, :whole] = 0.0
                for i in range(first, last):
                    weight = w[start + i - first] * factors[num_columns]
                    left[j, i] = column[i] * weight
                    left_lo[j, i] = product_error(column[i], weight, left[j, i])
        _add_tile(tile, left, left_lo, whole, weighted, lanes)
        start += last - first
        position += last - first
        if position % BLOCK == 0:
            empty_lanes(lanes, total)


@strict
def _add_tile(
    tile: Floats, left: Floats, left_lo: Floats, rows: int, weighted: bool, lanes: Floats
) -> None:
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
