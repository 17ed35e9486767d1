"""Text to numbers and truth values, cell by cell: one that spells none is null, and the others go
on.

The words are those of linreg.data.csv.convert, which types a column as a whole: what ingest reads
as a number is one here, and nothing else.
"""

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.csv.words import BLANKS, FALSE, TRUE

_NUMBER = r"(?i)^[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity)$"
_WHOLE = r"^\+?(-?\d{1,18})(\.0*)?$"
"""What int64 holds for sure; other tools write whole numbers as 1.0 where a cell of the column is
missing.
"""


def read(cells: pa.Array | pa.ChunkedArray, type_: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """Return text as float64, int64 or bool; null for a cell that spells none."""
    cells = pc.ascii_trim(cells, BLANKS)
    if pa.types.is_boolean(type_):
        true, false = (pc.is_in(cells, pa.array(words)) for words in (TRUE, FALSE))
        return pc.if_else(pc.or_(true, false), true, None)
    if pa.types.is_integer(type_):
        return pc.cast(pc.replace_substring_regex(_only(cells, _WHOLE), _WHOLE, r"\1"), type_)
    return pc.cast(_only(cells, _NUMBER), type_)


def with_point(cells: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return numbers that are written with a decimal comma with a point; one that has a point
    becomes none.
    """
    return pc.replace_substring(pc.replace_substring(cells, ".", "_"), ",", ".")


def _only(cells: pa.Array | pa.ChunkedArray, pattern: str) -> pa.Array | pa.ChunkedArray:
    return pc.if_else(pc.match_substring_regex(cells, pattern), cells, None)
