"""Which decimal sign numbers may have, and what stands between their thousands.

A sign before exactly three digits, as in `1.002`, may be either. `246,10`, `0.5`, `1.234.567` and
`1,234.5` allow one reading only.
"""

import re
from functools import cache
from typing import NamedTuple

import pyarrow.compute as pc

from linreg.data.cells.dress import Cells

DECIMALS = (".", ",")


class Signs(NamedTuple):
    """The decimal sign, and what stands between thousands; '' for nothing."""

    decimal: str
    thousands: str = ""


def other(decimal: str) -> str:
    """Return the other decimal sign."""
    return "," if decimal == "." else "."


def readings_of(decimal: str) -> list[Signs]:
    """Return the signs that go with a decimal sign, the plainest first."""
    return [Signs(decimal, thousands) for thousands in ("", other(decimal), " ", "'")]


def are_written(numbers: Cells, signs: Signs, *, whole: bool = False) -> Cells:
    """Return which bare numbers can be written with these signs; whole ones only, if so asked."""
    return pc.match_substring_regex(numbers, _pattern(signs, whole))


def with_point(numbers: Cells, signs: Signs) -> Cells:
    """Return bare numbers as Python writes them; null where they are written otherwise."""
    numbers = pc.if_else(are_written(numbers, signs), numbers, None)
    if signs.thousands:
        numbers = pc.replace_substring(numbers, signs.thousands, "")
    return pc.replace_substring(numbers, signs.decimal, ".")


def with_point_anyhow(numbers: Cells, decimal: str) -> Cells:
    """Return bare numbers as Python writes them, whatever stands between their thousands."""
    return pc.coalesce(*(with_point(numbers, signs) for signs in readings_of(decimal)))


def shown_decimals(numbers: Cells) -> set[str]:
    """Return the decimal signs of the numbers that allow one reading only."""
    with_points, with_commas = (
        with_point_anyhow(numbers, decimal).is_valid() for decimal in DECIMALS
    )
    shown = {".": pc.and_not(with_points, with_commas), ",": pc.and_not(with_commas, with_points)}
    return {decimal for decimal, cells in shown.items() if pc.any(cells).as_py()}


@cache
def _pattern(signs: Signs, whole: bool) -> str:
    integers = r"\d+"
    if signs.thousands:
        between = re.escape(signs.thousands)
        integers += rf"|[1-9]\d{{0,2}}(?:{between}\d{{3}})+"
        if signs.thousands == ",":
            # India: 12,34,567.
            integers += rf"|[1-9]\d?(?:{between}\d{{2}})+{between}\d{{3}}"
    if whole:
        return rf"^-?(?:{integers})$"
    decimal = re.escape(signs.decimal)
    return rf"^[-+]?(?:(?:{integers})(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][-+]?\d+)?$"
