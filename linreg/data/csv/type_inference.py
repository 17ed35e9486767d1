"""The type of a column, inferred from the text of its cells.

A column has the first of these types that holds every cell of it in all files: int64, float64,
bool, date32, timestamp (in micro- or nanoseconds, without or with a time zone), and otherwise text,
which keeps its cells exactly as they are written. A float64 is the one nearest to all digits of the
cell. Where the delimiter is `;`, a column may write its numbers with a decimal comma.
"""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.cells.cell_format import TEXT, CellFormat
from linreg.data.cells.numbers import decimal_commas_to_points
from linreg.data.cells.words import BLANKS, FALSE, TRUE

DECIMAL_COMMA = CellFormat(pa.float64(), decimal=",")
# The narrowest first.
_FORMATS = (
    CellFormat(pa.int64()),
    CellFormat(pa.float64()),
    DECIMAL_COMMA,
    CellFormat(pa.bool_()),
    CellFormat(pa.date32()),
    CellFormat(pa.timestamp("us")),
    CellFormat(pa.timestamp("ns")),
    CellFormat(pa.timestamp("us", "UTC")),
    CellFormat(pa.timestamp("ns", "UTC")),
)
Candidates = Mapping[str, Sequence[CellFormat]]
"""For each column of a file the formats in which all cells seen so far are written; every format
while only missing cells were seen.
"""


def find_candidates(
    tables: Iterable[pa.Table], columns: Sequence[str], decimal_commas: bool
) -> Candidates:
    """Return the formats in which all cells of these columns of text are written."""
    formats = [format_ for format_ in _FORMATS if decimal_commas or format_ != DECIMAL_COMMA]
    candidates = dict.fromkeys(columns, formats)
    for rows in tables:
        for column in columns:
            cells = rows[column].drop_null()
            candidates[column] = [each for each in candidates[column] if _fits(cells, each)]
    return candidates


def common_types(candidates: Sequence[Candidates]) -> dict[str, pa.DataType | None]:
    """Return the narrowest type of each column over all files; None where all cells are missing."""
    all_types = {format_.type for format_ in _FORMATS}
    types: dict[str, pa.DataType | None] = {}
    for column in candidates[0]:
        types_by_file = [{format_.type for format_ in each[column]} for each in candidates]
        common = all_types.intersection(*types_by_file)
        narrowest = next((format_ for format_ in _FORMATS if format_.type in common), TEXT)
        types[column] = None if common == all_types else narrowest.type
    return types


def common_schema(candidates: Sequence[Candidates]) -> pa.Schema:
    """Return the common types as a schema; a column without any value is float64."""
    types = common_types(candidates)
    return pa.schema([(column, type_ or pa.float64()) for column, type_ in types.items()])


def format_of_type(candidates: Sequence[CellFormat], type_: pa.DataType) -> CellFormat:
    """Return how a column of a file writes a type."""
    return next((each for each in candidates if each.type == type_), CellFormat(type_))


def convert_cells(cells: pa.ChunkedArray, format_: CellFormat) -> pa.ChunkedArray:
    """Convert text as pyarrow's CSV reader would.

    Raises ArrowInvalid for a cell that is written otherwise.
    """
    if format_ == TEXT:
        return cells
    cells = pc.ascii_trim(cells, BLANKS)
    if format_.type == pa.bool_():
        return _convert_truth_values(cells)
    if format_ == DECIMAL_COMMA:
        cells = decimal_commas_to_points(cells)
    return pc.cast(cells, format_.type)


def _fits(cells: pa.ChunkedArray, format_: CellFormat) -> bool:
    try:
        # A few cells first: a failing cast goes on to the last cell, and takes very long.
        convert_cells(cells[:16], format_)
        convert_cells(cells, format_)
    except pa.ArrowInvalid:
        return False
    return True


def _convert_truth_values(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    is_true, is_false = (pc.is_in(cells, pa.array(words)) for words in (TRUE, FALSE))
    is_missing = pc.is_null(cells)
    is_other = pc.invert(pc.or_(pc.or_(is_true, is_false), is_missing))
    if pc.any(is_other).as_py():
        raise pa.ArrowInvalid("not a truth value")
    return pc.if_else(is_missing, None, is_true)
