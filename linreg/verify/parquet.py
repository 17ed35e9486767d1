"""The first difference of two Parquet files, found a batch of rows at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from linreg.verify.ulps import NOTHING, Difference, Words, between

ROWS_AT_ONCE = 65_536
_BITS = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
_SCALARS = {16: np.float16, 32: np.float32, 64: np.float64}


def parquet_difference(expected: Path, found: Path, name: str) -> Difference | None:
    """Return the first difference: in the columns, the number of rows, a value, the metadata, how
    it is stored.

    Rows are counted from 1. Memory is that of a few batches and, within pyarrow, of a row group.
    """
    # No threads read ahead, and no buffers of the row groups to come.
    first, second = (pq.ParquetFile(path, pre_buffer=False) for path in (expected, found))
    with first, second:
        checks = (_columns, _number_of_rows, _values, _metadata, _storage)
        return next((each for check in checks if (each := check(first, second, name))), None)


def _columns(first: pq.ParquetFile, second: pq.ParquetFile, name: str) -> Difference | None:
    a, b = ([_field(field) for field in file.schema_arrow] for file in (first, second))
    for index in range(max(len(a), len(b))):
        x, y = (fields[index] if index < len(fields) else NOTHING for fields in (a, b))
        if x != y:
            return between(name, f"column number {index + 1}", x, y)
    return None


def _field(field: pa.Field) -> Words:
    return Words(f"{field.name}: {field.type}{'' if field.nullable else ' not null'}")


def _number_of_rows(first: pq.ParquetFile, second: pq.ParquetFile, name: str) -> Difference | None:
    a, b = (file.metadata.num_rows for file in (first, second))
    return between(name, "number of rows", a, b) if a != b else None


def _values(first: pq.ParquetFile, second: pq.ParquetFile, name: str) -> Difference | None:
    done = 0
    for a, b in _side_by_side(first, second):
        rows = [_first_row(x, y) for x, y in zip(a.columns, b.columns, strict=True)]
        row, column = min(
            ((row, j) for j, row in enumerate(rows) if row is not None), default=(None, 0)
        )
        if row is not None:
            values = [_value(each.column(column), row) for each in (a, b)]
            return between(name, f"column {a.schema.names[column]}, row {done + row + 1}", *values)
        done += a.num_rows
    return None


def _side_by_side(
    first: pq.ParquetFile, second: pq.ParquetFile
) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
    """Yield the same rows of both files, whose row groups need not end at the same rows."""
    batches = [file.iter_batches(ROWS_AT_ONCE, use_threads=False) for file in (first, second)]
    a, b = (next(each, None) for each in batches)
    while a is not None and b is not None:
        shared = min(a.num_rows, b.num_rows)
        if shared:
            yield a.slice(0, shared), b.slice(0, shared)
        a = a.slice(shared) if a.num_rows > shared else next(batches[0], None)
        b = b.slice(shared) if b.num_rows > shared else next(batches[1], None)


def _first_row(a: pa.Array, b: pa.Array) -> int | None:
    """Return the first row, from 0, where two columns differ; floats by their bits, so that NaN is
    itself.
    """
    if pa.types.is_dictionary(a.type):
        a, b = a.cast(a.type.value_type), b.cast(b.type.value_type)
    if pa.types.is_floating(a.type):
        a, b = (each.view(_BITS[each.type.bit_width]) for each in (a, b))
    # arrow has no comparison for these
    if pa.types.is_nested(a.type):
        return next(
            (row for row, (x, y) in enumerate(zip(a, b, strict=True)) if not x.equals(y)), None
        )
    if pa.types.is_null(a.type):
        return None
    same = pc.or_(pc.fill_null(pc.equal(a, b), False), pc.and_(pc.is_null(a), pc.is_null(b)))
    row = pc.index(same, False).as_py()
    return None if row < 0 else int(row)


def _value(column: pa.Array, row: int) -> Any:
    """A value with its type, if it is a float, and every bit of it."""
    value = column[row].as_py()
    if value is not None and pa.types.is_floating(column.type):
        return (
            column.slice(row, 1)
            .to_numpy(zero_copy_only=False)
            .astype(_SCALARS[column.type.bit_width])[0]
        )
    return Words(str(value)) if isinstance(value, dict | list) else value


def _metadata(first: pq.ParquetFile, second: pq.ParquetFile, name: str) -> Difference | None:
    a, b = (file.schema_arrow.metadata or {} for file in (first, second))
    for key in sorted(a.keys() | b.keys()):
        if a.get(key) != b.get(key):
            said = [
                Words(each[key].decode(errors="replace")) if key in each else NOTHING
                for each in (a, b)
            ]
            return between(name, f"metadata {key.decode(errors='replace')}", *said)
    return None


def _storage(first: pq.ParquetFile, second: pq.ParquetFile, name: str) -> Difference | None:
    for (what, a), (_, b) in zip(_facts(first.metadata), _facts(second.metadata), strict=False):
        if a != b:
            return between(name, what, a, b, same_values=True)
    return None


def _facts(metadata: pq.FileMetaData) -> Iterator[tuple[str, Any]]:
    """Yield what a writer chooses, beginning with who it is."""
    yield "written by", Words(metadata.created_by)
    yield "format", Words(metadata.format_version)
    yield "row groups", metadata.num_row_groups
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        yield f"rows of row group {index + 1}", group.num_rows
        for column in (group.column(j) for j in range(group.num_columns)):
            place = f"column {column.path_in_schema} in row group {index + 1}"
            yield f"compression of {place}", Words(column.compression)
            yield f"encodings of {place}", Words(", ".join(column.encodings))
