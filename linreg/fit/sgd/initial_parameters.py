"""Where gradient descent starts: the same for both engines, and known without torch."""

import math

import numpy as np
from numpy.typing import NDArray

from linreg.params import Train
from linreg.seeds import generator


def start(num_features: int, intercept: bool, params: Train) -> NDArray[np.float64]:
    """Return the (b, θ) (M + 1,) from which both engines start: uniform on ±1/√M, as in
    torch.nn.Linear.

    In the units of the training, which are z-scores with `train.standardize`; b is 0 without
    intercept.
    """
    draw = generator(params.seed, "start")
    bound = 1 / math.sqrt(max(1, num_features))
    theta = draw.uniform(-bound, bound, num_features)
    b = draw.uniform(-bound, bound) if intercept else 0.0
    return np.array([b, *theta]).astype(params.dtype).astype(np.float64)
