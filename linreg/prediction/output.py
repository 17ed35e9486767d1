"""The file of predictions: CSV or Parquet by its suffix, written as the predictions are made."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from linreg.arrays import Mask
from linreg.data.tables.arrays import as_arrow, without_nan
from linreg.data.tables.parquet import TableWriter
from linreg.errors import UserError
from linreg.files import new_file
from linreg.prediction.input_table import InputChunk
from linreg.prediction.row_predictions import RowPredictions

OK = "ok"
SUFFIXES = (".csv", ".parquet")


def require_suffix(path: Path) -> None:
    """Raise UserError unless the suffix of the output is that of a format we write."""
    if path.suffix not in SUFFIXES:
        what = f"must end in {' or '.join(SUFFIXES)}, which decides the format"
        raise UserError(path, what)


def output_schema(kept: pa.Schema, *, with_file: bool, with_interval: bool) -> pa.Schema:
    """Return the columns of the output: place of the row, kept columns, prediction and reason.

    Raises UserError when a kept column has the name of another one.
    """
    place = pa.schema([("row", pa.int64())])
    if with_file:
        place = pa.schema([("file", pa.string()), *place])
    bounds = [("low", pa.float64()), ("high", pa.float64())] if with_interval else []
    prediction = pa.schema([("prediction", pa.float64()), *bounds, ("reason", pa.string())])
    for name in kept.names:
        if name in place.names or name in prediction.names:
            todo = "rename it in the input, or do not keep it"
            raise UserError(f"--keep: column {name}", "is a column of the output too", todo=todo)
    return pa.schema([*place, *kept, *prediction])


def output_rows(chunk: InputChunk, predictions: RowPredictions, schema: pa.Schema) -> pa.Table:
    """Return rows of the output; where there is no prediction it is null."""
    num_rows = len(predictions.predicted)
    row_numbers = np.arange(chunk.first_row, chunk.first_row + num_rows, dtype=np.int64)
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        "row": as_arrow(row_numbers),
        "prediction": without_nan(as_arrow(predictions.predicted)),
        "low": without_nan(as_arrow(predictions.low)),
        "high": without_nan(as_arrow(predictions.high)),
        "reason": join_reasons({**predictions.errors, **predictions.warnings}, num_rows),
        **dict(zip(chunk.kept.column_names, chunk.kept.columns, strict=True)),
    }
    if "file" in schema.names:
        columns["file"] = pa.repeat(str(chunk.origin), num_rows)
    return pa.table([columns[name] for name in schema.names], schema)


def join_reasons(reasons: Mapping[str, Mask], num_rows: int) -> pa.Array:
    """Return the reasons of each row joined by `; `, or `ok`."""
    # The text of each row by its number, since most rows share one of a few texts. Only those that
    # occur are made: with each reason there could be twice as many.
    texts = [""]
    text_of_row = np.zeros(num_rows, np.int32)
    for reason, rows in reasons.items():
        extended, index_of_row = np.unique(text_of_row[rows], return_inverse=True)
        text_of_row[rows] = len(texts) + index_of_row
        texts += [f"{texts[text]}; {reason}" if texts[text] else reason for text in extended]
    return pc.take(pa.array([text or OK for text in texts]), as_arrow(text_of_row))


@contextmanager
def new_output(
    path: Path, schema: pa.Schema
) -> Iterator[tuple[Callable[[pa.Table], Any], Callable[[Any], object]]]:
    """Yield `encode` and `write`; the file appears when all is written, or not at all.

    `encode` returns rows in the format of the file, in any thread; `write` appends what it returns.
    """
    with new_file(path) as partial:
        if path.suffix == ".csv":
            with partial.open("wb") as file:
                csv.write_csv(schema.empty_table(), file)
                yield _encode_csv, file.write
        else:
            with TableWriter(partial, schema) as writer:
                yield lambda rows: rows, writer.write


def _encode_csv(rows: pa.Table) -> pa.Buffer:
    text = pa.BufferOutputStream()
    csv.write_csv(rows, text, csv.WriteOptions(include_header=False))
    return text.getvalue()
