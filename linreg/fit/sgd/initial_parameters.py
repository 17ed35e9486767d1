"""The parameters that training starts from: the same in both engines, and known without torch."""

import math

import numpy as np

from linreg.arrays import Floats
from linreg.params.train import Train
from linreg.seeds import generator


def initial_parameters(num_features: int, intercept: bool, params: Train) -> Floats:
    """Return (b, θ) (M + 1,), uniform on ±1/√M as in torch.nn.Linear; b is 0 without intercept.

    In the coordinates of training, see `train.scale`.
    """
    draw = generator(params.seed, "start")
    bound = 1 / math.sqrt(max(1, num_features))
    theta = draw.uniform(-bound, bound, num_features)
    b = draw.uniform(-bound, bound) if intercept else 0.0
    return np.array([b, *theta]).astype(params.dtype).astype(np.float64)
