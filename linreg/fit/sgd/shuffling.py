"""The order of the rows in an epoch, and their division into batches; the same in both engines.

The rows of a shard are on disk in a random order. An epoch reads its chunks in a random order and
the rows of each chunk in a random order, so that memory is bounded by the chunk.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from linreg.data.rows import Rows
from linreg.data.split.quotas import shard_sizes
from linreg.seeds import generator

Permutation = Callable[[np.random.Generator, int], NDArray[np.int64]]


class BatchPlan:
    """How many rows each shard contributes to each batch; an epoch's last batch may be shorter.

    shares           the rows of each shard in a full batch; together the batch size
    rows_of_shard    the rows of each shard
    num_rows         of all shards: the rows of an epoch
    steps_per_epoch  the number of batches
    full_batches     the batches to which every shard contributes its full share; they come first
    """

    def __init__(self, shards: Sequence[Rows], batch_size: int) -> None:
        self.rows_of_shard = [shard.num_rows for shard in shards]
        self.shares = shard_sizes(batch_size, len(shards))
        self.num_rows = sum(self.rows_of_shard)
        pairs = list(zip(self.rows_of_shard, self.shares, strict=True))
        self.steps_per_epoch = max(-(-rows // share) for rows, share in pairs)
        self.full_batches = min(rows // share for rows, share in pairs)

    def num_steps(self, epochs: int) -> int:
        """Return the steps of so many epochs."""
        return epochs * self.steps_per_epoch

    def lengths(self, batch: int, count: int = 1) -> list[int]:
        """Return the rows of each shard in `count` batches of an epoch; 0 when it is exhausted."""
        return [
            max(0, min(count * share, rows - batch * share))
            for rows, share in zip(self.rows_of_shard, self.shares, strict=True)
        ]

    def num_rows_of(self, batches: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of rows of each of some batches (n,) of an epoch, by their indices."""
        total = np.zeros_like(batches)
        for rows, share in zip(self.rows_of_shard, self.shares, strict=True):
            total += np.clip(rows - batches * share, 0, share)
        return total


def numpy_permutation(random: np.random.Generator, length: int) -> NDArray[np.int64]:
    """Return a random permutation of 0 … length − 1."""
    return random.permutation(length)


def shuffled_chunks(
    rows: Rows,
    seed: int,
    epoch: int,
    shard: int,
    skipped: int = 0,
    permutation: Permutation = numpy_permutation,
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield the chunks of a shard in the order of an epoch, each with the order of its rows.

    The first `skipped` rows of the epoch are left out: those before a checkpoint.
    """
    for chunk in generator(seed, "windows", epoch, shard).permutation(rows.num_chunks).tolist():
        length = rows.chunk_length(chunk)
        if skipped >= length:
            skipped -= length
            continue
        yield chunk, permutation(generator(seed, "rows", epoch, shard, chunk), length)[skipped:]
        skipped = 0
