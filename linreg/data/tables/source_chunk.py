"""Rows of a user's table together with their place in it."""

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa


class SourceChunk(NamedTuple):
    """Consecutive rows of the file `origin`, from its data row `first_row` (counted from 1) on."""

    rows: pa.Table
    origin: Path
    first_row: int
