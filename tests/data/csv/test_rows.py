"""The rows of a file, and what makes them unreadable."""

import threading
from pathlib import Path

import pytest

from linreg.data.csv import dialect
from linreg.data.csv.block_parser import BlockParser, ParsedBlock
from tests.data.csv.converted import converted, one_column, quoted, refused


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


def test_a_quote_inside_a_cell_is_text(tmp_path: Path, block_bytes: int) -> None:
    cells = ['5" pipe', "plain", 'two"" of them', "a'b"] * 25
    assert one_column(tmp_path, cells).to_pylist() == cells


def test_cells_of_many_kilobytes_are_read(tmp_path: Path) -> None:
    cells = ["a" * 200_000, "b" * 1_000_000]
    assert one_column(tmp_path, cells).to_pylist() == cells


BROKEN = {
    "empty": (b"", ": is empty; the first row has to hold the column names"),
    "only blank lines": (b"\n \n", ": is empty"),
    "only a byte order mark": (b"\xef\xbb\xbf", ": is empty"),
    "no names": (b",,\n1,2,3\n", ": has no column names"),
    "no header": (b"1.5,2\n3,4\n", ": has no header; found only numbers in the first row: 1.5, 2"),
    "no header, decimal comma": (b"1,5;2\n3;4\n", ": has no header; found"),
    "no header, missing cell": (b"1.5,NA\n3,4\n", ": has no header; found"),
    "duplicate name": (b"x,y, x\n1,2,3\n", ": column x: duplicate column name"),
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
    "Latin-1 in the header": (
        "x,é\n1,2\n".encode("latin-1"),
        ": is not UTF-8; found byte 0xE9 at offset 2",
    ),
    "UTF-8, cut off": ("x,y\n1,é".encode()[:-1], ": is not UTF-8; found byte 0xC3 at offset 6"),
    "two delimiters": (
        b"x,a;y\n1,b;2\n",
        ": ambiguous delimiter; found ',' (1 | b;2) and ';' (1,b | 2)",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_one_line(tmp_path: Path, name: str) -> None:
    content, expected = BROKEN[name]
    (tmp_path / "a.csv").write_bytes(content)
    assert expected in refused(tmp_path / "a.csv")


@pytest.mark.parametrize("broken", ["1,2,3", "1", "1,a,3"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_are_counted_from_1_below_the_header_in_any_block(
    tmp_path: Path, block_bytes: int, broken: str, end: str
) -> None:
    rows = ["1,2"] * 100 + ['"3\n4",5', broken] + ["6,7"] * 100
    (tmp_path / "a.csv").write_text(end.join(["x,y", *rows]), newline="")
    assert refused(tmp_path / "a.csv").startswith(": row 102: has ")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "1,2,3",
            ": row 1: has 3 cells where the header has 2; found 1,2,3;"
            " correct the row, or put quotes around cells that contain ',';"
            " if the header is further down, set ingest.skip to the lines above it",
        ),
        ("1", ": row 1: has 1 cell where the header has 2; found 1; correct the row"),
    ],
)
def test_a_row_with_too_many_cells_may_lack_quotes(tmp_path: Path, row: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(f"x,y\n{row}\n")
    assert refused(tmp_path / "a.csv") == message


@pytest.mark.parametrize("row", [1, 2, 60, 100])
def test_text_after_a_closing_quote_is_refused_with_its_row(
    tmp_path: Path, block_bytes: int, row: int
) -> None:
    rows = ['1,"a\nb"'] * 100
    rows[row - 1] = '2,"a"b'
    (tmp_path / "a.csv").write_text("\n".join(["x,y", *rows, ""]))
    message = refused(tmp_path / "a.csv")
    assert message.startswith(f': row {row}: has text after a closing quote; found 2,"a"b')
    assert message.endswith("; double a quote inside a quoted cell")


@pytest.mark.parametrize("length", range(1, 8))
def test_a_block_may_end_in_a_cell_of_several_lines_again_and_again(
    tmp_path: Path, block_bytes: int, length: int
) -> None:
    cells = ["a\n" + "b" * length] * 100
    assert one_column(tmp_path, [quoted(cell) for cell in cells]).to_pylist() == cells


def test_words_for_missing_may_have_blanks_around_them(tmp_path: Path) -> None:
    cells = ["NA", " NA", "?\t", " null ", "a", " a", "N A", ""]
    missing = one_column(tmp_path, cells).is_null().to_pylist()
    assert missing == [True, True, True, True, False, False, False, True]


def test_regular_blocks_are_parsed_by_threads_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of quoted text with line ends and quotes in it, which is not ASCII, too."""
    threads = set()
    parse = BlockParser.parse

    def spy(parser: BlockParser, block: bytearray) -> ParsedBlock:
        threads.add(threading.current_thread())
        return parse(parser, block)

    monkeypatch.setattr(BlockParser, "parse", spy)
    monkeypatch.setattr(dialect, "BLOCK_BYTES", 100)
    cells = ['said "é"', "two\nlines", "a, b", "plain"] * 100
    assert one_column(tmp_path, [quoted(cell) for cell in cells]).to_pylist() == cells
    assert threads
    assert threading.current_thread() not in threads


def test_rows_below_a_block_with_misleading_quotes_are_read_too(tmp_path: Path) -> None:
    cells = ["plain"] * 200_000
    cells[100_000] = '5" pipe'
    cells[150_000:150_003] = ['"two\nlines"', "NA", "é"]
    expected = [{'"two\nlines"': "two\nlines", "NA": None}.get(cell, cell) for cell in cells]
    for block_bytes in (1 << 16, 1 << 20, 4 << 20):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dialect, "BLOCK_BYTES", block_bytes)
            assert one_column(tmp_path, cells).to_pylist() == expected


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
