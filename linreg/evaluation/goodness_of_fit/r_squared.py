"""The coefficient of determination R² of a fit, from its exact sums of squares."""

from decimal import Decimal, localcontext

from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.normal_equations.ldl import PRECISION

NEGLIGIBLE = Decimal("1e-12")
"""Of the total sum of squares: a residual sum below it does not show in R²."""


def r_squared(solution: LeastSquares, tss: Decimal | None) -> Decimal | None:
    """Return 1 − rss/tss; None for a total sum of squares of 0, or an rss that would show in it."""
    if not tss:
        return None
    rss = solution.rss
    if rss is None:
        if solution.rss_bound > NEGLIGIBLE * tss:
            return None
        rss = Decimal(0)
    with localcontext(PRECISION):
        return 1 - rss / tss


def adjusted(r2: Decimal | None, df: int, df_of_model: int) -> Decimal | None:
    """Return 1 − (1 − r2)·(df + df_of_model)/df; None without residual degrees of freedom."""
    if r2 is None or df <= 0:
        return None
    with localcontext(PRECISION):
        return 1 - (1 - r2) * (df + df_of_model) / df
