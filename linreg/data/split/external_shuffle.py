"""A random permutation of more rows than fit into memory, by way of buckets on disk.

Every row goes to a random bucket; then each bucket is read, shuffled in memory and appended to the
output. Every order of the rows is equally likely.

Source: Sanders, Random Permutations on Distributed, External and Hierarchical Memory (1998).
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linreg.data.split.scratch_stream import open_stream
from linreg.data.tables.arrays import as_arrow
from linreg.data.tables.parquet import limit_rows, new_table
from linreg.data.tables.prefetch import prefetch
from linreg.process.workers import ALONE, Workers
from linreg.seeds import generator

ROWS_PER_BUCKET = 1 << 20
"""The largest number of rows that are shuffled in memory at a time; fewer where rows have more than
BYTES_PER_ROW, so that they take at most about 128 MiB. The order of the rows depends on it.
"""
BYTES_PER_ROW = 128
BUFFERED_ROWS = 1 << 18
"""Rows that all shuffles of a process together hold back before they write them to the buckets:
many small writes take longer. Fewer where rows are wide. The order does not depend on it.
"""


def num_buckets(num_rows: int, schema: pa.Schema) -> int:
    """Return how many buckets a shuffle of so many rows has."""
    return max(1, -(-num_rows // limit_rows(schema, ROWS_PER_BUCKET, BYTES_PER_ROW)))


def buckets_of_rows(
    seed: int, index: int, group: int, num_rows: int, num_buckets: int
) -> NDArray[np.int64]:
    """Return the bucket of each row (n,) that a row group adds to the shuffle `index`."""
    if num_buckets == 1:
        return np.zeros(num_rows, np.int64)
    return generator(seed, "buckets", index, group).integers(num_buckets, size=num_rows)


def order_of_bucket(seed: int, index: int, bucket: int, num_rows: int) -> NDArray[np.int64]:
    """Return which row of a bucket comes first, second, … in the shuffle `index`: (n,)."""
    return generator(seed, "shuffle", index, bucket).permutation(num_rows)


class ExternalShuffle:
    """Collects rows and writes them in a random order, in bounded memory.

    Several processes may add row groups, each its own range of them. The order depends on the seed,
    on `index` (the number of this shuffle) and on the row groups, but not on who added them.

    `num_shuffles` is how many a process fills at once: they share the buffer of BUFFERED_ROWS.
    """

    def __init__(
        self,
        num_rows: int,
        seed: int,
        index: int,
        schema: pa.Schema,
        scratch: Path,
        workers: Workers = ALONE,
        num_shuffles: int = 1,
    ) -> None:
        self._num_buckets = num_buckets(num_rows, schema)
        self._buffer_size = limit_rows(schema, BUFFERED_ROWS, BYTES_PER_ROW) // num_shuffles
        self._seed = seed
        self._index = index
        self._schema = schema
        self._scratch = scratch
        self._workers = workers
        self._streams = [
            pa.ipc.new_stream(self._path(bucket, workers.rank), schema)
            for bucket in range(self._num_buckets)
        ]
        self._buffer: list[pa.Table] = []
        self._buckets_of_buffer: list[NDArray[np.uint16]] = []

    def add(self, rows: pa.Table, group: int) -> None:
        """Assign the rows of the row group with this number to buckets, in ascending order."""
        if self._num_buckets == 1:
            self._streams[0].write_table(rows)
            return
        bucket_of_row = buckets_of_rows(
            self._seed, self._index, group, rows.num_rows, self._num_buckets
        )
        self._buffer.append(rows)
        # numpy sorts 16 bits five times as fast as 64.
        self._buckets_of_buffer.append(bucket_of_row.astype(np.uint16))
        if sum(map(len, self._buffer)) >= self._buffer_size:
            self._flush()

    def close(self) -> None:
        """Write what is still buffered to the buckets: this process has added all its rows."""
        if self._buffer:
            self._flush()
        for stream in self._streams:
            stream.close()

    def write(self, path: Path) -> None:
        """Write the shuffled rows, once every process has closed, and delete the buckets."""
        with new_table(path, self._schema) as output:
            for rows in prefetch(map(self._shuffled, range(self._num_buckets))):
                output.write(rows)

    def _flush(self) -> None:
        """Sort the buffered rows by bucket and append each bucket's rows to its file."""
        rows = pa.concat_tables(self._buffer)
        buckets = np.concatenate(self._buckets_of_buffer)
        rows = rows.take(as_arrow(np.argsort(buckets, kind="stable")))
        ends = np.cumsum(np.bincount(buckets, minlength=self._num_buckets))
        for stream, start, end in zip(self._streams, [0, *ends[:-1]], ends, strict=True):
            stream.write_table(rows.slice(start, end - start))
        self._buffer = []
        self._buckets_of_buffer = []

    def _shuffled(self, bucket: int) -> pa.Table:
        """Read a bucket's rows from all processes and shuffle them."""
        paths = [self._path(bucket, rank) for rank in range(self._workers.size)]
        rows = pa.concat_tables([_read(path) for path in paths])
        for path in paths:
            path.unlink()
        order = order_of_bucket(self._seed, self._index, bucket, len(rows))
        return rows.take(as_arrow(order))

    def _path(self, bucket: int, rank: int) -> Path:
        return self._scratch / f"shard-{self._index}-bucket-{bucket}-from-{rank}.arrow"


def _read(path: Path) -> pa.Table:
    with open_stream(path) as stream:
        return stream.read_all()
