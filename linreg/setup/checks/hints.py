"""What the user should know about the target, the rows and the features, from the survey alone."""

import re
import shlex
from collections.abc import Collection, Iterator

import pyarrow as pa

from linreg.data.formula.grammar.tokens import quote_name
from linreg.setup.checks.column_checks import RISK_OF_UNSEEN_LEVEL
from linreg.setup.checks.finding import CheckContext, Finding, list_names, quote_cell
from linreg.setup.survey.column_survey import ColumnSurvey

FEW_VALUES = 10
"""Integers with at most so many distinct values may be codes, and a target with them a class."""
FEW_ROWS = 100
SKEWED = 2.0


def check_target(context: CheckContext, skewness: float | None) -> Iterator[Finding]:
    """Yield hints about the target: is it a class, is it skewed."""
    assert context.target is not None
    column = context.survey.columns[context.target]
    if column.distinct.count <= FEW_VALUES and column.profile.count > 3 * column.distinct.count:
        yield Finding(
            f"The target {context.target} has only {column.distinct.count} distinct values: it"
            " looks like a class or a grade, not a measurement.",
            "A linear regression treats it as a number.",
            is_hint=True,
        )
    low = column.profile.min
    if skewness is not None and skewness > SKEWED and low is not None and low > 0:
        yield Finding(
            f"The target {context.target} is positive and strongly skewed (skewness"
            f" {skewness:.1f}).",
            f"log({quote_name(context.target)}) ~ … in model.formula may fit better.",
            is_hint=True,
        )


def check_rows(context: CheckContext) -> Iterator[Finding]:
    """Yield findings about the rows: duplicates, too few."""
    rows, num_rows = context.survey.rows, context.survey.num_rows
    if rows.num_repeats:
        number = f"{'' if rows.is_exact else 'About '}{rows.num_repeats}"
        yield Finding(
            f"{number} of {num_rows} rows are duplicates of an earlier row.",
            "Kept. A row for training and its duplicate for the test make the test too optimistic.",
        )
    if num_rows < FEW_ROWS:
        num_test = max(1, round(num_rows * (1 - context.train_share) / 2))
        yield Finding(
            f"{num_rows} rows are few: only about {num_test} of them will test the model.",
            "Trust the intervals of `linreg summary` more than R² of the test rows.",
            is_hint=True,
        )


def check_features(
    context: CheckContext, features: list[str], said: Collection[str] = ()
) -> Iterator[Finding]:
    """Yield hints about what only the user knows: codes, years, numbers as column names.

    said  the features of which that has been said already
    """
    codes, sequences = [], []
    for name in features:
        column = context.survey.columns[name]
        if not pa.types.is_integer(column.profile.type) or name in said:
            continue
        repeats = column.profile.count > 3 * column.distinct.count
        if 2 < column.distinct.count <= FEW_VALUES and repeats:
            codes.append(name)
        elif _covers_its_range(column):
            sequences.append(name)
    if codes:
        terms = ", ".join(f"C({quote_name(name)})" for name in codes[:4])
        are = "is an integer" if len(codes) == 1 else "are integers"
        yield Finding(
            f"{list_names(codes)} {are} with at most {FEW_VALUES} distinct values, used as"
            f" {'a number' if len(codes) == 1 else 'numbers'}.",
            f"If {'it is a code' if len(codes) == 1 else 'they are codes'}, write {terms} in"
            " model.formula for a coefficient per level.",
            is_hint=True,
        )
    yield from _rare_levels(context, features)
    for name in sequences:
        profile = context.survey.columns[name].profile
        yield Finding(
            f"{name} contains every integer from {profile.min} to {profile.max} once, like a row"
            " number or a year.",
            f"Kept. If it only numbers the rows, add --without {shlex.quote(name)}.",
            is_hint=True,
        )
    numbers = [name for name in context.survey.columns if re.fullmatch(r"[-+]?[\d.,]+", name)]
    if numbers:
        yield Finding(
            f"Some column names are numbers: {list_names(numbers)}.",
            "If the first row of the file is data, add --names a,b,c with the names.",
            is_hint=True,
        )


def _rare_levels(context: CheckContext, features: list[str]) -> Iterator[Finding]:
    """Yield a hint about levels so rare that the split may leave no training row with them."""
    rare = {}
    for name in features:
        levels = context.survey.columns[name].profile.levels or {}
        risk = sum((1 - context.train_share) ** count for count in levels.values())
        if risk > RISK_OF_UNSEEN_LEVEL:
            rare[name] = min(levels, key=lambda level: (levels[level], str(level)))
    if rare:
        shown = [f"{name} (such as {quote_cell(level)})" for name, level in rare.items()]
        have = "has levels" if len(rare) == 1 else "have levels"
        yield Finding(
            f"{list_names(shown)} {have} in so few rows that the training rows may lack them.",
            "Rows of such a level will be left out of validation and test, and counted.",
            otherwise="To join rare levels, set model.pool, to 10 for example",
            is_hint=True,
        )


def _covers_its_range(column: ColumnSurvey) -> bool:
    """Whether integers are all those of a range, each once, in any order."""
    profile = column.profile
    return bool(
        not profile.missing
        and profile.count > 2
        and column.distinct.num_repeats == 0
        and profile.max - profile.min + 1 == profile.count
    )
