"""An even sample of the training rows, for figures of their residuals."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import CompactMatrix, DesignMatrix
from linreg.data.formula.design import Design
from linreg.data.rows import Chunk, Rows
from linreg.data.tables.arrays import as_arrow
from linreg.evaluation.diagnostics.passes.influence import Influence
from linreg.evaluation.diagnostics.passes.standardized_rows import StandardizedRows
from linreg.evaluation.predictions import plain_rows
from linreg.fit.coordinates.scaling import z_score_scaling
from linreg.fit.exact.reference import ExactReference
from linreg.process.workers import Workers

MAX_ROWS = 1000
MAX_COLUMNS = 6
"""Columns of X whose partial residuals are drawn: numbers with the largest effects on y."""


class RowSample(NamedTuple):
    """Evenly spaced rows (n,) of the first shard, which are a random sample of all of them.

    actual, fitted, residuals  y, ỹ at the minimum, and y − ỹ
    studentized                internally studentized residuals; NaN where the leverage is 1
    leverages                  h
    columns                    by name, values of columns of X
    times                      cells of the column by which the rows are split in time, as plain
                               data; empty without one
    """

    actual: Floats
    fitted: Floats
    residuals: Floats
    studentized: Floats
    leverages: Floats
    columns: Mapping[str, Floats]
    times: Sequence[Any]


class SampleOfRows:
    """Collects the sample; one process has the first shard."""

    def __init__(self, names: Mapping[int, str], by_time: str | None, first: Rows) -> None:
        """`names` are those of some columns of X, by their number."""
        self._names = names
        self._by_time = by_time
        self._every = max(1, -(-first.num_rows // MAX_ROWS))
        self._values: list[Floats] = []
        self._times: list[Any] = []

    def add(
        self, rows: StandardizedRows, found: Influence, shard: Rows, number: int, chunk: Chunk
    ) -> None:
        """Add those rows of a chunk, whose number is given, that belong to the sample."""
        start = shard.first_row(number) - 1
        chosen = np.flatnonzero((start + rows.positions) % self._every == 0)
        if not len(chosen):
            return
        positions = rows.positions[chosen]
        measures = [each[chosen] for each in (rows.raw, found.internal, rows.leverages)]
        columns = _columns(chunk.X[positions], list(self._names))
        self._values.append(np.stack([chunk.target[positions], *measures, *columns], axis=1))
        if self._by_time:
            times = shard.cells(number, [self._by_time], as_arrow(positions))
            self._times += [row[self._by_time] for row in plain_rows(times)]

    def gathered(self, workers: Workers) -> RowSample:
        """Return the sample, in every process."""
        own = np.concatenate([np.empty(0), *(each.ravel() for each in self._values)])
        values = np.concatenate(workers.gather_array(own))
        measures = values.reshape(-1, 4 + len(self._names)).T
        actual, residuals, studentized, leverages = measures[:4]
        columns = dict(zip(self._names.values(), measures[4:], strict=True))
        of_fit = (actual, actual - residuals, residuals, studentized, leverages)
        return RowSample(*of_fit, columns, workers.concatenate(self._times))


def sampled_columns(exact: ExactReference, design: Design) -> dict[int, str]:
    """Return names by column of X: of terms that are one number, at most MAX_COLUMNS."""
    solution = exact.solution
    effects = np.abs(solution.theta * z_score_scaling(exact.moments, solution.intercept).x_scale)
    categories, dense = design.schema.category_columns, design.layout.is_dense
    position, candidates = 0, []
    for term, factors in zip(design.terms, design.schema.terms, strict=True):
        of_category = any(name in categories for each in factors for name in each["columns"])
        if len(term.names) == 1 and not of_category and dense[position]:
            candidates.append(position)
        position += len(term.names)
    candidates = [j for j in candidates if solution.kept[1 + j]]
    largest = sorted(candidates, key=lambda j: (-effects[j], j))[:MAX_COLUMNS]
    return {j: solution.names[j] for j in sorted(largest)}


def _columns(X: DesignMatrix, numbers: Sequence[int]) -> list[Floats]:
    """Return some columns of X that are no indicators."""
    if isinstance(X, CompactMatrix):
        dense = np.cumsum(X.layout.is_dense) - 1
        return [X.dense[:, dense[j]] for j in numbers]
    return [X[:, j] for j in numbers]
