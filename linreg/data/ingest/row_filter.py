"""Rows with missing cells dropped, as `ingest.missing` says, and all dropped rows counted."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.formula.expressions import Expression, expression_of, product
from linreg.data.formula.schema import Schema
from linreg.data.ingest.columns import AuxiliaryColumns
from linreg.data.ingest.profile import Profiles
from linreg.data.source_rows import DroppedRows, files_as_data
from linreg.data.tables.arrays import as_arrow, as_floats, as_mask, with_one_zero
from linreg.data.tables.source_chunk import SourceChunk
from linreg.data.typed_table import TypedTable
from linreg.errors import UserError

MissingPolicy = Literal["error", "drop", "mean"]
"""The values of `ingest.missing`."""


class RowFilter:
    """Selects the used columns, drops incomplete rows, and counts.

    columns    the used columns
    kept       the number of rows kept so far
    dropped    the number of rows dropped so far, by the first column that is missing in them
    not_where  the number of rows so far that `ingest.where` leaves out
    """

    def __init__(self, schema: Schema, policy: MissingPolicy, auxiliary: AuxiliaryColumns) -> None:
        self.columns = list(dict.fromkeys([*schema.columns, *auxiliary]))
        self.kept = 0
        self.dropped: dict[str, int] = {}
        self.not_where = 0
        self._policy = policy
        self._required = self.columns
        if policy == "mean":
            filled = _filled_columns(schema, auxiliary)
            self._required = [name for name in self.columns if name not in filled]
        self._expressions = _expressions(schema)
        self._categories = schema.category_columns

    @property
    def num_read(self) -> int:
        """The number of rows kept and dropped so far."""
        return self.kept + self.not_where + sum(self.dropped.values())

    def arrow_schema(self, table: TypedTable) -> pa.Schema:
        """Return the types of the used columns."""
        return pa.schema([table.schema.field(name) for name in self.columns])

    def complete_rows(
        self, table: TypedTable, dropped: DroppedRows | None = None
    ) -> Iterator[pa.Table]:
        """Yield the rows that are kept, a row group at a time; the others are added to `dropped`.

        Raises UserError where an expression of the formula is not finite, or if no row is kept.
        """
        for chunk in table.chunks():
            for expression in self._expressions:
                _check_finite(expression, chunk)
            rows = self._complete_rows(chunk, dropped)
            self.kept += rows.num_rows
            yield rows
        if self.kept == 0:
            reasons = [f"{count} rows without {name}" for name, count in self.dropped.items()]
            raise UserError(
                table.first_file,
                "has no row to train on",
                found=", ".join(reasons) or "a header without rows",
                todo="add rows without missing cells",
            )

    def _complete_rows(self, chunk: SourceChunk, dropped: DroppedRows | None) -> pa.Table:
        """Return the rows of a chunk that lack no required cell; count and add the others."""
        rows = chunk.rows.select(self.columns)
        for name in self._categories:
            index = rows.schema.get_field_index(name)
            rows = rows.set_column(index, name, with_one_zero(rows.column(index)))
        num_required = len(self._required)
        # By row the number of the first required column that is missing.
        first_missing = np.full(rows.num_rows, num_required)
        for number, name in reversed(list(enumerate(self._required))):
            if rows.column(name).null_count:
                first_missing[as_mask(rows.column(name).is_null())] = number
        is_complete = first_missing == num_required
        num_left_out = len(chunk.left_out())
        self.not_where += num_left_out
        if is_complete.all() and not num_left_out:
            return rows
        indices = np.flatnonzero(~is_complete)
        missing = first_missing[indices]
        for name, count in zip(self._required, np.bincount(missing).tolist(), strict=False):
            if count:
                self.dropped[name] = self.dropped.get(name, 0) + count
        if dropped is not None:
            names = pa.array(self._required, pa.string())
            dropped.add(chunk, indices, names.take(as_arrow(missing)))
        return rows.take(as_arrow(np.flatnonzero(is_complete)))

    def as_data(self, profiles: Profiles, table: TypedTable) -> dict[str, Any]:
        """Return the policy, the numbers of rows, and the profiles of the columns kept.

        Of several files, also the number of rows of each; where reading the table took choices,
        the notes about them; of a condition, the number of rows that it leaves out.
        """
        files = files_as_data(((file.num_rows, origin) for file, origin in table.files), table.path)
        dropped = {f"{name} is missing": count for name, count in self.dropped.items()}
        condition = table.condition and table.condition.text
        notes = [note._asdict() for note in table.notes]
        return (
            ({"files": files} if files else {})
            | ({"reading": notes} if notes else {})
            | ({"where": {"condition": condition, "left_out": self.not_where}} if condition else {})
            | {
                "missing": self._policy,
                "rows_read": self.num_read,
                "rows": self.kept,
                "dropped": dropped,
                "columns": {name: profiles[name].as_data() for name in self.columns},
            }
        )


def _filled_columns(schema: Schema, auxiliary: AuxiliaryColumns) -> set[str]:
    """Return the columns in which the mean will replace a missing number: features and no more.

    A row without its target, its weight or the level of a category cannot be used.
    """
    numbers = {name for name, column in schema.features.items() if column.kind == "number"}
    return numbers - schema.category_columns - set(schema.target["columns"]) - set(auxiliary)


def _expressions(schema: Schema) -> list[Expression]:
    """Return what is computed of numbers, each once: numeric factors that are no column, and the
    products of the numeric factors of a term.
    """
    expressions: dict[tuple[str, tuple[str, ...]], Expression] = {}
    for term in [[schema.target], *schema.terms]:
        numbers = [factor for factor in term if factor["kind"] == "number"]
        factors = [expression_of(factor["factor"], factor["columns"]) for factor in numbers]
        computed = [factor for factor in factors if factor.columns != (factor.text,)]
        if len(factors) > 1:
            computed.append(product(factors))
        expressions |= {(each.text, each.columns): each for each in computed}
    return list(expressions.values())


def _check_finite(expression: Expression, chunk: SourceChunk) -> None:
    """Raise UserError for the first row without missing values whose result is not finite."""
    columns = {
        name: as_floats(
            pc.fill_null(chunk.rows.column(name).cast(pa.float64(), safe=False), np.nan)
        )
        for name in expression.columns
    }
    is_missing = np.any([np.isnan(values) for values in columns.values()], axis=0)
    wrong = ~is_missing & ~np.isfinite(expression(columns))
    if wrong.any():
        row = int(wrong.argmax())
        found = ", ".join(f"{name} = {values[row]:.17g}" for name, values in columns.items())
        raise UserError(
            f"{chunk.origin}: row {chunk.row_number(row)}: {expression.text}",
            "is not finite",
            found=found,
            todo="change model.formula or leave the row out",
        )
