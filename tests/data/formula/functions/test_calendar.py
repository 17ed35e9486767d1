from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from linreg.data.formula.functions import calendar

MICROSECONDS = np.random.default_rng(5).integers(-(62 * 10**15), 250 * 10**15, 20_000)
DAYS = pd.DatetimeIndex(MICROSECONDS.view("M8[us]"))


def test_parts_are_those_of_pandas_from_the_year_1_on() -> None:
    time = calendar.as_microseconds(pa.chunked_array([pa.array(DAYS)])).to_numpy()
    theirs = {
        "year": DAYS.year,
        "quarter": DAYS.quarter,
        "month": DAYS.month,
        "weekday": DAYS.day_of_week + 1,
        "hour": DAYS.hour,
    }
    for name, expected in theirs.items():
        assert np.array_equal(calendar.PARTS[name](time), expected), name
    since = DAYS.to_numpy().astype("M8[us]").astype(np.int64) / 86_400_000_000
    np.testing.assert_allclose(calendar.days(time), since, rtol=1e-15)


def test_every_type_of_time_is_the_same_instant() -> None:
    instant = datetime(2024, 2, 29, 18, 30)
    columns = [
        pa.array([instant], pa.timestamp(unit, zone))
        for unit in ("s", "ms", "us", "ns")
        for zone in (None, "UTC")
    ]
    found = {calendar.as_microseconds(pa.chunked_array([each]))[0].as_py() for each in columns}
    assert found == {(instant - datetime(1970, 1, 1)) / timedelta(microseconds=1)}
    of_date = calendar.as_microseconds(pa.chunked_array([pa.array([date(2024, 2, 29)])]))
    assert calendar.date_text(of_date[0].as_py()) == "2024-02-29"


def test_a_missing_time_has_no_parts() -> None:
    missing = np.array([np.nan])
    assert all(np.isnan(part(missing)).all() for part in calendar.PARTS.values())
