from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from linreg.data.rows import Rows
from linreg.fit.sgd.shuffling import BatchPlan, numpy_permutation, shuffled_chunks

Shards = Callable[..., list[Rows]]


def shards(shards_of: Shards, num_rows: int, num_shards: int, rows_per_group: int) -> list[Rows]:
    X = np.arange(float(num_rows))[:, None]
    return shards_of(X, X[:, 0], num_shards, rows_per_group)


@pytest.mark.parametrize(
    ("num_rows", "num_shards", "batch_size", "steps", "full"),
    [
        (20, 1, 5, 4, 4),
        (21, 1, 5, 5, 4),
        (19, 1, 5, 4, 3),
        (3, 1, 5, 1, 0),
        # Shards of 9, 9, 8 rows, of which batches take 3, 2, 2.
        (26, 3, 7, 5, 3),
        (26, 2, 2, 13, 13),
    ],
)
def test_an_epoch_has_as_many_batches_as_its_longest_shard_and_full_ones_first(
    shards_of: Shards, num_rows: int, num_shards: int, batch_size: int, steps: int, full: int
) -> None:
    plan = BatchPlan(shards(shards_of, num_rows, num_shards, 100), batch_size)
    assert (plan.steps_per_epoch, plan.full_batches, plan.num_rows) == (steps, full, num_rows)
    assert sum(plan.shares) == batch_size
    assert sum(plan.rows_of_shard) == num_rows
    assert [plan.num_steps(epochs) for epochs in (1, 3)] == [steps, 3 * steps]


def test_the_lengths_of_batches_are_what_is_left_of_each_shard(shards_of: Shards) -> None:
    plan = BatchPlan(shards(shards_of, 26, 3, 100), 7)
    of_batches = [[3, 2, 2], [3, 2, 2], [3, 2, 2], [0, 2, 2], [0, 1, 0], [0, 0, 0]]
    assert [plan.lengths(batch) for batch in range(6)] == of_batches
    for first in range(6):
        for count in range(6 - first):
            together = np.zeros(3)
            for lengths in of_batches[first : first + count]:
                together = together + lengths
            assert plan.lengths(first, count) == together.tolist()
    assert plan.num_rows_of(np.array([4, 0, 3, 5])).tolist() == [1, 7, 4, 0]


def first_of_all(_random: np.random.Generator, length: int) -> NDArray[np.int64]:
    """No order but that on disk."""
    return np.arange(length)


@pytest.mark.parametrize("skipped", range(24))
def test_the_first_rows_of_an_epoch_may_be_left_out(shards_of: Shards, skipped: int) -> None:
    (rows,) = shards(shards_of, 23, 1, 5)
    whole, rest = (
        [
            (chunk, row)
            for chunk, order in shuffled_chunks(rows, 1, 2, 0, num)
            for row in order.tolist()
        ]
        for num in (0, skipped)
    )
    assert len(whole) == 23
    assert rest == whole[skipped:]
    assert all(len(order) for _, order in shuffled_chunks(rows, 1, 2, 0, skipped))


def test_all_rows_come_once_in_another_order_for_each_seed_epoch_and_shard(
    shards_of: Shards,
) -> None:
    (rows,) = shards(shards_of, 40, 1, 5)
    orders = set()
    for key in [(1, 1, 0), (2, 1, 0), (1, 2, 0), (1, 1, 1)]:
        epoch = [(chunk, tuple(order.tolist())) for chunk, order in shuffled_chunks(rows, *key)]
        assert sorted(chunk for chunk, _ in epoch) == list(range(8))
        assert all(sorted(order) == list(range(5)) for _, order in epoch)
        # Neither the order of the chunks is that of another epoch nor the order within one.
        orders |= {tuple(epoch), tuple(chunk for chunk, _ in epoch), tuple(sorted(epoch))}
    assert len(orders) == 12


def test_the_rows_of_a_chunk_are_permuted_as_it_is_asked_for(shards_of: Shards) -> None:
    (rows,) = shards(shards_of, 23, 1, 5)
    found = list(shuffled_chunks(rows, 1, 1, 0, 3, first_of_all))
    assert sorted(len(order) for _, order in found) in ([2, 3, 5, 5, 5], [2, 5, 5, 5, 5])
    for number, (chunk, order) in enumerate(found):
        skipped = 3 if number == 0 else 0
        assert order.tolist() == list(range(skipped, rows.chunk_length(chunk)))


def test_a_permutation_has_each_number_below_its_length_once() -> None:
    found = numpy_permutation(np.random.default_rng(1), 100)
    assert sorted(found.tolist()) == list(range(100))
    assert found.tolist() != list(range(100))
