"""Which column is to be predicted, where nobody has said it."""

import re
from collections.abc import Mapping

from linreg.data.csv.header import suggest_name
from linreg.data.formula.schema import kind_of
from linreg.errors import UserError
from linreg.setup.survey import ColumnSurvey, Survey

_NAMES = ("target", "y", "label", "response", "outcome", "output")
_ENDINGS = (
    "price",
    "cost",
    "value",
    "charges",
    "salary",
    "wage",
    "sales",
    "revenue",
    "rent",
    "quality",
    "score",
    "yield",
    "demand",
    "consumption",
    "mpg",
)


def guess_target(survey: Survey, out: Mapping[str, str], origin: object) -> tuple[str, str]:
    """Return a column of numbers and why it was taken; `out` says why a column had better not be
    used.

    That is one named as targets usually are (target, y, label, …), else one whose name ends like a
    quantity that people predict (price, cost, value, …), else the last column of numbers. Of
    several the last is taken. Raises UserError where there is no number to predict, or the likely
    one is written as text.
    """
    likely = [
        name
        for name, each in survey.columns.items()
        if name not in out or _is_meant_as_number(each)
    ]
    for name in reversed(likely):
        if name.strip().lower() in _NAMES:
            require_target(survey, name, origin)
            return name, "its name says so"
    for name in reversed(likely):
        if re.split(r"[\W_]+", name.strip().lower())[-1] in _ENDINGS:
            require_target(survey, name, origin)
            return name, "its name is one that is often predicted"
    numbers = [
        name for name, each in survey.columns.items() if kind_of(each.profile.type) == "number"
    ]
    best = [name for name in numbers if name not in out] or [
        name for name in numbers if out[name] == "row number"
    ]
    if best:
        return best[-1], "it is the last column of numbers"
    names = list(survey.columns)
    if len(names) == 1 and (hint := suggest_name("", names)):
        raise UserError(origin, "has one column only", found=names[0], todo=hint)
    found = ", ".join(
        f"{name} ({out.get(name, survey.columns[name].profile.type)})" for name in names
    )
    raise UserError(origin, "has no column of numbers to predict", found=found)


def _is_meant_as_number(column: ColumnSurvey) -> bool:
    """Whether text holds numbers but for some cells, or for how they are written."""
    return (
        column.profile.count > 0
        and max(column.text_formats.plain_numbers, column.text_formats.numbers)
        > column.profile.count / 2
    )


def require_target(survey: Survey, name: str, origin: object) -> None:
    """Raise UserError unless a column can be predicted: it is there, holds numbers, and not only
    one.
    """
    if name not in survey.columns:
        raise UserError(
            f"{origin}: column {name}",
            "there is no such column",
            found=", ".join(survey.columns),
            todo=suggest_name(name, list(survey.columns)),
        )
    column = survey.columns[name]
    where = f"{origin}: column {name}"
    if kind_of(column.profile.type) != "number":
        cell = column.text_formats.first_not_number or column.text_formats.first_not_plain
        odd = f"{cell[1]!r} in {cell[0]}" if cell else column.profile.type
        todo = "choose another --target"
        if column.text_formats.numbers == column.profile.count > 0:
            todo = "write plain numbers, without signs and thousands separators, or choose another --target"
        elif column.text_formats.plain_numbers:
            todo = "correct the cells that are no numbers, or make them empty; or choose another --target"
        raise UserError(where, "must be a number to be predicted", found=odd, todo=todo)
    if column.infinite:
        raise UserError(
            where,
            "holds an infinite number",
            found=column.first_infinite,
            todo="make such cells empty",
        )
    if column.distinct.count <= 1:
        found = "no value" if not column.distinct.count else f"{column.profile.min} in every row"
        raise UserError(
            where, "leaves nothing to predict", found=found, todo="choose another --target"
        )
