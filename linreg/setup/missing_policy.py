"""What to do about missing cells: the value of `ingest.missing`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from linreg.data.formula.schema import kind_of
from linreg.data.ingest.row_filter import MissingPolicy
from linreg.data.tables.arrays import as_mask
from linreg.data.typed_table import TypedTable
from linreg.setup.survey.column_survey import Survey

MOST_DROPPED = 0.05
"""Rows with missing cells are dropped up to this share of the rows, beyond it cells are filled."""


@dataclass(frozen=True)
class MissingCells:
    """The policy, and what it will do.

    num_incomplete  rows with a missing cell
    num_dropped     rows that will be dropped
    num_filled      cells that will be filled with the mean
    """

    policy: MissingPolicy
    num_incomplete: int
    num_dropped: int
    num_filled: int


NOTHING_MISSING = MissingCells("error", 0, 0, 0)


def choose_policy(
    table: TypedTable, survey: Survey, features: Sequence[str], others: Sequence[str]
) -> MissingCells:
    """Return what to do about missing cells of features and of other columns that are used.

    Only features that are numbers can be filled with a mean.
    """
    incomplete = [name for name in [*others, *features] if survey.columns[name].profile.missing]
    numbers = {name for name in features if kind_of(survey.columns[name].profile.type) == "number"}
    num_incomplete = _count_incomplete_rows(table, incomplete)
    num_required = _count_incomplete_rows(
        table, [name for name in incomplete if name not in numbers]
    )
    if not num_incomplete:
        return NOTHING_MISSING
    if num_incomplete < MOST_DROPPED * survey.num_rows or num_incomplete == num_required:
        return MissingCells("drop", num_incomplete, num_incomplete, 0)
    num_filled = sum(survey.columns[name].profile.missing for name in incomplete if name in numbers)
    return MissingCells("mean", num_incomplete, num_required, num_filled)


def _count_incomplete_rows(table: TypedTable, columns: Sequence[str]) -> int:
    """Read the table for the number of rows in which one of the columns is missing."""
    if not columns:
        return 0
    count = 0
    for chunk in table.chunks():
        is_null = [as_mask(pc.is_null(chunk.rows.column(name))) for name in columns]
        count += int(np.any(is_null, axis=0).sum())
    return count
