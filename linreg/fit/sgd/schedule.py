"""The learning rate over the steps of a training, and from which step on θ and b are averaged."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from linreg.data.formula.portable_math import cosine
from linreg.params import Train

Floats = NDArray[np.float64]
AT_A_TIME = 4096
"""Steps whose rates are computed together: an epoch may have more of them than fit into memory."""


def learning_rates(params: Train, done: Floats) -> Floats:
    """Return the learning rates (n,) after the parts `done` (n,), from 0 to 1, of all steps."""
    if params.schedule == "linear":
        return params.lr * (1 - done)
    if params.schedule == "cosine":
        return params.lr * 0.5 * (1 + cosine(math.pi * done))
    return np.full(len(done), params.lr)


def rates_of_steps(params: Train, steps: range, num_steps: int) -> Iterator[float]:
    """Yield the learning rate of each of some of all steps, which are numbered from 0."""
    for first in steps[::AT_A_TIME]:
        some = np.arange(first, min(first + AT_A_TIME, steps.stop))
        yield from learning_rates(params, some / num_steps).tolist()


def first_averaged(params: Train, num_steps: int) -> int:
    """Return the first step, counted from 1, whose θ and b go into the average; num_steps + 1 for
    none.
    """
    return num_steps - math.floor(params.average * num_steps) + 1
