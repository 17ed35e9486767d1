"""What the text in a column looks like: plain numbers, formatted numbers, dates, or a mixture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.cells.dress import Cells
from linreg.data.cells.numbers import are_numbers, parse_cells
from linreg.data.dates.recognition import are_times
from linreg.data.tables.arrays import as_mask, as_numpy
from linreg.data.tables.source_chunk import SourceChunk

MOSTLY = 0.5
"""If more than this share of the cells are numbers, or dates, the column was meant to hold them."""
TextContent = Literal["number", "formatted number", "date", "mixed"]
"""What text stands for, if not for itself; "mixed" is mostly numbers."""


class TextCell(NamedTuple):
    """A cell and where it is: file and row."""

    place: str
    text: str


@dataclass
class TextFormats:
    """How many cells of a text column have which format, updated chunk by chunk.

    count              the number of cells with a value
    plain_numbers      such as 1200.5
    numbers            plain and formatted ones, such as $1,200.50
    truth_values       such as TRUE, which beside 0 and 1 is no category of its own
    dates              also times and periods, in any common format
    first_not_plain    the first cell that is not a plain number
    first_not_number   the first cell that is no number at all
    """

    count: int = 0
    plain_numbers: int = 0
    numbers: int = 0
    truth_values: int = 0
    dates: int = 0
    first_not_plain: TextCell | None = None
    first_not_number: TextCell | None = None

    @classmethod
    def of_levels(cls, levels: Mapping[str, int]) -> "TextFormats":
        """Return the formats of values that occur so many times, without the places of cells."""
        formats = cls()
        formats._count(pa.array(list(levels), pa.string()), list(levels.values()))
        return formats

    def update(self, chunk: SourceChunk, name: str) -> None:
        """Add the cells of a chunk."""
        column = chunk.rows.column(name)
        value_counts = pc.value_counts(column.drop_null())
        self._count(value_counts.field("values"), as_numpy(value_counts.field("counts")).tolist())
        if self.first_not_plain is None:
            self.first_not_plain = _first_other(chunk, column, _are_plain_numbers(column))
        if self.first_not_number is None:
            self.first_not_number = _first_other(chunk, column, are_numbers(column))

    @property
    def content(self) -> TextContent | None:
        """What the column was meant to hold; None for text."""
        if self.plain_numbers == self.count:
            return "number"
        if self.numbers == self.count:
            return "formatted number"
        if self.dates > MOSTLY * self.count:
            return "date"
        if self.numbers and self.numbers + self.truth_values == self.count:
            return "mixed"
        return "mixed" if self.numbers > MOSTLY * self.count else None

    def _count(self, texts: pa.Array, times: Sequence[int]) -> None:
        plain = as_mask(_are_plain_numbers(texts))
        formatted = as_mask(are_numbers(texts))
        truth = as_mask(parse_cells(texts, pa.bool_()).is_valid())
        date = are_times(texts)
        for count, is_plain, is_formatted, is_truth, is_date in zip(
            times, plain, formatted, truth, date, strict=True
        ):
            self.truth_values += int(count) if is_truth else 0
            self.count += int(count)
            self.plain_numbers += int(count) if is_plain else 0
            self.numbers += int(count) if is_plain or is_formatted else 0
            self.dates += int(count) if is_date and not is_plain else 0


def _are_plain_numbers(cells: Cells) -> Cells:
    """Return which cells are numbers with a decimal point and no more than digits."""
    return pc.and_(parse_cells(cells, pa.float64()).is_valid(), cells.is_valid())


def _first_other(chunk: SourceChunk, column: Cells, are_such: Cells) -> TextCell | None:
    """Return the first cell of a chunk that has a value and is not such a one."""
    row = pc.index(pc.and_not(column.is_valid(), are_such), True).as_py()
    if row < 0:
        return None
    return TextCell(f"{chunk.origin}: row {chunk.row_number(row)}", column[row].as_py())
