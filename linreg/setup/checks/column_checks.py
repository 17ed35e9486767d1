"""Columns that should not be features, found from their survey alone.

Every check is a function that may return a finding; the first finding about a column excludes it.
"""

import shlex
from collections.abc import Callable, Iterator

import pyarrow as pa

from linreg.data.formula.schema import kind_of
from linreg.setup.checks.finding import CheckContext, Finding, quote_cell
from linreg.setup.checks.text_checks import check_text
from linreg.setup.survey.column_names import is_index, is_row_name_in_r, is_row_number
from linreg.setup.survey.column_survey import ColumnSurvey
from linreg.text import count_of

MOSTLY_MISSING = 0.5
"""A column with a larger share of missing cells is excluded."""
RISK_OF_UNSEEN_LEVEL = 0.01
"""A column is excluded if the training rows may lack one of its levels with more probability."""
ROW_NUMBER = "row number"
"""The reason for which a row number is excluded."""
ALMOST_CONSTANT = "almost constant"
MISSING = "missing"
RARE_LEVELS = "rare levels"
UNLESS_ALONE = (ALMOST_CONSTANT, MISSING, RARE_LEVELS, ROW_NUMBER)
"""The reasons for which a column is excluded only where another feature is left."""
Check = Callable[[CheckContext, str, ColumnSurvey], Finding | None]


def check_columns(context: CheckContext) -> list[Finding]:
    """Return the findings about single columns, at most one about each."""
    findings = list(_check_duplicates(context))
    excluded = {name for finding in findings for name in finding.excluded}
    for name, column in context.survey.columns.items():
        if name in excluded or name in context.auxiliary:
            continue
        for check in _CHECKS:
            if finding := check(context, name, column):
                findings.append(finding)
                break
    return findings


def _check_duplicates(context: CheckContext) -> Iterator[Finding]:
    first_of: dict[int, str] = {}
    for name, column in context.survey.columns.items():
        if column.profile.count == 0 or name in context.auxiliary:
            continue
        first = first_of.setdefault(column.fingerprint, name)
        if first == name:
            continue
        if context.target in (first, name):
            copy = first if context.target == name else name
            message = f"{copy} is equal to the target in every row."
            yield Finding(message, "Left out.", (copy,), "equals target")
        else:
            message = f"{name} is equal to {first} in every row."
            yield Finding(message, "Left out.", (name,), f"equals {first}")


def _check_empty(_context: CheckContext, name: str, column: ColumnSurvey) -> Finding | None:
    if column.profile.count or column.num_infinite:
        return None
    return Finding(f"{name} has no value, only missing cells.", "Left out.", (name,), "empty")


def _check_infinite(_context: CheckContext, name: str, column: ColumnSurvey) -> Finding | None:
    if not column.num_infinite:
        return None
    return Finding(
        f"{name} contains {count_of(column.num_infinite, 'infinite number')}, the first in"
        f" {column.first_infinite}.",
        "Left out; to use it, empty those cells.",
        (name,),
        "infinite",
    )


def _check_constant(_context: CheckContext, name: str, column: ColumnSurvey) -> Finding | None:
    if column.distinct.count != 1:
        return None
    message = f"{name} is {quote_cell(column.profile.min)} in every row."
    return Finding(message, "Left out.", (name,), "constant")


def _check_time(_context: CheckContext, name: str, column: ColumnSurvey) -> Finding | None:
    kind = kind_of(column.profile.type)
    if kind == "other":
        message = f"{name} has the type {column.profile.type}."
        return Finding(message, "Left out.", (name,), "other type")
    if kind == "time":
        return Finding(
            f"{name} contains dates or times, which are no features by themselves.",
            "Left out; its parts can be used in model.formula, such as days() and C(month()).",
            (name,),
            "date",
            otherwise=f"To test on the newest rows, add --split-by {shlex.quote(f'time:{name}')}",
        )
    return None


def _check_row_number(context: CheckContext, name: str, column: ColumnSurvey) -> Finding | None:
    profile = column.profile
    if name == context.target:
        return None
    if is_index(name) and kind_of(profile.type) == "number":
        message = f"{name} is the index of a data frame: a row number."
        return Finding(message, "Left out.", (name,), ROW_NUMBER)
    if not pa.types.is_integer(profile.type) or profile.missing:
        return None
    if column.distinct.num_repeats or profile.count <= 2:
        return None
    is_first = next(iter(context.survey.columns)) == name
    begins_at_one = column.is_consecutive and profile.min in (0, 1)
    numbers_rows = is_first and (begins_at_one or is_row_name_in_r(name))
    if not numbers_rows and not is_row_number(name):
        return None
    steps = ", in steps of one" if column.is_consecutive else ""
    message = f"{name} is different in every row{steps}: a row number."
    return Finding(message, "Left out.", (name,), ROW_NUMBER)


def _check_mostly_missing(context: CheckContext, name: str, column: ColumnSurvey) -> Finding | None:
    share = column.profile.missing / context.survey.num_rows
    if share <= MOSTLY_MISSING or name == context.target:
        return None
    return Finding(f"{name} is missing in {share:.0%} of the rows.", "Left out.", (name,), MISSING)


def _check_almost_constant(
    context: CheckContext, name: str, column: ColumnSurvey
) -> Finding | None:
    """Find a number with one value in nearly all rows, so perhaps in all training rows."""
    distinct = column.distinct
    is_number = kind_of(column.profile.type) == "number"
    if not is_number or not distinct.is_exact or name == context.target:
        return None
    others = column.profile.count - distinct.most_frequent
    risk = (1 - context.train_share) ** others
    if others > distinct.most_frequent / 3 or risk <= RISK_OF_UNSEEN_LEVEL:
        return None
    return Finding(
        f"{name} has the same value in all but {count_of(others, 'row')}, which may all become"
        " test rows.",
        "Left out.",
        (name,),
        ALMOST_CONSTANT,
    )


def _check_rare_levels(context: CheckContext, name: str, column: ColumnSurvey) -> Finding | None:
    """Find levels so rare that no training row may have them, if that would be an error."""
    if not context.unseen_is_error:
        return None
    levels = column.profile.levels
    if kind_of(column.profile.type) == "number" or not levels or name == context.target:
        return None
    risk = sum((1 - context.train_share) ** count for count in levels.values())
    if risk <= RISK_OF_UNSEEN_LEVEL:
        return None
    rarest = min(levels, key=lambda level: (levels[level], str(level)))
    return Finding(
        f"{name} has very rare levels, such as {quote_cell(rarest)} in"
        f" {count_of(levels[rarest], 'row')}: the training rows may lack one of them, and the split"
        " would stop (model.unseen: error).",
        "Left out; to use it, merge rare levels.",
        (name,),
        RARE_LEVELS,
    )


_CHECKS: tuple[Check, ...] = (
    _check_empty,
    _check_infinite,
    _check_constant,
    _check_time,
    check_text,
    _check_row_number,
    _check_mostly_missing,
    _check_almost_constant,
    _check_rare_levels,
)
