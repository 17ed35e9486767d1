"""The F test of a sum of squares."""

import math
from decimal import Decimal, localcontext

from linreg.evaluation.distributions import f_p_value
from linreg.fit.exact.normal_equations.ldl import PRECISION


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
