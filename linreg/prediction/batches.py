"""The rows to predict, some at a time, with their cells in the types of training, from CSV or
Parquet.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from linreg.data.formula.coercion import CoercedTable, coerce
from linreg.data.formula.schema import Schema
from linreg.data.source import Source
from linreg.data.tables.parquet import ROWS_PER_GROUP, TableFile
from linreg.data.typed_table import open_typed_table
from linreg.errors import UserError
from linreg.prediction.csv_text import TextFile


class Batch(NamedTuple):
    """Some consecutive rows: the features, the columns to keep, and where they are: data row
    `first_row` of a file.
    """

    features: CoercedTable
    kept: pa.Table
    origin: Path
    first_row: int


class Batches:
    """The rows of a source, as batches of at most ROWS_PER_GROUP rows.

    kept      the schema of the columns to keep; those of a CSV file are text, as it is written
              there
    num_rows  how many rows there are; None for CSV, which only reading tells

    Raises UserError for a column that is absent, or of another type than the model needs.
    """

    def __init__(self, source: Source, schema: Schema, keep: Sequence[str]) -> None:
        self._source, self._schema = source, schema
        needed = [(name, "the model needs it") for name in schema.features]
        for name, why in [*needed, *((name, "--keep names it") for name in keep)]:
            if name not in source.columns:
                raise UserError(
                    f"{source.files[0]}: column {name}",
                    f"is not in the file, but {why}",
                    found=", ".join(filter(None, source.columns)),
                    todo="correct the name, in the file or here",
                )
        # A model of the intercept alone needs none, but the rows have to be counted.
        self._columns = list(dict.fromkeys([*schema.features, *keep])) or [
            next(filter(None, source.columns))
        ]
        self.num_rows: int | None = None
        if source.is_parquet:
            # it converts nothing
            self._table = open_typed_table(source, self._columns, Path())
            self.num_rows = sum(TableFile(path).num_rows for path in source.files)
            self.kept = pa.schema([self._table.schema.field(name) for name in keep])
        else:
            self.kept = pa.schema([(name, pa.string()) for name in keep])

    def __iter__(self) -> Iterator[Batch]:
        return self._of_parquet() if self._source.is_parquet else self._of_csv()

    def _of_parquet(self) -> Iterator[Batch]:
        for part in self._table.chunks():
            for start in range(0, part.rows.num_rows, ROWS_PER_GROUP):
                rows = part.rows.slice(start, ROWS_PER_GROUP)
                features = coerce(rows, self._schema, part.origin)
                yield Batch(
                    features, rows.select(self.kept.names), part.origin, part.first_row + start
                )

    def _of_csv(self) -> Iterator[Batch]:
        for path in self._source.files:
            file, first_row = TextFile(path, self._schema), 1
            for rows in file.tables(self._columns):
                yield Batch(
                    file.typed(rows, first_row), rows.select(self.kept.names), path, first_row
                )
                first_row += rows.num_rows
