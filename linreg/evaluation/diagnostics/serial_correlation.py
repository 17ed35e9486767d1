"""Serial correlation of the residuals of ordered rows: Durbin–Watson, Breusch–Godfrey."""

from decimal import localcontext

import numpy as np

from linreg.arrays import Floats
from linreg.evaluation.diagnostics.hypothesis_test import HypothesisTest, chi2_test
from linreg.evaluation.diagnostics.passes.auxiliary_regressions import AuxiliaryRegressions
from linreg.evaluation.diagnostics.passes.summed_columns import FitColumns
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.normal_equations.ldl import PRECISION


def durbin_watson(residuals: Floats) -> float | None:
    """Return Σ(uₜ − uₜ₋₁)² / Σuₜ² of residuals (n,) in their order: 2 without correlation.

    J. Durbin and G. Watson, Biometrika 37, 1950. None for fewer than two rows.
    """
    if len(residuals) < 2:
        return None
    moments = Moments.zero(0, len(residuals))
    moments.add(np.empty((len(residuals), 0)), residuals)
    steps = Moments.zero(0, len(residuals))
    steps.add(np.empty((len(residuals) - 1, 0)), np.diff(residuals))
    squares = moments.gram().entry(1, 1)
    return float(steps.gram().entry(1, 1) / squares) if squares else None


def breusch_godfrey(
    sums: AuxiliaryRegressions, columns: FitColumns
) -> dict[int, HypothesisTest | None]:
    """Return by order k = 1, 2, … n·R² of the regression of u on X and the k residuals before it.

    T. Breusch, Australian Economic Papers 17, 1978; L. Godfrey, Econometrica 46, 1978. Residuals
    before the first row are 0.
    """
    tests = {}
    with localcontext(PRECISION):
        without = sums.fit(columns.last, columns.coordinates)
        for order in range(1, len(columns.added) + 1):
            fit = sums.fit(columns.last, [*columns.coordinates, *columns.added[:order]])
            statistic = sums.num_rows * (without.rss - fit.rss) / without.rss
            tests[order] = chi2_test(statistic, fit.rank - without.rank)
    return tests
