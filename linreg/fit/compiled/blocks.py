"""Blocks of batches, the compiled engine's unit of work: two ways to take their steps, and who
takes them.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linreg.data.tables.prefetch import prefetch
from linreg.fit.compiled import moment_steps as batch_moments
from linreg.fit.compiled import row_steps as direct_steps
from linreg.fit.compiled.packed_rows import PackedRows, Stream
from linreg.fit.sgd.order import BatchPlan
from linreg.params import Train
from linreg.process.workers import Workers

Floats = NDArray[np.float64]

ROWS_PER_BLOCK = 1 << 19
"""Rows between two exchanges with other processes; no result depends on it."""
BYTES_PER_BLOCK = 32 << 20
"""What all shards' moments of a block may take in memory."""


class Block(NamedTuple):
    """Some consecutive batches of an epoch.

    first         the number of the first one
    rates         their learning rates (batches,)
    num_averaged  steps that are in the average before the first; below 0 where it has not begun
    """

    first: int
    rates: Floats
    num_averaged: int


class DirectBlocks:
    """Steps from the rows of the one shard there is; of several processes, the one that owns it
    takes them.

    num_batches  the batches of a block, at most
    """

    def __init__(
        self,
        own: Mapping[int, PackedRows],
        plan: BatchPlan,
        params: Train,
        penalty: Floats,
        workers: Workers,
    ) -> None:
        self._rows = own.get(0)
        self._plan, self._params, self._penalty, self._workers = plan, params, penalty, workers
        self._owner = next(rank for rank in range(workers.size) if 0 in workers.range_of(rank, 1))
        self.num_batches = max(1, ROWS_PER_BLOCK // params.batch_size)

    def begin_epoch(self, epoch: int, batch: int) -> None:
        """Go to the first row of one of the epoch's batches."""
        if self._rows is not None:
            self._stream = Stream(
                self._rows.epoch(self._params.seed, epoch, 0, batch * self._params.batch_size)
            )

    def advance(self, state: Floats, block: Block) -> tuple[Floats, int]:
        """Return the state (3, M + 1) after the block, as in `linreg.fit.compiled.update`, and the
        number of steps taken.

        It stops at a step that is not finite.
        """
        found = self._steps(state.copy(), block) if self._rows is not None else np.empty(0)
        found = self._workers.gather_array(found)[self._owner]
        return found[:-1].reshape(state.shape), int(found[-1])

    def _steps(self, state: Floats, block: Block) -> Floats:
        assert self._rows is not None
        batch_size, num_averaged = self._params.batch_size, block.num_averaged
        left = self._plan.lengths(block.first, len(block.rates))[0]
        tile = direct_steps.empty_tile(batch_size, len(self._penalty) + 1, self._rows.dtype)
        begun, taken = np.zeros(len(self._penalty) + 1), 0
        for Z, order in self._stream.take(left):
            left -= len(order)
            steps, finite = direct_steps.take_steps(
                Z,
                order,
                batch_size,
                left == 0,
                tile,
                begun,
                state,
                block.rates[taken:],
                self._params.momentum,
                self._penalty,
                num_averaged + taken,
            )
            taken += steps
            if not finite:
                break
        return np.append(state.ravel(), taken)


class MomentBlocks:
    """Steps from the moments of batches: each process sums up its own shards, all exchange them and
    take all steps.

    What is exchanged is each shard's share, added in the order of the shards: the same sums for any
    number of processes.
    """

    def __init__(
        self,
        own: Mapping[int, PackedRows],
        plan: BatchPlan,
        params: Train,
        penalty: Floats,
        workers: Workers,
    ) -> None:
        self._own, self._plan, self._params, self._penalty, self._workers = (
            own,
            plan,
            params,
            penalty,
            workers,
        )
        self._num_moments = batch_moments.num_moments(len(penalty) - 1)
        room = BYTES_PER_BLOCK // (8 * self._num_moments * len(plan.shares))
        self.num_batches = max(1, min(ROWS_PER_BLOCK // params.batch_size, room))

    def begin_epoch(self, epoch: int, batch: int) -> None:
        """Go to the first row of one of the epoch's batches."""
        streams = {
            shard: Stream(
                rows.epoch(self._params.seed, epoch, shard, batch * self._plan.shares[shard])
            )
            for shard, rows in self._own.items()
        }
        blocks = range(batch, self._plan.steps_per_epoch, self.num_batches)
        # The next block is summed up while this one is exchanged, so that no process waits for a
        # slower one at once.
        self._coming = prefetch(self._own_moments(streams, first) for first in blocks)

    def advance(self, state: Floats, block: Block) -> tuple[Floats, int]:
        """As in DirectBlocks."""
        everyones = np.concatenate(self._workers.gather_array(next(self._coming)))
        of_shards = everyones.reshape(len(self._plan.shares), len(block.rates), self._num_moments)
        moments = of_shards[0]
        for others in of_shards[1:]:
            moments = moments + others
        lengths = self._plan.num_rows_of(np.arange(block.first, block.first + len(block.rates)))
        state = state.copy()
        taken, _ = batch_moments.take_steps(
            moments,
            lengths,
            state,
            block.rates,
            self._params.momentum,
            self._penalty,
            block.num_averaged,
        )
        return state, taken

    def _own_moments(self, streams: Mapping[int, Stream], first: int) -> Floats:
        """Return the moments of the block that begins with a batch, of our own shards, one behind
        the other.
        """
        count = min(self.num_batches, self._plan.steps_per_epoch - first)
        lengths = self._plan.lengths(first, count)
        own = [
            self._moments(stream, self._plan.shares[i], lengths[i], count).ravel()
            for i, stream in streams.items()
        ]
        return np.concatenate([np.empty(0), *own])

    def _moments(self, stream: Stream, share: int, num_rows: int, num_batches: int) -> Floats:
        position = 0
        tile = batch_moments.empty_tile(share, len(self._penalty) - 1)
        moments = np.zeros((num_batches, self._num_moments))
        for Z, order in stream.take(num_rows):
            batch_moments.add_moments(Z, order, share, position, tile, moments)
            position += len(order)
        batch_moments.add_rest(share, position, tile, moments)
        return moments
