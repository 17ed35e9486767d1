"""A CSV file whose rows are to be predicted: read once, block by block.

A cell that is not a number is an error of its row alone. Ingest, which gives every column one type,
would make text of the whole column. So a block with such a cell is read as text, of which each cell
is parsed; the others are read as numbers, three times as fast.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from linreg.data.cells.numbers import decimal_commas_to_points, parse_cells
from linreg.data.csv.dialect import read_header
from linreg.data.csv.rows import read_typed_or_text
from linreg.data.formula.coercion import CoercedTable, coerce, feature_types
from linreg.data.formula.schema import Schema
from linreg.errors import UserError


class CsvInput:
    """The rows of a CSV file, and the features in them."""

    def __init__(self, path: Path, schema: Schema) -> None:
        self._file = read_header(path, schema.reading)
        self._schema = schema
        types = feature_types(schema)
        self._numbers = [name for name, type_ in types.items() if pa.types.is_floating(type_)]
        # By column, whether its numbers have a decimal comma, once a cell has shown it.
        self._has_decimal_commas: dict[str, bool] = {}
        # The columns of which some cell was seen.
        self._seen: set[str] = set()

    def tables(self, columns: Sequence[str], kept: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns of all rows, at most a block at a time; missing cells are null.

        Those that are `kept` are text; other features that are numbers may be float64 or text.
        """
        for column in columns:
            self._file.require(column)
        # Numbers may have a decimal comma, which only their text can tell.
        as_text = columns if self._file.has_decimal_commas else kept
        numbers = set(self._numbers).difference(as_text)
        types = [(name, pa.float64() if name in numbers else pa.string()) for name in columns]
        return read_typed_or_text(self._file, pa.schema(types))

    def features(self, cells: pa.Table, first_row: int) -> CoercedTable:
        """Return the features of the rows that come next; `first_row` is the number of their first.

        Raises UserError for a column of numbers in which no cell is a number, where its first cells
        occur.
        """
        if self._file.has_decimal_commas:
            cells = self._with_decimal_points(cells)
        features = coerce(cells, self._schema, self._file.path, text=True)
        for name in self._numbers:
            if name not in self._seen:
                self._require_a_number(name, cells.column(name), features, first_row)
        return features

    def _with_decimal_points(self, text: pa.Table) -> pa.Table:
        for name in self._numbers:
            cells = text.column(name)
            if self._are_with_decimal_commas(name, cells):
                index = text.column_names.index(name)
                text = text.set_column(index, name, decimal_commas_to_points(cells))
        return text

    def _are_with_decimal_commas(self, name: str, cells: pa.ChunkedArray) -> bool:
        """Whether a column has decimal commas: the first block with a comma or a point decides."""
        if name not in self._has_decimal_commas:
            as_points = decimal_commas_to_points(cells)
            invalid_with_commas = parse_cells(as_points, pa.float64()).null_count
            invalid_with_points = parse_cells(cells, pa.float64()).null_count
            if invalid_with_commas == invalid_with_points:
                return False
            self._has_decimal_commas[name] = invalid_with_commas < invalid_with_points
        return self._has_decimal_commas[name]

    def _require_a_number(
        self, name: str, cells: pa.ChunkedArray, features: CoercedTable, first_row: int
    ) -> None:
        if cells.null_count == len(cells):
            return
        self._seen.add(name)
        numbers = features.table.column(name)
        # Sentinels are numbers, although they are null here.
        if numbers.null_count == len(numbers) and name in features.invalid:
            row = cells.is_valid().index(True).as_py()
            raise UserError(
                f"{self._file.path}: row {first_row + row}: column {name}",
                "must hold numbers, as in training",
                found=cells[row].as_py(),
                todo="name the columns as in training, or correct the cells",
            )
