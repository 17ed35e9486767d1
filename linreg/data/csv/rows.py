"""The rows of a CSV file as Arrow batches, block by block; whatever is wrong with the file is a
UserError.

Blocks are cut here and parsed by pyarrow one at a time, not by its streaming reader: that one reads
some thirty blocks ahead, on a thread that may outlive the reader and then abort the interpreter on
its way out.
"""

from collections.abc import Iterator
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from linreg.data.csv import dialect
from linreg.data.csv.dialect import CsvFile, TextCheck
from linreg.data.csv.quotes import stray_row
from linreg.data.csv.words import BLANKS, FALSE, MISSING, TRUE
from linreg.errors import UserError


def csv_rows(file: CsvFile, schema: pa.Schema, decimal: str = ".") -> Iterator[pa.Table]:
    """Read the columns of `schema`, at most a block at a time; missing cells are null.

    Raises ArrowInvalid when a cell does not fit its type (every cell is text), and UserError for a
    row with too few or too many cells, or longer than a block, for a quote that is not closed, or
    closed before its cell ends, and for NUL bytes and bytes that are not UTF-8.
    """
    parser = _Parser(file, schema, decimal)
    text = TextCheck(file.path, offset=file.first_row)
    rest = b""
    with file.path.open("rb") as raw:
        raw.seek(file.first_row)
        while True:
            piece = raw.read(dialect.BLOCK_BYTES)
            text.check(piece, final=not piece)
            rest += piece
            if not rest:
                return
            for end in _row_ends(rest, file.line_end) if piece else [len(rest)]:
                rows = parser.parse(memoryview(rest)[:end])
                if rows is not None:
                    yield rows
                    rest = rest[end:]
                    break
            else:
                parser.require_more(rest, at_end=not piece)


class _Parser:
    """Parses blocks of whole rows, and tells whether a block is one."""

    def __init__(self, file: CsvFile, schema: pa.Schema, decimal: str) -> None:
        self._file = file
        self._num_rows = 0
        # the number of the row that the last block ended in
        self._last_row = 0
        self._irregular: list[csv.InvalidRow] = []
        # A row with a cell too many and a NUL, unlike any row of the file. Behind a block it comes
        # to the handler of irregular rows, unless the block ends inside quotes: pyarrow takes that
        # for a whole cell.
        self._end_mark = file.delimiter * len(file.names) + "\0"
        self._parse_options = csv.ParseOptions(
            delimiter=file.delimiter,
            newlines_in_values=True,
            ignore_empty_lines=len(file.names) > 1,
            invalid_row_handler=self._on_irregular_row,
        )
        self._convert_options = csv.ConvertOptions(
            # every byte was checked before
            check_utf8=False,
            column_types=schema,
            include_columns=schema.names,
            null_values=MISSING,
            strings_can_be_null=True,
            true_values=TRUE,
            false_values=FALSE,
            decimal_point=decimal,
        )

    def parse(self, block: memoryview) -> pa.Table | None:
        """Parse the rows of a block; None when it ends inside quotes."""
        last_end = b"" if block[-1] in b"\r\n" else self._file.line_end
        data = b"".join([block, last_end, self._end_mark.encode()])
        options = self._read_options(len(data))
        self._irregular.clear()
        try:
            rows = csv.read_csv(
                pa.BufferReader(data), options, self._parse_options, self._convert_options
            )
        except pa.ArrowInvalid:
            if not self._irregular or self._irregular[-1].text == self._end_mark:
                # a cell does not fit its type
                raise
            self._last_row = self._num_rows + self._irregular[-1].number
            self._refuse_unless_open(self._irregular[-1])
            return None
        self._last_row = self._num_rows + rows.num_rows
        if not self._irregular:
            return None
        if data.count(self._file.line_end) != rows.num_rows:
            self._refuse_stray_quote(
                block,
                rows.num_rows,
                # a line has become part of a cell, or is empty
            )
        self._num_rows = self._last_row
        return _without_padded_missing(rows)

    def _read_options(self, num_bytes: int) -> csv.ReadOptions:
        # With one thread pyarrow numbers the rows; a block does not keep more of them busy.
        return csv.ReadOptions(
            block_size=num_bytes, column_names=self._file.names, use_threads=False
        )

    def require_more(self, rest: bytes, at_end: bool) -> None:
        """Raise a UserError unless the bytes of an unfinished row may become a whole one."""
        where = f"{self._file.path}: row {max(self._last_row, self._num_rows + 1)}"
        if at_end:
            raise UserError(
                where, "a quote is not closed", todo="close it, here or in a row before"
            )
        if len(rest) > dialect.BLOCK_BYTES:
            what = f"the row is longer than {dialect.BLOCK_BYTES} bytes"
            raise UserError(where, what, todo="look for a quote that is not closed")

    def _refuse_stray_quote(self, block: memoryview, num_rows: int) -> None:
        """Raise a UserError for a row with text behind a closing quote, which pyarrow takes for
        part of the cell.
        """
        start = stray_row(block, self._file.delimiter)
        if start is None:
            return
        behind = csv.read_csv(
            pa.BufferReader(block[start:]), self._read_options(len(block)), self._parse_options
        )
        row = self._num_rows + num_rows - behind.num_rows + 1
        found = bytes(block[start : start + 1000]).decode(errors="replace")
        todo = "look for a quote that is not closed; a quote inside a cell has to be doubled"
        raise UserError(
            f"{self._file.path}: row {row}",
            "has text behind a closing quote",
            found=found,
            todo=todo,
        )

    def _on_irregular_row(self, row: csv.InvalidRow) -> Literal["error", "skip"]:
        self._irregular.append(row)
        return "skip" if row.text == self._end_mark else "error"

    def _refuse_unless_open(self, row: csv.InvalidRow) -> None:
        """Raise a UserError for a row of too few or too many cells; one with the end mark is not
        whole.
        """
        if not row.text.endswith("\0"):
            cells = f"{row.actual_columns} cell{'s' if row.actual_columns != 1 else ''}"
            what = f"has {cells} where the header has {row.expected_columns}"
            where = f"{self._file.path}: row {self._last_row}"
            todo = (
                "correct the row"
                if row.actual_columns < row.expected_columns
                else (
                    f"correct the row, or put quotes around cells that hold {self._file.delimiter!r}"
                )
            )
            raise UserError(where, what, found=row.text, todo=todo)


def _row_ends(block: bytes, line_end: bytes) -> Iterator[int]:
    """Yield where the last whole row may end: behind paired quotes, then behind unpaired ones.

    The second is right after a cell such as `5" pipe`, whose quote is none.
    """
    for unpaired in (0, 1):
        end = block.rfind(line_end) + 1
        parity = block.count(b'"', 0, end) % 2
        while end and parity != unpaired:
            previous = block.rfind(line_end, 0, end - 1) + 1
            parity ^= block.count(b'"', previous, end) % 2
            end = previous
        if end:
            yield end


def _without_padded_missing(rows: pa.Table) -> pa.Table:
    """Make text null that is a missing cell but for blanks around it: pyarrow knows only the exact
    words.
    """
    words = pa.array(MISSING)
    columns = [
        pc.if_else(pc.is_in(pc.ascii_trim(cells, BLANKS), words), None, cells)
        if pa.types.is_string(cells.type)
        else cells
        for cells in rows.columns
    ]
    return pa.table(columns, rows.schema)
