"""The rows to predict, a chunk at a time, with their features in the types of training."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from linreg.data.formats.as_csv import messages_about
from linreg.data.formula.coercion import CoercedTable, coerce
from linreg.data.formula.schema import Schema
from linreg.data.partitions import with_partition
from linreg.data.source import Source
from linreg.data.tables.parquet import ROWS_PER_GROUP
from linreg.data.tables.source_chunk import SourceChunk
from linreg.data.typed_table import open_typed_table
from linreg.errors import UserError
from linreg.prediction.csv_input import CsvInput


class InputChunk(NamedTuple):
    """Consecutive rows of the file `origin`, from its data row `first_row` (counted from 1) on.

    kept  the columns that go into the output as they are
    """

    features: CoercedTable
    kept: pa.Table
    origin: Path
    first_row: int


class InputTable:
    """The rows of a source, as chunks of at most ROWS_PER_GROUP rows.

    kept      the schema of the columns named by `keep`; of files without types they are text
    num_rows  the number of rows; None for files of text, which only reading can tell

    Raises UserError for a column that is absent or has another type than the model needs.
    """

    def __init__(self, source: Source, schema: Schema, keep: Sequence[str]) -> None:
        # Files that were rewritten are removed with the source that was opened.
        self._opened = source
        source = source.with_cells_above([*schema.features, *keep])
        self._source = source
        self._schema = schema
        self._require_columns(schema.features, "the model needs it")
        self._require_columns(keep, "--keep names it")
        self._columns = list(dict.fromkeys([*schema.features, *keep]))
        if not self._columns:
            # A model of an intercept alone needs no column, but its rows have to be counted.
            self._columns = [next(filter(None, source.columns_in[0]))]
        # By their text, the cells of folders have the type that they had in training.
        in_folders = [name for name in source.partitions[0] if name in self._columns]
        self._in_folders = pa.schema([(name, pa.string()) for name in in_folders])
        self.num_rows: int | None = None
        if source.kind.has_types:
            # Nothing is converted, so that no scratch folder is needed.
            table = open_typed_table(source, self._columns, scratch=Path())
            types = [
                self._in_folders.field(each.name) if each.name in in_folders else each
                for each in table.schema
            ]
            self._table = replace(table, schema=pa.schema(types))
            self.num_rows = self._table.num_rows
            self.kept = pa.schema([self._table.schema.field(name) for name in keep])
        else:
            self.kept = pa.schema([(name, pa.string()) for name in keep])

    def chunks(self) -> Iterator[InputChunk]:
        """Yield the rows in order."""
        return self._typed_chunks() if self._source.kind.has_types else self._text_chunks()

    def _typed_chunks(self) -> Iterator[InputChunk]:
        for group in self._table.chunks():
            # A user's row group may be larger than ours.
            for start in range(0, group.rows.num_rows, ROWS_PER_GROUP):
                rows = group.rows.slice(start, ROWS_PER_GROUP)
                features = coerce(rows, self._schema, group.origin, text=True)
                kept = rows.select(self.kept.names)
                yield InputChunk(features, kept, group.origin, group.first_row + start)

    def _text_chunks(self) -> Iterator[InputChunk]:
        reading = replace(self._schema, reading=self._source.csv_options)
        source = self._source
        files = zip(source.csv_files, source.files, strict=True)
        for (csv_file, origin), partition, names in zip(
            files, source.partitions, source.columns_in, strict=True
        ):
            in_file = [name for name in names if name]
            with messages_about(self._source.originals):
                file = CsvInput(csv_file, reading)
                first_row = 1
                columns = [name for name in self._columns if name in in_file] or [in_file[0]]
                for text in file.tables(columns, self.kept.names):
                    chunk = SourceChunk(text, origin, first_row)
                    cells = with_partition(chunk, partition, self._in_folders).rows
                    features = file.features(cells, first_row)
                    yield InputChunk(features, cells.select(self.kept.names), origin, first_row)
                    first_row += cells.num_rows

    def _require_columns(self, names: Iterable[str], why: str) -> None:
        for name in names:
            if name not in self._source.columns:
                raise UserError(
                    f"{self._source.files[0]}: column {name}",
                    f"is not in the file, but {why}",
                    found=", ".join(filter(None, self._source.columns)),
                    todo="correct the name, in the file or here",
                )
