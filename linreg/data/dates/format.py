"""A format of dates and times, such as `%d/%m/%Y`, and the parsing of cells by it.

The directives are those of Python's `datetime.strptime`, with English names, and %q for a quarter.
Cells are parsed as columns, by a regular expression and integer arithmetic: pyarrow's own strptime
is that of the C library, which accepts 31 February and reads on after the end.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.data.dates.arithmetic import MONTHS, Integers, days_since_1970, microseconds_of_day
from linreg.data.tables.arrays import as_mask

_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
MICROSECONDS_PER_DAY = 86_400_000_000


def _names(full: Sequence[str], short: Sequence[str]) -> str:
    return "|".join([*full, *short])


_DIRECTIVES = {
    "Y": r"\d{4}",
    "G": r"\d{4}",
    "y": r"\d{2}",
    "m": r"1[0-2]|0[1-9]|[1-9]",
    "d": r"3[01]|[12]\d|0[1-9]|[1-9]| [1-9]",
    "j": r"36[0-6]|3[0-5]\d|[12]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9]",
    "V": r"5[0-3]|0[1-9]|[1-4]\d|[1-9]",
    "u": r"[1-7]",
    "q": r"[1-4]",
    "b": _names((), [name[:3] for name in MONTHS]),
    "B": _names(MONTHS, ()),
    "a": _names((), [name[:3] for name in _WEEKDAYS]),
    "A": _names(_WEEKDAYS, ()),
    "H": r"2[0-3]|[01]\d|\d",
    "I": r"1[0-2]|0[1-9]|[1-9]",
    "M": r"[0-5]\d|\d",
    "S": r"[0-5]\d|\d",
    "f": r"\d{1,6}",
    "p": r"[ap]\.?m\.?",
    "z": r"[+-]\d{2}(?::?[0-5]\d)?|Z|UTC|GMT",
    "Z": r"UTC|GMT|Z",
}
"""What each directive matches: what Python's does, in ASCII."""
_IN_FULL_WIDTH = {
    "m": r"1[0-2]|0[1-9]",
    "d": r"3[01]|[12]\d|0[1-9]",
    "j": r"36[0-6]|3[0-5]\d|[12]\d\d|0[1-9]\d|00[1-9]",
    "V": r"5[0-3]|0[1-9]|[1-4]\d",
    "H": r"2[0-3]|[01]\d",
    "I": r"1[0-2]|0[1-9]",
    "M": r"[0-5]\d",
    "S": r"[0-5]\d",
}
"""What some match beside other digits, as 1122015 may be 11 February or 1 December."""
_NUMERIC = {*_IN_FULL_WIDTH, "Y", "G", "y", "u", "q"}
_ALIASES = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y", "%e": "%d"}
_OWN_DIRECTIVES = {
    # A month's name, in full or abbreviated, and a weekday's.
    "N": _names(MONTHS, ["sept", *(name[:3] for name in MONTHS)]),
    "W": _names(_WEEKDAYS, ["tues", "thur", "thurs", *(name[:3] for name in _WEEKDAYS)]),
    "o": r"3[01]|[12]\d|0[1-9]|[1-9]",
    "Y": r"[12]\d{3}",
    "G": r"[12]\d{3}",
    "M": r"[0-5]\d",
    "S": r"[0-5]\d",
    # The year after %Y, with which it makes a fiscal year: 2019/20, 2019-2020.
    "k": r"\d{2}",
    "K": r"\d{4}",
    # Half-years.
    "h": r"[12]",
    # Hours that may be more than a day's.
    "E": r"\d{1,4}",
}
"""What only the layouts have."""
_AFTER = {"N": r"\.?", "W": r"\.?", "o": r"(?:st|nd|rd|th)?"}
_BETWEEN = {
    # Between the parts of a date that has names, which parts cannot be taken for another.
    "_": r"[-/., ']{0,2}",
    "+": r"[-/., ']{1,2}",
    # Between a date and a time, the parts of a time, and a second and its fraction.
    "~": r"(?:\s*T\s*|\s+|[-:_]|,\s*)",
    ":": r"[:.]",
    ".": r"[.,]",
}
_PIECES = re.compile(r"%.|\s+|.", re.DOTALL)


@dataclass(frozen=True)
class DateFormat:
    """How dates and times are written.

    text       the format
    is_layout  whether it is one of ours, in which [parts] in brackets may be absent, and where
               there are directives of our own
    """

    text: str
    is_layout: bool = False

    @cached_property
    def pattern(self) -> str:
        """The regular expression for a cell; what it does not match is the group `rest`."""
        return rf"(?i)^{self.pattern_of_parts}(?P<rest>[\s\S]*)$"

    @cached_property
    def pattern_of_parts(self) -> str:
        """The regular expression for what a cell begins with, which is all of one that fits."""
        text = self.text
        for alias, meaning in _ALIASES.items():
            text = text if self.is_layout else text.replace(alias, meaning)
        tokens = _PIECES.findall(text)
        return "".join(self._part(tokens, index) for index in range(len(tokens)))

    @cached_property
    def directives(self) -> frozenset[str]:
        """The parts that a cell has: those that the pattern names."""
        return frozenset(re.findall(r"\(\?P<(\w)>", self.pattern))

    @property
    def width(self) -> int | None:
        """The number of digits, where a cell is nothing but digits."""
        widths = dict.fromkeys(_NUMERIC, 2) | {"Y": 4, "G": 4, "j": 3, "u": 1, "q": 1}
        names = self.text.split("%")
        if names[0] or len(names) < 3 or any(name not in widths for name in names[1:]):
            return None
        return sum(widths[name] for name in names[1:])

    @property
    def is_clock(self) -> bool:
        """Whether it is a time of day, or a duration, without a date."""
        return bool(self.directives) and self.directives <= set("HIEMSfp")

    @property
    def type(self) -> pa.DataType:
        """The type of what is parsed: date32, timestamp, or duration for a time of day."""
        if self.is_clock:
            return pa.duration("us")
        if self.directives & set("zZ"):
            return pa.timestamp("us", "UTC")
        return pa.timestamp("us") if self.directives & set("HIM") else pa.date32()

    def parse(self, cells: pa.Array | pa.ChunkedArray) -> pa.Array:
        """Return text as times, null for a missing cell and for one that is written otherwise.

        A period is its first day. Two digits of a year are 1969 to 2068.
        """
        if isinstance(cells, pa.ChunkedArray):
            cells = cells.combine_chunks()
        fields = pc.extract_regex(pc.utf8_trim_whitespace(cells), self.pattern)
        fits = as_mask(pc.is_valid(fields))
        fields = {name: pc.struct_field(fields, name) for name in [*self.directives, "rest"]}
        fields = {name: pc.fill_null(field, "") for name, field in fields.items()}
        fits = fits & as_mask(pc.equal(fields["rest"], ""))
        microseconds = microseconds_of_day(fields)
        if self.is_clock:
            return _array(microseconds, fits, self.type)
        days, is_day = days_since_1970(fields)
        fits = fits & is_day
        if pa.types.is_date(self.type):
            return _array(days.astype(np.int32), fits, self.type)
        return _array(days * MICROSECONDS_PER_DAY + microseconds, fits, self.type)

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.ASCII)

    def may_fit(self, cell: str) -> bool:
        """Whether a cell looks as if it fits, which takes less time than parsing it."""
        match = self._regex.match(cell.strip())
        return match is not None and not match.group("rest")

    def spell(self, cell: str) -> str:
        """Return the format of one cell that fits, with the separators and names that it has."""
        match = self._regex.match(cell.strip())
        assert match is not None, "the cell fits"
        spans = {name: match.span(name) for name in self.directives if match.group(name)}
        spelled, end = "", 0
        for name, (start, after) in sorted(spans.items(), key=lambda item: item[1]):
            full = {"N": "B", "W": "A"}.get(name)
            if full:
                name = full if len(match.group(name)) > 3 else full.lower()
            name = {"o": "d", "E": "H"}.get(name, name)
            spelled += cell.strip()[end:start].replace("%", "%%") + f"%{name}"
            end = after
        return spelled + cell.strip()[end:]

    def with_day_and_month_exchanged(self) -> "DateFormat":
        """Return the layout that reads the day as the month."""
        exchanged = self.text.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")
        return DateFormat(exchanged, self.is_layout)

    def _part(self, tokens: list[str], index: int) -> str:
        piece = tokens[index]
        if piece.isspace():
            return r"\s+"
        if self.is_layout and piece in "[]":
            return {"[": "(?:", "]": ")?"}[piece]
        if piece[0] != "%" or piece == "%":
            return re.escape(piece)
        name = piece[1]
        if name == "%":
            return "%"
        if self.is_layout and name in _BETWEEN:
            return _BETWEEN[name]
        known = {**_DIRECTIVES, **_OWN_DIRECTIVES} if self.is_layout else _DIRECTIVES
        if name not in known:
            raise ValueError(f"has a directive that is not known, {piece}")
        expression = known[name]
        beside = [*tokens[max(0, index - 1) : index], *tokens[index + 1 : index + 2]]
        if name in _IN_FULL_WIDTH and any(
            each[:1] == "%" and each[1:] in _NUMERIC for each in beside
        ):
            expression = _IN_FULL_WIDTH[name]
        return f"(?P<{name}>{expression}){_AFTER.get(name, '') if self.is_layout else ''}"


def read_format(text: str) -> DateFormat:
    """Return a format that a user has written.

    Raises ValueError, with the reason, for one that does not tell a time.
    """
    format_ = DateFormat(text)
    try:
        names = format_.directives
        re.compile(format_.pattern)
    except re.error:
        raise ValueError("names a part of the time twice") from None
    if text.endswith("%") and not text.endswith("%%"):
        raise ValueError("ends with a lone %")
    if not names:
        raise ValueError("names no part of a time, such as %Y")
    if "I" in names and "p" not in names:
        raise ValueError("has hours up to 12, %I, without %p (%H are those up to 23)")
    if "p" in names and "I" not in names:
        raise ValueError("has %p without %I, the hours up to 12")
    if names & set("MSf") and not names & set("HI"):
        raise ValueError("has minutes or seconds without an hour (%m is the month)")
    if format_.is_clock:
        return format_
    if not names & set("YyG"):
        raise ValueError("has no year, without which dates have no order")
    if len(names & set("YyG")) > 1 or len(names & set("mbBqjV")) > 1:
        raise ValueError("names a part of the time twice")
    if ("V" in names) != ("G" in names):
        raise ValueError("has one of %G and %V, the year and the week of ISO 8601, not both")
    if "d" in names and not names & set("mbB"):
        raise ValueError("has a day without a month")
    if "u" in names and "V" not in names:
        raise ValueError("has a weekday's number without a week")
    return format_


def _array(
    values: Integers | NDArray[np.int32], fits: NDArray[np.bool_], type_: pa.DataType
) -> pa.Array:
    storage = pa.int32() if pa.types.is_date32(type_) else pa.int64()
    return pa.array(values, storage, mask=~fits).view(type_)
