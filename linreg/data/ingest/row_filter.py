"""Rows with missing cells dropped, as `ingest.missing` says, and all dropped rows counted."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from linreg.arrays import Floats, Mask
from linreg.data.formula.expressions import Expression, expression_of, numeric_cells, product
from linreg.data.formula.learned_functions import basis_factor
from linreg.data.formula.level_sources import LevelSource, level_source
from linreg.data.formula.schema import Schema
from linreg.data.ingest.columns import AuxiliaryColumns
from linreg.data.ingest.profile import Profiles
from linreg.data.source_rows import DroppedRows, files_as_data
from linreg.data.tables.arrays import as_arrow, as_mask, with_one_zero
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
        self._cuts = _cuts(schema)
        # Whose values are told apart, as levels, groups, clusters or times.
        self._by_value = schema.category_columns | set(auxiliary)

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
            for cut in self._cuts:
                _check_inside(cut, chunk)
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
        for name in self._by_value:
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
    """Return what is computed of numbers and times, each once: numeric factors that are no column,
    and the products of the numeric factors of a term. Of a function that learns it is what it
    learns from, as nothing is learned yet.
    """
    expressions: dict[tuple[str, tuple[str, ...]], Expression] = {}
    for term in [[schema.target], *schema.terms, *([each] for each in schema.offset)]:
        factors = [
            expression_of(each["factor"], each["columns"]) for each in term if _is_plain(each)
        ]
        computed = [argument for each in term for argument in _arguments(each)]
        plain = [factor for factor in factors if not factor.learned]
        computed += [factor for factor in plain if factor.columns != (factor.text,)]
        computed += [call.argument for factor in factors for call in factor.learned]
        if len(plain) > 1:
            computed.append(product(plain))
        expressions |= {
            (each.text, each.columns): each for each in computed if each.columns != (each.text,)
        }
    return list(expressions.values())


def _is_plain(factor: Mapping[str, Any]) -> bool:
    return bool(factor["kind"] == "number")


def _arguments(factor: Mapping[str, Any]) -> list[Expression]:
    """Return what the levels or the columns of a factor are computed from, if it is no number."""
    if factor["kind"] == "basis":
        return [basis_factor(factor["factor"]).argument]
    return [level_source(factor["of"]).argument] if "of" in factor else []


def _cuts(schema: Schema) -> list[LevelSource]:
    """Return the cuts whose breaks stand in the formula."""
    sources = map(level_source, sorted(schema.computed_categories))
    return [each for each in sources if each.cut and isinstance(each.cut.breaks, tuple)]


def _check_finite(expression: Expression, chunk: SourceChunk) -> None:
    """Raise UserError for the first row without missing values whose result is not finite."""
    columns, is_missing = _cells(expression, chunk)
    wrong = ~is_missing & ~np.isfinite(expression(columns))
    if wrong.any():
        row = int(wrong.argmax())
        raise UserError(
            f"{chunk.origin}: row {chunk.row_number(row)}: {expression.text}",
            "is not finite",
            found=_found(expression, chunk, columns, row),
            todo="change model.formula or leave the row out",
        )


def _check_inside(source: LevelSource, chunk: SourceChunk) -> None:
    """Raise UserError for the first row whose number is in no interval of a cut."""
    columns, is_missing = _cells(source.argument, chunk)
    levels = source.levels(source.argument(columns), {})
    outside = ~is_missing & as_mask(levels.is_null())
    if outside.any():
        row = int(outside.argmax())
        raise UserError(
            f"{chunk.origin}: row {chunk.row_number(row)}: {source.text}",
            "is in no interval",
            found=_found(source.argument, chunk, columns, row),
            todo="extend the breaks, with -Inf or Inf if need be, or leave out the row",
        )


def _cells(expression: Expression, chunk: SourceChunk) -> tuple[dict[str, Floats], Mask]:
    """Return the columns of an expression, and the rows (n,) in which one is missing."""
    columns = {name: numeric_cells(chunk.rows.column(name)) for name in expression.columns}
    return columns, np.any([np.isnan(values) for values in columns.values()], axis=0)


def _found(
    expression: Expression, chunk: SourceChunk, columns: Mapping[str, Floats], row: int
) -> str:
    cells = {
        name: str(chunk.rows.column(name)[row])
        if name in expression.times
        else f"{values[row]:.17g}"
        for name, values in columns.items()
    }
    return ", ".join(f"{name} = {cell}" for name, cell in cells.items())
