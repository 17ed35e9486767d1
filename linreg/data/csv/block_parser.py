"""A block of a CSV file parsed by pyarrow, which has to tell whether it consists of whole rows."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from linreg.data.cells.numbers import has_hexadecimal
from linreg.data.cells.words import BLANKS, FALSE, TRUE
from linreg.data.csv.block_lines import without_empty_rows
from linreg.data.csv.dialect import CsvFile
from linreg.data.csv.quotes import QUOTE, count_byte, first_row_with_stray_quote

_END_OF_DOS_FILE = b"\x1a"
"""Ctrl-Z, with which DOS ends a text file."""


class StrayQuote(NamedTuple):
    """The first row of a block with text after a closing quote: its number, and how it begins."""

    row: int
    text: str


class ParsedBlock(NamedTuple):
    """The rows of a block, or what is wrong with it. Rows are numbered from 1 in each block.

    rows           None where one is irregular, or where the block ends inside quotes
    last_row       the number of the row in which the block, or the parser, ended
    irregular_row  the first row with too few or too many cells, if the block does not end inside it
    stray_quote    if a row has text after a closing quote, which pyarrow takes for part of the cell
    num_empty      how many rows had nothing but empty cells: they are left out, and not counted
    """

    rows: pa.Table | None
    last_row: int
    irregular_row: csv.InvalidRow | None = None
    stray_quote: StrayQuote | None = None
    num_empty: int = 0


class BlockParser:
    """Parses blocks of a file, each by itself, and in several threads if need be."""

    def __init__(self, file: CsvFile, schema: pa.Schema, decimal: str = ".") -> None:
        self._file = file
        self._num_columns = len(file.names)
        # A row with one cell too many and a NUL, unlike any row of the file. Appended to a block it
        # is passed to the handler of irregular rows, unless the block ends inside quotes: then
        # pyarrow takes it for a part of the last cell.
        self._end_mark = (file.delimiter * len(file.names) + "\0").encode()
        self._integers = pa.schema(
            [(field.name, pa.string()) for field in schema if pa.types.is_integer(field.type)]
        )
        self._convert_options = csv.ConvertOptions(
            # Every byte of a block has been checked.
            check_utf8=False,
            column_types=schema,
            include_columns=schema.names,
            null_values=file.missing,
            strings_can_be_null=True,
            true_values=TRUE,
            false_values=FALSE,
            decimal_point=decimal,
        )

    def parse(self, block: bytearray) -> ParsedBlock:
        """Parse UTF-8 text without NUL that begins where a row does.

        The end mark is appended to it, unless it is there already: a copy would take time. Raises
        ArrowInvalid when a cell does not fit its type.
        """
        if not self._file.is_plain:
            block = bytearray(self._file.plain(bytes(block)))
        if block.endswith(_END_OF_DOS_FILE):
            block = block[:-1]
        if not block.endswith(self._end_mark):
            if block and block[-1] not in b"\r\n":
                block += self._file.line_end
            block += self._end_mark
        parsed = self._parse_plain(block)
        if self._may_have_empty_rows(parsed):
            text, num_empty = without_empty_rows(
                bytes(block), self._file.delimiter, self._num_columns
            )
            if num_empty:
                return self._parse_plain(bytearray(text))._replace(num_empty=num_empty)
        return parsed

    def _may_have_empty_rows(self, parsed: ParsedBlock) -> bool:
        if self._num_columns == 1:
            return False
        if parsed.rows is None:
            return parsed.irregular_row is not None
        return all(cells.null_count for cells in parsed.rows.columns)

    def _parse_plain(self, block: bytearray) -> ParsedBlock:
        """Parse text with the end mark that needs no changes."""
        irregular_rows: list[csv.InvalidRow] = []

        def on_irregular_row(row: csv.InvalidRow) -> Literal["error", "skip"]:
            irregular_rows.append(row)
            return "skip" if self._is_end(row) else "error"

        try:
            rows = csv.read_csv(
                pa.BufferReader(block),
                self._read_options(len(block)),
                self._parse_options(on_irregular_row),
                self._convert_options,
            )
        except pa.ArrowInvalid:
            if not irregular_rows or self._is_end(irregular_rows[-1]):
                # A cell does not fit its type.
                raise
            row = irregular_rows[-1]
            ends_inside = row.text.endswith("\0")
            return ParsedBlock(None, row.number, irregular_row=None if ends_inside else row)
        if not irregular_rows:
            return ParsedBlock(None, rows.num_rows)
        stray_quote = None
        # A line end that ends no row belongs to a cell (or to an empty line): see quotes.py.
        # A backslash may stand before a quote where the first block had none.
        if QUOTE in block and (
            count_byte(block, self._file.line_end) != rows.num_rows
            or (b"\\" in block and b'\\"' in block)
        ):
            stray_quote = self._find_stray_quote(block, rows.num_rows)
        if self._has_hexadecimal(block):
            raise pa.ArrowInvalid("a hexadecimal number, which is text")
        rows = _with_padded_missing_as_null(rows, self._file.missing)
        return ParsedBlock(rows, rows.num_rows, None, stray_quote)

    def _has_hexadecimal(self, block: bytearray) -> bool:
        """Whether pyarrow took a cell such as 0x1F for an integer: here it is text."""
        if not (self._integers and _has_x_after_zero(block)):
            return False
        options = csv.ConvertOptions(
            check_utf8=False, column_types=self._integers, include_columns=self._integers.names
        )
        rows = pa.BufferReader(memoryview(block)[: -len(self._end_mark)])
        texts = csv.read_csv(rows, self._read_options(len(block)), self._parse_options(), options)
        return any(has_hexadecimal(cells) for cells in texts.columns)

    def _read_options(self, num_bytes: int) -> csv.ReadOptions:
        # With a single thread pyarrow numbers the rows. A block would not keep several busy anyway.
        return csv.ReadOptions(
            block_size=num_bytes, column_names=self._file.names, use_threads=False
        )

    def _parse_options(
        self, on_irregular_row: Callable[[csv.InvalidRow], Literal["error", "skip"]] | None = None
    ) -> csv.ParseOptions:
        return csv.ParseOptions(
            delimiter=self._file.delimiter,
            newlines_in_values=True,
            ignore_empty_lines=len(self._file.names) > 1,
            invalid_row_handler=on_irregular_row,
        )

    def _is_end(self, row: csv.InvalidRow) -> bool:
        return bool(row.text.encode() == self._end_mark)

    def _find_stray_quote(self, block: bytearray, num_rows: int) -> StrayQuote | None:
        text = memoryview(block)[: -len(self._end_mark)]
        start = first_row_with_stray_quote(text, self._file.delimiter)
        if start is None:
            return None
        rows_from_there = csv.read_csv(
            pa.BufferReader(text[start:]), self._read_options(len(text)), self._parse_options()
        )
        row = num_rows - rows_from_there.num_rows + 1
        return StrayQuote(row, bytes(text[start : start + 1000]).decode(errors="replace"))


class TypedOrTextParser:
    """Parses like BlockParser, but all columns as text where a cell does not fit its type.

    Floats that are not a number do not fit either: pyarrow reads them from more texts than those
    for a missing cell.
    """

    def __init__(self, file: CsvFile, schema: pa.Schema) -> None:
        as_text = pa.schema([(name, pa.string()) for name in schema.names])
        self._typed = BlockParser(file, schema)
        self._text = BlockParser(file, as_text)

    def parse(self, block: bytearray) -> ParsedBlock:
        """Parse a block like BlockParser; never raises ArrowInvalid."""
        try:
            parsed = self._typed.parse(block)
        except pa.ArrowInvalid:
            return self._text.parse(block)
        has_nan = parsed.rows is not None and any(
            pa.types.is_floating(cells.type) and pc.any(pc.is_nan(cells)).as_py()
            for cells in parsed.rows.columns
        )
        return self._text.parse(block) if has_nan else parsed


def _has_x_after_zero(block: bytearray) -> bool:
    """Whether 0x or 0X occurs; in a fifth of the time that `in` takes for two bytes."""
    if b"x" not in block and b"X" not in block:
        return False
    characters = np.frombuffer(block, np.uint8)
    is_x = (characters | 0x20) == ord("x")
    return bool((is_x[1:] & (characters[:-1] == ord("0"))).any())


def _with_padded_missing_as_null(rows: pa.Table, missing: Sequence[str]) -> pa.Table:
    """Make text null that is a word for missing with blanks around it.

    pyarrow recognizes the words only without blanks.
    """
    words = pa.array([word.strip(BLANKS) for word in missing])
    columns = []
    for cells in rows.columns:
        if pa.types.is_string(cells.type):
            trimmed = pc.ascii_trim(cells, BLANKS)
            # Most text has no blanks around it, and looking for the words takes longest.
            if not trimmed.equals(cells):
                cells = pc.if_else(pc.is_in(trimmed, words), None, cells)
        columns.append(cells)
    return pa.table(columns, rows.schema)
