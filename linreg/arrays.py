"""Array types that signatures name, and read-only views."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Array = TypeVar("Array", bound=NDArray[Any])


def read_only(array: Array) -> Array:
    """Return a read-only view of an array.

    numba compiles one kernel for read-only arrays and another for the rest; with this, one serves.
    """
    view = array.view()
    view.flags.writeable = False
    return view
