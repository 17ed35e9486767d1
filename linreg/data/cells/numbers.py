"""Cells of text as numbers and truth values."""

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.cells.words import BLANKS, FALSE, TRUE

_NUMBER = r"(?i)^[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity)$"
_WHOLE_NUMBER = r"^\+?(-?\d{1,18})(\.0*)?$"
"""At most 18 digits, which int64 is sure to hold. Where a cell of a column is missing, other tools
write its whole numbers as 1.0.
"""


def parse_cells(
    cells: pa.Array | pa.ChunkedArray, type_: pa.DataType
) -> pa.Array | pa.ChunkedArray:
    """Return text as float64, int64 or bool; null for a cell that is not such a value."""
    cells = pc.ascii_trim(cells, BLANKS)
    if pa.types.is_boolean(type_):
        is_true, is_false = (pc.is_in(cells, pa.array(words)) for words in (TRUE, FALSE))
        return pc.if_else(pc.or_(is_true, is_false), is_true, None)
    if pa.types.is_integer(type_):
        digits = pc.replace_substring_regex(
            _only(cells, _WHOLE_NUMBER), _WHOLE_NUMBER, replacement=r"\1"
        )
        return pc.cast(digits, type_)
    return pc.cast(_only(cells, _NUMBER), type_)


def decimal_commas_to_points(cells: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return numbers with a decimal comma as ones with a point; a point makes a cell no number."""
    return pc.replace_substring(pc.replace_substring(cells, ".", "_"), ",", ".")


def _only(cells: pa.Array | pa.ChunkedArray, pattern: str) -> pa.Array | pa.ChunkedArray:
    return pc.if_else(pc.match_substring_regex(cells, pattern), cells, None)
