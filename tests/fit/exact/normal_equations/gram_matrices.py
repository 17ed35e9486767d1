"""Gram matrices whose factorization is known."""

from decimal import Decimal
from fractions import Fraction

import numpy as np

from linreg.fit.exact.normal_equations.ldl import ColumnRounding, times_power_of_two

Rows = list[list[Fraction]]


def nearly_collinear(num_rows: int = 40, num_columns: int = 12) -> Rows:
    """Rows whose column 4 is the sum of columns 0 and 1 but for 1e-9 of it.

    Column 7 is twice column 3, and the last one is column 0 less a quarter of column 2.
    """
    random = np.random.default_rng(1)
    X = random.standard_normal((num_rows, num_columns)) + 3
    X[:, 4] = X[:, 0] + X[:, 1] + 1e-9 * X[:, 4]
    rows = [list(map(Fraction, row)) for row in X.tolist()]
    return [[*row[:7], 2 * row[3], *row[8:], row[0] - row[2] / 4] for row in rows]


KEPT = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]


def gram_of(rows: Rows) -> list[list[Decimal]]:
    """The lower triangle of the Gram matrix, to 60 digits."""
    gram = []
    for i in range(len(rows[0])):
        sums = [sum((row[i] * row[j] for row in rows), Fraction(0)) for j in range(i + 1)]
        gram.append([times_power_of_two(value, 0) for value in sums])
    return gram


def exact_cells(gram: list[list[Decimal]]) -> list[ColumnRounding]:
    """The roundings of columns without any in their cells."""
    return [ColumnRounding(0.0, float(row[-1].sqrt())) for row in gram]
