"""What to do about missing cells: the value of `ingest.missing`."""

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow.compute as pc

from linreg.data.formula.grammar.tokens import quote_name
from linreg.data.formula.schema import kind_of
from linreg.data.ingest.row_filter import MissingPolicy
from linreg.data.tables.arrays import as_mask
from linreg.data.typed_table import TypedTable
from linreg.setup.checks.finding import Finding, list_names
from linreg.setup.survey.column_survey import Survey
from linreg.text import count_of

MOST_DROPPED = 0.05
"""Rows with missing cells are dropped up to this share of the rows, beyond it cells are filled."""


@dataclass(frozen=True)
class MissingCells:
    """The policy, and what it will do.

    num_incomplete  rows with a missing cell
    num_dropped     rows that will be dropped
    filled          by column, cells that will be filled with the mean
    required        by column, missing cells for which a row is dropped
    codes           features of two numbers, which are categories as their mean is neither
    """

    policy: MissingPolicy
    num_incomplete: int
    num_dropped: int
    filled: Mapping[str, int] = field(default_factory=dict)
    required: Mapping[str, int] = field(default_factory=dict)
    codes: Collection[str] = ()

    @property
    def num_filled(self) -> int:
        """The cells that will be filled."""
        return sum(self.filled.values())


NOTHING_MISSING = MissingCells("error", 0, 0)


def choose_policy(
    table: TypedTable,
    survey: Survey,
    features: Sequence[str],
    others: Sequence[str],
    codes: Collection[str] = (),
    wanted: MissingPolicy | None = None,
) -> MissingCells:
    """Return what to do about missing cells of features and of other columns that are used.

    Only features that are numbers can be filled with a mean. That of two numbers, such as 0 and 1,
    would be neither, so a feature of two numbers is a category then.

    codes   numbers that are categories
    wanted  the policy that the user wants
    """
    columns = survey.columns
    incomplete = [name for name in [*others, *features] if columns[name].profile.missing]
    numbers = {name for name in features if kind_of(columns[name].profile.type) == "number"}
    flags = [name for name in features if name in numbers and _is_incomplete_flag(survey, name)]
    numbers -= {*codes, *flags}
    num_incomplete = _count_incomplete_rows(table, incomplete)
    if not num_incomplete:
        return NOTHING_MISSING
    missing = {name: columns[name].profile.missing for name in incomplete}
    required = {name: count for name, count in missing.items() if name not in numbers}
    num_required = _count_incomplete_rows(table, list(required))
    few = num_incomplete <= MOST_DROPPED * survey.num_rows
    policy = wanted or ("drop" if few or num_incomplete == num_required else "mean")
    if policy != "mean":
        num_dropped = num_incomplete if policy == "drop" else 0
        return MissingCells(policy, num_incomplete, num_dropped, required=missing)
    filled = {name: count for name, count in missing.items() if name in numbers}
    return MissingCells("mean", num_incomplete, num_required, filled, required, flags)


def missing_findings(
    missing: MissingCells, features: Collection[str], num_rows: int
) -> Iterator[Finding]:
    """Yield what filling and dropping will do, before it is done."""
    if missing.policy == "error" and missing.required:
        yield Finding(
            _missing_cells(missing.required, num_rows),
            "`dvc repro` will stop with an error, as --missing error says.",
        )
    if missing.policy == "drop" and missing.num_dropped > MOST_DROPPED * num_rows:
        yield Finding(
            _missing_cells(missing.required, num_rows),
            f"{missing.num_dropped / num_rows:.1%} of the rows will be dropped.",
            otherwise="To keep rows, leave out the columns that lack most: add --without COLUMN",
        )
    if missing.filled:
        yield Finding(
            _missing_cells(missing.filled, num_rows),
            "They will be filled with the mean of the training rows; dropping would lose"
            f" {missing.num_incomplete / num_rows:.1%} of the rows. A mean is not a measurement:"
            " standard errors become too small, and effects may move to other columns.",
            otherwise="To drop these rows, add --missing drop",
        )
    required = {name: count for name, count in missing.required.items() if name in features}
    if missing.policy == "mean" and required:
        why = "A category has no mean to be filled with."
        if missing.codes:
            terms = list_names([f"C({quote_name(name)})" for name in missing.codes])
            why = f"In the formula as {terms}: a mean would be neither of two values."
        counts = [f"{name} in {count_of(count, 'row')}" for name, count in required.items()]
        yield Finding(
            f"Categories have missing cells: {list_names(counts)}.",
            f"These rows will be dropped. {why}",
            otherwise=f"To keep them, add --without {shlex.quote(','.join(required))}",
        )


def _missing_cells(counts: Mapping[str, int], num_rows: int) -> str:
    shares = [f"{name} {count / num_rows:.1%}" for name, count in counts.items()]
    return f"Missing cells: {list_names(shares)}."


def _is_incomplete_flag(survey: Survey, name: str) -> bool:
    column = survey.columns[name]
    return bool(column.profile.missing) and column.distinct.is_exact and column.distinct.count == 2


def _count_incomplete_rows(table: TypedTable, columns: Sequence[str]) -> int:
    """Read the table for the number of rows in which one of the columns is missing."""
    if not columns:
        return 0
    count = 0
    for chunk in table.chunks():
        is_null = [as_mask(pc.is_null(chunk.rows.column(name))) for name in columns]
        count += int(np.any(is_null, axis=0).sum())
    return count
