"""The parts of dates and times, as text, in days and microseconds.

`fields` are the parts by the letter of their directive, such as `Y`, and what follows them, `rest`;
each is a column of text (n,), empty where a cell does not have the part.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.data.tables.arrays import as_mask, as_numpy

Integers = NDArray[np.int64]
MONTHS = [
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
]


def _integers(fields: dict[str, pa.Array], name: str, default: int = 0) -> Integers:
    """Return the numbers (n,) of a part, with a default where cells do not have it."""
    if name not in fields:
        return np.full(len(fields["rest"]), default, np.int64)
    text = pc.utf8_trim_whitespace(fields[name])
    text = pc.if_else(pc.equal(text, ""), str(default), text)
    return as_numpy(pc.cast(text, pa.int64()))


def days_since_1970(fields: dict[str, pa.Array]) -> tuple[Integers, NDArray[np.bool_]]:
    """Return the days since 1970 (n,), and which of them exist."""
    if "G" in fields:
        return _days_of_weeks(fields)
    year = _integers(fields, "Y", 1970)
    if "y" in fields:
        year = _integers(fields, "y")
        year = np.where(year < 69, 2000 + year, 1900 + year)
    exists = year >= 1
    for name, modulus in (("k", 100), ("K", 10_000)):
        if name in fields:
            exists &= _integers(fields, name) == (year + 1) % modulus
    month = _month(fields)
    day = _integers(fields, "o" if "o" in fields else "d", 1)
    exists &= (month >= 1) & (month <= 12) & (day >= 1)
    months = (year - 1970) * 12 + month - 1
    first, after = (_first_days(each) for each in (months, months + 1))
    days = first + day - 1
    exists &= days < after
    if "j" in fields:
        day = _integers(fields, "j", 1)
        exists &= (day >= 1) & (day <= _first_days(months + 12) - first)
        days = first + day - 1
    return days, exists


def _month(fields: dict[str, pa.Array]) -> Integers:
    for name in "bBN":
        if name in fields:
            start = pc.utf8_lower(pc.utf8_slice_codeunits(fields[name], 0, 3))
            known = pa.array([month[:3] for month in MONTHS])
            return as_numpy(pc.fill_null(pc.index_in(start, known), 0)).astype(np.int64) + 1
    if "q" in fields:
        return 3 * _integers(fields, "q", 1) - 2
    if "h" in fields:
        return 6 * _integers(fields, "h", 1) - 5
    return _integers(fields, "m", 1)


def _days_of_weeks(fields: dict[str, pa.Array]) -> tuple[Integers, NDArray[np.bool_]]:
    """Return the days of weeks of ISO 8601, the first of which has the year's first Thursday."""
    year = _integers(fields, "G", 1970)
    week, weekday = _integers(fields, "V", 1), _integers(fields, "u", 1)
    monday = _first_days((year - 1970) * 12) + 3
    # 1970 began with a Thursday.
    monday -= (monday + 3) % 7
    monday += 7 * (week - 1)
    exists = (week >= 1) & (monday + 3 < _first_days((year - 1969) * 12)) & (year >= 1)
    return monday + weekday - 1, exists


def _first_days(months: Integers) -> Integers:
    """Return the days since 1970 of the first day of months since 1970."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def microseconds_of_day(fields: dict[str, pa.Array]) -> Integers:
    """Return the time of the day in UTC (n,), which may be one of another day."""
    hour = _integers(fields, "H") + _integers(fields, "E")
    if "I" in fields:
        is_after_noon = as_mask(pc.starts_with(pc.utf8_lower(fields["p"]), "p"))
        hour = _integers(fields, "I") % 12 + 12 * is_after_noon
    seconds = 3600 * hour + 60 * _integers(fields, "M") + _integers(fields, "S")
    microseconds = 1_000_000 * seconds
    if "f" in fields:
        microseconds += as_numpy(pc.cast(pc.utf8_rpad(fields["f"], 6, "0"), pa.int64()))
    if "z" in fields:
        microseconds -= 60_000_000 * _minutes_of_zone(fields["z"])
    return microseconds


def _minutes_of_zone(zones: pa.Array) -> Integers:
    """Return the offsets of time zones (n,), 0 for Z and UTC."""
    parts = pc.extract_regex(zones, r"^(?P<sign>[+-])(?P<H>\d{2}):?(?P<M>\d{2})?")
    fields = {name: pc.fill_null(pc.struct_field(parts, name), "") for name in ("sign", "H", "M")}
    fields["rest"] = zones
    minutes = 60 * _integers(fields, "H") + _integers(fields, "M")
    return np.where(as_mask(pc.equal(fields["sign"], "-")), -minutes, minutes)
