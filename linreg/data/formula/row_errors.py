"""Rows that a design has no answer for: an error for the first of them, or a reason for each."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from linreg.errors import UserError

Mask = NDArray[np.bool_]


class RowError(NamedTuple):
    """Why rows have no answer: in short, and the parts of a UserError.

    `where` is a column or an expression, or empty for the row as a whole; what was `found` depends
    on the row.
    """

    reason: str
    where: str
    what: str
    found: Callable[[int], str | None]
    todo: str = ""


class RowErrors(Protocol):
    """What becomes of rows that have no answer.

    refused  (n,), the rows refused so far: what is computed from their cells means nothing
    """

    refused: Mask

    def refuse(self, rows: Mask, fault: RowError) -> None:
        """Take in the rows (n,) that share a fault; there may be none."""


class RaiseFirstError:
    """The first row that is refused is a UserError; rows are counted from `first_row`, in
    `origin`.
    """

    def __init__(self, num_rows: int, origin: object, first_row: int) -> None:
        self.refused = np.zeros(num_rows, bool)
        self._origin, self._first_row = origin, first_row

    def refuse(self, rows: Mask, fault: RowError) -> None:
        """Raise the UserError, if there is such a row."""
        if rows.any():
            row = int(rows.argmax())
            place = f"{self._origin}: row {self._first_row + row}" + (
                f": {fault.where}" if fault.where else ""
            )
            raise UserError(place, fault.what, found=fault.found(row), todo=fault.todo)


class CollectErrors:
    """Every row that is refused is noted, with each reason for it.

    reasons  by reason, the rows (n,) it holds for
    """

    def __init__(self, num_rows: int) -> None:
        self.refused = np.zeros(num_rows, bool)
        self.reasons: dict[str, Mask] = {}

    def refuse(self, rows: Mask, fault: RowError) -> None:
        """Note the rows."""
        if rows.any():
            self.reasons[fault.reason] = self.reasons.get(fault.reason, False) | rows
            self.refused = self.refused | rows
