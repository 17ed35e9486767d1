"""Rows that a design or a model cannot use: the first raises an error, or all are collected.

Training stops at the first such row; a prediction gives every row of a file a value or a reason.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from linreg.arrays import Mask
from linreg.errors import UserError


class RowError(NamedTuple):
    """Why rows cannot be used: a short reason, and the parts of a UserError.

    where  a column or an expression; empty for the row as a whole
    found  returns what is in a row, given its index
    """

    reason: str
    where: str
    what: str
    found: Callable[[int], str | None]
    todo: str = ""


class RowErrorHandler(Protocol):
    """What happens to rows that cannot be used.

    invalid  (n,): the rows with an error so far; what is computed from their cells has no meaning
    """

    invalid: Mask

    def report(self, rows: Mask, error: RowError) -> None:
        """Handle an error that the rows (n,) have in common; there may be no such row."""


class RaisingHandler:
    """Raises UserError for the first row with an error; rows of `origin` count from `first_row`."""

    def __init__(self, num_rows: int, origin: object, first_row: int) -> None:
        self.invalid = np.zeros(num_rows, bool)
        self._origin = origin
        self._first_row = first_row

    def report(self, rows: Mask, error: RowError) -> None:
        """Raise UserError if there is such a row."""
        if rows.any():
            row = int(rows.argmax())
            where = f"{self._origin}: row {self._first_row + row}"
            if error.where:
                where += f": {error.where}"
            raise UserError(where, error.what, found=error.found(row), todo=error.todo)


class CollectingHandler:
    """Collects every error of every row.

    reasons  the rows (n,) with an error, by its reason
    """

    def __init__(self, num_rows: int) -> None:
        self.invalid = np.zeros(num_rows, bool)
        self.reasons: dict[str, Mask] = {}

    def report(self, rows: Mask, error: RowError) -> None:
        """Add the rows to those with this reason."""
        if rows.any():
            self.reasons[error.reason] = self.reasons.get(error.reason, False) | rows
            self.invalid = self.invalid | rows
