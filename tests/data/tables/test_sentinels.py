"""Sentinels are read as missing cells, whatever the type of their column."""

from typing import Any

import pyarrow as pa
import pytest

from linreg.data.tables.sentinels import as_values, without_sentinels


@pytest.mark.parametrize(
    ("cells", "type_", "sentinels", "expected"),
    [
        ([1, -999, 99], pa.int64(), [-999, 99], [1, None, None]),
        ([1.5, -999.0, 99.9], pa.float64(), [-999, 99.9], [1.5, None, None]),
        ([1.5, -99.9], pa.float32(), [-99.9], [1.5, None]),
        (["a", "unknown", None], pa.string(), ["unknown"], ["a", None, None]),
        ([True, False], pa.bool_(), [False], [True, None]),
        ([1, 2], pa.int64(), [], [1, 2]),
        ([1, 2], pa.int64(), ["x", 1.5], [1, 2]),
    ],
)
def test_the_values_become_missing_and_no_other_cell_changes(
    cells: list[Any], type_: pa.DataType, sentinels: list[Any], expected: list[Any]
) -> None:
    rows = pa.table({"x": pa.array(cells, type_), "y": pa.array(cells, type_)})
    found = without_sentinels(rows, {"x": sentinels, "absent": [1]})
    assert found.schema == rows.schema
    assert found.column("x").to_pylist() == expected
    assert found.column("y") == rows.column("y")


def test_values_that_a_type_cannot_have_are_left_out() -> None:
    assert as_values([1, "2", "x", 2.5, 2.0], pa.int64()).to_pylist() == [1, 2, 2]
    assert as_values(["1.5", "x"], pa.float64()).to_pylist() == [1.5]
    assert as_values(["true", "x"], pa.bool_()).to_pylist() == [True]
