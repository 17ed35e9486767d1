"""Tables in Parquet files, for the tests of this folder."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from linreg.data.formula.design_spec import design_spec
from linreg.data.formula.formula import parse_formula
from linreg.data.formula.schema import Column, Schema, kind_of
from linreg.data.source import open_source
from linreg.data.tables.parquet import write_table
from linreg.data.typed_table import TypedTable, open_typed_table


def a_table(folder: Path, *files: dict[str, list[Any]]) -> TypedTable:
    """Write a Parquet file of each, t1.parquet and so on, and return their rows as one table."""
    source = folder / "source"
    source.mkdir(parents=True)
    for number, columns in enumerate(files, 1):
        rows = pa.table(columns)
        write_table(source / f"t{number}.parquet", rows.schema, [rows])
    return open_typed_table(open_source(source), list(files[0]), folder / "scratch")


def schema_of(formula: str, table: TypedTable, **options: Any) -> Schema:
    """The schema of a formula, of any columns of a table."""
    types = {field.name: field.type for field in table.schema}
    categories = frozenset(name for name in types if kind_of(types[name]) == "category")
    parsed = parse_formula(formula, list(types), categories)
    columns = {
        name: Column(str(types[name]), kind_of(types[name]))
        for name in types
        if name in parsed.columns
    }
    options = {"fill_missing": False} | options
    return Schema(formula=str(parsed), columns=columns, **design_spec(parsed), **options)
