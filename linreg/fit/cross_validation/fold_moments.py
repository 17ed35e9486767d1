"""Moments of each fold of the training rows, from the pass that sums up all of them.

Where the rows of a fold follow one another, those of whole blocks (`Moments.rows_per_block`) are
multiplied and added up once, for the fold and for the total; only the rows between the end of a
fold and that of its block are summed twice. Elsewhere each row is summed for the total and for its
fold. Either way the total has the bits that it has without folds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import TypeAlias, cast

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import CompactMatrix, DesignMatrix, Layout
from linreg.data.rows import Chunk, Rows
from linreg.data.split.folds import Folds, FoldsByRow, Stretch
from linreg.fit.exact.moment_sums.any_moments import (
    AnyMoments,
    merged,
    moments_from_array,
    no_moments,
)
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.moment_sums.memory import require_memory
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.process.workers import ALONE, Workers

RowNumbers: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
TARGET = Layout(0)
"""The columns of X beside a target whose moments are summed up alone: none."""


@dataclass(frozen=True)
class FoldMoments:
    """Moments of all training rows, and of each block of the folds (see `Folds`).

    targets  those of [1 target] of each block where rows have an offset, which y lacks; else empty
    """

    folds: Folds
    total: AnyMoments
    blocks: list[AnyMoments]
    targets: list[AnyMoments] = field(default_factory=list)

    def held_out(self, fold: int) -> AnyMoments:
        """Return the moments of a fold, counted from 0."""
        return self.blocks[self.folds.held_out(fold)]

    def target(self, fold: int) -> AnyMoments:
        """Return moments of a fold, counted from 0, whose y is the target as the table has it."""
        return (self.targets or self.blocks)[self.folds.held_out(fold)]

    def trained_on(self, fold: int) -> AnyMoments:
        """Return those of the rows that the model of a fold is fitted to.

        They are the sum of the blocks before it and, unless folds are forward in time, of those
        behind it. That loses no digits, where the total less the fold might lose all: those of a
        column whose large values are in this fold.
        """
        block = self.folds.held_out(fold)
        before = self._up_to[block - 1] if block else None
        if self.folds.is_forward or block == len(self.blocks) - 1:
            assert before is not None
            return before
        behind = self._from_end[len(self.blocks) - 2 - block]
        return behind if before is None else merged(before, behind)

    @cached_property
    def _up_to(self) -> list[AnyMoments]:
        """The sums of the first blocks: of one, two, …."""
        return list(accumulate(self.blocks[:-1], merged))

    @cached_property
    def _from_end(self) -> list[AnyMoments]:
        """The sums of the last blocks: of one, two, …."""
        return list(accumulate(reversed(self.blocks[1:]), merged))


class ShardMoments:
    """The moments of a shard, and of each block in it; `targets` as in `FoldMoments`.

    is_shared  whether products of whole blocks of rows are shared by a fold and the total
    """

    def __init__(
        self,
        folds: Folds,
        shard: int,
        rows: Rows,
        num_rows: int,
        roundoffs: Floats | None,
        *,
        is_shared: bool = True,
    ) -> None:
        def empty() -> AnyMoments:
            return no_moments(rows.layout, num_rows, roundoffs)

        self._folds, self._shard, self._rows = folds, shard, rows
        self.total = empty()
        self.blocks = [empty() for _ in range(folds.num_blocks)]
        has_offset = bool(rows.design.schema.offset)
        self.targets = [no_moments(TARGET, num_rows) for _ in self.blocks if has_offset]
        self._stretches: list[tuple[Stretch, bool]] | None = None
        if isinstance(folds, FoldsByRow) and is_shared:
            size = self.total.rows_per_block
            self._stretches = list(_cut(list(folds.stretches(shard)), size))

    def sum_up(self) -> None:
        """Read the shard, and add its rows."""
        position = 0
        for index, chunk in zip(self._rows.own, self._rows, strict=True):
            if self._stretches is None:
                self._add_by_label(chunk, index)
            else:
                self._add_stretches(chunk, position, self._stretches)
            position += len(chunk.y)

    def _add_stretches(
        self, chunk: Chunk, position: int, stretches: Sequence[tuple[Stretch, bool]]
    ) -> None:
        for (block, first, end), is_whole in stretches:
            start, stop = max(first - position, 0), min(end - position, len(chunk.y))
            if start >= stop:
                continue
            part = _part(chunk, slice(start, stop))
            self._add_target(block, chunk, slice(start, stop))
            if is_whole:
                _add(self.total, part, self.blocks[block])
            else:
                _add(self.total, part)
                _add(self.blocks[block], part)

    def _add_by_label(self, chunk: Chunk, index: int) -> None:
        _add(self.total, chunk)
        labels = self._folds.labels(self._shard, self._rows, index)
        # numpy sorts 8 bits in one pass.
        order = np.argsort(labels, kind="stable")
        ends = np.cumsum(np.bincount(labels, minlength=len(self.blocks)))
        for block, rows in enumerate(np.split(order, ends[:-1])):
            _add(self.blocks[block], _taken(chunk, rows))
            self._add_target(block, chunk, rows)

    def _add_target(self, block: int, chunk: Chunk, rows: slice | RowNumbers) -> None:
        if self.targets:
            target = chunk.target[rows]
            weights = None if chunk.w is None else chunk.w[rows]
            _add(self.targets[block], Chunk(np.empty((len(target), 0)), target, weights))


def fold_moments(
    shards: Sequence[Rows], folds: Folds, workers: Workers = ALONE, roundoffs: Floats | None = None
) -> FoldMoments:
    """Add up the moments of all shards, each process its own; `roundoffs` as in `Moments.zero`.

    The total is `compute_moments`, bit for bit. The bits of the folds' moments depend neither on
    the number of processes nor on the lengths of chunks. Raises UserError, before a row is read, if
    memory does not suffice.
    """
    num_rows = sum(rows.num_rows for rows in shards)
    layout = shards[0].layout
    require_memory(layout, num_rows, folds.num_blocks)
    found = _gathered(shards, folds, workers, roundoffs, is_shared=True)
    if _is_scaled(found.total):
        # Products that are scaled for the total may underflow for a fold.
        found = _gathered(shards, folds, workers, roundoffs, is_shared=False)
    return found


def _gathered(
    shards: Sequence[Rows],
    folds: Folds,
    workers: Workers,
    roundoffs: Floats | None,
    *,
    is_shared: bool,
) -> FoldMoments:
    layout, num_rows = shards[0].layout, sum(rows.num_rows for rows in shards)
    own = []
    for index in workers.own_range(len(shards)):
        sums = ShardMoments(folds, index, shards[index], num_rows, roundoffs, is_shared=is_shared)
        sums.sum_up()
        own.append([each.as_array() for each in (sums.total, *sums.blocks, *sums.targets)])
    parts = [(layout, roundoffs)] * (1 + folds.num_blocks)
    if shards[0].design.schema.offset:
        parts += [(TARGET, None)] * folds.num_blocks
    # One block at a time, so that no process holds those of all shards at once.
    results = [
        _sum_over_shards([of_shard[k] for of_shard in own], *part, workers)
        for k, part in enumerate(parts)
    ]
    total, *blocks = results[: 1 + folds.num_blocks]
    if shards[0].has_frequencies:
        for moments in (total, *blocks):
            moments.count_frequencies()
    return FoldMoments(folds, total, blocks, results[1 + folds.num_blocks :])


def _sum_over_shards(
    own: Sequence[Floats], layout: Layout, roundoffs: Floats | None, workers: Workers
) -> AnyMoments:
    """Return the sum of moments in the order of the shards, of which each process has its own."""
    total = no_moments(layout, roundoffs=roundoffs)
    for values in workers.gather_arrays(own):
        total = merged(total, moments_from_array(layout, values))
    return total


def _cut(stretches: Sequence[Stretch], size: int) -> Iterator[tuple[Stretch, bool]]:
    """Yield stretches cut where whole blocks of `size` rows begin and end, and which are such."""
    for block, first, end in stretches:
        # The first whole block, and the end of the last one.
        begin, finish = -(-first // size) * size, end // size * size
        if begin >= finish:
            yield Stretch(block, first, end), False
            continue
        if first < begin:
            yield Stretch(block, first, begin), False
        yield Stretch(block, begin, finish), True
        if finish < end:
            yield Stretch(block, finish, end), False


def _add(moments: AnyMoments, rows: Chunk, of_fold: AnyMoments | None = None) -> None:
    if isinstance(moments, LevelMoments):
        moments.add(*rows, cast("LevelMoments | None", of_fold))
    else:
        moments.add(*rows, cast("Moments | None", of_fold))


def _part(chunk: Chunk, rows: slice) -> Chunk:
    return Chunk(chunk.X[rows], chunk.y[rows], None if chunk.w is None else chunk.w[rows])


def _taken(chunk: Chunk, rows: RowNumbers) -> Chunk:
    """Return some rows of a chunk, with columns that are contiguous in memory."""
    X: DesignMatrix
    if isinstance(chunk.X, CompactMatrix):
        codes = tuple(each[rows] for each in chunk.X.codes)
        X = CompactMatrix(chunk.X.layout, _rows_of(chunk.X.dense, rows), codes)
    else:
        X = _rows_of(chunk.X, rows)
    return Chunk(X, chunk.y[rows], None if chunk.w is None else chunk.w[rows])


def _rows_of(X: Floats, rows: RowNumbers) -> Floats:
    taken = np.empty((len(rows), X.shape[1]), order="F")
    for j in range(X.shape[1]):
        # Otherwise numpy takes them into a buffer first.
        np.take(X[:, j], rows, out=taken[:, j], mode="clip")
    return taken


def _is_scaled(moments: AnyMoments) -> bool:
    dense = moments.dense if isinstance(moments, LevelMoments) else moments
    return bool(dense.exponents.any())
