"""A baseline to beat: the predictions of another model for the test rows, in a file.

The file is CSV or Parquet, with a prediction for each row of the test table and no others:

    predicted   the prediction, or `prediction`, as `linreg predict` calls it
    row         the number of the row in the test table, from 1; without it, the rows are in order
    actual      the target, which shows that these are the rows that are meant; it may be left out

Any other columns are ignored, so that models/evaluation/predictions.csv of another run will do
where it holds all test rows.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask
from linreg.data.rows import Rows
from linreg.data.tables.arrays import as_floats, as_mask
from linreg.errors import UserError
from linreg.evaluation.metrics import metrics_of_arrays
from linreg.evaluation.own_metrics import OwnMetrics, PartArrays
from linreg.evaluation.paired.paired_test import paired_test_of_predictions
from linreg.fit.model import LinearModel
from linreg.params.evaluate import MEAN, Evaluate
from linreg.process.workers import ALONE, Workers

PREDICTED = ("predicted", "prediction")
MOST_DIFFERENT = 1e-6
"""By how much, of itself, a target may differ from that of the row: what float32 rounds it by."""


def compare_with_baseline(
    settings: Evaluate,
    test: Sequence[Rows],
    model: LinearModel,
    by: str,
    own: OwnMetrics,
    workers: Workers = ALONE,
) -> dict[str, Any]:
    """Return the metrics of the baseline, and how sure it is that the model is better.

    `baseline_file` has the metrics of its predictions and, as `improvement`, the paired test;
    `beats_baseline` the confidence at which the model is significantly better. Empty where the
    baseline is the mean, whose metrics stand beside those of each part.

    test  the test rows, one file
    by    what is independent, as in `split.by`

    Raises UserError where the file is not one of predictions of these rows.
    """
    if settings.baseline == MEAN:
        return {}
    path, (rows,) = Path(settings.baseline), test
    of_model = PartArrays.collect(test, model, workers)
    predicted = read_predictions(path, of_model.actual, rows.path)
    of_baseline = of_model._replace(predicted=predicted)
    improvement = paired_test_of_predictions(rows.path, predicted, model, settings.confidence, by)
    metrics = metrics_of_arrays(of_baseline.actual, predicted)
    metrics |= own.of_rows(of_baseline, f"predictions in {path}")
    metrics |= {"file": settings.baseline, "improvement": improvement.as_data()}
    return {"baseline_file": metrics, "beats_baseline": improvement.confidence_of_improvement}


def read_predictions(path: Path, actual: Floats, table: Path) -> Floats:
    """Return the predictions of a file in the order of the rows of a table, (n,) and read-only.

    actual  the target of these rows (n,)

    Raises UserError, with the row of the file, unless there is exactly one finite number for each.
    """
    cells = _read(path)
    names = [name for name in PREDICTED if name in cells.column_names]
    if len(names) != 1:
        what = f"must have one column {' or '.join(PREDICTED)}"
        raise UserError(path, what, found=", ".join(cells.column_names) or "no column")
    predicted = _numbers(path, cells, names[0])
    targets = _numbers(path, cells, "actual") if "actual" in cells.column_names else None
    if "row" in cells.column_names:
        order = _places(path, _numbers(path, cells, "row"), len(actual), table)
        predicted = predicted[order]
        targets = None if targets is None else targets[order]
    elif len(predicted) != len(actual):
        what = f"must have a prediction for each of the {len(actual)} rows of {table}"
        raise UserError(path, what, found=f"{len(predicted)} rows")
    else:
        order = np.arange(len(actual))
    if targets is not None:
        _require_same_targets(path, targets, actual, order, table)
    predicted.setflags(write=False)
    return predicted


def _read(path: Path) -> pa.Table:
    try:
        with path.open("rb") as file:
            is_parquet = file.read(4) == b"PAR1"
        return pq.ParquetFile(path).read() if is_parquet else pyarrow.csv.read_csv(path)
    except FileNotFoundError:
        where = f"params.yaml: evaluate.baseline: {path}"
        raise UserError(where, "there is no such file") from None
    except IsADirectoryError:
        where = f"params.yaml: evaluate.baseline: {path}"
        raise UserError(where, "must be a file of predictions", found="a folder") from None
    except (pa.ArrowException, UnicodeError) as error:
        what = "must be a table of predictions, CSV or Parquet"
        raise UserError(path, what, found=error) from None


def _numbers(path: Path, cells: pa.Table, name: str) -> Floats:
    """Return a column as float64; raises UserError for a cell that is missing or not finite."""
    column = cells.column(name)
    where = f"column {name}"
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        example = next((cell for cell in column if cell.is_valid), None)
        what, found = "must hold numbers", f"{column.type}, such as {example}"
        raise UserError(f"{path}: {where}", what, found=found)
    _require(as_mask(column.is_valid()), f"{path}: row", where, "is missing")
    numbers = as_floats(column)
    _require(np.isfinite(numbers), f"{path}: row", where, "must be finite", numbers)
    return numbers


def _require(
    is_valid: Mask, row: str, column: str, what: str, numbers: Floats | None = None
) -> None:
    """Raise UserError for the first row (from 1) that is not valid, with its number."""
    if not is_valid.all():
        index = int(np.argmin(is_valid))
        found = None if numbers is None else f"{numbers[index]:g}"
        raise UserError(f"{row} {index + 1}: {column}", what, found=found)


def _places(path: Path, numbers: Floats, num_rows: int, table: Path) -> NDArray[np.int64]:
    """Return for each row of the table, in order, where it is in the file."""
    is_known = (numbers >= 1) & (numbers <= num_rows) & (numbers == np.floor(numbers))
    what = f"must be the number of a row of {table}, 1 to {num_rows}"
    _require(is_known, f"{path}: row", "column row", what, numbers)
    found = numbers.astype(np.int64)
    counts = np.bincount(found, minlength=num_rows + 1)[1:]
    if (counts > 1).any():
        number = int(np.argmax(counts > 1)) + 1
        what = f"has more than one prediction for row {number} of {table}"
        raise UserError(path, what, found=f"{counts[number - 1]}")
    if (counts == 0).any():
        number = int(np.argmax(counts == 0)) + 1
        what = f"must have a prediction for each row of {table}"
        found_rows = f"none for row {number}, and for {(counts == 0).sum()} of {num_rows} rows"
        raise UserError(path, what, found=found_rows)
    return np.argsort(found, kind="stable")


def _require_same_targets(
    path: Path, targets: Floats, actual: Floats, order: NDArray[np.int64], table: Path
) -> None:
    """Raise UserError for a target that is not that of its row: the file is of other rows."""
    with np.errstate(over="ignore"):
        is_same = np.abs(targets - actual) <= MOST_DIFFERENT * np.abs(actual)
    if not is_same.all():
        place = int(np.argmin(is_same))
        raise UserError(
            f"{path}: row {order[place] + 1}: column actual",
            f"must be the target of row {place + 1} of {table}, {actual[place]:.6g}",
            found=f"{targets[place]:.6g}",
            todo="predict the rows of this split",
        )
