"""Cells of text as numbers and truth values: the one definition of how these are written.

Columns are converted by pyarrow where it reads them the same way, which a test checks.
"""

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.cells.dress import Cells, bare_numbers
from linreg.data.cells.signs import Signs, with_point, with_point_anyhow
from linreg.data.cells.words import BLANKS, FALSE, TRUE

_NUMBER = r"(?i)^[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity)$"
# Where a cell of a column is missing, other tools write its whole numbers as 1.0.
_WHOLE_NUMBER = r"^\+?(-?)0*(\d{1,19})(\.0*)?$"
_HEXADECIMAL = r"^[ \t]*[-+]?0[xX]"
_LARGEST, _SMALLEST = str(2**63 - 1), str(-(2**63))


def parse_cells(cells: Cells, type_: pa.DataType) -> Cells:
    """Return text as float64, int64 or bool; null for a cell that is not such a value."""
    cells = pc.ascii_trim(cells, BLANKS)
    if pa.types.is_boolean(type_):
        is_true, is_false = (pc.is_in(cells, pa.array(words)) for words in (TRUE, FALSE))
        return pc.if_else(pc.or_(is_true, is_false), is_true, None)
    if pa.types.is_integer(type_):
        digits = pc.replace_substring_regex(
            _only(cells, _WHOLE_NUMBER), _WHOLE_NUMBER, replacement=r"\1\2"
        )
        return pc.cast(pc.if_else(_fits_int64(digits), digits, None), type_)
    return pc.cast(_only(cells, _NUMBER), type_)


def has_hexadecimal(cells: Cells) -> bool:
    """Whether a cell begins like `0x1F`, which pyarrow takes for an integer: it is text."""
    return pc.any(pc.match_substring_regex(cells, _HEXADECIMAL)).as_py() is True


def without_dress(
    cells: Cells, signs: Signs, unit: str = "", *, any_thousands: bool = False
) -> Cells:
    """Return numbers that are written with these signs and this unit as Python writes them.

    A cell that is written otherwise is null; so is a plain one with the other decimal sign.
    """
    numbers, units = bare_numbers(cells)
    read = (
        with_point_anyhow(numbers, signs.decimal) if any_thousands else with_point(numbers, signs)
    )
    is_alike = pc.or_(pc.equal(units, unit), pc.equal(units, ""))
    return pc.if_else(pc.fill_null(is_alike, False), read, None)


def decimal_commas_to_points(cells: Cells) -> Cells:
    """Return numbers with a decimal comma as ones with a point; a point makes a cell no number."""
    return pc.replace_substring(pc.replace_substring(cells, ".", "_"), ",", ".")


def _fits_int64(digits: Cells) -> Cells:
    """Return which texts of a minus and at most 19 digits are within int64."""
    is_negative = pc.starts_with(digits, "-")
    num_digits = pc.subtract(pc.utf8_length(digits), pc.cast(is_negative, pa.int32()))
    is_within = pc.if_else(
        is_negative, pc.less_equal(digits, _SMALLEST), pc.less_equal(digits, _LARGEST)
    )
    return pc.or_(pc.less(num_digits, 19), is_within)


def _only(cells: Cells, pattern: str) -> Cells:
    return pc.if_else(pc.match_substring_regex(cells, pattern), cells, None)
