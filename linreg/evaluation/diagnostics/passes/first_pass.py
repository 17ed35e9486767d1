"""The first pass of diagnostics over the training rows: sums, distances, the most influential rows.

Memory is bounded by a chunk, but for the residuals of rows in an order, which are kept.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.rows import Rows
from linreg.evaluation.diagnostics.passes.auxiliary_regressions import (
    AuxiliaryRegressions,
    no_moments,
)
from linreg.evaluation.diagnostics.passes.distance_counts import NUM_INTERVALS, add_to_counts
from linreg.evaluation.diagnostics.passes.influence import (
    Influence,
    LargestRows,
    NamedRow,
    influence,
)
from linreg.evaluation.diagnostics.passes.sample import RowSample, SampleOfRows
from linreg.evaluation.diagnostics.passes.standardized_rows import (
    RowStandardization,
    StandardizedRows,
)
from linreg.evaluation.diagnostics.passes.summed_columns import (
    FitColumns,
    VarianceColumns,
    merged_over_shards,
)
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.process.workers import Workers

NUM_POWERS = 2
"""Powers of ỹ that RESET adds: the square and the cube."""


class FirstPass(NamedTuple):
    """What the first pass has found.

    variance       regressions among `VarianceColumns`
    specification  regressions among `FitColumns` with ỹ² and ỹ³; None without coordinates
    counts         how many distances are in each interval
    outliers       rows with the largest |externally studentized residual|
    influential    rows with the largest Cook's distance
    num_exact      rows that are fitted exactly, their leverage being 1
    residuals      of each shard u of its rows, NaN for weight 0; empty unless rows have an order
    sample         some rows
    """

    variance: AuxiliaryRegressions
    specification: AuxiliaryRegressions | None
    counts: NDArray[np.int64]
    outliers: Sequence[NamedRow]
    influential: Sequence[NamedRow]
    num_exact: int
    residuals: Sequence[Floats]
    sample: RowSample


class _Sums:
    """The sums of this process."""

    def __init__(
        self, rows: RowStandardization, shards: Sequence[Rows], sample: SampleOfRows, ordered: bool
    ) -> None:
        self._rows = rows
        self._ordered = ordered
        self.sample = sample
        self._num_rows = sum(each.num_rows for each in shards)
        self.columns = VarianceColumns(rows)
        self.fit_columns = FitColumns(rows, NUM_POWERS) if rows.has_coordinates else None
        # The moments of each of our shards, as arrays.
        self.variance: list[Floats] = []
        self.specification: list[Floats] = []
        self.counts = np.zeros(NUM_INTERVALS, np.int64)
        self.outliers, self.influential = LargestRows(), LargestRows()
        self.num_exact = 0
        self.residuals: list[Floats] = []

    def add_shard(self, index: int, shard: Rows, scale: float) -> None:
        variance = no_moments(self.columns.square, self._num_rows)
        specification = None
        if self.fit_columns:
            specification = no_moments(self.fit_columns.last - 1, self._num_rows)
        solution = self._rows.solution
        residuals = np.full(shard.num_rows if self._ordered else 0, np.nan)
        for number, chunk in zip(shard.own, shard, strict=True):
            first = shard.first_row(number) - 1
            for rows in self._rows.of(chunk):
                self._add(rows, variance, specification, scale)
                found = influence(rows.residuals, rows.leverages, solution.df, solution.rank)
                self._find_largest(rows, found, (index, first), chunk.target)
                if index == 0:
                    self.sample.add(rows, found, shard, number, chunk)
                if self._ordered:
                    residuals[first + rows.positions] = rows.residuals
        self.residuals.append(residuals)
        self.variance.append(variance.as_array())
        if specification:
            self.specification.append(specification.as_array())

    def _add(
        self, rows: StandardizedRows, variance: Moments, specification: Moments | None, scale: float
    ) -> None:
        variance.add(*self.columns.of(rows))
        if self.fit_columns and specification:
            square = rows.fitted * rows.fitted
            if rows.roots is not None:
                square = rows.roots * square
            added = [square, square * rows.fitted]
            specification.add(*self.fit_columns.of(rows, added))
        add_to_counts(self.counts, rows.distances * scale)

    def _find_largest(
        self, rows: StandardizedRows, found: Influence, start: tuple[int, int], y: Floats
    ) -> None:
        self.num_exact += int(np.count_nonzero(np.isnan(found.internal)))
        for largest, sizes in (
            (self.outliers, np.abs(found.external)),
            (self.influential, found.cook),
        ):
            candidates = np.flatnonzero(largest.candidates(sizes)).tolist()
            largest.add(
                NamedRow(
                    float(sizes[i]),
                    (start[0], start[1] + int(rows.positions[i])),
                    _values(rows, found, float(y[rows.positions[i]]), i),
                )
                for i in candidates
            )


def read_first(
    rows: RowStandardization,
    shards: Sequence[Rows],
    sample: SampleOfRows,
    scale: float,
    *,
    ordered: bool,
    workers: Workers,
) -> FirstPass:
    """Read the training rows, each process its own shards.

    scale    what distances are multiplied by before they are counted: the mean weight
    ordered  whether to keep the residuals of all rows
    """
    sums = _Sums(rows, shards, sample, ordered)
    for index in workers.own_range(len(shards)):
        sums.add_shard(index, shards[index], scale)
    variance = merged_over_shards(sums.variance, sums.columns.square, workers)
    specification = None
    if sums.fit_columns:
        num_columns = sums.fit_columns.last - 1
        merged = merged_over_shards(sums.specification, num_columns, workers)
        specification = AuxiliaryRegressions(merged)
    counts = np.sum(workers.gather_array(sums.counts.astype(np.float64)), axis=0)
    residuals: list[Floats] = []
    if ordered:
        everyone = workers.gather_array(np.concatenate([np.empty(0), *sums.residuals]))
        ends = np.cumsum([shard.num_rows for shard in shards])
        residuals = np.split(np.concatenate(everyone), ends[:-1])
    return FirstPass(
        AuxiliaryRegressions(variance),
        specification,
        counts.astype(np.int64),
        _gathered(sums.outliers, workers),
        _gathered(sums.influential, workers),
        sum(workers.gather(sums.num_exact)),
        residuals,
        sample.gathered(workers),
    )


def _gathered(own: LargestRows, workers: Workers) -> Sequence[NamedRow]:
    largest = LargestRows()
    everyone = workers.concatenate(list(own.rows))
    largest.add(NamedRow(size, (place[0], place[1]), values) for size, place, values in everyone)
    return largest.rows


def _values(rows: StandardizedRows, found: Influence, y: float, i: int) -> dict[str, Any]:
    raw = float(rows.raw[i])
    values = {
        "actual": y,
        "fitted": y - raw,
        "residual": raw,
        "leverage": float(rows.leverages[i]),
        "internally_studentized": float(found.internal[i]),
        "externally_studentized": float(found.external[i]),
        "cooks_distance": float(found.cook[i]),
        "dffits": float(found.dffits[i]),
    }
    return {name: value if np.isfinite(value) else None for name, value in values.items()}
