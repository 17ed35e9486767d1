import random
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from linreg.data.dates.format import DateFormat, read_format

FORMATS = [
    "%d/%m/%Y",
    "%m-%d-%y",
    "%Y-%m-%d %H:%M:%S.%f",
    "%d %B %Y",
    "%d%b%Y:%H:%M:%S",
    "%a, %d %b %Y %H:%M:%S %z",
    "%A %b %d %Y",
    "%Y%m%d%H%M%S",
    "%I:%M:%S %p %d.%m.%Y",
    "%Y-%j",
    "%G-W%V-%u",
    "%Y/%m/%d%%",
]
DAY = 86_400_000_000


def of_python(cell: str, text: str) -> datetime | None:
    try:
        time = datetime.strptime(cell, text)
    except ValueError:
        return None
    return time if time.tzinfo is None else time.astimezone(UTC)


def of_ours(cells: list[str], text: str) -> list[datetime | None]:
    """Return cells parsed, dates as midnights."""
    times = read_format(text).parse(pa.array(cells)).to_pylist()
    return [
        datetime(each.year, each.month, each.day) if type(each) is date else each for each in times
    ]


def damaged(cell: str, random_: random.Random) -> str:
    """Return a cell with a character replaced, taken out or doubled."""
    place = random_.randrange(len(cell))
    other: str = random_.choice(["", cell[place] * 2, *"0123456789 -/:.+Zxa"])
    return cell[:place] + other + cell[place + 1 :]


@pytest.mark.parametrize("text", FORMATS)
def test_cells_are_parsed_as_python_parses_them_or_refused(text: str) -> None:
    random_ = random.Random(text)  # noqa: S311
    cells = []
    for _ in range(3000):
        time = datetime(1900, 1, 1) + timedelta(microseconds=random_.randrange(200 * 365 * DAY))
        cell = (time.replace(tzinfo=UTC) if "%z" in text else time).strftime(text)
        cells += [cell, damaged(cell, random_), damaged(damaged(cell, random_), random_)]
    expected = [of_python(cell.strip(), text) for cell in cells]
    found = of_ours(cells, text)
    assert expected[::3].count(None) == found[::3].count(None) == 0
    for cell, theirs, ours in zip(cells, expected, found, strict=True):
        if theirs == ours:
            continue
        if ours is None:
            # Python takes fewer digits where nothing separates them, and counts a day 366, a week
            # 53 or a week 0 into another year.
            beyond = any(each in cell for each in ("-366", "-W53", "-W0-", "-W00"))
            assert beyond or text == "%Y%m%d%H%M%S", (cell, theirs)
        else:
            # An offset may be of hours alone.
            assert theirs is None, (cell, theirs, ours)
            assert "%z" in text, (cell, ours)


@pytest.mark.parametrize(
    ("year", "expected"), [("68", 2068), ("69", 1969), ("99", 1999), ("00", 2000)]
)
def test_two_digits_of_a_year_are_1969_to_2068(year: str, expected: int) -> None:
    assert of_ours([f"31.12.{year}"], "%d.%m.%y") == [datetime(expected, 12, 31)]


def test_periods_begin_with_their_first_day() -> None:
    assert of_ours(["Q3 2015", "Q5 2015"], "Q%q %Y") == [datetime(2015, 7, 1), None]
    weeks = [f"{year}-W{week}" for year in range(1998, 2031) for week in range(1, 54)]
    expected = [of_python(f"{week}-1", "%G-W%V-%u") for week in weeks]
    # Python counts a week 53 of any year into the next one.
    has_53 = {year for year in range(1998, 2031) if date(year, 12, 28).isocalendar().week == 53}
    known = [
        time if not week.endswith("W53") or int(week[:4]) in has_53 else None
        for week, time in zip(weeks, expected, strict=True)
    ]
    assert of_ours(weeks, "%G-W%V") == known


def test_a_time_of_day_is_a_duration() -> None:
    found = read_format("%I:%M %p").parse(pa.array(["9:30 PM", "12:05 am", "13:00 PM"])).to_pylist()
    assert found == [timedelta(hours=21, minutes=30), timedelta(minutes=5), None]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("%d/%M/%Y", "has minutes or seconds without an hour"),
        ("%d %b", "has no year"),
        ("%I:%M", "without %p"),
        ("%H:%M %p", "has %p without %I"),
        ("%Q %Y", "has a directive that is not known, %Q"),
        ("%N %Y", "has a directive that is not known, %N"),
        ("%Y %y-%m", "names a part of the time twice"),
        ("%d/%d/%Y", "names a part of the time twice"),
        ("%b %m %Y", "names a part of the time twice"),
        ("%Y-%V", "has one of %G and %V"),
        ("%d %Y", "has a day without a month"),
        ("%Y-%", "ends with a lone %"),
        ("sold", "names no part of a time"),
    ],
)
def test_a_format_that_tells_no_time_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_format(text)


@pytest.mark.parametrize(
    ("layout", "cell", "spelled"),
    [
        ("%N%_%y", "Jan-15", "%b-%y"),
        ("[%W%_]%o%_%N%_%Y", "Mon 3rd February 2020", "%a %drd %B %Y"),
        ("%d/%m/%Y%~%H%:%M[%:%S[%.%f]]", "31/12/2024 9:30", "%d/%m/%Y %H:%M"),
    ],
)
def test_the_format_of_a_cell_has_its_separators(layout: str, cell: str, spelled: str) -> None:
    format_ = DateFormat(layout, is_layout=True)
    assert format_.spell(cell) == spelled
    assert format_.parse(pa.array([cell])) == read_format(spelled).parse(pa.array([cell]))
