"""Tables on disk: Parquet files, written and read one row group at a time.

Memory is bounded by the row group, never by the table, and a file's bytes depend on its rows alone: row groups
have a fixed number of rows however the rows arrived.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from linreg.errors import UserError

ROWS_PER_GROUP = 131_072
TRUTH = b"linreg.truth"
"""Key of the Parquet metadata under which a generated file carries the θ and b it was drawn from, as JSON."""


class TableWriter:
    """Writes a Parquet file in row groups of exactly ROWS_PER_GROUP rows (the last one may be shorter).

    Floats are stored without dictionary and uncompressed: random digits do not compress, and decoding is then a
    copy. Every page carries a checksum, so that a flipped bit is found on reading.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        text = [field.name for field in schema if pa.types.is_string(field.type)]
        self._writer = pq.ParquetWriter(
            path, schema, compression="none", use_dictionary=text, write_page_checksum=True, version="2.6"
        )
        self._schema = schema
        self._waiting: list[pa.RecordBatch] = []
        self._num_waiting = 0

    def write(self, rows: pa.RecordBatch | pa.Table) -> None:
        """Append rows whose schema equals the file's."""
        self._waiting += rows.to_batches() if isinstance(rows, pa.Table) else [rows]
        self._num_waiting += rows.num_rows
        if self._num_waiting >= ROWS_PER_GROUP:
            self._flush(self._num_waiting - self._num_waiting % ROWS_PER_GROUP)

    def _flush(self, num_rows: int) -> None:
        waiting = pa.Table.from_batches(self._waiting, self._schema)
        self._writer.write_table(waiting.slice(0, num_rows), row_group_size=ROWS_PER_GROUP)
        rest = waiting.slice(num_rows)
        self._waiting, self._num_waiting = rest.to_batches(), rest.num_rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._num_waiting:
            self._flush(self._num_waiting)
        self._writer.close()


def write_table(path: Path, schema: pa.Schema, rows: Iterable[pa.RecordBatch | pa.Table]) -> None:
    """Write a whole table to `path` as its rows arrive."""
    with TableWriter(path, schema) as writer:
        for part in rows:
            writer.write(part)


class TableFile:
    """A Parquet file, read by row group; anything wrong with the file is a UserError that names it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._damage_named():
            self._file = pq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True)
        self.schema: pa.Schema = self._file.schema_arrow
        self.num_rows: int = self._file.metadata.num_rows
        self.num_groups: int = self._file.metadata.num_row_groups

    def group_length(self, index: int) -> int:
        """Return the number of rows of one row group."""
        return int(self._file.metadata.row_group(index).num_rows)

    def group(self, index: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Read one row group, all columns or those named."""
        with self._damage_named():
            return self._file.read_row_group(index, columns=columns, use_threads=False)

    def groups(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Read the row groups in order."""
        return (self.group(index, columns) for index in range(self.num_groups))

    def _damage_named(self) -> "_DamageNamed":
        return _DamageNamed(self.path)


class _DamageNamed:
    """Turns what pyarrow raises while reading a file into a UserError about that file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, FileNotFoundError):
            raise UserError(self._path, "there is no such file", todo="run `dvc repro` to make it") from None
        if isinstance(error, pa.ArrowException | OSError):
            raise UserError(
                self._path, "cannot be read as Parquet", found=error, todo="delete it and make it again"
            ) from None
