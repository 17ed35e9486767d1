"""The fold of each training row for cross-validation: by row, by group, or forward in time.

By row, the folds are the training rows cut in K stretches, in the order of their files: that order
is random. By group or time, a table says which values belong to which fold. So the training rows
are written in the same order with folds as without.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.data.split.folds import FOLDS
from linreg.data.split.partition import TRAIN, Partition
from linreg.data.tables.arrays import as_arrow, as_numpy
from linreg.data.tables.parquet import TableFile, write_table
from linreg.errors import UserError
from linreg.params.split import Split, split_column
from linreg.seeds import generator

Counts = NDArray[np.int64]


class FoldAssignment:
    """The folds that `split.folds` asks for, numbered from 1.

    values, folds  (k,) by group, every group and its fold; by time, the first time of each fold and
                   its number; none by row
    """

    def __init__(self, params: Split, values: pa.Array | None, folds: Counts) -> None:
        self._params = params
        self._values = values
        self._folds = folds

    def write(self, folder: Path) -> tuple[dict[str, Any], list[str]]:
        """Write FOLDS into the folder; return what split.json says, and the files: empty for none.

        By time, a row is in the last fold whose first time is not after its own.
        """
        if not self._params.folds:
            return {}, []
        document = {"folds": {"count": self._params.folds, "by": self._params.by}}
        if self._values is None:
            return document, []
        # Beside the values, as a column may have any name.
        columns = {"value": self._values, "fold": as_arrow(self._folds.astype(np.int32))}
        table = pa.table(columns)
        write_table(folder / FOLDS, table.schema, [table])
        return document, [FOLDS]


def assign_folds(table: TableFile, partition: Partition, params: Split) -> FoldAssignment:
    """Assign the training rows of a table to `split.folds` folds.

    By group or time, the column that `split.by` names has to fit into memory. Raises UserError
    where there are fewer rows, groups or times than folds need.
    """
    column = split_column(params.by)
    if not params.folds or column is None:
        _require_enough(partition.sizes[TRAIN], params.folds, "training rows")
        return FoldAssignment(params, None, np.empty(0, np.int64))
    values = pa.chunked_array(
        [
            chunk
            for group in range(table.num_row_groups)
            for chunk in table.row_group(group, [column])
            .take(as_arrow(np.flatnonzero(partition.labels(group) == TRAIN)))
            .column(column)
            .chunks
        ],
        table.schema.field(column).type,
    )
    counted = pc.value_counts(values)
    distinct = counted.field("values")
    order = pc.sort_indices(distinct)
    distinct = distinct.take(order)
    counts = as_numpy(counted.field("counts").take(order))
    if params.by.startswith("group:"):
        _require_enough(len(counts), params.folds, f"training values of {column}")
        random = generator(params.seed, "folds")
        return FoldAssignment(params, distinct, folds_of_groups(counts, params.folds, random))
    _require_enough(len(counts) - 1, params.folds, f"training values of {column} after the first")
    folds = folds_of_times(counts, params.folds)
    firsts = np.searchsorted(folds, np.arange(1, params.folds + 1))
    if len(np.unique(folds)) <= params.folds:
        raise UserError(
            "params.yaml: split.folds",
            f"leaves a fold without rows, as rows of equal {column} stay together",
            found=params.folds,
            todo="choose fewer",
        )
    return FoldAssignment(params, distinct.take(as_arrow(firsts)), folds[firsts])


def folds_of_groups(counts: Counts, num_folds: int, random: np.random.Generator) -> Counts:
    """Return the fold, from 1, of each group (k,), for its number of rows.

    The largest groups come first, those of equal size in a random order, each to the fold with the
    fewest rows so far: the rule of scikit-learn's GroupKFold.
    """
    order = random.permutation(len(counts))
    order = order[np.argsort(-counts[order], kind="stable")]
    num_rows = [0] * num_folds
    folds = np.empty(len(counts), np.int64)
    for group, size in zip(order.tolist(), counts[order].tolist(), strict=True):
        fold = num_rows.index(min(num_rows))
        folds[group] = fold + 1
        num_rows[fold] += size
    return folds


def folds_of_times(counts: Counts, num_folds: int) -> Counts:
    """Return the fold of each time (k,), oldest first, for its number of rows; 0 before the first.

    Of n rows every fold has n // (K + 1), the last ones, and what comes before is 0: as in
    scikit-learn's TimeSeriesSplit. A time belongs to the fold that holds the middle of its rows, so
    that rows of equal time stay together.
    """
    size = int(counts.sum()) // (num_folds + 1)
    ends = int(counts.sum()) - size * np.arange(num_folds, 0, -1)
    # Twice the middle, to stay in integers.
    twice_the_middle = 2 * np.cumsum(counts) - counts
    return np.searchsorted(2 * ends, twice_the_middle, side="right")


def _require_enough(count: int, num_folds: int, what: str) -> None:
    if count < num_folds:
        raise UserError(
            "params.yaml: split.folds",
            f"must be at most the number of {what}",
            found=f"{num_folds} for {count}",
            todo="choose fewer, or 0 for none",
        )
