"""Which column is to be predicted, if the user has not said so."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from linreg.data.csv.header import suggest_name
from linreg.data.formula.schema import kind_of
from linreg.errors import UserError
from linreg.setup.survey.column_names import is_id, is_person_number, is_when_or_where, is_year
from linreg.setup.survey.column_survey import ColumnSurvey, Survey

Ask = Callable[[Sequence[str]], str]
"""Asks the user which of the candidates is the target."""

_NAMES = ("target", "y", "label", "response", "outcome", "output")
_QUANTITIES = (
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
_UNITS = ("eur", "euro", "euros", "usd", "dollar", "dollars", "gbp", "chf", "k", "m")


class Target(NamedTuple):
    """The column to predict, and why it was guessed; '' if the user has chosen it."""

    name: str
    guessed_from: str = ""


def guess_target(
    survey: Survey, excluded: Mapping[str, str], origin: object, ask: Ask | None = None
) -> Target:
    """Return a column of numbers; `excluded` are those that should not be used, with the reason.

    It is guessed only where that is safe: it is the one column with a usual name for a target
    (target, y, label, …); or the last candidate, and the only one whose name ends in a quantity
    that people predict (price, cost, value, …); or the only candidate. A year, a month, a
    coordinate, an identifier or a column of two values is no candidate.

    Otherwise the user is asked. Raises UserError, with the candidates, where nobody can be `ask`ed,
    if there is no number to predict, or if the likely target is text.
    """
    reasons = {**excluded, **_no_targets(survey, excluded)}
    numbers = [name for name in survey.columns if name not in reasons]
    # A target may be text for the format of its numbers, which is an error with a remedy.
    likely = [
        name
        for name, column in survey.columns.items()
        if name not in reasons or _is_mostly_numbers(column)
    ]
    named = [name for name in likely if name.strip().lower() in _NAMES]
    quantities = [name for name in likely if _ends_in_quantity(name)]
    if len(named) == 1 or (not named and quantities == likely[-1:] and quantities):
        name = (named or quantities)[0]
        check_target_column(survey, name, origin)
        return Target(name, "from its name")
    if not numbers:
        raise _no_target(survey, reasons, origin)
    if len(numbers) == 1:
        return Target(numbers[0], "as the only column of numbers that may be predicted")
    candidates = sorted(numbers, key=lambda name: (name not in named, name not in quantities))
    if ask is None:
        what = "does not show which column is to be predicted"
        found = ", ".join(candidates)
        raise UserError(origin, what, found=found, todo="name it: --target COLUMN")
    return Target(ask(candidates))


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
    survey: Survey, names: Collection[str], target: str | None, origin: object
) -> None:
    """Raise UserError unless the columns of `--without` are there and are not the target."""
    for name in names:
        where = f"{origin}: column {name}"
        if name not in survey.columns:
            found = ", ".join(survey.columns)
            raise UserError(where, "there is no such column (--without)", found=found)
        if name == target:
            raise UserError(where, "is the target (--without)", todo="choose another --target")


def _no_targets(survey: Survey, excluded: Mapping[str, str]) -> dict[str, str]:
    """Return why columns are no candidates, in a word or two."""
    reasons = {}
    for name, column in survey.columns.items():
        if name in excluded:
            continue
        if kind_of(column.profile.type) != "number":
            reasons[name] = str(column.profile.type)
        elif is_year(name, column):
            reasons[name] = "a year"
        elif is_when_or_where(name):
            reasons[name] = "a time or place"
        elif is_id(name) or is_person_number(name):
            reasons[name] = "an identifier"
        elif column.distinct.count == 2 and column.profile.count > 2:
            reasons[name] = "two values"
    return reasons


def _ends_in_quantity(name: str) -> bool:
    words = [word for word in re.split(r"[\W_]+", name.strip().lower()) if word]
    while len(words) > 1 and words[-1] in _UNITS:
        words.pop()
    return bool(words) and words[-1] in _QUANTITIES


def _is_mostly_numbers(column: ColumnSurvey) -> bool:
    """Return whether more than half of the cells of a text column are numbers, in any format."""
    return 0 < column.profile.count < 2 * column.text_formats.numbers


def _no_target(survey: Survey, reasons: Mapping[str, str], origin: object) -> UserError:
    names = list(survey.columns)
    if len(names) == 1 and (suggestion := suggest_name("", names)):
        return UserError(origin, "has one column only", found=names[0], todo=suggestion)
    found = ", ".join(f"{name} ({reasons[name]})" for name in names)
    is_number = any(kind_of(each.profile.type) == "number" for each in survey.columns.values())
    if is_number:
        what = "has no column of numbers that is likely to be predicted"
        return UserError(origin, what, found=found, todo="name one: --target COLUMN")
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
