"""`center(x)`: x less its mean; `scale(x)`: that divided by the standard deviation, as R has it."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.functions.learning import cannot_learn
from linreg.process.workers import Workers
from linreg.reductions.exact_sum import ExactSum, nearest_float


class Standardization:
    """Learns the mean of the training rows, and their standard deviation √(Σ(x − x̄)²/(n − 1)).

    The mean is exact to the last bit. The rows count without their weights, as in R and patsy.
    """

    def __init__(self, function: str, *, divides: bool) -> None:
        self._function = function
        self._divides = divides
        self._sum = ExactSum()
        self._count = 0
        self._mean: float | None = None
        self._sd: float | None = None

    def update(self, values: Floats) -> None:
        """Add the values (n,)."""
        if self._mean is not None:
            with np.errstate(over="ignore"):
                values = np.minimum(np.square(values - self._mean), np.finfo(float).max)
        self._sum.add(values)
        self._count += len(values)

    def merge(self, workers: Workers) -> bool:
        """Take the mean from the first pass, and the standard deviation from the second."""
        found = workers.gather([self._sum.total, self._count])
        total = ExactSum(sum(each for each, _ in found)).value
        count = sum(each for _, each in found)
        self._sum, self._count = ExactSum(), 0
        if self._mean is None:
            if count == 0:
                raise cannot_learn(
                    self._function, "has no value in the training rows", "none", "leave it out"
                )
            self._mean = nearest_float(total / count)
            return self._divides
        self._sd = math.sqrt(nearest_float(total / (count - 1))) if count > 1 else 0.0
        if not 0 < self._sd < math.inf:
            raise cannot_learn(
                self._function,
                "cannot divide by the standard deviation of the training rows",
                self._sd,
                "use a column that varies",
            )
        return False

    def result(self) -> dict[str, Any]:
        """Return mean, and sd of a function that divides by it."""
        return {"mean": self._mean} | ({"sd": self._sd} if self._divides else {})


def standardize(x: Floats, learned: Mapping[str, Any]) -> Floats:
    """Return x (n,) less its mean in the training rows, in standard deviations where it scales."""
    centered: Floats = x - learned["mean"]
    return centered / learned["sd"] if "sd" in learned else centered
