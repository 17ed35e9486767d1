"""The orders of levels that `linreg use` proposes, and the reference levels that follow."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa

from linreg.data.csv.header import suggest_name
from linreg.data.formula.schema import kind_of
from linreg.data.tables.sentinels import as_values
from linreg.errors import UserError
from linreg.setup.answer_scales import is_answer, level_order
from linreg.setup.options import ByColumn
from linreg.setup.survey.column_survey import Survey

MOST_ORDERED = 30
"""A category with more levels has no order."""

Orders = Mapping[str, Sequence[Any]]


def order_levels(survey: Survey, given: ByColumn, before: Orders, origin: object) -> Orders:
    """Return, by column, levels of a category in another order than the sorted one.

    They are those that the user has given, those of `model.levels` before, and those whose words
    have an order.

    Of a column of which the user has named some levels the others follow. Raises UserError for a
    column or level that is not there.
    """
    values: dict[str, Sequence[Any]] = {}
    for name, column in survey.columns.items():
        levels = column.profile.levels
        if pa.types.is_string(column.profile.type) and levels and len(levels) <= MOST_ORDERED:
            ordered = level_order(levels)
            if ordered is not None and ordered != sorted(levels):
                values[name] = ordered
    values |= {name: order for name, order in before.items() if name in survey.columns}
    for name, texts in given.items():
        first = _as_levels(survey, name, texts, origin)
        values[name] = [*first, *(each for each in values.get(name, ()) if each not in first)]
    return values


def reference_levels(
    survey: Survey, features: Collection[str], codes: Collection[str], orders: Orders
) -> dict[str, str]:
    """Return, by category among the features, the level with which the others are compared.

    Where the words of the levels have this order, the others follow: `low < medium < high`.
    """
    references = {}
    for name in features:
        profile = survey.columns[name].profile
        order = list(orders.get(name, ()))
        if order:
            is_scale = profile.levels and level_order(profile.levels) == order
            references[name] = _in_words(order) if is_scale else _as_text(order[0])
        elif name in codes:
            references[name] = _as_text(profile.min)
        elif kind_of(profile.type) == "category" and profile.levels:
            references[name] = _as_text(min(profile.levels))
    return references


def _in_words(order: Sequence[Any]) -> str:
    answers = [_as_text(level) for level in order if is_answer(_as_text(level))]
    others = [_as_text(level) for level in order if not is_answer(_as_text(level))]
    return ", ".join([" < ".join(answers), *others])


def _as_levels(survey: Survey, name: str, texts: Sequence[str], origin: object) -> list[Any]:
    """Return levels in the type of their column."""
    where = f"{origin}: column {name}"
    if name not in survey.columns:
        columns = list(survey.columns)
        todo = suggest_name(name, columns)
        what = "there is no such column (--levels)"
        raise UserError(where, what, found=", ".join(columns), todo=todo)
    profile = survey.columns[name].profile
    levels: list[Any] = as_values(texts, profile.type).to_pylist()
    known = profile.levels if kind_of(profile.type) == "category" else None
    absent = [text for text in texts if known and text not in set(map(_as_text, known))]
    if len(levels) < len(texts) or absent:
        found = ", ".join(map(_as_text, sorted(known))) if known else str(profile.type)
        todo = suggest_name(absent[0], [str(level) for level in known]) if known else ""
        what = f"has no level {(absent or list(texts))[0]!r} (--levels)"
        raise UserError(where, what, found=found, todo=todo)
    return levels


def _as_text(level: object) -> str:
    if isinstance(level, float):
        return f"{level:g}"
    return str(level).lower() if isinstance(level, bool) else str(level)
