"""The first difference of two Parquet files, read a batch of rows at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from linreg.verify.differences.difference import ABSENT, Description, Difference

ROWS_PER_READ = 65_536
_INTEGERS = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
_SCALARS = {16: np.float16, 32: np.float32, 64: np.float64}


def parquet_difference(expected: Path, found: Path, name: str) -> Difference | None:
    """Return the first difference: of columns, number of rows, values, metadata or encoding.

    Rows are counted from 1. Memory is that of a few batches and, within pyarrow, of a row group.
    """
    # Without pre-buffering no further row groups are read ahead into memory.
    first, second = (pq.ParquetFile(path, pre_buffer=False) for path in (expected, found))
    with first, second:
        for compare in (_columns, _num_rows, _values, _metadata, _encoding):
            if difference := compare(first, second, name):
                return difference
    return None


def _columns(first: pq.ParquetFile, second: pq.ParquetFile, name: str) -> Difference | None:
    a, b = ([_field(field) for field in file.schema_arrow] for file in (first, second))
    for index in range(max(len(a), len(b))):
        x, y = (fields[index] if index < len(fields) else ABSENT for fields in (a, b))
        if x != y:
            return Difference.between(name, f"column number {index + 1}", x, y)
    return None


def _field(field: pa.Field) -> Description:
    return Description(f"{field.name}: {field.type}{'' if field.nullable else ' not null'}")


def _num_rows(first: pq.ParquetFile, second: pq.ParquetFile, name: str) -> Difference | None:
    a, b = (file.metadata.num_rows for file in (first, second))
    return Difference.between(name, "number of rows", a, b) if a != b else None


def _values(first: pq.ParquetFile, second: pq.ParquetFile, name: str) -> Difference | None:
    """Return the first row with a difference, and in it the first column."""
    rows_before = 0
    for a, b in _aligned_batches(first, second):
        rows = [_first_row(x, y) for x, y in zip(a.columns, b.columns, strict=True)]
        differing = [(row, column) for column, row in enumerate(rows) if row is not None]
        if differing:
            row, column = min(differing)
            values = [_value(batch.column(column), row) for batch in (a, b)]
            place = f"column {a.schema.names[column]}, row {rows_before + row + 1}"
            return Difference.between(name, place, *values)
        rows_before += a.num_rows
    return None


def _aligned_batches(
    first: pq.ParquetFile, second: pq.ParquetFile
) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
    """Yield the same rows of both files, whose row groups need not end at the same rows."""
    batches = [file.iter_batches(ROWS_PER_READ, use_threads=False) for file in (first, second)]
    a, b = (next(each, None) for each in batches)
    while a is not None and b is not None:
        shared = min(a.num_rows, b.num_rows)
        if shared:
            yield a.slice(0, shared), b.slice(0, shared)
        a = a.slice(shared) if a.num_rows > shared else next(batches[0], None)
        b = b.slice(shared) if b.num_rows > shared else next(batches[1], None)


def _first_row(a: pa.Array, b: pa.Array) -> int | None:
    """Return the first row, from 0, where two columns differ; floats are compared by their bits."""
    if pa.types.is_dictionary(a.type):
        a, b = a.cast(a.type.value_type), b.cast(b.type.value_type)
    if pa.types.is_floating(a.type):
        a, b = (each.view(_INTEGERS[each.type.bit_width]) for each in (a, b))
    if pa.types.is_nested(a.type):
        # Arrow compares no columns of lists or structs.
        pairs = enumerate(zip(a, b, strict=True))
        return next((row for row, (x, y) in pairs if not x.equals(y)), None)
    if pa.types.is_null(a.type):
        return None
    same = pc.or_(pc.fill_null(pc.equal(a, b), False), pc.and_(pc.is_null(a), pc.is_null(b)))
    row = pc.index(same, False).as_py()
    return None if row < 0 else int(row)


def _value(column: pa.Array, row: int) -> Any:
    """Return a value; a float with its own type and every bit of it."""
    value = column[row].as_py()
    if value is not None and pa.types.is_floating(column.type):
        floats = column.slice(row, 1).to_numpy(zero_copy_only=False)
        return floats.astype(_SCALARS[column.type.bit_width])[0]
    return Description(str(value)) if isinstance(value, dict | list) else value


def _metadata(first: pq.ParquetFile, second: pq.ParquetFile, name: str) -> Difference | None:
    a, b = (_text_metadata(file) for file in (first, second))
    for key in sorted(a.keys() | b.keys()):
        if a.get(key) != b.get(key):
            values = (a.get(key, ABSENT), b.get(key, ABSENT))
            return Difference.between(name, f"metadata {key}", *values)
    return None


def _text_metadata(file: pq.ParquetFile) -> dict[str, Description]:
    metadata = file.schema_arrow.metadata or {}
    return {
        key.decode(errors="replace"): Description(value.decode(errors="replace"))
        for key, value in metadata.items()
    }


def _encoding(first: pq.ParquetFile, second: pq.ParquetFile, name: str) -> Difference | None:
    choices = zip(_writer_choices(first.metadata), _writer_choices(second.metadata), strict=False)
    for (what, a), (_, b) in choices:
        if a != b:
            return Difference.between(name, what, a, b, same_values=True)
    return None


def _writer_choices(metadata: pq.FileMetaData) -> Iterator[tuple[str, Any]]:
    """Yield the writer's name, and what a writer is free to choose for the same values."""
    yield "written by", Description(metadata.created_by)
    yield "format", Description(metadata.format_version)
    yield "row groups", metadata.num_row_groups
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        yield f"rows of row group {index + 1}", group.num_rows
        for column in (group.column(j) for j in range(group.num_columns)):
            place = f"column {column.path_in_schema} in row group {index + 1}"
            yield f"compression of {place}", Description(column.compression)
            yield f"encodings of {place}", Description(", ".join(column.encodings))
