"""The files of the parts: training rows in shards and shuffled, the others in table order."""

from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path

import numpy as np
import pyarrow as pa

from linreg.data.split.external_shuffle import ExternalShuffle
from linreg.data.split.ordered_rows import OrderedRows
from linreg.data.split.partition import PARTS, TEST, TRAIN, VALIDATION, Partition
from linreg.data.split.quotas import shard_sizes
from linreg.data.split.random_assignment import Labels, RandomAssignment
from linreg.data.split.unseen_levels import LevelFilter
from linreg.data.tables.arrays import as_arrow
from linreg.data.tables.parquet import TableFile
from linreg.data.tables.prefetch import prefetch
from linreg.params.split import Split
from linreg.process.workers import Workers


def assign_shards(partition: Partition, params: Split) -> RandomAssignment:
    """Assign the training rows to shards at random; the shards' sizes are equal to within a row."""
    num_train_rows = [counts[TRAIN] for counts in partition.counts]
    sizes = shard_sizes(partition.sizes[TRAIN], params.shards)
    return RandomAssignment(num_train_rows, sizes, params.seed, "shards")


def write_parts(
    table: TableFile,
    partition: Partition,
    shards: RandomAssignment,
    level_filter: LevelFilter,
    folder: Path,
    scratch: Path,
    workers: Workers,
) -> list[str]:
    """Write the rows of a table into one file per shard, one for validation and one for test.

    First each process reads its own row groups and collects their rows by file, in `scratch`. When
    all have done so, each process writes some of the files. Their bytes do not depend on the number
    of processes. Returns the files' paths relative to `folder`, when all are written.
    """
    schema = table.schema
    num_shards = len(shards.quotas)
    train = [
        ExternalShuffle(
            num_rows, shards.seed, index, schema, scratch, workers, num_shuffles=num_shards
        )
        for index, num_rows in enumerate(shards.quotas)
    ]
    validation = OrderedRows("validation", schema, scratch, workers)
    test = OrderedRows("test", schema, scratch, workers)

    lengths = map(table.row_group_length, range(table.num_row_groups))
    first_rows = list(accumulate(lengths, initial=0))
    own = workers.own_range(table.num_row_groups)
    for group, rows in zip(own, prefetch(map(table.row_group, own)), strict=True):
        part_of_row = partition.labels(group)
        for part, output in ((VALIDATION, validation), (TEST, test)):
            indices = np.flatnonzero(part_of_row == part)
            of_part = rows.take(as_arrow(indices))
            output.add(level_filter.filter(of_part, PARTS[part], first_rows[group] + indices))
        train_rows = select(rows, part_of_row, TRAIN)
        shard_of_row = shards.labels(group)
        for index, shard in enumerate(train):
            shard.add(select(train_rows, shard_of_row, index), group)

    # Shards first: they take longest, and the processes take turns.
    files: dict[str, ExternalShuffle | OrderedRows] = {
        **{f"train/shard-{index:05d}.parquet": shard for index, shard in enumerate(train)},
        "validation.parquet": validation,
        "test.parquet": test,
    }
    _write_files(files, folder, workers)
    return list(files)


def _write_files(
    files: Mapping[str, ExternalShuffle | OrderedRows], folder: Path, workers: Workers
) -> None:
    (folder / "train").mkdir(exist_ok=True)
    for rows in files.values():
        rows.close()
    workers.barrier()
    for name in list(files)[workers.rank :: workers.size]:
        files[name].write(folder / name)
    workers.barrier()


def select(rows: pa.Table, labels: Labels, label: int) -> pa.Table:
    """Return the rows that have a label, in their order."""
    return rows.take(as_arrow(np.flatnonzero(labels == label)))
