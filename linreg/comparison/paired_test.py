"""Whether one model predicts the same rows better than another: a difference with its interval, not
two numbers.

For row i, dᵢ = (yᵢ − ỹᵢ of the one)² − (yᵢ − ỹᵢ of the other)², positive where the other is better.
Most of what makes a row hard to predict is hard for both models and falls out of dᵢ, so that far
smaller differences can be told from chance than by two intervals of their own.

The interval is Student's for paired samples ("Student", The probable error of a mean, Biometrika 6,
1908): d̄ ± t·s/√n with n − 1 degrees of freedom. It takes rows for independent. Where rows come in
groups, the groups are: with Sg the sum of dᵢ in group g and ng its rows, d̄ is the same and its
variance G/(G − 1)·Σ(Sg − ng·d̄)²/n², with G − 1 degrees of freedom (W. G. Cochran, Sampling
Techniques, 3rd edition, 1977, chapter 9A: clusters of unequal sizes). Groups of one row each give
Student's interval again.
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linreg.data.rows import Chunk, Rows
from linreg.data.tables.arrays import as_numpy
from linreg.data.tables.parquet import TableFile
from linreg.errors import UserError
from linreg.evaluation.distributions import t_quantile
from linreg.fit.model import LinearModel, linear
from linreg.fit.squared_error import exact_sum

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Paired:
    """The mean squared errors of two models on the same rows, and how sure their difference is.

    before, after   mean squared error of the one and of the other
    difference      before − after: by how much the other is better
    standard_error  of the difference
    low, high       its confidence interval
    num_units       what was taken for independent: rows, or groups of them
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
    def better(self) -> bool:
        """Whether the whole interval says that the other model is better."""
        return self.low > 0

    def as_data(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)

    def in_words(self) -> str:
        """Return the difference with its interval."""
        interval = f"{self.confidence:.12g} interval {self.low:.6g} to {self.high:.6g}"
        return f"MSE {self.before:.6g} → {self.after:.6g}, improvement {self.difference:.6g} ({interval})"


def paired(
    path: Path,
    before: LinearModel,
    after: LinearModel,
    confidence: float = 0.95,
    group: str | None = None,
) -> Paired:
    """Compare two models of the same target on all rows of a file, in one pass, window by window.

    `group` is the column whose equal values make rows belong together. Weights play no part, as in
    the metrics. The windows' sums are numpy's and are added exactly, so that no result depends on
    threads or memory. Raises UserError where a model cannot take the rows, where there are fewer
    than two rows (groups), and beyond float64.
    """
    sums: list[
        tuple[float, ...]
        # per window: n, Σd, Σ(d − mean d)², Σ of either's squared errors
    ] = []
    of_groups: dict[Any, list[float]] = defaultdict(
        list
        # per group: n₁, Σ₁d, n₂, Σ₂d, … of its windows
    )
    file, rows_before, rows_after = (
        TableFile(path),
        Rows(path, before.design),
        Rows(path, after.design),
    )
    for rows in (rows_before, rows_after):
        # they are read once
        rows.keep_within(0)
    for index, (one, other) in enumerate(zip(rows_before, rows_after, strict=True)):
        # what is not finite is told at the end
        with np.errstate(over="ignore", invalid="ignore"):
            squares_before, squares_after = (
                _squared_errors(one, before),
                _squared_errors(other, after),
            )
            d = squares_before - squares_after
            spread = np.square(d - d.mean()).sum()
            sums.append(
                tuple(
                    map(float, (len(d), d.sum(), spread, squares_before.sum(), squares_after.sum()))
                )
            )
        if group is not None:
            for value, of_window in _by_group(file.row_group(index, [group]).column(group), d):
                of_groups[value] += of_window
    num_rows = int(sum(each[0] for each in sums))
    num_units = num_rows if group is None else len(of_groups)
    if num_units < 2:
        units = "rows" if group is None else f"groups by {group}"
        raise UserError(
            path, f"must hold at least two {units} to compare models on", found=num_units
        )
    difference = exact_sum(each[1] for each in sums) / num_rows
    if group is None:
        # Σ(d − d̄)² of all rows from that of each window around its own mean.
        shifts = [n * (total / n - difference) ** 2 for n, total, *_ in sums]
        squares = exact_sum([*(each[2] for each in sums), *shifts])
    else:
        squares = exact_sum(
            (exact_sum(each[1::2]) - exact_sum(each[::2]) * difference) ** 2
            for each in of_groups.values()
        )
    error = (
        math.sqrt(num_units / (num_units - 1) * squares) / num_rows if squares >= 0 else math.nan
    )
    reach = t_quantile(confidence, num_units - 1) * error
    if not math.isfinite(difference) or not math.isfinite(reach):
        raise UserError(path, "has rows whose squared errors are beyond float64", found=difference)
    mse_before, mse_after = (exact_sum(each[i] for each in sums) / num_rows for i in (3, 4))
    low, high = difference - reach, difference + reach
    return Paired(
        num_rows, num_units, mse_before, mse_after, difference, error, low, high, confidence
    )


def paired_sample(before: Floats, after: Floats, confidence: float = 0.95) -> Paired:
    """Compare two models by their errors on the same rows, both (n,) with n ≥ 2, as `paired` does
    for whole files.
    """
    squares = np.square(before), np.square(after)
    d = squares[0] - squares[1]
    difference, error = float(d.mean()), float(d.std(ddof=1)) / math.sqrt(len(d))
    reach = t_quantile(confidence, len(d) - 1) * error
    mse_before, mse_after = (float(each.mean()) for each in squares)
    low, high = difference - reach, difference + reach
    return Paired(len(d), len(d), mse_before, mse_after, difference, error, low, high, confidence)


def _squared_errors(chunk: Chunk, model: LinearModel) -> Floats:
    return np.square(chunk.y - linear(chunk.X, model.theta, model.b))


def _by_group(column: pa.ChunkedArray, d: Floats) -> Iterator[tuple[Any, list[float]]]:
    """Yield each value of the column with the number of its rows and the sum of their d, added row
    after row.
    """
    codes = column.combine_chunks().dictionary_encode(null_encoding="encode")
    positions = as_numpy(codes.indices)
    counts, totals = np.bincount(positions), np.bincount(positions, d)
    for value, count, total in zip(
        codes.dictionary.to_pylist(), counts.tolist(), totals.tolist(), strict=True
    ):
        yield value, [float(count), total]
