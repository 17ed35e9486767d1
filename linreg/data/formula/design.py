"""From rows to numbers: the design matrix X of a formula, with what it learned from the training
rows.

`Design.learn` looks at the training rows once. All later rows, in training, evaluation or
prediction, go through `Design.matrix`, which needs no more than the plain data in model.json.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.data.formula.coerce import Typed
from linreg.data.formula.factors import Cells, Level
from linreg.data.formula.row_errors import CollectErrors, Mask, RaiseFirstError, RowErrors
from linreg.data.formula.schema import Schema
from linreg.data.tables.arrays import as_floats, as_mask
from linreg.errors import UserError
from linreg.process.workers import ALONE, Workers

Floats = NDArray[np.float64]
MOST_COLUMNS = 100_000
"""Of X: more than there is any memory for the moments of, and few enough to be counted at once."""


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
    """A formula's terms together with what they learned; makes X (n, M) and y (n,), both
    float64.
    """

    schema: Schema
    learned: Mapping[str, Learned]

    @classmethod
    def learn(
        cls, schema: Schema, tables: Iterable[pa.Table], workers: Workers = ALONE
    ) -> "Design":
        """Learn levels, means and ranges from the training rows, one table at a time, each process
        from its own.
        """
        notes = {name: _Notes() for name in schema.columns}
        for table in tables:
            for name, note in notes.items():
                note.read(
                    table.column(name),
                    schema.columns[name].kind == "number",
                    name in schema.category_columns,
                )
        everyones = workers.gather({name: note.as_data() for name, note in notes.items()})
        return cls(
            schema,
            {name: _Notes.joined([data[name] for data in everyones]).learned() for name in notes},
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns of X, the names of θ; M = len(names). A column b is `b`: b is
        the intercept.
        """
        count = sum(math.prod(map(self._num_columns, term)) for term in self.schema.terms)
        if count > MOST_COLUMNS:
            raise UserError(
                "params.yaml: model.formula",
                f"makes more than {MOST_COLUMNS} columns of its categories",
                found=count,
                todo="take fewer of them in one term",
            )
        names = (name for term in self.schema.terms for name, _ in self._expanded(term))
        return tuple("`b`" if name == "b" else name for name in names)

    def matrix(
        self, table: pa.Table | Typed, origin: object = "the table", first_row: int = 1
    ) -> Floats:
        """Return X (n, M), in column-major order, of a table with the types of training.

        Raises UserError naming column and row for a missing cell, one that could not be read, a
        level never seen in training, or an expression that is not finite; rows are counted from
        `first_row`, in `origin`.
        """
        typed = table if isinstance(table, Typed) else Typed(table, {})
        return self._matrix(typed, RaiseFirstError(typed.table.num_rows, origin, first_row))

    def answerable(self, typed: Typed) -> tuple[Floats, CollectErrors]:
        """Return X (n, M) like `matrix`, and the rows of it that mean nothing, with the reasons."""
        noted = CollectErrors(typed.table.num_rows)
        return self._matrix(typed, noted), noted

    def remarks(self, typed: Typed) -> dict[str, Mask]:
        """Return what is to be said about rows that have an answer, by remark the rows (n,) it
        holds for.

        A number that was missing and is filled with the mean, and one outside of the range of the
        training rows.
        """
        found = {}
        for name in self._number_columns:
            column, learned = typed.table.column(name), self.learned[name]
            missing = typed.missing(name)
            if missing is not None and name in self._means:
                found[f"filled with the mean: {name}"] = missing
            if learned.min is not None and learned.max is not None:
                outside = pc.or_(pc.less(column, learned.min), pc.greater(column, learned.max))
                found[f"outside the training range: {name}"] = as_mask(pc.fill_null(outside, False))
        return {remark: rows for remark, rows in found.items() if rows.any()}

    def _matrix(self, typed: Typed, faults: RowErrors) -> Floats:
        cells = Cells(typed, self._means, faults)
        for factor in (
            factor for term in self.schema.terms for factor in term if factor["kind"] == "category"
        ):
            # Also where the training rows had one level only, so that no column shows it.
            cells.level_codes(factor, self._levels(factor))
        X = np.empty((typed.table.num_rows, len(self.names)), order="F")
        j = 0
        for term in self.schema.terms:
            for _, levels in self._expanded(term):
                with np.errstate(over="ignore", invalid="ignore"):
                    for k, (factor, level) in enumerate(zip(term, levels, strict=True)):
                        if level is None:
                            values = cells.number(factor)
                        else:
                            values = cells.level_codes(factor, self._levels(factor)) == level
                        X[:, j] = X[:, j] * values if k else values
                if len(term) > 1:
                    cells.require_finite(X[:, j], ":".join(factor["factor"] for factor in term))
                j += 1
        return X

    def target(self, table: pa.Table, origin: object = "the table", first_row: int = 1) -> Floats:
        """Return y (n,); raises UserError like `matrix`."""
        cells = Cells(Typed(table, {}), {}, RaiseFirstError(table.num_rows, origin, first_row))
        for name in self.schema.target["columns"]:
            cells.require_present(name)
        return cells.number(self.schema.target)

    @cached_property
    def _means(self) -> dict[str, float]:
        """What stands in for a missing number, by column; empty where training took none."""
        means = (
            {name: learned.mean for name, learned in self.learned.items()}
            if self.schema.fill_missing
            else {}
        )
        return {name: mean for name, mean in means.items() if mean is not None}

    @cached_property
    def _number_columns(self) -> list[str]:
        """The columns that are read as numbers."""
        factors = [
            factor for term in self.schema.terms for factor in term if factor["kind"] == "number"
        ]
        return list(dict.fromkeys(name for factor in factors for name in factor["columns"]))

    def _num_columns(self, factor: Mapping[str, Any]) -> int:
        """Return how many columns a factor alone has, or one more."""
        return 1 if factor["kind"] == "number" else max(1, len(self._levels(factor)))

    def _expanded(
        self, term: Sequence[Mapping[str, Any]]
    ) -> Iterator[tuple[str, tuple[int | None, ...]]]:
        """Yield the columns that a term becomes: name, and for each factor the index of its level
        (None: a number).

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
                [
                    (f"{factor['factor']}[{mark}{level}]", i)
                    for i, level in enumerate(levels)
                    if i != reference
                ]
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
                "params.yaml: model.formula",
                f"the reference level of {factor['factor']} is not in the training rows",
                found=repr(factor["base"]),
                todo=f"use one of {', '.join(map(repr, levels[:20]))}",
            )
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
            self._sums += _sums(values)
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
            notes._min, notes._max = (
                min(notes._min, part["range"][0]),
                max(notes._max, part["range"][1]),
            )
        return notes

    def learned(self) -> Learned:
        known = self._is_number and self._count > 0
        return Learned(
            levels=tuple(sorted(self._levels)) if self._is_category else None,
            mean=_mean(self._sums, self._count) if known else None,
            min=self._min if known else None,
            max=self._max if known else None,
        )


def _sums(values: Floats) -> list[float]:
    """Return finite numbers that add up to the values (n,): their sum, or those of halves where it
    is none.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(values.sum())
    if math.isfinite(total) or len(values) == 1:
        return [total]
    return [*_sums(values[: len(values) // 2]), *_sums(values[len(values) // 2 :])]


def _mean(sums: Sequence[float], count: int) -> float:
    try:
        return math.fsum(sums) / count
    # the mean is a float64 all the same
    except OverflowError:
        return float(sum(map(Fraction, sums)) / count)
