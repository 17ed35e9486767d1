"""A paired test: whether one model predicts the same rows better than another.

For row i, dᵢ = (yᵢ − ỹᵢ of the one)² − (yᵢ − ỹᵢ of the other)², positive where the other is better.
Most of what makes a row hard to predict is hard for both models and cancels in dᵢ, so that far
smaller differences are significant than with an interval for each model.

The interval is Student's for paired samples ("Student", The probable error of a mean, Biometrika 6,
1908): d̄ ± t·s/√n with n − 1 degrees of freedom, for independent rows. Where rows come in groups,
the groups are the independent units: with Sg the sum of dᵢ in group g and ng its rows, d̄ is the
same and its variance G/(G − 1)·Σ(Sg − ng·d̄)²/n², with G − 1 degrees of freedom (W. G. Cochran,
Sampling Techniques, 3rd edition, 1977, chapter 9A: clusters of unequal sizes). Groups of one row
each give Student's interval again.

Where rows are ordered in time, neighbours are alike, and the units are NUM_BLOCKS blocks of rows
that follow one another: the method of batch means (C. Alexopoulos and A. Seila, Output Data
Analysis, in J. Banks, Handbook of Simulation, 1998, chapter 7).
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from linreg.arrays import Floats
from linreg.data.rows import Chunk, Rows
from linreg.data.tables.arrays import as_numpy
from linreg.data.tables.parquet import TableFile
from linreg.errors import UserError
from linreg.evaluation.distributions import t_critical_value
from linreg.fit.model import LinearModel, linear
from linreg.fit.squared_error import exact_sum
from linreg.params import split_column

NUM_BLOCKS = 6
"""Blocks of rows that follow one another in time.

Simulated with d of mean 0 whose neighbours have a correlation of 0.8: at 2.5 % nominal, 2.9 %
of 1500 rows, 3.4 % of 150 and 5.0 % of 60 count as an improvement. With independent rows it would
be 26 %, with 20 blocks of 60 rows 16 %.
"""


@dataclass(frozen=True)
class PairedTest:
    """The mean squared errors of two models on the same rows, with the interval of the difference.

    before, after   mean squared error of the one and of the other model
    difference      before − after: positive where the other model is better
    standard_error  of the difference
    low, high       its confidence interval
    num_units       the number of independent units: rows, groups, or blocks of time
    """

    num_rows: int
    num_units: int
    before: float
    after: float
    difference: float
    standard_error: float
    low: float
    high: float
    confidence: float

    @property
    def is_improvement(self) -> bool:
        """Whether the other model is significantly better: the whole interval is above 0."""
        return self.low > 0

    @property
    def is_deterioration(self) -> bool:
        """Whether the other model is significantly worse: the whole interval is below 0."""
        return self.high < 0

    def as_data(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)

    def in_words(self) -> str:
        """Return both errors and the difference with its interval."""
        return (
            f"MSE {self.before:.6g} → {self.after:.6g}, improvement {self.difference:.6g} "
            f"({100 * self.confidence:.12g} % interval {self.low:.6g} to {self.high:.6g})"
        )


def paired_test(before: Floats, after: Floats, confidence: float = 0.95) -> PairedTest:
    """Compare two models by their errors on the same independent rows, both (n,) with n ≥ 2."""
    squares_before, squares_after = np.square(before), np.square(after)
    d = squares_before - squares_after
    error = float(d.std(ddof=1)) / math.sqrt(len(d))
    means = float(squares_before.mean()), float(squares_after.mean())
    return _test(len(d), len(d), *means, float(d.mean()), error, confidence)


def paired_test_on_file(
    path: Path, before: LinearModel, after: LinearModel, confidence: float = 0.95, by: str = "row"
) -> PairedTest:
    """Compare two models of the same target on all rows of a file, in one pass.

    `by` says as `split.by` what is independent: rows, groups by a column, or blocks of a time.
    Weights play no part, as in the metrics. The sums of a row group are numpy's and are added
    exactly, so that no result depends on threads or memory. Raises UserError where a model cannot
    take the rows, where there are fewer than two units, and beyond float64.
    """
    column = split_column(by)
    sums: list[_Sums] = []
    clusters: dict[Any, list[_Cluster]] = defaultdict(list)
    file = TableFile(path)
    for index, chunks in enumerate(_chunk_pairs(path, before, after)):
        # What is beyond float64 is refused at the end.
        with np.errstate(over="ignore", invalid="ignore"):
            squares = [_squared_errors(*each) for each in zip(chunks, (before, after), strict=True)]
            d = squares[0] - squares[1]
            sums.append(_Sums.of(d, *squares))
        if column is not None:
            for value, cluster in _clusters(file.row_group(index, [column]).column(column), d):
                clusters[value].append(cluster)
    num_rows = sum(each.num_rows for each in sums)
    num_units = num_rows if column is None else len(clusters)
    if num_units < 2:
        of_what = "rows" if column is None else f"values of {column}"
        raise UserError(
            path, f"must hold at least two {of_what} to compare models on", found=num_units
        )
    units = list(clusters.values())
    if by.startswith("time:"):
        units = _blocks(clusters, num_rows)
        num_units = len(units)
    difference = exact_sum(each.total for each in sums) / num_rows
    squares_of_units = (
        _squares_of_rows(sums, difference)
        if column is None
        else _squares_of_clusters(units, difference)
    )
    variance = num_units / (num_units - 1) * squares_of_units
    error = math.sqrt(variance) / num_rows if variance >= 0 else math.nan
    mse_before = exact_sum(each.squares_before for each in sums) / num_rows
    mse_after = exact_sum(each.squares_after for each in sums) / num_rows
    test = _test(num_rows, num_units, mse_before, mse_after, difference, error, confidence)
    if not math.isfinite(test.low) or not math.isfinite(test.high):
        raise UserError(path, "has rows whose squared errors are beyond float64", found=difference)
    return test


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


class _Cluster(NamedTuple):
    """The rows of one group within a row group: their number and Σd."""

    num_rows: int
    total: float


def _test(
    num_rows: int,
    num_units: int,
    before: float,
    after: float,
    difference: float,
    error: float,
    confidence: float,
) -> PairedTest:
    half_width = t_critical_value(confidence, num_units - 1) * error
    low, high = difference - half_width, difference + half_width
    return PairedTest(num_rows, num_units, before, after, difference, error, low, high, confidence)


def _chunk_pairs(
    path: Path, before: LinearModel, after: LinearModel
) -> Iterator[tuple[Chunk, Chunk]]:
    """Yield each row group of a file as both models see it."""
    rows = Rows(path, before.design), Rows(path, after.design)
    for each in rows:
        # They are read once.
        each.limit_cache(0)
    yield from zip(*rows, strict=True)


def _squared_errors(chunk: Chunk, model: LinearModel) -> Floats:
    return np.square(chunk.y - linear(chunk.X, model.theta, model.b))


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


def _blocks(clusters: Mapping[Any, list[_Cluster]], num_rows: int) -> list[list[_Cluster]]:
    """Return NUM_BLOCKS blocks of times that follow one another, of about as many rows each.

    They are fewer where there are fewer times. A time belongs to the block that holds the middle of
    its rows.
    """
    blocks: dict[int, list[_Cluster]] = defaultdict(list)
    before = 0
    for time in sorted(clusters):
        count = sum(cluster.num_rows for cluster in clusters[time])
        blocks[NUM_BLOCKS * (2 * before + count) // (2 * num_rows)] += clusters[time]
        before += count
    return list(blocks.values())


def _clusters(column: pa.ChunkedArray, d: Floats) -> Iterator[tuple[Any, _Cluster]]:
    """Yield each value of the column with its number of rows and the sum of their d, row by row."""
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    codes = as_numpy(encoded.indices)
    counts, totals = np.bincount(codes).tolist(), np.bincount(codes, d).tolist()
    for value, count, total in zip(encoded.dictionary.to_pylist(), counts, totals, strict=True):
        yield value, _Cluster(count, total)
