"""The values of a formula's factors in one table, and the errors of rows that lack one."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask
from linreg.data.formula.coercion import CoercedTable
from linreg.data.formula.column_statistics import Level
from linreg.data.formula.expressions import (
    NOTHING,
    Expression,
    Learned,
    expression_of,
    numeric_cells,
)
from linreg.data.formula.functions.calendar import is_time
from linreg.data.formula.grammar.coefficient_names import FactorKey, key_of
from linreg.data.formula.learned_functions import basis_factor
from linreg.data.formula.level_sources import level_source
from linreg.data.formula.row_errors import RowError, RowErrorHandler
from linreg.data.formula.schema import category_of
from linreg.data.tables.arrays import as_mask, as_numpy

_MOST_LEVELS_LISTED = 20


class FactorValues:
    """The values of factors, each computed once; rows without a value are reported to `errors`.

    `means` replace missing numbers, by column; a missing number of another column is an error. The
    value of a row with an error has no meaning. `learned` is what functions have learned.
    """

    def __init__(
        self,
        features: CoercedTable,
        means: Mapping[str, float],
        errors: RowErrorHandler,
        learned: Learned = NOTHING,
    ) -> None:
        self._features = features
        self._means = means
        self._errors = errors
        self._learned = learned
        self._bases: dict[str, list[Floats]] = {}
        self._columns: dict[str, Floats] = {}
        self._numbers: dict[FactorKey, Floats] = {}
        self._codes: dict[str, NDArray[np.int32]] = {}

    def number(self, factor: Mapping[str, Any]) -> Floats:
        """Return a numeric factor (n,), finite in every row without an error."""
        key = key_of(factor)
        if key not in self._numbers:
            self._numbers[key] = self._computed(expression_of(*key))
        return self._numbers[key]

    def basis(self, factor: Mapping[str, Any]) -> list[Floats]:
        """Return the columns (n,) of a factor of several, finite in every row without an error."""
        text = factor["factor"]
        if text not in self._bases:
            found = basis_factor(text)
            values = self._computed(found.argument)
            # What has an error may be NaN, which is in no piece of a spline.
            values = np.where(np.isfinite(values), values, 0.0)
            with np.errstate(all="ignore"):
                columns = found.basis.columns(values, self._learned.get(text, {}))
            for column in columns:
                self.check_finite(column, text, factor["columns"])
            self._bases[text] = columns
        return self._bases[text]

    def level_codes(
        self, factor: Mapping[str, Any], levels: Sequence[Level], of_others: int | None = None
    ) -> NDArray[np.int32]:
        """Return the index in `levels` of each row's level (n,); -1 for a row with an error.

        of_others  the index of any other level; None where it is an error
        """
        category, name = category_of(factor), factor["columns"][0]
        if category not in self._codes:
            column = self._level_column(factor)
            codes = pc.index_in(column, value_set=pa.array(levels, type=column.type))
            if codes.null_count:
                unseen = as_mask(codes.is_null())
                if "of" in factor:
                    unseen = unseen & ~self._errors.invalid
                else:
                    self.check_present(name)
                    if (missing := self._features.missing(name)) is not None:
                        unseen = unseen & ~missing
                if of_others is None:
                    self._report_unseen_levels(name, category, unseen, levels)
                    of_others = -1
                codes = pc.fill_null(codes, -1)
                self._codes[category] = np.where(unseen, np.int32(of_others), as_numpy(codes))
            else:
                self._codes[category] = as_numpy(codes)
        return self._codes[category]

    def _level_column(self, factor: Mapping[str, Any]) -> pa.Array | pa.ChunkedArray:
        """Return the levels (n,) of a category, null where a row has none."""
        if "of" not in factor:
            return self._features.table.column(factor["columns"][0])
        source = level_source(factor["of"])
        values = self._computed(source.argument)
        return source.levels(values, self._learned.get(source.text, {}))

    def _computed(self, expression: Expression) -> Floats:
        """Return the values (n,) of an expression, finite in every row without an error."""
        for name in expression.columns:
            if name not in self._columns:
                self._columns[name] = self._numeric_column(name)
        values = expression(self._columns, self._learned)
        self.check_finite(values, expression.text, expression.columns)
        return values

    def check_present(self, name: str) -> None:
        """Report the rows in which a column is missing."""
        missing = self._features.missing(name)
        if missing is not None:
            todo = "fill the cell or leave the row out"
            error = RowError(
                f"missing value: {name}", f"column {name}", "is missing", lambda _: None, todo
            )
            self._errors.report(missing, error)

    def check_finite(self, values: Floats, what: str, names: Sequence[str] = ()) -> None:
        """Report the rows in which `values` are not finite.

        `names` are the columns that the values were computed from: where such a column is not
        finite itself, the error is the column's.
        """
        wrong = ~np.isfinite(values)
        if not wrong.any():
            return
        for name in names:
            in_column = wrong & ~np.isfinite(self._columns[name])
            # A missing cell was reported when its column was read.
            present = as_mask(self._features.table.column(name).is_valid())
            self._report_not_finite(in_column & present, name, f"column {name}")
            wrong &= ~in_column
        self._report_not_finite(wrong & ~self._errors.invalid, what, what)

    def _numeric_column(self, name: str) -> Floats:
        """Return a column (n,), with the mean for a missing cell; NaN in a row with an error."""
        column = self._features.table.column(name)
        kind = "time" if is_time(column.type) else "number"
        if not column.null_count:
            return numeric_cells(column)
        if name in self._features.invalid:
            error = RowError(
                f"not a {kind}: {name}",
                f"column {name}",
                f"must hold a {kind}",
                partial(self._original_cell, name),
                "correct the cell",
            )
            self._errors.report(self._features.invalid[name].rows, error)
        if name not in self._means:
            self.check_present(name)
        cells = numeric_cells(column)
        return np.where(as_mask(column.is_null()), self._means.get(name, np.nan), cells)

    def _report_unseen_levels(
        self, name: str, category: str, unseen: Mask, levels: Sequence[Level]
    ) -> None:
        listed = ", ".join(map(str, levels[:_MOST_LEVELS_LISTED]))
        more = ", …" if len(levels) > _MOST_LEVELS_LISTED else ""
        error = RowError(
            f"unseen level: {category}",
            f"column {name}",
            f"has a level of {category} that the training rows do not have"
            if category != name
            else "holds a level that the training rows do not have",
            partial(self._original_cell, name),
            f"known levels: {listed}{more}",
        )
        self._errors.report(unseen, error)

    def _report_not_finite(self, rows: Mask, what: str, where: str) -> None:
        def found(row: int) -> str:
            cells = {name: f"{column[row]:.17g}" for name, column in self._columns.items()}
            for name in cells.keys() & self._means:
                missing = self._features.missing(name)
                if missing is not None and missing[row]:
                    cells[name] += " (the mean: the cell is missing)"
            return ", ".join(f"{name} = {cell}" for name, cell in cells.items())

        self._errors.report(rows, RowError(f"not finite: {what}", where, "is not finite", found))

    def _original_cell(self, name: str, row: int) -> str:
        """Return a cell as it was before its column was coerced."""
        invalid = self._features.invalid
        cells = invalid[name].original if name in invalid else self._features.table.column(name)
        return repr(cells[row].as_py())
