"""Conversion between numpy and Arrow without a copy.

pyarrow's own `pa.array(values)` and `to_numpy()` import pandas on first use, which takes longer
than most stages have to work.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask


def as_arrow(values: NDArray[Any]) -> pa.Array:
    """Return numbers (n,) as an Arrow array without missing cells."""
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(
        pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)]
    )


def as_numpy(column: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """Return a column of numbers without missing cells as a read-only array of the same dtype."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return np.from_dlpack(array)


def as_floats(column: pa.Array | pa.ChunkedArray) -> Floats:
    """Return a column of numbers without missing cells as float64; large integers are rounded."""
    return as_numpy(column.cast(pa.float64(), safe=False))


def as_mask(column: pa.Array | pa.ChunkedArray) -> Mask:
    """Return a column of truth values without missing cells as bool.

    It is a copy: Arrow stores truth values as bits, numpy as bytes.
    """
    return as_numpy(column.cast(pa.uint8())).view(bool)
