"""The rows of a CSV file as Arrow tables, block by block.

Blocks are cut here and parsed by pyarrow one at a time. pyarrow's own streaming reader would read
some thirty blocks ahead, on a thread that may outlive the reader and abort the interpreter at its
exit.
"""

from collections.abc import Iterator
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from linreg.data.csv import dialect
from linreg.data.csv.dialect import CsvFile
from linreg.data.csv.encoding import Utf8Decoder
from linreg.data.csv.quotes import first_row_with_stray_quote
from linreg.data.csv.values import BLANKS, FALSE, MISSING, TRUE
from linreg.errors import UserError


def read_rows(file: CsvFile, schema: pa.Schema, decimal: str = ".") -> Iterator[pa.Table]:
    """Yield the columns of `schema`, at most a block at a time; missing cells are null.

    Raises ArrowInvalid when a cell does not fit its type (text takes every cell), and UserError for
    a row with too few or too many cells or one longer than a block, for a quote that is not closed
    or is followed by text, for NUL bytes and for bytes that are not UTF-8.
    """
    parser = _BlockParser(file, schema, decimal)
    decoder = Utf8Decoder(file.path, offset=file.rows_offset)
    unparsed = b""
    with file.path.open("rb") as raw:
        raw.seek(file.rows_offset)
        while True:
            read = raw.read(dialect.BLOCK_BYTES)
            at_end = not read
            decoder.check(read, final=at_end)
            unparsed += read
            if not unparsed:
                return
            for end in [len(unparsed)] if at_end else _possible_ends(unparsed, file.line_end):
                rows = parser.parse(memoryview(unparsed)[:end])
                if rows is not None:
                    yield rows
                    unparsed = unparsed[end:]
                    break
            else:
                parser.require_more(unparsed, at_end)


class _BlockParser:
    """Parses blocks, and finds out whether a block consists of whole rows."""

    def __init__(self, file: CsvFile, schema: pa.Schema, decimal: str) -> None:
        self._file = file
        self._num_rows = 0
        # The number of the row in which the last block ended.
        self._last_row = 0
        self._irregular_rows: list[csv.InvalidRow] = []
        # A row with one cell too many and a NUL, unlike any row of the file. Appended to a block it
        # is passed to the handler of irregular rows, unless the block ends inside quotes: then
        # pyarrow takes it for a part of the last cell.
        self._end_mark = file.delimiter * len(file.names) + "\0"
        self._parse_options = csv.ParseOptions(
            delimiter=file.delimiter,
            newlines_in_values=True,
            ignore_empty_lines=len(file.names) > 1,
            invalid_row_handler=self._on_irregular_row,
        )
        self._convert_options = csv.ConvertOptions(
            # The decoder has checked every byte.
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
        """Return the rows of a block; None when it ends inside quotes."""
        line_end = b"" if block[-1] in b"\r\n" else self._file.line_end
        data = b"".join([block, line_end, self._end_mark.encode()])
        self._irregular_rows.clear()
        try:
            rows = csv.read_csv(
                pa.BufferReader(data),
                self._read_options(len(data)),
                self._parse_options,
                self._convert_options,
            )
        except pa.ArrowInvalid:
            if not self._irregular_rows or self._irregular_rows[-1].text == self._end_mark:
                # A cell does not fit its type.
                raise
            self._last_row = self._num_rows + self._irregular_rows[-1].number
            self._refuse_unless_unfinished(self._irregular_rows[-1])
            return None
        self._last_row = self._num_rows + rows.num_rows
        if not self._irregular_rows:
            return None
        # A line end that ends no row belongs to a cell (or to an empty line): see quotes.py.
        if data.count(self._file.line_end) != rows.num_rows:
            self._refuse_stray_quote(block, rows.num_rows)
        self._num_rows = self._last_row
        return _with_padded_missing_as_null(rows)

    def require_more(self, unparsed: bytes, at_end: bool) -> None:
        """Raise UserError for bytes of an unfinished row that further bytes cannot finish."""
        where = f"{self._file.path}: row {max(self._last_row, self._num_rows + 1)}"
        if at_end:
            todo = "close it, in this row or in one above"
            raise UserError(where, "a quote is not closed", todo=todo)
        if len(unparsed) > dialect.BLOCK_BYTES:
            what = f"the row is longer than {dialect.BLOCK_BYTES} bytes"
            raise UserError(where, what, todo="look for a quote that is not closed")

    def _read_options(self, num_bytes: int) -> csv.ReadOptions:
        # With a single thread pyarrow numbers the rows. A block would not keep several busy anyway.
        return csv.ReadOptions(
            block_size=num_bytes, column_names=self._file.names, use_threads=False
        )

    def _on_irregular_row(self, row: csv.InvalidRow) -> Literal["error", "skip"]:
        self._irregular_rows.append(row)
        return "skip" if row.text == self._end_mark else "error"

    def _refuse_unless_unfinished(self, row: csv.InvalidRow) -> None:
        """Raise UserError for a row with too few or too many cells.

        One that ends with the end mark is unfinished: the block ended inside quotes.
        """
        if row.text.endswith("\0"):
            return
        todo = "correct the row"
        if row.actual_columns > row.expected_columns:
            todo += f", or put quotes around cells that contain {self._file.delimiter!r}"
        cells = f"{row.actual_columns} cell{'s' if row.actual_columns != 1 else ''}"
        raise UserError(
            f"{self._file.path}: row {self._last_row}",
            f"has {cells} where the header has {row.expected_columns}",
            found=row.text,
            todo=todo,
        )

    def _refuse_stray_quote(self, block: memoryview, num_rows: int) -> None:
        """Raise UserError for a row of the block with text after a closing quote.

        pyarrow takes that text for a part of the cell.
        """
        start = first_row_with_stray_quote(block, self._file.delimiter)
        if start is None:
            return
        rows_from_there = csv.read_csv(
            pa.BufferReader(block[start:]), self._read_options(len(block)), self._parse_options
        )
        row = self._num_rows + num_rows - rows_from_there.num_rows + 1
        raise UserError(
            f"{self._file.path}: row {row}",
            "has text after a closing quote",
            found=bytes(block[start : start + 1000]).decode(errors="replace"),
            todo="look for a quote that is not closed; double a quote inside a quoted cell",
        )


def _possible_ends(block: bytes, line_end: bytes) -> Iterator[int]:
    """Yield where the last whole row may end: after paired quotes, then after unpaired ones.

    The latter is right where a cell such as `5" pipe` contains a quote without being quoted.
    """
    for parity_of_whole_rows in (0, 1):
        end = block.rfind(line_end) + 1
        parity = block.count(b'"', 0, end) % 2
        while end and parity != parity_of_whole_rows:
            previous = block.rfind(line_end, 0, end - 1) + 1
            parity ^= block.count(b'"', previous, end) % 2
            end = previous
        if end:
            yield end


def _with_padded_missing_as_null(rows: pa.Table) -> pa.Table:
    """Make text null that is a word for missing with blanks around it.

    pyarrow recognizes the words only without blanks.
    """
    words = pa.array(MISSING)
    columns = [
        pc.if_else(pc.is_in(pc.ascii_trim(cells, BLANKS), words), None, cells)
        if pa.types.is_string(cells.type)
        else cells
        for cells in rows.columns
    ]
    return pa.table(columns, rows.schema)
