import datetime
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.data.ingest.profile import MOST_LEVELS, ColumnProfile
from linreg.data.tables.source_chunk import SourceChunk
from linreg.errors import UserError

FILE = Path("table.csv")


def profile(
    cells: Any, type_: pa.DataType, part_length: int = 1000, origin: Path = FILE
) -> ColumnProfile:
    """The profile of a column `c` that is read in parts of some rows."""
    table = pa.table({"c": pa.array(cells, type_)})
    found = ColumnProfile(type_)
    for start in range(0, max(1, table.num_rows), part_length):
        found.update(SourceChunk(table.slice(start, part_length), origin, start + 1), "c")
    return found


NUMBERS = st.floats(-1e6, 1e6)


@given(st.lists(st.none() | NUMBERS, max_size=40), st.integers(1, 10))
def test_a_number_has_the_statistics_that_pandas_finds(
    cells: list[float | None], part_length: int
) -> None:
    data = profile(cells, pa.float64(), part_length).as_data()
    series = pd.Series(cells, dtype="float64")
    assert data["missing"] == series.isna().sum()
    known = series.dropna()
    assert (data["min"], data["max"]) == (
        (known.min(), known.max()) if len(known) else (None, None)
    )
    # Two ways to add up: the difference is of the order of the rounding of the largest cell
    # (measured 3e-16 of it).
    scale = max(1.0, known.abs().max()) if len(known) else 1.0
    assert data["mean"] == (pytest.approx(known.mean(), abs=1e-14 * scale) if len(known) else None)
    assert data["sd"] == (pytest.approx(known.std(), abs=1e-13 * scale) if len(known) > 1 else None)


@pytest.mark.parametrize("part_length", [1, 3, 1000])
def test_the_standard_deviation_of_numbers_far_from_0_is_accurate(part_length: int) -> None:
    cells = [1e9 + x for x in (4.0, 7.0, 13.0, 16.0)]
    # The textbook example of Σx² − (Σx)²/n: that formula gives a negative variance here.
    assert profile(cells, pa.float64(), part_length).as_data()["sd"] == pytest.approx(
        math.sqrt(30), rel=1e-14
    )


def test_integers_keep_their_bounds_exactly() -> None:
    cells = [2**63 - 1, -(2**63), None]
    data = profile(cells, pa.int64()).as_data()
    assert (data["min"], data["max"], data["missing"]) == (-(2**63), 2**63 - 1, 1)


def test_durations_are_profiled_without_bounds() -> None:
    data = profile([1, None, 3], pa.duration("s")).as_data()
    assert data == {"type": "duration[s]", "missing": 1, "min": None, "max": None}


def test_statistics_that_overflow_are_left_out() -> None:
    data = profile([1.7e308, -1.7e308, 1.7e308], pa.float64()).as_data()
    assert (data["min"], data["max"], data["sd"]) == (-1.7e308, 1.7e308, None)


@given(st.lists(st.none() | st.sampled_from(["a", "b", "", "ä"]), max_size=30), st.integers(1, 10))
def test_a_category_has_its_levels_counted_and_sorted(
    cells: list[str | None], part_length: int
) -> None:
    data = profile(cells, pa.string(), part_length).as_data()
    counts = pd.Series([cell for cell in cells if cell is not None], dtype=object).value_counts()
    assert data == {
        "type": "string",
        "missing": cells.count(None),
        "levels": {str(k): int(counts[k]) for k in sorted(counts.index)},
    }
    assert list(data["levels"]) == sorted(data["levels"])


def test_booleans_are_a_category() -> None:
    data = profile([True, False, True, None], pa.bool_()).as_data()
    assert data == {"type": "bool", "missing": 1, "levels": {"False": 1, "True": 2}}


def test_times_have_bounds() -> None:
    days = [datetime.date(2020, 5, 1), None, datetime.date(1999, 12, 31)]
    assert profile(days, pa.date32(), 1).as_data() == {
        "type": "date32[day]",
        "missing": 1,
        "min": "1999-12-31",
        "max": "2020-05-01",
    }


@pytest.mark.parametrize("type_", [pa.float64(), pa.int64(), pa.string(), pa.bool_(), pa.date32()])
def test_a_column_without_values_has_a_profile(type_: pa.DataType) -> None:
    for cells in ([], [None, None]):
        data = profile(cells, type_).as_data()
        assert data["missing"] == len(cells)
        assert all(
            value in (None, {}) for key, value in data.items() if key not in ("type", "missing")
        )


@pytest.mark.parametrize("part_length", [1, 2, 100])
def test_the_first_missing_cell_is_found_by_file_and_row(part_length: int) -> None:
    assert (
        profile([1.0, 2.0, 3.0, None, None], pa.float64(), part_length).first_missing
        == "table.csv: row 4: column c"
    )
    assert profile([1.0], pa.float64()).first_missing is None


@pytest.mark.parametrize("cell", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("part_length", [1, 2, 100])
@pytest.mark.parametrize("type_", [pa.float64(), pa.float32()])
def test_a_number_that_is_not_finite_is_an_error_with_file_and_row(
    cell: float, part_length: int, type_: pa.DataType
) -> None:
    with pytest.raises(UserError) as error:
        profile([1.0, None, 3.0, cell, 5.0], type_, part_length)
    assert str(error.value) == (
        f"table.csv: row 4: column c: must be a finite number; found {cell}; "
        "correct the cell, or leave it empty and set ingest.missing"
    )


def test_text_with_few_repeated_values_is_free_text() -> None:
    assert profile(["a", "b", "c", "a"], pa.string()).is_free_text
    assert not profile(["a", "b", "a", "b"], pa.string()).is_free_text
    assert profile(["a"], pa.string()).is_free_text
    assert not profile([True], pa.bool_()).is_free_text


@pytest.mark.slow
def test_text_with_many_distinct_values_is_free_text() -> None:
    few, many = ([f"v{i}" for i in range(count)] * 10 for count in (MOST_LEVELS, MOST_LEVELS + 1))
    assert not profile(few, pa.string()).is_free_text
    assert len(profile(few, pa.string()).as_data()["levels"]) == MOST_LEVELS
    found = profile(many, pa.string(), 7000)
    assert found.is_free_text
    assert found.as_data()["levels"] is None
    assert found.count == len(many)


@pytest.mark.parametrize(
    ("num_levels", "copies", "is_free_text"),
    [(100, 2, False), (100, 1, True), (101, 9, True), (101, 10, False), (300, 333, False)],
)
def test_rows_per_level_decide_what_is_free_text(
    num_levels: int, copies: int, is_free_text: bool
) -> None:
    found = profile([f"v{i}" for i in range(num_levels)] * copies, pa.string())
    assert found.is_free_text == is_free_text
    # So many values of free text are not listed.
    assert (found.as_data()["levels"] is None) == (is_free_text and num_levels > 100)


def test_the_profile_depends_on_the_chunks_by_rounding_only() -> None:
    cells = np.random.default_rng(1).normal(5, 2, 10_000)
    whole = profile(cells, pa.float64(), 10_000).as_data()
    for part_length in (1, 77, 4096):
        parts = profile(cells, pa.float64(), part_length).as_data()
        assert (parts["min"], parts["max"]) == (whole["min"], whole["max"])
        # Measured: 1e-14 for 10,000 parts of one row.
        assert (parts["mean"], parts["sd"]) == (
            pytest.approx(whole["mean"], rel=1e-13),
            pytest.approx(whole["sd"], rel=1e-13),
        )
