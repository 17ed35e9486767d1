"""By how many percent the RMSE of two models differs on the same rows, with its interval.

The ratio ρ of two means of squared errors has the interval of all ρ at which a paired t-test does
not find that ρ·(squared error of the one) and (squared error of the other) differ: Fieller's
interval (E. C. Fieller, Some problems in interval estimation, JRSS B 16, 1954). At ρ = 1 it is the
paired test itself, so that both always agree on what is significant.
"""

import math
from typing import NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.evaluation.distributions import t_critical_value


class RmseChange(NamedTuple):
    """The RMSE of both models, and by which share the second is larger, with its interval.

    low, high   infinite where the first RMSE may be 0 by what the rows tell
    """

    before: float
    after: float
    low: float
    high: float
    confidence: float

    def in_words(self) -> str:
        """Return both, the change in percent and its interval."""
        if self.before == 0:
            return f"RMSE 0 → {self.after:.6g}"
        change = self.after / self.before - 1
        interval = ""
        if math.isfinite(self.high):
            interval = (
                f" ({100 * self.confidence:.12g} % interval {_percent(self.low)} to"
                f" {_percent(self.high)})"
            )
        return f"RMSE {self.before:.6g} → {self.after:.6g}, {_percent(change)}{interval}"


def rmse_change(before: Floats, after: Floats, confidence: float) -> RmseChange:
    """Compare two models by their errors on the same independent rows, both (n,) with n ≥ 2."""
    a, b = np.square(before), np.square(after)
    mean_a, mean_b = float(a.mean()), float(b.mean())
    q = t_critical_value(confidence, len(a) - 1) ** 2 / len(a)
    (var_a, cov), (_, var_b) = np.cov(a, b).tolist()
    # ρ²·(a² − q·s²a) − 2ρ·(a·b − q·s_ab) + (b² − q·s²b) ≤ 0
    square, middle = mean_a**2 - q * var_a, mean_a * mean_b - q * cov
    root = math.sqrt(max(0.0, middle**2 - square * (mean_b**2 - q * var_b)))
    low, high = -1.0, math.inf
    if square > 0:
        low = math.sqrt(max(0.0, (middle - root) / square)) - 1
        high = math.sqrt((middle + root) / square) - 1
    return RmseChange(math.sqrt(mean_a), math.sqrt(mean_b), low, high, confidence)


def _percent(share: float) -> str:
    return f"{100 * share:+.3g} %"
