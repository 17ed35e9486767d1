"""Rows assigned to parts or shards at random, each of which gets exactly its quota."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from linreg.data.split.quotas import largest_remainder
from linreg.seeds import generator

Labels = NDArray[np.int16]
"""For n rows, the number of the part or shard that each belongs to: (n,)."""


class RandomAssignment:
    """A random assignment of the rows of a table to labels 0 … K − 1, by row group.

    Over the whole table label k is assigned to exactly `quotas[k]` rows. The labels of a row group
    can be computed without those of the others, so that processes can share the row groups.

    quotas  the number of rows of each label
    counts  for each row group, how many of its rows get each label
    """

    def __init__(
        self, group_lengths: Sequence[int], quotas: Sequence[int], seed: int, purpose: str
    ) -> None:
        self.quotas = list(quotas)
        self.seed = seed
        self._purpose = purpose
        self.counts: list[list[int]] = []
        left = list(quotas)
        for length in group_lengths:
            self.counts.append(largest_remainder(length, left))
            left = np.subtract(left, self.counts[-1]).tolist()

    def labels(self, group: int) -> Labels:
        """Return the label of each row of a row group; every arrangement is equally likely."""
        counts = self.counts[group]
        labels = np.repeat(np.arange(len(counts), dtype=np.int16), counts)
        if max(counts) == len(labels):
            return labels
        return generator(self.seed, self._purpose, group + 1).permutation(labels)
