"""A sample of predictions with the observed targets, for the plots."""

import csv
import io
from pathlib import Path

import numpy as np

from linreg.data.rows import Rows
from linreg.files import write_text
from linreg.fit.model import LinearModel, linear

MAX_POINTS = 2000
"""More points than this only blacken a plot."""


def write_predictions(path: Path, rows: Rows, model: LinearModel) -> None:
    """Write actual, predicted and residual (actual − predicted) of evenly spaced rows as CSV."""
    every = max(1, -(-rows.num_rows // MAX_POINTS))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["actual", "predicted", "residual"])
    # The first row of the sample, counted from the first row of the chunk.
    start = 0
    for chunk in map(rows.chunk, range(rows.num_chunks)):
        actual = chunk.y[start::every]
        predicted = linear(chunk.X[start::every], model.theta, model.b)
        # A residual beyond float64 is infinite.
        with np.errstate(over="ignore"):
            residuals = actual - predicted
        writer.writerows(zip(actual.tolist(), predicted.tolist(), residuals.tolist(), strict=True))
        start = (start - len(chunk.y)) % every
    write_text(path, text.getvalue())
