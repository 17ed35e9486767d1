"""Which column is to be predicted, where nobody has said it."""

import re
from collections.abc import Collection

from linreg.data.schema import kind_of
from linreg.data.survey import Survey
from linreg.errors import UserError

_NAMES = ("target", "y", "label", "response", "outcome", "output")
_ENDINGS = (
    "price", "cost", "value", "charges", "salary", "wage", "sales", "revenue", "rent", "quality", "score", "yield",
    "demand", "consumption", "mpg",
)  # fmt: skip


def guess_target(survey: Survey, out: Collection[str]) -> tuple[str, str]:
    """Return a column of numbers and why it was taken.

    That is one named as targets usually are (target, y, label, …), else one whose name ends like a quantity that
    people predict (price, cost, value, …), else the last column of numbers. Of several the last is taken. Raises
    UserError where there is no number to predict.
    """
    numbers = [name for name, each in survey.columns.items() if kind_of(each.profile.type) == "number"]
    numbers = [name for name in numbers if name not in out]
    if not numbers:
        found = ", ".join(f"{name}: {each.profile.type}" for name, each in survey.columns.items())
        raise UserError("the table", "has no column of numbers to predict", found=found or "no named column")
    for name in reversed(numbers):
        if name.strip().lower() in _NAMES:
            return name, "its name says so"
    for name in reversed(numbers):
        if re.split(r"[\W_]+", name.strip().lower())[-1] in _ENDINGS:
            return name, "its name is one that is often predicted"
    return numbers[-1], "it is the last column of numbers"


def require_target(survey: Survey, name: str, origin: object) -> None:
    """Raise UserError unless a column can be predicted: it is there, holds numbers, and not only one."""
    if name not in survey.columns:
        raise UserError(f"{origin}: column {name}", "there is no such column", found=", ".join(survey.columns))
    column = survey.columns[name]
    where = f"{origin}: column {name}"
    if kind_of(column.profile.type) != "number":
        odd = f"{column.writing.odd[1]!r} in {column.writing.odd[0]}" if column.writing.odd else column.profile.type
        todo = "choose another --target"
        if column.writing.dressed == column.profile.count > 0:
            todo = "write plain numbers, without signs and thousands separators, or choose another --target"
        elif column.writing.numbers:
            todo = "correct the cells that are no numbers, or make them empty; or choose another --target"
        raise UserError(where, "must be a number to be predicted", found=odd, todo=todo)
    if column.infinite:
        raise UserError(where, "holds an infinite number", found=column.first_infinite, todo="make such cells empty")
    if column.distinct.count <= 1:
        found = "no value" if not column.distinct.count else f"{column.profile.min} in every row"
        raise UserError(where, "leaves nothing to predict", found=found, todo="choose another --target")
