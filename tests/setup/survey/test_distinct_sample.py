import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.setup.survey.cell_hashes import cell_hashes, fingerprint, row_hashes
from linreg.setup.survey.distinct_sample import DistinctSample

CELL = st.one_of(
    st.none(), st.text(max_size=3), st.integers(-5, 5).map(str)
)  # the types of a column are one, so text stands for all here


@given(st.lists(CELL, max_size=60), st.integers(1, 20))
def test_different_values_and_repeats_are_counted_exactly_up_to_the_limit(
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


def test_equal_numbers_have_equal_hashes_whatever_their_type() -> None:
    whole, real = (
        pa.array([0, 1, -3, None, 2**53 - 1]),
        pa.array([-0.0, 1.0, -3.0, None, float(2**53 - 1)]),
    )
    assert (cell_hashes(pa.chunked_array([whole])) == cell_hashes(pa.chunked_array([real]))).all()


def test_neighbours_beyond_2_to_the_53_stay_different() -> None:
    values = pa.array([2**60, 2**60 + 1, -(2**60), -(2**60) - 1])
    assert len(set(cell_hashes(pa.chunked_array([values])).tolist())) == 4


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", None])), min_size=1, max_size=30
    )
)
def test_rows_have_equal_hashes_when_all_their_cells_are_equal(
    rows: list[tuple[int, str | None]],
) -> None:
    columns = [pa.chunked_array([pa.array([row[i] for row in rows])]) for i in (0, 1)]
    hashes = row_hashes([cell_hashes(column) for column in columns]).tolist()
    assert len(set(hashes)) == len(set(rows))


def test_a_hash_of_a_column_depends_on_the_order_of_its_cells_and_not_on_its_parts() -> None:
    cells = cell_hashes(pa.chunked_array([pa.array([1.5, 2.5, 3.5, 1.5])]))
    whole = fingerprint(cells, 0)
    assert (fingerprint(cells[:1], 0) + fingerprint(cells[1:], 1)) % 2**64 == whole
    assert fingerprint(cells[[0, 2, 1, 3]], 0) != whole


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([True, False, None, True]),
        pa.array([1, 2, None, 1], pa.date32()),
        pa.array([1, 2, None, 1], pa.timestamp("us", "UTC")),
        pa.array([1, 2, None, 1], pa.float32()),
        pa.array([None, None, None, None], pa.string()),
        pa.array([1, 2, None, 1], pa.duration("s")),
        pa.array([1, 2, None, 1], pa.time32("s")),
    ],
)
def test_every_type_of_a_table_can_be_counted(cells: pa.Array) -> None:
    assert len(set(cell_hashes(pa.chunked_array([cells])).tolist())) == len(set(cells.to_pylist()))
