"""The learning rate over the steps of a training, and from which step on θ and b are averaged."""

import math

import numpy as np
from numpy.typing import NDArray

from linreg.data.strict_math import cosine
from linreg.params import Train

Floats = NDArray[np.float64]


def learning_rates(params: Train, done: Floats) -> Floats:
    """Return the learning rates (n,) after the parts `done` (n,), from 0 to 1, of all steps."""
    if params.schedule == "linear":
        return params.lr * (1 - done)
    if params.schedule == "cosine":
        return params.lr * 0.5 * (1 + cosine(math.pi * done))
    return np.full(len(done), params.lr)


def first_averaged(params: Train, num_steps: int) -> int:
    """Return the first step, counted from 1, whose θ and b go into the average; num_steps + 1 for none."""
    return num_steps - math.floor(params.average * num_steps) + 1
