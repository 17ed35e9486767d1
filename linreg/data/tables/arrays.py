"""Conversion between numpy and Arrow without a copy.

pyarrow's own `pa.array(values)`, `pa.scalar(value)` and `to_numpy()` import pandas on first use,
which takes longer than most stages have to work.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask


def as_arrow(values: NDArray[Any]) -> pa.Array:
    """Return numbers (n,) as an Arrow array without missing cells."""
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(
        pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)]
    )


def as_scalar(value: float) -> pa.Scalar:
    """Return a number as an Arrow scalar of type float64."""
    return as_arrow(np.array([value], float))[0]


def as_numpy(column: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """Return a column of numbers without missing cells as a read-only array of the same dtype."""
    if isinstance(column, pa.ChunkedArray):
        # Of no chunks, combine_chunks() imports pandas too.
        column = column.combine_chunks() if column.num_chunks else pa.nulls(0, column.type)
    return np.from_dlpack(column)


def as_floats(column: pa.Array | pa.ChunkedArray) -> Floats:
    """Return a column of numbers without missing cells as float64; large integers are rounded."""
    return as_numpy(column.cast(pa.float64(), safe=False))


def as_mask(column: pa.Array | pa.ChunkedArray) -> Mask:
    """Return a column of truth values without missing cells as bool.

    It is a copy: Arrow stores truth values as bits, numpy as bytes.
    """
    return as_numpy(column.cast(pa.uint8())).view(bool)


def without_nan(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return a column in which NaN is a missing cell, as polars, numpy and R write one."""
    if not pa.types.is_floating(column.type):
        return column
    is_nan = pc.is_nan(column)
    if not pc.any(is_nan).as_py():
        return column
    return pc.if_else(is_nan, pa.scalar(None, column.type), column)


def with_one_zero(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return a column in which -0.0 is 0.0: as levels of a category they are one."""
    return (
        pc.add(column, pa.scalar(0, column.type)) if pa.types.is_floating(column.type) else column
    )
