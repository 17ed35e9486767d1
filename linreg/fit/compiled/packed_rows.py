"""Training rows as the compiled engine reads them: one array per window, in the order of an
epoch.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from linreg.data.rows import Chunk, Rows
from linreg.data.tables.prefetch import prefetch
from linreg.fit.compiled.permutation import permutation
from linreg.fit.exact.standardize import Scaling
from linreg.fit.sgd.order import visits
from linreg.process.workers import Workers

Floats = NDArray[np.float64]
Packed = NDArray[np.float32] | NDArray[np.float64]
Order = NDArray[np.int64]

MOST_STREAMS_AHEAD = 4
"""With more shards than this in a process, no window is read in advance: each shard would keep
three in memory.
"""
KEPT_BYTES = 128 << 20
"""The rows of a process's shards stay in memory up to this size; beyond it they are read again in
each epoch.
"""


class PackedRows:
    """A shard's rows z = [c x1 … xM y], in windows (n, M + 2) of the training's dtype.

    c is 1 with intercept and 0 without. Where rows are weighed, all of z is multiplied by √w, so
    that Σ w (y − ỹ)² is the square of plain residuals.
    """

    def __init__(
        self,
        rows: Rows,
        scaling: Scaling,
        intercept: bool,
        dtype: type[np.float32] | type[np.float64],
        *,
        keep: bool,
        read_ahead: bool,
    ) -> None:
        self._rows, self._scaling, self._intercept, self.dtype = rows, scaling, intercept, dtype
        self._kept: dict[int, Packed] | None = {} if keep else None
        self._read_ahead = read_ahead and not keep

    def epoch(
        self, seed: int, epoch: int, shard: int, skipped: int
    ) -> Iterator[tuple[Packed, Order]]:
        """Yield the windows of an epoch without its first `skipped` rows, each with the order of
        its rows.
        """
        chunks = visits(self._rows, seed, epoch, shard, skipped, permutation)
        visited = ((self._window(chunk), order) for chunk, order in chunks)
        return prefetch(visited) if self._read_ahead else visited

    def _window(self, index: int) -> Packed:
        if self._kept is None:
            return self._packed(self._rows.chunk(index))
        if index not in self._kept:
            self._kept[index] = self._packed(self._rows.chunk(index))
        return self._kept[index]

    def _packed(self, chunk: Chunk) -> Packed:
        X, y, w = self._scaling.apply(chunk)
        Z = np.empty((len(y), X.shape[1] + 2), self.dtype)
        with np.errstate(
            over="ignore",
            invalid="ignore",
            # such a cell ends the training, with the step where it did
        ):
            Z[:, 0], Z[:, 1:-1], Z[:, -1] = self._intercept, X, y
            if w is not None:
                Z *= np.sqrt(w).astype(self.dtype)[:, None]
        return Z


def packed_shards(
    shards: Sequence[Rows],
    num_features: int,
    intercept: bool,
    scaling: Scaling,
    dtype: Literal["float32", "float64"],
    workers: Workers,
) -> dict[int, PackedRows]:
    """Return the shards of this process by their numbers."""
    type_ = np.float32 if dtype == "float32" else np.float64
    own = workers.own_range(len(shards))
    num_bytes = (
        sum(shards[shard].num_rows for shard in own) * (num_features + 2) * np.dtype(type_).itemsize
    )
    how = {"keep": num_bytes <= KEPT_BYTES, "read_ahead": len(own) <= MOST_STREAMS_AHEAD}
    return {shard: PackedRows(shards[shard], scaling, intercept, type_, **how) for shard in own}


class Stream:
    """The rows of one shard in one epoch, taken from the front."""

    def __init__(self, chunks: Iterator[tuple[Packed, Order]]) -> None:
        self._windows = chunks
        self._current: tuple[Packed, Order] | None = None

    def take(self, num_rows: int) -> Iterator[tuple[Packed, Order]]:
        """Yield the next rows: windows and, in the order in which they are visited, the numbers of
        rows in them.
        """
        while num_rows:
            Z, order = self._current or next(self._windows)
            yield Z, order[:num_rows]
            self._current = (Z, order[num_rows:]) if len(order) > num_rows else None
            num_rows -= min(num_rows, len(order))
