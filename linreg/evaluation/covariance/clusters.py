"""Which cluster each training row is in, by the values of one column or two."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.arrays import Mask
from linreg.data.formula.compact_matrix import Codes
from linreg.data.rows import Rows
from linreg.data.tables.arrays import as_floats, as_numpy


class Clusterings:
    """Clusterings of the training rows: by each of one or two columns, and by both at once.

    columns  their names
    sizes    the number of clusters of each clustering; of two columns, the third is that of the
             pairs of values which occur together

    Clusters are in the order of their values, as times have to be. Rows of weight 0 make none: a
    time at which there are no others is not a step between its neighbours.
    """

    def __init__(self, shards: Sequence[Rows], columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self._values = [_distinct(shards, name) for name in columns]
        self.sizes = [len(values) for values in self._values]
        self._pairs = np.empty(0, np.int64)
        if len(columns) > 1:
            for rows in shards:
                for index in range(rows.num_chunks):
                    numbers = self._pair_numbers(self._codes(rows, index))
                    found = np.unique(numbers[_has_weight(rows, index)])
                    self._pairs = np.union1d(self._pairs, found)
            self.sizes.append(len(self._pairs))

    def codes(self, rows: Rows, index: int) -> list[Codes]:
        """Return the clusters of the rows of a chunk, (n,) for each clustering.

        A row of weight 0, which adds nothing to a sum, is in any of them.
        """
        codes = self._codes(rows, index)
        if len(codes) > 1:
            both = np.searchsorted(self._pairs, self._pair_numbers(codes))
            codes.append(np.minimum(both, len(self._pairs) - 1).astype(np.int32))
        return codes

    def _codes(self, rows: Rows, index: int) -> list[Codes]:
        found = (
            pc.index_in(rows.column(index, name), value_set=values)
            for name, values in zip(self.columns, self._values, strict=True)
        )
        return [as_numpy(pc.fill_null(each, 0)).astype(np.int32) for each in found]

    def _pair_numbers(self, codes: Sequence[Codes]) -> np.ndarray:
        return codes[0].astype(np.int64) * len(self._values[1]) + codes[1]


def _distinct(shards: Sequence[Rows], column: str) -> pa.Array:
    """Return the distinct values of a column of all shards, in their order."""
    found: pa.Array | None = None
    for rows in shards:
        for index in range(rows.num_chunks):
            values = rows.column(index, column)
            if rows.design.schema.weights:
                values = values.filter(pa.array(_has_weight(rows, index)))
            values = pc.unique(values)
            found = values if found is None else pc.unique(pa.concat_arrays([found, values]))
    assert found is not None, "there is a training row"
    return found.take(pc.sort_indices(found))


def _has_weight(rows: Rows, index: int) -> Mask:
    """Return which rows (n,) of a chunk have a weight above 0."""
    name = rows.design.schema.weights
    if name is None:
        return np.ones(rows.chunk_length(index), np.bool_)
    return np.asarray(as_floats(rows.column(index, name)) > 0)
