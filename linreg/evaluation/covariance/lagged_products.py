"""Products of the sums of clusters with those up to some lags away, in their order."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.evaluation.covariance.cluster_sums import ClusterSums

CELLS_AT_A_TIME = 1 << 22
"""Sums of levels by cluster that are in memory at once, most of them 0."""


def smooth(S: Floats, lags: int) -> Floats:
    """Return Σ (1 − |l|/(L + 1))·s_(g+l) over |l| ≤ L for s_g, the columns of S (k, G).

    These are the weights of Bartlett's kernel; without lags it is S itself.
    """
    result = S.copy()
    for lag in range(1, min(lags, S.shape[1] - 1) + 1):
        weight = 1 - lag / (lags + 1)
        result[:, lag:] += weight * S[:, :-lag]
        result[:, :-lag] += weight * S[:, lag:]
    return result


def level_products(
    sums: ClusterSums, smoothed: Floats, lags: int
) -> tuple[Floats, Floats, Callable[[NDArray[np.int64]], Floats]]:
    """Return Σ t·s̃ (L, K) and Σ t·t̃ (L,) by level, and a function for Σ t·t̃ of pairs of levels.

    t is Σ u of the rows of a cluster and a level; s̃ and t̃ are smoothed over the clusters.

    smoothed  (K, G)
    """
    clusters, levels, t = sums.of_pairs
    num_levels, num_clusters = sums.num_levels, len(sums.num_rows)
    with_scores = np.zeros((num_levels, len(smoothed)))
    products = np.zeros(num_levels)
    if not num_levels:
        return with_scores, products, lambda chosen: np.empty((len(chosen), len(chosen)))
    for j, row in enumerate(smoothed):
        with_scores[:, j] = np.bincount(levels, t * row[clusters], minlength=num_levels)
    numbers = clusters * num_levels + levels
    smoothed_t = t.copy()
    for lag in range(1, min(lags, num_clusters - 1) + 1):
        for shift in (-lag, lag):
            sought = numbers + shift * num_levels
            places = np.minimum(np.searchsorted(numbers, sought), len(numbers) - 1)
            weight = 1 - lag / (lags + 1)
            smoothed_t += np.where(numbers[places] == sought, weight * t[places], 0.0)
    products += np.bincount(levels, t * smoothed_t, minlength=num_levels)

    def of_pairs(chosen: NDArray[np.int64]) -> Floats:
        row_of_level = np.full(num_levels, -1)
        row_of_level[chosen] = np.arange(len(chosen))
        total = np.zeros((len(chosen), len(chosen)))
        step = max(lags + 1, CELLS_AT_A_TIME // max(len(chosen), 1))
        for start in range(0, num_clusters, step):
            # With the clusters before and behind that are smoothed over.
            first, end = max(start - lags, 0), min(start + step + lags, num_clusters)
            pairs = slice(*np.searchsorted(clusters, [first, end]))
            rows, columns = row_of_level[levels[pairs]], clusters[pairs] - first
            T = np.zeros((len(chosen), end - first))
            T[rows[rows >= 0], columns[rows >= 0]] = t[pairs][rows >= 0]
            own = slice(start - first, min(start + step, num_clusters) - first)
            smoothed_T = smooth(T, lags)[:, own]
            for i, row in enumerate(T[:, own]):
                total[i] += (smoothed_T * row).sum(axis=1)
        return total

    return with_scores, products, of_pairs
