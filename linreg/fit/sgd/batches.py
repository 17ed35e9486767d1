"""The mini-batches of the autograd engine: tensors of shuffled rows."""

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linreg.data.rows import Rows
from linreg.fit.exact.standardize import Scaling
from linreg.fit.sgd.order import BatchPlan, visits
from linreg.process.torch_setup import torch

Floats = NDArray[np.float64]


class MicroBatch(NamedTuple):
    """What one shard gives to a batch: X (k, M), y (k, 1) and, where rows are weighed, √w (k,
    1).
    """

    X: torch.Tensor
    y: torch.Tensor
    root_w: torch.Tensor | None = None


class Batch(NamedTuple):
    """A mini-batch: the rows that each shard gives to it, 0 at the end of a short one, and the
    pieces of our own.
    """

    lengths: Sequence[int]
    pieces: Sequence[tuple[int, MicroBatch]]

    @property
    def num_rows(self) -> int:
        """The rows of all shards together."""
        return sum(self.lengths)


class ShuffledBatches:
    """Mini-batches of `batch_size` rows, each shard giving its share, in the order of
    `linreg.fit.sgd.order`.

    On a GPU the rows stay there from the first epoch on, if half of its free memory holds them.
    """

    def __init__(
        self,
        shards: Sequence[Rows],
        scaling: Scaling,
        batch_size: int,
        seed: int,
        dtype: torch.dtype,
        device: str,
        own: range | None = None,
    ) -> None:
        self._own = range(len(shards)) if own is None else own
        self._shards, self._scaling, self._seed = shards, scaling, seed
        self._dtype, self._device = dtype, device
        self._plan = BatchPlan(shards, batch_size)
        self.num_rows, self.steps_per_epoch = self._plan.num_rows, self._plan.steps_per_epoch
        self._room = torch.cuda.mem_get_info(device)[0] // 2 if device.startswith("cuda") else 0
        self._resident: dict[tuple[int, int], MicroBatch] = {}

    def epoch(self, number: int, first_batch: int = 0) -> Iterator[Batch]:
        """Yield the batches of one epoch from `first_batch` on, with the pieces of the shards that
        are our own.
        """
        streams = {shard: self._pieces(shard, number, first_batch) for shard in self._own}
        for index in range(first_batch, self.steps_per_epoch):
            lengths = (
                self._plan.shares if index < self._plan.whole_batches else self._plan.lengths(index)
            )
            yield Batch(
                lengths,
                [(shard, next(stream)) for shard, stream in streams.items() if lengths[shard]],
            )

    def _pieces(self, shard: int, epoch: int, first_batch: int) -> Iterator[MicroBatch]:
        rows, share = self._shards[shard], self._plan.shares[shard]
        rest: MicroBatch | None = None
        for chunk, order in visits(rows, self._seed, epoch, shard, skipped=first_batch * share):
            permutation = torch.from_numpy(order).to(self._device)
            piece = _rows_of(self._piece(shard, chunk), permutation)
            if rest is not None:
                piece = _joined(rest, piece)
            whole = len(piece.y) - len(piece.y) % share
            if whole:
                yield from _cut(_rows_of(piece, slice(whole)), share)
            rest = _rows_of(piece, slice(whole, None))
        if rest is not None and len(rest.y):
            yield rest

    def _piece(self, shard: int, chunk: int) -> MicroBatch:
        """Return a window of a shard as it lies on disk."""
        if (shard, chunk) in self._resident:
            return self._resident[shard, chunk]
        X, y, w = self._scaling.apply(self._shards[shard].chunk(chunk))
        root_w = None if w is None else self._tensor(np.sqrt(w)).unsqueeze(1)
        piece = MicroBatch(self._tensor(X), self._tensor(y).unsqueeze(1), root_w)
        num_bytes = sum(each.nbytes for each in piece if each is not None)
        if num_bytes <= self._room:
            self._room -= num_bytes
            self._resident[shard, chunk] = piece
        return piece

    def _tensor(self, values: Floats) -> torch.Tensor:
        return torch.from_numpy(np.require(values, requirements=["C", "W"])).to(
            self._device, self._dtype
        )


def _rows_of(piece: MicroBatch, rows: slice | torch.Tensor) -> MicroBatch:
    return MicroBatch(*(None if each is None else each[rows] for each in piece))  # type: ignore[arg-type]


def _joined(first: MicroBatch, second: MicroBatch) -> MicroBatch:
    columns = zip(first, second, strict=True)
    return MicroBatch(*(None if a is None or b is None else torch.cat([a, b]) for a, b in columns))  # type: ignore[arg-type]


def _cut(piece: MicroBatch, size: int) -> Iterator[MicroBatch]:
    columns = [repeat(None) if each is None else torch.split(each, size) for each in piece]
    return (MicroBatch(*each) for each in zip(*columns, strict=False))
