import math

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.data.cells.numbers import decimal_commas_to_points, parse_cells

NUMBER_LIKE = st.text(st.sampled_from("0123456789+-.eExinfatyN_ "), max_size=9)


def by_arrow(text: str) -> float | None:
    """Return what ingest makes of a cell: pyarrow's own conversion, blanks stripped."""
    try:
        value: float = pc.cast(pa.array([text.strip(" \t")]), pa.float64())[0].as_py()
    except pa.ArrowInvalid:
        return None
    # nan is among the words for a missing cell.
    return None if math.isnan(value) else value


@given(st.lists(NUMBER_LIKE | st.floats().map(repr), max_size=20))
def test_a_cell_is_the_number_that_ingest_reads_or_none(cells: list[str]) -> None:
    found = parse_cells(pa.array(cells, pa.string()), pa.float64())
    assert found.to_pylist() == [by_arrow(cell) for cell in cells]


@given(st.floats(allow_nan=False))
def test_a_float_comes_back_to_the_last_bit(value: float) -> None:
    assert parse_cells(pa.array([repr(value)]), pa.float64())[0].as_py().hex() == value.hex()


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("7", 7),
        ("-7", -7),
        ("+7", 7),
        ("007", 7),
        ("7.0", 7),
        ("7.", 7),
        (" 7\t", 7),
        ("9" * 18, 10**18 - 1),
    ]
    + [(cell, None) for cell in ("7.5", "7e0", "x", "", "9" * 19, "7.0x", "- 7", "inf")],
)
def test_whole_numbers_are_parsed_exactly_or_not_at_all(cell: str, value: int | None) -> None:
    assert parse_cells(pa.array([cell]), pa.int64()).to_pylist() == [value]


def test_only_three_spellings_of_true_and_false_are_truth_values() -> None:
    cells = pa.array(
        ["true", "True", "TRUE", " false", "False", "FALSE", "yes", "1", "tRue", "", None]
    )
    assert parse_cells(cells, pa.bool_()).to_pylist() == [True] * 3 + [False] * 3 + [None] * 5


def test_where_commas_are_decimal_a_cell_with_a_point_is_not_a_number() -> None:
    cells = decimal_commas_to_points(pa.array(["1,5", "1.5", "1.000,5", "2", "-,5", None]))
    assert parse_cells(cells, pa.float64()).to_pylist() == [1.5, None, None, 2.0, -0.5, None]
