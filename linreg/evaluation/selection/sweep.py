"""The sweep operator: least squares with any of the columns, from the moments alone.

For a model with the columns I, and others O that it leaves out, the table is

    ⎡ A_II⁻¹      A_II⁻¹·A_IO                β_I ⎤      A = XᵀWX, β_I the coefficients,
    ⎢ −A_OI·A_II⁻¹  A_OO − A_OI·A_II⁻¹·A_IO  g_O ⎥      g_O = X_OᵀW·r of the residuals r,
    ⎣ −β_Iᵀ       g_Oᵀ                       RSS ⎦

and sweeping a column takes it in, or out again. Terms that are swept one after the other give the
sequential sums of squares, blocks of the table any others (J. Goodnight, The American Statistician
33, 1979). All numbers are in double-double, as vectors of numpy, whose sums are the same on every
CPU; the table begins with the full model, whose digits are known (`LeastSquares`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from linreg.arrays import Floats
from linreg.fit.exact.double_double.sum_numpy import product_error, two_sum
from linreg.fit.exact.normal_equations.ldl import from_double_double


@dataclass(frozen=True)
class SweptTable:
    """The table of a model, (2, p + 1, p + 1) in double-double; y has the last row and column."""

    table: Floats

    @classmethod
    def of_solution(cls, W: Floats, beta: Floats, rss: tuple[float, float]) -> "SweptTable":
        """Return the table of a model with all p columns.

        W     (2, p, p) with W·Wᵀ = A⁻¹
        beta  (2, p)
        """
        p = beta.shape[1]
        table = np.zeros((2, p + 1, p + 1))
        for k in range(p):
            table[:, :p, :p] = _plus_outer(table[:, :p, :p], W[:, :, k], W[:, :, k])
        table[:, :p, p] = beta
        table[:, p, :p] = -beta
        table[:, p, p] = rss
        return cls(table)

    @property
    def rss(self) -> Decimal:
        """The residual sum of squares."""
        return from_double_double(self.table[:, -1, -1].tolist())

    def swept(self, columns: Sequence[int]) -> "SweptTable":
        """Return the table with columns taken in that are out, and out that are in."""
        table = self.table
        for k in columns:
            pivot = table[:, k, k]
            row = _divided(table[:, k, :], pivot)
            column = table[:, :, k].copy()
            table = _plus_outer(table, -column, row)
            table[:, k, :] = row
            table[:, :, k] = -_divided(column, pivot)
            table[:, k, k] = _divided(np.array([[1.0], [0.0]]), pivot)[:, 0]
        return SweptTable(table)

    def sum_of_squares(self, columns: Sequence[int]) -> Decimal:
        """Return by how much the residual sum of squares changes when columns are swept, ≥ 0.

        The columns are either all in the model or all out of it.
        """
        chosen = [*columns, self.table.shape[1] - 1]
        block = self.table[np.ix_([0, 1], chosen, chosen)]
        block[:, -1, -1] = 0.0
        swept = SweptTable(block).swept(range(len(columns)))
        return abs(swept.rss)


def _divided(A: Floats, d: Floats) -> Floats:
    """Return A (2, n) divided by d (2,)."""
    high, divisor = A[0] / d[0], np.full(A.shape[1], d[0])
    p = high * divisor
    remainder = (A[0] - p) - product_error(high, divisor, p)
    low = (remainder + (A[1] - high * d[1])) / d[0]
    return np.stack(two_sum(high, low))


def _plus_outer(A: Floats, x: Floats, y: Floats) -> Floats:
    """Return A (2, n, m) + x·yᵀ for x (2, n) and y (2, m)."""
    left, right = np.broadcast_arrays(x[0][:, None], y[0])
    p = left * right
    e = product_error(left, right, p) + (left * y[1] + x[1][:, None] * right)
    s, rounding = two_sum(A[0], p)
    return np.stack(two_sum(s, rounding + (A[1] + e)))
