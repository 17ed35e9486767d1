import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.setup.survey.cell_hashes import cell_hashes, fingerprint, row_hashes


def test_equal_numbers_have_equal_hashes_whatever_their_type() -> None:
    whole, real = (
        pa.array([0, 1, -3, None, 2**53 - 1]),
        pa.array([-0.0, 1.0, -3.0, None, float(2**53 - 1)]),
    )
    assert (cell_hashes(pa.chunked_array([whole])) == cell_hashes(pa.chunked_array([real]))).all()


def test_neighbouring_integers_beyond_2_to_the_53_have_different_hashes() -> None:
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


def test_a_fingerprint_depends_on_the_order_of_cells_and_not_on_the_chunks() -> None:
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
def test_cells_of_every_type_have_hashes(cells: pa.Array) -> None:
    assert len(set(cell_hashes(pa.chunked_array([cells])).tolist())) == len(set(cells.to_pylist()))
