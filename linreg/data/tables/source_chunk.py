"""Rows of a user's table together with their place in it."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class SourceChunk(NamedTuple):
    """Consecutive rows of the file `origin`, from its data row `first_row` (counted from 1) on.

    selected  (num_read,), where some of the rows are left out: which rows of the file are here
    """

    rows: pa.Table
    origin: Path
    first_row: int
    selected: NDArray[np.bool_] | None = None

    def row_number(self, index: int) -> int:
        """Return the number in the file of the row with this index (from 0)."""
        if self.selected is None:
            return self.first_row + index
        return int(self.row_numbers()[index])

    def row_numbers(self) -> NDArray[np.int64]:
        """Return the numbers (n,) in the file of the rows."""
        if self.selected is None:
            return np.arange(self.first_row, self.first_row + self.rows.num_rows)
        return self.first_row + np.flatnonzero(self.selected)

    def left_out(self) -> NDArray[np.int64]:
        """Return the numbers in the file of the rows that are left out."""
        if self.selected is None:
            return np.empty(0, np.int64)
        return self.first_row + np.flatnonzero(~self.selected)
