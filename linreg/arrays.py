"""Array types that signatures name, and read-only views."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def read_only(array: Floats) -> Floats:
    """Return a read-only view of an array.

    numba compiles one kernel for read-only arrays and another for the rest; with this, one serves.
    """
    view = array.view()
    view.flags.writeable = False
    return view
