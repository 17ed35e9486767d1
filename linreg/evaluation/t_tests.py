"""t tests of coefficients, given their standard errors, and the table of all coefficients."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from linreg.arrays import Floats
from linreg.evaluation.coefficient_covariance import CoefficientCovariance
from linreg.evaluation.distributions import t_critical_value
from linreg.evaluation.many_t_tests import t_p_values
from linreg.fit.exact.least_squares import LeastSquares


@dataclass(frozen=True)
class TTest:
    """The t test of one coefficient being 0.

    All are None if there is no standard error (df = 0, ridge, rss None), and each is if it is
    infinite.

    t          estimate / standard error; None for a standard error of 0
    p          P(|T| > |t|); for a standard error of 0 it is 0, or None if the estimate is 0 too
    low, high  the confidence interval
    """

    standard_error: float | None
    t: float | None
    p: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class CoefficientRow:
    """A row of the coefficient table, with classical and robust standard errors.

    robust  None if the robust standard errors were not computed
    """

    name: str
    estimate: float
    classical: TTest
    robust: TTest | None


def coefficient_table(
    solution: LeastSquares, confidence: float, covariance: CoefficientCovariance | None
) -> tuple[CoefficientRow, ...]:
    """Return the rows of what was estimated and is reported, in the order of (b, θ).

    covariance  the robust one; None without
    """
    kept = np.flatnonzero(solution.reported)
    estimates = np.concatenate([[solution.b], solution.theta])[kept]
    names = ["b", *solution.names]
    classical = t_tests(estimates, solution.standard_errors[kept], solution.df, confidence)
    robust: Sequence[TTest | None] = [None] * len(kept)
    if covariance is not None:
        errors = covariance.standard_errors[kept]
        robust = t_tests(estimates, errors, covariance.df, confidence)
    return tuple(
        CoefficientRow(names[j], *columns)
        for j, *columns in zip(kept.tolist(), estimates.tolist(), classical, robust, strict=True)
    )


def t_tests(estimates: Floats, errors: Floats, df: int, confidence: float) -> list[TTest]:
    """Return the t tests of coefficients, given their standard errors, both (p,)."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        statistics = np.where(np.isfinite(errors) & (errors > 0), estimates / errors, np.nan)
    is_tested = np.isfinite(statistics)
    p_values = np.zeros(len(estimates))
    if is_tested.any():
        p_values[is_tested] = t_p_values(statistics[is_tested], df)
    critical_value = t_critical_value(confidence, df) if df > 0 else math.nan
    columns = zip(
        estimates.tolist(), errors.tolist(), statistics.tolist(), p_values.tolist(), strict=True
    )
    return [_t_test(*numbers, critical_value) for numbers in columns]


def _t_test(estimate: float, error: float, t: float, p: float, critical_value: float) -> TTest:
    if not math.isfinite(error):
        return TTest(None, None, None, None, None)
    low = estimate - critical_value * error
    high = estimate + critical_value * error
    if error == 0:
        return TTest(error, None, 0.0 if estimate else None, low, high)
    return TTest(error, finite(t), p, finite(low), finite(high))


def finite(value: Decimal | float | None) -> float | None:
    """Return a number that JSON can hold, None for any other."""
    return float(value) if value is not None and math.isfinite(value) else None
