"""Numbers without their dress: blanks, invisible characters, kinds of minus, parentheses, units."""

from typing import NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.cells.units import PREFIX, SUFFIX
from linreg.data.cells.words import BLANKS

Cells: TypeAlias = pa.Array | pa.ChunkedArray


class BareNumbers(NamedTuple):
    """Cells as a sign, digits and what stands between the digits; null where a cell is none.

    numbers  such as `-1.234,5`; a blank of any kind between digits is a space, an apostrophe is `'`
    units    what stood at each number, without blanks and points; '' for nothing
    """

    numbers: Cells
    units: Cells


_UNDRESSED = r"^[-+]?(?:\d[\d.,]*|[.,]\d+)(?:[eE][-+]?\d+)?$"
_INVISIBLE = r"[\x{ad}\x{61c}\x{180e}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2069}\x{feff}]"
_BLANK = r"[\t\x{a0}\x{1680}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]"
_MINUS = r"[\x{2010}-\x{2015}\x{2212}\x{fe58}\x{fe63}\x{ff0d}]"
_APOSTROPHE = r"[\x{2018}\x{2019}\x{2032}\x{2bc}\x{b4}`]"
# 120.- and 120,-- are prices without cents.
_NO_CENTS = r"(\d)[.,]--?(\D*)$"
# The zeros of other digits than ours: full width, Arabic, Persian, India's scripts, Thai, Lao,
# Burmese, Khmer.
_OTHER_ZEROS = "０٠۰०০੦૦୦௦౦೦൦๐໐၀០"
_OTHER_SIGNS = dict(zip("．，＋％（）٫٬", ".,+%().,", strict=True))
_HAS_OTHER_DIGITS = "[" + "".join(f"{zero}-{chr(ord(zero) + 9)}" for zero in _OTHER_ZEROS) + "]"
_DRESSED = (
    r"^(?P<open>\()? ?(?P<sign1>[-+])? ?"
    rf"(?P<prefix>{PREFIX})? ?(?P<open2>\()?(?P<sign2>[-+])? ?"
    r"(?P<body>\d+(?:[.,' ]\d+)*[.,]?(?:[eE][-+]?\d+)?|[.,]\d+(?:[eE][-+]?\d+)?)"
    rf" ?(?P<sign3>-)?(?P<close>\))? ?(?P<suffix>{SUFFIX})? ?(?P<sign4>-)?(?P<close2>\))?$"
)


def bare_numbers(cells: Cells) -> BareNumbers:
    """Return cells of text as numbers whose decimal sign is still unknown.

    A number in parentheses, or with a minus behind it, is negative. Two units, or two signs, make a
    cell null.
    """
    cells = pc.ascii_trim(cells, BLANKS)
    no_units = pc.if_else(pc.is_valid(cells), "", None)
    is_undressed = pc.match_substring_regex(cells, _UNDRESSED)
    if pc.all(is_undressed).as_py() is not False:
        return BareNumbers(cells, no_units)
    # A number takes a hundred times as long to undress as to be recognized.
    is_dressed = pc.fill_null(pc.or_(pc.invert(is_undressed), pc.starts_with(cells, "+")), False)
    cells, is_dressed, no_units = map(_in_one_piece, (cells, is_dressed, no_units))
    numbers, units = _without_dress(cells.filter(is_dressed))
    return BareNumbers(
        pc.replace_with_mask(cells, is_dressed, numbers),
        pc.replace_with_mask(no_units, is_dressed, units),
    )


def _without_dress(cells: pa.Array) -> BareNumbers:
    cells = _plain_characters(cells)
    parts = pc.extract_regex(cells, _DRESSED)
    part = {field: pc.struct_field(parts, field) for field in _names(parts.type)}
    signs = pc.binary_join_element_wise(*(part[f"sign{k}"] for k in (1, 2, 3, 4)), "")
    opened = pc.binary_join_element_wise(part["open"], part["open2"], "")
    in_parentheses = pc.equal(opened, "(")
    closed = pc.binary_join_element_wise(part["close"], part["close2"], "")
    is_whole = pc.and_(pc.equal(opened, ""), pc.equal(closed, ""))
    is_negative_amount = pc.and_(
        pc.and_(in_parentheses, pc.equal(closed, ")")), pc.equal(signs, "")
    )
    is_one_sign = pc.less_equal(pc.utf8_length(signs), 1)
    is_one_unit = pc.or_(pc.equal(part["prefix"], ""), pc.equal(part["suffix"], ""))
    is_number = pc.and_(pc.and_(pc.or_(is_whole, is_negative_amount), is_one_sign), is_one_unit)
    sign = pc.if_else(pc.or_(pc.equal(signs, "-"), is_negative_amount), "-", "")
    numbers = pc.binary_join_element_wise(sign, part["body"], "")
    units = pc.binary_join_element_wise(part["prefix"], part["suffix"], "")
    units = pc.replace_substring_regex(units, r"[ .]", "")
    is_number = pc.fill_null(is_number, False)
    return BareNumbers(pc.if_else(is_number, numbers, None), pc.if_else(is_number, units, None))


def _plain_characters(cells: Cells) -> Cells:
    """Return cells with one kind of blank, minus, apostrophe and digit."""
    cells = pc.replace_substring_regex(cells, _INVISIBLE, "")
    cells = pc.ascii_trim(pc.replace_substring_regex(cells, _BLANK, " "), " ")
    cells = pc.replace_substring_regex(cells, _MINUS, "-")
    cells = pc.replace_substring_regex(cells, _APOSTROPHE, "'")
    if pc.any(pc.match_substring_regex(cells, _HAS_OTHER_DIGITS)).as_py():
        for zero in _OTHER_ZEROS:
            for digit in range(10):
                cells = pc.replace_substring(cells, chr(ord(zero) + digit), str(digit))
        for other, sign in _OTHER_SIGNS.items():
            cells = pc.replace_substring(cells, other, sign)
    return pc.replace_substring_regex(cells, _NO_CENTS, r"\1\2")


def _names(type_: pa.StructType) -> list[str]:
    return [type_.field(index).name for index in range(type_.num_fields)]


def _in_one_piece(cells: Cells) -> pa.Array:
    return cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
