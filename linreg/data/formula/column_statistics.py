"""What a design has to know of the training rows: the levels, means and ranges of columns."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.arrays import Floats, Mask
from linreg.data.formula.expressions import numeric_cells
from linreg.data.formula.functions.calendar import as_microseconds, is_time
from linreg.data.tables.arrays import as_mask, as_scalar
from linreg.process.workers import Workers

Level = str | int | float | bool


@dataclass(frozen=True)
class ColumnStatistics:
    """The statistics of one column over the training rows, missing cells left out.

    levels    the values of a column that is used as a category, without those that are pooled: in
              the order of `model.levels`, then sorted; else None
    mean      of a column of numbers, else None; of times in microseconds since 1970-01-01
    min, max  as the mean
    other     the name of the level that all other values of a category are, `(other)`; None where
              they are no level
    """

    levels: tuple[Level, ...] | None
    mean: float | None
    min: float | None
    max: float | None
    other: str | None = None

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "ColumnStatistics":
        """Return the statistics that model.json holds, in which tuples have become lists."""
        levels = None if data["levels"] is None else tuple(data["levels"])
        # Models from before rare levels could be pooled have none.
        return cls(levels, data["mean"], data["min"], data["max"], data.get("other"))

    def outside(self, column: pa.ChunkedArray, precision: pa.DataType | None) -> Mask:
        """Return the rows (n,) with a number, float64, that is not in the range.

        `precision` is the type of less precision that the numbers were, or those of the training
        rows: 0.1 and what it makes of 0.1 are the same number.
        """
        if self.min is None or self.max is None:
            return np.zeros(len(column), bool)
        if is_time(column.type):
            column = as_microseconds(column)
        low, high = as_scalar(self.min), as_scalar(self.max)
        if precision:
            column, low, high = (
                value.cast(precision).cast(pa.float64()) for value in (column, low, high)
            )
        outside = pc.or_(pc.less(column, low), pc.greater(column, high))
        # A missing number is not outside, rather than neither.
        return as_mask(pc.and_kleene(outside, column.is_valid()))


class RunningStatistics:
    """Statistics of one column, updated table by table and merged over processes."""

    def __init__(self, *, is_number: bool, is_category: bool) -> None:
        self._is_number = is_number
        self._is_category = is_category
        self._levels: Counter[Level] = Counter()
        self._sums: list[float] = []
        self._count = 0
        self._min = np.inf
        self._max = -np.inf

    def update(self, column: pa.ChunkedArray) -> None:
        """Add the cells of the column in one table."""
        if self._is_category:
            counts = pc.value_counts(column.drop_null())
            levels = counts.field("values").to_pylist()
            self._levels.update(dict(zip(levels, counts.field("counts").to_pylist(), strict=True)))
        if self._is_number:
            values = numeric_cells(column.drop_null())
            self._count += len(values)
            self._sums += _finite_sums(values)
            self._min = min(self._min, float(values.min(initial=np.inf)))
            self._max = max(self._max, float(values.max(initial=-np.inf)))

    def as_data(self) -> dict[str, Any]:
        """Return plain data to send to another process, for `merge`."""
        return {
            "levels": list(self._levels.items()),
            "sums": self._sums,
            "count": self._count,
            "min": self._min,
            "max": self._max,
        }

    def merge(self, data: Mapping[str, Any]) -> None:
        """Add what another process has sent: `as_data` of the same column."""
        self._levels.update(dict(data["levels"]))
        self._sums = [*self._sums, *data["sums"]]
        self._count += data["count"]
        self._min = min(self._min, data["min"])
        self._max = max(self._max, data["max"])

    def result(
        self, pool: int = 0, references: Collection[Level] = (), order: Sequence[Level] = ()
    ) -> ColumnStatistics:
        """Return the statistics; those of numbers are None for a column without a value.

        pool        levels that occur less often are pooled
        references  levels that are not
        order       the levels that come first
        """
        has_values = self._is_number and self._count > 0
        kept = [
            level for level, count in self._levels.items() if count >= pool or level in references
        ]
        return ColumnStatistics(
            levels=_in_order(kept, order) if self._is_category else None,
            mean=_mean(self._sums, self._count) if has_values else None,
            min=self._min if has_values else None,
            max=self._max if has_values else None,
            other=_name_of_others(kept) if len(kept) < len(self._levels) else None,
        )


def merge_over_workers(
    running: Mapping[str, RunningStatistics],
    merged: Mapping[str, RunningStatistics],
    workers: Workers,
) -> None:
    """Merge the statistics of all processes, by column and in the order of the ranks."""
    for data in workers.gather({name: each.as_data() for name, each in running.items()}):
        for name, statistics in merged.items():
            statistics.merge(data[name])


def _in_order(levels: Collection[Level], order: Sequence[Level]) -> tuple[Level, ...]:
    """Return levels in an order, and those without a place in it behind, sorted."""
    place = {level: index for index, level in enumerate(order)}
    return tuple(sorted(levels, key=lambda level: (place.get(level, len(order)), level)))


def _name_of_others(levels: Collection[Level]) -> str:
    """Return `(other)`, with as many parentheses as make it another name than any level's."""
    name = "(other)"
    while name in levels:
        name = f"({name})"
    return name


def _finite_sums(values: Floats) -> list[float]:
    """Return finite numbers that add up to the sum of the values (n,), which may overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(values.sum())
    if math.isfinite(total) or len(values) == 1:
        return [total]
    middle = len(values) // 2
    return [*_finite_sums(values[:middle]), *_finite_sums(values[middle:])]


def _mean(sums: Sequence[float], count: int) -> float:
    try:
        return math.fsum(sums) / count
    except OverflowError:
        # The sum is beyond float64, the mean is not.
        return float(sum(map(Fraction, sums)) / count)
