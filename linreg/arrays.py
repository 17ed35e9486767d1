"""The array types that signatures name."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
