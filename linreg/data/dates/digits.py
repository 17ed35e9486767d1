"""Numbers as times: most sort by time, and those that begin with the day or the month do not.

20150131, 201501, a year, a serial number of Excel and seconds since 1970 sort by time. 31012015,
12015 and 1.2015 do not: their year comes last.
"""

import numpy as np
import pyarrow as pa

from linreg.arrays import Floats, Mask
from linreg.data.dates.format import DateFormat

_YEARS = (1900, 2100)
_MOST_YEARS_APART = 40
_FEWEST = 10
"""So many numbers that all end with two digits of a year are dates, and not so by chance."""


def formats_in_other_order(numbers: Floats) -> list[DateFormat]:
    """Return the formats by which distinct numbers (n,) are dates in another order than theirs.

    With two digits of a year, all that the numbers allow if one of them has another order.
    """
    formats = _fitting(numbers)
    # Four digits of a year are not there by chance, nor are two in many numbers.
    certain = [each for each in formats if "Y" in each.directives]
    certain = [each for each in certain if _has_other_order(numbers, each)]
    if certain or len(numbers) < _FEWEST:
        return certain
    uncertain = [each for each in formats if "y" in each.directives]
    # Numbers that follow one another end with all of 00 to 99, and dates with those of few years.
    uncertain = [each for each in uncertain if _years_apart(numbers, each) <= _MOST_YEARS_APART]
    return uncertain if any(_has_other_order(numbers, each) for each in uncertain) else []


def are_years_and_months(numbers: Floats) -> bool:
    """Whether distinct numbers (n,) are 2015.1 to 2015.12, in which January and October are one."""
    if not _may_be_years_and_months(numbers):
        return False
    months = set(np.rint((numbers - np.floor(numbers)) * 100).tolist())
    return bool(months & {11, 12}) and max(months) >= 20


def may_be_dates(numbers: Floats) -> bool:
    """Whether these numbers leave one of the above possible; most rule both out."""
    few = numbers[np.linspace(0, len(numbers) - 1, 32).astype(np.int64)]
    return _may_be_years_and_months(few) or bool(_fitting(few))


def _may_be_years_and_months(numbers: Floats) -> bool:
    if not np.isfinite(numbers).all():
        return False
    years = np.floor(numbers)
    hundredths = (numbers - years) * 100
    months = np.rint(hundredths)
    unpadded = np.isin(months, [*range(10, 100, 10), 11, 12])
    is_one = (np.abs(hundredths - months) < 1e-6) & unpadded & _are_years(years)
    return bool(is_one.all())


def _fitting(numbers: Floats) -> list[DateFormat]:
    if not np.isfinite(numbers).all():
        return []
    if (numbers % 1 == 0).all():
        formats = map(DateFormat, ("%d%m%Y", "%m%d%Y", "%m%Y", "%d%m%y", "%m%d%y", "%y%m%d"))
        return [each for each in formats if _are_dates(numbers, each)]
    shifted = np.rint(numbers * 1e4)
    is_exact = bool((np.abs(numbers * 1e4 - shifted) < 1e-6).all())
    is_month = is_exact and _are_dates(shifted, DateFormat("%m%Y"))
    return [DateFormat("%m.%Y")] if is_month else []


def _are_dates(numbers: Floats, format_: DateFormat) -> bool:
    few = numbers[:32]
    if "Y" in format_.directives and not _are_years(numbers % 10_000).all():
        return False
    return all(_times(each, format_).null_count == 0 for each in (few, numbers))


def _times(numbers: Floats, format_: DateFormat) -> pa.Array:
    width = format_.width or 0
    if numbers.min() < 0 or numbers.max() >= 10.0**width:
        return pa.nulls(len(numbers), format_.type)
    return format_.parse(pa.array([f"{int(number):0{width}}" for number in numbers], pa.string()))


def _has_other_order(numbers: Floats, format_: DateFormat) -> bool:
    if "." in format_.text:
        numbers, format_ = np.rint(numbers * 1e4), DateFormat("%m%Y")
    times = _times(np.sort(numbers), format_).cast(pa.int32())
    return bool((np.diff(times.to_numpy()) < 0).any())


def _years_apart(numbers: Floats, format_: DateFormat) -> float:
    days = _times(numbers, format_).cast(pa.int32()).to_numpy()
    return float(np.ptp(days) / 365.25)


def _are_years(years: Floats) -> Mask:
    return (years >= _YEARS[0]) & (years <= _YEARS[1])
