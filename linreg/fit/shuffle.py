"""The order in which training rows are visited: every row once per epoch, in shuffled mini-batches."""

from collections.abc import Iterator, Sequence
from itertools import repeat, zip_longest
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linreg.data.rows import Rows
from linreg.data.split import shard_sizes
from linreg.fit.scaling import Scaling
from linreg.fit.strict_torch import torch
from linreg.seeds import generator

Floats = NDArray[np.float64]


class Piece(NamedTuple):
    """What one shard gives to a batch: X (k, M), y (k, 1) and, where rows are weighed, √w (k, 1)."""

    X: torch.Tensor
    y: torch.Tensor
    root_w: torch.Tensor | None = None


class ShuffledBatches:
    """Mini-batches of `batch_size` rows, each shard giving its share; the last of an epoch may be shorter.

    The rows of a shard lie on disk in a random order. An epoch visits its windows in a random order and the rows
    of a window in a random order, so that memory is bounded by the window.
    """

    def __init__(
        self,
        shards: Sequence[Rows],
        scaling: Scaling,
        batch_size: int,
        seed: int,
        dtype: torch.dtype,
        device: str,
    ) -> None:
        self._shards, self._scaling, self._seed = shards, scaling, seed
        self._dtype, self._device = dtype, device
        self._shares = shard_sizes(batch_size, len(shards))
        self.num_rows = sum(shard.num_rows for shard in shards)
        self.steps_per_epoch = max(
            -(-shard.num_rows // share) for shard, share in zip(shards, self._shares, strict=True)
        )

    def epoch(self, number: int) -> Iterator[list[Piece]]:
        """Yield the batches of one epoch, each as a list of pieces in the order of the shards."""
        streams = [self._pieces(index, share, number) for index, share in enumerate(self._shares)]
        for pieces in zip_longest(*streams):
            yield [piece for piece in pieces if piece is not None]

    def _pieces(self, shard: int, share: int, epoch: int) -> Iterator[Piece]:
        rows = self._shards[shard]
        rest: Piece | None = None
        for window in generator(self._seed, "windows", epoch, shard).permutation(rows.num_windows).tolist():
            piece = self._shuffled(rows, window, generator(self._seed, "rows", epoch, shard, window))
            if rest is not None:
                piece = _joined(rest, piece)
            whole = len(piece.y) - len(piece.y) % share
            if whole:
                yield from _cut(_rows_of(piece, slice(whole)), share)
            rest = _rows_of(piece, slice(whole, None))
        if rest is not None and len(rest.y):
            yield rest

    def _shuffled(self, rows: Rows, window: int, order: np.random.Generator) -> Piece:
        X, y, w = self._scaling.apply(rows.window(window))
        permutation = torch.from_numpy(order.permutation(len(y)))
        root_w = None if w is None else self._tensor(np.sqrt(w)).unsqueeze(1)[permutation]
        return Piece(self._tensor(X)[permutation], self._tensor(y).unsqueeze(1)[permutation], root_w)

    def _tensor(self, values: Floats) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self._device, self._dtype)


def _rows_of(piece: Piece, rows: slice) -> Piece:
    return Piece(*(None if each is None else each[rows] for each in piece))  # type: ignore[arg-type]


def _joined(first: Piece, second: Piece) -> Piece:
    columns = zip(first, second, strict=True)
    return Piece(*(None if a is None or b is None else torch.cat([a, b]) for a, b in columns))  # type: ignore[arg-type]


def _cut(piece: Piece, size: int) -> Iterator[Piece]:
    columns = [repeat(None) if each is None else torch.split(each, size) for each in piece]
    return (Piece(*each) for each in zip(*columns, strict=False))
