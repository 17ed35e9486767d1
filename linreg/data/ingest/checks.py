"""Checks of the profiles, before a table is written: values, weights, missing cells."""

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from linreg.data.formula.schema import Schema, kind_of
from linreg.data.ingest.columns import AuxiliaryColumns
from linreg.data.ingest.profile import Profiles
from linreg.data.typed_table import TypedTable
from linreg.errors import UserError


def check_values(
    profiles: Profiles,
    schema: Schema,
    table: TypedTable,
    auxiliary: AuxiliaryColumns,
    missing: Literal["error", "drop", "mean"],
) -> None:
    """Raise UserError for a column without a value, for weights that are none, and for a missing
    cell where `ingest.missing` makes that an error.
    """
    check_not_empty(profiles, schema, table)
    check_weights(profiles, schema, table)
    if missing == "error":
        check_nothing_missing(profiles, schema, auxiliary)


def check_not_empty(profiles: Profiles, schema: Schema, table: TypedTable) -> None:
    """Raise UserError for a column of the formula in which every cell is missing."""
    for name in schema.columns:
        if profiles[name].count == 0 and profiles[name].missing:
            raise UserError(
                f"{table.first_file}: column {name}",
                "has no value, only missing cells",
                todo="leave it out of model.formula",
            )


def check_weights(profiles: Profiles, schema: Schema, table: TypedTable) -> None:
    """Raise UserError unless the weights are numbers, none of them negative and one positive."""
    if schema.weights is None:
        return
    where = f"{table.first_file}: column {schema.weights}"
    profile = profiles[schema.weights]
    if kind_of(profile.type) != "number":
        raise UserError(
            where,
            "must be numeric to be used as weights",
            found=str(profile.type),
            todo="change model.weights",
        )
    if profile.min is not None and profile.min < 0:
        raise _negative_weight(table, schema.weights)
    if not profile.max:
        raise UserError(
            where, "has no positive weight: each is 0 or missing", todo="change model.weights"
        )
    if schema.weights_kind == "frequency":
        _require_counts(table, schema.weights)


def check_nothing_missing(profiles: Profiles, schema: Schema, auxiliary: AuxiliaryColumns) -> None:
    """Raise UserError for the first missing cell of the first used column that has any."""
    used = dict.fromkeys([*schema.columns, *auxiliary])
    incomplete = [name for name in used if profiles[name].missing]
    if incomplete:
        name, *others = incomplete
        also = f" (and in {', '.join(others)})" if others else ""
        raise UserError(
            profiles[name].first_missing,
            f"is missing, the first of {profiles[name].missing} such cells{also}",
            todo="set ingest.missing to drop or mean, or fill the cells",
        )


def _require_counts(table: TypedTable, name: str) -> None:
    """Raise UserError for the first weight that is no whole number, or too large to be a count."""
    if pa.types.is_integer(table.schema.field(name).type):
        return
    for chunk in table.chunks():
        column = chunk.rows.column(name)
        is_count = pc.and_(pc.equal(pc.floor(column), column), pc.less(column, 2.0**53))
        row = pc.index(is_count, False).as_py()
        if row >= 0:
            raise UserError(
                f"{chunk.origin}: row {chunk.row_number(row)}: column {name}",
                "must be a whole number, as it is a frequency weight: how many rows this one"
                " stands for",
                found=column[row].as_py(),
                todo="correct the weight, or set model.weights.kind to analytic or sampling",
            )


def _negative_weight(table: TypedTable, name: str) -> UserError:
    """Return the error for the first negative weight of a table that has one."""
    for chunk in table.chunks():
        column = chunk.rows.column(name)
        row = pc.index(pc.less(column, 0), True).as_py()
        if row >= 0:
            return UserError(
                f"{chunk.origin}: row {chunk.row_number(row)}: column {name}",
                "must not be negative, as it is a weight",
                found=column[row].as_py(),
                todo="correct the weight",
            )
    raise AssertionError("the table has a negative weight")
