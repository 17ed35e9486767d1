"""The dialect of a file makes no difference to what is read from it."""

import csv
import io
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.data.csv import dialect
from linreg.data.csv.delimiter import DELIMITERS
from linreg.data.csv.dialect import read_header
from linreg.errors import UserError
from tests.data.csv.converted import converted, quick, quoted, refused


@pytest.mark.slow
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
        assert read_header(tmp_path / "0.csv").names == ("first one", "x", "city")
        assert table.schema.names == ["city", "x", "first one"]
        assert table["first one"].to_pylist() == [int(row[0]) for row in rows]
        assert table["x"].to_pylist() == [float(row[1]) for row in rows]
        assert table["city"].to_pylist() == [row[2] for row in rows]


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


@pytest.mark.slow
@quick
@given(
    rows=st.lists(
        st.tuples(
            *[st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)] * 3
        ),
        max_size=20,
    ),
    delimiter=st.sampled_from(DELIMITERS),
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


def test_names_lose_the_blanks_around_them(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(' x 1 ,"a,b",,\ty\t,\n1,2,3,4,5\n')
    assert read_header(tmp_path / "a.csv").names == ("x 1", "a,b", "", "y", "")


def test_an_unnamed_column_exists_but_cannot_be_selected(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",x\n1,2\n")
    assert read_header(tmp_path / "a.csv").names == ("", "x")
    assert "there is no such column" in refused(tmp_path / "a.csv", column="")


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
            read_header(tmp_path / name)
