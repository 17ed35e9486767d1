"""Which column is to be predicted, if the user has not said so."""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from linreg.data.csv.header import suggest_name
from linreg.data.formula.schema import kind_of
from linreg.errors import UserError
from linreg.setup.checks.column_checks import ROW_NUMBER
from linreg.setup.survey.column_survey import ColumnSurvey, Survey

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


class Target(NamedTuple):
    """The column to predict, and why it was guessed; '' if the user has chosen it."""

    name: str
    guessed_from: str = ""


def guess_target(survey: Survey, excluded: Mapping[str, str], origin: object) -> Target:
    """Return a column of numbers; `excluded` are those that should not be used, with the reason.

    That is a column with a usual name for a target (target, y, label, …), else one whose name ends
    in a quantity that people predict (price, cost, value, …), else the last column of numbers. Of
    several candidates it is the last. Raises UserError if there is no number to predict, or if the
    likely target is text.
    """
    candidates = [
        name
        for name, column in survey.columns.items()
        if name not in excluded or _is_mostly_numbers(column)
    ]
    for is_likely in (_is_usual_name, _ends_in_quantity):
        for name in reversed(candidates):
            if is_likely(name):
                check_target_column(survey, name, origin)
                return Target(name, "from its name")
    numbers = [
        name for name, column in survey.columns.items() if kind_of(column.profile.type) == "number"
    ]
    good = [name for name in numbers if name not in excluded]
    best = good or [name for name in numbers if excluded[name] == ROW_NUMBER]
    if best:
        return Target(best[-1], "as the last column of numbers")
    raise _no_target(survey, excluded, origin)


def check_target_column(survey: Survey, name: str, origin: object) -> None:
    """Raise UserError unless a column can be predicted: it is there, and its numbers vary."""
    where = f"{origin}: column {name}"
    if name not in survey.columns:
        raise UserError(
            where,
            "there is no such column",
            found=", ".join(survey.columns),
            todo=suggest_name(name, list(survey.columns)),
        )
    column = survey.columns[name]
    if kind_of(column.profile.type) != "number":
        raise _not_numeric(column, where)
    if column.num_infinite:
        raise UserError(
            where,
            "contains an infinite number",
            found=column.first_infinite,
            todo="empty such cells",
        )
    if column.distinct.count <= 1:
        found = "no value" if not column.distinct.count else f"{column.profile.min} in every row"
        raise UserError(
            where, "leaves nothing to predict", found=found, todo="choose another --target"
        )


def check_features_exist(
    survey: Survey, names: Collection[str], target: str, origin: object
) -> None:
    """Raise UserError unless the columns of `--without` are there and are not the target."""
    for name in names:
        where = f"{origin}: column {name}"
        if name not in survey.columns:
            found = ", ".join(survey.columns)
            raise UserError(where, "there is no such column (--without)", found=found)
        if name == target:
            raise UserError(where, "is the target (--without)", todo="choose another --target")


def _is_usual_name(name: str) -> bool:
    return name.strip().lower() in _NAMES


def _ends_in_quantity(name: str) -> bool:
    return re.split(r"[\W_]+", name.strip().lower())[-1] in _ENDINGS


def _is_mostly_numbers(column: ColumnSurvey) -> bool:
    """Return whether more than half of the cells of a text column are numbers, in any format."""
    return 0 < column.profile.count < 2 * column.text_formats.numbers


def _no_target(survey: Survey, excluded: Mapping[str, str], origin: object) -> UserError:
    names = list(survey.columns)
    if len(names) == 1 and (suggestion := suggest_name("", names)):
        return UserError(origin, "has one column only", found=names[0], todo=suggestion)
    found = ", ".join(
        f"{name} ({excluded.get(name, survey.columns[name].profile.type)})" for name in names
    )
    return UserError(origin, "has no column of numbers to predict", found=found)


def _not_numeric(column: ColumnSurvey, where: str) -> UserError:
    formats = column.text_formats
    cell = formats.first_not_number or formats.first_not_plain
    todo = "choose another --target"
    if 0 < column.profile.count == formats.numbers:
        todo = (
            "write plain numbers, without signs and thousands separators, or choose another"
            " --target"
        )
    elif formats.plain_numbers:
        todo = "correct or empty the cells that are not numbers, or choose another --target"
    found = f"{cell.text!r} in {cell.place}" if cell else column.profile.type
    return UserError(where, "must be a number to be predicted", found=found, todo=todo)
