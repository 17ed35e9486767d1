import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from linreg.data.split.random_assignment import RandomAssignment
from linreg.seeds import generator

QUOTAS = st.lists(st.integers(0, 1000), min_size=1, max_size=6)


@settings(max_examples=50)
@given(QUOTAS, st.data())
def test_quotas_are_used_up_exactly_however_long_the_row_groups_are(
    quotas: list[int], data: st.DataObject
) -> None:
    lengths, left = [], sum(quotas)
    while left:
        lengths.append(data.draw(st.integers(-(-left // 6), left)))
        left -= lengths[-1]
    assignment = RandomAssignment(lengths, quotas, 1, "test")
    totals = np.zeros(len(quotas), int)
    for group, num_rows in enumerate(lengths):
        labels = assignment.labels(group)
        assert len(labels) == num_rows
        counts = np.bincount(labels, minlength=len(quotas))
        assert counts.tolist() == assignment.counts[group]
        totals += counts
    assert totals.tolist() == quotas


def test_the_labels_of_a_row_group_do_not_depend_on_which_were_computed_before() -> None:
    one, other = (RandomAssignment([7, 5, 0, 9], [12, 4, 5], 1, "test") for _ in range(2))
    in_order = [one.labels(group).tolist() for group in range(4)]
    for group in (3, 1, 0, 2, 1):
        assert other.labels(group).tolist() == in_order[group]


def test_labels_are_shuffled_by_a_generator_of_their_own_for_each_row_group() -> None:
    assignment = RandomAssignment([9, 5, 6], [10, 5, 5], 7, "parts")
    for group, counts in enumerate(assignment.counts):
        in_order = np.repeat(np.arange(3), counts)
        order = generator(7, "parts", group + 1).permutation(len(in_order))
        assert assignment.labels(group).tolist() == in_order[order].tolist()


def test_row_groups_of_equal_counts_are_labelled_differently() -> None:
    assignment = RandomAssignment([40] * 5, [100, 100], 1, "test")
    assert assignment.counts == [[20, 20]] * 5
    assert len({tuple(assignment.labels(group).tolist()) for group in range(5)}) == 5


def test_every_row_is_equally_likely_in_each_part() -> None:
    num_rows, num_splits = 40, 3000
    found = np.zeros((num_rows, 3))
    for seed in range(num_splits):
        labels = RandomAssignment([num_rows], [24, 8, 8], seed, "parts").labels(0)
        found[np.arange(num_rows), labels] += 1
    expected = num_splits * np.array([0.6, 0.2, 0.2])
    chi_square = float(((found - expected) ** 2 / expected).sum())
    # 40 rows × 2 free counts, less the 2 that the exact sizes fix: 78 degrees of freedom, with a
    # standard deviation of √156; without replacement the sum is 40/39 of that. Four standard
    # deviations above.
    assert chi_square < (78 + 4 * math.sqrt(156)) * 40 / 39


def test_every_row_is_equally_likely_in_each_shard() -> None:
    num_rows, seeds = 30, 2000
    counts = np.zeros((num_rows, 3))
    for seed in range(seeds):
        labels = RandomAssignment([num_rows], [10, 10, 10], seed, "shards").labels(0)
        counts[np.arange(num_rows), labels] += 1
    chi_square = float(((counts - seeds / 3) ** 2 / (seeds / 3)).sum())
    # 30 rows × 2 free counts, less 2: 58 degrees of freedom; four standard deviations above,
    # times 30/29 as above.
    assert chi_square < (58 + 4 * math.sqrt(116)) * 30 / 29
