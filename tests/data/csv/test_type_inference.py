"""A column has the narrowest type that holds all of its cells, and keeps every digit."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.data.cells.words import MISSING
from linreg.data.csv import dialect
from tests.data.csv.converted import bits, converted, one_column, quick, refused

US = pa.timestamp("us")


@quick
@given(
    values=st.lists(st.floats(allow_nan=False), min_size=1), block=st.sampled_from([64, 1 << 20])
)
def test_floats_are_read_to_the_last_bit(tmp_path: Path, values: list[float], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dialect, "BLOCK_BYTES", block)
        column = one_column(tmp_path, [repr(value) for value in [0.5, *values]])
    assert bits(column.to_pylist()) == bits([0.5, *values])


@pytest.mark.slow
@quick
@given(
    cells=st.lists(
        st.from_regex(r"-?[0-9]{1,60}\.[0-9]{0,100}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
        min_size=1,
    ),
    delimiter=st.sampled_from(",;"),
)
def test_a_cell_becomes_the_nearest_float_however_many_digits_it_has(
    tmp_path: Path, cells: list[str], delimiter: str
) -> None:
    written = [cell.replace(".", ",") if delimiter == ";" else cell for cell in cells]
    text = "\n".join([f"x{delimiter}y", *(f"{cell}{delimiter}1" for cell in written)])
    [table] = converted(tmp_path, text)
    assert bits(table["x"].to_pylist()) == bits([float(cell) for cell in cells])


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1", "-2", "007"], pa.int64(), [1, -2, 7]),
        (["9223372036854775807"], pa.int64(), [2**63 - 1]),
        (["1", "9223372036854775808"], pa.float64(), [1.0, 2.0**63]),
        (["1", "2.5"], pa.float64(), [1.0, 2.5]),
        (["1", "2e3", "1E-400"], pa.float64(), [1.0, 2000.0, 0.0]),
        (["9007199254740993", "0.5"], pa.float64(), [9007199254740992.0, 0.5]),
        (["inf", "-inf", "1"], pa.float64(), [float("inf"), float("-inf"), 1.0]),
        ([" 3.5", "4\t", " NA ", "  "], pa.float64(), [3.5, 4.0, None, None]),
        ([" 3", "4 "], pa.int64(), [3, 4]),
        (["true", "False", "TRUE", " false "], pa.bool_(), [True, False, True, False]),
        (["true", "1"], pa.string(), ["true", "1"]),
        (["0", "1"], pa.int64(), [0, 1]),
        (["2024-02-29", " 1969-12-31"], pa.date32(), [date(2024, 2, 29), date(1969, 12, 31)]),
        (["2024-02-30"], pa.string(), ["2024-02-30"]),
        (["2024-02-29", "2024-01-01 09"], US, [datetime(2024, 2, 29), datetime(2024, 1, 1, 9)]),
        (["2024-01-01T10:30:00.000123"], US, [datetime(2024, 1, 1, 10, 30, 0, 123)]),
        (["2024-01-01T10:30:00.000000000"], pa.timestamp("ns"), [datetime(2024, 1, 1, 10, 30)]),
        (
            ["2024-01-01T10:30:00+02:00"],
            pa.timestamp("us", "UTC"),
            [datetime(2024, 1, 1, 8, 30, tzinfo=UTC)],
        ),
        (
            ["2024-01-01T10:30Z", "2024-01-01T10:30"],
            pa.string(),
            ["2024-01-01T10:30Z", "2024-01-01T10:30"],
        ),
        (["12:30", "NA"], pa.string(), ["12:30", None]),
        (["1", "one"], pa.string(), ["1", "one"]),
        (["1", "true"], pa.string(), ["1", "true"]),
        (["2024-01-01", "1.5"], pa.string(), ["2024-01-01", "1.5"]),
        ([" a", "b ", "c d"], pa.string(), [" a", "b ", "c d"]),
        (["a", " ", "NA", " null"], pa.string(), ["a", None, None, None]),
        (["-", "1"], pa.int64(), [None, 1]),
        (["1.2.3", "4"], pa.string(), ["1.2.3", "4"]),
        (["", "NA", '""'], pa.float64(), [None, None, None]),
        (list(MISSING), pa.float64(), [None] * len(MISSING)),
    ],
)
def test_types_do_not_depend_on_the_order_of_cells_or_their_blocks(
    tmp_path: Path, block_bytes: int, cells: list[str], kind: pa.DataType, values: list[Any]
) -> None:
    # Alone, and with each value alone in many blocks.
    for times in (1, 40):
        for order in (1, -1):
            many = [cell for cell in cells[::order] for _ in range(times)]
            column = one_column(tmp_path, many)
            assert column.type == kind
            assert column.to_pylist() == [value for value in values[::order] for _ in range(times)]


def reference(cells: Sequence[str]) -> list[Any]:
    """Read a column of numbers, truth values and words in plain Python."""
    present = [cell.strip(" \t") for cell in cells if cell.strip(" \t") not in MISSING]
    truth = {
        "true": True,
        "True": True,
        "TRUE": True,
        "false": False,
        "False": False,
        "FALSE": False,
    }
    convert: Any = str
    if all(re.fullmatch(r"-?\d+", cell) and -(2**63) <= int(cell) < 2**63 for cell in present):
        convert = int
    elif all(re.fullmatch(r"-?(\d+\.?\d*|\.\d+)(e-?\d+)?|-?inf", cell) for cell in present):
        convert = float
    elif all(cell in truth for cell in present):
        convert = truth.__getitem__
    text = convert is str
    return [
        None if (bare := cell.strip(" \t")) in MISSING else convert(cell if text else bare)
        for cell in cells
    ]


number = st.integers(-9, 9).map(str) | st.integers(-(2**65), 2**65).map(str)


real = st.floats(allow_nan=False).map(lambda value: repr(value).replace("+", "")) | st.just("inf")


word = st.sampled_from(["a", "true", "True", "FALSE", "1.2.3", "b c", "nano"])


cell = st.builds(
    lambda before, text, after: before + text + after,
    st.sampled_from(["", "", "", " ", "\t"]),
    st.one_of(number, number, real, word, st.sampled_from(MISSING)),
    st.sampled_from(["", "", "", " "]),
)


@quick
@given(
    cells=st.one_of(
        st.lists(cell, max_size=30),
        st.lists(number | real | st.just("NA"), max_size=30),
        st.lists(number | st.just(" "), max_size=30),
        st.lists(st.sampled_from(["true", "False", "", " TRUE"]), max_size=30),
    ),
    cut=st.integers(0, 30),
    block=st.sampled_from([80, 1 << 20]),
)
def test_types_and_values_over_several_files_are_those_of_plain_python(
    tmp_path: Path, cells: list[str], cut: int, block: int
) -> None:
    expected = reference(cells)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dialect, "BLOCK_BYTES", block)
        tables = converted(
            tmp_path, *("\n".join(["x", *part, ""]) for part in (cells[:cut], cells[cut:]))
        )
    assert tables[0].schema == tables[1].schema
    values = [value for table in tables for value in table["x"].to_pylist()]
    assert values == expected
    assert {type(value) for value in values} == {type(value) for value in expected}


def test_decimal_commas_are_recognized_by_column(tmp_path: Path, block_bytes: int) -> None:
    rows = "1,5;2;1.5;1,5;1.234,5;7,0\n" * 10 + "-,25;3;2.5;2.5;2.5;NA\n" * 10
    [table] = converted(tmp_path, "a;b;c;d;e;f\n" + rows, columns=list("abcdef"))
    assert table["a"].to_pylist() == [1.5] * 10 + [-0.25] * 10
    assert table["b"].to_pylist() == [2] * 10 + [3] * 10
    assert table["c"].to_pylist() == [1.5] * 10 + [2.5] * 10
    # A column with both decimal commas and points is text.
    assert table["d"].to_pylist() == ["1,5"] * 10 + ["2.5"] * 10
    assert table["e"].to_pylist() == ["1.234,5"] * 10 + ["2.5"] * 10
    assert table["f"].to_pylist() == [7.0] * 10 + [None] * 10


@pytest.mark.parametrize("delimiter", [",", "\t", "|"])
def test_commas_that_may_be_decimal_or_not_are_refused(tmp_path: Path, delimiter: str) -> None:
    (tmp_path / "t.csv").write_text(f'x{delimiter}y\n"1,234"{delimiter}2\n')
    assert refused(tmp_path / "t.csv") == (
        ": column x: '1,234': may be 1234 or 1.234; found no number that shows which; set "
        "ingest.decimal to . or , (`linreg use FILE --decimal .`)"
    )
