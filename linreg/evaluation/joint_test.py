"""F tests of several coefficients at once: by a sum of squares, or by their covariance (Wald)."""

import math
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.evaluation.distributions import f_p_value
from linreg.evaluation.t_tests import finite
from linreg.fit.exact.normal_equations.ldl import PRECISION

SMALLEST_PIVOT = 1e-13
"""Of a covariance matrix scaled to a diagonal of 1, per column: with less it counts as singular,
as the statistic would have hardly a digit.
"""


def f_test(
    explained: Decimal, df1: int, rss: Decimal | None, df2: int
) -> tuple[float | None, float | None]:
    """Return F and p of a sum of squares on df1 degrees of freedom against rss on df2.

    Both are None where there is nothing to test, or nothing to test against. F is None where it is
    infinite, as of a perfect fit, and p is 0 then, or None if nothing is explained.
    """
    if df1 <= 0 or df2 <= 0 or rss is None:
        return None, None
    if rss == 0:
        return None, 0.0 if explained else None
    with localcontext(PRECISION):
        f = float((explained / df1) / (rss / df2))
    return (f, f_p_value(f, df1, df2)) if math.isfinite(f) else (None, 0.0)


class JointTest(NamedTuple):
    """The F test of q restrictions.

    f    the Wald statistic divided by q; infinite where there is no noise
    df1  q
    df2  the degrees of freedom of the covariance
    p    P(F > f)
    """

    f: float
    df1: int
    df2: int
    p: float


class WaldTests(NamedTuple):
    """The tests that all coefficients of a term are 0.

    df             the number of its coefficients
    usual          with the classical covariance; None where there is no test
    robust         with the robust covariance; None likewise
    is_margin      whether another term contains this one
    robust_type_2  of a margin, the robust test without the terms that contain it; None likewise
    """

    term: str
    df: int
    usual: JointTest | None
    robust: JointTest | None
    is_margin: bool = False
    robust_type_2: JointTest | None = None

    def as_data(self) -> dict[str, Any]:
        """Return plain data for JSON; F is None where it is infinite, and p is 0 then."""
        tests = {"usual": self.usual, "robust": self.robust}
        if self.is_margin:
            tests["robust_type_2"] = self.robust_type_2
        return {"term": self.term, "df": self.df} | {
            kind: test and {"f": finite(test.f), "df2": test.df2, "p": test.p}
            for kind, test in tests.items()
        }


def joint_test(
    estimates: Floats, covariance: Floats, df: int, num_zero: int = 0
) -> JointTest | None:
    """Test that the expectations of q estimates (q,) are all 0, given their covariance (q, q).

    F = βᵀV⁻¹β/q has Fisher's distribution with q and df degrees of freedom: exactly for the
    classical V = σ²·A⁻¹, in the limit for a robust one (W. Greene, Econometric Analysis, 5.4).

    num_zero  of the estimates, the first ones, which are known to be 0: the others are tested, by
              the difference of βᵀV⁻¹β of all and of these, divided by the number of the others

    None where there is no such test: q or df is 0, V is not finite, or it is singular or
    indefinite, as one from fewer clusters than restrictions is. Of a V that is all 0, as of a
    perfect fit, F is infinite and p 0, if any estimate is not 0.
    """
    q = len(estimates) - num_zero
    if q == 0 or df <= 0 or not (np.isfinite(covariance).all() and np.isfinite(estimates).all()):
        return None
    if not covariance.any():
        if num_zero:
            return None
        return JointTest(math.inf, q, df, 0.0) if estimates.any() else None
    wald = _quadratic_form(estimates, covariance, num_zero)
    if wald is None or not math.isfinite(wald):
        return None
    return JointTest(wald / q, q, df, f_p_value(wald / q, q, df))


def restricted(
    estimates: Floats, covariance: Floats, restrictions: Floats, values: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return the estimates (q,) of R·β − r, and their covariance R·V·Rᵀ (q, q), to be tested.

    estimates, covariance  β (p,) and V (p, p)
    restrictions           R (q, p)
    values                 r (q,); None for 0
    """
    # Not BLAS products, which round differently from CPU to CPU.
    R = np.asarray(restrictions, np.float64)
    tested = (R * estimates).sum(axis=1)
    if values is not None:
        tested = tested - values
    products = np.array([(covariance * row).sum(axis=1) for row in R])
    return tested, np.array([(products * row).sum(axis=1) for row in R]).T


def _quadratic_form(estimates: Floats, covariance: Floats, num_zero: int) -> float | None:
    """Return βᵀV⁻¹β, less that of the first estimates alone; None unless V is positive definite.

    With V = L·D·Lᵀ it is a sum over the estimates, of which the first ones are left out. V is
    divided by powers of two first, so that neither squares nor units matter.
    """
    diagonal = np.diagonal(covariance)
    if (diagonal <= 0).any():
        return None
    exponents = np.frexp(np.sqrt(diagonal))[1]
    left = np.ldexp(covariance, -(exponents[:, None] + exponents))
    rest = np.ldexp(estimates, -exponents)
    smallest = SMALLEST_PIVOT * len(rest) * np.diagonal(left)
    total = 0.0
    for j in range(len(rest)):
        pivot = left[j, j]
        if pivot <= smallest[j]:
            return None
        if j >= num_zero:
            total += float(rest[j] * rest[j] / pivot)
        factors = left[j + 1 :, j] / pivot
        rest[j + 1 :] -= factors * rest[j]
        left[j + 1 :, j + 1 :] -= factors[:, None] * left[j, j + 1 :]
    return total
