"""Read the rows a second time, in the coordinates of a first solution: see `refinement`."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import cast

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import CompactMatrix, DesignMatrix, Layout, as_array
from linreg.data.rows import Chunk, Rows
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.level_projection import LevelProjection
from linreg.fit.exact.moment_sums.any_moments import (
    AnyMoments,
    merged,
    moments_from_array,
    no_moments,
)
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.normal_equations.coordinates import coordinate_layout, level_coordinates
from linreg.fit.exact.normal_equations.equations import CELL_ROUNDINGS
from linreg.fit.exact.normal_equations.refinement import SecondMoments
from linreg.fit.exact.projection import Projection, slices, sum_of_squares
from linreg.process.workers import ALONE, Workers

RESIDUAL_ERROR = 2.0**-98
"""The error of a residual in double-double, as a part of the terms that it is the sum of."""


class SecondPass:
    """Sums up rows in the coordinates of a solution, and compares residuals with their rounding.

    layout     the columns of X
    roundoffs  (K + 1,) the unit roundoffs of y and of the columns of X that are no indicators, 0
               for columns of exact integers
    num_rows   the rows to come; it affects speed only
    """

    def __init__(
        self, solution: LeastSquares, layout: Layout, roundoffs: Floats, num_rows: int
    ) -> None:
        self._solution = solution
        self._roundoffs = roundoffs
        self._rounding_of_fit = float(solution.rss_bound.sqrt())
        self._moments = no_moments(second_layout(layout, solution.rank), num_rows)
        self._is_explained = True
        self._num_rows = num_rows

    @property
    def result(self) -> SecondMoments:
        """What the rows so far come to."""
        return SecondMoments(self._moments, self._is_explained)

    def add(self, X: DesignMatrix, y: Floats, w: Floats | None = None) -> None:
        """Add rows, in the order of the fit: X (n, M), y (n,), w (n,) or None for weight 1."""
        X = as_array(X)
        for rows in slices(len(y), X.shape[1]):
            q, _ = self._projection.project(X[rows])
            residuals = self._projection.residuals(X[rows], y[rows])
            weights = None if w is None else w[rows]
            self._moments.add(q[self._solution.kept].T, residuals, weights)
            self._compare(residuals, sum_of_squares(q), Chunk(X[rows], y[rows], weights))

    @cached_property
    def _projection(self) -> Projection:
        return Projection(self._solution, self._num_rows)

    def _compare(self, residuals: Floats, leverages: Floats, chunk: Chunk) -> None:
        """Compare residuals, in the unit of the scaled target, with the rounding of their rows."""
        counts = slice(None) if chunk.w is None else chunk.w > 0
        unscaled = np.ldexp(residuals, self._solution.exponents[-1])
        # Rounding moves a residual by itself, and by how it moves the fit: √h of all of it.
        # A leverage that is not known is at most 1.
        of_fit = self._rounding_of_fit * np.sqrt(np.nan_to_num(leverages, nan=1.0))
        is_small = np.abs(unscaled) <= self._rounding(chunk.X, chunk.y) + of_fit
        self._is_explained &= bool(is_small[counts].all())

    def _rounding(self, X: DesignMatrix, y: Floats) -> Floats:
        """Return how large rounding of their own cells may make the residuals of rows (n,)."""
        theta, roundoffs = self._solution.theta, self._roundoffs
        terms = np.abs(y) + abs(self._solution.b)
        if isinstance(X, CompactMatrix):
            for category, codes in zip(X.layout.categories, X.codes, strict=True):
                # The last one is for the code −1.
                terms += np.append(np.abs(theta[category.columns]), 0.0)[codes]
            theta, X = theta[X.layout.is_dense], X.dense
        of_X = np.zeros(len(y))
        for j in np.flatnonzero(theta).tolist():
            term = np.abs(theta[j] * X[:, j])
            terms += term
            of_X += roundoffs[j] * term
        rounding: Floats = CELL_ROUNDINGS * (roundoffs[-1] * terms + of_X) + RESIDUAL_ERROR * terms
        return rounding


class LevelSecondPass(SecondPass):
    """The same where a category was eliminated."""

    def __init__(
        self, solution: LeastSquares, layout: Layout, roundoffs: Floats, num_rows: int
    ) -> None:
        super().__init__(solution, layout, roundoffs, num_rows)
        levels = solution.levels
        assert levels is not None
        rest = np.concatenate([[0], levels.rest + 1])
        columns = np.flatnonzero(solution.kept[rest]).tolist()
        W = solution.inverse_cholesky[np.ix_([0, 1], columns, columns)]
        is_dense = np.append(True, layout.is_dense)[rest]
        self._coordinates = level_coordinates(columns, W, is_dense, levels.means)
        self._of_levels = LevelProjection(solution, layout)

    def add(self, X: DesignMatrix, y: Floats, w: Floats | None = None) -> None:
        """Add rows, as above."""
        X = cast("CompactMatrix", X)
        residuals, leverages = self._of_levels.residuals_and_leverages(X, y)
        self._moments.add(self._of_levels.in_coordinates(X, self._coordinates), residuals, w)
        self._compare(residuals, leverages, Chunk(X, y, w))


def second_layout(layout: Layout, rank: int) -> Layout:
    """Return the columns that the second pass sums up, for those of X."""
    return coordinate_layout(layout) if layout.categories else Layout(rank)


def second_moments(
    solution: LeastSquares, moments: AnyMoments, chunks: Iterable[Chunk]
) -> SecondMoments:
    """Sum up the rows of a fit, whose moments are given, in the coordinates of its solution."""
    kind = LevelSecondPass if isinstance(moments, LevelMoments) else SecondPass
    second = kind(solution, moments.layout, moments.inexact_roundoffs, moments.num_rows)
    for chunk in chunks:
        second.add(*chunk)
    return second.result


def read_again(
    solution: LeastSquares, moments: AnyMoments, shards: Sequence[Rows], workers: Workers = ALONE
) -> SecondMoments:
    """Read the rows of the fit a second time, each process its own shards, added in their order."""
    own = []
    for index in workers.own_range(len(shards)):
        found = second_moments(solution, moments, shards[index])
        own.append(np.append(found.moments.as_array(), float(found.is_explained)))
    layout = second_layout(moments.layout, solution.rank)
    total, is_explained = no_moments(layout), True
    for values in workers.gather_arrays(own):
        is_explained = is_explained and bool(values[-1])
        total = merged(total, moments_from_array(layout, values[:-1]))
    return SecondMoments(total, is_explained)
