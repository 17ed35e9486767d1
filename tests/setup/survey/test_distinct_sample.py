import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.setup.survey.cell_hashes import cell_hashes
from linreg.setup.survey.distinct_sample import DistinctSample

# All cells of a column have the same type.
CELL = st.one_of(st.none(), st.text(max_size=3), st.integers(-5, 5).map(str))


@given(st.lists(CELL, max_size=60), st.integers(1, 20))
def test_distinct_values_and_repeats_are_counted_exactly_up_to_the_limit(
    cells: list[str | None], length: int
) -> None:
    found = DistinctSample(100)
    for start in range(0, len(cells), length):
        found.add(
            cell_hashes(pa.chunked_array([pa.array(cells[start : start + length], pa.string())]))
        )
    assert found.is_exact
    assert found.count == len(set(cells))
    assert found.num_repeats == len(cells) - len(set(cells))
    assert found.most_frequent == max((cells.count(cell) for cell in cells), default=0)


@pytest.mark.parametrize("limit", [64, 1024])
def test_beyond_the_limit_the_counts_are_estimates_in_bounded_memory(limit: int) -> None:
    found = DistinctSample(limit)
    for start in range(0, 200_000, 10_000):
        values = np.arange(start, start + 10_000) // 2  # each value twice
        found.add(cell_hashes(pa.chunked_array([pa.array(values)])))
        assert len(found._hashes) <= limit
        assert found._num_buffered <= 10_000
    assert not found.is_exact
    # The number kept is between limit/2 and limit, a sample whose relative error is 1/√of it; five
    # of these.
    assert found.count == pytest.approx(100_000, rel=5 / (limit / 2) ** 0.5)
    assert found.num_repeats == found.count
