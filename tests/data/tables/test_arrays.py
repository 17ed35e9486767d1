import numpy as np
import pyarrow as pa
import pytest

from linreg.data.tables.arrays import as_arrow, as_floats, as_mask, as_numpy


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64, np.uint8])
def test_numbers_are_the_same_in_both(dtype: type[np.generic]) -> None:
    values = np.arange(6, dtype=dtype)
    array = as_arrow(values)
    assert (array.to_pylist(), array.null_count) == ([0, 1, 2, 3, 4, 5], 0)
    assert (as_numpy(array).tolist(), as_numpy(array).dtype) == (values.tolist(), values.dtype)
    # Every other value is not contiguous.
    assert as_arrow(values[::2]).to_pylist() == [0, 2, 4]


def test_chunks_become_one_array() -> None:
    column = pa.chunked_array([[1, 2], [], [3]], pa.int64())
    assert as_numpy(column).tolist() == [1, 2, 3]
    assert as_floats(column).tolist() == [1.0, 2.0, 3.0]
    assert as_floats(column).dtype == np.float64


def test_large_integers_are_rounded_to_floats() -> None:
    assert as_floats(pa.array([2**53 + 1])).tolist() == [2.0**53]


def test_truth_values_are_a_mask() -> None:
    mask = as_mask(pa.chunked_array([[True, False], [True]]))
    assert mask.tolist() == [True, False, True]
    assert mask.dtype == bool
