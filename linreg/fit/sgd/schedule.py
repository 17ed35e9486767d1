"""The learning rate of each step, and the step from which θ and b are averaged."""

import math
from collections.abc import Iterator

import numpy as np

from linreg.arrays import Floats
from linreg.params.train import Train
from linreg.portable_math.trigonometry import cosine

STEPS_AT_ONCE = 4096
"""Steps whose rates are computed together: those of a whole epoch may not fit into memory."""


def learning_rates(params: Train, progress: Floats) -> Floats:
    """Return the learning rates (n,) at given fractions (n,) of all steps, 0 to 1."""
    if params.schedule == "linear":
        return params.lr * (1 - progress)
    if params.schedule == "cosine":
        return params.lr * 0.5 * (1 + cosine(math.pi * progress))
    return np.full(len(progress), params.lr)


def rates_of_steps(params: Train, steps: range, num_steps: int) -> Iterator[float]:
    """Yield the learning rate of each of `steps`, which are counted from 0, of `num_steps`."""
    for first in steps[::STEPS_AT_ONCE]:
        some = np.arange(first, min(first + STEPS_AT_ONCE, steps.stop))
        yield from learning_rates(params, some / num_steps).tolist()


def first_averaged_step(params: Train, num_steps: int) -> int:
    """Return the first step, counted from 1, whose θ and b are averaged; num_steps + 1 for none."""
    return num_steps - math.floor(params.average * num_steps) + 1
