"""A statistic with its reference distribution and p-value."""

import math
from decimal import Decimal
from typing import Any, NamedTuple

from linreg.evaluation.distributions import chi2_p_value, f_p_value


class HypothesisTest(NamedTuple):
    """A test of a hypothesis about the errors or the formula.

    statistic     its value
    distribution  under the hypothesis: "chi2" or "F"
    df            degrees of freedom; of F those of the numerator
    df_residual   those of the denominator; None for χ²
    p             P(larger than the statistic)
    """

    statistic: float
    distribution: str
    df: int
    df_residual: int | None
    p: float

    def as_data(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        data = self._asdict()
        return {key: value for key, value in data.items() if value is not None}


def chi2_test(statistic: Decimal | float, df: int) -> HypothesisTest | None:
    """Return the test of a statistic that has a χ² distribution; None where it has no value."""
    value = float(statistic)
    if df < 1 or not math.isfinite(value) or value < 0:
        return None
    return HypothesisTest(value, "chi2", df, None, chi2_p_value(value, df))


def f_test(statistic: Decimal | float, df: int, df_residual: int) -> HypothesisTest | None:
    """Return the test of a statistic that has an F distribution; None where it has no value."""
    value = float(statistic)
    if df < 1 or df_residual < 1 or not math.isfinite(value) or value < 0:
        return None
    return HypothesisTest(value, "F", df, df_residual, f_p_value(value, df, df_residual))
