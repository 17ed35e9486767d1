"""The rows of a source with one plain type per column over all its files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from linreg.data.cells.cell_format import CellFormat
from linreg.data.csv.convert import csv_to_parquet
from linreg.data.source import Source
from linreg.data.tables.parquet import TableFile
from linreg.data.tables.prefetch import prefetch
from linreg.data.tables.progress import with_progress
from linreg.data.tables.reading_note import ReadingNote
from linreg.data.tables.sentinels import without_sentinels
from linreg.data.tables.source_chunk import SourceChunk
from linreg.errors import UserError

NO_SENTINELS: Mapping[str, Sequence[Any]] = MappingProxyType({})


@dataclass(frozen=True)
class TypedTable:
    """The rows of a source with one type per column.

    files      each Parquet file, and the user's file that holds the same rows
    every      read only every n-th row group, for a sample
    sentinels  by column, the values that are read as missing cells
    notes      what a person should know about how files and cells were read
    formats    by column how the cells of text files are written, if not plainly
    """

    schema: pa.Schema
    files: tuple[tuple[TableFile, Path], ...]
    every: int = 1
    sentinels: Mapping[str, Sequence[Any]] = dataclass_field(default_factory=dict)
    notes: tuple[ReadingNote, ...] = ()
    formats: Mapping[str, CellFormat] = dataclass_field(default_factory=dict)

    @property
    def num_rows(self) -> int:
        """The number of rows in all files."""
        return sum(file.num_rows for file, _ in self.files)

    @property
    def num_row_groups(self) -> int:
        """The number of row groups in all files."""
        return sum(file.num_row_groups for file, _ in self.files)

    @property
    def first_file(self) -> Path:
        """The first of the user's files, for messages about the whole table."""
        return self.files[0][1]

    def chunks(self) -> Iterator[SourceChunk]:
        """Yield the rows in order, a row group at a time; missing cells are null.

        Raises UserError for a cell that does not fit the type of its column.
        """
        skip = 0
        for file, origin in self.files:
            lengths = [file.row_group_length(index) for index in range(file.num_row_groups)]
            chosen = range(skip, file.num_row_groups, self.every)
            skip = (skip - file.num_row_groups) % self.every
            first_rows = list(accumulate(lengths, initial=1))
            row_groups = prefetch(file.row_group(index, self.schema.names) for index in chosen)
            total = sum(lengths[index] for index in chosen)
            shown = with_progress(row_groups, f"reading {origin.name}", total)
            for index, rows in zip(chosen, shown, strict=True):
                chunk = _convert(SourceChunk(rows, origin, first_rows[index]), self.schema)
                yield chunk._replace(rows=without_sentinels(chunk.rows, self.sentinels))


def open_typed_table(
    source: Source,
    columns: Sequence[str],
    scratch: Path,
    sentinels: Mapping[str, Sequence[Any]] = NO_SENTINELS,
) -> TypedTable:
    """Give each named column one type; CSV files are converted first, into the folder `scratch`.

    The types are int64, float32, float64, bool, string, date and timestamp; Parquet's other numbers
    become the narrowest of these that holds every value. Raises UserError for a column that is
    absent or of a nested type.
    """
    paths: Sequence[Path] = source.files
    notes = source.notes
    formats: Mapping[str, CellFormat] = {}
    if not source.is_parquet:
        converted = csv_to_parquet(source.files, columns, scratch, source.options)
        paths = converted.paths
        notes += tuple(converted.notes)
        formats = converted.formats
    files = tuple(
        (TableFile(path), origin) for path, origin in zip(paths, source.files, strict=True)
    )
    fields = []
    for name in columns:
        types = {_plain_type(_field(file, origin, name), origin) for file, origin in files}
        fields.append((name, _common_type(types, name, source)))
    return TypedTable(pa.schema(fields), files, sentinels=sentinels, notes=notes, formats=formats)


def unreadable_columns(source: Source) -> dict[str, str]:
    """Return the types of the columns that `open_typed_table` refuses: lists, structs and such."""
    if not source.is_parquet:
        return {}
    origin = source.files[0]
    unreadable = {}
    for field in TableFile(origin).schema:
        try:
            _plain_type(field, origin)
        except UserError:
            unreadable[field.name] = str(field.type)
    return unreadable


def _field(file: TableFile, origin: Path, name: str) -> pa.Field:
    names = file.schema.names
    if name not in names:
        where = f"{origin}: column {name}"
        raise UserError(where, "is not in this file", found=", ".join(names))
    return file.schema.field(name)


def _plain_type(field: pa.Field, origin: Path) -> pa.DataType:
    """Return the type that holds a Parquet column's values; raises UserError for a nested one."""
    type_ = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_integer(type_) and type_ != pa.uint64():
        return pa.int64()
    if pa.types.is_float16(type_) or pa.types.is_float32(type_):
        return pa.float32()
    if pa.types.is_floating(type_) or pa.types.is_decimal(type_) or type_ == pa.uint64():
        return pa.float64()
    if pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        return pa.string()
    if (
        pa.types.is_string(type_)
        or pa.types.is_boolean(type_)
        or pa.types.is_temporal(type_)
        or pa.types.is_null(type_)
    ):
        return type_
    raise UserError(
        f"{origin}: column {field.name}",
        "must hold numbers, text, truth values or times",
        found=str(field.type),
        todo="flatten it first, or leave it out of the formula",
    )


def _common_type(types: set[pa.DataType], name: str, source: Source) -> pa.DataType:
    """Return the one type of a column that has these in the files of a source."""
    # A file in which the column has no value goes with the others.
    types = types - {pa.null()} or {pa.float64()}
    if len(types) == 1:
        return types.pop()
    if all(pa.types.is_integer(each) or pa.types.is_floating(each) for each in types):
        return pa.float64()
    where = f"{source.files[0].parent}: column {name}"
    found = ", ".join(sorted(map(str, types)))
    raise UserError(where, "must have one type in all files", found=found)


def _convert(chunk: SourceChunk, schema: pa.Schema) -> SourceChunk:
    """Return the columns of `schema` in its types."""
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
        columns.append(column)
    return chunk._replace(rows=pa.Table.from_arrays(columns, schema=schema))


def _cast(column: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
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
