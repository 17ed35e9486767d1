"""A CSV file whose rows are to be predicted: read once, block by block.

A cell that is not a number is an error of its row alone. Ingest, which gives every column one type,
would make text of the whole column. So a block with such a cell is read as text, of which each cell
is parsed; the others are read as numbers, three times as fast. Where numbers may have a decimal
comma, and where one that is dressed turns up, the file is read once more, for the numbers that show
the sign.
"""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.cells.number_style import NumberStyle, without_missing_words
from linreg.data.cells.numbers import are_numbers
from linreg.data.csv.dialect import CsvFile
from linreg.data.csv.rows import read_typed_or_text
from linreg.data.formula.coercion import CoercedTable, InvalidCells, coerce, feature_types
from linreg.data.formula.schema import Schema
from linreg.errors import UserError
from linreg.prediction.number_styles import may_be_two_numbers, styles_in, two_readings


class CsvInput:
    """The rows of a CSV file, and the features in them."""

    def __init__(self, file: CsvFile, schema: Schema) -> None:
        self._file = file
        self._schema = schema
        types = feature_types(schema)
        self._numbers = [name for name, type_ in types.items() if pa.types.is_floating(type_)]
        self._values = [name for name, type_ in types.items() if not pa.types.is_string(type_)]
        # How each column writes its numbers, once that is known; plainly until then.
        self._styles: Mapping[str, NumberStyle] | None = None
        # The columns of which some cell was seen.
        self._seen: set[str] = set()

    def tables(self, columns: Sequence[str], kept: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns of all rows, at most a block at a time; missing cells are null.

        Those that are `kept` are text; other features that are numbers may be float64 or text.
        """
        self._file.require(columns)
        formats = [column.format for column in self._schema.features.values()]
        as_text: Sequence[str] = kept
        # Numbers may have a decimal comma, which only their text can tell.
        if self._file.has_decimal_commas or any(
            format_.decimal != "." or not format_.is_plain for format_ in formats
        ):
            as_text = columns
            self._styles = styles_in(self._file, self._schema)
        numbers = set(self._numbers).difference(as_text)
        types = [(name, pa.float64() if name in numbers else pa.string()) for name in columns]
        return read_typed_or_text(self._file, pa.schema(types))

    def features(self, cells: pa.Table, first_row: int) -> CoercedTable:
        """Return the features of the rows that come next; `first_row` is the number of their first.

        Raises UserError for a column of numbers in which no cell is a number, where its first cells
        occur.
        """
        for name in self._values:
            if pa.types.is_string(cells.schema.field(name).type):
                index = cells.column_names.index(name)
                cells = cells.set_column(index, name, without_missing_words(cells.column(name)))
        features = self._coerced(cells, self._styles or {})
        if self._styles is None and _are_some_numbers(features.invalid):
            self._styles = self._late_styles(first_row)
            features = self._coerced(cells, self._styles)
        for name in self._numbers:
            if name not in self._seen:
                self._require_a_number(name, cells.column(name), features, first_row)
        return features

    def _coerced(self, cells: pa.Table, styles: Mapping[str, NumberStyle]) -> CoercedTable:
        plain = dict.fromkeys(self._values, NumberStyle())
        return coerce(cells, self._schema, self._file.path, text=True, styles={**plain, **styles})

    def _late_styles(self, first_row: int) -> Mapping[str, NumberStyle]:
        """Return how numbers are written if some were already read as plain ones.

        Raises UserError where these have another decimal sign.
        """
        styles = styles_in(self._file, self._schema)
        for name, style in styles.items():
            if style.decimal != "." and first_row > 1:
                raise UserError(
                    f"{self._file.path}: column {name}",
                    f"has decimal commas in row {first_row} or below, and none above",
                    todo="split the file there, or write its numbers in one way",
                )
        return styles

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
            where, cell = (
                f"{self._file.path}: row {first_row + row}: column {name}",
                cells[row].as_py(),
            )
            if may_be_two_numbers(cell):
                raise two_readings(where, cell, "no number that shows which")
            raise UserError(
                where,
                "must hold numbers, as in training",
                found=cell,
                todo="name the columns as in training, or correct the cells",
            )


def _are_some_numbers(invalid: Mapping[str, InvalidCells]) -> bool:
    """Whether a cell that is no plain number may be one that is written otherwise."""
    return any(
        pc.any(are_numbers(cells.original.filter(pa.array(cells.rows)))).as_py()
        for cells in invalid.values()
    )
