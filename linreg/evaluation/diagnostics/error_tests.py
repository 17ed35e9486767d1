"""Tests of the errors: equal variance (Breusch–Pagan, White), normality (Jarque–Bera)."""

from decimal import Decimal, localcontext
from typing import NamedTuple

from linreg.evaluation.diagnostics.hypothesis_test import HypothesisTest, chi2_test
from linreg.evaluation.diagnostics.passes.auxiliary_regressions import AuxiliaryRegressions
from linreg.evaluation.diagnostics.passes.summed_columns import VarianceColumns
from linreg.fit.exact.normal_equations.ldl import PRECISION


class Normality(NamedTuple):
    """Jarque and Bera's test of residuals, with their skewness and kurtosis (3 for the normal)."""

    skewness: float
    kurtosis: float
    test: HypothesisTest | None


def breusch_pagan(
    sums: AuxiliaryRegressions, columns: VarianceColumns, *, studentized: bool
) -> HypothesisTest | None:
    """Return the test of u² having the same mean whatever the columns of X.

    studentized  n·R² of the regression of u² on [1 X], which holds without normal errors (R.
                 Koenker, J. Econometrics 17, 1981); else half the explained sum of squares of
                 u²/ū² (T. Breusch and A. Pagan, Econometrica 47, 1979)
    """
    with localcontext(PRECISION):
        total = sums.fit(columns.square, [0]).rss
        fit = sums.fit(columns.square, [0, *columns.coordinates])
        if not total:
            return None
        share = (total - fit.rss) / total
        if studentized:
            return chi2_test(sums.num_rows * share, fit.rank - 1)
        mean = sums.mean_product(0, columns.square)
        variance = sums.mean_product(columns.square, columns.square) / (mean * mean) - 1
        return chi2_test(sums.num_rows * share * variance / 2, fit.rank - 1)


def white(sums: AuxiliaryRegressions, columns: VarianceColumns) -> HypothesisTest | None:
    """Return n·R² of the regression of u² on all squares and products of [1 X].

    H. White, Econometrica 48, 1980. In its special form, on [1 ỹ ỹ²]: J. Wooldridge, Introductory
    Econometrics, section 8.3.
    """
    first = [0, *columns.coordinates] if columns.is_crossed else [0]
    with localcontext(PRECISION):
        total = sums.fit(columns.square, [0]).rss
        fit = sums.fit(columns.square, [*first, *columns.second])
        if not total:
            return None
        return chi2_test(sums.num_rows * (total - fit.rss) / total, fit.rank - 1)


def jarque_bera(sums: AuxiliaryRegressions, columns: VarianceColumns) -> Normality | None:
    """Return the test of u being normal: n/6·(skewness² + (kurtosis − 3)²/4).

    C. Jarque and A. Bera, International Statistical Review 55, 1987. Moments are around the mean,
    divided by n.
    """
    u, square = columns.last, columns.square
    with localcontext(PRECISION):
        mean = sums.mean_product(0, u)
        second, third, fourth = (
            sums.mean_product(*pair) for pair in ((u, u), (u, square), (square, square))
        )
        variance = second - mean**2
        if variance <= 0:
            return None
        m3 = third - 3 * mean * second + 2 * mean**3
        m4 = fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4
        skewness = m3 / (variance * variance.sqrt())
        kurtosis = m4 / variance**2
        statistic = (skewness**2 + (kurtosis - 3) ** 2 / 4) * sums.num_rows / Decimal(6)
        return Normality(float(skewness), float(kurtosis), chi2_test(statistic, 2))
