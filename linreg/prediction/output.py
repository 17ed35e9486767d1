"""The file of predictions: CSV or Parquet by its suffix, written as the answers come."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from linreg.data.formula.row_errors import Mask
from linreg.data.tables.arrays import as_arrow
from linreg.data.tables.parquet import TableWriter
from linreg.errors import UserError
from linreg.files import new_file
from linreg.prediction.answers import Answers
from linreg.prediction.batches import Batch

OK = "ok"
SUFFIXES = (".csv", ".parquet")


def require_suffix(path: Path) -> None:
    """Raise UserError unless the path says what kind of file it is."""
    if path.suffix not in SUFFIXES:
        raise UserError(
            path, f"must end in {' or '.join(SUFFIXES)}, which tells the kind of file to write"
        )


def columns(kept: pa.Schema, *, with_file: bool, with_interval: bool) -> pa.Schema:
    """Return the columns of the file; raises UserError when one to keep is called like one of
    ours.
    """
    place = [("file", pa.string())] if with_file else []
    bounds = [("low", pa.float64()), ("high", pa.float64())] if with_interval else []
    place = pa.schema([*place, ("row", pa.int64())])
    found = pa.schema([("prediction", pa.float64()), *bounds, ("reason", pa.string())])
    for name in kept.names:
        if name in place.names or name in found.names:
            todo = "rename it in the input, or do not keep it"
            raise UserError(f"--keep: column {name}", "is a column of the output too", todo=todo)
    return pa.schema([*place, *kept, *found])


def as_rows(batch: Batch, answers: Answers, schema: pa.Schema) -> pa.Table:
    """Return a batch as rows of the file; what has no answer is null and has a reason."""
    first, count = batch.first_row, len(answers.predicted)
    values: dict[str, pa.Array | pa.ChunkedArray] = {
        "row": as_arrow(np.arange(first, first + count, dtype=np.int64)),
        "prediction": _without_nan(answers.predicted),
        "low": _without_nan(answers.low),
        "high": _without_nan(answers.high),
        "reason": in_words({**answers.faults, **answers.remarks}, count),
        **dict(zip(batch.kept.column_names, batch.kept.columns, strict=True)),
    }
    if "file" in schema.names:
        values["file"] = pa.repeat(str(batch.origin), count)
    return pa.table([values[name] for name in schema.names], schema)


def in_words(reasons: Mapping[str, Mask], num_rows: int) -> pa.Array:
    """Return per row the reasons that hold for it, joined with `; `, or `ok`."""
    texts, codes = [""], np.zeros(num_rows, np.int32)
    for reason, rows in reasons.items():
        # Only combinations that occur get a text: there could be twice as many with every reason.
        found, codes[rows] = np.unique(codes[rows], return_inverse=True)
        codes[rows] += len(texts)
        texts += [f"{texts[code]}; {reason}" if texts[code] else reason for code in found]
    return pc.take(pa.array([text or OK for text in texts]), as_arrow(codes))


@contextmanager
def new_output(path: Path, schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
    """Yield what writes rows; the file is under its name when all are written, and absent if that
    fails.
    """
    with new_file(path) as partial:
        writer = (
            csv.CSVWriter(partial, schema)
            if path.suffix == ".csv"
            else TableWriter(partial, schema)
        )
        with writer:
            yield writer.write


def _without_nan(values: NDArray[np.float64]) -> pa.Array:
    column = as_arrow(values)
    return pc.if_else(pc.is_nan(column), None, column)
