"""Columns of text, or of numbers made of digits, that are read as dates and times."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.cells.words import MISSING_AMONG_VALUES
from linreg.data.dates.format import DateFormat, read_format
from linreg.data.tables.source_chunk import SourceChunk
from linreg.errors import UserError


@dataclass(frozen=True)
class DateColumn:
    """How the cells of a column are read as times.

    cells   the type of the column as it is stored
    type    the type that it gets
    format  how its cells are written; None where they are as pyarrow casts them
    """

    cells: pa.DataType
    type: pa.DataType
    format: DateFormat | None = None

    def parse(self, cells: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
        """Return cells as times, null where one is missing or written otherwise."""
        if self.format is None:
            return pc.utf8_trim_whitespace(cells).cast(self.type)
        return self.format.parse(as_text(cells, self.format))


DateColumns = Mapping[str, DateColumn]


def given_date_column(name: str, text: str, type_: pa.DataType) -> DateColumn:
    """Return how a column of a type is read that `ingest.dates` names with the format `text`.

    Raises UserError for a format that tells no time, and for a column of another type than text or
    whole numbers.
    """
    where = f"params.yaml: ingest.dates: {name}"
    try:
        format_ = read_format(text)
    except ValueError as error:
        raise UserError(where, str(error), found=repr(text)) from None
    if not (pa.types.is_string(type_) or pa.types.is_integer(type_)):
        todo = f"take {name} out of ingest.dates"
        raise UserError(where, "must be a column of text", found=str(type_), todo=todo)
    return DateColumn(type_, format_.type, format_)


def read_dates(chunk: SourceChunk, columns: DateColumns) -> SourceChunk:
    """Return a chunk with these columns as times.

    Raises UserError, with file, row and cell, for one that does not fit its format.
    """
    rows = chunk.rows
    for name, column in columns.items():
        cells = without_missing_words(rows.column(name))
        times = column.parse(cells)
        if times.null_count > cells.null_count:
            row = pc.index(pc.and_(pc.is_null(times), pc.is_valid(cells)), True).as_py()
            assert column.format is not None, "pyarrow has cast every cell before"
            raise UserError(
                f"{chunk.origin}: row {chunk.first_row + row}: column {name}",
                f"is not a time written as {column.format.text}",
                found=repr(cells[row].as_py()),
                todo="correct the cell, or the format in ingest.dates; what stands for a missing"
                " cell is named in ingest.missing_words",
            )
        rows = rows.set_column(rows.schema.names.index(name), name, times)
    return chunk._replace(rows=rows)


def without_missing_words(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return cells of text with null for the words that stand for a missing cell among values."""
    if not pa.types.is_string(cells.type):
        return cells
    is_word = pc.is_in(pc.utf8_trim_whitespace(cells), pa.array(MISSING_AMONG_VALUES))
    return pc.if_else(is_word, None, cells)


def as_text(cells: pa.ChunkedArray, format_: DateFormat) -> pa.ChunkedArray:
    """Return cells as the text that they were, with the leading zeros that numbers have lost.

    Of numbers with decimals, those of 03.2015 are four.
    """
    if pa.types.is_floating(cells.type):
        if "." in format_.text:
            shifted = pc.round(pc.multiply(cells.cast(pa.float64()), 1e4)).cast(pa.int64())
            digits = pc.utf8_lpad(shifted.cast(pa.string()), 6, "0")
            return pc.utf8_replace_slice(digits, 2, 2, ".")
        cells = cells.cast(pa.int64())
    text = cells.cast(pa.string())
    if format_.width is None or format_.text.startswith(("%Y", "%G")):
        return text
    return pc.utf8_lpad(pc.utf8_trim_whitespace(text), format_.width, "0")
