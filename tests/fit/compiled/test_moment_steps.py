from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from linreg.fit.compiled.moment_steps import (
    LANES,
    SEGMENT_ROWS,
    add_moments,
    add_rest,
    empty_tile,
    num_moments,
    take_steps,
)

Floats = NDArray[np.float64]


def pairs(num_columns: int) -> list[tuple[int, int]]:
    """Pairs of columns of [c X y] whose products are summed: all but y·y."""
    return [(i, j) for i in range(num_columns) for j in range(i, num_columns)][:-1]


def sums_of_products(rows: Floats) -> Floats:
    return np.array([(rows[:, i] * rows[:, j]).sum() for i, j in pairs(rows.shape[1])])


def moments_of(Z: Floats, order: NDArray[np.int64], share: int, cuts: Sequence[int]) -> Floats:
    """The moments of batches of `share` rows, which are read in pieces that end at `cuts`."""
    num_features = Z.shape[1] - 2
    num_batches = -(-len(order) // share)
    tile = empty_tile(share, num_features)
    found = np.zeros((num_batches, num_moments(num_features)))
    position = 0
    for indices in np.split(order, cuts):
        add_moments(Z, indices, share, position, tile, found)
        position += len(indices)
    add_rest(share, position, tile, found)
    assert not tile.any()
    return found


@pytest.mark.parametrize("num_features", range(6))
def test_a_batch_has_a_moment_for_each_pair_of_columns_but_y_with_itself(num_features: int) -> None:
    assert num_moments(num_features) == len(pairs(num_features + 2))


@pytest.mark.parametrize(
    ("share", "rows"), [(1, 1), (15, 15), (16, 16), (17, 9), (32, 16), (33, 11), (1000, 16)]
)
def test_a_batch_is_divided_into_the_fewest_equal_segments_of_at_most_16_rows(
    share: int, rows: int
) -> None:
    tile = empty_tile(share, 3)
    assert (tile.shape, bool(tile.any())) == ((rows, 5, LANES), False)
    assert rows <= SEGMENT_ROWS


def test_the_lanes_of_a_column_fill_an_odd_number_of_cache_lines() -> None:
    cache_lines, rest = divmod(LANES * 8, 64)
    assert (cache_lines % 2, rest) == (1, 0)


@pytest.mark.parametrize(
    ("share", "num_rows"),
    [
        (1, 1),
        # The last row is the first one of the lanes' second round, or the one before that.
        (1, LANES),
        (1, LANES + 1),
        (48, 16 * LANES),
        (48, 16 * LANES + 1),
        (17, 17 * LANES // 2),
        (17, 17 * LANES // 2 + 1),
        (40, 321),
        (16, 32),
        (500, 120),
    ],
)
def test_moments_are_the_sums_of_products_of_each_batch(share: int, num_rows: int) -> None:
    rng = np.random.default_rng(num_rows)
    # Small integers: sums are exact in any order.
    Z = rng.integers(-4, 5, (num_rows + 3, 4)).astype(float)
    order = rng.permutation(num_rows + 3)[:num_rows]
    for cuts in ([], [num_rows // 3, num_rows // 2]):
        found = moments_of(Z, order, share, cuts)
        batches = [Z[order[first : first + share]] for first in range(0, num_rows, share)]
        np.testing.assert_array_equal(found, [sums_of_products(rows) for rows in batches])


def test_a_superstep_without_rows_leaves_the_moments_as_they_are() -> None:
    tile, moments = np.ones((16, 3, LANES)), np.ones((2, num_moments(1)))
    add_rest(32, 0, tile, moments)
    assert (tile == 1).all()
    assert (moments == 1).all()


def batches(lengths: Sequence[int]) -> list[Floats]:
    """Batches of rows [1 x1 x2 y]."""
    rng = np.random.default_rng(8)
    X = [rng.normal(size=(length, 2)) for length in lengths]
    return [np.column_stack([np.ones(len(x)), x, x @ [1.0, -2.0] + 0.5]) for x in X]


def test_steps_from_moments_are_those_of_the_rows() -> None:
    lengths = [5, 4, 7]
    rates, momentum, penalty = np.array([0.1, 0.05, 0.02]), 0.9, np.array([0.0, 0.3, 0.1])
    state = np.array([[0.5, -1.0, 2.0], [0.1, 0.2, 0.3], [7.0, 8.0, 9.0]])
    p, v, steps = state[0].copy(), state[1].copy(), []
    for rows, rate in zip(batches(lengths), rates.tolist(), strict=True):
        residuals = rows[:, :-1] @ p - rows[:, -1]
        v = momentum * v + 2 * (rows[:, :-1].T @ residuals) / len(rows) + 2 * penalty * p
        p = p - rate * v
        steps.append(p)
    moments = np.array([sums_of_products(rows) for rows in batches(lengths)])
    # Averaging begins with the second step.
    found = take_steps(moments, np.array(lengths), state, rates, momentum, penalty[None], -1)
    assert found == (3, True)
    np.testing.assert_allclose(state, [p, v, np.mean(steps[1:], axis=0)], rtol=1e-13)


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_the_steps_end_with_the_one_that_is_not_finite(bad: int) -> None:
    moments = np.array([sums_of_products(rows) for rows in batches([4, 4, 4])])
    moments[bad, 0] = np.inf
    state = np.ones((3, 3))
    rates = np.full(3, 0.01)
    found = take_steps(moments, np.full(3, 4), state, rates, 0.5, np.zeros((1, 3)), 0)
    assert found == (bad + 1, False)
    assert np.isfinite(state[0]).tolist() == [False, True, True]
