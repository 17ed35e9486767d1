"""Hashes of cells, rows and columns: equal for equal values.

A hash has 64 bits: two of a million different values have the same hash with a probability of 3e-8.
"""

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.tables.arrays import as_floats, as_mask, as_numpy

Hashes = NDArray[np.uint64]

_MISSING = np.uint64(0x9E3779B97F4A7C15)
_EXACT_INTEGERS = 2**53


def cell_hashes(column: pa.ChunkedArray) -> Hashes:
    """Return the hash of each cell (n,); an integer has that of the float of the same value."""
    if column.num_chunks != 1:
        column = column.combine_chunks()
    hashes = _value_hashes(column)
    if column.null_count:
        hashes[as_mask(pc.is_null(column))] = _MISSING
    return hashes


def row_hashes(columns: list[Hashes]) -> Hashes:
    """Return the hash of each row (n,) from those of its cells, column by column."""
    rows = np.zeros_like(columns[0])
    for cells in columns:
        rows = _mix(rows * np.uint64(31) + cells)
    return rows


def fingerprint(cells: Hashes, first_row: int) -> int:
    """Return a hash of consecutive cells and their rows; add those of chunks for a column's."""
    rows = _mix(np.arange(first_row, first_row + len(cells), dtype=np.uint64))
    return int(_mix(cells ^ rows).sum(dtype=np.uint64))


def _mix(values: Hashes) -> Hashes:
    """Return values in which every bit depends on all bits: splitmix64's finalizer (S. Vigna)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _value_hashes(column: Any) -> Hashes:
    """Return the hashes of cells (n,); that of a missing one has no meaning."""
    if pa.types.is_floating(column.type):
        return _float_hashes(as_floats(pc.fill_null(column, 0.0)))
    if pa.types.is_integer(column.type):
        integers = as_numpy(pc.fill_null(column, 0).cast(pa.int64()))
        floats = integers.astype(np.float64)
        # Different integers beyond 2^53 may be the same float64.
        is_exact = np.abs(floats) < _EXACT_INTEGERS
        return np.where(is_exact, _float_hashes(floats), _mix(integers.view(np.uint64)))
    if pa.types.is_temporal(column.type):
        ticks = column.cast(pa.int32()) if column.type.bit_width == 32 else column
        return _mix(as_numpy(pc.fill_null(ticks.cast(pa.int64()), 0)).view(np.uint64))
    encoded = pc.dictionary_encode(column.cast(pa.string()))
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    # A column of missing cells has no text at all.
    text_hashes = [_text_hash(text) for text in encoded.dictionary.to_pylist()] or [0]
    hashes: Hashes = np.array(text_hashes, np.uint64)[as_numpy(pc.fill_null(encoded.indices, 0))]
    return hashes


def _float_hashes(values: Floats) -> Hashes:
    # Adding 0 makes −0.0 a 0.0.
    return _mix((values + 0.0).view(np.uint64) + _MISSING)


def _text_hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
