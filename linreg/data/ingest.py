"""Checks at the boundary: what enters the pipeline is typed, finite and what the formula says it
is.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.csv.header import suggest_name
from linreg.data.formula.design_spec import design_spec
from linreg.data.formula.expressions import parse_expression
from linreg.data.formula.formula import Factor, parse_formula
from linreg.data.formula.schema import Column, Schema, kind_of
from linreg.data.profile import MOST_LEVELS, ColumnProfile
from linreg.data.source import Source, TypedTable
from linreg.data.tables.arrays import as_floats
from linreg.data.tables.source_chunk import SourceChunk
from linreg.data.text_columns import first_text, refuse_unless_category
from linreg.errors import UserError

Profiles = Mapping[str, ColumnProfile]
Beside = Mapping[str, str]
"""Columns needed beside those of the formula, each with the parameter that names it: split.by,
model.weights.
"""


def columns_to_read(formula: str, source: Source, beside: Beside) -> list[str]:
    """Return the columns that the formula and other parameters name, in the order of the file.

    Raises UserError for a name that the file does not have.
    """
    named = [name for name in source.columns if name]
    needed = dict.fromkeys(
        [*parse_formula(formula, [name for name in named if name not in beside]).columns, *beside]
    )
    for name in needed:
        if name not in named:
            parameter = beside.get(name, "model.formula")
            raise UserError(
                f"{source.files[0]}: column {name}",
                f"is not in the file, but {parameter} needs it",
                found=", ".join(named),
                todo=suggest_name(name, named)
                or "correct the name; names with spaces go in `back-quotes`",
            )
    return [name for name in named if name in needed]


def describe(table: TypedTable) -> dict[str, ColumnProfile]:
    """Read the table once for the profile of every column; raises UserError for a number that is
    not finite.
    """
    profiles = {field.name: ColumnProfile(field.type) for field in table.schema}
    for part in table.parts():
        for name, profile in profiles.items():
            profile.read(part, name)
    return profiles


def left_out_of_dot(profiles: Profiles, beside: Beside) -> dict[str, str]:
    """Return the columns that `.` does not stand for, with the reason."""
    reasons = {}
    for name, profile in profiles.items():
        if name in beside:
            reasons[name] = f"named by {beside[name]}"
        elif kind_of(profile.type) in ("time", "other"):
            reasons[name] = "a time"
        elif profile.is_free_text:
            many = f"over {MOST_LEVELS}" if profile.levels is None else len(profile.levels)
            reasons[name] = f"free text, {many} different values in {profile.count} cells"
    return reasons


def make_schema(
    formula: str, profiles: Profiles, table: TypedTable, beside: Beside, **more: Any
) -> Schema:
    """Settle what each column is to the formula; raises UserError when a column cannot be that.

    `more` goes into the schema: `fill_missing` and `truth`.
    """
    categories = frozenset(
        name for name, each in profiles.items() if kind_of(each.type) == "category"
    )
    out = left_out_of_dot(profiles, beside)
    parsed = parse_formula(formula, [name for name in profiles if name not in out], categories)
    for factor in [parsed.target, *(factor for term in parsed.terms for factor in term)]:
        _check_factor(factor, factor is parsed.target, profiles, table)
    names = [name for name in profiles if name in parsed.columns]
    columns = {
        name: Column(str(profiles[name].type), kind_of(profiles[name].type)) for name in names
    }
    return Schema(formula=str(parsed), columns=columns, **design_spec(parsed), **more)


def missing_cells(profiles: Profiles, schema: Schema, beside: Beside) -> dict[str, int]:
    """Return how many cells are missing per column that is used, for those with any."""
    used = dict.fromkeys([*schema.columns, *beside])
    return {name: profiles[name].missing for name in used if profiles[name].missing}


def refuse_empty(profiles: Profiles, schema: Schema, table: TypedTable) -> None:
    """Raise UserError for a column that the formula reads and that holds no value at all."""
    for name in schema.columns:
        if profiles[name].count == 0 and profiles[name].missing:
            where = f"{table.files[0][1]}: column {name}"
            raise UserError(
                where, "holds no value, only missing cells", todo="leave it out of model.formula"
            )


def check_weights(profiles: Profiles, schema: Schema, table: TypedTable) -> None:
    """Raise UserError when the column of weights is no number, holds a negative one, or nothing
    above 0.
    """
    if schema.weights is None:
        return
    where, profile = f"{table.files[0][1]}: column {schema.weights}", profiles[schema.weights]
    if kind_of(profile.type) != "number":
        raise UserError(
            where,
            "must be a number to weigh rows",
            found=str(profile.type),
            todo="change model.weights",
        )
    if profile.min is not None and profile.min < 0:
        for part in table.parts():
            negative = pc.index(pc.less(part.rows.column(schema.weights), 0), True).as_py()
            if negative >= 0:
                where = f"{part.origin}: row {part.first_row + negative}: column {schema.weights}"
                found = part.rows.column(schema.weights)[negative].as_py()
                raise UserError(
                    where,
                    "must not be negative to weigh a row",
                    found=found,
                    todo="correct the weight",
                )
    if not profile.max:
        raise UserError(
            where, "weighs no row: every weight is 0 or missing", todo="change model.weights"
        )


def refuse_missing(profiles: Profiles, missing: Mapping[str, int]) -> None:
    """Raise UserError naming the first missing cell of the first column that has any."""
    for name, count in missing.items():
        others = (
            f" (and in {', '.join(other for other in missing if other != name)})"
            if len(missing) > 1
            else ""
        )
        raise UserError(
            profiles[name].first_missing,
            f"is missing, the first of {count} such cells{others}",
            todo="set ingest.missing to drop or mean, or fill the cells",
        )


def unused_columns(
    source: Source, profiles: Profiles, used: Sequence[str], beside: Beside
) -> dict[str, str | None]:
    """Return the named columns of the source that go no further, with the reason if `.` left them
    out.
    """
    reasons = left_out_of_dot(profiles, beside)
    return {name: reasons.get(name) for name in source.columns if name and name not in used}


class Cleaning:
    """Applies `ingest.missing` to the rows, part by part, and counts what it drops.

    dropped  rows left out, by the column whose cell was missing (the first, where several are)
    rows     rows kept
    """

    def __init__(
        self, schema: Schema, policy: Literal["error", "drop", "mean"], beside: Beside
    ) -> None:
        self.rows = 0
        self.dropped: dict[str, int] = {}
        self.columns = list(dict.fromkeys([*schema.columns, *beside]))
        # A mean stands in for a feature; no mean can stand in for what is to be predicted, nor for
        # a category.
        filled = {name for name, column in schema.features.items() if column.kind == "number"}
        filled -= schema.category_columns | set(schema.target["columns"]) | set(beside)
        self._required = [name for name in self.columns if policy != "mean" or name not in filled]
        factors = [schema.target, *(factor for term in schema.terms for factor in term)]
        numbers = {factor["factor"]: factor for factor in factors if factor["kind"] == "number"}
        self._expressions = [
            parse_expression(text)
            for text, factor in numbers.items()
            if factor["columns"] != [text]
        ]

    def tables(self, table: TypedTable) -> Iterator[pa.Table]:
        """Yield the rows that stay; raises UserError where a formula's expression is not finite, or
        none stay.
        """
        for part in table.parts():
            self._check_expressions(part)
            rows = part.rows.select(self.columns)
            for name in self._required:
                if rows.column(name).null_count:
                    before = rows.num_rows
                    rows = rows.filter(pc.is_valid(rows.column(name)))
                    self.dropped[name] = self.dropped.get(name, 0) + before - rows.num_rows
            self.rows += rows.num_rows
            yield rows
        if self.rows == 0:
            raise UserError(
                table.files[0][1],
                "has no row to learn from",
                found=self._reasons(),
                todo="bring rows with values",
            )

    @property
    def rows_read(self) -> int:
        """Rows kept and rows dropped."""
        return self.rows + sum(self.dropped.values())

    def as_data(self, profiles: Profiles) -> dict[str, Any]:
        """Return how many rows were read, kept and dropped (by reason), and the profile of each
        column kept.
        """
        return {
            "rows_read": self.rows_read,
            "rows": self.rows,
            "dropped": {f"{name} is missing": count for name, count in self.dropped.items()},
            "columns": {name: profiles[name].as_data() for name in self.columns},
        }

    def _reasons(self) -> str:
        reasons = [f"{count} rows without {name}" for name, count in self.dropped.items()]
        return ", ".join(reasons) or "a header and nothing below it"

    def _check_expressions(self, part: SourceChunk) -> None:
        for expression in self._expressions:
            columns = {
                name: as_floats(
                    pc.fill_null(part.rows.column(name).cast(pa.float64(), safe=False), np.nan)
                )
                for name in expression.columns
            }
            known = ~np.any([np.isnan(values) for values in columns.values()], axis=0)
            wrong = known & ~np.isfinite(expression(columns))
            if wrong.any():
                row = int(np.flatnonzero(wrong)[0])
                found = ", ".join(
                    f"{name} = {values[row]:.17g}" for name, values in columns.items()
                )
                raise UserError(
                    f"{part.origin}: row {part.first_row + row}",
                    f"{expression.text} is not a finite number here",
                    found=found,
                    todo="change model.formula or leave the row out",
                )


def _check_factor(factor: Factor, is_target: bool, profiles: Profiles, table: TypedTable) -> None:
    for name in factor.columns:
        profile, kind = profiles[name], kind_of(profiles[name].type)
        if kind == "category" and (is_target or (factor.kind == "number")):
            role = "the target" if is_target else factor.text
            raise UserError(
                first_text(table, name),
                f"must be a number, since {role} is one",
                found=f"type {profile.type}",
                todo="correct the cell (a missing one is empty, NA or ?), or use another column",
            )
        if kind in ("time", "other"):
            raise UserError(
                f"{table.files[0][1]}: column {name}",
                "must be a number or a category to be in the formula",
                found=str(profile.type),
                todo="make a number of it; as a time it can be used in split.by",
            )
        if factor.kind == "category" and factor.text == name:
            refuse_unless_category(table, name, profile)
