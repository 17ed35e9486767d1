"""Heteroscedasticity-robust standard errors beside two factors that were eliminated together."""

from collections.abc import Sequence
from typing import cast

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import CompactMatrix, DesignMatrix, Layout
from linreg.evaluation.covariance.level_meat import times
from linreg.evaluation.covariance.robust import (
    DIVIDES_BY_LEVERAGE,
    HCKind,
    RobustStandardErrors,
    kernels_for,
)
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.level_projection import LevelProjection
from linreg.fit.exact.projection import slices


class JointRobustStandardErrors(RobustStandardErrors):
    """The same standard errors, of the coefficients that belong to no level of the two factors.

    Theirs are Σ u²·a·aᵀ with a = W·q, for a row's coordinates q (`LevelProjection`). No leverage is
    known, so that HC1 takes the place of HC2 and HC3.
    """

    def __init__(
        self,
        solution: LeastSquares,
        layout: Layout,
        expected_rows: int = 0,
        kind: HCKind = "HC3",
        *,
        frequencies: bool = False,
    ) -> None:
        known: HCKind = "HC1" if kind in DIVIDES_BY_LEVERAGE else kind
        super().__init__(solution, expected_rows, known, frequencies=frequencies)
        assert solution.levels is not None
        self._rest = np.concatenate([[0], solution.levels.rest + 1])
        self._sums = np.zeros((1, 2, len(self._rest), len(self._rest)))
        self._of_levels = LevelProjection(solution, layout)
        self._transposed = np.ascontiguousarray(solution.inverse_cholesky[0].T)

    def add(self, X: DesignMatrix, y: Floats, w: Floats | None = None) -> None:
        """Add rows, in the order of the fit: X (n, M), y (n,), w (n,) or None for weight 1."""
        self._num_rows += len(y)
        kernels = kernels_for(max(self._num_rows, self._expected_rows), len(self._rest))
        weights = np.ones(len(y)) if w is None else w
        for rows in slices(len(y), len(self._rest)):
            part = cast("CompactMatrix", X)[rows]
            residuals, _ = self._of_levels.residuals_and_leverages(part, y[rows])
            factors = self._factors(residuals, np.zeros(len(residuals)), weights[rows])
            a = times(self._of_levels.coordinates(part), self._transposed).T
            kernels.add_products(factors, np.ascontiguousarray(a), self._sums)

    def _variances(self) -> Floats:
        variances = np.full(len(self._solution.kept), np.nan)
        variances[self._rest] = super()._variances()
        return variances

    def _covariance(self, chosen: Sequence[int]) -> Floats:
        return super()._covariance(np.searchsorted(self._rest, chosen).tolist())
