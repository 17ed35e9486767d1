"""Parts of dates and times: `year(d)`, `month(d)`, `weekday(d)`, `hour(d)`, and `days(d)`.

A time is a number of microseconds since 1970-01-01, in UTC if it has a zone. Its parts are computed
from that by integer arithmetic: the algorithm for the Gregorian calendar is Hinnant's (2013,
chrono-Compatible Low-Level Date Algorithms, `civil_from_days`).
"""

import math
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linreg.arrays import Floats

_MICROSECONDS = 86_400_000_000
"""Of a day."""


def is_time(type_: pa.DataType) -> bool:
    """Return whether a column holds dates, or dates with a time of day."""
    return bool(pa.types.is_date(type_) or pa.types.is_timestamp(type_))


def as_microseconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return times as numbers, float64: the microseconds since 1970-01-01."""
    if pa.types.is_timestamp(column.type):
        # Without a zone, what Arrow stores is the time in UTC.
        column = column.cast(pa.timestamp(column.type.unit))
    whole = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    # Far from 1970, by more than 285 years, microseconds are rounded.
    return whole.cast(pa.float64(), safe=False)


def date_text(time: float) -> str:
    """Return the day of a time as text, such as 2024-01-31."""
    since = timedelta(days=math.floor(time / _MICROSECONDS))
    return (date(1970, 1, 1) + since).isoformat()


def days(time: Floats) -> Floats:
    """Return the days since 1970-01-01, with the part of the day; R's as.numeric of a date."""
    return time / _MICROSECONDS


def year(time: Floats) -> Floats:
    """Return the year."""
    return _civil(time)[0]


def month(time: Floats) -> Floats:
    """Return the month, 1 to 12."""
    return _civil(time)[1]


def quarter(time: Floats) -> Floats:
    """Return the quarter of the year, 1 to 4."""
    return np.floor((month(time) + 2) / 3)


def weekday(time: Floats) -> Floats:
    """Return the day of the week, Monday 1 to Sunday 7 as in ISO 8601."""
    # 1970-01-01 was a Thursday.
    return (np.floor(time / _MICROSECONDS) + 3) % 7 + 1


def hour(time: Floats) -> Floats:
    """Return the hour of the day, 0 to 23."""
    return np.floor((time % _MICROSECONDS) / 3_600_000_000)


def _civil(time: Floats) -> tuple[Floats, Floats]:
    """Return year and month; NaN for a missing time."""
    is_known = np.isfinite(time)
    day = np.floor(np.where(is_known, time, 0.0) / _MICROSECONDS).astype(np.int64)
    # Years begin in March, so that the day that may be missing is their last.
    shifted = day + 719_468
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    day_of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    month_of_year = np.where(month_from_march < 10, month_from_march + 3, month_from_march - 9)
    year_of_date = year_of_era + era * 400 + (month_of_year <= 2)

    def with_missing(numbers: NDArray[np.int64]) -> Floats:
        return np.where(is_known, numbers.astype(np.float64), np.nan)

    return with_missing(year_of_date), with_missing(month_of_year)


PARTS: dict[str, Callable[[Floats], Floats]] = {
    "days": days,
    "hour": hour,
    "month": month,
    "quarter": quarter,
    "weekday": weekday,
    "year": year,
}
"""By the name in a formula."""
