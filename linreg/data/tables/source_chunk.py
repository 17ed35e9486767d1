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
        return int(self.row_numbers(np.array([index]))[0])

    def row_numbers(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers in the file of the rows with these indices."""
        if self.selected is not None:
            indices = np.flatnonzero(self.selected)[indices]
        return self.first_row + indices

    def left_out(self) -> NDArray[np.int64]:
        """Return the numbers in the file of the rows that are left out."""
        if self.selected is None:
            return np.empty(0, np.int64)
        return self.first_row + np.flatnonzero(~self.selected)
