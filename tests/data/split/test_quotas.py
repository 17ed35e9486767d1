from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from linreg.data.split.quotas import largest_remainder, shard_sizes

QUOTAS = st.lists(st.integers(0, 1000), min_size=1, max_size=6)


@given(QUOTAS, st.data())
def test_counts_are_within_one_row_of_the_proportion_of_the_quotas(
    quotas: list[int], data: st.DataObject
) -> None:
    num_rows = data.draw(st.integers(0, sum(quotas)))
    counts = largest_remainder(num_rows, quotas)
    assert sum(counts) == num_rows
    for count, quota in zip(counts, quotas, strict=True):
        assert 0 <= count <= quota
        assert abs(count - Fraction(num_rows * quota, max(1, sum(quotas)))) < 1


@given(st.integers(0, 10**9), st.integers(1, 4096))
def test_the_sizes_of_shards_differ_by_at_most_one_row(num_rows: int, num_shards: int) -> None:
    sizes = shard_sizes(num_rows, num_shards)
    assert len(sizes) == num_shards
    assert sum(sizes) == num_rows
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True)
