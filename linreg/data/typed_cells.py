"""The cells of a file with types, converted to the types that the columns of its table have."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.cells.numbers import parse_cells
from linreg.data.tables.arrays import without_nan
from linreg.data.tables.column_types import plain_type
from linreg.data.tables.source_chunk import SourceChunk
from linreg.errors import UserError


def numbers_in(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the numbers that a column of text spells; null for what is none."""
    plain = text.cast(text.type.value_type) if pa.types.is_dictionary(text.type) else text
    return parse_cells(plain.cast(pa.string()), pa.float64())


def convert_chunk(chunk: SourceChunk, schema: pa.Schema) -> SourceChunk:
    """Return the columns of `schema` in its types; NaN is null.

    Raises UserError for a cell that does not fit its type, and for text that is not UTF-8.
    """
    columns = []
    for field in schema:
        column = chunk.rows.column(field.name)
        if column.type != field.type:
            try:
                column = _cast(column, field.type)
            except pa.ArrowInvalid as error:
                where = f"{chunk.origin}: column {field.name}"
                what = "holds a cell that does not fit its column"
                raise UserError(where, what, found=error) from None
        if pa.types.is_string(field.type):
            _require_utf8(column, chunk, field.name)
        columns.append(without_nan(column))
    return chunk._replace(rows=pa.Table.from_arrays(columns, schema=schema))


def _cast(column: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_run_end_encoded(column.type):
        column = pa.chunked_array([pc.run_end_decode(chunk) for chunk in column.chunks])
    if pa.types.is_floating(type_) and plain_type(column.type) == pa.string():
        return numbers_in(column)
    if pa.types.is_decimal(column.type):
        # By way of its digits, since pyarrow's own cast to float64 loses the last bits.
        column = column.cast(pa.string())
    # Integers above 2^53 are meant to be rounded to float64.
    return column.cast(type_, safe=not pa.types.is_float64(type_))


def _require_utf8(column: pa.ChunkedArray, chunk: SourceChunk, name: str) -> None:
    """Raise UserError for a cell of text that is not UTF-8, as other tools can write."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        row, found = next(
            (row, cell)
            for row, cell in enumerate(_bytes_of_cells(column), chunk.first_row)
            if not _is_utf8(cell)
        )
        where = f"{chunk.origin}: row {row}: column {name}"
        todo = "write the file again, with text in UTF-8"
        raise UserError(where, "is not UTF-8", found=found, todo=todo) from None


def _bytes_of_cells(column: pa.ChunkedArray) -> Iterator[bytes | None]:
    for array in column.chunks:
        for cell in array.view(pa.binary()):
            yield cell.as_py()


def _is_utf8(cell: bytes | None) -> bool:
    try:
        (cell or b"").decode()
    except UnicodeDecodeError:
        return False
    return True
