"""The user's table, whatever it comes as: CSV or Parquet, one file or a folder of files."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa

from linreg.data.csv.convert import csv_columns, csv_to_parquet
from linreg.data.tables.integrity import SUFFIX, table_path
from linreg.data.tables.parquet import TRUTH, TableFile
from linreg.data.tables.prefetch import prefetch
from linreg.data.tables.progress import with_progress
from linreg.data.tables.source_chunk import SourceChunk
from linreg.errors import UserError

WHERE = "params.yaml: ingest.source"


@dataclass(frozen=True)
class Source:
    """The files of a table in the order of their rows, and the names of its columns ('' for one
    without a name).

    `given_names` are those of CSV files without a header, else None. `stamps` are those of the
    files when their headers were read: another one later means that somebody has written to the
    file meanwhile.
    """

    files: tuple[Path, ...]
    is_parquet: bool
    columns: tuple[str, ...]
    given_names: tuple[str, ...] | None = None
    stamps: tuple[tuple[int, ...], ...] = ()

    def require_unchanged(self) -> None:
        """Raise UserError for a file that was changed, replaced or deleted since its header was
        read.
        """
        for file, before in zip(self.files, self.stamps, strict=False):
            if not file.exists() or _stamp(file) != before:
                raise UserError(
                    file,
                    "was changed while it was being read",
                    todo="run it again when nothing writes it",
                )

    @property
    def truth(self) -> Any:
        """The θ and b that the rows were drawn from, if the file says so."""
        if not self.is_parquet:
            return None
        text = (TableFile(self.files[0]).schema.metadata or {}).get(TRUTH)
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            raise UserError(
                self.files[0], f"has metadata {TRUTH.decode()} that is no JSON", found=error
            ) from None


def open_source(path: Path, names: tuple[str, ...] | None = None) -> Source:
    """Find the files of a source and read their headers; raises UserError when there is nothing to
    read.

    `names` are the columns of CSV files that have no header.
    """
    files = _files(path)
    stamps = tuple(_stamp(file) for file in files)
    is_parquet = [_is_parquet(file) for file in files]
    if any(is_parquet) != all(is_parquet):
        odd = files[is_parquet.index(not is_parquet[0])]
        raise UserError(
            path,
            "must hold either CSV or Parquet files",
            found=f"both, such as {files[0]} and {odd}",
        )
    if is_parquet[0] and names:
        raise UserError(
            files[0], "is Parquet, whose columns have names", todo="set ingest.names to null"
        )
    columns = _parquet_columns(files[0]) if is_parquet[0] else csv_columns(files[0], names)
    return Source(tuple(files), is_parquet[0], columns, names, stamps)


@dataclass(frozen=True)
class TypedTable:
    """The rows of a source with one type per column over all its files; `every`: of every n-th row
    group.
    """

    schema: pa.Schema
    files: tuple[tuple[TableFile, Path], ...]
    every: int = 1

    def parts(self) -> Iterator[SourceChunk]:
        """Yield the rows in order, a row group at a time; missing cells are null."""
        skip = 0
        for file, origin in self.files:
            lengths = [file.row_group_length(index) for index in range(file.num_row_groups)]
            chosen = range(skip, file.num_row_groups, self.every)
            skip = (skip - file.num_row_groups) % self.every
            first_rows = list(accumulate(lengths, initial=1))
            groups = prefetch(file.row_group(index, self.schema.names) for index in chosen)
            total = sum(lengths[index] for index in chosen)
            for index, rows in zip(
                chosen, with_progress(groups, f"reading {origin.name}", total), strict=True
            ):
                yield _plain(SourceChunk(rows, origin, first_rows[index]), self.schema)

    @property
    def num_rows(self) -> int:
        """The rows of all files."""
        return sum(file.num_rows for file, _ in self.files)

    @property
    def num_row_groups(self) -> int:
        """The row groups of all files."""
        return sum(file.num_row_groups for file, _ in self.files)


def typed_table(source: Source, columns: Sequence[str], scratch: Path) -> TypedTable:
    """Give each named column one type; CSV files are converted into the folder `scratch` on the
    way.

    The types are int64, float32, float64, bool, string, date and timestamp; Parquet's other numbers
    become the narrowest of them that holds every value. Raises UserError for a column that is
    absent or of a nested type.
    """
    converted = (
        []
        if source.is_parquet
        else csv_to_parquet(source.files, columns, scratch, source.given_names)
    )
    paths = source.files if source.is_parquet else tuple(converted)
    files = tuple(
        (TableFile(path), origin) for path, origin in zip(paths, source.files, strict=True)
    )
    types = {
        name: {_plain_type(_field(file, origin, name), origin) for file, origin in files}
        for name in columns
    }
    return TypedTable(
        pa.schema([(name, _one_type(found, name, source)) for name, found in types.items()]), files
    )


def unreadable_columns(source: Source) -> dict[str, str]:
    """Return the columns that hold lists, structures or the like, which `typed_table` refuses, with
    their types.
    """
    if not source.is_parquet:
        return {}
    file, origin = TableFile(source.files[0]), source.files[0]
    found = {}
    for field in file.schema:
        try:
            _plain_type(field, origin)
        except UserError:
            found[field.name] = str(field.type)
    return found


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(
            file for file in path.iterdir() if file.is_file() and file.name[0] not in "._"
        )
        for seal in sorted(path.glob(f"_*{SUFFIX}")):
            if not table_path(seal).exists():
                raise UserError(
                    table_path(seal),
                    f"there is no such file, and {seal.name} says that there was one",
                    todo="run `dvc repro` to make it again",
                )
        if not files:
            raise UserError(
                path, "is a folder without files", todo="put CSV or Parquet files into it"
            )
        return files
    if not path.exists():
        raise UserError(
            path,
            "there is no such file (ingest.source)",
            todo="check the path; experiments in a queue see only what git or DVC tracks, or an absolute path",
        )
    if not path.is_file():
        raise UserError(
            path,
            "is neither a file nor a folder (ingest.source)",
            todo="name a CSV or Parquet file",
        )
    return [path]


def _stamp(file: Path) -> tuple[int, ...]:
    state = file.stat()
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


def _is_parquet(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(4) == b"PAR1"


def _parquet_columns(file: Path) -> tuple[str, ...]:
    names = tuple(
        name if not name.startswith("__index_level_") else ""
        for name in TableFile(file).schema.names
    )
    for name in names:
        if name and names.count(name) > 1:
            raise UserError(
                f"{file}: column {name}", "duplicate column name", todo="rename one of them"
            )
    return names


def _field(file: TableFile, origin: Path, name: str) -> pa.Field:
    if name not in file.schema.names:
        raise UserError(
            f"{origin}: column {name}", "is not in this file", found=", ".join(file.schema.names)
        )
    return file.schema.field(name)


def _plain_type(field: pa.Field, origin: Path) -> pa.DataType:
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
        todo="flatten it before, or leave it out of the formula",
    )


def _one_type(types: set[pa.DataType], name: str, source: Source) -> pa.DataType:
    types = types - {pa.null()} or {
        pa.float64()
        # a file whose column is empty goes with the others
    }
    if len(types) == 1:
        return types.pop()
    if all(pa.types.is_integer(each) or pa.types.is_floating(each) for each in types):
        return pa.float64()
    found = ", ".join(sorted(map(str, types)))
    raise UserError(
        f"{source.files[0].parent}: column {name}", "must have one type in all files", found=found
    )


def _plain(part: SourceChunk, schema: pa.Schema) -> SourceChunk:
    """Return the columns of `schema` in its types; raises UserError for a cell that does not fit,
    or is no text.
    """
    columns = []
    for field in schema:
        column = part.rows.column(field.name)
        try:
            columns.append(column if column.type == field.type else _cast(column, field.type))
        except pa.ArrowInvalid as error:
            where = f"{part.origin}: column {field.name}"
            raise UserError(
                where, "holds a cell that does not fit its column", found=error
            ) from None
        if pa.types.is_string(field.type):
            _require_text(columns[-1], part, field.name)
    return part._replace(rows=pa.Table.from_arrays(columns, schema=schema))


def _require_text(column: pa.ChunkedArray, part: SourceChunk, name: str) -> None:
    """Raise UserError for a cell that calls itself text and is not UTF-8, which other tools can
    write.
    """
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        cells = (cell.as_py() for chunk in column.chunks for cell in chunk.view(pa.binary()))
        row, found = next(
            (row, cell) for row, cell in enumerate(cells, part.first_row) if not _is_utf8(cell)
        )
        where, todo = (
            f"{part.origin}: row {row}: column {name}",
            "write the file again, with text in UTF-8",
        )
        raise UserError(where, "is not UTF-8", found=found, todo=todo) from None


def _is_utf8(cell: bytes | None) -> bool:
    try:
        (cell or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def _cast(column: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_decimal(column.type):
        column = column.cast(
            pa.string()
            # its digits; pyarrow's own way to float64 loses the last bits
        )
    # Rounding to float64 is the purpose when the cell is an integer above 2^53.
    return column.cast(type_, safe=not pa.types.is_float64(type_))
