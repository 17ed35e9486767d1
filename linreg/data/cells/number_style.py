"""How the numbers of a column are written in rows to predict, and their cells read one by one."""

from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.cells.cell_format import CellFormat
from linreg.data.cells.conversion import are_missing_words
from linreg.data.cells.dress import Cells, bare_numbers
from linreg.data.cells.numbers import decimal_commas_to_points, parse_cells, without_dress
from linreg.data.cells.signs import Signs, are_written, other, shown_decimals
from linreg.data.cells.words import BLANKS


class NumberStyle(NamedTuple):
    """How numbers are written.

    decimal   the decimal sign
    unit      what may stand at a number
    is_shown  whether the sign is known from numbers that allow no other, so that the other sign
              stands between thousands
    """

    decimal: str = "."
    unit: str = ""
    is_shown: bool = False

    @classmethod
    def remembered(cls, format_: CellFormat) -> "NumberStyle":
        """Return the style of a column in training."""
        is_shown = format_.decimal == "," or bool(format_.thousands)
        return cls(format_.decimal, format_.unit, is_shown)

    def as_shown(self, *evidence: set[str]) -> "NumberStyle":
        """Return the style with the sign of the first evidence that shows one sign only."""
        for shown in evidence:
            if len(shown) == 1:
                return self._replace(decimal=next(iter(shown)), is_shown=True)
        return self


PLAIN = NumberStyle()


def without_missing_words(cells: Cells) -> Cells:
    """Return cells of a column of values, null where they hold a word for missing among these."""
    are_words = are_missing_words(pc.ascii_trim(cells, BLANKS))
    return pc.if_else(are_words, None, cells)


def read_numbers(cells: Cells, type_: pa.DataType, style: NumberStyle) -> Cells:
    """Return text as float64 or int64; null for a cell that is no number in this style."""
    plain = decimal_commas_to_points(cells) if style.decimal == "," else cells
    numbers = parse_cells(plain, type_)
    if numbers.null_count == cells.null_count:
        return numbers
    dressed = without_dress(cells, Signs(style.decimal), style.unit, any_thousands=True)
    if not style.is_shown:
        dressed = pc.if_else(_may_have(other(style.decimal), cells), None, dressed)
    return pc.coalesce(numbers, parse_cells(dressed, type_))


def add_shown_decimals(shown: set[str], cells: Cells) -> None:
    """Add the decimal signs of the cells that are numbers and allow no other."""
    # Most blocks show no more than those above.
    if "." in shown and _are_all_floats(cells):
        return
    if "," in shown and _are_all_floats(decimal_commas_to_points(cells)):
        return
    shown |= shown_decimals(bare_numbers(cells).numbers)


def _may_have(decimal: str, cells: Cells) -> Cells:
    """Return which cells have this sign where a decimal sign may be."""
    numbers = bare_numbers(cells).numbers
    may_be = pc.and_(pc.match_substring(numbers, decimal), are_written(numbers, Signs(decimal)))
    return pc.fill_null(may_be, False)


def _are_all_floats(cells: Cells) -> bool:
    try:
        # A few cells first: a failing cast goes on to the last cell, and takes very long.
        for some in (cells[:16], cells):
            pc.cast(pc.ascii_trim(some, BLANKS), pa.float64())
    except pa.ArrowInvalid:
        return False
    return True
