"""Some rows of a user's table, with the place where the user finds them."""

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa


class SourceChunk(NamedTuple):
    """Consecutive rows, of which the first is data row `first_row` (from 1) of the file `origin`."""

    rows: pa.Table
    origin: Path
    first_row: int
