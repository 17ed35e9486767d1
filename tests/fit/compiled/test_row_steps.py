from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linreg.fit.compiled.gradient_sums import MOST_COLUMN_MAJOR, empty_sums
from linreg.fit.compiled.row_steps import MOST_ROWS_SUMMED, take_steps

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
    Z: NDArray[Any],
    pieces: Sequence[NDArray[np.int64]],
    batch_size: int,
    rates: Floats,
    *,
    ends: bool,
) -> tuple[Floats, list[int], Floats]:
    """The state after the steps, how many each piece of the rows has led to, and what is left."""
    num_columns = Z.shape[1]
    state, penalty = start(num_columns)
    sums, left = empty_sums(num_columns), np.zeros(num_columns)
    taken: list[int] = []
    for number, indices in enumerate(pieces, start=1):
        done = sum(taken)
        steps, finite = take_steps(
            Z,
            indices,
            batch_size,
            ends and number == len(pieces),
            *sums,
            left,
            state,
            rates[done:],
            MOMENTUM,
            penalty[None],
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
@pytest.mark.parametrize("more", [0, 1, MOST_ROWS_SUMMED])
def test_a_batch_of_more_rows_than_are_summed_at_once_is_summed_piece_by_piece(
    num_columns: int, more: int
) -> None:
    batch_size = MOST_ROWS_SUMMED + more
    Z, rates = rows_of(batch_size + 9, num_columns), np.full(2, 0.01)
    order = np.arange(batch_size + 9)
    cut = MOST_ROWS_SUMMED if more else 100
    state, taken, left = found(Z, np.split(order, [cut, cut + 1]), batch_size, rates, ends=False)
    assert (sum(taken), left[-1]) == (1, 9)
    np.testing.assert_allclose(state, expected([Z[:batch_size]], rates, -1), rtol=1e-9)
    *_, left = found(Z, [order[: MOST_ROWS_SUMMED - 1]], batch_size, rates, ends=False)
    assert left.tolist() == [0.0] * (num_columns - 1) + [MOST_ROWS_SUMMED - 1]


@pytest.mark.parametrize("num_columns", [3, BY_ROWS])
def test_the_steps_end_with_the_one_that_is_not_finite(num_columns: int) -> None:
    Z = rows_of(40, num_columns)
    Z[15, -1] = np.inf
    state, penalty = start(num_columns)
    sums, left = empty_sums(num_columns), np.zeros(num_columns)
    taken = take_steps(
        Z, np.arange(40), 10, True, *sums, left, state, np.ones(4), MOMENTUM, penalty[None], 0
    )
    assert taken == (2, False)
    assert not np.isfinite(state[0]).all()


def in_the_order_of_the_lanes(products: Floats) -> Floats:
    """The sums of products (n, …) in 16 partial sums, which are added pairwise."""
    missing = -len(products) % 16
    lanes = np.zeros((16, *products.shape[1:]))
    padded = np.concatenate([products, np.zeros((missing, *products.shape[1:]))])
    for each in padded.reshape(-1, *lanes.shape):
        lanes = lanes + each
    while len(lanes) > 1:
        lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
    summed: Floats = lanes[0]
    return summed


def gradient_in_order(rows: Floats, p: Floats) -> Floats:
    """Σ r z over at most 4096 rows: every sum in its order, every operation rounded."""
    num_columns = rows.shape[1]
    if num_columns <= 24:
        residuals = -rows[:, -1]
        for j in range(num_columns - 1):
            residuals = residuals + p[j] * rows[:, j]
        return in_the_order_of_the_lanes(residuals[:, None] * rows[:, :-1])
    residuals = in_the_order_of_the_lanes((rows * np.append(p, -1.0)).T)
    total = np.zeros(num_columns)
    for residual, row in zip(residuals, rows, strict=True):
        total = total + residual * row
    return total[:-1]


def steps_in_order(batches: Sequence[Floats], rates: Floats, num_averaged: int) -> Floats:
    """The state after a step for each batch, with the bits of the one order of its sums."""
    (p, v, average), penalty = start(batches[0].shape[1])
    for step, rows in enumerate(batches):
        total = np.zeros(len(p))
        for first in range(0, len(rows), 4096):
            total = total + gradient_in_order(rows[first : first + 4096], p)
        v = MOMENTUM * v + (total * 2.0 / len(rows) + 2.0 * penalty * p)
        p = p - rates[step] * v
        averaged = num_averaged + step
        if averaged >= 0:
            average = p if averaged == 0 else average + (p - average) / (averaged + 1)
    return np.array([p, v, average])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("num_columns", [2, 3, 4, 7, 17, 18, 23, 24, 25, 31, 32, 33, 48, 66, 130])
@pytest.mark.parametrize(
    ("batch_size", "cuts"),
    [
        (1, []),
        (7, [5, 6, 30]),
        (16, [33]),
        (32, []),
        (33, [1, 2, 50]),
        (256, [100, 103]),
        (999, []),
    ],
)
def test_steps_have_the_bits_of_one_order_of_the_sums_however_the_rows_are_cut(
    dtype: Any, num_columns: int, batch_size: int, cuts: list[int]
) -> None:
    Z = (rows_of(300, num_columns) * np.linspace(0.5, 1.5, 300)[:, None]).astype(dtype)
    order = np.random.default_rng(2).permutation(300)[:271]
    rates = np.linspace(0.01, 0.001, 271) / num_columns
    batches = [Z[order[at : at + batch_size]].astype(float) for at in range(0, 271, batch_size)]
    state, taken, _ = found(Z, np.split(order, cuts), batch_size, rates, ends=True)
    assert sum(taken) == len(batches)
    np.testing.assert_array_equal(state, steps_in_order(batches, rates, -1))


@pytest.mark.parametrize("num_columns", [18, 66])
@pytest.mark.parametrize("batch_size", [4096, 4100, 9000])
def test_the_sums_of_a_large_batch_have_the_bits_of_one_order(
    num_columns: int, batch_size: int
) -> None:
    Z, rates = rows_of(9000, num_columns), np.full(3, 0.001)
    order = np.random.default_rng(3).permutation(9000)
    batches = [Z[order[at : at + batch_size]] for at in range(0, 9000, batch_size)]
    state, *_ = found(Z, np.split(order, [4097, 5000]), batch_size, rates, ends=True)
    np.testing.assert_array_equal(state, steps_in_order(batches, rates, -1))


@pytest.mark.parametrize("num_columns", [18, 66])
def test_steps_in_two_threads_have_the_bits_of_one(num_columns: int) -> None:
    Z, rates, order = rows_of(20_000, num_columns), np.full(625, 1e-4), np.arange(20_000)

    def state(_: int) -> bytes:
        return found(Z, [order], 32, rates, ends=True)[0].tobytes()

    with ThreadPoolExecutor(2) as threads:
        assert set(threads.map(state, range(4))) == {state(0)}
