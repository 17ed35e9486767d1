"""Statistics of every column of a table: the content of profile.json."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.arrays import Floats
from linreg.data.formula.schema import kind_of
from linreg.data.ingest.nanoseconds import NanosecondTime
from linreg.data.tables.arrays import as_floats
from linreg.data.tables.source_chunk import SourceChunk
from linreg.data.typed_table import TypedTable
from linreg.errors import UserError

MOST_LEVELS = 100_000
"""Text with more distinct values is free text: its levels are not counted, and `.` excludes it."""
FEW_LEVELS = 100
"""Text with more distinct values is a category only with ROWS_PER_LEVEL for each on average."""
ROWS_PER_LEVEL = 10


@dataclass
class ColumnProfile:
    """Statistics of one column, updated chunk by chunk: float64, over the cells with a value.

    count          the number of cells with a value
    first_missing  where the first missing cell is
    levels         how often each value of a category occurs; None if there are over MOST_LEVELS
    """

    type: pa.DataType
    count: int = 0
    missing: int = 0
    first_missing: str | None = None
    min: Any = None
    max: Any = None
    mean: float = 0.0
    levels: dict[Any, int] | None = field(default_factory=dict)
    # Σ (x − mean)²
    _sum_of_squares: float = 0.0

    def update(self, chunk: SourceChunk, name: str) -> None:
        """Add the cells of a chunk; raises UserError, with the row, for a number not finite."""
        column = chunk.rows.column(name)
        if column.null_count and self.first_missing is None:
            row = chunk.row_number(pc.index(pc.is_null(column), True).as_py())
            self.first_missing = f"{chunk.origin}: row {row}: column {name}"
        self.missing += column.null_count
        cells = column.drop_null()
        if len(cells) == 0:
            return
        distinct = cells
        if kind_of(self.type) == "category" and self.levels is not None:
            counts = pc.value_counts(cells)
            distinct = counts.field("values")
            for level in counts.to_pylist():
                self.levels[level["values"]] = self.levels.get(level["values"], 0) + level["counts"]
            if len(self.levels) > MOST_LEVELS:
                self.levels = None
        # pyarrow cannot compare durations.
        if kind_of(self.type) != "other":
            # Comparing text takes long, and that of a few levels does not.
            low, high = map(_as_python, pc.min_max(distinct).values())
            self.min = low if self.min is None else min(self.min, low)
            self.max = high if self.max is None else max(self.max, high)
        if kind_of(self.type) == "number":
            values = as_floats(cells)
            if not np.isfinite(values).all():
                raise _not_finite(chunk, name)
            self._add_numbers(values)
        else:
            self.count += len(cells)

    def _add_numbers(self, values: Floats) -> None:
        """Update mean and sum of squares (Chan, Golub and LeVeque, 1979)."""
        with np.errstate(over="ignore", invalid="ignore"):
            count = len(values)
            mean = float(values.mean())
            sum_of_squares = float(np.square(values - mean).sum())
            total = self.count + count
            shift = mean - self.mean
            self._sum_of_squares += sum_of_squares + shift * shift * self.count * count / total
            self.mean += shift * count / total
            self.count = total

    @property
    def is_free_text(self) -> bool:
        """Whether the column is text with few repeated values."""
        if not pa.types.is_string(self.type):
            return False
        if self.levels is None:
            return True
        rows_per_level = 2 if len(self.levels) <= FEW_LEVELS else ROWS_PER_LEVEL
        return rows_per_level * len(self.levels) > self.count

    @property
    def standard_deviation(self) -> float | None:
        """The standard deviation of a sample, with n − 1; None for fewer than two numbers."""
        return math.sqrt(self._sum_of_squares / (self.count - 1)) if self.count > 1 else None

    def as_data(self) -> dict[str, Any]:
        """Return plain data: type, missing, and the statistics that the type has."""
        data: dict[str, Any] = {"type": str(self.type), "missing": self.missing}
        kind = kind_of(self.type)
        if kind == "number":
            statistics = {
                "min": self.min,
                "max": self.max,
                "mean": self.mean if self.count else None,
                "sd": self.standard_deviation,
            }
            return data | {
                key: value if _is_finite(value) else None for key, value in statistics.items()
            }
        if kind == "category":
            levels = self.levels
            if levels is not None and self.is_free_text and len(levels) > FEW_LEVELS:
                levels = None
            elif levels is not None:
                levels = {str(level): count for level, count in sorted(levels.items())}
            return data | {"levels": levels}
        bounds = {"min": self.min, "max": self.max}
        return data | {key: None if value is None else str(value) for key, value in bounds.items()}


Profiles = Mapping[str, ColumnProfile]


def profile_columns(table: TypedTable) -> dict[str, ColumnProfile]:
    """Read the table for the profile of every column; raises UserError for a number not finite."""
    profiles = {field.name: ColumnProfile(field.type) for field in table.schema}
    for chunk in table.chunks():
        for name, profile in profiles.items():
            profile.update(chunk, name)
    return profiles


def _as_python(value: pa.Scalar) -> Any:
    if pa.types.is_timestamp(value.type) and value.type.unit == "ns":
        return NanosecondTime(value.value, value.type.tz)
    return value.as_py()


def _not_finite(chunk: SourceChunk, name: str) -> UserError:
    """Return the error for the first number of a chunk that is not finite."""
    column = chunk.rows.column(name)
    row = pc.index(pc.and_(pc.is_valid(column), pc.invert(pc.is_finite(column))), True).as_py()
    return UserError(
        f"{chunk.origin}: row {chunk.row_number(row)}: column {name}",
        "must be a finite number",
        found=column[row].as_py(),
        todo="correct the cell, or leave it empty and set ingest.missing",
    )


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
