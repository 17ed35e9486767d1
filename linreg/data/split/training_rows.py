"""Which row of the ingested table a training row is.

The split shuffles the training rows and writes no number beside them. What it has drawn is drawn
again: the part and the shard of each row, its bucket, and the order of the buckets.
"""

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from linreg.data.split.external_shuffle import buckets_of_rows, num_buckets, order_of_bucket
from linreg.data.split.part_files import assign_shards
from linreg.data.split.partition import TRAIN, partition_rows
from linreg.data.tables.parquet import TableFile
from linreg.params.split import Split

Indices = NDArray[np.int64]


class TrainingRows:
    """The training rows of a split as rows of the table that was split.

    The memory is that of the split: a bucket, and with `split.by` the column that it names.
    """

    def __init__(self, table: TableFile, params: Split) -> None:
        lengths = map(table.row_group_length, range(table.num_row_groups))
        self._first_rows = list(accumulate(lengths, initial=0))
        self._schema = table.schema
        self._seed = params.seed
        self._partition = partition_rows(table, params)
        self._shards = assign_shards(self._partition, params)

    def indices(self, shard: int, positions: Indices) -> Indices:
        """Return the indices in the table of the rows at some positions of a shard, all from 0."""
        count = num_buckets(self._shards.quotas[shard], self._schema)
        by_group = np.array([self._bucket_sizes(shard, group, count) for group in self._groups])
        ends = np.cumsum(by_group.sum(axis=0))
        bucket_of_row = np.searchsorted(ends, positions, side="right")
        group_of_row = np.empty_like(positions)
        offsets = np.empty_like(positions)
        for bucket in np.unique(bucket_of_row).tolist():
            size = int(by_group[:, bucket].sum())
            order = order_of_bucket(self._seed, shard, bucket, size)
            chosen = bucket_of_row == bucket
            ranks = order[positions[chosen] - (ends[bucket] - size)]
            group_ends = np.cumsum(by_group[:, bucket])
            groups = np.searchsorted(group_ends, ranks, side="right")
            group_of_row[chosen] = groups
            offsets[chosen] = ranks - (group_ends - by_group[:, bucket])[groups]
        result = np.empty_like(positions)
        for group in np.unique(group_of_row).tolist():
            rows = self._rows_of(shard, group)
            buckets = self._buckets(shard, group, count)
            of_group = group_of_row == group
            for bucket in np.unique(bucket_of_row[of_group]).tolist():
                chosen = of_group & (bucket_of_row == bucket)
                result[chosen] = rows[buckets == bucket][offsets[chosen]]
        return result

    @property
    def _groups(self) -> range:
        return range(len(self._first_rows) - 1)

    def _rows_of(self, shard: int, group: int) -> Indices:
        """Return the indices of the rows of a row group that belong to a shard."""
        train = np.flatnonzero(self._partition.labels(group) == TRAIN)
        rows: Indices = self._first_rows[group] + train[self._shards.labels(group) == shard]
        return rows

    def _buckets(self, shard: int, group: int, count: int) -> Indices:
        size = self._shards.counts[group][shard]
        return buckets_of_rows(self._seed, shard, group, size, count)

    def _bucket_sizes(self, shard: int, group: int, count: int) -> list[int]:
        buckets = self._buckets(shard, group, count)
        sizes: list[int] = np.bincount(buckets, minlength=count).tolist()
        return sizes
