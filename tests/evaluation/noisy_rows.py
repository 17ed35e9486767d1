"""Rows for tests of standard errors."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def drawn(num_rows: int = 120, num_features: int = 3) -> tuple[Floats, Floats, Floats]:
    """X, y and weights; the noise grows with x1."""
    random = np.random.default_rng(4)
    X = random.standard_normal((num_rows, num_features)) + np.arange(num_features) * 5.0
    noise = random.standard_normal(num_rows) * (0.2 + abs(X[:, 0]))
    y = 1.0 + X @ np.linspace(0.5, -0.1, num_features) + noise
    return X, y, random.uniform(0.1, 3.0, num_rows)
