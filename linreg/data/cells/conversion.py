"""The cells of a column converted to its type as a whole."""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.cells.cell_format import CellFormat
from linreg.data.cells.dress import Cells
from linreg.data.cells.numbers import decimal_commas_to_points, has_hexadecimal, without_dress
from linreg.data.cells.signs import Signs
from linreg.data.cells.words import BLANKS, FALSE, MISSING, MISSING_AMONG_VALUES, NO_AMOUNT, TRUE


def convert_cells(cells: pa.ChunkedArray, format_: CellFormat) -> pa.ChunkedArray:
    """Convert text of this format; a word for missing among values becomes null.

    Raises ArrowInvalid for a cell that is written otherwise.
    """
    if pa.types.is_string(format_.type):
        return cells
    cells = pc.ascii_trim(cells, BLANKS)
    try:
        return convert_plain_cells(cells, format_)
    except pa.ArrowInvalid:
        cells = pc.if_else(are_missing_words(cells), None, cells)
    try:
        return convert_plain_cells(cells, format_)
    except pa.ArrowInvalid:
        if not (pa.types.is_integer(format_.type) or pa.types.is_floating(format_.type)):
            raise
    numbers = without_dress(cells, Signs(format_.decimal, format_.thousands), format_.unit)
    # What is not finite has no dress.
    numbers = pc.coalesce(numbers, _only_infinite(cells))
    if numbers.null_count > cells.null_count:
        raise pa.ArrowInvalid("not a number")
    return pc.cast(numbers, format_.type)


def convert_plain_cells(cells: pa.ChunkedArray, format_: CellFormat) -> pa.ChunkedArray:
    """Convert text without blanks around it, as pyarrow's CSV reader would, but for hexadecimals.

    Raises ArrowInvalid for a cell that is written otherwise.
    """
    if format_.type == pa.bool_():
        return _convert_truth_values(cells)
    if format_.thousands or format_.unit:
        raise pa.ArrowInvalid("not plain")
    if pa.types.is_floating(format_.type) and format_.decimal == ",":
        cells = decimal_commas_to_points(cells)
    converted = pc.cast(cells, format_.type)
    if pa.types.is_integer(format_.type) and has_hexadecimal(cells):
        raise pa.ArrowInvalid("hexadecimal")
    return converted


def without_words(cells: pa.ChunkedArray, words: Collection[str]) -> pa.ChunkedArray:
    """Return cells of text, null where they hold one of the words or a usual one for missing."""
    missing = pc.is_in(pc.ascii_trim(cells, BLANKS), pa.array([*MISSING, *words]))
    return pc.if_else(missing, None, cells)


def are_missing_words(cells: Cells) -> Cells:
    """Return which cells, without blanks around them, are missing if the others are values."""
    are_words = pc.is_in(cells, pa.array(MISSING_AMONG_VALUES))
    return pc.or_(are_words, pc.fill_null(pc.match_substring_regex(cells, NO_AMOUNT), False))


def _only_infinite(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.match_substring_regex(cells, r"(?i)^[-+]?inf(inity)?$"), cells, None)


def _convert_truth_values(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    is_true, is_false = (pc.is_in(cells, pa.array(words)) for words in (TRUE, FALSE))
    is_missing = pc.is_null(cells)
    is_other = pc.invert(pc.or_(pc.or_(is_true, is_false), is_missing))
    if pc.any(is_other).as_py():
        raise pa.ArrowInvalid("not a truth value")
    return pc.if_else(is_missing, None, is_true)
