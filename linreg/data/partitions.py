"""Partitioned folders such as `year=2019/`, whose names are cells of the rows in them."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.tables.source_chunk import SourceChunk
from linreg.errors import UserError

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""What Hive, Spark and pyarrow write for a missing cell."""
_TYPES = (pa.int64(), pa.float64(), pa.date32(), pa.timestamp("us"))

Partition = dict[str, str | None]
"""The cells that the folders of a file hold, by column."""


def partition_of(root: Path, file: Path) -> Partition:
    """Return what the folders between a root and a file say."""
    return _cells_of(file.relative_to(root).parts[:-1])


def cells_above(root: Path, names: Iterable[str]) -> Partition:
    """Return what a root's own name and the folders above it say of columns with these names."""
    cells = _cells_of(root.absolute().parts)
    return {name: cells[name] for name in names if name in cells}


def _cells_of(folders: Iterable[str]) -> Partition:
    cells: Partition = {}
    for folder in folders:
        name, sign, text = folder.partition("=")
        if sign and name:
            value = unquote(text)
            cells[unquote(name)] = None if value == NO_VALUE else value
    return cells


def check_partitions(partitions: Sequence[Partition], files: Sequence[Path]) -> None:
    """Raise UserError for a file in whose folders a column is absent that others have."""
    for partition, file in zip(partitions, files, strict=True):
        if list(partition) != list(partitions[0]):
            names = [name for each in (partition, partitions[0]) for name in each]
            what = "does not lie in folders of the same columns as the other files"
            found = f"{file.parent} and {files[0].parent}"
            todo = f"put all files into folders such as {names[0]}=…, or into none"
            raise UserError(file, what, found=found, todo=todo)


def partition_type(cells: Sequence[str | None]) -> pa.DataType:
    """Return the type of a column of folders: numbers, dates, or text."""
    texts = pa.array(cells, pa.string())
    for type_ in _TYPES:
        with suppress(pa.ArrowInvalid):
            texts.cast(type_)
            return type_
    return pa.string()


def with_partition(chunk: SourceChunk, cells: Partition, schema: pa.Schema) -> SourceChunk:
    """Return rows with the columns of their folders; `schema` is that of all columns to have.

    Raises UserError where a file has such a column as well, and it differs.
    """
    rows = chunk.rows
    for name, cell in cells.items():
        if name not in schema.names:
            continue
        value = pa.scalar(cell, pa.string()).cast(schema.field(name).type)
        column = pa.repeat(value, rows.num_rows)
        if name in rows.column_names:
            _require_equal(rows.column(name), column, chunk, name, cell)
            rows = rows.drop_columns([name])
        rows = rows.append_column(name, column)
    return chunk._replace(rows=rows)


def _require_equal(
    cells: pa.ChunkedArray, column: pa.Array, chunk: SourceChunk, name: str, cell: str | None
) -> None:
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    try:
        same = pc.equal(cells.cast(column.type), column)
    except pa.ArrowException:
        same = pa.repeat(False, len(column))
    # Both may be missing.
    same = pc.if_else(pc.and_(cells.is_null(), column.is_null()), True, same)
    row = pc.index(pc.fill_null(same, False), False).as_py()
    if row >= 0:
        raise UserError(
            f"{chunk.origin}: row {chunk.first_row + row}: column {name}",
            f"is not what the name of its folder says, {name}={cell}",
            found=cells[row].as_py(),
            todo="rename the folder, or correct the cell",
        )
