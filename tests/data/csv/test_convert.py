"""CSV files and the Parquet files made of them, compared with Python's csv, int() and float()."""

import csv
import io
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linreg.data.csv import convert, dialect
from linreg.data.csv.convert import csv_columns, csv_to_parquet
from linreg.data.csv.values import MISSING
from linreg.data.tables.parquet import ROWS_PER_GROUP
from linreg.errors import UserError

US = pa.timestamp("us")
BLOCK_SIZES = (64, 4 << 20)
quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(params=BLOCK_SIZES, ids=["small blocks", "one block"])
def block_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(dialect, "BLOCK_BYTES", request.param)
    return int(request.param)


def converted(
    folder: Path, *contents: str | bytes, columns: Sequence[str] = ("x",)
) -> list[pa.Table]:
    paths = []
    for index, content in enumerate(contents):
        paths.append(folder / f"{index}.csv")
        paths[-1].write_bytes(content.encode() if isinstance(content, str) else content)
    return [pq.read_table(path) for path in csv_to_parquet(paths, columns, folder / "out")]


def one_column(folder: Path, cells: Sequence[str], end: str = "\n") -> pa.ChunkedArray:
    """Convert cells next to a column that keeps their lines from being empty."""
    lines = ["x,row", *(f"{cell},r" for cell in cells)]
    [table] = converted(folder, end.join(lines) + end)
    assert table.num_rows == len(cells)
    return table["x"]


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def bits(values: Sequence[float | None]) -> list[str | None]:
    return [None if value is None else value.hex() for value in values]


# The dialect makes no difference


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quote", [str, quoted], ids=["plain", "quoted"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["", "BOM"])
def test_delimiter_quotes_line_ends_and_byte_order_mark_make_no_difference(
    tmp_path: Path, block_bytes: int, delimiter: str, end: str, quote: Any, bom: bytes
) -> None:
    rows = [[str(i), f"{i / 7!r}", f"Zürich {i % 3}"] for i in range(100)]
    lines = [delimiter.join(map(quote, cells)) for cells in [["first one", "x", "city"], *rows]]
    for last in (end, ""):
        file = bom + (end.join(lines) + last).encode()
        [table] = converted(tmp_path, file, columns=["city", "x", "first one"])
        assert csv_columns(tmp_path / "0.csv") == ("first one", "x", "city")
        assert table.schema.names == ["city", "x", "first one"]
        assert table["first one"].to_pylist() == [int(row[0]) for row in rows]
        assert table["x"].to_pylist() == [float(row[1]) for row in rows]
        assert table["city"].to_pylist() == [row[2] for row in rows]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_in_a_file_of_one_column_every_line_is_a_row(
    tmp_path: Path, block_bytes: int, end: str
) -> None:
    cells = ["1.5", "", "3", '""', ""] * 30
    for last in (end, ""):
        [table] = converted(tmp_path, end.join(["x", *cells, "4"]) + last)
        assert table["x"].to_pylist() == [1.5, None, 3, None, None] * 30 + [4]


def test_empty_lines_between_rows_of_several_cells_are_skipped(
    tmp_path: Path, block_bytes: int
) -> None:
    [table] = converted(tmp_path, "\n\nx,y\n\n1,2\n\n\n" + "3,4\n\n" * 30)
    assert table["x"].to_pylist() == [1] + [3] * 30


def test_names_lose_the_blanks_around_them(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(' x 1 ,"a,b",,\ty\t,\n1,2,3,4,5\n')
    assert csv_columns(tmp_path / "a.csv") == ("x 1", "a,b", "", "y", "")


def test_a_quote_inside_a_cell_is_text(tmp_path: Path, block_bytes: int) -> None:
    cells = ['5" pipe', "plain", 'two"" of them', "a'b"] * 25
    assert one_column(tmp_path, cells).to_pylist() == cells


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("inside", ["\n", "\r\n", "\r"])
def test_quoted_cells_may_contain_line_ends_that_end_no_row_of_the_file(
    tmp_path: Path, block_bytes: int, end: str, inside: str
) -> None:
    cells = [f"first{inside}second {number}" for number in range(50)]
    lines = ["n,x", *(f"{number},{quoted(cell)}" for number, cell in enumerate(cells))]
    [table] = converted(tmp_path, end.join(lines), columns=["n", "x"])
    assert table["n"].to_pylist() == list(range(50))
    assert table["x"].to_pylist() == cells


def test_the_header_may_end_otherwise_than_the_rows(tmp_path: Path, block_bytes: int) -> None:
    [table] = converted(tmp_path, "x,y\r" + "1,2\n" * 50)
    assert table["x"].to_pylist() == [1] * 50


@quick
@given(
    rows=st.lists(
        st.tuples(
            *[st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)] * 3
        ),
        max_size=20,
    ),
    delimiter=st.sampled_from(dialect.DELIMITERS),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    block=st.sampled_from([200, 1000, 1 << 20]),
)
def test_any_quoted_text_is_read_as_it_was_written(
    tmp_path: Path, rows: list[tuple[str, str, str]], delimiter: str, end: str, block: int
) -> None:
    # The underscore makes every cell text, neither missing nor a number.
    cells = [[f"_{cell}" for cell in row] for row in [*rows, ("a", "b", "c")]]
    text = end.join(delimiter.join(map(quoted, row)) for row in [["x", "y", "z"], *cells]) + end
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))[1:] == cells
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dialect, "BLOCK_BYTES", block)
        [table] = converted(tmp_path, text, columns=["x", "y", "z"])
    assert [list(row.values()) for row in table.to_pylist()] == cells


# Every digit is kept


@quick
@given(
    values=st.lists(st.floats(allow_nan=False), min_size=1), block=st.sampled_from([64, 1 << 20])
)
def test_floats_are_read_to_the_last_bit(tmp_path: Path, values: list[float], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dialect, "BLOCK_BYTES", block)
        column = one_column(tmp_path, [repr(value) for value in [0.5, *values]])
    assert bits(column.to_pylist()) == bits([0.5, *values])


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


# A column has the narrowest type that holds all of its cells


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
        (["-", "1"], pa.string(), ["-", "1"]),
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


def test_columns_that_fit_the_first_block_are_converted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialect, "BLOCK_BYTES", 256)
    # It would be an error to call it.
    monkeypatch.setattr(convert, "_convert_from_text", None)
    rows = [f"{i},{i / 7!r},word {i},true,2024-01-{i % 28 + 1:02}" for i in range(500)]
    [table] = converted(
        tmp_path, "\n".join(["i,x,w,b,d", *rows]), columns=["i", "x", "w", "b", "d"]
    )
    assert table.schema.types == [pa.int64(), pa.float64(), pa.string(), pa.bool_(), pa.date32()]
    assert table["x"].to_pylist() == [i / 7 for i in range(500)]


def test_one_schema_for_all_files_and_each_file_its_own_dialect(tmp_path: Path) -> None:
    tables = converted(
        tmp_path,
        "x,y\n1,a\n",
        "z;y;x\n0;;1,5\n0;b;NA\n",
        "x\ty\n\tc\n",
        "y|x\n",
        columns=["x", "y"],
    )
    assert {table.schema for table in tables} == {
        pa.schema([("x", pa.float64()), ("y", pa.string())])
    }
    assert [table["x"].to_pylist() for table in tables] == [[1.0], [1.5, None], [None], []]
    assert [table["y"].to_pylist() for table in tables] == [["a"], [None, "b"], ["c"], []]


def test_a_file_without_rows_becomes_a_file_without_rows(tmp_path: Path) -> None:
    for header in ("x,y", "x,y\n", "x,y\r\n\r\n\r\n"):
        [table] = converted(tmp_path, header, columns=["x", "y"])
        assert (table.num_rows, table.schema.types) == (0, [pa.float64(), pa.float64()])


# Decimal commas


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
def test_commas_are_decimal_only_where_the_delimiter_is_a_semicolon(
    tmp_path: Path, delimiter: str
) -> None:
    [table] = converted(tmp_path, f'x{delimiter}y\n"1,234"{delimiter}2\n')
    assert table["x"].to_pylist() == ["1,234"]


# Every error is one line


UTF16 = "x,y\n1,2\n".encode("utf-16")
BROKEN = {
    "empty": (b"", ": is empty; the first row has to hold the column names"),
    "only blank lines": (b"\n \n", ": is empty"),
    "only a byte order mark": (b"\xef\xbb\xbf", ": is empty"),
    "no names": (b",,\n1,2,3\n", ": has no column names"),
    "no header": (b"1.5,2\n3,4\n", ": has no header; found only numbers in the first row: 1.5, 2"),
    "no header, decimal comma": (b"1,5;2\n3;4\n", ": has no header; found"),
    "no header, missing cell": (b"1.5,NA\n3,4\n", ": has no header; found"),
    "name twice": (b"x,y, x\n1,2,3\n", ": column x: duplicate column name"),
    "absent column": (
        b"y,X,xx\n1,2,3\n",
        ": column x: there is no such column; the columns are xx, y, X",
    ),
    "unnamed columns": (b"y,,\n1,2,3\n", ": column x: there is no such column; the columns are y"),
    "too many cells": (
        b"x,y\n1,2\n1,2,3\n",
        ": row 2: has 3 cells where the header has 2; found 1,2,3",
    ),
    "too few cells": (b"x,y\n1,2\n\n1\n", ": row 2: has 1 cell where the header has 2; found 1"),
    "many cells, one column": (
        b"x\n1\n\n1,5\n",
        ": row 3: has 2 cells where the header has 1; found 1,5",
    ),
    "cut off": (b"x,y\n1,2\n1,2\n1", ": row 3: has 1 cell "),
    "delimiters only": (b"x,y\n1,2\n,,\n", ": row 2: has 3 cells"),
    "quote not closed": (b'x,y\n1,2\n1,"2\n3,4\n', ": row 2: a quote is not closed"),
    "quote not closed in the last cell": (b'x,y\n1,2\n3,"4', ": row 2: a quote is not closed"),
    "quote not closed in the first cell": (b'x,y\n1,2\n"3,4\n', ": row 2: a quote is not closed"),
    "quote not closed in one column": (b'x\n1\n"2\n3', ": row 2: a quote is not closed"),
    "quote not closed in the header": (b'x,"y\n1,2\n3,4\n', ": the header cannot be read"),
    "NUL": (b"x,y\n1,2\n3,\0\n", ": is not text; found a NUL byte at offset 10"),
    "NUL in the header": (b"x,\0\n1,2\n", ": is not text; found a NUL byte at offset 2"),
    "Latin-1": (
        "x,y\n1,é\n".encode("latin-1"),
        ": is not UTF-8; found byte 0xE9 at offset 6; convert it",
    ),
    "Latin-1 in the header": (
        "x,é\n1,2\n".encode("latin-1"),
        ": is not UTF-8; found byte 0xE9 at offset 2",
    ),
    "UTF-8, cut off": ("x,y\n1,é".encode()[:-1], ": is not UTF-8; found byte 0xC3 at offset 6"),
    "UTF-16": (UTF16, ": is not UTF-8; found byte 0xFF at offset 0; if it is UTF-16"),
    "UTF-16 without a mark": (
        UTF16[2:],
        ": is not text; found a NUL byte at offset 1; if it is UTF-16",
    ),
    "two delimiters": (b"x,a;y\n1,b;2\n", ": ambiguous delimiter; found ',' and ';'"),
}


def refused(path: Path, column: str = "x") -> str:
    with pytest.raises(UserError) as caught:
        csv_to_parquet([path], [column], path.parent / "out")
    assert not list(path.parent.glob("out/*"))
    message = str(caught.value)
    assert message.startswith(str(path))
    assert len(message.splitlines()) == 1
    return message.removeprefix(str(path))


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_one_line(tmp_path: Path, name: str) -> None:
    content, expected = BROKEN[name]
    (tmp_path / "a.csv").write_bytes(content)
    assert expected in refused(tmp_path / "a.csv")


def test_what_is_not_a_file_is_refused_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    for name, what in [
        ("none", "there is no such file"),
        ("folder", "is a folder"),
        ("fifo", "is not a regular file"),
    ]:
        assert refused(tmp_path / name).startswith(f": {what}")
        with pytest.raises(UserError):
            csv_columns(tmp_path / name)


@pytest.mark.parametrize("broken", ["1,2,3", "1", "1,a,3"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_are_counted_from_1_below_the_header_in_any_block(
    tmp_path: Path, block_bytes: int, broken: str, end: str
) -> None:
    rows = ["1,2"] * 100 + ['"3\n4",5', broken] + ["6,7"] * 100
    (tmp_path / "a.csv").write_text(end.join(["x,y", *rows]), newline="")
    assert refused(tmp_path / "a.csv").startswith(": row 102: has ")


def test_damage_far_from_the_start_is_found_with_its_offset(
    tmp_path: Path, block_bytes: int
) -> None:
    good = "x,y\n" + "1,é\n" * 200
    for damage, what in [(b"\0", "a NUL byte"), (b"\xff", "byte 0xFF")]:
        (tmp_path / "a.csv").write_bytes(good.encode() + b"1," + damage + b"\n" + b"2,b\n" * 99)
        assert f"found {what} at offset {len(good.encode()) + 2};" in refused(tmp_path / "a.csv")


def test_a_row_longer_than_a_block_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialect, "BLOCK_BYTES", 100)
    (tmp_path / "a.csv").write_text("x,y\n" + "1,2\n" * 40 + "1," + "9" * 300 + "\n")
    assert refused(tmp_path / "a.csv").startswith(
        ": row 41: the row is longer than 100 bytes; look for"
    )
    (tmp_path / "a.csv").write_text("x,y\n" + "1,2\n" * 40 + '1,"2\n' + "1,2\n" * 100)
    assert ": row 41: the row is longer than 100 bytes; look for a quote" in refused(
        tmp_path / "a.csv"
    )
    (tmp_path / "a.csv").write_text("x," + "y" * 300 + "\n1,2\n")
    assert refused(tmp_path / "a.csv").startswith(": the header is longer than 100 bytes")


def test_cells_of_many_kilobytes_are_read(tmp_path: Path) -> None:
    cells = ["a" * 200_000, "b" * 1_000_000]
    assert one_column(tmp_path, cells).to_pylist() == cells


def test_an_unnamed_column_exists_but_cannot_be_selected(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",x\n1,2\n")
    assert csv_columns(tmp_path / "a.csv") == ("", "x")
    assert "there is no such column" in refused(tmp_path / "a.csv", column="")


def test_a_column_absent_in_a_later_file_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text("y\n2\n")
    with pytest.raises(
        UserError, match=r"b\.csv: column x: there is no such column; the columns are y$"
    ):
        csv_to_parquet([tmp_path / "a.csv", tmp_path / "b.csv"], ["x"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


# Size


def test_row_groups_are_full_and_rows_in_order_in_a_long_file(tmp_path: Path) -> None:
    num_rows = ROWS_PER_GROUP + 70_000
    path = tmp_path / "a.csv"
    path.write_text("x,i\n" + "".join(f"0.{i},{i}\n" for i in range(num_rows)))
    [target] = csv_to_parquet([path], ["i"], tmp_path / "out")
    assert target == tmp_path / "out" / "part-00000.parquet"
    assert pq.read_table(target)["i"].to_numpy().tolist() == list(range(num_rows))
    metadata = pq.read_metadata(target)
    assert [metadata.row_group(i).num_rows for i in range(2)] == [ROWS_PER_GROUP, 70_000]


MEASURE = """
import resource, sys
from pathlib import Path
from linreg.data.csv.convert import csv_to_parquet
folder = Path(sys.argv[1])
for name in ("short.csv", "long.csv"):
    csv_to_parquet([folder / name], ["x", "w"], folder / "out")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    row = "0.12345678901234567,word,3\n"
    (tmp_path / "short.csv").write_text("x,w,i\n" + row * 400_000)  # 10 MB
    (tmp_path / "long.csv").write_text("x,w,i\n" + row * 2_000_000)  # 52 MB
    process = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path], capture_output=True, text=True, check=True
    )
    short, long = map(int, process.stdout.split())
    assert long - short < 20  # MiB
