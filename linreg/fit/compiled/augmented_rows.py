"""Training rows as the compiled engine reads them: the augmented matrix [c X y] of each chunk."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import Codes, CompactMatrix, as_array
from linreg.data.rows import Chunk, Rows
from linreg.data.tables.prefetch import prefetch
from linreg.fit.compiled.permutation import permutation
from linreg.fit.coordinates.choice import Coordinates
from linreg.fit.coordinates.scaling import Scaling
from linreg.fit.sgd.shuffling import shuffled_chunks
from linreg.process.workers import Workers

Augmented = NDArray[np.float32] | Floats
"""Rows (n, M + 2) of [c X y] in the dtype of the training."""
RowIndices = NDArray[np.int64]
"""Indices (k,) of the rows of a chunk, in the order in which they are read."""

MOST_PREFETCHED_SHARDS = 4
"""With more shards than this in a process, no chunk is prefetched: each shard would hold three in
memory."""
CACHE_BYTES = 128 << 20
"""The rows of a process's shards are cached up to this size; beyond it every epoch reads them."""


class CompactChunk(NamedTuple):
    """Rows of a compact design matrix.

    Z      (n, K + 2) [c X y] of the columns that are no indicators, times √w
    codes  (n, categories) where the indicator of a row's level is among (b, θ), or −1
    roots  (n,) √w in the dtype of Z
    """

    Z: Augmented
    codes: Codes
    roots: Augmented


AnyChunk: TypeAlias = Augmented | CompactChunk


class AugmentedRows:
    """A shard's rows z = [c x1 … xM y], in chunks (n, M + 2) of the training's dtype.

    c is 1 with intercept and 0 without. With weights, all of z is multiplied by √w, so that
    Σ w (y − ỹ)² is a sum of plain squared residuals. Chunks are `CompactChunk` where categories are
    kept as codes.
    """

    def __init__(
        self,
        rows: Rows,
        coordinates: Coordinates,
        intercept: bool,
        dtype: type[np.float32] | type[np.float64],
        *,
        compact: bool = False,
        cached: bool,
        prefetched: bool,
    ) -> None:
        self._rows, self._coordinates = rows, coordinates
        self._intercept, self.dtype = intercept, dtype
        self._compact = compact
        self._cache: dict[int, AnyChunk] | None = {} if cached else None
        self._prefetched = prefetched and not cached

    def epoch(
        self, seed: int, epoch: int, shard: int, skipped: int
    ) -> Iterator[tuple[Any, RowIndices]]:
        """Yield the chunks of an epoch without its first `skipped` rows, each with its indices."""
        chunks = shuffled_chunks(self._rows, seed, epoch, shard, skipped, permutation)
        rows = ((self._chunk(index), indices) for index, indices in chunks)
        return prefetch(rows) if self._prefetched else rows

    def _chunk(self, index: int) -> AnyChunk:
        augment = self._augment_compact if self._compact else self._augment
        if self._cache is None:
            return augment(self._rows.chunk(index))
        if index not in self._cache:
            self._cache[index] = augment(self._rows.chunk(index))
        return self._cache[index]

    def _augment_compact(self, chunk: Chunk) -> CompactChunk:
        X = chunk.X
        assert isinstance(X, CompactMatrix)
        assert isinstance(self._coordinates, Scaling)
        of_dense = self._coordinates.of(X.layout.is_dense)
        Z = self._augment(Chunk(X.dense, chunk.y, chunk.w), of_dense)
        # b comes before the columns of X.
        firsts = [category.first + 1 for category in X.layout.categories]
        codes = [
            np.where(each < 0, np.int32(-1), each + np.int32(first))
            for each, first in zip(X.codes, firsts, strict=True)
        ]
        roots: NDArray[Any] = np.ones(len(X), self.dtype)
        if chunk.w is not None:
            roots = np.sqrt(chunk.w).astype(self.dtype)
        return CompactChunk(Z, np.stack(codes, axis=1), roots)

    def _augment(self, chunk: Chunk, of_dense: Scaling | None = None) -> Augmented:
        X, y, w = (of_dense or self._coordinates).apply(chunk)
        X = as_array(X)
        Z = np.empty((len(y), X.shape[1] + 2), self.dtype)
        # A cell beyond the dtype makes a step infinite, which is reported there.
        with np.errstate(over="ignore", invalid="ignore"):
            Z[:, 0] = self._intercept
            Z[:, 1:-1] = X
            Z[:, -1] = y
            if w is not None:
                Z *= np.sqrt(w).astype(self.dtype)[:, None]
        return Z


def augmented_shards(
    shards: Sequence[Rows],
    num_features: int,
    intercept: bool,
    coordinates: Coordinates,
    dtype: Literal["float32", "float64"],
    workers: Workers,
) -> dict[int, AugmentedRows]:
    """Return the shards of this process by their indices."""
    type_ = np.float32 if dtype == "float32" else np.float64
    own = workers.own_range(len(shards))
    num_rows = sum(shards[shard].num_rows for shard in own)
    # Steps of several shards are taken from moments of all columns.
    has_codes = bool(shards[0].layout.categories) and isinstance(coordinates, Scaling)
    compact = len(shards) == 1 and has_codes
    num_columns = int(shards[0].layout.is_dense.sum()) if compact else num_features
    num_bytes = num_rows * (num_columns + 2) * np.dtype(type_).itemsize
    cached = num_bytes <= CACHE_BYTES
    prefetched = len(own) <= MOST_PREFETCHED_SHARDS
    return {
        shard: AugmentedRows(
            shards[shard],
            coordinates,
            intercept,
            type_,
            compact=compact,
            cached=cached,
            prefetched=prefetched,
        )
        for shard in own
    }


class RowStream:
    """The rows of one shard in one epoch, consumed from the front."""

    def __init__(self, chunks: Iterator[tuple[AnyChunk, RowIndices]]) -> None:
        self._chunks = chunks
        self._current: tuple[AnyChunk, RowIndices] | None = None

    def take(self, num_rows: int) -> Iterator[tuple[Any, RowIndices]]:
        """Yield the next rows: chunks, each with the indices of its rows in the order to read."""
        while num_rows:
            Z, indices = self._current or next(self._chunks)
            yield Z, indices[:num_rows]
            self._current = (Z, indices[num_rows:]) if len(indices) > num_rows else None
            num_rows -= min(num_rows, len(indices))
