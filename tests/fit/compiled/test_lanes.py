from typing import Any

import numpy as np
import pytest
from numba import njit

from linreg.fit.compiled.lanes import (
    GROUP,
    LANES,
    add_product,
    load,
    load_first,
    same,
    store,
    transpose,
    tree_sum,
)

DTYPES = [np.float32, np.float64]


def matrix(dtype: Any = np.float64, num_rows: int = 5, num_columns: int = 37) -> Any:
    rng = np.random.default_rng(1)
    return rng.normal(size=(num_rows, num_columns)).astype(dtype)


@njit
def copied(Z: Any, row: int, column: int, out: Any, at: int) -> None:
    store(load(Z, row, column), out, 1, at)


@njit
def first_copied(Z: Any, row: int, column: int, count: int, out: Any) -> None:
    store(load_first(Z, row, column, count), out, 0, 0)


@njit
def sums(a: Any, b: Any, c: Any, out: Any) -> None:
    store(add_product(load(a, 0, 0), load(b, 0, 0), load(c, 0, 0)), out, 0, 0)


@njit
def products(a: Any, factor: float, out: Any) -> None:
    store(add_product(same(0.0), same(factor), load(a, 0, 0)), out, 0, 0)


@njit
def summed(a: Any) -> float:
    return tree_sum(load(a, 0, 0))


@njit
def transposed(Z: Any, rows: Any, column: int, tile: Any, lane: int) -> None:
    transpose(Z, rows[0], rows[1], rows[2], rows[3], column, tile, lane)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("row", "column"), [(0, 0), (2, 1), (4, 37 - LANES)])
def test_lanes_are_loaded_as_float64_and_stored_where_they_are_told(
    dtype: Any, row: int, column: int
) -> None:
    Z, out = matrix(dtype), np.zeros((3, 40))
    copied(Z, row, column, out, 7)
    expected = np.zeros((3, 40))
    expected[1, 7 : 7 + LANES] = Z[row, column : column + LANES]
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", range(1, LANES + 1))
def test_the_lanes_behind_the_first_ones_are_zero_whatever_is_in_memory(
    dtype: Any, count: int
) -> None:
    Z, out = matrix(dtype), np.ones((1, LANES))
    Z[2, 20 + count :] = np.nan
    Z[3] = np.inf
    first_copied(Z, 2, 20, count, out)
    assert out[0].tolist() == [*Z[2, 20 : 20 + count], *[0.0] * (LANES - count)]


def test_a_product_is_rounded_before_it_is_added() -> None:
    # (1 + ε)(1 − ε) − 1 is −ε² if the product is exact, and 0 if it is rounded.
    a, b, c = (np.full((1, LANES), each) for each in (-1.0, 1 + 2**-52, 1 - 2**-52))
    sums(a, b, c, a)
    assert (a == 0).all()


def test_products_are_added_lane_by_lane() -> None:
    a, b, c, out = *(matrix(num_rows=3)[[row], :LANES] for row in range(3)), np.zeros((1, LANES))
    sums(*(np.ascontiguousarray(each) for each in (a, b, c)), out)
    np.testing.assert_array_equal(out, a + b * c)
    products(np.ascontiguousarray(a), -0.3, out)
    np.testing.assert_array_equal(out, -0.3 * a)


def test_lanes_are_added_pairwise_as_a_tree() -> None:
    values = matrix()[:1, :LANES] * 10.0 ** np.arange(LANES)
    expected = values[0]
    while len(expected) > 1:
        half = len(expected) // 2
        expected = expected[:half] + expected[half:]
    assert summed(np.ascontiguousarray(values)) == expected[0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("column", [0, 3, 37 - GROUP])
def test_four_rows_become_four_lanes_of_four_columns(dtype: Any, column: int) -> None:
    Z, tile = matrix(dtype), np.zeros((37, LANES))
    rows = np.array([4, 0, 3, 0])
    transposed(Z, rows, column, tile, 8)
    expected = np.zeros((37, LANES))
    expected[column : column + GROUP, 8 : 8 + GROUP] = Z[rows, column : column + GROUP].T
    np.testing.assert_array_equal(tile, expected)


def test_the_lanes_are_vectors_of_the_machine_code_and_no_product_is_fused() -> None:
    a = matrix()[:1, :LANES].copy()
    sums(a, a, a, a)
    (assembly,) = sums.inspect_asm().values()
    assert "mulpd" in assembly
    assert "addpd" in assembly
    assert "mulsd" not in assembly
    assert "fmadd" not in assembly
