"""The values of a formula's factors in one table, and the errors of rows that lack one."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linreg.arrays import Floats, Mask
from linreg.data.formula.coefficient_names import FactorKey, key_of
from linreg.data.formula.coercion import CoercedTable
from linreg.data.formula.expressions import expression_of
from linreg.data.formula.row_errors import RowError, RowErrorHandler
from linreg.data.tables.arrays import as_floats, as_mask, as_numpy

Level = str | int | float | bool

_MOST_LEVELS_LISTED = 20


class FactorValues:
    """The values of factors, each computed once; rows without a value are reported to `errors`.

    `means` replace missing numbers, by column; a missing number of another column is an error. The
    value of a row with an error has no meaning.
    """

    def __init__(
        self, features: CoercedTable, means: Mapping[str, float], errors: RowErrorHandler
    ) -> None:
        self._features = features
        self._means = means
        self._errors = errors
        self._columns: dict[str, Floats] = {}
        self._numbers: dict[FactorKey, Floats] = {}
        self._codes: dict[str, NDArray[np.int32]] = {}

    def number(self, factor: Mapping[str, Any]) -> Floats:
        """Return a numeric factor (n,), finite in every row without an error."""
        key = key_of(factor)
        if key not in self._numbers:
            text, columns = key
            for name in columns:
                if name not in self._columns:
                    self._columns[name] = self._numeric_column(name)
            values = expression_of(text, columns)(self._columns)
            self.check_finite(values, text, columns)
            self._numbers[key] = values
        return self._numbers[key]

    def level_codes(
        self, factor: Mapping[str, Any], levels: Sequence[Level], of_others: int | None = None
    ) -> NDArray[np.int32]:
        """Return the index in `levels` of each row's level (n,); -1 for a row with an error.

        of_others  the index of any other level; None where it is an error
        """
        name = factor["columns"][0]
        if name not in self._codes:
            column = self._features.table.column(name)
            codes = pc.index_in(column, value_set=pa.array(levels, type=column.type))
            if codes.null_count:
                self.check_present(name)
                unseen = as_mask(codes.is_null())
                if (missing := self._features.missing(name)) is not None:
                    unseen = unseen & ~missing
                if of_others is None:
                    self._report_unseen_levels(name, unseen, levels)
                    of_others = -1
                codes = pc.fill_null(codes, -1)
                self._codes[name] = np.where(unseen, np.int32(of_others), as_numpy(codes))
            else:
                self._codes[name] = as_numpy(codes)
        return self._codes[name]

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
        if not column.null_count:
            return as_floats(column)
        if name in self._features.invalid:
            error = RowError(
                f"not a number: {name}",
                f"column {name}",
                "must hold a number",
                partial(self._original_cell, name),
                "correct the cell",
            )
            self._errors.report(self._features.invalid[name].rows, error)
        if name not in self._means:
            self.check_present(name)
        filled = self._means.get(name, np.nan)
        return as_floats(pc.fill_null(column.cast(pa.float64(), safe=False), filled))

    def _report_unseen_levels(self, name: str, unseen: Mask, levels: Sequence[Level]) -> None:
        listed = ", ".join(map(str, levels[:_MOST_LEVELS_LISTED]))
        more = ", …" if len(levels) > _MOST_LEVELS_LISTED else ""
        error = RowError(
            f"unseen level: {name}",
            f"column {name}",
            "holds a level that the training rows do not have",
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
