"""What a table looks like: the content of profile.json."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.formula.schema import kind_of
from linreg.data.tables.arrays import as_floats
from linreg.data.tables.source_chunk import SourceChunk
from linreg.errors import UserError

MOST_LEVELS = 100
"""A text column with more values than this is free text: it is listed without levels, and `.`
leaves it out.
"""


@dataclass
class ColumnProfile:
    """Statistics of one column, collected part by part; float64, over the cells that are not
    missing.
    """

    type: pa.DataType
    count: int = 0
    missing: int = 0
    first_missing: str | None = None
    min: Any = None
    max: Any = None
    mean: float = 0.0
    # Σ (x − mean)²
    _squares: float = 0.0
    levels: dict[Any, int] | None = field(default_factory=dict)

    def read(self, part: SourceChunk, name: str) -> None:
        """Take in one part's cells; raises UserError for a number that is not finite, naming its
        row.
        """
        column = part.rows.column(name)
        if column.null_count and self.first_missing is None:
            row = part.first_row + pc.index(pc.is_null(column), True).as_py()
            self.first_missing = f"{part.origin}: row {row}: column {name}"
        self.missing += column.null_count
        cells = column.drop_null()
        if len(cells) == 0:
            return
        # durations have no order for pyarrow
        if kind_of(self.type) != "other":
            bounds = pc.min_max(cells).as_py()
            self.min = bounds["min"] if self.min is None else min(self.min, bounds["min"])
            self.max = bounds["max"] if self.max is None else max(self.max, bounds["max"])
        if kind_of(self.type) == "number":
            self._read_numbers(part, name, as_floats(cells))
        else:
            self.count += len(cells)
        if kind_of(self.type) == "category" and self.levels is not None:
            for level in pc.value_counts(cells).to_pylist():
                self.levels[level["values"]] = self.levels.get(level["values"], 0) + level["counts"]
            if len(self.levels) > MOST_LEVELS:
                self.levels = None

    def _read_numbers(
        self, part: SourceChunk, name: str, values: np.ndarray[Any, np.dtype[np.float64]]
    ) -> None:
        if not np.isfinite(values).all():
            self._refuse_infinity(part, name)
        # Chan, Golub, LeVeque: the moments of two parts from those of each.
        with np.errstate(over="ignore", invalid="ignore"):
            count, mean = len(values), float(values.mean())
            squares = float(np.square(values - mean).sum())
            total, shift = self.count + count, mean - self.mean
            self._squares += squares + shift * shift * self.count * count / total
            self.mean += shift * count / total
            self.count = total

    def _refuse_infinity(self, part: SourceChunk, name: str) -> None:
        column = part.rows.column(name)
        row = pc.index(pc.and_(pc.is_valid(column), pc.invert(pc.is_finite(column))), True).as_py()
        raise UserError(
            f"{part.origin}: row {part.first_row + row}: column {name}",
            "must be a finite number",
            found=column[row].as_py(),
            todo="correct the cell, or leave it empty and set ingest.missing",
        )

    @property
    def is_free_text(self) -> bool:
        """Whether the cells are text in which values hardly repeat."""
        return pa.types.is_string(self.type) and (
            self.levels is None or 2 * len(self.levels) > self.count
        )

    def as_data(self) -> dict[str, Any]:
        """Return type, missing and, by kind, min, max, mean, standard deviation (n − 1) or levels
        with counts.
        """
        data: dict[str, Any] = {"type": str(self.type), "missing": self.missing}
        kind = kind_of(self.type)
        if kind == "number":
            spread = math.sqrt(self._squares / (self.count - 1)) if self.count > 1 else None
            statistics = {
                "min": self.min,
                "max": self.max,
                "mean": self.mean if self.count else None,
                "sd": spread,
            }
            return data | {
                key: value if _is_finite(value) else None for key, value in statistics.items()
            }
        if kind == "category":
            levels = (
                None
                if self.levels is None
                else {str(level): n for level, n in sorted(self.levels.items())}
            )
            return data | {"levels": levels}
        bounds = {"min": self.min, "max": self.max}
        return data | {key: None if value is None else str(value) for key, value in bounds.items()}


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
