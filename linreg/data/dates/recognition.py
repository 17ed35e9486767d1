"""Text recognised as times: what a whole column allows, never a cell alone."""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.arrays import Mask
from linreg.data.dates.format import DateFormat
from linreg.data.dates.layouts import (
    LAYOUTS,
    MONTH_AND_YEAR,
    NUMBERS_OF_YEARS,
    NUMERIC_DATES,
    TIMES_WITHOUT_YEAR,
    UNCERTAIN_LAYOUTS,
)
from linreg.data.tables.arrays import as_arrow, as_mask

_FEW = 32
_MANY = 256
# Digits, signs and the words of times, which free text does not consist of.
_MAY_BE_TIME = (
    r"(?i)^(?:[-\d\s/.,:'+_]|[acfhkmpqtwyz]{1,2}(?:[^a-z]|$)|(?:th|st|nd|rd|jan|feb|mar|apr|may|jun|jul|aug"
    r"|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun|week|quart|qtr|utc|gmt)[a-z]*){3,45}$"
)
_HAS_NAME = re.compile("[a-z]{3}", re.IGNORECASE)
_NAMES = re.compile("%[NW]|[a-z]{3}", re.IGNORECASE)
ISO_TYPES = (
    pa.date32(),
    pa.timestamp("us"),
    pa.timestamp("ns"),
    pa.timestamp("us", "UTC"),
    pa.timestamp("ns", "UTC"),
)
"""The types of ISO 8601 as pyarrow reads it, the narrowest first."""


_LAST_CERTAIN_YEAR = 2029
_MOST_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


class Reading(NamedTuple):
    """A reading of a column as times.

    format  how the cells are written
    cell    one that shows it: its other readings are none
    others  what has been ruled out by other cells
    """

    format: DateFormat
    cell: str
    others: bool


class Doubt(NamedTuple):
    """Why a column has no reading: a cell, and the readings that it could have."""

    cell: str
    readings: Sequence[DateFormat] = ()


def recognise_times(cells: pa.Array) -> Reading | Doubt:
    """Return the one reading of distinct cells of text, or the doubt that remains.

    Every cell has to fit it. Cells in ISO 8601 are left to pyarrow (`iso_type`).
    """
    fits = _fitting(LAYOUTS, cells)
    if fits:
        first = fits[0].parse(cells)
        for other in fits[1:]:
            differs = pc.not_equal(_plain(first), _plain(other.parse(cells)))
            if (index := pc.index(differs, True).as_py()) >= 0:
                return Doubt(cells[index].as_py(), fits)
        return _reading(fits[0], cells)
    if _are_months_of_years(cells):
        return Reading(MONTH_AND_YEAR, cells[0].as_py(), others=True)
    if uncertain := _fitting((*UNCERTAIN_LAYOUTS, *TIMES_WITHOUT_YEAR), cells):
        return Doubt(cells[0].as_py(), uncertain)
    return Doubt(_first_unlike_most(cells))


def _are_months_of_years(cells: pa.Array) -> bool:
    """Whether cells such as Jan-15 are months of years, as none of the days of any year would be.

    Some number is no day, or the cells rise or fall as months in the order of the rows and not as
    days, or they are all the months of a span of years.
    """
    times = MONTH_AND_YEAR.parse(cells)
    if times.null_count:
        return False
    months = times.to_numpy(zero_copy_only=False).astype("datetime64[M]").astype(np.int64)
    years, month = 1970 + months // 12, months % 12
    days = years % 100
    is_span = bool(np.ptp(months) == len(months) - 1)
    if ((days == 0) | (days > _MOST_DAYS[month])).any():
        # 1931 or 2031?
        return is_span or int(years.max()) <= _LAST_CERTAIN_YEAR
    is_in_order = _is_monotone(months) and not _is_monotone(32 * month + days)
    # The days 1 to 28 of all months would be a span, too.
    return len(months) > 12 and (is_in_order or (is_span and len(np.unique(years)) < 28))


def _is_monotone(numbers: NDArray[np.int64]) -> bool:
    steps = np.diff(numbers)
    return bool((steps > 0).all() or (steps < 0).all())


def iso_type(cells: pa.Array) -> pa.DataType | None:
    """Return the narrowest type that holds every cell, written in ISO 8601; None for none."""
    for type_ in ISO_TYPES:
        try:
            pc.cast(cells[:_FEW], type_)
            pc.cast(cells, type_)
        except pa.ArrowInvalid:
            continue
        return type_
    return None


def are_times(cells: pa.Array) -> Mask:
    """Return which cells (n,) of text are written like times, of whatever reading.

    Of many that may be, some are looked at and decide for all.
    """
    may_be = np.array(as_mask(pc.match_substring_regex(cells, _MAY_BE_TIME)))
    indices = np.flatnonzero(may_be)
    looked_at = indices[:: -(-len(indices) // _MANY) or 1]
    texts = cells.take(as_arrow(looked_at)).to_pylist()
    found = np.array([_is_like_a_time(text.strip()) for text in texts], bool)
    if len(looked_at) < len(indices):
        return may_be if found.mean() > 0.5 else np.zeros_like(may_be)
    may_be[indices] = found
    return may_be


def _is_like_a_time(text: str) -> bool:
    return bool(_any_layout(has_names=_HAS_NAME.search(text) is not None).match(text))


@cache
def _any_layout(*, has_names: bool) -> re.Pattern[str]:
    """Return one regular expression for what the layouts match, those with names or the others.

    To compile it takes long, of the others a quarter.
    """
    # 1234-567 is a code rather than the week or day of a year, and 2000-2500 a range.
    rare = {layout for family in NUMBERS_OF_YEARS for layout in family[1:]}
    layouts = [each for family in (*LAYOUTS, *UNCERTAIN_LAYOUTS) for each in family]
    layouts = [each for each in layouts if each not in rare and "%K" not in each.text]
    if not has_names:
        texts = [each.text.replace("[%W%_]", "") for each in layouts]
        layouts = [DateFormat(each, True) for each in texts if not _NAMES.search(each)]
    patterns = [each.pattern_of_parts for each in layouts]
    without_names = (re.sub(r"\(\?P<\w+>", "(?:", pattern) for pattern in patterns)
    return re.compile(rf"(?:{'|'.join(without_names)})$", re.ASCII | re.IGNORECASE)


def _fitting(families: Iterable[Sequence[DateFormat]], cells: pa.Array) -> list[DateFormat]:
    """Return of each family the first layout that all cells fit."""
    few = cells.take(as_arrow(np.linspace(0, len(cells) - 1, _FEW).astype(np.int64)))
    first = cells[0].as_py()
    fits = []
    for family in families:
        for layout in family:
            if not layout.may_fit(first):
                continue
            if not layout.parse(few).null_count and not layout.parse(cells).null_count:
                fits.append(layout)
                break
    return fits


def _plain(times: pa.Array) -> pa.Array:
    """Return dates and times without a zone as one type, which can be compared."""
    if pa.types.is_date(times.type):
        times = times.cast(pa.timestamp("us"))
    return times.view(pa.int64())


def _reading(layout: DateFormat, cells: pa.Array) -> Reading:
    """Return a reading with a cell that rules out the other one, if some cells have another."""
    if any(layout in family for family in NUMERIC_DATES):
        ruled_out = layout.with_day_and_month_exchanged().parse(cells)
        if 0 < ruled_out.null_count < len(cells):
            index = pc.index(pc.is_null(ruled_out), True).as_py()
            return Reading(layout, cells[index].as_py(), others=True)
    others = any(layout in family[1:] for family in NUMBERS_OF_YEARS)
    return Reading(layout, cells[0].as_py(), others)


def _first_unlike_most(cells: pa.Array) -> str:
    """Return the first cell that does not fit the layout which most cells fit."""
    few = cells[:_FEW].to_pylist()
    best = max(
        (layout for family in LAYOUTS for layout in family),
        key=lambda layout: sum(map(layout.may_fit, few)),
    )
    is_other = pc.is_null(best.parse(cells))
    fits_most = int(np.count_nonzero(~is_other.to_numpy(zero_copy_only=False))) > len(cells) / 2
    index = pc.index(is_other, True).as_py() if fits_most else 0
    return str(cells[index].as_py())
