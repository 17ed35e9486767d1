"""Tests of the formula for a missing curved term: RESET, Rainbow."""

from decimal import Decimal, localcontext

from linreg.evaluation.diagnostics.hypothesis_test import HypothesisTest, f_test
from linreg.evaluation.diagnostics.passes.auxiliary_regressions import AuxiliaryRegressions
from linreg.evaluation.diagnostics.passes.summed_columns import FitColumns
from linreg.fit.exact.normal_equations.ldl import PRECISION


def reset(sums: AuxiliaryRegressions, columns: FitColumns, df: int) -> HypothesisTest | None:
    """Return the F test of ỹ² and ỹ³ being of no use beside the columns of X.

    J. Ramsey, J. Royal Statistical Society B 31, 1969. Where ỹ² is a combination of the columns, as
    for categories alone, there is nothing to test.
    """
    without = sums.fit(columns.last, columns.coordinates)
    powers = sums.fit(columns.last, [*columns.coordinates, *columns.added])
    num_added = powers.rank - without.rank
    return _f_test(without.rss, powers.rss, num_added, df - num_added)


def rainbow(
    central: AuxiliaryRegressions, columns: FitColumns, df: int, rank: int
) -> HypothesisTest | None:
    """Return the F test of the central rows having the same errors around their own fit as all.

    J. Utts, Communications in Statistics A 11, 1982. Residuals are in units of σ, so that the
    residual sum of squares of all rows is df.
    """
    num_left_out = df + rank - central.num_rows
    of_all = central.scaled(Decimal(df), columns.last)
    of_central = central.fit(columns.last, columns.coordinates)
    return _f_test(of_all, of_central.rss, num_left_out, central.num_rows - rank)


def _f_test(restricted: Decimal, full: Decimal, df: int, df_residual: int) -> HypothesisTest | None:
    """Return the F test of two residual sums of squares, of which the first is the larger one."""
    if df < 1 or df_residual < 1 or not full:
        return None
    with localcontext(PRECISION):
        statistic = ((restricted - full) / df) / (full / df_residual)
        return f_test(max(statistic, Decimal(0)), df, df_residual)
