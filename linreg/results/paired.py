"""Whether one of two models predicts better, from their errors on the same rows."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linreg.results.distributions import t_quantile


class PairedInterval(NamedTuple):
    """A mean of differences and the confidence interval around it."""

    mean: float
    low: float
    high: float


def paired_interval(differences: NDArray[np.float64], confidence: float) -> PairedInterval:
    """Return the paired t interval of differences (n,), n ≥ 2: mean ± t·s/√n, on n − 1 degrees of freedom."""
    mean = float(differences.mean())
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    reach = t_quantile(confidence, len(differences) - 1) * error
    return PairedInterval(mean, mean - reach, mean + reach)
