"""Supersteps: the batches that the compiled engine computes between two exchanges.

The term is that of bulk-synchronous parallel programs: processes compute on their own, exchange
once, and continue. Here they take the steps of many batches after one exchange.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.data.tables.prefetch import prefetch
from linreg.errors import UserError
from linreg.fit.compiled import moment_steps, row_steps
from linreg.fit.compiled.augmented_rows import AugmentedRows, RowIndices, RowStream
from linreg.fit.compiled.gradient_sums import empty_sums
from linreg.fit.sgd.shuffling import BatchPlan
from linreg.params.train import Train
from linreg.process.workers import Workers

ROWS_PER_SUPERSTEP = 1 << 19
"""Rows between two exchanges with other processes; no result depends on it."""
MOMENT_BYTES = 32 << 20
"""The memory that the moments of all shards may take in a superstep."""
MOST_BYTES_PER_BATCH = 2 << 30
"""Of the moments of all shards, which are a number for each pair of columns."""


class Superstep(NamedTuple):
    """Some consecutive batches of an epoch.

    first_batch   the index of the first one
    rates         their learning rates (batches,)
    num_averaged  steps in the average before the first one; negative until averaging begins
    """

    first_batch: int
    rates: Floats
    num_averaged: int


ReadRows = Callable[[Any, RowIndices, bool, Floats, int], tuple[int, bool]]
"""Reads rows of a chunk, the last of the superstep or not, with rates and the number of steps in
the average; returns the steps taken, and whether all of them were finite."""


class RowSupersteps:
    """Steps from the rows of a single shard; of several processes, the one that owns it takes them.

    num_batches  the batches of a superstep, at most
    """

    def __init__(
        self,
        own: Mapping[int, AugmentedRows],
        plan: BatchPlan,
        params: Train,
        penalty: Floats,
        workers: Workers,
    ) -> None:
        self._rows = own.get(0)
        self._plan, self._params, self._penalty, self._workers = plan, params, penalty, workers
        ranks = range(workers.size)
        self._owner = next(rank for rank in ranks if 0 in workers.range_of(rank, 1))
        self.num_batches = max(1, ROWS_PER_SUPERSTEP // params.batch_size)

    def begin_epoch(self, epoch: int, first_batch: int) -> None:
        """Go to the first row of one of the epoch's batches."""
        if self._rows is not None:
            skipped = first_batch * self._params.batch_size
            self._stream = RowStream(self._rows.epoch(self._params.seed, epoch, 0, skipped))

    def advance(self, state: Floats, superstep: Superstep) -> tuple[Floats, int]:
        """Return the state (3, M + 1) after the superstep and the number of steps taken.

        The state is that of `linreg.fit.compiled.update`. It ends early at a step that is not
        finite.
        """
        own = np.empty(0)
        if self._rows is not None:
            own = self._take_steps(state.copy(), superstep)
        result = self._workers.gather_array(own)[self._owner]
        return result[:-1].reshape(state.shape), int(result[-1])

    def _take_steps(self, state: Floats, superstep: Superstep) -> Floats:
        """Return the state after the superstep, flat, and behind it the number of steps taken."""
        left = self._plan.lengths(superstep.first_batch, len(superstep.rates))[0]
        read_rows = self._new_batch(state)
        taken = 0
        for rows, indices in self._stream.take(left):
            left -= len(indices)
            rates, num_averaged = superstep.rates[taken:], superstep.num_averaged + taken
            steps, finite = read_rows(rows, indices, left == 0, rates, num_averaged)
            taken += steps
            if not finite:
                break
        return np.append(state.ravel(), taken)

    def _new_batch(self, state: Floats) -> ReadRows:
        """Return what reads rows, beginning with an empty batch, and takes steps with `state`."""
        sums, tile = empty_sums(self._penalty.shape[1] + 1)
        partial_batch = np.zeros(self._penalty.shape[1] + 1)
        size, momentum, penalty = self._params.batch_size, self._params.momentum, self._penalty

        def read_rows(
            Z: Any, indices: RowIndices, last: bool, rates: Floats, num_averaged: int
        ) -> tuple[int, bool]:
            batch = (sums, tile, partial_batch, state)
            options = (rates, momentum, penalty, num_averaged)
            return row_steps.take_steps(Z, indices, size, last, *batch, *options)

        return read_rows


class MomentSupersteps:
    """Steps from the moments of batches: each process sums its own shards, all take the steps.

    What is exchanged is the sums of each shard, which are added in the order of the shards: the
    same result for any number of processes. Raises UserError for so many columns that the moments
    of a batch do not fit into memory.
    """

    def __init__(
        self,
        own: Mapping[int, AugmentedRows],
        plan: BatchPlan,
        params: Train,
        penalty: Floats,
        workers: Workers,
    ) -> None:
        self._own, self._plan = own, plan
        self._params, self._penalty, self._workers = params, penalty, workers
        self._num_moments = moment_steps.num_moments(penalty.shape[1] - 1)
        bytes_per_batch = 8 * self._num_moments * len(plan.shares)
        if bytes_per_batch > MOST_BYTES_PER_BATCH:
            raise UserError(
                "params.yaml: train.engine",
                "compiled takes the steps of several shards from the moments of every batch, which"
                " are too large for so many columns",
                found=f"{penalty.shape[1] - 1:,} columns, {bytes_per_batch / 1e9:.0f} GB a batch",
                todo="set split.shards: 1, train.engine: autograd, or train.solver: exact",
            )
        affordable = MOMENT_BYTES // bytes_per_batch
        self.num_batches = max(1, min(ROWS_PER_SUPERSTEP // params.batch_size, affordable))

    def begin_epoch(self, epoch: int, first_batch: int) -> None:
        """Go to the first row of one of the epoch's batches."""
        streams = {}
        for shard, rows in self._own.items():
            skipped = first_batch * self._plan.shares[shard]
            streams[shard] = RowStream(rows.epoch(self._params.seed, epoch, shard, skipped))
        first_batches = range(first_batch, self._plan.steps_per_epoch, self.num_batches)
        # The next superstep is summed while this one is exchanged, so that processes rarely wait
        # for a slower one.
        self._next_moments = prefetch(self._own_moments(streams, first) for first in first_batches)

    def advance(self, state: Floats, superstep: Superstep) -> tuple[Floats, int]:
        """Return the state (3, M + 1) after the superstep and the number of steps taken."""
        num_batches = len(superstep.rates)
        gathered = np.concatenate(self._workers.gather_array(next(self._next_moments)))
        of_shards = gathered.reshape(len(self._plan.shares), num_batches, self._num_moments)
        moments = of_shards[0]
        for others in of_shards[1:]:
            moments = moments + others
        first = superstep.first_batch
        lengths = self._plan.num_rows_of(np.arange(first, first + num_batches))
        state = state.copy()
        taken, _ = moment_steps.take_steps(
            moments,
            lengths,
            state,
            superstep.rates,
            self._params.momentum,
            self._penalty,
            superstep.num_averaged,
        )
        return state, taken

    def _own_moments(self, streams: Mapping[int, RowStream], first_batch: int) -> Floats:
        """Return the moments of a superstep's batches from our own shards, flat, shard by shard."""
        count = min(self.num_batches, self._plan.steps_per_epoch - first_batch)
        lengths = self._plan.lengths(first_batch, count)
        own = [np.empty(0)]
        for shard, stream in streams.items():
            moments = self._moments(stream, self._plan.shares[shard], lengths[shard], count)
            own.append(moments.ravel())
        return np.concatenate(own)

    def _moments(self, stream: RowStream, share: int, num_rows: int, num_batches: int) -> Floats:
        """Return the moments (batches, pairs) of the next rows of a shard."""
        position = 0
        tile = moment_steps.empty_tile(share, self._penalty.shape[1] - 1)
        moments = np.zeros((num_batches, self._num_moments))
        for Z, indices in stream.take(num_rows):
            moment_steps.add_moments(Z, indices, share, position, tile, moments)
            position += len(indices)
        moment_steps.add_rest(share, position, tile, moments)
        return moments
