"""How far predictions are from the targets: R², RMSE and others, in float64.

The sum over a chunk is numpy's, the sums of the chunks are added exactly (math.fsum), so that no
result depends on threads, on which process had which chunk, or on how much memory there is.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from linreg.arrays import Floats
from linreg.data.rows import Chunk, Rows
from linreg.fit.model import linear
from linreg.fit.squared_error import exact_sum
from linreg.process.workers import ALONE, Workers


class _Sums(NamedTuple):
    """Sums over the rows of each chunk, one per chunk.

    tss  Σ(y − ȳ)² around the mean of the chunk's own y
    """

    num_rows: Sequence[float]
    y: Sequence[float]
    tss: Sequence[float]
    smallest_y: Sequence[float]
    largest_y: Sequence[float]
    squared_errors: Sequence[float]
    absolute_errors: Sequence[float]
    largest_error: Sequence[float]
    baseline_squared_errors: Sequence[float]
    baseline_absolute_errors: Sequence[float]
    baseline_largest_error: Sequence[float]


def compute_metrics(
    parts: Sequence[Rows],
    theta: Floats,
    b: float,
    workers: Workers = ALONE,
    baseline: float | None = None,
) -> dict[str, Any]:
    """Return n, mse, rmse, mae, r2 and max_error over the rows of some files, at least one row.

    r2 is 1 − Σ(y − ỹ)² / Σ(y − ȳ)², with the mean of these rows; None if their y is constant, or so
    nearly that the squares are 0 in float64. What is beyond float64 is None too. A row with a
    frequency weight counts as so many rows; other weights do not count. With a baseline,
    "baseline" has the same metrics for predicting that number in every row. It takes one pass over
    the rows in any case.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        own = [_sum_chunk(chunk, theta, b, baseline) for chunk in _counted_chunks(parts)]
    # A part of no rows but those with a frequency of 0 has metrics of none.
    gathered = workers.concatenate(own) or [[0.0] * len(_Sums._fields)]
    sums = _Sums(*zip(*gathered, strict=True))
    num_rows = int(sum(sums.num_rows))
    tss = _total_sum_of_squares(sums)
    metrics = _metrics(num_rows, tss, sums.squared_errors, sums.absolute_errors, sums.largest_error)
    if baseline is not None:
        metrics["baseline"] = _metrics(
            num_rows,
            tss,
            sums.baseline_squared_errors,
            sums.baseline_absolute_errors,
            sums.baseline_largest_error,
        )
    return metrics


def metrics_of_arrays(actual: Floats, predicted: Floats) -> dict[str, Any]:
    """Return what `compute_metrics` does for any predictions; both (n,) with n ≥ 1."""
    with np.errstate(over="ignore", invalid="ignore"):
        tss = float(np.square(actual - actual.mean()).sum())
        errors = _sums_of_errors(actual - predicted)
    is_constant = actual.min() == actual.max()
    return _metrics(len(actual), 0.0 if is_constant else tss, *([value] for value in errors))


def _counted_chunks(parts: Sequence[Rows]) -> Iterator[Chunk]:
    """Yield the chunks of some files, with frequencies as weights and without any others.

    Rows with a frequency of 0 are left out.
    """
    for rows in parts:
        for chunk in rows:
            if not rows.has_frequencies or chunk.w is None:
                yield chunk.unweighted()
            elif (is_counted := chunk.w > 0).any():
                yield chunk.take(is_counted)


def _sum_chunk(chunk: Chunk, theta: Floats, b: float, baseline: float | None) -> list[float]:
    """Return the entries of `_Sums` for one chunk."""
    y, w = chunk.target, chunk.w
    num_rows = len(y) if w is None else w.sum()
    total = y.sum() if w is None else (w * y).sum()
    squares = np.square(y - total / num_rows)
    sums = [num_rows, total, (squares if w is None else w * squares).sum(), y.min(), y.max()]
    # An offset is known, and so part of the baseline too.
    of_baseline = chunk.y - (b if baseline is None else baseline)
    for errors in (chunk.y - linear(chunk.X, theta, b), of_baseline):
        sums += _sums_of_errors(errors, w)
    return [float(value) for value in sums]


def _sums_of_errors(errors: Floats, w: Floats | None = None) -> list[float]:
    """Return Σe², Σ|e| and max |e|, each e as often as its frequency w says."""
    sizes, squares = np.abs(errors), np.square(errors)
    if w is not None:
        return [float((w * squares).sum()), float((w * sizes).sum()), float(sizes.max())]
    return [float(squares.sum()), float(sizes.sum()), float(sizes.max())]


def _total_sum_of_squares(sums: _Sums) -> float:
    """Return Σ(y − ȳ)² of all rows, from that of each chunk around its own mean."""
    if min(sums.smallest_y) == max(sums.largest_y):
        return 0.0
    mean = exact_sum(sums.y) / int(sum(sums.num_rows))
    between_chunks = [
        n * (y / n - mean) * (y / n - mean) for n, y in zip(sums.num_rows, sums.y, strict=True)
    ]
    return exact_sum([*sums.tss, *between_chunks])


def _metrics(
    num_rows: int,
    tss: float,
    squared_errors: Sequence[float],
    absolute_errors: Sequence[float],
    largest_errors: Sequence[float],
) -> dict[str, Any]:
    rss = exact_sum(squared_errors)
    values = {
        "mse": rss / num_rows if num_rows else math.nan,
        "rmse": math.sqrt(rss / num_rows) if num_rows else math.nan,
        "mae": exact_sum(absolute_errors) / num_rows if num_rows else math.nan,
        "r2": 1 - rss / tss if tss else math.nan,
        "max_error": max(largest_errors),
    }
    finite = {name: value if math.isfinite(value) else None for name, value in values.items()}
    return {"n": num_rows, **finite}
