"""Ticks of times are beginnings of years, months, days, …, as numpy's calendar has them."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.plotting.axis import MAX_TICKS
from linreg.plotting.time_axis import TimeAxis, seconds_of

YEARS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))


@given(YEARS, YEARS)
def test_ticks_are_few_in_order_and_within_the_range(first: datetime, last: datetime) -> None:
    low, high = sorted(each.replace(tzinfo=UTC).timestamp() for each in (first, last))
    if high - low < 60:
        return
    ticks = TimeAxis("t", low, high).ticks()
    values = [tick.value for tick in ticks]
    assert 2 <= len(ticks) <= MAX_TICKS
    assert values == sorted(set(values))
    assert low <= values[0]
    assert values[-1] <= high
    for value, text in ticks:
        moment = datetime.fromtimestamp(value, UTC)
        assert (
            moment.isoformat().startswith(text)
            or moment.strftime("%m-%d %H:%M") == text
            or (moment.strftime("%H:%M") == text or moment.strftime("%H:%M:%S") == text)
        )


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        ("2001-03-04", "2020-01-01", ["2005", "2010", "2015", "2020"]),
        ("2020-01-05", "2020-11-20", ["2020-03", "2020-05", "2020-07", "2020-09", "2020-11"]),
        ("2020-01-05T03:30", "2020-01-06T19:00", ["01-05 12:00", "01-06 00:00", "01-06 12:00"]),
        ("0900-01-01", "2020-01-01", ["1000", "1200", "1400", "1600", "1800", "2000"]),
        ("2020-01-05T03:00:01", "2020-01-05T03:00:07", ["03:00:02", "03:00:04", "03:00:06"]),
    ],
)
def test_ticks_read_as_a_person_would_write_them(low: str, high: str, texts: list[str]) -> None:
    ends = seconds_of([low, high])
    assert ends is not None
    assert [tick.text for tick in TimeAxis("", *ends.tolist()).ticks()] == texts


def test_what_is_no_time_has_no_seconds() -> None:
    assert seconds_of(["2020-01-01", "early"]) is None
    known = seconds_of(["1970-01-02", None, "1970-01-01 00:00:00.5"])
    assert known is not None
    assert np.array_equal(known, [86400.0, np.nan, 0.5], equal_nan=True)
