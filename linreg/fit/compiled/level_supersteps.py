"""Supersteps from the rows of a compact design matrix in a single shard."""

from collections.abc import Mapping

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import Layout
from linreg.fit.compiled import level_steps
from linreg.fit.compiled.augmented_rows import AugmentedRows, CompactChunk, RowIndices
from linreg.fit.compiled.supersteps import ReadRows, RowSupersteps
from linreg.fit.coordinates.scaling import Scaling
from linreg.fit.sgd.shuffling import BatchPlan
from linreg.params.train import Train
from linreg.process.workers import Workers


class LevelSupersteps(RowSupersteps):
    """Steps from the rows of a single shard, in which a category is one code a row."""

    def __init__(
        self,
        own: Mapping[int, AugmentedRows],
        plan: BatchPlan,
        params: Train,
        penalty: Floats,
        workers: Workers,
        layout: Layout,
        scaling: Scaling,
    ) -> None:
        super().__init__(own, plan, params, penalty, workers)
        is_dense = np.concatenate([[True], layout.is_dense])
        self._dense = np.flatnonzero(is_dense)
        self._low, self._contrast = np.zeros(penalty.shape[1]), np.ones(penalty.shape[1])
        # Rounded to the dtype as the cells of other columns are.
        dtype = np.dtype(params.dtype)
        of_levels = scaling.of(~layout.is_dense)
        low = ((0.0 - of_levels.x_mean) / of_levels.x_scale).astype(dtype)
        high = ((1.0 - of_levels.x_mean) / of_levels.x_scale).astype(dtype)
        self._low[~is_dense] = low
        self._contrast[~is_dense] = high.astype(np.float64) - low

    def _new_batch(self, state: Floats) -> ReadRows:
        """Return what reads rows, beginning with an empty batch, and takes steps with `state`."""
        partial_batch = np.zeros(self._penalty.shape[1] + 2)
        size, momentum, penalty = self._params.batch_size, self._params.momentum, self._penalty
        of_b_and_theta = (self._dense, self._low, self._contrast, partial_batch, state)

        def read_rows(
            rows: CompactChunk, indices: RowIndices, last: bool, rates: Floats, num_averaged: int
        ) -> tuple[int, bool]:
            Z, codes, roots = rows
            chunk = (Z, codes, roots, indices, size, last)
            options = (rates, momentum, penalty, num_averaged)
            return level_steps.take_steps(*chunk, *of_b_and_theta, *options)

        return read_rows
