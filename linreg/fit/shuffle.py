"""The order in which training rows are visited: every row once per epoch, in shuffled mini-batches."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import numpy as np

from linreg.data.rows import Rows
from linreg.data.split import shard_sizes
from linreg.fit.scaling import Scaling
from linreg.fit.strict_torch import torch
from linreg.seeds import generator

Piece = tuple[torch.Tensor, torch.Tensor]
"""X (k, M) and y (k, 1) of the rows that one shard gives to a batch."""


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
            X, y = self._shuffled(rows, window, generator(self._seed, "rows", epoch, shard, window))
            if rest is not None:
                X, y = torch.cat([rest[0], X]), torch.cat([rest[1], y])
            whole = len(y) - len(y) % share
            yield from zip(torch.split(X[:whole], share), torch.split(y[:whole], share), strict=True) if whole else ()
            rest = (X[whole:], y[whole:])
        if rest is not None and len(rest[1]):
            yield rest

    def _shuffled(self, rows: Rows, window: int, order: np.random.Generator) -> Piece:
        X, y = self._scaling.apply(rows.window(window))
        permutation = torch.from_numpy(order.permutation(len(y)))
        X_tensor = torch.from_numpy(np.ascontiguousarray(X)).to(self._device, self._dtype)
        y_tensor = torch.from_numpy(y).to(self._device, self._dtype).unsqueeze(1)
        return X_tensor[permutation], y_tensor[permutation]
