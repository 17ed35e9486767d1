"""How many different values there are, and how many repeat another, in bounded memory.

Values are told apart by hashes of 64 bits: two different ones of a million share one with a
probability of 3e-8.
"""

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.data.tables.arrays import as_floats, as_numpy

Hashes = NDArray[np.uint64]

_MISSING = np.uint64(0x9E3779B97F4A7C15)
_LARGEST_EXACT = 2**53


class Distinct:
    """A sample of the different values: all of them, up to a limit.

    Beyond it only those stay whose hash begins with a 0 bit, then with two, and so on: an even
    share of the different values, each with the number of times it came (P. Gibbons, 2001). What is
    counted is then an estimate.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._level = limit, 0
        self._hashes, self._times = np.empty(0, np.uint64), np.empty(0, np.int64)
        self._waiting: list[Hashes] = []
        self._num_waiting = 0

    def add(self, hashes: Hashes) -> None:
        """Take in the hashes of some values."""
        kept = self._sampled(hashes)
        self._waiting.append(kept)
        self._num_waiting += len(kept)
        if self._num_waiting > self._limit:
            self._settle()

    @property
    def exact(self) -> bool:
        """Whether every different value was counted."""
        self._settle()
        return self._level == 0

    @property
    def count(self) -> int:
        """How many different values there are."""
        self._settle()
        return len(self._hashes) << self._level

    @property
    def repeats(self) -> int:
        """How many values are equal to one that came before."""
        self._settle()
        return int(self._times.sum() - len(self._hashes)) << self._level

    @property
    def most_frequent(self) -> int:
        """How often the most frequent value came (of those in the sample)."""
        self._settle()
        return int(self._times.max(initial=0))

    def _settle(self) -> None:
        if not self._waiting:
            return
        came, times = np.unique(np.concatenate(self._waiting), return_counts=True)
        together, where = np.unique(np.concatenate([self._hashes, came]), return_inverse=True)
        counts = np.zeros(len(together), np.int64)
        np.add.at(counts, where, np.concatenate([self._times, times]))
        self._hashes, self._times, self._waiting, self._num_waiting = together, counts, [], 0
        while len(self._hashes) > self._limit:
            self._level += 1
            stay = self._begins_with_zeros(self._hashes)
            self._hashes, self._times = self._hashes[stay], self._times[stay]

    def _sampled(self, hashes: Hashes) -> Hashes:
        return hashes[self._begins_with_zeros(hashes)] if self._level else hashes

    def _begins_with_zeros(self, hashes: Hashes) -> NDArray[np.bool_]:
        return np.asarray(hashes >> np.uint64(64 - self._level) == 0)


def cell_hashes(column: pa.ChunkedArray) -> Hashes:
    """Return the hash of each cell (n,): equal for equal cells, an integer and a float of the same
    value included.
    """
    if column.num_chunks != 1:
        column = column.combine_chunks()
    known = _known_hashes(column)
    if column.null_count:
        known[_as_mask(pc.is_null(column))] = _MISSING
    return known


def row_hashes(columns: list[Hashes]) -> Hashes:
    """Return the hash of each row (n,) from those of its cells."""
    rows = np.zeros_like(columns[0])
    for cells in columns:
        rows = mixed(rows * np.uint64(31) + cells)
    return rows


def order_hash(cells: Hashes, first_row: int) -> int:
    """Return a number that depends on the cells and their rows; those of the parts of a column are
    to be added.
    """
    places = mixed(np.arange(first_row, first_row + len(cells), dtype=np.uint64))
    return int(mixed(cells ^ places).sum(dtype=np.uint64))


def mixed(values: Hashes) -> Hashes:
    """Spread every bit over all bits: the finalizer of splitmix64 (S. Vigna), a bijection."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _known_hashes(column: Any) -> Hashes:
    if pa.types.is_floating(column.type):
        return _number_hashes(as_floats(pc.fill_null(column, 0.0)))
    if pa.types.is_integer(column.type):
        whole = as_numpy(pc.fill_null(column, 0).cast(pa.int64()))
        # Beyond 2^53 neighbours are the same as float64.
        exact = np.abs(whole.astype(np.float64)) < _LARGEST_EXACT
        return np.where(
            exact, _number_hashes(whole.astype(np.float64)), mixed(whole.view(np.uint64))
        )
    if pa.types.is_temporal(column.type):
        ticks = column.cast(pa.int32()) if column.type.bit_width == 32 else column
        return mixed(as_numpy(pc.fill_null(ticks.cast(pa.int64()), 0)).view(np.uint64))
    encoded = pc.dictionary_encode(column.cast(pa.string()))
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    words = [_word_hash(word) for word in encoded.dictionary.to_pylist()] or [0]
    codes = as_numpy(pc.fill_null(encoded.indices, 0))
    hashes: Hashes = np.array(words, np.uint64)[codes]
    return hashes


def _number_hashes(values: NDArray[np.float64]) -> Hashes:
    # + 0.0 makes −0.0 a 0.0
    return mixed((values + 0.0).view(np.uint64) + _MISSING)


def _word_hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")


def _as_mask(column: Any) -> NDArray[np.bool_]:
    return as_numpy(column.cast(pa.int8())).astype(bool)
