import calendar
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from linreg.data.dates.recognition import Doubt, Reading, are_times, iso_type, recognise_times


def read(*cells: str) -> list[Any]:
    found = recognise_times(pa.array(cells))
    assert isinstance(found, Reading), found
    return list(found.format.parse(pa.array(cells)).to_pylist())


def doubt(*cells: str) -> tuple[str, list[str]]:
    found = recognise_times(pa.array(cells))
    assert isinstance(found, Doubt), found
    return found.cell, [reading.spell(found.cell) for reading in found.readings]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2019-1-5", date(2019, 1, 5)),
        ("2024/12/31", date(2024, 12, 31)),
        ("31.12.2024", date(2024, 12, 31)),
        ("31. 12. 2024", date(2024, 12, 31)),
        ("12/31/2024", date(2024, 12, 31)),
        ("31-Dec-2024", date(2024, 12, 31)),
        ("Dec 31, 2024", date(2024, 12, 31)),
        ("December 31st, 2024", date(2024, 12, 31)),
        ("Mon 3 Feb 2020", date(2020, 2, 3)),
        ("01JAN2015", date(2015, 1, 1)),
        ("2015-Jan-01", date(2015, 1, 1)),
        ("1/2019", date(2019, 1, 1)),
        ("2020-1", date(2020, 1, 1)),
        ("2020M3", date(2020, 3, 1)),
        ("March 2015", date(2015, 3, 1)),
        ("Mar-2015", date(2015, 3, 1)),
        ("2020-W9", date(2020, 2, 24)),
        ("2020W09", date(2020, 2, 24)),
        ("KW 9/2020", date(2020, 2, 24)),
        ("Week 9, 2020", date(2020, 2, 24)),
        ("2020-W09-3", date(2020, 2, 26)),
        ("2020-40", date(2020, 9, 28)),
        ("2020-366", date(2020, 12, 31)),
        ("Q1 2015", date(2015, 1, 1)),
        ("2015Q4", date(2015, 10, 1)),
        ("2015-Q4", date(2015, 10, 1)),
        ("4Q2015", date(2015, 10, 1)),
        ("FY2019", date(2019, 1, 1)),
        ("2019/20", date(2019, 1, 1)),
        ("H2 2019", date(2019, 7, 1)),
        ("31DEC2014:23:59:59", datetime(2014, 12, 31, 23, 59, 59)),
        ("31/12/2024 9:30 PM", datetime(2024, 12, 31, 21, 30)),
        ("20241231T0930", datetime(2024, 12, 31, 9, 30)),
        ("2014-12-31-23.59.59.000001", datetime(2014, 12, 31, 23, 59, 59, 1)),
        ("Tue Feb  3 09:30:00 2020", datetime(2020, 2, 3, 9, 30)),
        ("9:30", timedelta(hours=9, minutes=30)),
        ("125:30", timedelta(hours=125, minutes=30)),
        ("9:30 PM", timedelta(hours=21, minutes=30)),
    ],
)
def test_a_time_in_words_or_digits_is_recognised(cell: str, expected: object) -> None:
    assert read(cell) == [expected]
    assert are_times(pa.array([cell])).all() or "-40" in cell or "-366" in cell or "/20" in cell


MONTHS = [f"{month}-{year}" for year in (15, 16, 17) for month in calendar.month_abbr[1:]]


@pytest.mark.parametrize(
    "cells",
    [
        MONTHS,
        MONTHS[::-1],
        MONTHS[::5] + MONTHS[1::5] + MONTHS[2::5] + MONTHS[3::5] + MONTHS[4::5],
        [f"{month}-{year}" for year in range(15, 40) for month in calendar.month_abbr[1:]],
        ["Jan-98", "May-03", "Feb-04"],
        ["Feb-00", "Jan-12"],
    ],
)
def test_a_month_with_two_digits_is_of_a_year_where_the_column_shows_it(cells: list[str]) -> None:
    assert read(*cells) == [datetime.strptime(cell, "%b-%y").date() for cell in cells]


@pytest.mark.parametrize(
    "cells",
    [
        [f"{month}-{day}" for month in ("Jan", "Feb", "Mar") for day in range(10, 20)],
        [f"{month}-{day:02}" for month in calendar.month_abbr[1:] for day in range(1, 29)],
        ["Jan-15", "Feb-15", "Mar-15"],
        ["Feb-29", "Feb-28"],
    ],
)
def test_a_month_with_two_digits_that_may_be_a_day_is_in_doubt(cells: list[str]) -> None:
    assert doubt(*cells)[1][0] == "%b-%y"


def test_a_time_with_an_offset_is_that_of_utc() -> None:
    cells = ["Mon, 3 Feb 2020 09:30:00 +0100", "Mon, 3 Feb 2020 09:30:00 -0500"]
    expected = pd.to_datetime(pd.Series(cells), format="%a, %d %b %Y %H:%M:%S %z", utc=True)
    assert [pd.Timestamp(each) for each in read(*cells)] == expected.to_list()


def test_a_day_above_12_anywhere_decides_between_day_and_month() -> None:
    days = pd.date_range("2024-01-01", periods=31).strftime("%d/%m/%Y").tolist()
    found = recognise_times(pa.array(days))
    assert isinstance(found, Reading)
    assert (found.others, found.cell) == (True, "13/01/2024")
    assert read(*days)[1] == date(2024, 1, 2)
    assert read("02/01/2024", "01/13/2024")[0] == date(2024, 2, 1)
    assert doubt("02/01/2024", "12/12/2024") == ("02/01/2024", ["%d/%m/%Y", "%m/%d/%Y"])
    # Both readings are the same.
    assert read("01/01/2024", "12/12/2024") == [date(2024, 1, 1), date(2024, 12, 12)]


@pytest.mark.parametrize(
    ("cells", "cell", "readings"),
    [
        (["Jan-15", "Feb-16"], "Jan-15", ["%b-%y", "%b-%d"]),
        (["Jan-31", "Feb-99"], "Jan-31", ["%b-%y"]),
        (["15-Jan"], "15-Jan", ["%y-%b", "%d-%b"]),
        (["31.12.24"], "31.12.24", ["%d.%m.%y", "%y.%m.%d"]),
        (["01JAN15"], "01JAN15", ["%d%b%y"]),
        (["Jan", "Feb"], "Jan", ["%b"]),
        (["Mon", "Tue"], "Mon", ["%a"]),
        (["31/12/2024", "1/2/2024", "12/31/2024"], "12/31/2024", []),
        (["31/12/2024", "unknown", "30/12/2024"], "unknown", []),
        (["2015-01-01T00:00:00+02:00", "2015-01-01T00:00:00"], "2015-01-01T00:00:00", []),
        (["1st", "2nd"], "1st", []),
        (["Q1", "Q2"], "Q1", []),
        (["Week 9", "Week 10"], "Week 9", []),
        (["2021-W53"], "2021-W53", []),
        (["30/02/2024"], "30/02/2024", []),
        (["a", "b"], "a", []),
        ([""], "", []),
    ],
)
def test_text_without_one_reading_is_in_doubt(
    cells: list[str], cell: str, readings: list[str]
) -> None:
    assert iso_type(pa.array(cells)) is None
    found, formats = doubt(*cells)
    assert formats == readings
    assert found == cell or not readings


@pytest.mark.parametrize(
    "text",
    ["north", "1-2", "10-12", "16:9", "2000-2500", "5", "A1", "12.5 kg", "May", "1234-567", ""],
)
def test_other_text_is_not_like_a_time(text: str) -> None:
    assert not are_times(pa.array([text])).any()


def test_many_texts_that_may_be_times_are_decided_by_some() -> None:
    days = pd.date_range("1990-01-01", periods=5000).strftime("%d/%m/%Y").tolist()
    assert are_times(pa.array(days)).all()
    codes = [f"{number:04}-{number}" for number in range(5000)]
    assert not np.any(are_times(pa.array(codes)))
