"""The ways of writing dates, times and periods that are recognised without being told.

Each family begins with what its cells mean most often. `2019-10` may be a month or a week: as their
order is the same, the first layout of a family that fits the whole column is taken. Layouts of
different families are different readings.
"""

from collections.abc import Iterator
from itertools import permutations

from linreg.data.dates.format import DateFormat

_SEPARATORS = ("-", "/", ".[ ]", " ")
_TIMES = (
    "{}",
    "{}%~%H%:%M[%:%S[%.%f]]",
    "{}%~%H%:%M[%:%S[%.%f]][ ]%z",
    "{}%~%I%:%M[%:%S[%.%f]][ ]%p",
    "{}%~%I[ ]%p",
    "%H:%M[:%S] {}",
)
"""A date alone and with a time."""


def _layouts(*texts: str) -> tuple[DateFormat, ...]:
    return tuple(DateFormat(text, is_layout=True) for text in texts)


def _with_times(*dates: str) -> Iterator[tuple[DateFormat, ...]]:
    """Yield a family for each date, alone or with a time."""
    for date in dates:
        yield _layouts(*(time.format(date) for time in _TIMES))


def _joined(*parts: str) -> list[str]:
    return [separator.join(parts) for separator in _SEPARATORS]


def _in_any_order(*parts: str) -> list[str]:
    """Return the parts in every order, with anything or nothing between them."""
    return ["%_".join(order) for order in permutations(parts)]


_WEEKS = ("W%V", "Week%_%V", "Wk%_%V", "KW%_%V", "CW%_%V")
_QUARTERS = ("Q%q", "%qQ", "T%q", "%qT", "Qtr%_%q", "Quarter%_%q", "%q. Quartal", "Quartal%_%q")
_PARTS_OF_YEAR = (*_QUARTERS, "H%h", "%hH", "S%h", "M%m")

NUMERIC_DATES = (
    *_with_times(*(f"[%W%_]{date}[.]" for date in _joined("%d", "%m", "%Y"))),
    *_with_times(*(f"[%W%_]{date}[.]" for date in _joined("%m", "%d", "%Y"))),
)
"""A day and a month in either order: only a day above 12 tells which."""

NUMBERS_OF_YEARS = tuple(
    _layouts(f"%Y{separator}%m", f"%Y{separator}%k", f"%G{separator}%V", f"%Y{separator}%j")
    for separator in _SEPARATORS
) + tuple(
    _layouts(f"%m{separator}%Y", f"%V{separator}%G", f"%j{separator}%Y")
    for separator in _SEPARATORS
)
"""A month, a week or a day of a year."""

LAYOUTS = (
    *NUMERIC_DATES,
    *NUMBERS_OF_YEARS,
    *_with_times(*(f"[%W%_]{date}" for date in _joined("%Y", "%m", "%d"))),
    *_with_times("[%W%_]%o%_%N%_%Y", "[%W%_]%N%_%o%+%Y", "[%W%_]%Y%_%N%_%o"),
    _layouts("%Y%m%d%~%H%M%S", "%Y%m%d%~%H%M", "%Y%m%d%~%H%M%S[ ]%z", "%Y%m%d%~%H%M[ ]%z"),
    _layouts("%Y%m%d%~%H:%M[:%S[%.%f]]", "%Y%m%d%~%H:%M[:%S[%.%f]][ ]%z"),
    _layouts("%W%_%N%+%o %H:%M:%S %Y"),
    _layouts("%W%_%N%+%o %H:%M:%S %z %Y"),
    _layouts("%N%_%Y"),
    _layouts("%Y%_%N"),
    *(_layouts(text) for part in _PARTS_OF_YEAR for text in _in_any_order(part, "%Y")),
    *(_layouts(text) for part in _WEEKS for text in _in_any_order(part, "%G")),
    _layouts("%G-W%V-%u", "%GW%V%u"),
    *(_layouts(text) for part in ("Q%q", "H%h") for text in _in_any_order(part, "FY%_%Y")),
    _layouts("FY%_%Y"),
    _layouts("FY%_%Y%_%k"),
    _layouts("CY%_%Y"),
    _layouts("%Y%+%K"),
    _layouts("%E:%M[:%S[%.%f]]"),
    _layouts("%I%:%M[%:%S][ ]%p", "%I[ ]%p"),
)
"""Ways that tell the time, unless two of them fit."""

MONTH_AND_YEAR = DateFormat("%N%_%y", is_layout=True)

UNCERTAIN_LAYOUTS = (
    *(
        family
        for order in (("%d", "%m", "%y"), ("%m", "%d", "%y"), ("%y", "%m", "%d"))
        for family in _with_times(*_joined(*order))
    ),
    *_with_times("[%W%_]%o%+%N%+%y", "%o%N%y", "[%W%_]%N%_%o%+%y", "%y%+%N%+%o"),
    (MONTH_AND_YEAR,),
    _layouts("%y%_%N"),
    *(_layouts(text) for part in ("Q%q", "%qQ", "H%h") for text in _in_any_order(part, "%y")),
    *(_layouts(text) for part in ("Q%q", "H%h") for text in _in_any_order(part, "FY%_%y")),
    _layouts("FY%_%y"),
)
"""Ways with two digits of a year, which only `ingest.dates` accepts."""

TIMES_WITHOUT_YEAR = (_layouts("%N%+%o"), _layouts("%o%_%N"), _layouts("%N"), _layouts("%W"))
"""Readings that have no order over several years."""
