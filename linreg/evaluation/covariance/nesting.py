"""Which absorbed factors are nested within clusters, so that clustered errors do not count them."""

from collections.abc import Collection, Sequence
from typing import cast

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import Codes, CompactMatrix, DesignMatrix
from linreg.fit.exact.least_squares import LeastSquares
from linreg.process.workers import Workers


class Nesting:
    """The levels of each absorbed factor, with the clusters that they have rows in.

    Levels are those of the model, which may have joined rare ones (`model.pool`). Rows of weight 0
    do not count.
    """

    def __init__(self, solution: LeastSquares, num_clusters: Sequence[int]) -> None:
        self._solution = solution
        # A number for each pair of level and cluster, by factor and clustering.
        self._pairs = {
            factor.name: [np.empty(0, np.int64) for _ in num_clusters]
            for factor in solution.absorbed
        }
        self._num_clusters = num_clusters

    def add(self, X: DesignMatrix, w: Floats | None, clusters: Sequence[Codes]) -> None:
        """Add rows X (n, M) with weights (n,) or None, and their clusters (n,) of each clustering.

        Clusterings behind those whose numbers of clusters are known are not looked at.
        """
        for factor in self._solution.absorbed:
            compact = cast("CompactMatrix", X)
            firsts = [category.first for category in compact.layout.categories]
            # Those of the reference level are −1.
            levels = compact.codes[firsts.index(factor.first)].astype(np.int64) + 1
            of_factor = self._pairs[factor.name]
            for place, size in enumerate(self._num_clusters):
                numbers = levels * size + clusters[place]
                found = np.unique(numbers if w is None else numbers[w > 0])
                of_factor[place] = np.union1d(of_factor[place], found)

    def gathered(self, workers: Workers) -> None:
        """Unite what all processes have found, in each of them."""
        for of_factor in self._pairs.values():
            for place, pairs in enumerate(of_factor):
                # Numbers of pairs are below 2^53.
                parts = workers.gather_array(pairs.astype(np.float64))
                of_factor[place] = np.unique(np.concatenate(parts)).astype(np.int64)

    @property
    def num_parameters(self) -> int:
        """How many parameters clustered errors count."""
        return self._solution.num_parameters(self._nested, self._num_levels)

    @property
    def _num_levels(self) -> dict[str, int]:
        return {
            name: len(np.unique(pairs[0] // self._num_clusters[0]))
            for name, pairs in self._pairs.items()
        }

    @property
    def _nested(self) -> Collection[str]:
        """The factors whose levels each lie within one cluster of some clustering."""
        counts = self._num_levels
        return {
            name
            for name, of_factor in self._pairs.items()
            if any(len(pairs) == counts[name] for pairs in of_factor)
        }
