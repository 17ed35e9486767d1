"""A table predicted from beginning to end, in bounded memory."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from linreg.data.source import Source
from linreg.data.tables.prefetch import map_ahead
from linreg.fit.model import LinearModel
from linreg.prediction.input_table import InputChunk, InputTable
from linreg.prediction.output import new_output, output_rows, output_schema
from linreg.prediction.row_predictions import PredictionInterval, RowPredictions, predict_rows
from linreg.prediction.summary import PredictionSummary


def predict_table(
    model: LinearModel,
    source: Source,
    output: Path,
    keep: Sequence[str],
    interval: PredictionInterval | None,
    *,
    with_file: bool,
) -> PredictionSummary:
    """Write a prediction or a reason for every row of a source, with the columns to keep.

    `with_file` adds a column that names the file of each row. Raises UserError, and writes nothing,
    for a source that cannot be read or is changed meanwhile.
    """
    table = InputTable(source, model.design.schema, keep)
    schema = output_schema(table.kept, with_file=with_file, with_interval=interval is not None)
    summary = PredictionSummary()
    with (
        new_output(output, schema) as (encode, write),
        tqdm(
            total=table.num_rows,
            desc="predict",
            unit=" rows",
            unit_scale=True,
            leave=False,
            disable=None,
        ) as progress,
    ):

        def predict(chunk: InputChunk) -> tuple[RowPredictions, Any]:
            predictions = predict_rows(model, chunk.features, interval)
            return predictions, encode(output_rows(chunk, predictions, schema))

        for predictions, encoded in map_ahead(predict, table.chunks()):
            write(encoded)
            summary.add(predictions)
            progress.update(len(predictions.predicted))
        source.require_unchanged()
    return summary
