"""Where the table begins in the rows that a delimiter splits: lines above it, header, units.

The header is the first row from which on all rows have the same number of cells. Above it may be
lines with fewer cells, such as a title: only where a column of numbers begins below the header, and
with no number in it. Below it may be a row of units.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from linreg.data.cells.words import MISSING, MISSING_AMONG_VALUES
from linreg.data.csv.sample_rows import SampleRow

_NUMBER = re.compile(
    r"[-+−(]{0,2}\s*[$€£¥₹]?\s*[-+−]?(?:\d(?:[\d.,'’\s]*\d)?\.?|[.,]\d+)(?:e[-+]?\d+)?\s*[%€$£¥)-]*",
    re.IGNORECASE,
)
_UNIT_IN_BRACKETS = re.compile(r"\[.*\]|\(.*\)|<.*>|\{.*\}")
_UNIT = re.compile(
    r"[€$£¥]|[°%‰µμΩ]\w*|\w{1,8}[/·*^²³]\S{0,12}|deg\w{0,2}|[munkMGcdh]?"
    r"(?:g|m|s|t|A|V|W|K|C|F|N|J|L|l|Hz|Pa|Wh|eV|mol|bar|cd|lm|lx|T|H|Ohm)[23]?"
    r"|mph|kn|rpm|psi|hPa|ppm|ppb|lbs?|oz|ft|in|yd|mi|min|hr?s?|sec|days?|years?|yrs?|months?"
    r"|USD|EUR|GBP|usd|eur|gbp|pct|percent|counts?"
)
_CAMPBELL = "TOA5"
"""What a file of Campbell's loggers begins with, above names, units and how values were made."""
_WITHOUT_UNIT = "1"
_YEAR = re.compile(r"1[5-9]\d\d|20\d\d")
_MISSING = {*MISSING, *MISSING_AMONG_VALUES}
_MAX_LINES_ABOVE = 100


class Layout(NamedTuple):
    """A table found in the rows of a sample.

    header        the index of the header among the rows
    names         its cells, with '' for a column of row names that it leaves out
    num_units     how many rows below it hold units, or what the columns are
    evidence      whether a column of numbers begins below the header
    other_header  the index of another row that may be the header; 0 for none
    """

    header: int
    names: tuple[str, ...]
    num_units: int = 0
    evidence: bool = False
    other_header: int = 0


def find_layout(rows: Sequence[SampleRow]) -> Layout | None:
    """Return where the table begins; None where rows have unlike numbers of cells."""
    if not rows:
        return None
    if rows[0].cells[0] == _CAMPBELL and len(rows) > 1:
        return _with_header(rows, 1)
    at_top = layout_at_top(rows)
    if at_top and (at_top.evidence or not _may_be_title(rows)):
        return at_top
    first = max(_first_of_even_rows(rows) - 1, 1)
    for header in range(first, min(len(rows), _MAX_LINES_ABOVE)):
        layout = _with_header(rows, header)
        if layout is None or not layout.evidence or any(map(_is_data, rows[:header])):
            continue
        num_names = sum(bool(cell.strip()) for cell in rows[header].cells)
        most_above = max(row.width for row in rows[:header])
        if most_above < num_names:
            return layout
        if at_top and most_above == num_names and rows[header].is_below_empty_line:
            return at_top._replace(other_header=header)
    return at_top


def layout_at_top(rows: Sequence[SampleRow]) -> Layout | None:
    """Return the layout with the header on top; None where it does not fit the rows below."""
    return _with_header(rows, 0) if rows else None


def first_row_of(rows: Sequence[SampleRow], num_names: int) -> int | None:
    """Return the index of the first row of a table without a header; None where there is none."""
    first = _first_of_even_rows(rows)
    for index in range(first, len(rows)):
        if len(rows[index].cells) not in (num_names, num_names + 1):
            return None
        if rows[index].width > 1 or num_names == 1:
            is_first = all(row.width <= 1 for row in rows[:index]) and num_names > 1
            return index if index == 0 or is_first else None
    return None


def is_number_like(cell: str) -> bool:
    """Whether a cell is a number in some country's way of writing."""
    return bool(_NUMBER.fullmatch(cell.strip()))


def number_columns(rows: Sequence[Sequence[str]], num_columns: int) -> list[int]:
    """Return the columns that hold numbers, and nothing else but missing cells."""
    return [index for index in range(num_columns) if _holds_numbers(rows, index)]


def _holds_numbers(rows: Sequence[Sequence[str]], index: int) -> bool:
    cells = [row[index] for row in rows if index < len(row) and not _is_missing(row[index])]
    return bool(cells) and all(map(is_number_like, cells))


def _is_missing(cell: str) -> bool:
    return cell.strip() in _MISSING


def _first_of_even_rows(rows: Sequence[SampleRow]) -> int:
    """Return from where on all rows have the same number of cells."""
    size = len(rows[-1].cells)
    uneven = (index for index, row in enumerate(rows, 1) if len(row.cells) != size)
    return max(uneven, default=0)


def _may_be_title(rows: Sequence[SampleRow]) -> bool:
    """Whether the first row holds fewer cells than others, or an empty line follows a few rows."""
    above = rows[:_MAX_LINES_ABOVE]
    return rows[0].width < max(row.width for row in rows) or any(
        row.is_below_empty_line for row in above[1:]
    )


def _is_data(row: SampleRow) -> bool:
    """Whether a row holds several cells, which are all numbers: no line above a table does."""
    return row.width > 1 and all(map(is_number_like, row.cells[: row.width]))


def _with_header(rows: Sequence[SampleRow], header: int) -> Layout | None:
    """Return the layout with this header; None where it does not fit the rows below."""
    names = tuple(cell.strip() for cell in rows[header].cells)
    body = [row.cells for row in rows[header + 1 :]]
    sizes = {len(cells) for cells in body}
    if len(sizes) > 1:
        return None
    size = sizes.pop() if sizes else len(names)
    if size == len(names) - 1 and not names[-1]:
        names = names[:-1]
    elif size == len(names) + 1 and _is_empty(body, size - 1):
        names += ("",)
    elif size == len(names) + 1 and len(body) > 1 and _are_row_names([row[0] for row in body]):
        names = ("", *names)
    elif size != len(names):
        return None
    num_units = 0
    if rows[0].cells[0] == _CAMPBELL:
        num_units = _num_rows_without_numbers(body[:2])
    elif not any(map(is_number_like, names)):
        num_units = int(_are_units(body, len(names)) or _are_descriptions(body, len(names)))
    below = body[num_units:]
    numbers = number_columns(below, len(names))
    named = [names[index] for index in numbers if names[index]]
    evidence = bool(named) and (not any(map(is_number_like, named)) or _are_years(named))
    return Layout(header, names, num_units, evidence)


def _is_empty(body: Sequence[Sequence[str]], index: int) -> bool:
    return not any(cells[index].strip() for cells in body)


def _are_row_names(cells: Sequence[str]) -> bool:
    """Whether cells are row names: all different, and if they are numbers, whole ones that rise."""
    if not any(map(is_number_like, cells)):
        return len(set(cells)) == len(cells)
    if not all(cell.isdecimal() for cell in cells):
        return False
    numbers = [int(cell) for cell in cells]
    return all(one < other for one, other in pairwise(numbers))


def _are_years(names: Sequence[str]) -> bool:
    """Whether names are several years, the earliest first: more than a row of data would show."""
    return len(names) > 1 and all(map(_YEAR.fullmatch, names)) and list(names) == sorted({*names})


def _are_units(body: Sequence[Sequence[str]], num_columns: int) -> bool:
    """Whether the first row below the header holds units, all in columns of numbers.

    A word is a unit only where it looks like one, or where every column of numbers has its own.
    """
    # A file of one column has too little to tell a unit from a cell, unless it is [kg].
    if len(body) < 2 or (num_columns == 1 and not _UNIT_IN_BRACKETS.fullmatch(body[0][0].strip())):
        return False
    first = [cell.strip() for cell in body[0]]
    told = {index for index, cell in enumerate(first) if cell not in _MISSING}
    without_unit = {index for index in told if first[index] == _WITHOUT_UNIT}
    told -= without_unit if len(told) > len(without_unit) + 1 else set()
    if not told or any(is_number_like(first[index]) for index in told):
        return False
    numbers = set(number_columns(body[1:], num_columns))
    in_text = told - numbers
    units = [first[index] for index in sorted(told & numbers)]
    if not units or not all(_UNIT_IN_BRACKETS.fullmatch(first[index]) for index in in_text):
        return False
    return all(map(_is_unit, units)) or (len(units) > 1 and told >= numbers and not in_text)


def _are_descriptions(body: Sequence[Sequence[str]], num_columns: int) -> bool:
    """Whether the first row below the header describes the columns, each in other words.

    All its cells are text, some of several words, though several columns hold numbers below it, and
    none occurs again.
    """
    first = [cell.strip() for cell in body[0]] if len(body) > 2 else []
    if len(number_columns(body[1:], num_columns)) < 2 or len({*first}) < len(first):
        return False
    if any(_is_missing(cell) or is_number_like(cell) for cell in first):
        return False
    return any(" " in cell for cell in first) and not any(
        cell.strip() in first for row in body[1:] for cell in row
    )


def _num_rows_without_numbers(rows: Sequence[Sequence[str]]) -> int:
    return sum(not any(map(is_number_like, cells)) for cells in rows)


def _is_unit(cell: str) -> bool:
    return bool(_UNIT_IN_BRACKETS.fullmatch(cell) or _UNIT.fullmatch(cell))
