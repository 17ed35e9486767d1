"""The gradient of a batch: Σ r z over its rows z = [c X y], with the residuals r = z·(b, θ, −1).

Few columns: LANES rows are transposed into a tile and processed at a time. Many columns: LANES of
a row are. Either way a row is fetched from memory once, for both its residual and its share of the
sums. Every sum has a fixed order, so the bits are the same on every CPU, and however the rows are
cut into chunks.
"""

import numpy as np

from linreg.arrays import Floats
from linreg.fit.compiled.augmented_rows import Augmented, RowIndices
from linreg.fit.compiled.lanes import (
    GROUP,
    LANES,
    add_product,
    load,
    load_first,
    prefetch_lanes,
    prefetch_number,
    same,
    store,
    transpose,
    tree_sum,
)
from linreg.fit.kernels import PREFETCH_DISTANCE, inlined, prefetch

MOST_COLUMN_MAJOR = 24
"""The most columns with which rows are transposed; another number changes the bits."""


def empty_sums(num_columns: int) -> tuple[Floats, Floats]:
    """Return sums of zeros, and a tile of zeros for rows that wait until there are LANES of them.

    Both are (columns, LANES) for few columns. For many, the sums are (1, columns), padded to a
    multiple of LANES, and no row waits: the tile is (0, LANES).
    """
    if num_columns <= MOST_COLUMN_MAJOR:
        return np.zeros((num_columns, LANES)), np.zeros((num_columns, LANES))
    return np.zeros((1, -(-num_columns // LANES) * LANES)), np.zeros((0, LANES))


@inlined
def factors_of(parameters: Floats) -> Floats:
    """Return (b, θ, −1) as (1, M + 2), padded with zeros to a multiple of LANES."""
    num_parameters = len(parameters)
    factors = np.zeros((1, num_parameters // LANES * LANES + LANES))
    factors[0, :num_parameters] = parameters
    factors[0, num_parameters] = -1.0
    return factors


@inlined
def add_rows(
    Z: Augmented,
    indices: RowIndices,
    first: int,
    stop: int,
    num_before: int,
    factors: Floats,
    sums: Floats,
    tile: Floats,
) -> None:
    """Add rows of a chunk to the sums.

    Z           (n, M + 2) the rows of the chunk; those of indices[first:stop] are added
    num_before  the number of rows in the sums and the tile
    factors     of `factors_of`; sums, tile of `empty_sums`
    """
    if len(tile):
        _add_by_columns(Z, indices, first, stop, num_before % LANES, factors, sums, tile)
    else:
        _add_by_rows(Z, indices, first, stop, factors, sums)


@inlined
def move_sums(num_rows: int, factors: Floats, sums: Floats, tile: Floats, gradient: Floats) -> None:
    """Add the sums of `num_rows` rows to the gradient (M + 1,), and clear them."""
    if len(tile):
        waiting = num_rows % LANES
        if waiting:
            tile[:, waiting:] = 0.0
            _add_tile(tile, factors, sums)
        for j in range(len(gradient)):
            gradient[j] += tree_sum(load(sums, j, 0))
            store(same(0.0), sums, j, 0)
    else:
        for j in range(len(gradient)):
            gradient[j] += sums[0, j]
        for j in range(0, sums.shape[1], LANES):
            store(same(0.0), sums, 0, j)


@inlined
def _add_by_columns(
    Z: Augmented,
    indices: RowIndices,
    first: int,
    stop: int,
    lane: int,
    factors: Floats,
    sums: Floats,
    tile: Floats,
) -> None:
    num_columns = Z.shape[1]
    final = len(indices) - 1
    i = first
    while i < stop:
        if lane % GROUP == 0 and i + GROUP <= stop and num_columns >= GROUP:
            for row in range(i, i + GROUP):
                prefetch(Z, indices[min(row + PREFETCH_DISTANCE, final)])
            a, b, c, d = indices[i], indices[i + 1], indices[i + 2], indices[i + 3]
            for j in range(0, num_columns - GROUP + 1, GROUP):
                transpose(Z, a, b, c, d, j, tile, lane)
            if num_columns % GROUP:
                # The last ones, some of them for the second time.
                transpose(Z, a, b, c, d, num_columns - GROUP, tile, lane)
            i += GROUP
            lane += GROUP
        else:
            prefetch(Z, indices[min(i + PREFETCH_DISTANCE, final)])
            for j in range(num_columns):
                tile[j, lane] = Z[indices[i], j]
            i += 1
            lane += 1
        if lane == LANES:
            _add_tile(tile, factors, sums)
            lane = 0


@inlined
def _add_tile(tile: Floats, factors: Floats, sums: Floats) -> None:
    """Add the rows of a tile to the sums."""
    last = len(tile) - 1
    residuals = add_product(same(0.0), same(factors[0, last]), load(tile, last, 0))
    for j in range(last):
        residuals = add_product(residuals, same(factors[0, j]), load(tile, j, 0))
    for j in range(last):
        store(add_product(load(sums, j, 0), residuals, load(tile, j, 0)), sums, j, 0)


@inlined
def _add_by_rows(
    Z: Augmented, indices: RowIndices, first: int, stop: int, factors: Floats, sums: Floats
) -> None:
    num_columns = Z.shape[1]
    rest = num_columns % LANES
    whole = num_columns - rest
    final = len(indices) - 1
    for i in range(first, stop, 2):
        # Two rows at a time share what is loaded and stored of factors and sums; the registers hold
        # no more. Behind an odd number of rows comes the last one again, without being added.
        pair = i + 1 < stop
        a, b = indices[i], indices[i + pair]
        ahead = indices[min(i + PREFETCH_DISTANCE, final)]
        lanes_a = lanes_b = same(0.0)
        for j in range(0, whole, LANES):
            prefetch_lanes(Z, ahead, j)
            factor = load(factors, 0, j)
            lanes_a = add_product(lanes_a, factor, load(Z, a, j))
            lanes_b = add_product(lanes_b, factor, load(Z, b, j))
        if rest:
            factor = load(factors, 0, whole)
            lanes_a = add_product(lanes_a, factor, load_first(Z, a, whole, rest))
            lanes_b = add_product(lanes_b, factor, load_first(Z, b, whole, rest))
        _prefetch_rest(Z, ahead, whole)
        residual_a, residual_b = same(tree_sum(lanes_a)), same(tree_sum(lanes_b))
        ahead = indices[min(i + 1 + PREFETCH_DISTANCE, final)]
        for j in range(0, whole, LANES):
            prefetch_lanes(Z, ahead, j)
            total = add_product(load(sums, 0, j), residual_a, load(Z, a, j))
            if pair:
                total = add_product(total, residual_b, load(Z, b, j))
            store(total, sums, 0, j)
        if rest:
            total = add_product(load(sums, 0, whole), residual_a, load_first(Z, a, whole, rest))
            if pair:
                total = add_product(total, residual_b, load_first(Z, b, whole, rest))
            store(total, sums, 0, whole)
        _prefetch_rest(Z, ahead, whole)


@inlined
def _prefetch_rest(Z: Augmented, row: int, first: int) -> None:
    """Prefetch fewer than LANES columns at the end of a row: at most three cache lines."""
    last = Z.shape[1] - 1
    prefetch_number(Z, row, first)
    prefetch_number(Z, row, (first + last) // 2)
    prefetch_number(Z, row, last)
