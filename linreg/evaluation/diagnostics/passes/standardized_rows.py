"""The training rows as diagnostics see them: residuals, leverages, orthonormal coordinates."""

from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import CompactMatrix, Layout, as_array
from linreg.data.rows import Chunk
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.level_projection import LevelProjection
from linreg.fit.exact.normal_equations.ldl import PRECISION, from_double_double
from linreg.fit.exact.projection import Projection, leverages, slices, sum_of_squares
from linreg.fit.exact.reference import ExactReference

MAX_COEFFICIENTS = 100
"""More coefficients than this have no auxiliary regressions on the columns of X: the sums of their
products would take longer than the fit.
"""


class StandardizedRows(NamedTuple):
    """n rows with a weight above 0.

    positions    (n,) in the chunk
    roots        (n,) √w, or None for weight 1
    coordinates  (p, n) q = Wᵀx of each row x of [1 X], so that Σ w·q·qᵀ = I; with an intercept the
                 first one is constant. None for more than MAX_COEFFICIENTS, and for compact rows
    fitted       (n,) ỹ, around its mean if there is an intercept, in units of its standard
                 deviation; 0 where ỹ is constant
    distances    (n,) ‖q‖², the leverages of the rows at weight 1
    leverages    (n,) h = w‖q‖²
    residuals    (n,) √w·r / σ
    raw          (n,) r = y − ỹ, in the units of y
    """

    positions: NDArray[np.int64]
    roots: Floats | None
    coordinates: Floats | None
    fitted: Floats
    distances: Floats
    leverages: Floats
    residuals: Floats
    raw: Floats


class RowStandardization:
    """Computes `StandardizedRows` of a fit with standard errors, whose rss is above 0.

    expected_rows  the rows to come in all; it affects speed only
    """

    def __init__(self, exact: ExactReference, layout: Layout, expected_rows: int) -> None:
        solution = exact.solution
        assert solution.sigma, "a fit without noise has no standardized residuals"
        self.solution = solution
        self.kept = np.flatnonzero(solution.kept)
        self.has_coordinates = not solution.levels and solution.rank <= MAX_COEFFICIENTS
        self._unit = int(solution.exponents[-1])
        self._sigma = float(np.ldexp(solution.sigma, -self._unit))
        self._mean = float(np.ldexp(exact.mean_target, -self._unit)) if solution.intercept else 0.0
        self._num_weighted = solution.df + solution.rank
        self._projection = None if solution.levels else Projection(solution, expected_rows)
        self._of_levels = LevelProjection(solution, layout) if solution.levels else None
        self._of_fitted = _coordinates_of_fit(solution) if self.has_coordinates else np.empty(0)
        self._scale = self._standard_deviation_of_fitted()

    @property
    def varying(self) -> slice:
        """Which of the coordinates are not constant by construction."""
        return slice(1 if self.solution.intercept else 0, None)

    def of(self, chunk: Chunk) -> Iterator[StandardizedRows]:
        """Yield the rows of a chunk, some at a time, without those of weight 0."""
        for rows in slices(len(chunk.y), chunk.X.shape[1]):
            part = Chunk(chunk.X[rows], chunk.y[rows], None if chunk.w is None else chunk.w[rows])
            positions = np.arange(rows.start, rows.start + len(part.y))
            if part.w is not None:
                counts = part.w > 0
                part = Chunk(part.X[counts], part.y[counts], part.w[counts])
                positions = positions[counts]
            if len(part.y):
                yield self._standardized(part, positions)

    def _standardized(self, rows: Chunk, positions: NDArray[np.int64]) -> StandardizedRows:
        coordinates = None
        if self._of_levels:
            compact = cast("CompactMatrix", rows.X)
            residuals, distances = self._of_levels.residuals_and_leverages(compact, rows.y)
        else:
            assert self._projection is not None
            X = as_array(rows.X)
            residuals = self._projection.residuals(X, rows.y)
            if self.has_coordinates:
                coordinates = self._projection.project(X)[0][self.kept]
                distances = sum_of_squares(coordinates)
            else:
                distances = leverages(self.solution, X)
        fitted = self._fitted(coordinates, rows.y, residuals)
        roots = None if rows.w is None else np.sqrt(rows.w)
        standardized = (residuals if roots is None else roots * residuals) / self._sigma
        with np.errstate(over="ignore"):
            raw = np.ldexp(residuals, self._unit)
        of_rows = distances if rows.w is None else rows.w * distances
        return StandardizedRows(
            positions, roots, coordinates, fitted, distances, of_rows, standardized, raw
        )

    def _fitted(self, coordinates: Floats | None, y: Floats, residuals: Floats) -> Floats:
        if not self._scale:
            return np.zeros(len(y))
        if coordinates is None:
            return ((np.ldexp(y, -self._unit) - residuals) - self._mean) / self._scale
        # From the coordinates they keep their digits, however large the mean is beside them.
        fitted = np.zeros(len(y))
        for of_fit, coordinate in zip(
            self._of_fitted[self.varying], coordinates[self.varying], strict=True
        ):
            fitted += of_fit * coordinate
        return fitted / self._scale

    def _standard_deviation_of_fitted(self) -> float:
        """Return √((tss − rss) / n), scaled; 0 for a fit that explains nothing."""
        solution = self.solution
        assert solution.rss is not None
        with localcontext(PRECISION):
            explained = solution.tss - solution.rss
            if explained <= solution.tss * Decimal("1e-20"):
                return 0.0
            root = float((explained / self._num_weighted).sqrt())
        return float(np.ldexp(root, -self._unit))


def _coordinates_of_fit(solution: LeastSquares) -> Floats:
    """Return c with ỹ = Σ cⱼqⱼ, scaled (p,): W·c = (b, θ), for the upper triangular W."""
    kept = np.flatnonzero(solution.kept).tolist()
    coefficients = np.concatenate([[solution.b], solution.theta])
    units = solution.exponents[:-1] - solution.exponents[-1]
    with localcontext(PRECISION):
        beta = [
            from_double_double(np.ldexp([coefficients[j], solution.remainders[j]], units[j]))
            for j in kept
        ]
        W = [
            [from_double_double(solution.inverse_cholesky[:, i, j].tolist()) for j in kept]
            for i in kept
        ]
        found = [Decimal(0)] * len(kept)
        for i in range(len(kept) - 1, -1, -1):
            rest = sum((W[i][j] * found[j] for j in range(i + 1, len(kept))), Decimal(0))
            found[i] = (beta[i] - rest) / W[i][i]
        return np.array([float(value) for value in found])
