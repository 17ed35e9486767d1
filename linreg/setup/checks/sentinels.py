"""Numbers such as −999, 9999 or 99 that stand for a missing cell, told from real ones."""

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.formula.schema import kind_of
from linreg.data.tables.arrays import as_floats
from linreg.data.tables.sentinels import as_values
from linreg.data.typed_table import TypedTable
from linreg.setup.checks.finding import Finding
from linreg.setup.survey.column_survey import Survey
from linreg.text import count_of

_NINES = tuple(10**digits - 1 for digits in range(2, 11))
CANDIDATES = (
    *_NINES,
    *(-nines for nines in _NINES),
    *(-nines / 10 for nines in _NINES[2:]),
    *(-nines / 100 for nines in _NINES[3:]),
)
"""Of nines only; of fractions only negative ones, as prices end in nines too."""
FAR_ABOVE = 5.0
"""A number above all others is a sentinel if it is further from them, in units of their range."""
LEAST_SHARE = 0.001
"""Of the rows that have a sentinel above all other numbers."""
LIKE_PRICES = 0.3
"""If a larger share of the numbers end in 9, as prices do, one of nines alone is no sentinel."""
FREQUENT = 3.0
"""A number may be a sentinel if it is so many times as frequent as the others on average."""


@dataclass(frozen=True)
class Sentinels:
    """By column, the values that stand for a missing cell, and what is to be said of them."""

    values: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    findings: Sequence[Finding] = ()


@dataclass
class _Numbers:
    """The candidates in a column, each with its count, and the number and range of its others."""

    counts: dict[float, int] = field(default_factory=dict)
    num_others: int = 0
    num_ending_in_9: int = 0
    low: float = math.inf
    high: float = -math.inf
    is_integer: bool = True

    def update(self, cells: pa.ChunkedArray) -> None:
        """Add the cells of a chunk."""
        is_candidate = pc.is_in(cells, value_set=as_values(CANDIDATES, cells.type))
        for found in pc.value_counts(cells.filter(is_candidate)).to_pylist():
            value = found["values"]
            self.counts[value] = self.counts.get(value, 0) + found["counts"]
        others = cells.filter(pc.invert(is_candidate))
        finite = others.filter(pc.is_finite(others)) if pa.types.is_floating(cells.type) else others
        if len(finite):
            low, high = (each.as_py() for each in pc.min_max(finite).values())
            self.low, self.high = min(self.low, low), max(self.high, high)
            self.num_others += len(finite)
            values = as_floats(finite)
            self.num_ending_in_9 += int((values % 10 == 9).sum())
            self.is_integer = self.is_integer and bool((values % 1 == 0).all())

    def outside(self) -> Iterator[tuple[float, int]]:
        """Yield the candidates beyond all other numbers, with their counts."""
        are_prices = self.num_ending_in_9 > LIKE_PRICES * self.num_others
        for value, count in sorted(self.counts.items()) if self.low < self.high else ():
            if value < self.low or (value > self.high and not are_prices):
                yield value, count

    def is_sentinel(self, value: float, count: int) -> bool:
        """Whether a candidate can hardly be a measurement."""
        size = self.high - self.low
        if value < 0:
            is_only_negative = self.low >= 0
            return is_only_negative or (self.low - value > size and (count > 1 or value <= -999))
        num_rows = self.num_others + sum(self.counts.values())
        is_frequent = count >= max(2, LEAST_SHARE * num_rows)
        return is_frequent and value - self.high > FAR_ABOVE * size

    def may_be_sentinel(self, value: float, count: int) -> bool:
        """Whether a candidate stands apart, or is frequent where numbers near to it are not."""
        size = self.high - self.low
        gap = max(self.low - value, value - self.high)
        if gap > FAR_ABOVE * size:
            return True
        if count < 3 or gap < 2:
            return False
        if self.is_integer:
            return count >= FREQUENT * self.num_others / (size + 1)
        return gap > size / 10


def find_sentinels(table: TypedTable, survey: Survey) -> Sentinels:
    """Return the sentinels; the table is read again for columns that may have one."""
    numbers = {
        name: _Numbers()
        for name, column in survey.columns.items()
        if kind_of(column.profile.type) == "number"
        and {column.profile.min, column.profile.max} & set(CANDIDATES)
    }
    for chunk in table.chunks() if numbers else ():
        for name, each in numbers.items():
            each.update(chunk.rows.column(name).drop_null())
    values: dict[str, list[float]] = {}
    findings = []
    for name, each in numbers.items():
        for value, count in each.outside():
            if each.is_sentinel(value, count):
                values.setdefault(name, []).append(plain_number(value))
                findings.append(_sentinel(name, value, count, each))
            elif each.may_be_sentinel(value, count):
                findings.append(_possible_sentinel(name, value, count, each))
    return Sentinels(values, findings)


def _sentinel(name: str, value: float, count: int, numbers: _Numbers) -> Finding:
    shown = format_number(value)
    return Finding(
        f"{name} is {shown} in {count_of(count, 'row')}, and {_range(numbers)} in all others:"
        f" {shown} stands for a missing cell.",
        "Read as missing (ingest.sentinels).",
        otherwise=f"If {shown} was measured, add --sentinels {shlex.quote(name + '=')}",
        column=name,
    )


def _possible_sentinel(name: str, value: float, count: int, numbers: _Numbers) -> Finding:
    shown = format_number(value)
    return Finding(
        f"{name} is {shown} in {count_of(count, 'row')}, and {_range(numbers)} in all others:"
        f" {shown} may stand for a missing cell.",
        "Kept as a number.",
        otherwise=f"If it does, add --sentinels {shlex.quote(f'{name}={shown}')}",
        is_hint=True,
        column=name,
    )


def _range(numbers: _Numbers) -> str:
    return f"{format_number(numbers.low)} … {format_number(numbers.high)}"


def plain_number(value: Any) -> Any:
    """Return a whole number without a point, and any other value as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def format_number(value: float) -> str:
    """Return a number with its digits, a whole one without a point."""
    return str(int(value)) if value == int(value) else f"{value:g}"
