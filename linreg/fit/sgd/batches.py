"""The batches of the autograd engine: tensors of shuffled rows."""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import as_array
from linreg.data.rows import CACHE_BYTES, Chunk, Rows
from linreg.fit.coordinates.choice import Coordinates
from linreg.fit.coordinates.whitening import Whitening
from linreg.fit.sgd.shuffling import BatchPlan, shuffled_chunks
from linreg.process.torch_setup import torch


class MicroBatch(NamedTuple):
    """The rows of one shard in a batch: X (k, M), y (k, 1) and, with weights, √w (k, 1)."""

    X: torch.Tensor
    y: torch.Tensor
    sqrt_w: torch.Tensor | None = None


class Batch(NamedTuple):
    """The rows of one step.

    lengths        the rows of each shard; in the last batch of an epoch some may be 0
    micro_batches  those of this process, each with the index of its shard
    """

    lengths: Sequence[int]
    micro_batches: Sequence[tuple[int, MicroBatch]]

    @property
    def num_rows(self) -> int:
        """The rows of all shards together."""
        return sum(self.lengths)


class ShuffledBatches:
    """The batches of `plan`, in the order of `linreg.fit.sgd.shuffling`; `own` are our own shards.

    On a GPU the rows stay there from the first epoch on if they fit into half of its free memory.
    So do whitened rows elsewhere if they fit into CACHE_BYTES.
    """

    def __init__(
        self,
        shards: Sequence[Rows],
        coordinates: Coordinates,
        plan: BatchPlan,
        seed: int,
        dtype: torch.dtype,
        device: str,
        own: range | None = None,
    ) -> None:
        self._own = range(len(shards)) if own is None else own
        self._shards, self._coordinates = shards, coordinates
        self._plan, self._seed = plan, seed
        self._dtype, self._device = dtype, device
        self._free_bytes = 0
        if device.startswith("cuda"):
            self._free_bytes = torch.cuda.mem_get_info(device)[0] // 2
        elif isinstance(coordinates, Whitening):
            # Each cell of these takes as many multiplications as there are columns.
            self._free_bytes = CACHE_BYTES
        self._resident: dict[tuple[int, int], MicroBatch] = {}

    def epoch(self, number: int, first_batch: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch from `first_batch` on."""
        streams = {shard: self._micro_batches(shard, number, first_batch) for shard in self._own}
        for index in range(first_batch, self._plan.steps_per_epoch):
            is_full = index < self._plan.full_batches
            lengths = self._plan.shares if is_full else self._plan.lengths(index)
            yield Batch(lengths, [(i, next(rows)) for i, rows in streams.items() if lengths[i]])

    def _micro_batches(self, shard: int, epoch: int, first_batch: int) -> Iterator[MicroBatch]:
        rows, share = self._shards[shard], self._plan.shares[shard]
        chunks = shuffled_chunks(rows, self._seed, epoch, shard, first_batch * share)
        if rows.layout.categories:
            return self._from_compact(rows, chunks, share)
        return self._from_tensors(shard, chunks, share)

    def _from_tensors(
        self, shard: int, chunks: Iterable[tuple[int, NDArray[np.int64]]], share: int
    ) -> Iterator[MicroBatch]:
        """Shuffle and divide whole chunks as tensors."""
        remainder: MicroBatch | None = None
        for index, order in chunks:
            permutation = torch.from_numpy(order).to(self._device)
            shuffled = _take(self._chunk(shard, index), permutation)
            if remainder is not None:
                shuffled = _concatenate(remainder, shuffled)
            num_full = len(shuffled.y) - len(shuffled.y) % share
            if num_full:
                yield from _divide(_take(shuffled, slice(num_full)), share)
            remainder = _take(shuffled, slice(num_full, None))
        if remainder is not None and len(remainder.y):
            yield remainder

    def _from_compact(
        self, rows: Rows, chunks: Iterable[tuple[int, NDArray[np.int64]]], share: int
    ) -> Iterator[MicroBatch]:
        """Divide chunks whose columns would take too much memory; each batch becomes a tensor."""
        parts: list[MicroBatch] = []
        missing = share
        for index, order in chunks:
            chunk = rows.chunk(index)
            at = 0
            while at < len(order):
                taken = order[at : at + missing]
                w = None if chunk.w is None else chunk.w[taken]
                part = Chunk(chunk.X[taken], chunk.y[taken], w)
                parts.append(self._tensors(part))
                at += len(taken)
                missing -= len(taken)
                if not missing:
                    yield reduce(_concatenate, parts)
                    parts, missing = [], share
        if parts:
            yield reduce(_concatenate, parts)

    def _chunk(self, shard: int, index: int) -> MicroBatch:
        """Return a chunk of a shard as tensors, its rows in the order that they have on disk."""
        if (shard, index) in self._resident:
            return self._resident[shard, index]
        chunk = self._tensors(self._shards[shard].chunk(index))
        num_bytes = sum(each.nbytes for each in chunk if each is not None)
        if num_bytes <= self._free_bytes:
            self._free_bytes -= num_bytes
            self._resident[shard, index] = chunk
        return chunk

    def _tensors(self, rows: Chunk) -> MicroBatch:
        """Return rows in the coordinates of training."""
        X, y, w = self._coordinates.apply(rows)
        sqrt_w = None if w is None else self._tensor(np.sqrt(w)).unsqueeze(1)
        return MicroBatch(self._tensor(as_array(X)), self._tensor(y).unsqueeze(1), sqrt_w)

    def _tensor(self, values: Floats) -> torch.Tensor:
        writable = np.require(values, requirements=["C", "W"])
        return torch.from_numpy(writable).to(self._device, self._dtype)


def _take(rows: MicroBatch, index: slice | torch.Tensor) -> MicroBatch:
    X, y, sqrt_w = rows
    return MicroBatch(X[index], y[index], None if sqrt_w is None else sqrt_w[index])


def _concatenate(first: MicroBatch, second: MicroBatch) -> MicroBatch:
    X, y = torch.cat([first.X, second.X]), torch.cat([first.y, second.y])
    if first.sqrt_w is None or second.sqrt_w is None:
        return MicroBatch(X, y)
    return MicroBatch(X, y, torch.cat([first.sqrt_w, second.sqrt_w]))


def _divide(rows: MicroBatch, size: int) -> Iterator[MicroBatch]:
    sqrt_w = repeat(None) if rows.sqrt_w is None else torch.split(rows.sqrt_w, size)
    columns = zip(torch.split(rows.X, size), torch.split(rows.y, size), sqrt_w, strict=False)
    return (MicroBatch(X, y, w) for X, y, w in columns)
