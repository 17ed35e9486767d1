"""From rows to numbers: the design matrix X of a formula, with what it learned from the training rows.

`Design.learn` looks at the training rows once. All later rows, in training, evaluation or prediction, go through
`Design.matrix`, which needs no more than the plain data in model.json.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.data.arrays import as_floats, as_numpy
from linreg.data.expressions import Expression, parse_expression
from linreg.data.schema import Schema
from linreg.errors import UserError
from linreg.workers.one import ALONE, Workers

Floats = NDArray[np.float64]
Level = str | int | float | bool


@dataclass(frozen=True)
class Learned:
    """What the training rows say about one column.

    levels    the sorted values of a column that is used as a category, else None
    mean      of a number's cells that are not missing, else None
    min, max  of a number's cells, else None
    """

    levels: tuple[Level, ...] | None
    mean: float | None
    min: float | None
    max: float | None

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Learned":
        """Rebuild it from plain data, in which tuples have become lists."""
        levels = None if data["levels"] is None else tuple(data["levels"])
        return cls(levels, data["mean"], data["min"], data["max"])


@dataclass(frozen=True)
class Design:
    """A formula's terms together with what they learned; makes X (n, M) and y (n,), both float64."""

    schema: Schema
    learned: Mapping[str, Learned]

    @classmethod
    def learn(cls, schema: Schema, tables: Iterable[pa.Table], workers: Workers = ALONE) -> "Design":
        """Learn levels, means and ranges from the training rows, one table at a time, each process from its own."""
        notes = {name: _Notes() for name in schema.columns}
        for table in tables:
            for name, note in notes.items():
                note.read(table.column(name), schema.columns[name].kind == "number", name in schema.category_columns)
        everyones = workers.gather({name: note.as_data() for name, note in notes.items()})
        return cls(schema, {name: _Notes.joined([data[name] for data in everyones]).learned() for name in notes})

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns of X, the names of θ; M = len(names)."""
        return tuple(name for term in self.schema.terms for name, _ in self._expanded(term))

    def matrix(self, table: pa.Table, origin: object = "the table", first_row: int = 1) -> Floats:
        """Return X (n, M), in column-major order.

        Raises UserError naming column and row for a missing cell, a level never seen in training, or an
        expression that is not finite; rows are counted from `first_row`, in `origin`.
        """
        cells = _Cells(self, table, origin, first_row)
        for factor in (factor for term in self.schema.terms for factor in term if factor["kind"] == "category"):
            cells.level_codes(factor)  # also where the training rows had one level only, so that no column shows it
        X = np.empty((table.num_rows, len(self.names)), order="F")
        j = 0
        for term in self.schema.terms:
            for _, levels in self._expanded(term):
                with np.errstate(over="ignore"):
                    for k, (factor, level) in enumerate(zip(term, levels, strict=True)):
                        values = cells.number(factor) if level is None else cells.level_codes(factor) == level
                        X[:, j] = X[:, j] * values if k else values
                if len(term) > 1:
                    cells.require_finite(X[:, j], ":".join(factor["factor"] for factor in term))
                j += 1
        return X

    def target(self, table: pa.Table, origin: object = "the table", first_row: int = 1) -> Floats:
        """Return y (n,); raises UserError like `matrix`."""
        cells = _Cells(self, table, origin, first_row)
        for name in self.schema.target["columns"]:
            cells.require_present(name)
        return cells.number(self.schema.target)

    def _expanded(self, term: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, tuple[int | None, ...]]]:
        """Yield the columns that a term becomes: name, and for each factor the index of its level (None: a number).

        The levels of the first factor vary fastest, as in R and formulaic.
        """
        choices: list[list[tuple[str, int | None]]] = []
        for factor in term:
            if factor["kind"] == "number":
                choices.append([(factor["factor"], None)])
                continue
            levels = self._levels(factor)
            reference = None if factor["full"] else self._reference(factor, levels)
            mark = "" if factor["full"] else "T."
            choices.append(
                [(f"{factor['factor']}[{mark}{level}]", i) for i, level in enumerate(levels) if i != reference]
            )
        for chosen in product(*reversed(choices)):
            in_order = chosen[::-1]
            yield ":".join(name for name, _ in in_order), tuple(level for _, level in in_order)

    def _levels(self, factor: Mapping[str, Any]) -> tuple[Level, ...]:
        levels = self.learned[factor["columns"][0]].levels
        assert levels is not None, "learn() notes the levels of every category"
        return levels

    def _reference(self, factor: Mapping[str, Any], levels: tuple[Level, ...]) -> int:
        if factor["base"] is None:
            return 0
        if factor["base"] not in levels:
            raise UserError(
                "params.yaml: model.formula", f"the reference level of {factor['factor']} is not in the training rows",
                found=repr(factor["base"]), todo=f"use one of {', '.join(map(repr, levels[:20]))}",
            )  # fmt: skip
        return levels.index(factor["base"])


class _Notes:
    """Collects what `Learned` holds about one column, over many tables."""

    def __init__(self) -> None:
        self._levels: set[Level] = set()
        self._is_category = self._is_number = False
        self._sums: list[float] = []
        self._count = 0
        self._min, self._max = np.inf, -np.inf

    def read(self, column: pa.ChunkedArray, is_number: bool, is_category: bool) -> None:
        self._is_number, self._is_category = is_number, is_category
        if is_category:
            self._levels.update(pc.unique(column.drop_null()).to_pylist())
        if is_number:
            values = as_floats(column.drop_null())
            self._count += len(values)
            self._sums.append(float(values.sum()))
            self._min = min(self._min, float(values.min(initial=np.inf)))
            self._max = max(self._max, float(values.max(initial=-np.inf)))

    def as_data(self) -> dict[str, Any]:
        """Return what was collected as plain data, to be sent to another process."""
        return {
            "levels": list(self._levels),
            "kinds": [self._is_category, self._is_number],
            "sums": self._sums,
            "count": self._count,
            "range": [self._min, self._max],
        }

    @classmethod
    def joined(cls, parts: Sequence[Mapping[str, Any]]) -> "_Notes":
        """Return the notes of several processes as one."""
        notes = cls()
        for part in parts:
            notes._levels.update(part["levels"])
            notes._is_category |= part["kinds"][0]
            notes._is_number |= part["kinds"][1]
            notes._sums += part["sums"]
            notes._count += part["count"]
            notes._min, notes._max = min(notes._min, part["range"][0]), max(notes._max, part["range"][1])
        return notes

    def learned(self) -> Learned:
        known = self._is_number and self._count > 0
        return Learned(
            levels=tuple(sorted(self._levels)) if self._is_category else None,
            mean=math.fsum(self._sums) / self._count if known else None,
            min=self._min if known else None,
            max=self._max if known else None,
        )


class _Cells:
    """The factors of one table, each computed once."""

    def __init__(self, design: Design, table: pa.Table, origin: object, first_row: int) -> None:
        self._design, self._table, self._origin, self._first_row = design, table, origin, first_row
        self._columns: dict[str, Floats] = {}
        self._numbers: dict[str, Floats] = {}
        self._codes: dict[str, NDArray[np.int32]] = {}

    def number(self, factor: Mapping[str, Any]) -> Floats:
        """Return a numeric factor (n,), every value finite."""
        text = factor["factor"]
        if text not in self._numbers:
            for name in factor["columns"]:
                if name not in self._columns:
                    self._columns[name] = self._filled(name)
            values = _expression(factor)(self._columns)
            self.require_finite(values, f"column {text}" if text in factor["columns"] else text)
            self._numbers[text] = values
        return self._numbers[text]

    def require_finite(self, values: Floats, what: str) -> None:
        """Raise UserError naming the first row whose value is not finite."""
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            found = ", ".join(f"{name} = {column[row]:.17g}" for name, column in self._columns.items())
            raise self._error(row, what, "is not finite", found)

    def require_present(self, name: str) -> None:
        """Raise UserError naming the first row whose cell is missing."""
        column = self._table.column(name)
        if column.null_count:
            raise self._missing(pc.index(pc.is_null(column), True).as_py(), name)

    def level_codes(self, factor: Mapping[str, Any]) -> NDArray[np.int32]:
        """Return the index of each row's level (n,), in the order of the learned levels."""
        name = factor["columns"][0]
        if name not in self._codes:
            column, levels = self._table.column(name), self._design._levels(factor)
            codes = pc.index_in(column, value_set=pa.array(levels, type=column.type))
            if codes.null_count:
                row = pc.index(pc.is_null(codes), True).as_py()
                value = column[row].as_py()
                if value is None:
                    raise self._missing(row, name)
                raise self._error(
                    row, f"column {name}", "holds a level that the training rows do not have", repr(value),
                    f"known levels: {', '.join(map(str, levels[:20]))}{', …' if len(levels) > 20 else ''}",
                )  # fmt: skip
            self._codes[name] = as_numpy(codes)
        return self._codes[name]

    def _filled(self, name: str) -> Floats:
        column = self._table.column(name)
        if column.null_count:
            mean = self._design.learned[name].mean
            if not self._design.schema.fill_missing or mean is None:
                self.require_present(name)
            return as_floats(pc.fill_null(column.cast(pa.float64(), safe=False), mean))
        return as_floats(column)

    def _missing(self, row: int, name: str) -> UserError:
        return self._error(row, f"column {name}", "is missing", None, "fill the cell or leave the row out")

    def _error(self, row: int, where: str, what: str, found: str | None, todo: str = "") -> UserError:
        return UserError(f"{self._origin}: row {self._first_row + row}: {where}", what, found=found, todo=todo)


def _expression(factor: Mapping[str, Any]) -> Expression:
    """A column's name may hold anything, so a factor that is a column is not parsed."""
    text = factor["factor"]
    if list(factor["columns"]) == [text]:
        return Expression(text, (text,), lambda values: values[text])
    return parse_expression(text)
