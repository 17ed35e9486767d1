"""Which rows train the model, which are watched during training, which judge it in the end."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.data.arrays import as_arrow, as_numpy
from linreg.data.table import TableFile, TableWriter
from linreg.errors import UserError
from linreg.params import Split, column_of
from linreg.seeds import generator

TRAIN, VALIDATION, TEST = range(3)
PARTS = ("train", "validation", "test")
ROWS_PER_BUCKET = 1 << 20
"""Rows that are shuffled in memory at a time."""

Labels = NDArray[np.int16]


def allot(num_rows: int, quotas: Sequence[int]) -> list[int]:
    """Divide rows in the proportion of `quotas`, by the largest remainder; never more than a quota.

    `num_rows` is at most the sum of the quotas. Dealing out a table block by block with what is left of the
    quotas therefore uses them up exactly, in integers, however long the blocks are.
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
    """Return the wanted number of train, validation and test rows; raises UserError where a share gets none."""
    shares = [Fraction(str(share)) for share in (params.train, params.validation, params.test)]
    validation, test = (int(share * num_rows + Fraction(1, 2)) for share in shares[1:])
    sizes = [num_rows - validation - test, validation, test]
    _refuse_empty(sizes, params, num_rows, "rows")
    return sizes


class Dealer:
    """Deals rows out to hands at random, block by block; every hand gets exactly its size over all blocks."""

    def __init__(self, sizes: Sequence[int], seed: int, purpose: str) -> None:
        self._left, self._seed, self._purpose, self._block = list(sizes), seed, purpose, 0

    def deal(self, num_rows: int) -> Labels:
        """Return the hand of each row of the next block (num_rows,), each arrangement equally likely."""
        counts = allot(num_rows, self._left)
        self._left = [quota - count for quota, count in zip(self._left, counts, strict=True)]
        labels = np.repeat(np.arange(len(counts), dtype=np.int16), counts)
        self._block += 1
        return generator(self._seed, self._purpose, self._block).permutation(labels)


def parts_of_groups(values: pa.ChunkedArray, sizes: Sequence[int], params: Split) -> tuple[pa.Array, Labels]:
    """Return the different values of the split column and the part each belongs to.

    Groups come in a random order, times in their own, oldest first; a value goes to the part in which the middle
    of its rows falls when parts of `sizes` rows follow one another. Rows of equal value thus stay together.
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

    Every row goes to a random bucket on disk; then the buckets are read one by one, shuffled in memory and
    written one after the other. The order depends on seed, shard and number of rows, not on how they arrived.
    """

    def __init__(self, num_rows: int, seed: int, shard: int, schema: pa.Schema, scratch: Path) -> None:
        self._num_buckets = max(1, -(-num_rows // ROWS_PER_BUCKET))
        self._seed, self._shard, self._schema = seed, shard, schema
        self._paths = [scratch / f"shard-{shard}-bucket-{bucket}.arrow" for bucket in range(self._num_buckets)]
        self._writers = [pa.ipc.new_stream(path, schema) for path in self._paths]
        self._choose = generator(seed, "buckets", shard)

    def add(self, rows: pa.Table) -> None:
        """Throw rows into the buckets."""
        if self._num_buckets == 1:
            self._writers[0].write_table(rows)
            return
        buckets = self._choose.integers(self._num_buckets, size=rows.num_rows)
        rows = rows.take(as_arrow(np.argsort(buckets, kind="stable")))
        ends = np.cumsum(np.bincount(buckets, minlength=self._num_buckets))
        for writer, start, end in zip(self._writers, [0, *ends[:-1]], ends, strict=True):
            writer.write_table(rows.slice(start, end - start))

    def write(self, path: Path) -> None:
        """Write all rows in their random order; the buckets are gone afterwards."""
        with TableWriter(path, self._schema) as output:
            for bucket, (writer, scratch) in enumerate(zip(self._writers, self._paths, strict=True)):
                writer.close()
                with pa.ipc.open_stream(scratch) as stream:
                    rows = stream.read_all()
                order = generator(self._seed, "shuffle", self._shard, bucket).permutation(len(rows))
                output.write(rows.take(as_arrow(order)))
                scratch.unlink()


def divide(table: TableFile, params: Split) -> tuple[list[int], Iterator[tuple[pa.Table, Labels]]]:
    """Return the number of train, validation and test rows, and the row groups with the part of each row.

    By row, memory is bounded by the row group; by group or time, the split column has to fit into memory.
    """
    sizes = part_sizes(table.num_rows, params)
    column = column_of(params.by)
    if column is None:
        dealer = Dealer(sizes, params.seed, "parts")
        return sizes, ((rows, dealer.deal(rows.num_rows)) for rows in table.groups())
    values = pa.chunked_array([part for rows in table.groups([column]) for part in rows.column(column).chunks])
    groups, part_of = parts_of_groups(values, sizes, params)
    sizes = np.bincount(part_of[as_numpy(pc.index_in(values, value_set=groups))], minlength=len(PARTS)).tolist()
    _refuse_empty(sizes, params, len(groups), f"different values of {column}")
    return sizes, (
        (rows, part_of[as_numpy(pc.index_in(rows.column(column), value_set=groups))]) for rows in table.groups()
    )


def chosen(rows: pa.Table, labels: Labels, label: int) -> pa.Table:
    """Return the rows that have a label, in their order."""
    return rows.take(as_arrow(np.flatnonzero(labels == label)))


def shard_sizes(num_rows: int, num_shards: int) -> list[int]:
    """Return the number of rows of each shard, as equal as can be, the longer ones first."""
    return [num_rows // num_shards + (shard < num_rows % num_shards) for shard in range(num_shards)]


def _refuse_empty(sizes: Sequence[int], params: Split, count: int, of_what: str) -> None:
    for name, size, share in zip(PARTS, sizes, (params.train, params.validation, params.test), strict=True):
        if share > 0 and size == 0:
            raise UserError(
                f"params.yaml: split.{name}", "gets no row", found=f"{share} of {count} {of_what}",
                todo="bring more rows, or set the share to 0" if name != "train" else "bring more rows",
            )  # fmt: skip
