"""Tables on disk: Parquet files, written and read one row group at a time.

Memory is bounded by the row group, never by the table, and a file's bytes depend on its rows alone:
row groups have a number of rows that the columns fix, however the rows arrived.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from linreg.data.tables.integrity import (
    Seal,
    broken,
    footer_hash,
    group_hash,
    read_seal,
    write_seal,
)
from linreg.errors import UserError

ROWS_PER_GROUP = 131_072
"""The largest number of rows of a row group; rows of more than BYTES_PER_ROW have smaller ones, of
at most 32 MiB.
"""
BYTES_PER_ROW = 256
BYTES_OF_TEXT = 32
"""What a cell of no fixed width counts; the real lengths would make the groups depend on more than
the columns.
"""
TRUTH = b"linreg.truth"
"""Key of the Parquet metadata under which a generated file carries the θ and b it was drawn from,
as JSON.
"""


def rows_within(schema: pa.Schema, most: int, bytes_per_row: int) -> int:
    """Return `most`, or the half, quarter, … of it that takes no more than most · bytes_per_row
    bytes; at least 1.

    It depends on the types of the columns alone, so that what is cut by it is cut the same
    everywhere.
    """
    bits = sum(_bits(field.type) for field in schema)
    times_too_wide = -(-bits // (8 * bytes_per_row))
    return max(1, most >> max(0, times_too_wide - 1).bit_length())


def _bits(type_: pa.DataType) -> int:
    try:
        return int(type_.bit_width)
    # it has no fixed width
    except ValueError:
        return 8 * BYTES_OF_TEXT


class TableWriter:
    """Writes a Parquet file in row groups of ROWS_PER_GROUP rows, fewer where rows are wide; the
    last may be shorter.

    Floats are stored without dictionary and uncompressed: random digits do not compress, and
    decoding is then a copy. Every page carries a checksum, so that a flipped bit is found on
    reading; pages are as long as pyarrow allows (1 MiB), since each has a header to be sealed.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        text = [field.name for field in schema if pa.types.is_string(field.type)]
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression="none",
            use_dictionary=text,
            write_page_checksum=True,
            version="2.6",
            max_rows_per_page=ROWS_PER_GROUP,
        )
        self._schema = schema
        self._rows_per_group = rows_within(schema, ROWS_PER_GROUP, BYTES_PER_ROW)
        self._waiting: list[pa.RecordBatch] = []
        self._num_waiting = 0

    def write(self, rows: pa.RecordBatch | pa.Table) -> None:
        """Append rows whose schema equals the file's."""
        self._waiting += rows.to_batches() if isinstance(rows, pa.Table) else [rows]
        self._num_waiting += rows.num_rows
        if self._num_waiting >= self._rows_per_group:
            self._flush(self._num_waiting - self._num_waiting % self._rows_per_group)

    def _flush(self, num_rows: int) -> None:
        waiting = pa.Table.from_batches(self._waiting, self._schema)
        self._writer.write_table(waiting.slice(0, num_rows), row_group_size=self._rows_per_group)
        rest = waiting.slice(num_rows)
        self._waiting, self._num_waiting = rest.to_batches(), rest.num_rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and self._num_waiting:
            self._flush(self._num_waiting)
        self._writer.close()


@contextmanager
def new_table(path: Path, schema: pa.Schema) -> Iterator[TableWriter]:
    """Yield the writer of a table that is an output; when it is written, its seal is written beside
    it.
    """
    with TableWriter(path, schema) as writer:
        yield writer
    with pa.OSFile(str(path)) as file:
        write_seal(path, Seal.of(file, pq.ParquetFile(file).metadata))


def write_table(path: Path, schema: pa.Schema, rows: Iterable[pa.RecordBatch | pa.Table]) -> None:
    """Write a whole table to `path` as its rows arrive, and its seal."""
    with new_table(path, schema) as writer:
        for part in rows:
            writer.write(part)


class TableFile:
    """A Parquet file, read by row group; anything wrong with the file is a UserError that names it.

    Where a seal lies beside it, every byte that is used is what was written.

    What the system refuses (too many open files, no permission, a disk that fails) is an OSError
    that names it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._damage_named():
            self._bytes = pa.OSFile(str(path))
            self._file = pq.ParquetFile(
                self._bytes, pre_buffer=False, page_checksum_verification=True
            )
        self._seal, self._verified = read_seal(path), set[int]()
        if self._seal is not None and footer_hash(self._bytes) != self._seal.footer:
            raise broken(path)
        self.schema: pa.Schema = self._file.schema_arrow
        self._metadata = self._file.metadata
        self.num_rows: int = self._metadata.num_rows
        self.num_groups: int = self._metadata.num_row_groups

    def group_length(self, index: int) -> int:
        """Return the number of rows of one row group."""
        return int(self._metadata.row_group(index).num_rows)

    def group(self, index: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Read one row group, all columns or those named."""
        self._verify(index)
        with self._damage_named():
            return self._file.read_row_group(index, columns=columns, use_threads=False)

    def groups(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Read the row groups in order."""
        return (self.group(index, columns) for index in range(self.num_groups))

    def _verify(self, index: int) -> None:
        """Compare a row group with the seal, the first time that it is read."""
        if self._seal is None or index in self._verified:
            return
        try:
            whole = group_hash(self._bytes, self._metadata, index) == self._seal.groups[index]
        except (ValueError, IndexError):
            whole = False
        if not whole:
            raise broken(self.path)
        self._verified.add(index)

    def _damage_named(self) -> "_DamageNamed":
        return _DamageNamed(self.path)


class _DamageNamed:
    """Turns what pyarrow raises while reading a file into a UserError or OSError about that
    file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, FileNotFoundError):
            raise UserError(
                self._path, "there is no such file", todo="run `dvc repro` to make it"
            ) from None
        # the system's; damage has no number
        if isinstance(error, OSError) and error.errno:
            raise OSError(error.errno, os.strerror(error.errno), str(self._path)) from None
        if isinstance(error, pa.ArrowException | OSError | UnicodeDecodeError):
            raise UserError(
                self._path,
                "cannot be read as Parquet",
                found=error,
                todo="delete it and make it again",
            ) from None
