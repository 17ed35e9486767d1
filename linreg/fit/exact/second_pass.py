"""Read the rows a second time, in the coordinates of a first solution: see `estimate`."""

from collections.abc import Iterable, Sequence

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import DesignMatrix, as_array
from linreg.data.rows import Chunk, Rows
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.fit.exact.normal_equations.equations import CELL_ROUNDINGS
from linreg.fit.exact.normal_equations.estimate import SecondMoments
from linreg.fit.exact.projection import Projection, slices, sum_of_squares
from linreg.process.workers import ALONE, Workers

RESIDUAL_ERROR = 2.0**-98
"""The error of a residual in double-double, as a part of the terms that it is the sum of."""


class SecondPass:
    """Sums up rows in the coordinates of a solution, and compares residuals with their rounding.

    roundoffs      (M + 1,) the unit roundoffs of X and y, 0 for columns of exact integers
    expected_rows  the rows to come; it affects speed only
    """

    def __init__(self, solution: LeastSquares, roundoffs: Floats, expected_rows: int) -> None:
        self._solution = solution
        self._roundoffs = roundoffs
        self._rounding_of_fit = float(solution.rss_bound.sqrt())
        self._projection = Projection(solution, expected_rows)
        self._moments = Moments.zero(solution.rank, expected_rows)
        self._is_explained = True

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
            counts = slice(None) if weights is None else weights > 0
            unscaled = np.ldexp(residuals, self._solution.exponents[-1])
            # Rounding moves a residual by itself, and by how it moves the fit: √h of all of it.
            of_fit = self._rounding_of_fit * np.sqrt(sum_of_squares(q))
            is_small = np.abs(unscaled) <= self._rounding(X[rows], y[rows]) + of_fit
            self._is_explained &= bool(is_small[counts].all())

    def _rounding(self, X: Floats, y: Floats) -> Floats:
        """Return how large rounding of their own cells may make the residuals of rows (n,)."""
        solution, roundoffs = self._solution, self._roundoffs
        terms = np.abs(y) + abs(solution.b)
        of_X = np.zeros(len(y))
        for j in np.flatnonzero(solution.theta).tolist():
            term = np.abs(solution.theta[j] * X[:, j])
            terms += term
            of_X += roundoffs[j] * term
        rounding: Floats = CELL_ROUNDINGS * (roundoffs[-1] * terms + of_X) + RESIDUAL_ERROR * terms
        return rounding


def second_moments(
    solution: LeastSquares, moments: Moments, chunks: Iterable[Chunk]
) -> SecondMoments:
    """Sum up the rows of a fit, whose moments are given, in the coordinates of its solution."""
    second = SecondPass(solution, moments.inexact_roundoffs, moments.num_rows)
    for chunk in chunks:
        second.add(*chunk)
    return second.result


def read_again(
    solution: LeastSquares, moments: Moments, shards: Sequence[Rows], workers: Workers = ALONE
) -> SecondMoments:
    """Read the rows of the fit a second time, each process its own shards, added in their order."""
    own = []
    for index in workers.own_range(len(shards)):
        found = second_moments(solution, moments, shards[index])
        own.append([float(found.is_explained), *found.moments.as_array().tolist()])
    total, is_explained = Moments.zero(solution.rank), True
    for values in workers.concatenate(own):
        is_explained = is_explained and bool(values[0])
        total = total.merged(Moments.from_array(solution.rank, np.array(values[1:])))
    return SecondMoments(total, is_explained)
