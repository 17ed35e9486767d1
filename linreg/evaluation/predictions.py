"""A sample of predictions beside what was observed, for the plots."""

import csv
import io
from pathlib import Path

import numpy as np

from linreg.data.rows import Rows
from linreg.files import write_text
from linreg.fit.model import LinearModel, linear

MOST_POINTS = 2000
"""More points than this only blacken a plot."""


def write_predictions(path: Path, rows: Rows, model: LinearModel) -> None:
    """Write actual, predicted and residual (actual − predicted) of evenly spaced rows as CSV."""
    every = max(1, -(-rows.num_rows // MOST_POINTS))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["actual", "predicted", "residual"])
    # the first row of this window that is wanted
    start = 0
    for chunk in map(rows.chunk, range(rows.num_chunks)):
        X, y, num_rows = chunk.X[start::every], chunk.y[start::every], len(chunk.y)
        predicted = linear(X, model.theta, model.b)
        # infinite, where it is beyond float64
        with np.errstate(over="ignore"):
            residuals = y - predicted
        writer.writerows(zip(y.tolist(), predicted.tolist(), residuals.tolist(), strict=True))
        start = (start - num_rows) % every
    write_text(path, text.getvalue())
