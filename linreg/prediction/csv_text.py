"""A CSV file whose rows are predicted: read once and as text, from which each cell is then read by
itself.

A cell that spells no number is so a fault of its row. Ingest, which gives every column one type,
would take the whole column for text.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from linreg.data.csv.dialect import read_header
from linreg.data.csv.rows import read_rows
from linreg.data.csv.values import decimal_commas_to_points, parse_cells
from linreg.data.formula.coercion import CoercedTable, coerce, feature_types
from linreg.data.formula.schema import Schema
from linreg.errors import UserError


class TextFile:
    """The rows of one file as text, and as what the text spells."""

    def __init__(self, path: Path, schema: Schema) -> None:
        self._file, self._schema = read_header(path), schema
        self._numbers = [
            name for name, type_ in feature_types(schema).items() if pa.types.is_floating(type_)
        ]
        self._has_comma: dict[str, bool] = {}
        self._looked_at: set[str] = set()

    def tables(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Read the rows in order, at most a block at a time; missing cells are null."""
        for column in columns:
            self._file.require(column)
        return read_rows(self._file, pa.schema([(column, pa.string()) for column in columns]))

    def typed(self, rows: pa.Table, first_row: int) -> CoercedTable:
        """Return the features of the rows that come next, of which `first_row` is the number of the
        first.

        Raises UserError for a column in which not a single cell is a number, in the first rows that
        have any.
        """
        if self._file.delimiter == ";":
            for name in self._numbers:
                if self._is_with_comma(name, rows.column(name)):
                    index = rows.column_names.index(name)
                    rows = rows.set_column(index, name, decimal_commas_to_points(rows.column(name)))
        found = coerce(rows, self._schema, self._file.path, text=True)
        for name in [name for name in self._numbers if name not in self._looked_at]:
            self._require_a_number(name, rows.column(name), found.table.column(name), first_row)
        return found

    def _is_with_comma(self, name: str, cells: pa.ChunkedArray) -> bool:
        """Tell whether a column writes its numbers with a decimal comma: the first cells with
        either sign decide.
        """
        if name not in self._has_comma:
            with_comma, with_point_ = (
                parse_cells(each, pa.float64()).null_count
                for each in (decimal_commas_to_points(cells), cells)
            )
            if with_comma == with_point_:
                # no cell needs either
                return False
            self._has_comma[name] = with_comma < with_point_
        return self._has_comma[name]

    def _require_a_number(
        self, name: str, text: pa.ChunkedArray, numbers: pa.ChunkedArray, first_row: int
    ) -> None:
        if text.null_count == len(text):
            return
        self._looked_at.add(name)
        if numbers.null_count == len(numbers):
            row = text.is_valid().index(True).as_py()
            raise UserError(
                f"{self._file.path}: row {first_row + row}: column {name}",
                "must hold numbers, as in training",
                found=text[row].as_py(),
                todo="name the columns as in training, or correct the cells",
            )
