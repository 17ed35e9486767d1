"""Tables to measure on, drawn as the `generate` stage draws them, and opened as `train` does."""

from pathlib import Path

import pyarrow as pa

from linreg.data.formula.design import Design
from linreg.data.formula.design_spec import design_spec
from linreg.data.formula.formula import parse_formula
from linreg.data.formula.schema import Column, Schema
from linreg.data.rows import Rows
from linreg.data.synthetic import draw, feature_names, num_chunks
from linreg.data.tables.parquet import TableFile, write_table
from linreg.params.generate import Generate


def write_rows(path: Path, num_rows: int, num_features: int) -> None:
    """Write a table with float32 columns x1 … xM and y."""
    params = Generate(rows=num_rows, theta=tuple(1.0 + j for j in range(num_features)), noise=1.0)
    fields = pa.schema([(name, pa.float32()) for name in [*feature_names(num_features), "y"]])
    write_table(path, fields, (draw(params, chunk) for chunk in range(num_chunks(params))))


def open_rows(path: Path) -> Rows:
    """Open such a table for `y ~ x1 + … + xM`."""
    table = TableFile(path)
    names = [name for name in table.schema.names if name != "y"]
    columns = {name: Column("float", "number") for name in [*names, "y"]}
    schema = Schema(
        **design_spec(parse_formula(f"y ~ {' + '.join(names)}", names)),
        formula="",
        columns=columns,
        fill_missing=False,
    )
    return Rows(path, Design.fit(schema, [table.row_group(0)]))
