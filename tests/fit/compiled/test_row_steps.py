from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linreg.fit.compiled.row_steps import (
    LANES,
    MOST_COLUMN_MAJOR,
    MOST_TILE_ROWS,
    empty_tile,
    take_steps,
)

Floats = NDArray[np.float64]
MOMENTUM = 0.9
BY_COLUMNS, BY_ROWS = MOST_COLUMN_MAJOR, MOST_COLUMN_MAJOR + 1
COLUMNS = [2, 4, BY_COLUMNS, BY_ROWS, 40]


def rows_of(num_rows: int, num_columns: int) -> Floats:
    """Rows [1 x1 … xM y]."""
    rng = np.random.default_rng(num_rows + num_columns)
    Z = rng.normal(size=(num_rows, num_columns))
    Z[:, 0] = 1.0
    return Z


def start(num_columns: int) -> tuple[Floats, Floats]:
    """The state before the first step, and a penalty on all but b."""
    rng = np.random.default_rng(num_columns)
    penalty = np.full(num_columns - 1, 0.1)
    penalty[0] = 0.0
    return rng.normal(size=(3, num_columns - 1)), penalty


def expected(batches: Sequence[Floats], rates: Floats, num_averaged: int) -> Floats:
    """The state after a step for each batch."""
    state, penalty = start(batches[0].shape[1])
    (p, v, average), averaged = state, []
    for step, rows in enumerate(batches):
        residuals = rows[:, :-1] @ p - rows[:, -1]
        v = MOMENTUM * v + 2 * (rows[:, :-1].T @ residuals) / len(rows) + 2 * penalty * p
        p = p - rates[step] * v
        if num_averaged + step >= 0:
            averaged.append(p)
            average = np.mean(averaged, axis=0)
    return np.array([p, v, average])


def found(
    Z: Floats, pieces: Sequence[NDArray[np.int64]], batch_size: int, rates: Floats, *, ends: bool
) -> tuple[Floats, list[int], Floats]:
    """The state after the steps, how many each piece of the rows has led to, and what is left."""
    num_columns = Z.shape[1]
    state, penalty = start(num_columns)
    tile, left = empty_tile(batch_size, num_columns, np.float64), np.zeros(num_columns)
    taken: list[int] = []
    for number, indices in enumerate(pieces, start=1):
        done = sum(taken)
        steps, finite = take_steps(
            Z,
            indices,
            batch_size,
            ends and number == len(pieces),
            tile,
            left,
            state,
            rates[done:],
            MOMENTUM,
            penalty,
            done - 1,
        )
        assert finite
        taken.append(steps)
    return state, taken, left


@pytest.mark.parametrize("num_columns", COLUMNS)
@pytest.mark.parametrize(
    ("batch_size", "cuts"), [(1, [3]), (5, []), (5, [3, 4, 20]), (17, [17, 18]), (100, [40])]
)
def test_a_step_follows_each_batch_however_the_rows_are_cut(
    num_columns: int, batch_size: int, cuts: list[int]
) -> None:
    Z = rows_of(50, num_columns)
    order = np.random.default_rng(1).permutation(50)[:47]
    rates = np.linspace(0.02, 0.001, 47)
    batches = [Z[order[first : first + batch_size]] for first in range(0, 47, batch_size)]
    state, taken, left = found(Z, np.split(order, cuts), batch_size, rates, ends=True)
    assert sum(taken) == len(batches)
    assert not left.any()
    np.testing.assert_allclose(state, expected(batches, rates, -1), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("num_columns", COLUMNS)
def test_a_batch_that_is_not_complete_waits_for_its_other_rows(num_columns: int) -> None:
    Z, rates = rows_of(50, num_columns), np.full(9, 0.01)
    order = np.arange(50)
    state, taken, left = found(Z, [order[:23], order[23:24]], 10, rates, ends=False)
    assert (taken, left[-1]) == ([2, 0], 4)
    np.testing.assert_allclose(state, expected([Z[:10], Z[10:20]], rates, -1), rtol=1e-9)


@pytest.mark.parametrize("num_columns", [3, BY_ROWS])
def test_the_last_batch_ends_even_where_no_row_is_left_to_read(num_columns: int) -> None:
    Z, rates = rows_of(7, num_columns), np.full(9, 0.01)
    order = np.arange(7)
    state, taken, left = found(Z, [order, order[:0]], 10, rates, ends=True)
    assert (taken, bool(left.any())) == ([0, 1], False)
    np.testing.assert_allclose(state, expected([Z], rates, -1), rtol=1e-9)


@pytest.mark.parametrize("num_columns", [3, BY_ROWS])
@pytest.mark.parametrize("more", [0, 1, MOST_TILE_ROWS])
def test_a_batch_larger_than_the_tile_is_summed_in_several_fillings(
    num_columns: int, more: int
) -> None:
    batch_size = MOST_TILE_ROWS + more
    Z, rates = rows_of(batch_size + 9, num_columns), np.full(2, 0.01)
    order = np.arange(batch_size + 9)
    cut = MOST_TILE_ROWS if more else 100
    state, taken, left = found(Z, np.split(order, [cut, cut + 1]), batch_size, rates, ends=False)
    assert (sum(taken), left[-1]) == (1, 9)
    np.testing.assert_allclose(state, expected([Z[:batch_size]], rates, -1), rtol=1e-9)
    *_, left = found(Z, [order[: MOST_TILE_ROWS - 1]], batch_size, rates, ends=False)
    assert left.tolist() == [0.0] * (num_columns - 1) + [MOST_TILE_ROWS - 1]


@pytest.mark.parametrize("num_columns", [3, BY_ROWS])
def test_the_steps_end_with_the_one_that_is_not_finite(num_columns: int) -> None:
    Z = rows_of(40, num_columns)
    Z[15, -1] = np.inf
    state, penalty = start(num_columns)
    tile, left = empty_tile(10, num_columns, np.float64), np.zeros(num_columns)
    taken = take_steps(
        Z, np.arange(40), 10, True, tile, left, state, np.ones(4), MOMENTUM, penalty, 0
    )
    assert taken == (2, False)
    assert not np.isfinite(state[0]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_tile_of_few_columns_is_stored_by_columns_and_one_of_many_by_rows(dtype: Any) -> None:
    by_columns, by_rows = (empty_tile(100, each, dtype) for each in (BY_COLUMNS, BY_ROWS))
    assert (by_columns.shape, by_rows.shape) == ((24, 112 + 16), (100, 32))
    assert by_columns.dtype == by_rows.dtype == dtype
    assert not by_columns.any()
    assert not by_rows.any()


@pytest.mark.parametrize(("batch_size", "rows"), [(1, 1), (16, 16), (17, 17), (10**9, 4096)])
def test_a_tile_has_the_rows_of_a_batch_up_to_4096_in_multiples_of_the_lanes(
    batch_size: int, rows: int
) -> None:
    assert empty_tile(batch_size, BY_ROWS, np.float64).shape[0] == rows
    padded = -(-rows // 16) * 16
    assert empty_tile(batch_size, 2, np.float64).shape == (2, padded + 16)


def in_the_order_of_the_lanes(products: Floats) -> float:
    """The sum of products in 16 partial sums, which are added pairwise."""
    lanes = np.zeros(16)
    for each in np.pad(products, (0, -len(products) % 16)).reshape(-1, 16):
        lanes = lanes + each
    while len(lanes) > 1:
        lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
    return float(lanes[0])


def test_the_sums_of_few_columns_have_the_bits_of_one_order_of_the_rows() -> None:
    Z, state = rows_of(53, 4), start(4)[0]
    residuals = -Z[:, 3]
    for j in range(3):
        residuals = residuals + state[0, j] * Z[:, j]
    sums = np.array([in_the_order_of_the_lanes(residuals * Z[:, j]) for j in range(3)])
    assert_steps_by(Z, sums)


def test_the_sums_of_many_columns_have_the_bits_of_one_order_of_the_columns() -> None:
    Z, state = rows_of(53, 40), start(40)[0]
    parameters, sums = np.append(state[0], -1.0), np.zeros(40)
    for row in Z:
        sums = sums + in_the_order_of_the_lanes(parameters * row) * row
    assert_steps_by(Z, sums[:-1])


def assert_steps_by(Z: Floats, sums: Floats) -> None:
    """A step with all rows as the batch, without a penalty, has this sum of gradients."""
    num_columns = Z.shape[1]
    state, before = start(num_columns)[0], start(num_columns)[0]
    tile, left = empty_tile(len(Z), num_columns, np.float64), np.zeros(num_columns)
    penalty = np.zeros(num_columns - 1)
    take_steps(Z, np.arange(len(Z)), len(Z), True, tile, left, state, np.ones(1), 0.0, penalty, -1)
    np.testing.assert_array_equal(state[1], sums * 2.0 / len(Z))
    np.testing.assert_array_equal(state[0], before[0] - state[1])
    assert LANES == 16
