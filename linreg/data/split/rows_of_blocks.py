"""The rows of a shard that some folds of the cross-validation train on."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from linreg.data.rows import Chunk, Rows
from linreg.data.split.folds import Folds


class RowsOfBlocks(Rows):
    """The rows of a shard in some blocks of the folds, in the chunks of the shard's file.

    A chunk holds those of its rows that are in the blocks; it may hold none. They are taken from
    the shard each time, which caches what it reads.
    """

    def __init__(self, rows: Rows, folds: Folds, shard: int, blocks: Sequence[int]) -> None:
        self._rows, self._folds, self._shard = rows, folds, shard
        self._blocks = np.array(blocks)
        self.path = rows.path
        self.num_chunks = rows.num_chunks
        self._lengths = [len(self._chosen(index)) for index in range(rows.num_chunks)]
        self.num_rows = sum(self._lengths)
        self._own = rows.own
        self._design = rows._design

    def chunk_length(self, index: int) -> int:
        """Return the number of rows of a chunk."""
        return self._lengths[index]

    def chunk(self, index: int) -> Chunk:
        """Return a chunk; raises UserError like the shard's own."""
        X, y, w = self._rows.chunk(index)
        chosen = self._chosen(index)
        return Chunk(X[chosen], y[chosen], None if w is None else w[chosen])

    def __iter__(self) -> Iterator[Chunk]:
        return (self.chunk(index) for index in self.own)

    def _chosen(self, index: int) -> NDArray[np.int64]:
        labels = self._folds.labels(self._shard, self._rows, index)
        return np.flatnonzero(np.isin(labels, self._blocks))
