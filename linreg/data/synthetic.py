"""Rows drawn from a known linear model: y = b + X·θᵀ + ε."""

import json

import numpy as np
import pyarrow as pa

from linreg.data.tables.arrays import as_arrow
from linreg.data.tables.parquet import ROWS_PER_GROUP, TRUTH
from linreg.errors import UserError
from linreg.params.generate import Generate
from linreg.seeds import generator

CHUNKS_PER_FILE = 8
"""A million rows: small enough to give every process a similar number of files."""


def feature_names(num_features: int) -> list[str]:
    """Return x1 … xM."""
    return [f"x{number}" for number in range(1, num_features + 1)]


def synthetic_schema(params: Generate) -> pa.Schema:
    """Return the columns x1 … xM and y, float32, with the true θ and b in the metadata."""
    names = feature_names(len(params.theta))
    truth = {"theta": dict(zip(names, params.theta, strict=True)), "b": params.bias}
    fields = [(name, pa.float32()) for name in [*names, "y"]]
    return pa.schema(fields, metadata={TRUTH: json.dumps(truth)})


def num_chunks(params: Generate) -> int:
    """Return the number of chunks that `draw` can draw."""
    return -(-params.rows // ROWS_PER_GROUP)


def chunks_by_file(params: Generate) -> list[range]:
    """Return the chunks of each file: CHUNKS_PER_FILE of them, fewer in the last file."""
    chunks = range(num_chunks(params))
    return [chunks[first : first + CHUNKS_PER_FILE] for first in chunks[::CHUNKS_PER_FILE]]


def draw(params: Generate, chunk: int) -> pa.RecordBatch:
    """Return the rows of one chunk: standard normal features x1 … xM and the target y, float32.

    A chunk has ROWS_PER_GROUP rows, the last one those that remain. It has random generators of its
    own, so that it can be drawn without the others, and so that a longer table begins with the
    chunks of a shorter one. y is computed in float64 from the features as stored: θ and b are exact
    for the stored numbers. Raises UserError for a y that float32 cannot hold.
    """
    num_rows = min(ROWS_PER_GROUP, params.rows - chunk * ROWS_PER_GROUP)
    feature_generator = generator(params.seed, "features", chunk)
    noise = generator(params.seed, "noise", chunk).standard_normal(num_rows)
    # An overflow is refused below.
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
