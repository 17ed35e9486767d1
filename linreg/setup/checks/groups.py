"""Columns that name groups: patients, households or orders with several rows each."""

import shlex
from collections.abc import Collection
from typing import NamedTuple

import pyarrow as pa

from linreg.data.formula.schema import kind_of
from linreg.setup.checks.finding import Finding
from linreg.setup.survey.column_names import is_id, is_person, is_person_number
from linreg.setup.survey.column_survey import ColumnSurvey, Survey

FEWEST_GROUPS = 10
"""Fewer are not split: a part would have a handful."""
FEWEST_SMALL_GROUPS = 20
ROWS_OF_A_CATEGORY = 10
"""An identifier with at least so many rows for each value can be a category, such as a shop."""
ROWS_OF_A_COUNT = 20
"""A number named `household` with at least so many rows for each value may be its size."""
LEAST_REPEATS = 0.05
"""Where a smaller share of the rows repeats an identifier, they are not split by it."""


class Grouping(NamedTuple):
    """What identifiers are to the model.

    column    the one that rows should be split by; None for none
    codes     those that are categories, as their numbers are no quantities
    findings  what is to be said of the others
    """

    column: str | None
    codes: list[str]
    findings: list[Finding]


def find_groups(survey: Survey, roles: Collection[str], *, splits: bool) -> Grouping:
    """Return what identifiers are, by their names and by how often values repeat.

    Of several columns that name groups, the one with the fewest values is to be split by: the
    households rather than their members.

    roles   the columns that have a role already
    splits  whether rows may be split by a group
    """
    repeated = {
        name: column
        for name, column in survey.columns.items()
        if name not in roles and _is_identifier(column)
    }
    groups = [name for name, column in repeated.items() if _names_groups(name, column)]
    codes, findings = [], []
    for name, column in repeated.items():
        if name in groups or not is_id(name) or kind_of(column.profile.type) != "number":
            continue
        if column.profile.count >= ROWS_OF_A_CATEGORY * column.distinct.count:
            codes.append(name)
        else:
            message = f"{name} is an identifier, with {column.distinct.count} values."
            findings.append(Finding(message, "Left out.", (name,), "identifier"))
    groups.sort(key=lambda name: repeated[name].distinct.count)
    for name in groups:
        is_first = name == groups[0]
        is_chosen = splits and is_first
        findings.append(_group(name, repeated[name], is_chosen=is_chosen, is_first=is_first))
    return Grouping(groups[0] if groups and splits else None, codes, findings)


def _is_identifier(column: ColumnSurvey) -> bool:
    """Whether values repeat, and are text or whole numbers."""
    profile = column.profile
    if not column.distinct.num_repeats or column.distinct.count < 2:
        return False
    if pa.types.is_floating(profile.type):
        # Whole numbers with missing cells are often written with a point.
        return bool(not column.num_infinite and profile.min % 1 == profile.max % 1 == 0)
    return kind_of(profile.type) == "number" or bool(pa.types.is_string(profile.type))


def _names_groups(name: str, column: ColumnSurvey) -> bool:
    num_rows, num_values = column.profile.count, column.distinct.count
    if column.distinct.num_repeats < LEAST_REPEATS * num_rows:
        return False
    if is_person_number(name):
        return num_values >= FEWEST_GROUPS
    if is_person(name):
        is_count = kind_of(column.profile.type) == "number"
        most = ROWS_OF_A_COUNT * num_values
        return num_values >= (FEWEST_SMALL_GROUPS if is_count else FEWEST_GROUPS) and (
            not is_count or num_rows < most
        )
    is_small = num_rows < ROWS_OF_A_CATEGORY * num_values
    return is_id(name) and is_small and num_values >= FEWEST_SMALL_GROUPS


def _group(name: str, column: ColumnSurvey, *, is_chosen: bool, is_first: bool) -> Finding:
    about = "" if column.distinct.is_exact else "about "
    message = (
        f"{name} names groups: {about}{column.distinct.count} values in {column.profile.count}"
        " rows. Rows of one group are alike."
    )
    if is_chosen:
        action = (
            f"Groups stay together (split.by: group:{name}): the model is tested on groups that it"
            " has not seen."
        )
        return Finding(message, action, otherwise="To split row by row, add --split-by row")
    action = "Left out."
    if is_first:
        action += " With rows of one group in training and test, the test is too optimistic."
    otherwise = f"To keep groups together, add --split-by {shlex.quote(f'group:{name}')}"
    return Finding(message, action, (name,), "identifier", otherwise=otherwise)
