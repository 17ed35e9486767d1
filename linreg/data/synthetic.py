"""Rows drawn from a known linear model: y = b + X·θᵀ + ε."""

import numpy as np
import pyarrow as pa

from linreg.data.tables.arrays import as_arrow
from linreg.data.tables.parquet import ROWS_PER_GROUP
from linreg.errors import UserError
from linreg.params import Generate
from linreg.seeds import generator


def feature_names(num_features: int) -> list[str]:
    """Return x1 … xM."""
    return [f"x{number}" for number in range(1, num_features + 1)]


def num_chunks(params: Generate) -> int:
    """Return the number of chunks, the last of which may be shorter."""
    return -(-params.rows // ROWS_PER_GROUP)


def draw(params: Generate, chunk: int) -> pa.RecordBatch:
    """Return the rows of one chunk, float32: standard normal features x1 … xM, then the target y.

    y is computed in float64 from the features as stored, so that θ and b are those of the stored
    numbers. Every chunk has generators of its own: it can be drawn alone, and a longer table begins
    with the shorter one's chunks. Raises UserError for a y beyond float32.
    """
    num_rows = min(ROWS_PER_GROUP, params.rows - chunk * ROWS_PER_GROUP)
    feature_generator = generator(params.seed, "features", chunk)
    noise = generator(params.seed, "noise", chunk).standard_normal(num_rows)
    # What overflows is refused below.
    with np.errstate(over="ignore", invalid="ignore"):
        y = params.bias + params.noise * noise
        columns = []
        for theta in params.theta:
            x = feature_generator.standard_normal(num_rows).astype(np.float32)
            columns.append(x)
            y += theta * x.astype(np.float64)
    if not np.abs(y).max() <= np.finfo(np.float32).max:
        raise UserError(
            "params.yaml: generate",
            "y does not fit into float32",
            found=y[np.abs(y).argmax()],
            todo="choose smaller theta, bias or noise",
        )
    columns.append(y.astype(np.float32))
    names = [*feature_names(len(params.theta)), "y"]
    return pa.RecordBatch.from_arrays([as_arrow(column) for column in columns], names=names)
