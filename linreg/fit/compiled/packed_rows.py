"""Training rows as the compiled engine reads them: one packed array per chunk."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.rows import Chunk, Rows
from linreg.data.tables.prefetch import prefetch
from linreg.fit.compiled.permutation import permutation
from linreg.fit.exact.standardize import Scaling
from linreg.fit.sgd.order import shuffled_chunks
from linreg.process.workers import Workers

Packed = NDArray[np.float32] | Floats
"""Rows (n, M + 2) of [c X y] in the dtype of the training."""
Order = NDArray[np.int64]
"""Row numbers (k,) in the order in which they are visited."""

MOST_PREFETCHED_SHARDS = 4
"""With more shards than this in a process, no chunk is prefetched: each shard would hold three in
memory."""
CACHE_BYTES = 128 << 20
"""The rows of a process's shards are cached up to this size; beyond it every epoch reads them."""


class PackedRows:
    """A shard's rows z = [c x1 … xM y], in chunks (n, M + 2) of the training's dtype.

    c is 1 with intercept and 0 without. With weights, all of z is multiplied by √w, so that
    Σ w (y − ỹ)² is a sum of plain squared residuals.
    """

    def __init__(
        self,
        rows: Rows,
        scaling: Scaling,
        intercept: bool,
        dtype: type[np.float32] | type[np.float64],
        *,
        cached: bool,
        prefetched: bool,
    ) -> None:
        self._rows, self._scaling, self._intercept, self.dtype = rows, scaling, intercept, dtype
        self._cache: dict[int, Packed] | None = {} if cached else None
        self._prefetched = prefetched and not cached

    def epoch(
        self, seed: int, epoch: int, shard: int, skipped: int
    ) -> Iterator[tuple[Packed, Order]]:
        """Yield the chunks of an epoch after its first `skipped` rows, each with its row order."""
        chunks = shuffled_chunks(self._rows, seed, epoch, shard, skipped, permutation)
        packed = ((self._chunk(index), order) for index, order in chunks)
        return prefetch(packed) if self._prefetched else packed

    def _chunk(self, index: int) -> Packed:
        if self._cache is None:
            return self._pack(self._rows.chunk(index))
        if index not in self._cache:
            self._cache[index] = self._pack(self._rows.chunk(index))
        return self._cache[index]

    def _pack(self, chunk: Chunk) -> Packed:
        X, y, w = self._scaling.apply(chunk)
        Z = np.empty((len(y), X.shape[1] + 2), self.dtype)
        # A cell beyond the dtype makes a step infinite, which is reported there.
        with np.errstate(over="ignore", invalid="ignore"):
            Z[:, 0] = self._intercept
            Z[:, 1:-1] = X
            Z[:, -1] = y
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
    """Return the shards of this process by their indices."""
    type_ = np.float32 if dtype == "float32" else np.float64
    own = workers.own_range(len(shards))
    num_rows = sum(shards[shard].num_rows for shard in own)
    num_bytes = num_rows * (num_features + 2) * np.dtype(type_).itemsize
    cached = num_bytes <= CACHE_BYTES
    prefetched = len(own) <= MOST_PREFETCHED_SHARDS
    return {
        shard: PackedRows(
            shards[shard], scaling, intercept, type_, cached=cached, prefetched=prefetched
        )
        for shard in own
    }


class RowStream:
    """The rows of one shard in one epoch, consumed from the front."""

    def __init__(self, chunks: Iterator[tuple[Packed, Order]]) -> None:
        self._chunks = chunks
        self._current: tuple[Packed, Order] | None = None

    def take(self, num_rows: int) -> Iterator[tuple[Packed, Order]]:
        """Yield the next rows: chunks, each with the numbers of its rows in the order of visits."""
        while num_rows:
            Z, order = self._current or next(self._chunks)
            yield Z, order[:num_rows]
            self._current = (Z, order[num_rows:]) if len(order) > num_rows else None
            num_rows -= min(num_rows, len(order))
