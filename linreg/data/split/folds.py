"""Which fold of the cross-validation each training row is in, as the split stage has assigned it.

Blocks are what is summed up by itself. By row and by group they are the folds; forward in time the
first one comes before all folds, and is only trained on.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.data.rows import Rows
from linreg.data.split.quotas import shard_sizes
from linreg.data.tables.arrays import as_numpy
from linreg.data.tables.parquet import TableFile
from linreg.files import read_document
from linreg.params.split import split_column

FOLDS = "folds.parquet"
"""The table of the values of a column, and the fold that each belongs to, or begins."""


Blocks = NDArray[np.int8]
"""For n rows, the number of the block that each belongs to: (n,)."""


class Stretch(NamedTuple):
    """Consecutive rows first … end − 1 of a shard, counted from 0, that are in one block."""

    block: int
    first: int
    end: int


class Folds(ABC):
    """The folds of the training rows, by block.

    count     K
    by        `split.by`
    """

    def __init__(self, count: int, by: str) -> None:
        self.count = count
        self.by = by

    @property
    def is_forward(self) -> bool:
        """Whether a fold is held out of a fit to the rows before it, rather than to all others."""
        return self.by.startswith("time:")

    @property
    def num_blocks(self) -> int:
        """The number of blocks."""
        return self.count + self.is_forward

    def held_out(self, fold: int) -> int:
        """Return the block that is a fold, counted from 0."""
        return fold + self.is_forward

    def trained_on(self, fold: int) -> list[int]:
        """Return the blocks that the model of a fold, counted from 0, is fitted to."""
        held_out = self.held_out(fold)
        blocks = range(held_out) if self.is_forward else range(self.num_blocks)
        return [block for block in blocks if block != held_out]

    @abstractmethod
    def labels(self, shard: int, rows: Rows, index: int) -> Blocks:
        """Return the block of each row of a chunk of a shard (n,)."""


class FoldsByRow(Folds):
    """The rows of all shards, one shard after another, cut in K stretches.

    They differ by a row at most, the longer ones first: scikit-learn's `KFold(K)` of the rows as
    they stand in the files.
    """

    def __init__(self, count: int, by: str, rows_of_shards: Sequence[int]) -> None:
        super().__init__(count, by)
        self._firsts = list(accumulate(rows_of_shards, initial=0))
        self._ends = list(accumulate(shard_sizes(self._firsts[-1], count)))

    def stretches(self, shard: int) -> Iterator[Stretch]:
        """Yield the stretches of a shard in its order, none of them empty."""
        first, last = self._firsts[shard : shard + 2]
        start = first
        for block, end in enumerate(self._ends):
            if first < end and start < last:
                yield Stretch(block, start - first, min(end, last) - first)
                start = end

    def labels(self, shard: int, rows: Rows, index: int) -> Blocks:
        """Return the block of each row of a chunk of a shard (n,)."""
        first = self._firsts[shard] + rows.first_row(index) - 1
        numbers = np.arange(first, first + rows.chunk_length(index))
        return np.searchsorted(self._ends, numbers, side="right").astype(np.int8)


class FoldsByValue(Folds):
    """Folds by group or forward in time.

    values, folds  the table of the split stage, see `FoldAssignment`
    """

    def __init__(self, count: int, by: str, values: pa.Array, folds: NDArray[np.int64]) -> None:
        super().__init__(count, by)
        self._column = split_column(by) or ""
        self._values = values
        # Of groups.
        self._blocks = (folds - 1).astype(np.int8)

    def labels(self, shard: int, rows: Rows, index: int) -> Blocks:  # noqa: ARG002
        """Return the block of each row of a chunk of a shard (n,), whose column is read."""
        column = rows.column(index, self._column)
        if not self.is_forward:
            found: Blocks = self._blocks[as_numpy(pc.index_in(column, value_set=self._values))]
            return found
        labels = np.zeros(len(column), np.int8)
        for first in self._values:
            labels += as_numpy(pc.greater_equal(column, first).cast(pa.int8()))
        return labels


def open_folds(split: Path, shards: Sequence[Rows]) -> Folds | None:
    """Return the folds of the training rows in the folder of the split stage; None without any."""
    known = read_document(split / "split.json").get("folds")
    if known is None:
        return None
    if split_column(known["by"]) is None:
        return FoldsByRow(known["count"], known["by"], [rows.num_rows for rows in shards])
    table = TableFile(split / FOLDS)
    rows = pa.concat_tables(table.row_groups())
    values, folds = (rows.column(name).combine_chunks() for name in ("value", "fold"))
    return FoldsByValue(known["count"], known["by"], values, as_numpy(folds).astype(np.int64))
