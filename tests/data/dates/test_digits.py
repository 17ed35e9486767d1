import numpy as np
import pandas as pd
import pytest

from linreg.data.dates.digits import are_years_and_months, formats_in_other_order, may_be_dates

DAYS = pd.date_range("2013-12-25", periods=400)


def numbers(format_: str) -> np.ndarray:
    return np.unique(DAYS.strftime(format_).astype(float).to_numpy())


@pytest.mark.parametrize(
    ("format_", "expected"),
    [
        ("%d%m%Y", ["%d%m%Y"]),
        ("%m%d%Y", ["%m%d%Y"]),
        ("%m%Y", ["%m%Y"]),
        ("%m.%Y", ["%m.%Y"]),
        ("%d%m%y", ["%d%m%y", "%y%m%d"]),
        ("%Y%m%d", []),
        ("%Y%m", []),
        ("%Y", []),
        ("%Y%j", []),
        ("%H%M", []),
    ],
)
def test_numbers_that_begin_with_the_day_or_the_month_are_dates(
    format_: str, expected: list[str]
) -> None:
    found = numbers(format_)
    assert [each.text for each in formats_in_other_order(found)] == expected
    assert may_be_dates(found) or not expected


@pytest.mark.parametrize(
    "found",
    [
        # Serial numbers of Excel, all of which end with a year between 1900 and 2100.
        np.arange(41_900, 42_100.0),
        np.arange(40_101, 43_100.0),
        np.arange(41_900, 42_300.0, 7),
        np.arange(40_101, 43_100.0, 30),
        np.arange(10_101, 10_132.0),
        np.arange(1.4e9, 1.4e9 + 1e6, 997),
        np.arange(1.0, 1000.0),
        np.array([0.5, 1.25]),
        np.array([31012015.0]),
        np.array([np.inf, 1.0]),
        2015 + np.arange(24) / 12,
        2015 + np.arange(1, 13) / 100,
    ],
)
def test_other_numbers_sort_by_time(found: np.ndarray) -> None:
    assert formats_in_other_order(found) == []
    assert not are_years_and_months(found)


def test_months_without_their_zero_after_a_point_are_found() -> None:
    found = np.unique([float(f"{day.year}.{day.month}") for day in DAYS])
    assert are_years_and_months(found)
    assert may_be_dates(found)
