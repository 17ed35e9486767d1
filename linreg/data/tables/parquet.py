"""Tables on disk: Parquet files, written and read one row group at a time.

Memory is bounded by the row group, not by the table. The bytes of a file depend on its rows alone,
not on the pieces in which they were written: the columns determine the length of the row groups.
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
    damage_error,
    footer_hash,
    page_headers_checksum,
    read_seal,
    write_seal,
)
from linreg.errors import UserError
from linreg.files import missing_output

ROWS_PER_GROUP = 131_072
"""The largest number of rows of a row group; fewer where a row has more than BYTES_PER_ROW, so that
a row group takes at most 32 MiB.
"""
BYTES_PER_ROW = 256
BYTES_OF_TEXT = 32
"""What a cell without a fixed width counts as. By their real lengths, row groups would depend on
more than the types of the columns.
"""
TRUTH = b"linreg.truth"
"""The key of the metadata that holds, as JSON, the θ and b from which a table was generated."""


def limit_rows(schema: pa.Schema, most: int, bytes_per_row: int) -> int:
    """Return how many rows to hold at a time: `most`, or fewer where rows are wide.

    That is the largest of most, most/2, most/4, … whose rows take at most most · bytes_per_row
    bytes; at least 1. It depends on the types of the columns alone, so that it is the same on every
    machine.
    """
    bits = sum(_num_bits(field.type) for field in schema)
    times_too_wide = -(-bits // (8 * bytes_per_row))
    return max(1, most >> max(0, times_too_wide - 1).bit_length())


def _num_bits(type_: pa.DataType) -> int:
    try:
        return int(type_.bit_width)
    except ValueError:
        # It has no fixed width.
        return 8 * BYTES_OF_TEXT


def group_lengths(num_rows: int, schema: pa.Schema) -> list[int]:
    """Return the numbers of rows of the row groups in which TableWriter writes a table."""
    rows_per_group = limit_rows(schema, ROWS_PER_GROUP, BYTES_PER_ROW)
    whole, rest = divmod(num_rows, rows_per_group)
    return [rows_per_group] * whole + [rest] * (rest > 0)


class TableWriter:
    """Writes a Parquet file in row groups of equal length; the last one may be shorter.

    Floats are stored without dictionary and uncompressed: random digits do not compress, and
    decoding them is then a copy. Pages are as long as pyarrow allows (1 MiB), since each has a
    header to be verified, and carry a checksum, unless `checksums` is False, as for a scratch file.

    ascending  columns of integers that are stored as their differences, in a few bits each
    """

    def __init__(
        self,
        path: Path,
        schema: pa.Schema,
        *,
        checksums: bool = True,
        ascending: Sequence[str] = (),
    ) -> None:
        text_columns = [field.name for field in schema if pa.types.is_string(field.type)]
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression="none",
            use_dictionary=text_columns,
            column_encoding=dict.fromkeys(ascending, "DELTA_BINARY_PACKED"),
            write_page_checksum=checksums,
            version="2.6",
            max_rows_per_page=ROWS_PER_GROUP,
        )
        self._schema = schema
        self._rows_per_group = limit_rows(schema, ROWS_PER_GROUP, BYTES_PER_ROW)
        self._pending: list[pa.RecordBatch] = []
        self._num_pending = 0

    def write(self, rows: pa.RecordBatch | pa.Table) -> None:
        """Append rows, whose columns must be those of the file."""
        self._pending += rows.to_batches() if isinstance(rows, pa.Table) else [rows]
        self._num_pending += rows.num_rows
        if self._num_pending >= self._rows_per_group:
            self._flush(self._num_pending - self._num_pending % self._rows_per_group)

    def _flush(self, num_rows: int) -> None:
        """Write the first of the pending rows."""
        pending = pa.Table.from_batches(self._pending, self._schema)
        self._writer.write_table(pending.slice(0, num_rows), row_group_size=self._rows_per_group)
        rest = pending.slice(num_rows)
        self._pending = rest.to_batches()
        self._num_pending = rest.num_rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and self._num_pending:
            self._flush(self._num_pending)
        self._writer.close()


@contextmanager
def new_table(
    path: Path, schema: pa.Schema, *, ascending: Sequence[str] = ()
) -> Iterator[TableWriter]:
    """Yield the writer of a table; the seal is written when the table is complete."""
    with TableWriter(path, schema, ascending=ascending) as writer:
        yield writer
    with pa.OSFile(str(path)) as file:
        write_seal(path, Seal.of(file, pq.ParquetFile(file).metadata))


def write_table(path: Path, schema: pa.Schema, rows: Iterable[pa.RecordBatch | pa.Table]) -> None:
    """Write a whole table and its seal, as the rows arrive."""
    with new_table(path, schema) as writer:
        for piece in rows:
            writer.write(piece)


class TableFile:
    """A Parquet file, read by row group.

    Where it has a seal, what is read is verified to be what was written. A damaged file is a
    UserError, whatever the system refuses (too many open files, no permission, a failing disk) an
    OSError; both name the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with errors_about(path):
            self._bytes = pa.OSFile(str(path))
            self._file = pq.ParquetFile(
                self._bytes, pre_buffer=False, page_checksum_verification=True
            )
        self._seal = read_seal(path)
        self._verified: set[int] = set()
        if self._seal is not None and footer_hash(self._bytes) != self._seal.footer:
            raise damage_error(path)
        self.schema: pa.Schema = self._file.schema_arrow
        self._metadata = self._file.metadata
        self.num_rows: int = self._metadata.num_rows
        self.num_row_groups: int = self._metadata.num_row_groups

    def row_group_length(self, index: int) -> int:
        """Return the number of rows of a row group, without reading it."""
        return int(self._metadata.row_group(index).num_rows)

    def row_group(self, index: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Read a row group: all columns, or those named."""
        self._verify(index)
        with errors_about(self.path):
            return self._file.read_row_group(index, columns=columns, use_threads=False)

    def row_groups(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Read the row groups in order."""
        return (self.row_group(index, columns) for index in range(self.num_row_groups))

    def _verify(self, index: int) -> None:
        """Compare a row group with the seal, the first time that it is read."""
        if self._seal is None or index in self._verified:
            return
        try:
            checksum = page_headers_checksum(self._bytes, self._metadata, index)
            matches = checksum == self._seal.groups[index]
        except (ValueError, IndexError):
            matches = False
        if not matches:
            raise damage_error(self.path)
        self._verified.add(index)


@contextmanager
def errors_about(path: Path, format_: str = "Parquet") -> Iterator[None]:
    """Turn what pyarrow raises while reading a file into a UserError or OSError that names it."""
    try:
        yield
    except FileNotFoundError:
        raise missing_output(path) from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        # What the system refuses has an errno; damage, of which pyarrow makes an OSError, has none.
        if isinstance(error, OSError) and error.errno:
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from None
        raise UserError(
            path, f"cannot be read as {format_}", found=error, todo="delete it and make it again"
        ) from None
