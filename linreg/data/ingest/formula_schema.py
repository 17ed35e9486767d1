"""The formula resolved against the columns of a table: which are numbers, which categories."""

from typing import Any

import pyarrow as pa

from linreg.data.cells.cell_format import CellFormat
from linreg.data.formula.design_spec import design_spec
from linreg.data.formula.formula import Factor, parse_formula
from linreg.data.formula.schema import Column, Schema, kind_of
from linreg.data.ingest.columns import AuxiliaryColumns, excluded_from_dot
from linreg.data.ingest.profile import ColumnProfile, Profiles
from linreg.data.ingest.text_columns import check_is_category, first_text
from linreg.data.typed_table import TypedTable
from linreg.errors import UserError


def make_schema(
    formula: str, profiles: Profiles, table: TypedTable, auxiliary: AuxiliaryColumns, **options: Any
) -> Schema:
    """Return the schema of a formula; raises UserError for a column that cannot be what it needs.

    `options` go into the schema as they are: fill_missing, truth, weights, unseen, pool, reading;
    levels, and the table's sentinels, for the columns that the formula reads.
    """
    categories = frozenset(
        name for name, profile in profiles.items() if kind_of(profile.type) == "category"
    )
    excluded = excluded_from_dot(profiles, auxiliary)
    candidates = [name for name in profiles if name not in excluded]
    parsed = parse_formula(formula, candidates, categories)
    _check_factor(parsed.target, "the target", profiles, table)
    for factor in (*parsed.factors, *parsed.offsets):
        is_absorbed = factor in parsed.absorbed
        _check_factor(factor, f"used in {factor.text}", profiles, table, is_absorbed=is_absorbed)
    columns = {
        name: _column(profile.type, table.formats.get(name))
        for name, profile in profiles.items()
        if name in parsed.columns
    }
    for key, values in (("levels", options.get("levels", {})), ("sentinels", table.sentinels)):
        options[key] = {name: list(values[name]) for name in columns if name in values}
    return Schema(formula=str(parsed), columns=columns, **design_spec(parsed), **options)


def _column(type_: pa.DataType, format_: CellFormat | None) -> Column:
    if format_ is None:
        return Column(str(type_), kind_of(type_))
    written = (format_.decimal, format_.thousands, format_.unit)
    return Column(str(type_), kind_of(type_), *written)


def _check_factor(
    factor: Factor, role: str, profiles: Profiles, table: TypedTable, *, is_absorbed: bool = False
) -> None:
    """Raise UserError for a column whose type the factor cannot use."""
    for name in factor.columns:
        profile = profiles[name]
        kind = kind_of(profile.type)
        if name in factor.times:
            if kind != "time":
                place = first_text if kind == "category" else _column_place
                raise UserError(
                    place(table, name),
                    f"must be a date or a time, as it is {role}",
                    found=f"type {profile.type}",
                    todo="write dates as 2024-12-31, or set ingest.dates to their format, such as"
                    f' {{{name}: "%d/%m/%Y"}}',
                )
            continue
        is_number = factor.kind != "category" or factor.of is not None
        if kind == "category" and (role == "the target" or is_number):
            raise UserError(
                first_text(table, name),
                f"must be a number, as it is {role}",
                found=f"type {profile.type}",
                todo="correct the cell, name it in ingest.missing_words if it stands for a missing"
                " one, or use another column",
            )
        if kind in ("time", "other"):
            todo = "convert it to a number"
            if kind == "time":
                todo = f"take a part of it, as in year({name}), C(month({name})) or days({name})"
            if kind == "time" and is_absorbed:
                todo = "add a column that holds it as text, or as a number such as 20241231"
            raise UserError(
                _column_place(table, name),
                "must be a number or a category to be "
                + ("absorbed" if is_absorbed else "in the formula"),
                found=str(profile.type),
                todo=todo,
            )
        if factor.kind == "category" and factor.text == name:
            check_is_category(table, name, profile)
        if factor.kind == "category" and factor.of is None:
            _check_levels_differ(table, name, profile)


def _column_place(table: TypedTable, name: str) -> str:
    return f"{table.first_file}: column {name}"


def _check_levels_differ(table: TypedTable, name: str, profile: ColumnProfile) -> None:
    """Raise UserError for numbers so large that two of them may be one after rounding."""
    if not pa.types.is_floating(profile.type) or profile.count == 0:
        return
    largest = max(profile.max, -profile.min)
    if largest >= 2 ** (24 if pa.types.is_float32(profile.type) else 53):
        raise UserError(
            f"{table.first_file}: column {name}",
            f"has numbers that {profile.type} rounds, so that two levels could become one",
            found=largest,
            todo="write them as text, with a letter in front, to use them as a category",
        )
