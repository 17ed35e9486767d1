"""The order in which training rows are visited: every row once per epoch, in mini-batches; both
engines keep to it.

The rows of a shard lie on disk in a random order. An epoch visits its windows in a random order and
the rows of a window in a random order, so that memory is bounded by the window.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from linreg.data.rows import Rows
from linreg.data.split.quotas import shard_sizes
from linreg.seeds import generator

Permutation = Callable[[np.random.Generator, int], NDArray[np.int64]]


class BatchPlan:
    """How many rows each shard gives to each mini-batch; the last batch of an epoch may be shorter.

    shares           the rows of each shard in a whole batch; together the batch size
    rows_of_shard    the rows of each shard
    num_rows         of all shards, the rows of an epoch
    steps_per_epoch  the number of batches
    whole_batches    the first of them, to which every shard gives its whole share
    """

    def __init__(self, shards: Sequence[Rows], batch_size: int) -> None:
        self.rows_of_shard = [shard.num_rows for shard in shards]
        self.shares = shard_sizes(batch_size, len(shards))
        self.num_rows = sum(self.rows_of_shard)
        self.steps_per_epoch = max(
            -(-rows // share) for rows, share in zip(self.rows_of_shard, self.shares, strict=True)
        )
        self.whole_batches = min(
            rows // share for rows, share in zip(self.rows_of_shard, self.shares, strict=True)
        )

    def lengths(self, batch: int, count: int = 1) -> list[int]:
        """Return the rows that each shard gives to `count` batches of an epoch, 0 where it has no
        more.
        """
        return [
            max(0, min(count * share, rows - batch * share))
            for rows, share in zip(self.rows_of_shard, self.shares, strict=True)
        ]

    def num_rows_of(self, batches: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of rows of each of some batches (n,) of an epoch."""
        total = np.zeros_like(batches)
        for rows, share in zip(self.rows_of_shard, self.shares, strict=True):
            total += np.clip(rows - batches * share, 0, share)
        return total


def by_numpy(random: np.random.Generator, length: int) -> NDArray[np.int64]:
    """Return a random order of so many rows."""
    return random.permutation(length)


def visits(
    rows: Rows,
    seed: int,
    epoch: int,
    shard: int,
    skipped: int = 0,
    permutation: Permutation = by_numpy,
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield the windows of a shard in the order of an epoch, each with the order of its rows.

    The first `skipped` rows of the epoch are left out.
    """
    for chunk in generator(seed, "windows", epoch, shard).permutation(rows.num_chunks).tolist():
        length = rows.chunk_length(chunk)
        if skipped >= length:
            skipped -= length
            continue
        yield chunk, permutation(generator(seed, "rows", epoch, shard, chunk), length)[skipped:]
        skipped = 0
