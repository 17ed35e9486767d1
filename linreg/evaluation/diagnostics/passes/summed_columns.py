"""The columns of auxiliary regressions, of which passes over the rows sum up the moments."""

from collections.abc import Sequence

import numpy as np

from linreg.arrays import Floats
from linreg.evaluation.diagnostics.passes.auxiliary_regressions import no_moments
from linreg.evaluation.diagnostics.passes.standardized_rows import (
    RowStandardization,
    StandardizedRows,
)
from linreg.fit.exact.moment_sums.moments import Moments
from linreg.process.workers import Workers

MAX_CROSSED = 10
"""Coordinates up to which White's test has all their squares and products: more of them would make
more than 66 columns, in place of which it takes its special form.
"""


class VarianceColumns:
    """[1 q s u² u] of rows, for tests of u = √w·r/σ and of its square.

    coordinates  where q is: the coordinates that are not constant, or ỹ alone where there are none
    second       where s is: the squares and products of q, or ỹ and ỹ² in their place
    is_crossed   whether s has all squares and products of q
    """

    def __init__(self, rows: RowStandardization) -> None:
        self._varying = rows.varying
        num_varying = len(rows.kept[rows.varying])
        self.has_coordinates = rows.has_coordinates and num_varying > 0
        self.is_crossed = self.has_coordinates and num_varying <= MAX_CROSSED
        num_first = num_varying if self.has_coordinates else 1
        num_second = num_first * (num_first + 1) // 2 if self.is_crossed else 2
        self.coordinates = range(1, 1 + num_first)
        self.second = range(1 + num_first, 1 + num_first + num_second)
        self.square = self.second.stop
        self.last = self.square + 1

    def of(self, rows: StandardizedRows) -> tuple[Floats, Floats]:
        """Return the columns q, s and u² of some rows as a matrix, and u."""
        A = np.empty((len(rows.residuals), self.square), order="F")
        first = [rows.fitted]
        if self.has_coordinates:
            assert rows.coordinates is not None
            first = list(rows.coordinates[self._varying])
        second = [rows.fitted, rows.fitted * rows.fitted]
        if self.is_crossed:
            second = [q * other for i, q in enumerate(first) for other in first[i:]]
        for column, values in enumerate([*first, *second, rows.residuals * rows.residuals]):
            A[:, column] = values
        return A, rows.residuals


class FitColumns:
    """[1 √w·q √w·a u] of rows, for regressions that add columns a to those of the fit.

    coordinates  where √w·q is, of all coefficients
    added        where √w·a is
    """

    def __init__(self, rows: RowStandardization, num_added: int) -> None:
        self.coordinates = range(1, 1 + len(rows.kept))
        self.added = range(1 + len(rows.kept), 1 + len(rows.kept) + num_added)
        self.last = self.added.stop

    def of(self, rows: StandardizedRows, added: Sequence[Floats]) -> tuple[Floats, Floats]:
        """Return the columns √w·q and a, which come with their weights, as a matrix, and u."""
        A = np.empty((len(rows.residuals), self.last - 1), order="F")
        assert rows.coordinates is not None
        for column, values in enumerate(rows.coordinates):
            A[:, column] = values if rows.roots is None else rows.roots * values
        for position, values in zip(self.added, added, strict=True):
            A[:, position - 1] = values
        return A, rows.residuals


def merged_over_shards(own: Sequence[Floats], num_columns: int, workers: Workers) -> Moments:
    """Return the moments of all shards, of which this process has its own as arrays.

    num_columns  of the matrices that they are sums of
    """
    length = len(no_moments(num_columns, 0).as_array())
    gathered = np.concatenate(workers.gather_array(np.concatenate([np.empty(0), *own])))
    total = no_moments(num_columns, 0)
    for values in gathered.reshape(-1, length):
        total = total.merged(Moments.from_array(num_columns, values))
    return total
