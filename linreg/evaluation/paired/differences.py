"""The difference of the squared errors of two models, summed by independent unit.

For row i, dᵢ = (yᵢ − ỹᵢ of the one)² − (yᵢ − ỹᵢ of the other)², positive where the other is better.
Most of what makes a row hard to predict is hard for both models and cancels in dᵢ, so that far
smaller differences are significant than with an interval for each model.

For independent rows the standard error of d̄ is s/√n. Where rows come in groups, the groups are the
independent units: with Sg the sum of dᵢ in group g and ng its rows, d̄ is the same and its variance
G/(G − 1)·Σ(Sg − ng·d̄)²/n² (W. G. Cochran, Sampling Techniques, 3rd edition, 1977, chapter 9A:
clusters of unequal sizes). Groups of one row each give s/√n again.

Where rows are ordered in time, neighbours are alike, and the units are blocks of rows that follow
one another: the method of batch means (C. Alexopoulos and A. Seila, Output Data Analysis, in
J. Banks, Handbook of Simulation, 1998, chapter 7).
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from linreg.arrays import Floats
from linreg.data.rows import Chunk, Rows
from linreg.data.tables.arrays import as_numpy
from linreg.data.tables.parquet import TableFile
from linreg.errors import UserError
from linreg.fit.model import LinearModel, linear
from linreg.params.split import split_column
from linreg.reductions.exact_sum import exact_sum


class MeanDifference(NamedTuple):
    """The mean of d over some rows.

    num_units       the number of independent units: rows, groups, or blocks of time
    before, after   mean squared error of the one and of the other model
    difference      before − after
    standard_error  of the difference; NaN beyond float64
    """

    num_rows: int
    num_units: int
    before: float
    after: float
    difference: float
    standard_error: float

    @property
    def variance(self) -> float:
        """n times that of the difference: for independent rows, the variance s² of d."""
        return self.num_rows * self.standard_error**2


@dataclass(frozen=True)
class Differences:
    """The sums of d over the rows of some files.

    sums      of each row group
    clusters  by the value of the column that `by` names, its rows in each row group; None for rows
    by        what is independent, as in `split.by`: rows, groups by a column, or blocks of a time
    """

    sums: "Sequence[_Sums]"
    clusters: "Mapping[Any, Sequence[_Cluster]] | None"
    by: str

    @classmethod
    def read(
        cls,
        paths: Iterable[Path],
        before: LinearModel,
        after: LinearModel,
        by: str,
        max_rows: float = math.inf,
    ) -> "Differences":
        """Read files in one pass, as far as the row group with which there are `max_rows` rows.

        The sums of a row group are numpy's. Raises UserError where a model cannot take the rows,
        and for squared errors beyond float64.
        """
        return cls._sum(_errors_of_models(paths, before, after), by, max_rows)

    @classmethod
    def from_predictions(
        cls, path: Path, before: Floats, after: LinearModel, by: str
    ) -> "Differences":
        """Compare predictions (n,) of all rows of a file with those of a model; like `read`."""
        return cls._sum(_errors_of_predictions(path, before, after), by)

    @classmethod
    def _sum(
        cls, errors: Iterable["_ErrorPair"], by: str, max_rows: float = math.inf
    ) -> "Differences":
        column = split_column(by)
        sums: list[_Sums] = []
        clusters: dict[Any, list[_Cluster]] = defaultdict(list)
        num_rows = 0
        for file, group, before, after in errors:
            # What is beyond float64 is refused below.
            with np.errstate(over="ignore", invalid="ignore"):
                squares = np.square(before), np.square(after)
                d = squares[0] - squares[1]
                sums.append(_Sums.of(d, *squares))
            if not math.isfinite(sums[-1].squares):
                raise beyond_float64(file.path, sums[-1].total)
            if column is not None:
                cells = file.row_group(group, [column]).column(column)
                for value, cluster in _clusters(cells, d):
                    clusters[value].append(cluster)
            num_rows += len(d)
            if num_rows >= max_rows:
                break
        return cls(sums, None if column is None else clusters, by)

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return sum(each.num_rows for each in self.sums)

    @property
    def num_values(self) -> int:
        """The number of rows, groups or times."""
        return self.num_rows if self.clusters is None else len(self.clusters)

    def mean(self, num_blocks: int) -> MeanDifference:
        """Return the mean of at least two rows, groups or times; a time has so many blocks.

        The sums of the row groups are added exactly, so that no result depends on threads or
        memory.
        """
        num_rows = self.num_rows
        difference = exact_sum(each.total for each in self.sums) / num_rows
        if self.clusters is None:
            num_units = num_rows
            squares = _squares_of_rows(self.sums, difference)
        else:
            units = list(self.clusters.values())
            if self.by.startswith("time:"):
                units = _blocks(self.clusters, num_rows, num_blocks)
            num_units = len(units)
            squares = _squares_of_clusters(units, difference)
        variance = num_units / (num_units - 1) * squares
        error = math.sqrt(variance) / num_rows if variance >= 0 else math.nan
        before = exact_sum(each.squares_before for each in self.sums) / num_rows
        after = exact_sum(each.squares_after for each in self.sums) / num_rows
        return MeanDifference(num_rows, num_units, before, after, difference, error)


def beyond_float64(path: Path, difference: float) -> UserError:
    """Return the error for squared errors that float64 cannot hold."""
    return UserError(path, "has rows whose squared errors are beyond float64", found=difference)


class _Sums(NamedTuple):
    """Sums over a row group: n, Σd, Σ(d − mean d)², and Σ of the squared errors of both models."""

    num_rows: int
    total: float
    squares: float
    squares_before: float
    squares_after: float

    @classmethod
    def of(cls, d: Floats, before: Floats, after: Floats) -> "_Sums":
        squares = np.square(d - d.mean()).sum()
        return cls(len(d), *map(float, (d.sum(), squares, before.sum(), after.sum())))


class _ErrorPair(NamedTuple):
    """The errors y − ỹ of both models in a row group, each (n,); its file, and its number there."""

    file: TableFile
    group: int
    before: Floats
    after: Floats


class _Cluster(NamedTuple):
    """The rows of one group within a row group: their number and Σd."""

    num_rows: int
    total: float


def _errors_of_models(
    paths: Iterable[Path], before: LinearModel, after: LinearModel
) -> Iterator[_ErrorPair]:
    for path in paths:
        rows = Rows(path, before.design), Rows(path, after.design)
        for each in rows:
            # They are read once.
            each.limit_cache(0)
        file = TableFile(path)
        for index, (first, second) in enumerate(zip(*rows, strict=True)):
            yield _ErrorPair(file, index, _errors(first, before), _errors(second, after))


def _errors_of_predictions(path: Path, before: Floats, after: LinearModel) -> Iterator[_ErrorPair]:
    rows = Rows(path, after.design)
    rows.limit_cache(0)
    file = TableFile(path)
    for index, chunk in enumerate(rows):
        first = rows.first_row(index) - 1
        with np.errstate(over="ignore"):
            of_predictions = chunk.target - before[first : first + len(chunk.y)]
        yield _ErrorPair(file, index, of_predictions, _errors(chunk, after))


def _errors(chunk: Chunk, model: LinearModel) -> Floats:
    # What is beyond float64 is refused with its square.
    with np.errstate(over="ignore", invalid="ignore"):
        errors: Floats = chunk.y - linear(chunk.X, model.theta, model.b)
    return errors


def _squares_of_rows(sums: Sequence[_Sums], difference: float) -> float:
    """Return Σ(d − d̄)² of all rows, from that of each row group around its own mean."""
    within = [each.squares for each in sums]
    between = [each.num_rows * (each.total / each.num_rows - difference) ** 2 for each in sums]
    return exact_sum([*within, *between])


def _squares_of_clusters(clusters: Iterable[Sequence[_Cluster]], difference: float) -> float:
    """Return Σ(Sg − ng·d̄)² of all groups; a group may have rows in several row groups."""
    squares = []
    for parts in clusters:
        total = exact_sum(part.total for part in parts)
        num_rows = exact_sum(part.num_rows for part in parts)
        squares.append((total - num_rows * difference) ** 2)
    return exact_sum(squares)


def _blocks(
    clusters: Mapping[Any, Sequence[_Cluster]], num_rows: int, num_blocks: int
) -> list[Sequence[_Cluster]]:
    """Return blocks of times that follow one another, of about as many rows each.

    They are fewer where there are fewer times. A time belongs to the block that holds the middle of
    its rows.
    """
    blocks: dict[int, list[_Cluster]] = defaultdict(list)
    before = 0
    for time in sorted(clusters):
        count = sum(cluster.num_rows for cluster in clusters[time])
        blocks[num_blocks * (2 * before + count) // (2 * num_rows)] += clusters[time]
        before += count
    return list(blocks.values())


def _clusters(column: pa.ChunkedArray, d: Floats) -> Iterator[tuple[Any, _Cluster]]:
    """Yield each value of the column with its number of rows and the sum of their d, row by row."""
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    codes = as_numpy(encoded.indices)
    counts, totals = np.bincount(codes).tolist(), np.bincount(codes, d).tolist()
    for value, count, total in zip(encoded.dictionary.to_pylist(), counts, totals, strict=True):
        yield value, _Cluster(count, total)
