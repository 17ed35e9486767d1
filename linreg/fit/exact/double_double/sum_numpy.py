"""Sums of products in double-double arithmetic for small tables: numpy, the bits of the kernels.

The arithmetic is explained in `sum_kernels`. The kernels are 40 to 80 times as fast, but a process
that needs none otherwise pays for them first. Measured on an AMD EPYC (Zen 3): importing numba and
loading cached kernels takes 0.7 s of CPU time in `train` and again in `evaluate`, compiling them
2.8 s, as after every change of linreg's code. numpy adds up the moments of the default pipeline,
7000 rows with 2 features, in 0.006 s; robust errors take it 0.03 s.
"""

import numpy as np

from linreg.arrays import Floats

LANES = 32
"""Independent sums, taken in turn by the rows; measured best of 8 to 64 with 256-bit registers."""
TILE = 2048
"""Rows processed at a time, so that they stay in a cache; measured best of 256 to 2048."""
ROWS_PER_FLUSH = 8192
"""Rows after which the lanes are flushed into the totals.

A lane then holds 256 of them, so that its `lo` has collected little error.
"""
MAX_PRODUCTS = 1_000_000
"""Products of two columns, over all rows, up to which numpy is faster than importing numba."""

SMALLEST, LARGEST = 2.0**-900, 2.0**990
"""Between them the rounding error of a product is a float64, and is found without overflow."""


def numpy_is_faster(num_rows: int, num_columns: int) -> bool:
    """Tell whether to use numpy, for all the rows that a process adds up, with columns of Z."""
    return num_rows * num_columns * (num_columns + 1) // 2 <= MAX_PRODUCTS


def product_error(a: Floats, b: Floats, p: Floats) -> Floats:
    """Return a·b − p for p = fl(a·b), exactly: Dekker's product, as in the kernels."""
    a1, a2 = _split(a)
    b1, b2 = _split(b)
    return ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2


def _split(x: Floats) -> tuple[Floats, Floats]:
    """Return x as the sum of two numbers of 26 bits each (Veltkamp's splitting)."""
    c = x * (2.0**27 + 1)
    high = c - (c - x)
    return high, x - high


def add_to_total(total: Floats, value: Floats) -> None:
    """Add values (pairs,) to totals (pairs, 3), like the kernel of the same name."""
    for i in range(2):
        s = total[:, i] + value
        z = s - total[:, i]
        value = (total[:, i] - (s - z)) + (value - z)
        total[:, i] = s
    total[:, 2] += value


def two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return s = fl(a + b) and its rounding error, exactly (D. Knuth)."""
    s = a + b
    z = s - a
    return s, (a - (s - z)) + (b - z)


def normalized(total: Floats) -> Floats:
    """Return totals (pairs, 3) such that each part is the sum of it and those after it, rounded."""
    middle, low = two_sum(total[:, 1], total[:, 2])
    high, middle = two_sum(total[:, 0], middle)
    middle, low = two_sum(middle, low)
    high, middle = two_sum(high, middle)
    middle, low = two_sum(middle, low)
    return np.stack([high, middle, low], axis=1)


def flush_lanes(lanes: Floats, total: Floats, of_fold: Floats) -> None:
    """Move the sums of the lanes (pairs, 2, LANES) into totals, like the kernel of this name."""
    for part in range(2):
        for lane in range(LANES):
            add_to_total(total, lanes[:, part, lane])
            if len(of_fold):
                add_to_total(of_fold, lanes[:, part, lane])
    lanes[:] = 0.0


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
    """Add Zᵀ diag(w) Z of some rows to lanes and totals, like the kernel of the same name."""
    start = 0
    while start < len(y):
        first = position % LANES
        count = min(TILE - first, len(y) - start, ROWS_PER_FLUSH - position % ROWS_PER_FLUSH)
        rows = slice(start, start + count)
        _add_tile(X[rows], y[rows], w[rows], factors, first, lanes)
        start += count
        position += count
        if position % ROWS_PER_FLUSH == 0:
            flush_lanes(lanes, total, of_fold)


def _add_tile(X: Floats, y: Floats, w: Floats, factors: Floats, first: int, lanes: Floats) -> None:
    """Add the products of all pairs of columns of a tile, whose first row goes to lane `first`."""
    count = len(y)
    num_columns = X.shape[1] + 2
    # Rows before the first and after the last are 0, so that the tile has whole rounds of lanes.
    tile = np.zeros((num_columns, -(-(first + count) // LANES) * LANES))
    filled = tile[:, first : first + count]
    filled[0] = 1.0
    filled[1:-1] = X.T * factors[1:-2, None]
    filled[-1] = y * factors[-2]
    left, left_lo = tile, np.zeros_like(tile)
    if len(w):
        weights = np.zeros(tile.shape[1])
        weights[first : first + count] = w * factors[-1]
        left = tile * weights
        left_lo = product_error(tile, weights, left)
    i, j = np.triu_indices(num_columns - 1)
    i, j = i + 1, j + 1
    products = left[i] * tile[j]
    errors = product_error(left[i], tile[j], products) + left_lo[i] * tile[j]
    # The products with the column of ones come first; without weights its own sum, the number of
    # rows, is left to the caller.
    begin = 0 if len(w) else 1
    _add(
        np.concatenate([left, products])[begin:],
        np.concatenate([left_lo, errors])[begin:],
        lanes[begin:, 0],
        lanes[begin:, 1],
    )


def _add(p: Floats, e: Floats, hi: Floats, lo: Floats) -> None:
    """Add p + e (pairs, rows) to the lanes hi + lo (pairs, LANES)."""
    for step in range(0, p.shape[1], LANES):
        value = p[:, step : step + LANES]
        s = hi + value
        z = s - hi
        lo += ((hi - (s - z)) + (value - z)) + e[:, step : step + LANES]
        hi[:] = s


def axpy(
    hi: Floats, lo: Floats, x: Floats, high: float, low: float, x_lo: Floats | float = 0.0
) -> None:
    """Add (x + x_lo)·(high + low) to hi + lo (n,), like the kernel of the same name."""
    p = x * high
    e = product_error(x, np.full_like(x, high), p) + (x * low + x_lo * high)
    s = hi + p
    z = s - hi
    lo += ((hi - (s - z)) + (p - z)) + e
    hi[:] = s


def multiply(high: Floats, low: Floats, factor: Floats, out: Floats, out_low: Floats) -> None:
    """Set out + out_low to (high + low)·factor, all (n,), like the kernel of the same name."""
    p = high * factor
    e = product_error(high, factor, p) + low * factor
    largest = np.maximum(np.maximum(np.abs(high), np.abs(factor)), np.abs(p))
    e[~((np.abs(p) > SMALLEST) & (largest < LARGEST))] = 0.0
    out[:] = p + e
    out_low[:] = e - (out - p)


def add_double_doubles(total: Floats, added: Floats) -> None:
    """Add numbers in double-double (…, 2), high and low, to totals of the same shape.

    The rounding error of the sum of the high parts goes into the low part (D. Knuth's two-sum).
    """
    high, added_high = total[..., 0], added[..., 0]
    s = high + added_high
    z = s - high
    total[..., 1] += (high - (s - z)) + (added_high - z) + added[..., 1]
    total[..., 0] = s


def sums_of_squares(W: Floats) -> Floats:
    """Return Σⱼ wᵢⱼ² of each row of W (2, p, p), in double-double, high and low: (2, p)."""
    hi, lo = np.zeros(W.shape[1]), np.zeros(W.shape[1])
    for w, w_lo in zip(W[0].T, W[1].T, strict=True):
        square = w * w
        s, error = two_sum(hi, square)
        lo += error + (product_error(w, w, square) + 2 * w * w_lo)
        hi = s
    return np.stack(two_sum(hi, lo))
