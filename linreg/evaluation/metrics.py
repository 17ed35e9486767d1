"""How far predictions are from what was observed; float64, added up in a fixed order.

A window's sum is numpy's, the windows' sums are added exactly (math.fsum), so that no result
depends on threads, on which process had which window, or on how much memory there is.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from linreg.arrays import Floats
from linreg.data.rows import Chunk, Rows
from linreg.fit.model import linear
from linreg.fit.squared_error import exact_sum
from linreg.process.workers import ALONE, Workers


def metrics(
    parts: Sequence[Rows],
    theta: Floats,
    b: float,
    workers: Workers = ALONE,
    guess: float | None = None,
) -> dict[str, Any]:
    """Return n, mse, rmse, mae, r2 and max_error over all rows of some files, which must hold at
    least one.

    r2 is 1 − Σ(y − ỹ)² / Σ(y − mean y)², with the mean of these rows; None when their y is
    constant, or so nearly that the squares are 0 in float64. What is beyond float64 is None too.
    With a guess, `baseline` has the same for predicting it in every row. One pass over the rows,
    whatever is asked.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        own = [_sums_of(chunk, theta, b, guess) for rows in parts for chunk in rows]
    columns = dict(zip(_SUMS, zip(*workers.concatenate(own), strict=True), strict=True))
    num_rows = int(sum(columns["n"]))
    mean = exact_sum(columns["y"]) / num_rows
    # Σ(y − mean)² of all rows from that of each window around its own mean.
    shifts = [
        n * (y / n - mean) * (y / n - mean) for n, y in zip(columns["n"], columns["y"], strict=True)
    ]
    spread = (
        None
        if min(columns["least"]) == max(columns["largest"])
        else exact_sum([*columns["spread"], *shifts])
    )
    found = _metrics(num_rows, spread, columns["squares"], columns["sizes"], columns["farthest"])
    if guess is not None:
        of_guess = (columns[f"guess_{name}"] for name in ("squares", "sizes", "farthest"))
        found["baseline"] = _metrics(num_rows, spread, *of_guess)
    return found


_SUMS = (
    "n",
    "y",
    "spread",
    "least",
    "largest",
    "squares",
    "sizes",
    "farthest",
    "guess_squares",
    "guess_sizes",
    "guess_farthest",
)


def _sums_of(chunk: Chunk, theta: Floats, b: float, guess: float | None) -> list[float]:
    """Return what the metrics ask of a window, by the names in _SUMS."""
    y = chunk.y
    spread = np.square(y - y.mean()).sum()
    sums = [len(y), y.sum(), spread, y.min(), y.max()]
    for errors in (y - linear(chunk.X, theta, b), y - (b if guess is None else guess)):
        sizes = np.abs(errors)
        sums += [np.square(errors).sum(), sizes.sum(), sizes.max()]
    return [float(value) for value in sums]


def _metrics(
    num_rows: int,
    spread: float | None,
    squares: Sequence[float],
    sizes: Sequence[float],
    farthest: Sequence[float],
) -> dict[str, Any]:
    total = exact_sum(squares)
    found = {
        "mse": total / num_rows,
        "rmse": math.sqrt(total / num_rows),
        "mae": exact_sum(sizes) / num_rows,
        "r2": 1 - total / spread if spread else math.nan,
        "max_error": max(farthest),
    }
    return {"n": num_rows} | {
        name: value if math.isfinite(value) else None for name, value in found.items()
    }


def scores(
    found: Mapping[str, Mapping[str, Any]], judged: str, measures: Mapping[str, float | None]
) -> dict[str, Any]:
    """Return the few numbers that runs are compared by: the gap, each part's RMSE, R² of the part
    that judges.
    """
    of_parts = {part: {"rmse": each["rmse"]} for part, each in found.items()}
    of_parts[judged]["r2"] = found[judged]["r2"]
    return of_parts | {"gap": measures["gap"]}


def final_values(found: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return the metrics by the names that gates use, such as test_r2, without those that are
    curves already.
    """
    values = {
        f"{part}_{name}": value for part, each in found.items() for name, value in each.items()
    }
    curves = ("train_mse", "validation_mse")
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, float) and name not in curves
    }
