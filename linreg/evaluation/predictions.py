"""The rows of a part as the model predicts them: an even sample, and those it predicts worst.

One pass over the rows, in bounded memory, divided among the processes. What it finds does not
depend on them, nor on how long the row groups are.
"""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.arrays import Floats
from linreg.data.rows import Chunk, Rows
from linreg.data.tables.arrays import as_arrow
from linreg.files import write_text
from linreg.fit.model import LinearModel, linear
from linreg.process.workers import ALONE, Workers

MAX_POINTS = 2000
"""More points than this only blacken a plot."""
NUM_WORST = 10


class PredictedRow(NamedTuple):
    """A row with its prediction.

    position  number of the file and, from 0, of the row in it
    cells     by column, as plain data: a time is text
    """

    position: tuple[int, int]
    actual: float
    predicted: float
    residual: float
    cells: Mapping[str, Any]


@dataclass(frozen=True)
class PredictedRows:
    """What one pass over the rows of a part has found.

    files   the file of each position
    sample  evenly spaced rows of the first file, in its order
    worst   the NUM_WORST rows with the largest |residual|, largest first; of equal ones the first
    """

    files: tuple[Path, ...]
    sample: tuple[PredictedRow, ...]
    worst: tuple[PredictedRow, ...]

    def place(self, row: PredictedRow) -> str:
        """Return where a row is found: its number, from 1, in the file, named if there are more."""
        file, index = row.position
        return str(index + 1) if len(self.files) == 1 else f"{self.files[file].name}: {index + 1}"


def predict_rows(
    part: Sequence[Rows], model: LinearModel, columns: Sequence[str], workers: Workers = ALONE
) -> PredictedRows:
    """Predict the rows of some files, each process its own; all return the same.

    columns  whose cells are kept, at least one
    """
    every = max(1, -(-part[0].num_rows // MAX_POINTS))
    sample: list[PredictedRow] = []
    worst: list[PredictedRow] = []
    for file, rows in enumerate(part):
        for index, chunk in zip(rows.own, rows, strict=True):
            first = rows.first_row(index) - 1
            numbers = _predict(chunk, model)
            # The sample is of the first file.
            end = len(chunk.y) if file == 0 else 0
            sampled = np.arange(-first % every, end, every)
            chosen = np.concatenate([sampled, _largest(numbers[2])])
            cells = plain_rows(rows.cells(index, columns, as_arrow(chosen)))
            of_rows = zip(chosen.tolist(), *numbers[:, chosen].tolist(), cells, strict=True)
            found = [PredictedRow((file, first + i), *values) for i, *values in of_rows]
            sample += found[: len(sampled)]
            worst = _worst([*worst, *found[len(sampled) :]])
    return PredictedRows(
        tuple(rows.path for rows in part),
        tuple(_gathered(sample, workers)),
        tuple(_worst(_gathered(worst, workers))),
    )


def write_predictions(path: Path, sample: Iterable[PredictedRow]) -> None:
    """Write actual, predicted and residual (actual − predicted) of rows as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["actual", "predicted", "residual"])
    writer.writerows((row.actual, row.predicted, row.residual) for row in sample)
    write_text(path, text.getvalue())


def _predict(chunk: Chunk, model: LinearModel) -> Floats:
    """Return actual, predicted and residual of the rows of a chunk, (3, n)."""
    predicted = linear(chunk.X, model.theta, model.b)
    # A residual beyond float64 is infinite.
    with np.errstate(over="ignore", invalid="ignore"):
        return np.stack([chunk.target, chunk.as_target(predicted), chunk.y - predicted])


def _largest(residuals: Floats) -> NDArray[np.int64]:
    """Return where the NUM_WORST largest |residuals| of a chunk (n,) are; of equal ones the first.

    NaN, which is what the difference of two infinite numbers is, counts as infinite.
    """
    sizes = np.nan_to_num(np.abs(residuals), nan=np.inf, posinf=np.inf)
    at_least = 0.0 if len(sizes) <= NUM_WORST else np.partition(sizes, -NUM_WORST)[-NUM_WORST]
    candidates = np.flatnonzero(sizes >= at_least)
    return candidates[np.argsort(-sizes[candidates], kind="stable")[:NUM_WORST]]


def _worst(rows: Iterable[PredictedRow]) -> list[PredictedRow]:
    def order(row: PredictedRow) -> tuple[float, tuple[int, int]]:
        size = abs(row.residual)
        return (-math.inf if math.isnan(size) else -size), row.position

    return sorted(rows, key=order)[:NUM_WORST]


def plain_rows(cells: pa.Table) -> list[dict[str, Any]]:
    """Return rows as plain data, of which another process can be told; times are text, in UTC."""
    columns = {}
    for name in cells.column_names:
        column = cells.column(name)
        if pa.types.is_duration(column.type):
            # A time of day in seconds.
            column = pc.divide(column.cast(pa.int64()).cast(pa.float64()), 1e6)
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp(column.type.unit))
        if pa.types.is_temporal(column.type):
            # As Python's datetime, nanoseconds would import pandas.
            column = column.cast(pa.string())
        columns[name] = column.to_pylist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _gathered(rows: list[PredictedRow], workers: Workers) -> list[PredictedRow]:
    """Return the rows of all processes by their position."""
    everyone = [PredictedRow(tuple(place), *rest) for place, *rest in workers.concatenate(rows)]
    return sorted(everyone, key=lambda row: row.position)
