"""Sums of the rows' scores by cluster, or by time."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats, read_only
from linreg.data.formula.compact_matrix import Codes, CompactMatrix, DesignMatrix, Layout, as_array
from linreg.fit.exact.double_double.sum_numpy import add_to_total, normalized
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.level_projection import LevelProjection
from linreg.fit.exact.projection import Projection, slices
from linreg.process.workers import Workers


class ClusterSums:
    """Σ u·q of the rows of each cluster of one clustering, with u = w·r and coordinates q.

    q is a = A⁻¹x of the coefficients that were kept; where a category was eliminated, it is
    Wᵀ(z − z̄) of the other columns, and Σ u is summed by cluster and level besides.

    num_levels  of the category that was eliminated
    num_rows    (G,) the rows of each cluster whose weight is above 0
    squares     (K + 1,) Σ (u·q)² over all rows, and Σ u²

    Sums are kept to 2^-159 (`sum_kernels.add_to_total`), so that neither chunks nor the order of
    the shards changes a bit of float64.
    """

    def __init__(self, num_clusters: int, num_coordinates: int, num_levels: int) -> None:
        self.num_rows = np.zeros(num_clusters)
        self._sums = np.zeros((num_clusters, num_coordinates + 1, 3))
        self._squares = np.zeros((1, num_coordinates + 2, 3))
        self.num_levels = num_levels
        # Pairs of cluster and level, as numbers in ascending order, and their Σ u.
        self._pairs = np.empty(0, np.int64)
        self._of_pairs = np.empty((0, 2, 3))

    def add(self, clusters: Codes, q: Floats, u: Floats, w: Floats, levels: Codes | None) -> None:
        """Add rows: their clusters (n,), q (n, K), u (n,), weights (n,), and levels (n,) if any."""
        from linreg.fit.exact.double_double.level_kernels import add_rows_to_levels

        u = read_only(u)
        ones = np.ones(q.shape[1] + 2)
        self.num_rows += np.bincount(clusters[w > 0], minlength=len(self.num_rows))
        codes = read_only(np.ascontiguousarray(clusters))
        add_rows_to_levels(codes, *_columns(q), u, ones, self._sums)
        together = read_only(np.zeros(len(u), np.int32))
        squares = np.square(np.column_stack([q * u[:, None], u]))
        unweighted = read_only(np.empty(0))
        more_ones = np.ones(q.shape[1] + 3)
        add_rows_to_levels(together, *_columns(squares), unweighted, more_ones, self._squares)
        if levels is not None and len(u):
            has_level = levels >= 0
            pairs = clusters[has_level].astype(np.int64) * self.num_levels + levels[has_level]
            self._take_in(np.unique(pairs))
            places = read_only(np.searchsorted(self._pairs, pairs).astype(np.int32))
            no_columns = _columns(np.zeros((len(pairs), 1), order="F"))
            of_pairs = read_only(u[has_level])
            add_rows_to_levels(places, *no_columns, of_pairs, np.ones(3), self._of_pairs)

    def gathered(self, workers: Workers) -> None:
        """Add up the sums of all processes, in the order of their ranks, in each of them."""
        if workers.size == 1:
            return
        self.num_rows = np.array(workers.gather_array(self.num_rows)).sum(axis=0)
        for sums in (self._sums, self._squares):
            parts = workers.gather_array(normalized(sums.reshape(-1, 3)).ravel())
            sums[:] = 0.0
            for part in parts:
                _add(sums, part.reshape(sums.shape))
        # Numbers of pairs are below 2^53.
        pairs = workers.gather_array(self._pairs.astype(np.float64))
        parts = workers.gather_array(normalized(self._of_pairs.reshape(-1, 3)).ravel())
        self._pairs, self._of_pairs = np.empty(0, np.int64), np.empty((0, 2, 3))
        for each, part in zip(pairs, parts, strict=True):
            self._take_in(each.astype(np.int64))
            places = np.searchsorted(self._pairs, each.astype(np.int64))
            of_each = self._of_pairs[places]
            _add(of_each, part.reshape(of_each.shape))
            self._of_pairs[places] = of_each

    @property
    def scores(self) -> Floats:
        """Σ u·q (K, G) of each cluster."""
        return np.ascontiguousarray(_rounded(self._sums)[:, 1:].T)

    @property
    def squares(self) -> Floats:
        """Σ (u·q)² and Σ u² (K + 1,) over all rows."""
        return _rounded(self._squares)[0, 1:]

    @property
    def of_pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """The clusters and levels (P,) that have rows in common, and their Σ u (P,)."""
        clusters, levels = np.divmod(self._pairs, max(self.num_levels, 1))
        return clusters, levels, _rounded(self._of_pairs)[:, 0]

    def _take_in(self, pairs: NDArray[np.int64]) -> None:
        """Make room for pairs, in ascending order, that may be new."""
        both = np.union1d(self._pairs, pairs)
        if len(both) > len(self._pairs):
            sums = np.zeros((len(both), 2, 3))
            sums[np.searchsorted(both, self._pairs)] = self._of_pairs
            self._pairs, self._of_pairs = both, sums


class Scores:
    """The scores of the rows of a fit: coordinates q, u = w·r, and levels."""

    def __init__(self, solution: LeastSquares, layout: Layout, num_rows: int) -> None:
        self._solution = solution
        self._levels = LevelProjection(solution, layout) if solution.levels else None
        self._projection = None if solution.levels else Projection(solution, num_rows)

    @property
    def num_coordinates(self) -> int:
        """K of q (n, K)."""
        levels = self._solution.levels
        return len(levels.rest) + 1 if levels else int(self._solution.kept.sum())

    @property
    def num_levels(self) -> int:
        """The levels of the one category that was eliminated."""
        levels = self._solution.levels
        return len(levels.columns) if levels and not levels.is_joint else 0

    def add(
        self,
        X: DesignMatrix,
        y: Floats,
        w: Floats | None,
        codes: list[Codes],
        to: list[ClusterSums],
    ) -> None:
        """Add rows X (n, M), y (n,), w (n,) or None to the sums of each clustering."""
        weights = np.ones(len(y)) if w is None else w
        for rows in slices(len(y), self.num_coordinates):
            levels: Codes | None = None
            if self._levels:
                part = cast("CompactMatrix", X)[rows]
                residuals, _ = self._levels.residuals_and_leverages(part, y[rows])
                q = self._levels.coordinates(part)
                levels = self._levels.level_of_rows(part) if self.num_levels else None
            else:
                assert self._projection is not None
                dense = as_array(X)[rows]
                residuals = self._projection.residuals(dense, y[rows])
                q = self._projection.project(dense)[1][self._solution.kept].T
            for clusters, sums in zip(codes, to, strict=True):
                u = weights[rows] * residuals
                sums.add(clusters[rows], q, u, weights[rows], levels)


def _columns(q: Floats) -> tuple[Floats, Floats]:
    """Return all columns of q (n, K) but the last, and the last, as kernels take X and y."""
    columns = np.asfortranarray(q)
    return read_only(columns[:, :-1]), read_only(columns[:, -1])


def _rounded(sums: Floats) -> Floats:
    return normalized(sums.reshape(-1, 3))[:, 0].reshape(sums.shape[:-1])


def _add(total: Floats, added: Floats) -> None:
    """Add sums of three parts (…, 3) to a total."""
    flat = total.reshape(-1, 3)
    for part in range(3):
        add_to_total(flat, added.reshape(-1, 3)[:, part])
    total[:] = flat.reshape(total.shape)
