"""Supersteps from the rows of a compact design matrix in a single shard."""

from collections.abc import Mapping

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import Layout
from linreg.fit.compiled import level_steps
from linreg.fit.compiled.augmented_rows import AugmentedRows
from linreg.fit.compiled.supersteps import RowSupersteps, Superstep
from linreg.fit.exact.standardize import Scaling
from linreg.fit.sgd.shuffling import BatchPlan
from linreg.params import Train
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
        self._low, self._contrast = np.zeros(len(penalty)), np.ones(len(penalty))
        # Rounded to the dtype as the cells of other columns are.
        dtype = np.dtype(params.dtype)
        of_levels = scaling.of(~layout.is_dense)
        low = ((0.0 - of_levels.x_mean) / of_levels.x_scale).astype(dtype)
        high = ((1.0 - of_levels.x_mean) / of_levels.x_scale).astype(dtype)
        self._low[~is_dense] = low
        self._contrast[~is_dense] = high.astype(np.float64) - low

    def _take_steps(self, state: Floats, superstep: Superstep) -> Floats:
        """Return the state after the superstep, flat, and behind it the number of steps taken."""
        left = self._plan.lengths(superstep.first_batch, len(superstep.rates))[0]
        partial_batch = np.zeros(len(self._penalty) + 2)
        taken = 0
        for (Z, codes, roots), indices in self._stream.take(left):
            left -= len(indices)
            steps, finite = level_steps.take_steps(
                Z,
                codes,
                roots,
                indices,
                self._params.batch_size,
                left == 0,
                self._dense,
                self._low,
                self._contrast,
                partial_batch,
                state,
                superstep.rates[taken:],
                self._params.momentum,
                self._penalty,
                superstep.num_averaged + taken,
            )
            taken += steps
            if not finite:
                break
        return np.append(state.ravel(), taken)
