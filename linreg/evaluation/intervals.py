"""Confidence and prediction intervals of rows.

Their noise is normal and of equal variance, as in any textbook of linear models.
"""

import math
from typing import NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import DesignMatrix
from linreg.evaluation.distributions import t_critical_value
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.projection import leverages
from linreg.fit.model import linear


class Intervals(NamedTuple):
    """For n rows, all (n,): prediction, confidence interval of its mean, prediction interval.

    Bounds are NaN if the fit has no standard errors (df = 0, ridge, rss None).
    """

    predicted: Floats
    mean_low: Floats
    mean_high: Floats
    low: Floats
    high: Floats


def intervals(solution: LeastSquares, X: DesignMatrix, confidence: float) -> Intervals:
    """Return confidence and prediction intervals for rows X (n, M) of weight 1."""
    predicted = linear(X, solution.theta, solution.b)
    if solution.no_errors:
        scale = math.nan
    else:
        assert solution.sigma is not None
        scale = t_critical_value(confidence, solution.df) * solution.sigma
    leverage = leverages(solution, X)
    mean_width = scale * np.sqrt(leverage)
    width = scale * np.sqrt(1 + leverage)
    return Intervals(
        predicted,
        predicted - mean_width,
        predicted + mean_width,
        predicted - width,
        predicted + width,
    )
