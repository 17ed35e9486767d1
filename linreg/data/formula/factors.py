"""The factors of a design, computed from the cells of one table, and what makes a row unfit for
them.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.data.formula.coerce import Typed
from linreg.data.formula.expressions import Expression, parse_expression
from linreg.data.formula.row_errors import Mask, RowError, RowErrors
from linreg.data.tables.arrays import as_floats, as_mask, as_numpy

Floats = NDArray[np.float64]
Level = str | int | float | bool


class Cells:
    """The factors of one table, each computed once; rows without an answer are refused with
    `faults`.

    What is returned for a refused row means nothing.
    """

    def __init__(self, typed: Typed, means: Mapping[str, float], faults: RowErrors) -> None:
        """Take the cells, and the means that stand in for missing numbers, by column (none: they
        are refused).
        """
        self._typed, self._means, self._faults = typed, means, faults
        self._columns: dict[str, Floats] = {}
        self._numbers: dict[str, Floats] = {}
        self._codes: dict[str, NDArray[np.int32]] = {}

    def number(self, factor: Mapping[str, Any]) -> Floats:
        """Return a numeric factor (n,), every value finite."""
        text = factor["factor"]
        if text not in self._numbers:
            for name in factor["columns"]:
                if name not in self._columns:
                    self._columns[name] = self._numbers_of(name)
            values = _expression(factor)(self._columns)
            self.require_finite(values, text, factor["columns"])
            self._numbers[text] = values
        return self._numbers[text]

    def require_finite(self, values: Floats, what: str, names: Sequence[str] = ()) -> None:
        """Refuse the rows whose value is not finite, for one of its columns if that is not finite
        itself.
        """
        wrong = ~np.isfinite(values)
        if not wrong.any():
            return
        for name in names:
            in_column = wrong & ~np.isfinite(self._columns[name])
            there = as_mask(
                self._typed.table.column(name).is_valid()
                # what is not there was refused before
            )
            self._refuse_not_finite(in_column & there, name, f"column {name}")
            wrong &= ~in_column
        self._refuse_not_finite(wrong & ~self._faults.refused, what, what)

    def require_present(self, name: str) -> None:
        """Refuse the rows whose cell is missing."""
        missing = self._typed.missing(name)
        if missing is not None:
            todo = "fill the cell or leave the row out"
            fault = RowError(
                f"missing value: {name}", f"column {name}", "is missing", lambda _: None, todo
            )
            self._faults.refuse(missing, fault)

    def level_codes(self, factor: Mapping[str, Any], levels: Sequence[Level]) -> NDArray[np.int32]:
        """Return the index of each row's level (n,), in the order of the learned levels."""
        name = factor["columns"][0]
        if name not in self._codes:
            column = self._typed.table.column(name)
            codes = pc.index_in(column, value_set=pa.array(levels, type=column.type))
            if codes.null_count:
                self.require_present(name)
                missing = self._typed.missing(name)
                unseen = (
                    as_mask(codes.is_null())
                    if missing is None
                    else as_mask(codes.is_null()) & ~missing
                )
                what = "holds a level that the training rows do not have"
                known = f"known levels: {', '.join(map(str, levels[:20]))}{', …' if len(levels) > 20 else ''}"
                fault = RowError(
                    f"unseen level: {name}",
                    f"column {name}",
                    what,
                    partial(self._cell, name),
                    known,
                )
                self._faults.refuse(unseen, fault)
                codes = pc.fill_null(codes, -1)
            self._codes[name] = as_numpy(codes)
        return self._codes[name]

    def _numbers_of(self, name: str) -> Floats:
        column = self._typed.table.column(name)
        if not column.null_count:
            return as_floats(column)
        if name in self._typed.unreadable:
            what, todo = "must hold a number", "correct the cell"
            fault = RowError(
                f"not a number: {name}", f"column {name}", what, partial(self._cell, name), todo
            )
            self._faults.refuse(self._typed.unreadable[name].rows, fault)
        if name not in self._means:
            self.require_present(name)
        return as_floats(
            pc.fill_null(column.cast(pa.float64(), safe=False), self._means.get(name, np.nan))
        )

    def _cell(self, name: str, row: int) -> str:
        """Return a cell as it was before it got its type."""
        cells = (
            self._typed.unreadable[name].cells
            if name in self._typed.unreadable
            else self._typed.table.column(name)
        )
        return repr(cells[row].as_py())

    def _refuse_not_finite(self, rows: Mask, what: str, where: str) -> None:
        def found(row: int) -> str:
            return ", ".join(
                f"{name} = {column[row]:.17g}" for name, column in self._columns.items()
            )

        self._faults.refuse(rows, RowError(f"not finite: {what}", where, "is not finite", found))


def _expression(factor: Mapping[str, Any]) -> Expression:
    """A column's name may hold anything, so a factor that is a column is not parsed."""
    text = factor["factor"]
    if list(factor["columns"]) == [text]:
        return Expression(text, (text,), lambda values: values[text])
    return parse_expression(text)
