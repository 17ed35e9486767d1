"""How many distinct values there are, and how many repeat another, in bounded memory."""

import numpy as np

from linreg.arrays import Mask
from linreg.setup.survey.cell_hashes import Hashes


class DistinctSample:
    """A sample of the distinct values, by their hashes: all of them, up to a limit.

    Beyond the limit only the values remain whose hash begins with one 0 bit, then with two, and so
    on: an even share of the distinct values, each with the number of its occurrences (distinct
    sampling, P. Gibbons, 2001). The counts are then estimates.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._zero_bits = 0
        self._hashes = np.empty(0, np.uint64)
        self._occurrences = np.empty(0, np.int64)
        self._buffer: list[Hashes] = []
        self._num_buffered = 0

    def add(self, hashes: Hashes) -> None:
        """Add values, given their hashes (n,)."""
        if self._zero_bits:
            hashes = hashes[self._is_sampled(hashes)]
        self._buffer.append(hashes)
        self._num_buffered += len(hashes)
        if self._num_buffered > self._limit:
            self._merge_buffer()

    @property
    def is_exact(self) -> bool:
        """Whether the sample has all distinct values, so that the counts are exact."""
        self._merge_buffer()
        return self._zero_bits == 0

    @property
    def count(self) -> int:
        """The number of distinct values."""
        self._merge_buffer()
        return len(self._hashes) << self._zero_bits

    @property
    def num_repeats(self) -> int:
        """The number of values that are equal to an earlier one."""
        self._merge_buffer()
        return int(self._occurrences.sum() - len(self._hashes)) << self._zero_bits

    @property
    def most_frequent(self) -> int:
        """The number of occurrences of the most frequent value in the sample."""
        self._merge_buffer()
        return int(self._occurrences.max(initial=0))

    def _merge_buffer(self) -> None:
        """Move the buffered hashes into the sample, and halve it until it is within the limit."""
        if not self._buffer:
            return
        hashes, occurrences = np.unique(np.concatenate(self._buffer), return_counts=True)
        merged, index = np.unique(np.concatenate([self._hashes, hashes]), return_inverse=True)
        self._occurrences = np.bincount(
            index, np.concatenate([self._occurrences, occurrences]), len(merged)
        ).astype(np.int64)
        self._hashes = merged
        self._buffer = []
        self._num_buffered = 0
        while len(self._hashes) > self._limit:
            self._zero_bits += 1
            sampled = self._is_sampled(self._hashes)
            self._hashes = self._hashes[sampled]
            self._occurrences = self._occurrences[sampled]

    def _is_sampled(self, hashes: Hashes) -> Mask:
        return np.asarray(hashes >> np.uint64(64 - self._zero_bits) == 0)
