"""Checks of the parameters that name values of columns: `ingest.sentinels` and `model.levels`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow.compute as pc

from linreg.data.csv.header import suggest_name
from linreg.data.formula.grammar.tokens import quote_name
from linreg.data.formula.schema import Schema, kind_of
from linreg.data.source import Source
from linreg.data.tables.sentinels import as_values
from linreg.data.typed_table import TypedTable
from linreg.errors import UserError

_MOST_LISTED = 20

ValuesByColumn = Mapping[str, Sequence[Any]]


def check_sentinels(sentinels: ValuesByColumn, source: Source, table: TypedTable) -> None:
    """Raise UserError unless every column is in the source and can have the values."""
    for name, values in sentinels.items():
        where = f"params.yaml: ingest.sentinels: {name}"
        _check_is_column(name, source, where)
        if name not in table.schema.names:
            continue
        type_ = table.schema.field(name).type
        if kind_of(type_) not in ("number", "category"):
            raise UserError(where, "must be a column of numbers or text", found=str(type_))
        if len(as_values(values, type_)) < len(values):
            raise UserError(where, f"must be values of type {type_}", found=_listed(values))


def check_levels(levels: ValuesByColumn, source: Source, schema: Schema, table: TypedTable) -> None:
    """Raise UserError unless every column is in the source, a category if the formula has it, and
    has the levels.
    """
    for name, order in levels.items():
        where = f"params.yaml: model.levels: {name}"
        _check_is_column(name, source, where)
        if name not in schema.columns:
            continue
        if name not in schema.category_columns:
            raise UserError(
                where,
                "is a number in the formula, which has no levels",
                todo=f"write C({quote_name(name)}) in model.formula, or leave it out here",
            )
        known: set[Any] = set()
        for chunk in table.chunks():
            known |= set(pc.unique(chunk.rows.column(name)).to_pylist())
        if absent := [level for level in order if level not in known]:
            raise UserError(
                where,
                f"names a level that the column does not have, {absent[0]!r}",
                found=_listed(sorted(known - {None})),
                todo=suggest_name(str(absent[0]), [str(level) for level in known - {None}]),
            )


def _check_is_column(name: str, source: Source, where: str) -> None:
    if name not in source.columns:
        available = [each for each in source.columns if each]
        todo = suggest_name(name, available)
        what = "is not a column of the table"
        raise UserError(where, what, found=", ".join(available), todo=todo)


def _listed(values: Iterable[Any]) -> str:
    shown = [str(value) for value in values]
    return ", ".join(shown[:_MOST_LISTED]) + (", …" if len(shown) > _MOST_LISTED else "")
