"""The training rows in the order of time: of each row its place, and the residuals before it.

The shards hold them shuffled. Rows of equal time are in the order of the user's table.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask
from linreg.data.split.training_rows import Indices, TrainingRows
from linreg.data.tables.arrays import as_numpy
from linreg.data.tables.parquet import TableFile

MAX_ORDERED = 10_000_000
"""Rows up to which residuals are put into an order, which takes some 40 bytes a row."""
NUM_LAGS = 4
"""Residuals before a row that the Breusch–Godfrey test adds at most."""


class TimeOrder:
    """Training rows with a weight above 0 in the order of time.

    residuals  (n,) u of these rows in their order
    """

    num_lags = NUM_LAGS

    def __init__(self, places: Sequence[NDArray[np.int64]], residuals: Floats) -> None:
        """`places` are, for each shard, the places of its rows in the order; −1 for weight 0."""
        self._places = places
        self.residuals = residuals
        # Before the first row there is nothing, which counts as 0.
        self._padded = np.concatenate([np.zeros(NUM_LAGS), residuals])

    @classmethod
    def by_time(
        cls, table: TableFile, column: str, training_rows: TrainingRows, residuals: Sequence[Floats]
    ) -> "TimeOrder":
        """Sort the rows of the shards, whose residuals are given, by a column of the table."""
        indices = [
            training_rows.indices(shard, np.arange(len(values)))
            for shard, values in enumerate(residuals)
        ]
        order = _order_of(table, column)
        of_table = np.full(table.num_rows, np.nan)
        for at, values in zip(indices, residuals, strict=True):
            of_table[at] = values
        sorted_residuals = of_table[order]
        counts = ~np.isnan(sorted_residuals)
        place_of_row = np.full(table.num_rows, -1, np.int64)
        place_of_row[order[counts]] = np.arange(np.count_nonzero(counts))
        return cls([place_of_row[at] for at in indices], sorted_residuals[counts])

    def places(self, shard: int, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places, from 0, of rows at some positions of a shard."""
        return self._places[shard][positions]

    def residuals_before(self, places: NDArray[np.int64]) -> Floats:
        """Return the residuals one, two, … places before, (NUM_LAGS, n); 0 where there is none."""
        return np.stack([self._padded[places + NUM_LAGS - k] for k in range(1, NUM_LAGS + 1)])

    def is_central(self, places: NDArray[np.int64]) -> Mask:
        """Return which places are in the middle half of the order."""
        first = -(-len(self.residuals) // 4)
        central: Mask = (places >= first) & (places < first + len(self.residuals) // 2)
        return central


def _order_of(table: TableFile, column: str) -> Indices:
    """Return the indices of the rows of a table by a column, stable."""
    values = pa.chunked_array(
        [chunk for rows in table.row_groups([column]) for chunk in rows.column(column).chunks]
    )
    return as_numpy(pc.sort_indices(values)).astype(np.int64)
