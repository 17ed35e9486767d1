"""Which rows train the model, which are watched during training, which judge it in the end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.data.tables.arrays import as_arrow, as_numpy
from linreg.data.tables.parquet import TableFile, new_table, rows_within
from linreg.data.tables.prefetch import prefetch
from linreg.data.text_formats import date_out_of_order
from linreg.errors import UserError
from linreg.params import Split, column_of
from linreg.process.workers import ALONE, Workers
from linreg.seeds import generator

TRAIN, VALIDATION, TEST = range(3)
PARTS = ("train", "validation", "test")
ROWS_PER_BUCKET = 1 << 20
"""The largest number of rows that are shuffled in memory at a time; fewer where rows have more than
BYTES_PER_ROW, so that they take about 128 MiB at most. The order of the rows depends on it."""
BYTES_PER_ROW = 128
ROWS_WAITING = 1 << 18
"""Rows that the shards of a process collect, all together, before they are written to the buckets:
many small pieces take longer. Fewer where rows are wide. The order does not depend on it."""

Labels = NDArray[np.int16]


def allot(num_rows: int, quotas: Sequence[int]) -> list[int]:
    """Divide rows in the proportion of `quotas`, by the largest remainder; never more than a quota.

    `num_rows` is at most the sum of the quotas. Dealing out a table block by block with what is
    left of the quotas therefore uses them up exactly, in integers, however long the blocks are.
    """
    total = sum(quotas)
    if total == 0:
        return [0] * len(quotas)
    shares = [divmod(num_rows * quota, total) for quota in quotas]
    counts = [whole for whole, _ in shares]
    by_remainder = sorted(range(len(quotas)), key=lambda k: (-shares[k][1], k))
    for k in by_remainder[: num_rows - sum(counts)]:
        counts[k] += 1
    return counts


def part_sizes(num_rows: int, params: Split) -> list[int]:
    """Return the wanted number of train, validation and test rows; raises UserError where a share
    gets none.
    """
    shares = [Fraction(str(share)) for share in (params.train, params.validation, params.test)]
    validation, test = (int(share * num_rows + Fraction(1, 2)) for share in shares[1:])
    sizes = [num_rows - validation - test, validation, test]
    _refuse_empty(sizes, params, num_rows, "rows")
    return sizes


class RandomAssignment:
    """Deals rows out to hands at random, block by block; every hand gets exactly its size over all
    blocks.

    `lengths` are the numbers of rows of the blocks. Any block can be dealt alone, whoever deals the
    others.
    """

    def __init__(
        self, lengths: Sequence[int], sizes: Sequence[int], seed: int, purpose: str
    ) -> None:
        self._seed, self._purpose = seed, purpose
        self.counts: list[list[int]] = []
        left = list(sizes)
        for length in lengths:
            self.counts.append(allot(length, left))
            left = [quota - count for quota, count in zip(left, self.counts[-1], strict=True)]

    def deal(self, block: int) -> Labels:
        """Return the hand of each row of a block, each arrangement equally likely."""
        counts = self.counts[block]
        labels = np.repeat(np.arange(len(counts), dtype=np.int16), counts)
        if max(counts) == len(labels):
            return labels
        # Permuting the labels themselves gives the same arrangement, at half the speed for numbers
        # of 16 bits.
        return labels[generator(self._seed, self._purpose, block + 1).permutation(len(labels))]


def parts_of_groups(
    values: pa.ChunkedArray, sizes: Sequence[int], params: Split
) -> tuple[pa.Array, Labels]:
    """Return the different values of the split column and the part each belongs to.

    Groups come in a random order, times in their own, oldest first; a value goes to the part in
    which the middle of its rows falls when parts of `sizes` rows follow one another. Rows of equal
    value thus stay together.
    """
    counted = pc.value_counts(values)
    groups, counts = counted.field("values"), as_numpy(counted.field("counts"))
    in_order = as_numpy(pc.sort_indices(groups))
    if params.by.startswith("group:"):
        in_order = in_order[generator(params.seed, "groups").permutation(len(in_order))]
    ends = np.cumsum(counts[in_order])
    twice_the_middle = 2 * ends - counts[in_order]
    part_of = np.empty(len(groups), dtype=np.int16)
    part_of[in_order] = np.searchsorted(2 * np.cumsum(sizes), twice_the_middle, side="right")
    return groups, part_of


class Shuffle:
    """Writes rows in a random order, each order equally likely, in bounded memory.

    Every row goes to a random bucket on disk; then the buckets are read one by one, shuffled in
    memory and written one after the other. Several processes may throw in blocks of rows, each its
    own range of them; the order depends on the seed, on `index` (which names this shuffle), on the
    blocks, and not on who brought them.

    `num_shuffles` is how many a process fills at once: they share the room for rows that wait.
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
        self._num_buckets = max(
            1, -(-num_rows // rows_within(schema, ROWS_PER_BUCKET, BYTES_PER_ROW))
        )
        self._most_waiting = rows_within(schema, ROWS_WAITING, BYTES_PER_ROW) // num_shuffles
        self._seed, self._index, self._schema = seed, index, schema
        self._scratch, self._workers = scratch, workers
        self._writers = [
            pa.ipc.new_stream(self._path(bucket, workers.rank), schema)
            for bucket in self._buckets()
        ]
        self._waiting: list[pa.Table] = []
        self._buckets_of_waiting: list[NDArray[np.uint16]] = []

    def add(self, rows: pa.Table, block: int) -> None:
        """Throw the rows of a block into the buckets; blocks come in their order."""
        if self._num_buckets == 1:
            self._writers[0].write_table(rows)
            return
        bucket_of_row = generator(self._seed, "buckets", self._index, block).integers(
            self._num_buckets, size=rows.num_rows
        )
        self._waiting.append(rows)
        self._buckets_of_waiting.append(
            bucket_of_row.astype(np.uint16)
            # which numpy sorts five times as fast
        )
        if sum(map(len, self._waiting)) >= self._most_waiting:
            self._empty()

    def _empty(self) -> None:
        """Bring what is waiting into the buckets, many rows at a time."""
        rows, buckets = pa.concat_tables(self._waiting), np.concatenate(self._buckets_of_waiting)
        rows = rows.take(as_arrow(np.argsort(buckets, kind="stable")))
        ends = np.cumsum(np.bincount(buckets, minlength=self._num_buckets))
        for writer, start, end in zip(self._writers, [0, *ends[:-1]], ends, strict=True):
            writer.write_table(rows.slice(start, end - start))
        self._waiting, self._buckets_of_waiting = [], []

    def close(self) -> None:
        """Say that this process has thrown in all it has."""
        if self._waiting:
            self._empty()
        for writer in self._writers:
            writer.close()

    def write(self, path: Path) -> None:
        """Write all rows in their random order, once every process has closed; the buckets are gone
        afterwards.
        """
        with new_table(path, self._schema) as output:
            for rows in prefetch(map(self._shuffled, self._buckets())):
                output.write(rows)

    def _shuffled(self, bucket: int) -> pa.Table:
        parts = [self._path(bucket, rank) for rank in range(self._workers.size)]
        rows = pa.concat_tables([_read(part) for part in parts])
        for part in parts:
            part.unlink()
        return rows.take(
            as_arrow(generator(self._seed, "shuffle", self._index, bucket).permutation(len(rows)))
        )

    def _buckets(self) -> range:
        return range(self._num_buckets)

    def _path(self, bucket: int, rank: int) -> Path:
        return self._scratch / f"shard-{self._index}-bucket-{bucket}-from-{rank}.arrow"


class Collect:
    """Writes rows in the order of their blocks, which several processes bring, each its own range
    of them.
    """

    def __init__(
        self, name: str, schema: pa.Schema, scratch: Path, workers: Workers = ALONE
    ) -> None:
        self._schema = schema
        self._parts = [scratch / f"{name}-from-{rank}.arrow" for rank in range(workers.size)]
        self._writer = pa.ipc.new_stream(self._parts[workers.rank], schema)

    def add(self, rows: pa.Table, block: int) -> None:  # noqa: ARG002 - as in Shuffle
        """Append the rows of a block; blocks come in their order."""
        self._writer.write_table(rows)

    def close(self) -> None:
        """Say that this process has brought all it has."""
        self._writer.close()

    def write(self, path: Path) -> None:
        """Write all rows, once every process has closed."""
        with new_table(path, self._schema) as output:
            for part in self._parts:
                with _stream(part) as stream:
                    for batch in stream:
                        output.write(batch)
                part.unlink()


@dataclass(frozen=True)
class Division:
    """Which part every row of a table belongs to, row group by row group.

    sizes   the number of train, validation and test rows
    counts  the same of each row group
    labels  returns the part of each row of a row group
    """

    sizes: list[int]
    counts: list[list[int]]
    labels: Callable[[int], Labels]


def divide(table: TableFile, params: Split) -> Division:
    """Divide a table's rows into train, validation and test.

    By row, memory is bounded by the row group; by group or time, the split column has to fit into
    memory.
    """
    sizes = part_sizes(table.num_rows, params)
    lengths = [table.group_length(index) for index in range(table.num_groups)]
    column = column_of(params.by)
    if column is None:
        dealer = RandomAssignment(lengths, sizes, params.seed, "parts")
        return Division(sizes, dealer.counts, dealer.deal)
    values = pa.chunked_array(
        [part for rows in table.groups([column]) for part in rows.column(column).chunks]
    )
    if params.by.startswith("time:") and (day := date_out_of_order(values)) is not None:
        todo = "write dates as 2024-12-31, or make a number of them"
        where = f"params.yaml: split.by: column {column}"
        raise UserError(where, "holds dates that do not sort by time as text", found=day, todo=todo)
    groups, part_of = parts_of_groups(values, sizes, params)
    part_of_row = part_of[as_numpy(pc.index_in(values, value_set=groups))]
    ends = np.cumsum(lengths).tolist()
    labels = [part_of_row[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    counts = [np.bincount(each, minlength=len(PARTS)).tolist() for each in labels]
    sizes = np.sum(counts, axis=0).tolist()
    _refuse_empty(sizes, params, len(groups), f"different values of {column}")
    return Division(sizes, counts, labels.__getitem__)


def chosen(rows: pa.Table, labels: Labels, label: int) -> pa.Table:
    """Return the rows that have a label, in their order."""
    return rows.take(as_arrow(np.flatnonzero(labels == label)))


def shard_sizes(num_rows: int, num_shards: int) -> list[int]:
    """Return the number of rows of each shard, as equal as can be, the longer ones first."""
    return [num_rows // num_shards + (shard < num_rows % num_shards) for shard in range(num_shards)]


def _read(path: Path) -> pa.Table:
    with _stream(path) as stream:
        return stream.read_all()


@contextmanager
def _stream(path: Path) -> Iterator[pa.RecordBatchStreamReader]:
    """Open what `pa.ipc.new_stream` wrote; by its path alone it would be mapped into memory, all of
    it in the end.
    """
    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
        yield stream


def _refuse_empty(sizes: Sequence[int], params: Split, count: int, of_what: str) -> None:
    for name, size, share in zip(
        PARTS, sizes, (params.train, params.validation, params.test), strict=True
    ):
        if share > 0 and size == 0:
            raise UserError(
                f"params.yaml: split.{name}",
                "gets no row",
                found=f"{share} of {count} {of_what}",
                todo="bring more rows, or set the share to 0"
                if name != "train"
                else "bring more rows",
            )
