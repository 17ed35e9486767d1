"""What a person should know about the target, the rows and the features, told from the survey
alone.
"""

import re
from collections.abc import Iterator

import pyarrow as pa

from linreg.data.formula.formula import quote_name
from linreg.setup.column_checks import Facts, Finding
from linreg.setup.survey import ColumnSurvey

FEW_VALUES = 10
"""Whole numbers with so few different values may be codes, and a target with so few a class."""
FEW_ROWS = 100
SKEWED = 2.0


def target_findings(facts: Facts, skewness: float | None) -> Iterator[Finding]:
    """Yield what is odd about the target."""
    assert facts.target is not None
    column = facts.survey.columns[facts.target]
    if column.distinct.count <= FEW_VALUES and column.profile.count > 3 * column.distinct.count:
        yield Finding(
            f"The target {facts.target} has only {column.distinct.count} different values: it looks like a class or a"
            " grade, not like a measurement.",
            "A linear regression treats it as a number.",
            hint=True,
        )
    low = column.profile.min
    if skewness is not None and skewness > SKEWED and low is not None and low > 0:
        yield Finding(
            f"The target {facts.target} is positive and far from symmetric (skewness {skewness:.1f}).",
            f"log({quote_name(facts.target)}) ~ … in model.formula may fit better.",
            hint=True,
        )


def row_findings(facts: Facts) -> Iterator[Finding]:
    """Yield what is odd about the rows."""
    rows, num_rows = facts.survey.rows, facts.survey.num_rows
    if repeats := rows.repeats:
        about = "" if rows.exact else "about "
        yield Finding(
            f"{about}{repeats} of {num_rows} rows repeat an earlier row in every column.".capitalize()
            if about
            else f"{repeats} of {num_rows} rows repeat an earlier row in every column.",
            "Kept. A row and its copy may come into training and test, which flatters the test.",
        )
    if num_rows < FEW_ROWS:
        test = max(1, round(num_rows * (1 - facts.train_share) / 2))
        yield Finding(
            f"{num_rows} rows are few: about {test} of them would judge the model.",
            "Trust the intervals of `linreg summary` more than R² of the test rows.",
            hint=True,
        )


def hints(facts: Facts, features: list[str]) -> Iterator[Finding]:
    """Yield what a person may know better about the features."""
    codes, years, numbers = [], [], []
    for name in features:
        column = facts.survey.columns[name]
        if not pa.types.is_integer(column.profile.type):
            continue
        repeated = column.profile.count > 3 * column.distinct.count
        if 2 < column.distinct.count <= FEW_VALUES and repeated:
            codes.append(name)
        elif _counts_rows(column):
            years.append(name)
    numbers = [name for name in facts.survey.columns if re.fullmatch(r"[-+]?[\d.,]+", name)]
    if codes:
        terms = ", ".join(f"C({quote_name(name)})" for name in codes[:4])
        yield Finding(
            f"{_listed(codes)}: whole numbers with at most {FEW_VALUES} different values, used as numbers.",
            f"If they are codes, write {terms} in model.formula: one coefficient per value.",
            hint=True,
        )
    for name in years:
        low, high = facts.survey.columns[name].profile.min, facts.survey.columns[name].profile.max
        yield Finding(
            f"{name} holds every whole number from {low} to {high} once, as a row number or a year does.",
            f"Kept. If it only numbers the rows, add --without {_shell(name)}.",
            hint=True,
        )
    if numbers:
        yield Finding(
            f"Columns are named by numbers: {_listed(numbers)}.",
            "If the first row of the file is data, add --names a,b,c with the names.",
            hint=True,
        )


def _counts_rows(column: ColumnSurvey) -> bool:
    """Whether whole numbers are all those of a range, each once, in any order."""
    profile = column.profile
    return bool(
        not profile.missing
        and profile.count > 2
        and column.distinct.repeats == 0
        and profile.max - profile.min + 1 == profile.count
    )


def _listed(names: list[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _shell(name: str) -> str:
    return name if re.fullmatch(r"[\w.-]+", name) else f"'{name}'"
